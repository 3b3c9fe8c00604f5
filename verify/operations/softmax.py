"""Softmax along the last axis, with a mask as attention needs it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import elementary, upward
from verify.arithmetic.arrays import Array
from verify.arithmetic.ball_arrays import BallArray
from verify.arithmetic.intervals import Interval
from verify.arithmetic.lengths_upward import raised
from verify.arithmetic.movement import Derivatives, Movement
from verify.arithmetic.perturbation import Perturbation, Perturbed
from verify.arithmetic.precision import Precision
from verify.arithmetic.sizes import Sizes, total
from verify.arithmetic.taylor_model import TaylorModel
from verify.operations.gather import Indices
from verify.operations.masked_rows import (
    MaskedRows,
    exponential_roundings,
    exponentials_of_rows,
    sum_last,
)
from verify.operations.operation import Shape
from verify.operations.softmax_moments import Moments

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class Softmax(MaskedRows):
    """``exp(z_i) / sum over j of exp(z_j)`` along the last axis."""

    name: ClassVar[str] = "softmax"
    rule: ClassVar[str] = "with p the result, every row gets p times (adjoint - the mean of the adjoint under p)"

    def shape(self, *arguments: Shape) -> Shape:
        return self.shape_of_rows(*arguments)

    def evaluate(self, *arguments: Array) -> Array:
        if isinstance(arguments[0], TaylorModel):
            weighted, _ = recentred(arguments[0], self.mask)
            return weighted / sum_last(weighted)
        exponentials, _ = exponentials_of_rows(arguments[0], self.mask)
        return exponentials / sum_last(exponentials)

    def derivatives(self, arguments: Sequence[Movement], orders: int) -> Derivatives:
        """Bound them by moments of the movement under the probabilities p.

        With m the mean of f', u = f' - m and J = diag(p) - p p^T, whose norm is at most 1/2 (Popoviciu),

            p' = J f' = p u,   p'' = p (u^2 - Var) + J f'',
            p''' = p (u^3 - 3 u Var - mu_3) + 3 p (u u_2 - Cov(f', f'')) + J f'''.

        The 1-norms along a row of what stands beside J are at most 2 Var, (2 max |u| + 3 sd) Var, and 6 sd sd_2.
        """
        (z,) = arguments
        p = self.evaluate(z.box)
        moments = [Moments.of(bound, p, self.mask) for bound in z.derivatives[:orders]]
        weights = np.minimum(p.max_abs(), 1.0)
        found = [_by_jacobian(weights, b, m) for b, m in zip(z.derivatives, moments, strict=False)]
        first = moments[0]
        if orders > 1:
            square = _of_rows(upward.mul(2.0, first.variance), upward.mul(weights, first.spread, first.spread))
            found[1] = total([found[1], square])
        if orders > 2:
            deviation, other = upward.sqrt(first.variance), upward.sqrt(moments[1].variance)
            third = upward.mul(upward.add(upward.mul(2.0, first.spread), upward.mul(3.0, deviation)), first.variance)
            row = upward.add(third, upward.mul(6.0, deviation, other))
            found[2] = total([found[2], _of_rows(row, np.broadcast_to(row, z.shape))])
        return tuple(found)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        """The Jacobian ``diag(p) - p p^T`` has at most the norm 1/2.

        By Gershgorin each eigenvalue is at most ``p_i (1 - p_i) + p_i sum over j != i of p_j = 2 p_i (1 - p_i)``.
        """
        return Perturbation(arguments[0].perturbation.length).scaled(0.5)

    def programmed(self, precision: Precision, *arguments: Interval) -> Interval:
        (z,) = arguments
        p = self.evaluate(z)
        roundings, floor = exponential_roundings(precision, z)
        return precision.widened(p, roundings, p.max_abs(), floor)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return (_jacobian(result, adjoint),)

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        (tangent,) = tangents
        return None if tangent is None else _jacobian(result, tangent)


def _by_jacobian(p: NDArray[np.float64], bound: Sizes | None, moments: Moments) -> Sizes | None:
    """Bound ``J x = p (x - mean)``; `Moments.norm` bounds J in the 1-norm, the 2-norm and the largest row sum."""
    if bound is None:
        return None
    largest = bound.entries.max(axis=-1, keepdims=True)
    entries = np.minimum(upward.mul(p, moments.spread), upward.mul(moments.norm, largest))
    by_norm = bound.times(moments.norm)
    return Sizes.of(entries, by_norm.rows if entries.ndim > 1 else np.inf, by_norm.whole, by_norm.absolute)


def _of_rows(lengths: NDArray[np.float64], entries: NDArray[np.float64]) -> Sizes:
    """Return the size of an array with bounds of the norms along the last axis, (..., 1), and of the entries."""
    entries = np.minimum(entries, lengths)
    rows = upward.norm(lengths, axis=tuple(range(1, lengths.ndim))) if lengths.ndim > 1 else np.inf
    return Sizes.of(entries, rows, float(upward.norm(lengths)))


def _jacobian(p: Tensor, vector: Tensor) -> Tensor:
    """Return ``(diag(p) - p p^T) vector``, the same from both sides."""
    along = p * vector
    return along - p * along.sum(-1, keep=True)


def recentred(z: TaylorModel, mask: Indices | None) -> tuple[TaylorModel, TaylorModel]:
    """Return ``p exp(u - m)`` and m: p is softmax at the start, u the movement of z and m its mean weighted by p.

    A shift common to a row leaves softmax as it is, and this one takes the first order out of the sum. With it

        softmax(z) = p exp(u - m) / sum of p exp(u - m),   logsumexp(z) = logsumexp(z_0) + m + log sum of p exp(u - m).
    """
    p, moved = _at_start(z, mask), z.moved()
    mean = sum_last(moved * p.value)
    return (moved - mean).composed(lambda x, orders: [elementary.exp(x)] * len(orders)) * p, mean


def _at_start(z: TaylorModel, mask: Indices | None) -> BallArray:
    """Return softmax at the start, which moves at most half as far as z: see `Softmax.perturbed`.

    The numbers of a ball as intervals would all have its radius, and softmax of them a ball that grows with the rows.
    """
    if not isfinite(z.first.largest + z.first.ball):
        return BallArray.of(Softmax(mask).evaluate(z.start))
    p = BallArray.of(Softmax(mask).evaluate(Interval(z.first.value)))
    return BallArray(p.value, raised(p.ball + 0.5 * z.first.ball))
