"""One small module for every operation of PyTorch that a survey of practitioners' models met, and for its neighbours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn

Function = Callable[[torch.Tensor], torch.Tensor]


class Applied(nn.Module):
    """A function, or a module, of what a dense layer returns, in any shape."""

    def __init__(self, function: Function | nn.Module, shape: tuple[int, ...] = (3, 4)) -> None:
        super().__init__()
        self.layer, self.function, self.shape = nn.Linear(4, torch.Size(shape).numel()), function, shape

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(self.layer(x[0]).reshape(self.shape))


@dataclass
class Case:
    """A group of the survey, a module's function, and the loss; targets are random unless given."""

    group: str
    function: Any
    shape: tuple[int, ...] = (3, 4)
    loss: Any = "mse"
    targets: Any = None
    inputs: Any = None
    module: Any = None


IMAGE, SEQUENCE, VOLUME = (2, 3, 4, 6), (2, 5, 4), (1, 2, 4, 4, 4)
LINEAR, PARAMETERS, PRODUCTS = "linear, no parameters", "parameter times activation", "activation times activation"
SMOOTH, KINKED, COUPLED, SHAPES, LOSSES = "smooth elementwise", "with kinks", "coupled", "shapes", "losses"
REFUSED = "refused by design"
LABELS = torch.tensor([0, 2, 1])


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


def elementwise() -> dict[str, Case]:
    smooth: dict[str, Function] = {
        "tanh": torch.tanh, "sigmoid": torch.sigmoid, "gelu": F.gelu, "gelu tanh": lambda x: F.gelu(x, approximate="tanh"),
        "silu": F.silu, "softplus": F.softplus, "mish": F.mish, "exp": torch.exp, "expm1": torch.expm1, "exp2": torch.exp2,
        "log": lambda x: (x.square() + 1).log(), "log1p": lambda x: x.square().log1p(),
        "log2": lambda x: (x.square() + 1).log2(), "log10": lambda x: (x.square() + 1).log10(),
        "sin": torch.sin, "cos": torch.cos, "tan": lambda x: torch.tan(x / 4), "atan": torch.atan, "sinh": torch.sinh,
        "cosh": torch.cosh, "asinh": torch.asinh, "acosh": lambda x: (x.square() + 2).acosh(),
        "atanh": lambda x: (x / 9).atanh(), "asin": lambda x: (x / 9).asin(), "acos": lambda x: (x / 9).acos(),
        "erf": torch.erf, "erfc": torch.erfc, "div": lambda x: x / (x.square() + 1), "reciprocal": lambda x: 1 / (x + 9),
        "sqrt": lambda x: (x.square() + 1).sqrt(), "rsqrt": lambda x: (x.square() + 1).rsqrt(), "square": torch.square,
        "pow 3": lambda x: x**3, "pow 1.5": lambda x: (x.square() + 1) ** 1.5, "2 ** x": lambda x: 2**x,
        "x ** y": lambda x: (x.square() + 1) ** x, "logsigmoid": F.logsigmoid, "tanhshrink": F.tanhshrink,
        "logaddexp": lambda x: torch.logaddexp(x, x.flip(1)), "hypot": lambda x: torch.hypot(x, x.flip(1) + 9),
        "xlogy": lambda x: torch.xlogy(x, x.square() + 1), "addcmul": lambda x: torch.addcmul(x, x, x, value=0.5),
        "addcdiv": lambda x: torch.addcdiv(x, x, x.square() + 1), "lerp": lambda x: torch.lerp(x, x.flip(1), 0.25),
        "atan2": lambda x: torch.atan2(x, x.square() + 1), "erfinv": lambda x: (x / 9).erfinv(), "sinc": torch.sinc,
    }  # fmt: skip
    kinked: dict[str, Function] = {
        "relu": F.relu, "relu6": F.relu6, "leaky relu": F.leaky_relu, "elu": F.elu, "selu": F.selu, "celu": F.celu,
        "celu 2": lambda x: F.celu(x, 2.0), "prelu": lambda x: F.prelu(x, torch.full((4,), 0.25, dtype=x.dtype)),
        "hardtanh": F.hardtanh, "hardsigmoid": F.hardsigmoid, "hardswish": F.hardswish, "softshrink": F.softshrink,
        "softsign": F.softsign, "abs": torch.abs, "clamp": lambda x: x.clamp(-0.3, 0.4),
        "threshold 0": lambda x: F.threshold(x, 0.0, 0.0), "maximum": lambda x: torch.maximum(x, x.flip(1)),
        "minimum": lambda x: torch.minimum(x, x.flip(1)), "amax": lambda x: x.amax(1), "amin": lambda x: x.amin((0, 1)),
        "max along": lambda x: x.max(1).values, "l1 norm": lambda x: x.norm(1, dim=1),
        "largest norm": lambda x: torch.linalg.vector_norm(x, float("inf"), dim=1),
        "top-k": lambda x: x.topk(2).values, "sort": lambda x: x.sort().values, "median": lambda x: x.median(1).values,
    }  # fmt: skip
    cases = {name: Case(SMOOTH, function) for name, function in smooth.items()}
    return cases | {name: Case(KINKED, function) for name, function in kinked.items()}


