"""Functions coupled along axes: softmax and the logarithm of a sum of exponentials.

Both take a mask, as attention needs it: what is masked out has no part in the sum, and softmax is zero there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import arb, elementary, upward
from verify.arithmetic.arrays import Array, is_exact_kind, rearranged, zeros
from verify.arithmetic.intervals import Interval
from verify.arithmetic.movement import Derivatives, Movement
from verify.arithmetic.perturbation import Perturbation, Perturbed, largest_along_rows
from verify.arithmetic.precision import LIBRARY, Precision
from verify.arithmetic.sizes import Sizes, total
from verify.arithmetic.taylor_model import TaylorModel
from verify.operations.choices import Choices
from verify.operations.gather import Indices
from verify.operations.operation import FEW, Drawn, Operation, Shape, cut, cut_rows
from verify.operations.power import Logarithm

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
@dataclass(frozen=True)
class Softmax(Operation):
    """``exp(z_i) / sum over j of exp(z_j)`` along the last axis.

    Parameters
    ----------
    mask : Indices, optional
        1 where an entry takes part, 0 where not; broadcast to the argument. Every row keeps an entry.
    """

    mask: Indices | None = None
    name: ClassVar[str] = "softmax"
    rule: ClassVar[str] = "with p the result, every row gets p times (adjoint - the mean of the adjoint under p)"

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes, cls().takes)
        return None if position is None else (cls(_drawn_mask(choices, shapes[position])), (position,))

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or not arguments[0] or arguments[0][-1] < 1:
            raise self.refuse("takes one array with a last axis", *arguments)
        _check_mask(self, self.mask, arguments[0])
        return arguments[0]

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        mask, shape = _fewer(self.mask, shapes[0])
        return Softmax(mask), (shape,)

    def evaluate(self, *arguments: Array) -> Array:
        if isinstance(arguments[0], TaylorModel):
            weighted, _ = _recentred(arguments[0], self.mask)
            return weighted / _sum_last(weighted)
        exponentials, _ = _exponentials(arguments[0], self.mask)
        return exponentials / _sum_last(exponentials)

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
        roundings, floor = _exponential_roundings(precision, z)
        return precision.widened(p, roundings, p.max_abs(), floor)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return (_jacobian(result, adjoint),)

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        (tangent,) = tangents
        return None if tangent is None else _jacobian(result, tangent)


@final
@dataclass(frozen=True)
class LogSumExp(Operation):
    """``log of the sum over j of exp(z_j)`` along the last axis, which is left out of the result.

    Parameters
    ----------
    mask : Indices, optional
        As for `Softmax`.
    """

    mask: Indices | None = None
    name: ClassVar[str] = "logsumexp"
    rule: ClassVar[str] = "every row gets its adjoint times softmax"

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes, cls().takes)
        return None if position is None else (cls(_drawn_mask(choices, shapes[position])), (position,))

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or not arguments[0] or arguments[0][-1] < 1:
            raise self.refuse("takes one array with a last axis", *arguments)
        _check_mask(self, self.mask, arguments[0])
        return arguments[0][:-1]

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        mask, shape = _fewer(self.mask, shapes[0])
        return LogSumExp(mask), (shape,)

    def evaluate(self, *arguments: Array) -> Array:
        (z,) = arguments
        if isinstance(z, TaylorModel):
            weighted, shift = _recentred(z, self.mask)
            start = LogSumExp(self.mask).evaluate(z.start).reshape((*z.shape[:-1], 1))
            logarithm = Logarithm().evaluate(_sum_last(weighted))
            return (logarithm + shift + start).reshape(z.shape[:-1])
        exponentials, shift = _exponentials(z, self.mask)
        logarithm = _log(_sum_last(exponentials)) + shift
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
        roundings, floor = (x.reshape(total.shape) for x in _exponential_roundings(precision, z))
        return precision.widened(total, roundings, total.max_abs() + 1.0, floor)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        (z,) = arguments
        return (adjoint.reshape((*result.shape, 1)) * z.apply(Softmax(self.mask), z),)

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        (z,), (tangent,) = arguments, tangents
        return None if tangent is None else (z.apply(Softmax(self.mask), z) * tangent).sum(-1)


@dataclass(frozen=True)
class Moments:
    """Bounds of the moments, along the last axis, of an array of a given size under probabilities p.

    A variable with values x_i has a range of at most ``sqrt 2 |x|`` and of at most ``2 max |x_i|``; no value is farther
    from the mean than the range, and the variance is at most a quarter of its square (Popoviciu). The covariance of x
    and y is ``x^T J y`` with J = diag(p) - p p^T, and ``|J| <= max of 2 p_i (1 - p_i)`` (Gershgorin).

    Parameters
    ----------
    spread : array, shape (..., 1)
        Of the distance of a value from the mean.
    variance : array, shape (..., 1)
    norm : float
        Of J, the largest of all rows.
    whole : float
        Of the array.
    """

    spread: NDArray[np.float64]
    variance: NDArray[np.float64]
    norm: float
    whole: float

    @staticmethod
    def of(bound: Sizes | None, p: Interval, mask: Indices | None) -> Moments:
        """Return them for an array of a size, of which only what the mask keeps counts; None is zero."""
        if bound is None:
            nothing = np.zeros((*p.shape[:-1], 1))
            return Moments(nothing, nothing, 0.0, 0.0)
        last = p.ndim - 1
        length = np.expand_dims(bound.over((last,)), -1)
        entries = bound.entries
        if mask is not None:
            entries = np.where(mask.values == 1, entries, 0.0)
            length = np.minimum(length, np.expand_dims(upward.norm(entries, axis=last), -1))
        norms = jacobian_norms(p)
        spread = np.minimum(upward.mul(_ROOT_TWO, length), 2.0 * entries.max(axis=-1, keepdims=True))
        variance = np.minimum(upward.mul(0.25, spread, spread), upward.mul(norms, length, length))
        return Moments(spread, variance, float(np.max(norms, initial=0.0)), bound.whole)

    def total(self, other: Moments) -> float:
        """Bound the sum of the covariances of all rows with those of another array."""
        return float(upward.mul(max(self.norm, other.norm), self.whole, other.whole))


def jacobian_norms(p: Interval) -> NDArray[np.float64]:
    """Bound the norm of diag(p) - p p^T in every row, (..., 1)."""
    low, high = np.clip(p.lower, 0.0, 1.0), np.clip(p.upper, 0.0, 1.0)
    nearest = np.clip(0.5, low, high)
    return upward.mul(2.0, nearest, upward.add(1.0 - nearest, 2.0**-53)).max(axis=-1, keepdims=True)


_ROOT_TWO = float(np.nextafter(np.sqrt(2.0), 2.0))


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


def _mean(p: NDArray[np.float64], bound: Sizes) -> Sizes:
    """Bound the mean along the last axis, which is at most the largest entry and at most the norm of the row."""
    last = bound.entries.ndim - 1
    mean = np.minimum(upward.inner(p, bound.entries, axis=last), bound.entries.max(axis=last))
    rows: Any = bound.rows if last > 0 else np.inf
    return Sizes.of(np.minimum(mean, bound.over((last,))), rows if last > 1 else np.inf, bound.whole)


def _jacobian(p: Tensor, vector: Tensor) -> Tensor:
    """Return ``(diag(p) - p p^T) vector``, the same from both sides."""
    along = p * vector
    return along - p * along.sum(-1, keep=True)


def _recentred(z: TaylorModel, mask: Indices | None) -> tuple[TaylorModel, TaylorModel]:
    """Return ``p exp(u - m)`` and m: p is softmax at the start, u the movement of z and m its mean weighted by p.

    A shift common to a row leaves softmax as it is, and this one takes the first order out of the sum. With it

        softmax(z) = p exp(u - m) / sum of p exp(u - m),   logsumexp(z) = logsumexp(z_0) + m + log sum of p exp(u - m).
    """
    p, moved = Softmax(mask).evaluate(z.start), z.moved()
    mean = _sum_last(moved * p.mid)
    return (moved - mean).composed(lambda x, orders: [elementary.exp(x)] * len(orders)) * p, mean


def _check_mask(operation: Operation, mask: Indices | None, shape: Shape) -> None:
    if mask is None:
        return
    fits = len(mask.values.shape) <= len(shape) and np.broadcast_shapes(mask.values.shape, shape) == shape
    if not fits or not np.all(mask.values.any(axis=-1)) or not np.all((mask.values == 0) | (mask.values == 1)):
        raise operation.refuse("the mask must be 0 or 1, fit the argument and keep an entry of every row", shape)


def _exponentials(z: Array, mask: Indices | None) -> tuple[Array, Array]:
    """Return ``exp(z - shift)``, zero where masked out, and the shift: exact numbers near every row's largest entry."""
    kept = np.broadcast_to(True if mask is None else mask.values == 1, z.shape)
    if is_exact_kind(z):
        shift = _largest_centres(z, kept)
    else:
        shift = np.where(kept, z.mid if isinstance(z, Interval) else z, -np.inf).max(axis=-1, keepdims=True)
    exponentials = _exp(z - shift)
    return exponentials if mask is None else _kept(exponentials, mask), shift


