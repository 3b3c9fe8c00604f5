"""Networks for digits and for text made here, as PyTorch modules in float64: what `graph_training.py` trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from sklearn.datasets import load_digits
from torch import nn

ALPHABET, LENGTH = 20, 16


@dataclass(frozen=True)
class Case:
    """A module, its data and its loss."""

    module: nn.Module
    inputs: torch.Tensor
    targets: torch.Tensor

    def loss(self) -> torch.Tensor:
        """Mean cross-entropy of all predictions."""
        return cross_entropy(self.module(self.inputs), self.targets)


def cross_entropy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Of one class a sample, or of one a place of a text."""
    return F.cross_entropy(outputs.flatten(0, -2), targets.flatten())


def digits(count: int, shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    """The first samples of scikit-learn's digits, between 0 and 1."""
    data: Any = load_digits()
    x = torch.tensor(data.data[:count] / 16.0).reshape(count, *shape)
    return x, torch.tensor(data.target[:count])


def texts(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Walks on a random sparse chain of letters, and the next letter at every place."""
    rng = np.random.default_rng(0)
    chain = rng.dirichlet(np.full(ALPHABET, 0.15), size=ALPHABET)
    walks = np.empty((count, LENGTH + 1), dtype=np.int64)
    walks[:, 0] = rng.integers(ALPHABET, size=count)
    for k in range(LENGTH):
        walks[:, k + 1] = [rng.choice(ALPHABET, p=chain[letter]) for letter in walks[:, k]]
    return torch.tensor(walks[:, :-1]), torch.tensor(walks[:, 1:])


class Block(nn.Module):
    """A pre-normalised transformer block."""

    def __init__(self, width: int, heads: int, causal: bool) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.project = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(approximate="tanh"), nn.Linear(2 * width, width))

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        n, t, d = h.shape
        parts = self.qkv(self.norm1(h)).chunk(3, dim=-1)
        q, k, v = (part.view(n, t, self.heads, d // self.heads).transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        h = h + self.project(mixed.transpose(1, 2).reshape(n, t, d))
        return h + self.mlp(self.norm2(h))


class Transformer(nn.Module):
    """The rows of a digit as words."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.position = nn.Linear(8, 16), nn.Parameter(0.1 * torch.randn(8, 16))
        self.block, self.head = Block(16, 2, causal=False), nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.block(self.embed(x) + self.position).mean(1))


class TiedGPT(nn.Module):
    """A causal block between tied embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(ALPHABET, 16), nn.Embedding(LENGTH, 16)
        self.block, self.norm = Block(16, 2, causal=True), nn.LayerNorm(16)
        self.head = nn.Linear(16, ALPHABET, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        h = self.tokens(ids) + self.positions(torch.arange(ids.shape[1]))
        return self.head(self.norm(self.block(h)))


class Recurrent(nn.Module):
    """An LSTM over the rows of a digit."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.LSTM(8, 16, batch_first=True), nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.cell(x)[0][:, -1])


def _convolutions(norm: Callable[[int], nn.Module], activation: type[nn.Module], pool: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), norm(8), activation(), pool,
        nn.Conv2d(8, 16, 3, padding=1), norm(16), activation(), nn.AdaptiveAvgPool2d(2),
        nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def _case(make: Callable[[], nn.Module], data: tuple[torch.Tensor, torch.Tensor]) -> Case:
    torch.manual_seed(0)
    return Case(make().double(), *data)


CASES: dict[str, Callable[[], Case]] = {
    "softmax MLP 64-48-10, tanh": lambda: _case(
        lambda: nn.Sequential(nn.Linear(64, 48), nn.Tanh(), nn.Linear(48, 10)), digits(300, (64,))
    ),
    "transformer block": lambda: _case(Transformer, digits(120, (8, 8))),
    "LSTM, 8 steps": lambda: _case(Recurrent, digits(150, (8, 8))),
    "tied GPT block": lambda: _case(TiedGPT, texts(40)),
    "GroupNorm convolutions, SiLU": lambda: _case(
        lambda: _convolutions(lambda c: nn.GroupNorm(4, c), nn.SiLU, nn.AvgPool2d(2)), digits(100, (1, 8, 8))
    ),
    "BatchNorm convolutions, SiLU": lambda: _case(
        lambda: _convolutions(nn.BatchNorm2d, nn.SiLU, nn.AvgPool2d(2)), digits(100, (1, 8, 8))
    ),
    "ReLU MLP 64-48-48-10": lambda: _case(
        lambda: nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 10)),
        digits(300, (64,)),
    ),
    "ReLU and max-pool convolutions": lambda: _case(
        lambda: _convolutions(lambda c: nn.Identity(), nn.ReLU, nn.MaxPool2d(2)), digits(100, (1, 8, 8))
    ),
}
"""Every network by its name, made afresh with the same weights at every call."""