def arrays() -> dict[str, Case]:
    linear: dict[str, tuple[Function, tuple[int, ...]]] = {
        "add": (lambda x: x + x.flip(0), (3, 4)), "sub": (lambda x: 1 - x, (3, 4)), "cat": (lambda x: torch.cat([x, x], 1), (3, 4)),
        "stack": (lambda x: torch.stack([x, x]), (3, 4)), "sum": (lambda x: x.sum(1), (3, 4)), "mean": (lambda x: x.mean(0), (3, 4)),
        "cumsum": (lambda x: x.cumsum(1), (3, 4)), "diff": (lambda x: x.diff(dim=1), (3, 4)),
        "pad": (lambda x: F.pad(x, (1, 2), value=3.0), (3, 4)), "pad reflect": (lambda x: F.pad(x, (1, 2, 1, 1), mode="reflect"), IMAGE),
        "pad replicate": (lambda x: F.pad(x, (1, 2, 1, 0), mode="replicate"), IMAGE),
        "pad circular": (lambda x: F.pad(x, (1, 2, 1, 0), mode="circular"), IMAGE),
        "avg pool": (lambda x: F.avg_pool2d(x, 2), IMAGE),
        "avg pool ceil": (lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), IMAGE),
        "avg pool without padding": (lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), IMAGE),
        "avg pool divisor": (lambda x: F.avg_pool2d(x, 2, divisor_override=3), IMAGE),
        "adaptive avg pool": (lambda x: F.adaptive_avg_pool2d(x, (2, 3)), IMAGE),
        "adaptive avg pool uneven": (lambda x: F.adaptive_avg_pool2d(x, (3, 4)), IMAGE),
        "upsample nearest": (lambda x: F.interpolate(x, scale_factor=2), IMAGE),
        "upsample nearest uneven": (lambda x: F.interpolate(x, size=(5, 7)), IMAGE),
        "upsample bilinear": (lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"), IMAGE),
        "upsample bilinear corners": (lambda x: F.interpolate(x, size=(7, 9), mode="bilinear", align_corners=True), IMAGE),
        "upsample bicubic": (lambda x: F.interpolate(x, size=(7, 9), mode="bicubic"), IMAGE),
        "upsample linear": (lambda x: F.interpolate(x, size=7, mode="linear"), SEQUENCE),
        "upsample trilinear": (lambda x: F.interpolate(x, scale_factor=2, mode="trilinear"), VOLUME),
        "pixel shuffle": (lambda x: F.pixel_shuffle(x, 2), (1, 4, 2, 3)),
        "unfold": (lambda x: F.unfold(x, 2), IMAGE), "fold": (lambda x: F.fold(x, (3, 3), 2), (1, 8, 4)),
    }  # fmt: skip
    kinked = {
        "max pool": (lambda x: F.max_pool2d(x, 2), IMAGE), "max pool padded": (lambda x: F.max_pool2d(x, 3, 2, 1), IMAGE),
        "max pool ceil": (lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), IMAGE),
        "adaptive max pool": (lambda x: F.adaptive_max_pool2d(x, (2, 3)), IMAGE),
        "adaptive max pool uneven": (lambda x: F.adaptive_max_pool2d(x, (3, 4)), IMAGE),
        "adaptive max pool 1d": (lambda x: F.adaptive_max_pool1d(x, 3), SEQUENCE),
    }  # fmt: skip
    products: dict[str, tuple[Function, tuple[int, ...]]] = {
        "mul": (lambda x: x * x.flip(1), (3, 4)), "matmul": (lambda x: x @ x.T, (3, 4)), "bmm": (lambda x: torch.bmm(x, x.mT), SEQUENCE),
        "einsum": (lambda x: torch.einsum("nij,nkj->nik", x, x), SEQUENCE), "outer": (lambda x: torch.outer(x[0], x[1]), (3, 4)),
        "attention": (lambda x: F.scaled_dot_product_attention(x, x, x), SEQUENCE),
        "causal attention": (lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True), SEQUENCE),
        "glu": (lambda x: F.glu(x, 1), (3, 4)), "cross": (lambda x: torch.linalg.cross(x[:, :3], x[:, 1:]), (3, 4)),
        "cosine similarity": (lambda x: F.cosine_similarity(x, x.flip(1)), (3, 4)), "prod": (lambda x: x.prod(1), (3, 4)),
        "cumprod": (lambda x: x.cumprod(1), (3, 4)), "cdist": (lambda x: torch.cdist(x, x.flip(1) + 9), (3, 4)),
        "pairwise distance": (lambda x: F.pairwise_distance(x, x.flip(1) + 1), (3, 4)),
    }  # fmt: skip
    coupled: dict[str, tuple[Any, tuple[int, ...]]] = {
        "softmax": (lambda x: x.softmax(1), (3, 4)), "softmin": (lambda x: F.softmin(x, 0), (3, 4)),
        "log softmax": (lambda x: x.log_softmax(1), (3, 4)), "logsumexp": (lambda x: x.logsumexp(1), (3, 4)),
        "logcumsumexp": (lambda x: x.logcumsumexp(1), (3, 4)), "norm": (lambda x: x.norm(dim=1), (3, 4)),
        "normalize": (lambda x: F.normalize(x, dim=1), (3, 4)), "var": (lambda x: x.var(1), (3, 4)), "std": (lambda x: x.std(1), (3, 4)),
        "layer norm": (nn.LayerNorm(4), (3, 4)), "rms norm": (nn.RMSNorm(4), (3, 4)), "group norm": (nn.GroupNorm(1, 3), IMAGE),
        "instance norm": (nn.InstanceNorm2d(3, affine=True), IMAGE), "batch norm": (nn.BatchNorm2d(3), IMAGE),
        "batch norm in evaluation": (nn.BatchNorm2d(3).eval(), IMAGE),
        "local response norm": (nn.LocalResponseNorm(2), IMAGE),
    }  # fmt: skip
    shapes: dict[str, Function] = {
        "view": lambda x: x.view(2, 6), "reshape": lambda x: x.reshape(-1), "permute": lambda x: x.permute(1, 0), "transpose": torch.t,
        "flatten": torch.flatten, "unsqueeze": lambda x: x[:, None], "squeeze": lambda x: x[:, :1].squeeze(1), "expand": lambda x: x[:, None].expand(3, 2, 4),
        "repeat": lambda x: x.repeat(2, 1), "repeat interleave": lambda x: x.repeat_interleave(2, 1), "tile": lambda x: x.tile(2, 2),
        "slice": lambda x: x[:, 1:], "select": lambda x: x[1], "split": lambda x: x.split(2, 1)[1], "chunk": lambda x: x.chunk(2, 1)[0],
        "unbind": lambda x: x.unbind(0)[1], "index": lambda x: x[[0, 2]], "index select": lambda x: x.index_select(1, LABELS),
        "gather": lambda x: x.gather(1, LABELS[:, None]), "flip": lambda x: x.flip(1), "roll": lambda x: x.roll(1, 1),
        "masked fill": lambda x: x.masked_fill(torch.eye(3, 4, dtype=torch.bool), 0.0), "tril": lambda x: x.tril(), "triu": lambda x: x.triu(1),
        "where": lambda x: torch.where(torch.eye(3, 4) > 0, x, -x), "diagonal": lambda x: x.diagonal(), "diag embed": lambda x: x[0].diag_embed(),
        "scatter add": lambda x: torch.zeros(3, 2, dtype=x.dtype).scatter_add(1, torch.tensor([[0, 1, 1, 0]] * 3), x),
        "scatter": lambda x: torch.zeros(3, 5, dtype=x.dtype).scatter(1, torch.tensor([[0, 1, 3, 4]] * 3), x),
        "meshgrid": lambda x: torch.meshgrid(x[0], x[1], indexing="ij")[0], "movedim": lambda x: x.movedim(0, 1), "rot90": lambda x: x.rot90(),
    }  # fmt: skip
    cases: dict[str, Case] = {}
    for group, members in ((LINEAR, linear), (KINKED, kinked), (PRODUCTS, products), (COUPLED, coupled)):
        cases |= {name: Case(group, function, shape) for name, (function, shape) in members.items()}  # type: ignore[attr-defined]
    return cases | {name: Case(SHAPES, function) for name, function in shapes.items()}


