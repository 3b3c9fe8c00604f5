"""Gated recurrent unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from verify.graph.tensor import Tensor
from verify.layers.recurrent import Recurrent, sigmoid, tanh


@final
@dataclass(frozen=True)
class Gru(Recurrent):
    """Gates r, z, n: ``h' = (1 - z) n + z h`` with ``n = tanh(W x + b + sigmoid(r) (U h + c))`` and z behind a sigmoid.

    Parameters
    ----------
    units : int
        Entries of the state.
    bias : bool
    last : bool
        Only the state after the last step, in place of those after every step.
    """

    name: ClassVar[str] = "gru"
    gates: ClassVar[int] = 3

    def step(self, seen: Sequence[Tensor], kept: Sequence[Tensor], states: Sequence[Tensor]) -> Sequence[Tensor]:
        reset, update = (sigmoid(x + h) for x, h in zip(seen[:2], kept[:2], strict=True))
        new = tanh(seen[2] + reset * kept[2])
        return (new + update * (states[0] - new),)
