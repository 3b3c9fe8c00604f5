"""Every case of the coverage table: operations that a survey of models met, and their neighbours."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn
from torch_coverage_case import IMAGE, LABELS, LOSSES, PARAMETERS, REFUSED, SEQUENCE, VOLUME, Case, Function
from torch_coverage_functions import arrays, elementwise


def recurrent(kind: type[nn.RNNBase], **options: Any) -> Any:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = kind(4, 3, batch_first=True, **options)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.cell(x)[0]

    return Net


def embedding(**options: Any) -> Any:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.head = nn.Embedding(6, 3, **options), nn.Linear(3, 2)

        def forward(self, found: torch.Tensor) -> torch.Tensor:
            return self.head(self.table(found))

    return Net


def probabilities(count: int = 4) -> torch.Tensor:
    return torch.rand(3, count).softmax(-1)


def layers() -> dict[str, Case]:
    sequences = torch.randn(2, 3, 4)
    found = torch.tensor([[1, 0, 5], [2, 2, 0]])
    applied: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
        "linear": (nn.Linear(4, 2), (3, 4)),
        "bilinear layer": (nn.Bilinear(4, 4, 2), (3, 4)),
        "conv1d": (nn.Conv1d(5, 2, 3), SEQUENCE),
        "conv2d": (nn.Conv2d(3, 2, 3, padding=1), IMAGE),
        "conv2d depthwise": (nn.Conv2d(3, 6, 3, groups=3), IMAGE),
        "conv2d dilated": (nn.Conv2d(3, 2, 2, dilation=2, stride=2), IMAGE),
        "conv2d same": (nn.Conv2d(3, 2, 3, padding="same"), IMAGE),
        "conv2d reflect": (nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect"), IMAGE),
        "conv3d": (nn.Conv3d(2, 1, 2), VOLUME),
        "conv transpose 2d": (nn.ConvTranspose2d(3, 2, 2, stride=2), IMAGE),
        "weight norm": (nn.utils.parametrizations.weight_norm(nn.Linear(4, 2)), (3, 4)),
        "prelu layer": (nn.PReLU(), (3, 4)),
        "multi-head attention": (Attention(), SEQUENCE),
        "encoder layer": (Encoder(), SEQUENCE),
    }
    applied["bilinear layer"] = (Twice(nn.Bilinear(4, 4, 2)), (3, 4))
    cases = {name: Case(PARAMETERS, module, shape) for name, (module, shape) in applied.items()}
    cells: dict[str, Any] = {
        "rnn": recurrent(nn.RNN),
        "rnn relu": recurrent(nn.RNN, nonlinearity="relu"),
        "lstm": recurrent(nn.LSTM),
        "gru": recurrent(nn.GRU),
        "lstm two layers": recurrent(nn.LSTM, num_layers=2),
        "lstm bidirectional": recurrent(nn.LSTM, bidirectional=True),
        "gru bidirectional": recurrent(nn.GRU, bidirectional=True),
        "lstm projected": recurrent(nn.LSTM, proj_size=2),
    }
    cases |= {name: Case(PARAMETERS, None, inputs=sequences, module=module) for name, module in cells.items()}
    tables: dict[str, Any] = {"embedding": embedding(), "embedding padding_idx": embedding(padding_idx=0)}
    cases |= {name: Case(PARAMETERS, None, inputs=found, module=module) for name, module in tables.items()}
    return cases | {"embedding max_norm": Case(REFUSED, None, inputs=found, module=embedding(max_norm=1.0))}


class Twice(nn.Module):
    """A module of two arguments on one."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.module(x, x.flip(0))


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(x)