def layers() -> dict[str, Case]:
    sequences = torch.randn(2, 3, 4)
    found = torch.tensor([[1, 0, 5], [2, 2, 0]])
    applied: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
        "linear": (nn.Linear(4, 2), (3, 4)), "bilinear layer": (nn.Bilinear(4, 4, 2), (3, 4)), "conv1d": (nn.Conv1d(5, 2, 3), SEQUENCE),
        "conv2d": (nn.Conv2d(3, 2, 3, padding=1), IMAGE), "conv2d depthwise": (nn.Conv2d(3, 6, 3, groups=3), IMAGE),
        "conv2d dilated": (nn.Conv2d(3, 2, 2, dilation=2, stride=2), IMAGE), "conv2d same": (nn.Conv2d(3, 2, 3, padding="same"), IMAGE),
        "conv2d reflect": (nn.Conv2d(3, 2, 3, padding=1, padding_mode="reflect"), IMAGE), "conv3d": (nn.Conv3d(2, 1, 2), VOLUME),
        "conv transpose 2d": (nn.ConvTranspose2d(3, 2, 2, stride=2), IMAGE), "weight norm": (nn.utils.parametrizations.weight_norm(nn.Linear(4, 2)), (3, 4)),
        "prelu layer": (nn.PReLU(), (3, 4)), "multi-head attention": (Attention(), SEQUENCE), "encoder layer": (Encoder(), SEQUENCE),
    }  # fmt: skip
    applied["bilinear layer"] = (Twice(nn.Bilinear(4, 4, 2)), (3, 4))
    cases = {name: Case(PARAMETERS, module, shape) for name, (module, shape) in applied.items()}
    cells: dict[str, Any] = {
        "rnn": recurrent(nn.RNN), "rnn relu": recurrent(nn.RNN, nonlinearity="relu"), "lstm": recurrent(nn.LSTM), "gru": recurrent(nn.GRU),
        "lstm two layers": recurrent(nn.LSTM, num_layers=2), "lstm bidirectional": recurrent(nn.LSTM, bidirectional=True),
        "gru bidirectional": recurrent(nn.GRU, bidirectional=True), "lstm projected": recurrent(nn.LSTM, proj_size=2),
    }  # fmt: skip
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
        "mse": (same, "mse", None), "cross-entropy": (same, "cross_entropy", LABELS), "cross-entropy of probabilities": (same, "cross_entropy", probabilities()),
        "cross-entropy with smoothing": (same, nn.CrossEntropyLoss(label_smoothing=0.1), LABELS),
        "cross-entropy with weights": (same, nn.CrossEntropyLoss(weight=torch.arange(1.0, 5.0)), LABELS),
        "cross-entropy with weights and smoothing": (same, nn.CrossEntropyLoss(weight=torch.arange(1.0, 5.0), label_smoothing=0.1), LABELS),
        "cross-entropy of probabilities with weights": (same, nn.CrossEntropyLoss(weight=torch.arange(1.0, 5.0)), probabilities()),
        "nll on log softmax": (lambda x: x.log_softmax(1), "nll", LABELS), "bce with logits": (same, "binary_cross_entropy_with_logits", probabilities()),
        "bce": (torch.sigmoid, "binary_cross_entropy", probabilities()), "bce with weights": (torch.sigmoid, nn.BCELoss(weight=torch.rand(3, 4)), probabilities()),
        "kl div": (lambda x: x.log_softmax(1), nn.KLDivLoss(reduction="batchmean"), probabilities()),
        "kl div of logarithms": (lambda x: x.log_softmax(1), nn.KLDivLoss(reduction="batchmean", log_target=True), probabilities().log()),
        "kl div with zeros": (lambda x: x.log_softmax(1), "kl_div", torch.eye(3, 4)),
        "huber": (same, "huber", None), "smooth l1": (same, "smooth_l1", None), "poisson nll": (same, nn.PoissonNLLLoss(), torch.rand(3, 4)),
        "poisson nll in full": (same, nn.PoissonNLLLoss(full=True), torch.tensor([[0.0, 1.0, 3.0, 7.0]] * 3)),
        "gaussian nll": (same, lambda x, t: F.gaussian_nll_loss(x, t, x.exp()), None), "soft margin": (same, "soft_margin", signs),
        "hinge embedding": (same, nn.HingeEmbeddingLoss(), signs), "multi margin": (same, nn.MultiMarginLoss(), LABELS),
        "multilabel soft margin": (same, nn.MultiLabelSoftMarginLoss(), torch.eye(3, 4)),
        "margin ranking": (same, lambda x, t: F.margin_ranking_loss(x[0], x[1], t), signs[0]),
        "triplet margin": (same, lambda x, t: F.triplet_margin_loss(x, x.flip(0), t), torch.rand(3, 4) + 3),
        "cosine embedding": (same, lambda x, t: F.cosine_embedding_loss(x, x.flip(1), t), torch.tensor([1.0, -1.0, 1.0])),
        "ctc": (lambda x: x.log_softmax(1)[:, None], lambda x, t: F.ctc_loss(x, t, torch.tensor([3]), torch.tensor([2])), torch.tensor([[1, 2]])),
    }  # fmt: skip
    return {name: Case(LOSSES, function, loss=loss, targets=targets) for name, (function, loss, targets) in given.items()}


def refused() -> dict[str, Case]:
    by_design: dict[str, Function | nn.Module] = {
        "dropout in training": nn.Dropout(0.5), "random numbers": lambda x: x + torch.rand_like(x), "detach": lambda x: x * x.detach(),
        "round": lambda x: x + (x.round() - x).detach(), "hardshrink": F.hardshrink, "sign": lambda x: x.sign() + x, "floor": lambda x: x.floor() + x,
        "rrelu in training": nn.RReLU(), "step by comparison": lambda x: x * (x > 0.1), "cast to float32": lambda x: x.float(),
        "data-dependent branch": lambda x: x if bool(x.sum() > 0) else -x,
    }  # fmt: skip
    cases = {name: Case(REFUSED, function) for name, function in by_design.items()}
    return cases | {"l1": Case(REFUSED, torch.tanh, loss="l1")}


def cases() -> dict[str, Case]:
    """Return every case by name."""
    torch.manual_seed(0)
    return layers() | arrays() | elementwise() | losses() | refused()
