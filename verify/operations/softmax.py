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

from verify.arithmetic import arb, elementary
from verify.arithmetic.arrays import Array, is_exact_kind, rearranged, zeros
from verify.arithmetic.intervals import Interval
from verify.arithmetic.perturbation import Perturbation, Perturbed, largest_along_rows
from verify.arithmetic.taylor_model import TaylorModel
from verify.operations.gather import Indices
from verify.operations.operation import Operation, Shape
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

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or not arguments[0] or arguments[0][-1] < 1:
            raise self.refuse("takes one array with a last axis", *arguments)
        _check_mask(self, self.mask, arguments[0])
        return arguments[0]

    def evaluate(self, *arguments: Array) -> Array:
        if isinstance(arguments[0], TaylorModel):
            weighted, _ = _recentred(arguments[0], self.mask)
            return weighted / _sum_last(weighted)
        exponentials, _ = _exponentials(arguments[0], self.mask)
        return exponentials / _sum_last(exponentials)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        """The Jacobian ``diag(p) - p p^T`` has at most the norm 1/2.

        By Gershgorin each eigenvalue is at most ``p_i (1 - p_i) + p_i sum over j != i of p_j = 2 p_i (1 - p_i)``.
        """
        return Perturbation(arguments[0].perturbation.length).scaled(0.5)

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

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or not arguments[0] or arguments[0][-1] < 1:
            raise self.refuse("takes one array with a last axis", *arguments)
        _check_mask(self, self.mask, arguments[0])
        return arguments[0][:-1]

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

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        """The gradient is positive and sums up to 1: the result moves no more than the entry that moves most."""
        return largest_along_rows(arguments[0].perturbation)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        (z,) = arguments
        return (adjoint.reshape((*result.shape, 1)) * z.apply(Softmax(self.mask), z),)

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        (z,), (tangent,) = arguments, tangents
        return None if tangent is None else (z.apply(Softmax(self.mask), z) * tangent).sum(-1)


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