def _largest_centres(z: Array, kept: NDArray[np.bool_]) -> Array:
    """Return the largest midpoint of every row of balls, as an exact ball; zero where it is no number."""
    length = z.shape[-1]
    largest = np.empty((*z.shape[:-1], 1), dtype=object)
    rows = zip(z.reshape(-1, length), kept.reshape(-1, length), strict=True)
    for place, (row, taken) in enumerate(rows):
        centre = reduce(lambda a, b: b if b > a else a, (ball.mid() for ball in row[taken]))
        largest.reshape(-1)[place] = centre if centre.is_finite() else arb.Arb(0)
    return largest


def _kept(x: Array, mask: Indices) -> Array:
    return rearranged(lambda a: np.where(mask.values == 1, a, zeros((), a)), x, 1)


def _sum_last(x: Array) -> Array:
    total = x.sum(axis=x.ndim - 1)
    return (np.asarray(total) if is_exact_kind(x) else total).reshape((*x.shape[:-1], 1))


def _exp(x: Array) -> Array:
    return _applied(elementary.exp, lambda ball: ball.exp(), np.exp, x)


def _log(x: Array) -> Array:
    return _applied(elementary.log, lambda ball: ball.log(), np.log, x)


def _applied(enclosed: Any, exact: Any, plain: Any, x: Array) -> Array:
    if isinstance(x, Interval):
        return enclosed(x)
    if is_exact_kind(x):
        return arb.elementwise(exact)(x)
    with np.errstate(all="ignore"):
        return plain(x)