def losses() -> dict[str, Case]:
    same: Function = torch.tanh
    signs = torch.tensor([[1.0, -1.0, 1.0, 1.0]] * 3)
    given: dict[str, tuple[Function, Any, Any]] = {
        "mse": (same, "mse", None),
        "cross-entropy": (same, "cross_entropy", LABELS),
        "cross-entropy of probabilities": (same, "cross_entropy", probabilities()),
        "cross-entropy with smoothing": (same, nn.CrossEntropyLoss(label_smoothing=0.1), LABELS),
        "cross-entropy with weights": (same, nn.CrossEntropyLoss(weight=torch.arange(1.0, 5.0)), LABELS),
        "cross-entropy with weights and smoothing": (
            same,
            nn.CrossEntropyLoss(weight=torch.arange(1.0, 5.0), label_smoothing=0.1),
            LABELS,
        ),
        "cross-entropy of probabilities with weights": (
            same,
            nn.CrossEntropyLoss(weight=torch.arange(1.0, 5.0)),
            probabilities(),
        ),
        "nll on log softmax": (lambda x: x.log_softmax(1), "nll", LABELS),
        "bce with logits": (same, "binary_cross_entropy_with_logits", probabilities()),
        "bce": (torch.sigmoid, "binary_cross_entropy", probabilities()),
        "bce with weights": (torch.sigmoid, nn.BCELoss(weight=torch.rand(3, 4)), probabilities()),
        "kl div": (lambda x: x.log_softmax(1), nn.KLDivLoss(reduction="batchmean"), probabilities()),
        "kl div of logarithms": (
            lambda x: x.log_softmax(1),
            nn.KLDivLoss(reduction="batchmean", log_target=True),
            probabilities().log(),
        ),
        "kl div with zeros": (lambda x: x.log_softmax(1), "kl_div", torch.eye(3, 4)),
        "huber": (same, "huber", None),
        "smooth l1": (same, "smooth_l1", None),
        "poisson nll": (same, nn.PoissonNLLLoss(), torch.rand(3, 4)),
        "poisson nll in full": (same, nn.PoissonNLLLoss(full=True), torch.tensor([[0.0, 1.0, 3.0, 7.0]] * 3)),
        "gaussian nll": (same, lambda x, t: F.gaussian_nll_loss(x, t, x.exp()), None),
        "soft margin": (same, "soft_margin", signs),
        "hinge embedding": (same, nn.HingeEmbeddingLoss(), signs),
        "multi margin": (same, nn.MultiMarginLoss(), LABELS),
        "multilabel soft margin": (same, nn.MultiLabelSoftMarginLoss(), torch.eye(3, 4)),
        "margin ranking": (same, lambda x, t: F.margin_ranking_loss(x[0], x[1], t), signs[0]),
        "triplet margin": (same, lambda x, t: F.triplet_margin_loss(x, x.flip(0), t), torch.rand(3, 4) + 3),
        "cosine embedding": (
            same,
            lambda x, t: F.cosine_embedding_loss(x, x.flip(1), t),
            torch.tensor([1.0, -1.0, 1.0]),
        ),
        "ctc": (
            lambda x: x.log_softmax(1)[:, None],
            lambda x, t: F.ctc_loss(x, t, torch.tensor([3]), torch.tensor([2])),
            torch.tensor([[1, 2]]),
        ),
    }
    return {
        name: Case(LOSSES, function, loss=loss, targets=targets) for name, (function, loss, targets) in given.items()
    }


def refused() -> dict[str, Case]:
    by_design: dict[str, Function | nn.Module] = {
        "dropout in training": nn.Dropout(0.5),
        "random numbers": lambda x: x + torch.rand_like(x),
        "detach": lambda x: x * x.detach(),
        "round": lambda x: x + (x.round() - x).detach(),
        "hardshrink": F.hardshrink,
        "sign": lambda x: x.sign() + x,
        "floor": lambda x: x.floor() + x,
        "rrelu in training": nn.RReLU(),
        "step by comparison": lambda x: x * (x > 0.1),
        "cast to float32": lambda x: x.float(),
        "data-dependent branch": lambda x: x if bool(x.sum() > 0) else -x,
    }
    cases = {name: Case(REFUSED, function) for name, function in by_design.items()}
    return cases | {"l1": Case(REFUSED, torch.tanh, loss="l1")}


def cases() -> dict[str, Case]:
    """Return every case by name."""
    torch.manual_seed(0)
    return layers() | arrays() | elementwise() | losses() | refused()
