"""Rows of which a mask keeps entries: their exponentials, sums and roundings, for what is coupled along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import arb, elementary
from verify.arithmetic.arrays import Array, is_exact_kind, rearranged, zeros
from verify.arithmetic.intervals import Interval
from verify.arithmetic.precision import LIBRARY, Precision
from verify.operations.choices import Choices
from verify.operations.gather import Indices
from verify.operations.operation import FEW, Drawn, Operation, Shape, cut, cut_rows


@dataclass(frozen=True)
class MaskedRows(Operation):
    """A function of the exponentials of every row of its argument, of which a mask may keep only some.

    Parameters
    ----------
    mask : Indices, optional
        1 where an entry takes part, 0 where not; broadcast to the argument. Every row keeps an entry.
    """

    mask: Indices | None = None

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes, cls().takes)
        return None if position is None else (cls(_drawn_mask(choices, shapes[position])), (position,))

    def shape_of_rows(self, *arguments: Shape) -> Shape:
        """Return the shape of the argument, whose rows have entries and are masked as they should."""
        if len(arguments) != 1 or not arguments[0] or arguments[0][-1] < 1:
            raise self.refuse("takes one array with a last axis", *arguments)
        (shape,) = arguments
        if self.mask is not None:
            kept = self.mask.values
            fits = len(kept.shape) <= len(shape) and np.broadcast_shapes(kept.shape, shape) == shape
            if not fits or not np.all(kept.any(axis=-1)) or not np.all((kept == 0) | (kept == 1)):
                raise self.refuse("the mask must be 0 or 1, fit the argument and keep an entry of every row", shape)
        return shape

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        mask, shape = _shortened_rows(self.mask, shapes[0])
        return replace(self, mask=mask), (shape,)


def exponentials_of_rows(z: Array, mask: Indices | None) -> tuple[Array, Array]:
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


def sum_last(x: Array) -> Array:
    total = x.sum(axis=x.ndim - 1)
    return (np.asarray(total) if is_exact_kind(x) else total).reshape((*x.shape[:-1], 1))


def _exp(x: Array) -> Array:
    return _applied(elementary.exp, lambda ball: ball.exp(), np.exp, x)


def log_of(x: Array) -> Array:
    return _applied(elementary.log, lambda ball: ball.log(), np.log, x)


def _applied(enclosed: Any, exact: Any, plain: Any, x: Array) -> Array:
    if isinstance(x, Interval):
        return enclosed(x)
    if is_exact_kind(x):
        return arb.elementwise(exact)(x)
    with np.errstate(all="ignore"):
        return plain(x)


def _shortened_rows(mask: Indices | None, shape: Shape) -> tuple[Indices | None, Shape]:
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


def exponential_roundings(precision: Precision, z: Interval) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