def _fewer(mask: Indices | None, shape: Shape) -> tuple[Indices | None, Shape]:
    """Cut the rows and their length; a mask keeps an entry of every row that is left, and one that is masked out."""
    if mask is None or mask.values.shape[-1] != shape[-1]:  # a mask that is the same along the row keeps all of it
        short = cut_rows(shape)
        return None if mask is None else Indices(np.ones((1,) * mask.values.ndim)), short
    *row, column = np.argwhere(mask.values == mask.values.min())[0]
    near = [sorted({int(at), (int(at) + 1) % n}) for at, n in zip(row, mask.values.shape, strict=False)]
    rows = mask.values[np.ix_(*near, range(shape[-1]))]
    needed = {int(column), *map(int, rows.argmax(axis=-1).flat)}
    columns = sorted([*needed, *(k for k in range(shape[-1]) if k not in needed)][: max(FEW, len(needed))])
    return Indices(rows[..., columns]), (*cut(shape[:-1]), len(columns))


def _exponential_roundings(precision: Precision, z: Interval) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count the roundings of ``exp(z_i - c) / sum of exp(z_j - c)``, and of its logarithm, in rows (..., 1).

    The shift c may be 0, the largest z_j or the logarithm of the sum, so ``|c| <= M + log n`` with M the largest
    ``|z_j|``; an argument z - c has two roundings of at most ``2 M + log n``, which are relative ones of exp. The sum
    has n - 1, exp, quotient and logarithm those of a library. Twice that if the shift was computed so before.
    The second array is what one underflow does: without a shift it is relative to the sum, at least exp(max z).
    """
    count = z.shape[-1]
    largest = z.max_abs().max(axis=-1, keepdims=True)
    roundings = 2.0 * (count + 3 * LIBRARY + 2.0 * (2.0 * largest + np.log(count) + 1.0))
    top = np.minimum(z.lower.max(axis=-1, keepdims=True), 0.0)
    with np.errstate(over="ignore"):
        return np.ceil(roundings), precision.tiny * np.exp(1.0 - top)


def _drawn_mask(choices: Choices, shape: Shape) -> Indices | None:
    """Return no mask, or one of some of the last axes that leaves every row an entry."""
    if not choices.happens(50):
        return None
    lengths = shape[choices.whole(0, len(shape) - 1) :]
    kept = np.reshape(choices.wholes(int(np.prod(lengths)), 0, 1), lengths)
    kept[..., choices.whole(0, shape[-1] - 1)] = 1
    return Indices(kept)
