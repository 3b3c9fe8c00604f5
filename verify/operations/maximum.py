"""The largest entry along the last axis: max-pooling, once windows lie there. Not smooth where two are equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from verify.arithmetic.arrays import Array, is_exact_kind
from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.intervals import Interval
from verify.arithmetic.movement import Derivatives, Movement
from verify.arithmetic.perturbation import Perturbation, Perturbed, largest_along_rows
from verify.arithmetic.rounding import FLOOR
from verify.arithmetic.sizes import Sizes
from verify.arithmetic.taylor_model import TaylorModel
from verify.operations.choices import Choices
from verify.operations.operation import Drawn, Operation, Shape, cut_rows

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class Maximum(Operation):
    """``max over j of z_j`` along the last axis, which is left out of the result."""

    name: ClassVar[str] = "maximum"
    rule: ClassVar[str] = "the largest entry gets the adjoint, where it is the only one"
    smooth: ClassVar[bool] = False
    rounds: ClassVar[bool] = False

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or not arguments[0] or arguments[0][-1] < 1:
            raise self.refuse("takes one array with a last axis", *arguments)
        return arguments[0][:-1]

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(map(cut_rows, shapes))

    def evaluate(self, *arguments: Array) -> Array:
        (z,) = arguments
        if isinstance(z, TaylorModel):
            return _led(z)
        if isinstance(z, Interval):
            if z.is_exact:
                return Interval(as_array(z.mid.max(axis=-1)))
            return Interval.from_bounds(z.lower.max(axis=-1), z.upper.max(axis=-1))
        if is_exact_kind(z):
            rows = z.reshape(-1, z.shape[-1])
            largest = np.empty(len(rows), dtype=object)
            largest[:] = [reduce(lambda a, b: a.max(b), row) for row in rows]
            return largest.reshape(z.shape[:-1])
        return z.max(axis=-1)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return largest_along_rows(arguments[0].perturbation)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        (z,) = arguments
        return (adjoint.reshape((*result.shape, 1)) * z.apply(LargestIndicator(), z),)

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        (z,), (tangent,) = arguments, tangents
        return None if tangent is None else (z.apply(LargestIndicator(), z) * tangent).sum(-1)


@final
@dataclass(frozen=True)
class LargestIndicator(Operation):
    """1 at the first largest entry along the last axis, 0 elsewhere; [0, 1] in an enclosure that leaves it open."""

    name: ClassVar[str] = "largest_indicator"
    rule: ClassVar[str] = "nothing is sent back: it is constant where one entry alone is the largest"
    smooth: ClassVar[bool] = False
    rounds: ClassVar[bool] = False

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or not arguments[0]:
            raise self.refuse("takes one array with a last axis", *arguments)
        return arguments[0]

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(map(cut_rows, shapes))

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        """Not drawn: an error that jumps has no step to prove; it stands in gradients of `Maximum`."""
        return None

    def evaluate(self, *arguments: Array) -> Array:
        (z,) = arguments
        if isinstance(z, TaylorModel):
            raise self.refuse("has no Taylor model: it jumps", z.shape)
        if isinstance(z, Interval):
            lower, upper = z.lower, z.upper
            possible = upper >= lower.max(axis=-1, keepdims=True)
            alone = possible & (possible.sum(axis=-1, keepdims=True) == 1)
            undecided = possible & ~alone
            return Interval(np.where(alone, 1.0, np.where(undecided, 0.5, 0.0)), np.where(undecided, 0.5, 0.0))
        if is_exact_kind(z):
            raise self.refuse("has no exact form: its value may be undecided", z.shape)
        first = np.expand_dims(z.argmax(axis=-1), -1)
        return (np.arange(z.shape[-1]) == first).astype(z.dtype)

    def derivatives(self, arguments: Sequence[Movement], orders: int) -> Derivatives:
        """Zero where no other entry can become the largest; it jumps elsewhere."""
        undecided = self.evaluate(arguments[0].box).rad > 0
        return (Sizes.of(np.where(undecided, np.inf, 0.0)) if np.any(undecided) else None,) * orders

    @property
    def is_continuous(self) -> bool:
        return False

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        (z,) = arguments
        entries = z.perturbation.entries
        margin = entries + (2.0**-50 * np.abs(z.value) + FLOOR)
        possible = ~(z.value + margin < np.max(z.value - margin, axis=-1, keepdims=True))
        open_rows = possible & (np.sum(possible, axis=-1, keepdims=True) > 1)
        return Perturbation(0.0, open_rows.astype(np.float64) if np.any(open_rows) else None)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return (None,)

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        return None


def _led(z: TaylorModel) -> TaylorModel:
    """Return the entry that is the largest on the whole segment; without a bound where another one takes over."""
    indicator = LargestIndicator().evaluate(z.range())
    largest = z.rearranged(lambda a: np.where(indicator.mid > 0, a, 0.0), 1).sum(axis=z.ndim - 1)
    changes = indicator.rad.max(axis=-1) > 0
    if not changes.any():
        return largest
    start = Maximum().evaluate(z.start)
    remainder = Interval(np.zeros(largest.shape), np.where(changes, np.inf, 0.0))
    total = remainder if largest.remainder is None else largest.remainder + remainder
    return TaylorModel([start, *largest.parts[1:]], total)
