"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from verify.graph.tensor import Tensor
from verify.layers.recurrent import Recurrent, sigmoid, tanh


@final
@dataclass(frozen=True)
class Lstm(Recurrent):
    """Gates i, f, g, o: ``c = sigmoid(f) c + sigmoid(i) tanh(g)``, ``h = sigmoid(o) tanh(c)``.

    Parameters
    ----------
    units : int
        Entries of the state.
    bias : bool
    last : bool
        Only the state after the last step, in place of those after every step.
    """

    name: ClassVar[str] = "lstm"
    gates: ClassVar[int] = 4
    states: ClassVar[int] = 2

    def step(self, seen: Sequence[Tensor], kept: Sequence[Tensor], states: Sequence[Tensor]) -> Sequence[Tensor]:
        i, f, g, o = (x + h for x, h in zip(seen, kept, strict=True))
        cell = sigmoid(f) * states[1] + sigmoid(i) * tanh(g)
        return sigmoid(o) * tanh(cell), cell
