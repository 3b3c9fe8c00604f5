"""A linear recurrence along the last axis: state-space layers, gated averages, discounted sums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

from verify.arithmetic.arrays import Array, concatenated
from verify.operations.choices import Choices
from verify.operations.gather import Gather, Indices
from verify.operations.operation import Drawn, Operation, Shape, cut_rows

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class LinearRecurrence(Operation):
    """``s_0 = b_0`` and ``s_t = a_t s_(t-1) + b_t`` along the last axis, of the factors a and the summands b.

    The first factor has no effect.
    """

    name: ClassVar[str] = "linear_recurrence"
    rule: ClassVar[str] = "with l_t = u_t + a_(t+1) l_(t+1) from the last t, b_t gets l_t and a_t gets l_t s_(t-1)"

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 2 or not arguments[0] or arguments[0] != arguments[1]:
            raise self.refuse("takes two arrays of one shape with a last axis", *arguments)
        return arguments[0]

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(map(cut_rows, shapes))

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes, lambda shape: len(shape) > 0)
        if position is None:
            return None
        alike = [k for k, shape in enumerate(shapes) if shape == shapes[position]]
        return cls(), (position, choices.one_of(alike))

    def evaluate(self, *arguments: Array) -> Array:
        a, b = arguments
        if not b.shape[-1]:
            return b
        states = [b[..., 0:1]]
        for t in range(1, b.shape[-1]):
            states.append(a[..., t : t + 1] * states[-1] + b[..., t : t + 1])
        return states[0] if len(states) == 1 else concatenated(states, len(b.shape) - 1)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        length = result.shape[-1]
        backwards = list(range(length - 1, -1, -1))
        factors = _picked(arguments[0], [-1, *backwards[:-1]] if length else [])
        total = _picked(result.apply(self, factors, _picked(adjoint, backwards)), backwards)
        return (total * _picked(result, [-1, *range(length - 1)] if length else []), total)

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        factors, summands = tangents
        length = result.shape[-1]
        parts = [] if summands is None else [summands]
        if factors is not None:
            parts.append(factors * _picked(result, [-1, *range(length - 1)] if length else []))
        if not parts:
            return None
        return result.apply(self, arguments[0], parts[0] if len(parts) == 1 else parts[0] + parts[1])


def _picked(x: Tensor, places: Sequence[int]) -> Tensor:
    """Return the entries at some places along the last axis; -1 is a zero."""
    return x.apply(Gather(len(x.shape) - 1, Indices(list(places))))
