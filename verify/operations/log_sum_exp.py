"""The logarithm of a sum of exponentials along the last axis, with a mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import upward
from verify.arithmetic.arrays import Array
from verify.arithmetic.intervals import Interval
from verify.arithmetic.movement import Derivatives, Movement
from verify.arithmetic.perturbation import Perturbation, Perturbed, largest_along_rows
from verify.arithmetic.precision import Precision
from verify.arithmetic.sizes import Sizes, total
from verify.arithmetic.taylor_model import TaylorModel
from verify.operations.masked_rows import (
    MaskedRows,
    exponential_roundings,
    exponentials_of_rows,
    log_of,
    sum_last,
)
from verify.operations.operation import Shape
from verify.operations.power import Logarithm
from verify.operations.softmax import Softmax, recentred
from verify.operations.softmax_moments import Moments

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class LogSumExp(MaskedRows):
    """``log of the sum over j of exp(z_j)`` along the last axis, which is left out of the result."""

    name: ClassVar[str] = "logsumexp"
    rule: ClassVar[str] = "every row gets its adjoint times softmax"

    def shape(self, *arguments: Shape) -> Shape:
        return self.shape_of_rows(*arguments)[:-1]

    def evaluate(self, *arguments: Array) -> Array:
        (z,) = arguments
        if isinstance(z, TaylorModel):
            weighted, shift = recentred(z, self.mask)
            start = LogSumExp(self.mask).evaluate(z.start).reshape((*z.shape[:-1], 1))
            logarithm = Logarithm().evaluate(sum_last(weighted))
            return (logarithm + shift + start).reshape(z.shape[:-1])
        exponentials, shift = exponentials_of_rows(z, self.mask)
        logarithm = log_of(sum_last(exponentials)) + shift
        return logarithm.reshape(z.shape[:-1])

    def derivatives(self, arguments: Sequence[Movement], orders: int) -> Derivatives:
        """Bound them by moments: ``<p, f'>``, ``Var(f') + <p, f''>``, ``mu_3(f') + 3 Cov(f', f'') + <p, f'''>``."""
        (z,) = arguments
        p = Softmax(self.mask).evaluate(z.box)
        moments = [Moments.of(bound, p, self.mask) for bound in z.derivatives[:orders]]
        weights = np.minimum(p.max_abs(), 1.0)
        found = [None if bound is None else _mean(weights, bound) for bound in z.derivatives[:orders]]
        first = moments[0]
        if orders > 1:
            found[1] = total([found[1], Sizes.of(first.variance[..., 0], absolute=first.total(first))])
        if orders > 2:
            second = moments[1]
            third = upward.mul(first.spread, first.variance)
            cubic = upward.mul(np.max(first.spread, initial=0.0), first.total(first))
            mixed = upward.mul(3.0, upward.sqrt(first.variance), upward.sqrt(second.variance))
            absolute = upward.add(cubic, upward.mul(3.0, first.total(second)))
            found[2] = total([found[2], Sizes.of(upward.add(third, mixed)[..., 0], absolute=float(absolute))])
        return tuple(found)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        """The gradient is positive and sums up to 1: the result moves no more than the entry that moves most."""
        return largest_along_rows(arguments[0].perturbation)

    def programmed(self, precision: Precision, *arguments: Interval) -> Interval:
        (z,) = arguments
        total = self.evaluate(z)
        roundings, floor = (x.reshape(total.shape) for x in exponential_roundings(precision, z))
        return precision.widened(total, roundings, total.max_abs() + 1.0, floor)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        (z,) = arguments
        return (adjoint.reshape((*result.shape, 1)) * z.apply(Softmax(self.mask), z),)

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        (z,), (tangent,) = arguments, tangents
        return None if tangent is None else (z.apply(Softmax(self.mask), z) * tangent).sum(-1)


def _mean(p: NDArray[np.float64], bound: Sizes) -> Sizes:
    """Bound the mean along the last axis, which is at most the largest entry and at most the norm of the row."""
    last = bound.entries.ndim - 1
    mean = np.minimum(upward.inner(p, bound.entries, axis=last), bound.entries.max(axis=last))
    rows: Any = bound.rows if last > 0 else np.inf
    return Sizes.of(np.minimum(mean, bound.over((last,))), rows if last > 1 else np.inf, bound.whole)
