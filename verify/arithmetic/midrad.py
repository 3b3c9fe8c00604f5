"""Midpoints and radii of sums, products and quotients: elementwise, and of matrix products on BLAS.

An operand is a pair ``(mid, rad)``; ``rad is None`` says that it is exact. For ``X = x ± r``, ``Y = y ± s``

- elementwise, the hull of the products is ``c ± t`` with ``c = x y + sign(x y) min(r |y|, |x| s, r s)`` and
  ``t = max(r (|y| + s), (|x| + r) s, r |y| + |x| s)``;
- for matrices ``|X Y - x y| <= |x| s + r (|y| + s)`` entrywise, and the computed ``fl(x y)`` is off by at
  most ``gamma(k) |x| |y|`` plus underflow. The two are one or two nonnegative products: ``(r + gamma |x|)
  |y|`` when ``Y`` is exact.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import upward
from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.rounding import FLOOR, UNIT, add_down, add_up, gamma, inflation, next_above

Array = NDArray[np.float64]
Radius = Array | None


def guarded(mid: Array, rad: Array) -> tuple[Array, Array]:
    """Return computed midpoints and radii, the whole line where one of them overflowed or is not a number."""
    if not np.all(np.isfinite(mid)):
        lost = ~np.isfinite(mid)
        mid, rad = np.where(lost, 0.0, mid), np.where(lost, np.inf, rad)
    if np.isnan(np.min(rad, initial=np.inf)):
        rad = np.where(np.isnan(rad), np.inf, rad)
    return mid, rad


def from_ends(lower: Array, upper: Array) -> tuple[Array, Array]:
    """Return midpoints and radii of the intervals between two arrays."""
    mid = 0.5 * lower + 0.5 * upper
    return guarded(mid, np.maximum(add_up(mid, -lower), add_up(upper, -mid)))


def lower_end(mid: Array, rad: Array) -> tuple[Array]:
    """Return the largest numbers not above the intervals."""
    return (add_down(mid, -rad),)


def upper_end(mid: Array, rad: Array) -> tuple[Array]:
    """Return the smallest numbers not below the intervals."""
    return (add_up(mid, rad),)


def product_error(product: Array, *factors: Array) -> Array:
    """Bound the rounding error of computed products, which are zero where a factor is; of quotients, too."""
    error = np.abs(product)
    error *= UNIT
    if np.min(error, initial=np.inf) >= FLOOR:
        return error
    nonzero = np.ones(error.shape, dtype=bool)
    for factor in factors:
        nonzero &= factor != 0
    return np.where((error < FLOOR) & nonzero, FLOOR, error)


def plus(x: Array, r: Radius, y: Array, s: Radius) -> tuple[Array, Array]:
    """Return midpoint and radius of ``X + Y``.

    The rounding error is at most half a unit in the last place of ``x + y``, and ``fl(u |x + y|)`` is not below
    that: half a unit is a number of the format as soon as ``|x + y| >= 2**-1021``, and below the sum is exact.
    """
    mid = as_array(x + y)
    rad = np.abs(mid)
    rad *= UNIT
    roundings = 0
    for radius in (r, s):
        if radius is not None:
            rad += radius
            roundings += 1
    if roundings:
        rad *= inflation(roundings)
    return guarded(mid, rad)


def times(x: Array, r: Radius, y: Array, s: Radius) -> tuple[Array, Array]:
    """Return midpoint and radius of the elementwise product.

    Radii are sums of rounded products: `inflation` pays for the roundings, and with one more for underflow where the
    radius is at least the floor; smaller radii are lifted. The shift of the midpoint is off by ``u`` of itself, the
    shifted midpoint by ``u`` of itself.
    """
    mid = as_array(x * y)
    size_x, size_y = np.abs(x), np.abs(y)
    rad = np.abs(mid) * UNIT
    if r is not None and s is not None:
        by_r, by_s, both = r * size_y, size_x * s, r * s
        shift = np.minimum(np.minimum(by_r, by_s), both)
        rad += np.maximum(np.maximum(by_r, by_s) + both, by_r + by_s)
        rad += shift * (2 * UNIT)
        mid = mid + np.copysign(shift, mid)
        rad += np.abs(mid) * UNIT
        rad *= inflation(7)
    elif r is not None or s is not None:
        rad += size_x * s if r is None else r * size_y
        rad *= inflation(4)
    if not np.min(rad, initial=np.inf) >= FLOOR:
        something = (size_x > 0 if r is None else (size_x > 0) | (r > 0)) & (
            size_y > 0 if s is None else (size_y > 0) | (s > 0)
        )
        rad = np.where((rad < FLOOR) & something, 4 * FLOOR, rad)
    return guarded(mid, rad)


def squared(x: Array, r: Array) -> tuple[Array, Array]:
    """Return midpoint and radius of the squares.

    The hull is ``x^2 + r^2 ± 2 |x| r`` if ``r <= |x|``, else ``h ± h`` with ``h = (|x| + r)^2/2 = (x^2 + r^2)/2 + |x|
    r``. Both midpoints meet at most three roundings.
    """
    size = np.abs(x)
    squares, product = x * x + r * r, size * r
    narrow = r <= size
    mid = np.where(narrow, squares, 0.5 * squares + product)
    rad = np.where(narrow, 2.0 * product, mid)
    rad += mid * (4 * UNIT)
    rad *= inflation(7)
    if not np.min(rad, initial=np.inf) >= FLOOR:
        rad = np.where((rad < FLOOR) & ((size > 0) | (r > 0)), 4 * FLOOR, rad)
    return guarded(mid, rad)


def over(x: Array, r: Radius, y: Array, s: Radius) -> tuple[Array, Array]:
    """Return midpoint and radius of the quotient; infinite where the divisor holds zero.

    With ``q = x/y`` exact, ``|X/Y - q| <= (r + |q| s)/(|y| - s)``.
    """
    zero = y == 0
    mid = as_array(x / np.where(zero, 1.0, y))
    rad = np.where(zero, np.inf, product_error(mid, x))
    if r is not None or s is not None:
        quotient = upward.add(np.abs(mid), rad)
        spread = np.zeros(mid.shape) if r is None else r
        if s is not None:
            spread = upward.add(spread, upward.mul(quotient, s))
        least = np.abs(y) if s is None else add_down(np.abs(y), -s)
        rad = np.where(least > 0, upward.add(rad, upward.div(spread, np.maximum(least, 0.0))), np.inf)
    return guarded(mid, rad)


def matrix_times(x: Array, r: Radius, y: Array, s: Radius) -> tuple[Array, Array]:
    """Return midpoint and radius of the matrix product, stacks and vectors as in ``numpy.matmul``."""
    mid = as_array(np.matmul(x, y))
    terms = x.shape[-1]
    growth = gamma(terms)
    if s is None:
        return guarded(mid, _nonnegative_product(_relative(x, growth, r), np.abs(y)))
    size_x, size_y = np.abs(x), np.abs(y)
    rad = _nonnegative_product(size_x, _relative(y, growth, s))
    if r is not None:
        rad = upward.add(rad, _nonnegative_product(r, upward.add(size_y, s)))
    return guarded(mid, rad)


def _relative(x: Array, growth: np.floating[Any], r: Radius) -> Array:
    """Upper bound of ``r + growth |x|``; at least the floor where ``x`` is not zero, for products that underflow."""
    bound = np.abs(x)
    bound *= growth
    if r is not None:
        bound += r
    bound *= inflation(2)
    if np.min(bound, initial=np.inf) < FLOOR:
        bound = np.where((bound < FLOOR) & (x != 0), FLOOR, bound)
    return bound


def _nonnegative_product(a: Array, b: Array) -> Array:
    """Upper bound of ``a @ b`` plus the underflow in another product with the same nonzero pattern."""
    bound = as_array(np.matmul(a, b))
    bound *= inflation(a.shape[-1] + 2)
    return upward.lift_product(bound, a, b)


def total(x: Array, r: Radius, axis: int | tuple[int, ...] | None) -> tuple[Array, Array]:
    """Return midpoint and radius of the sum over an axis: ``n - 1`` roundings of sums, whatever their order."""
    with np.errstate(all="ignore"):
        mid = as_array(np.sum(x, axis=axis))
    terms = x.size // mid.size if mid.size else 0
    rad = upward.mul(upward.sum(np.abs(x), axis), gamma(max(terms - 1, 0)))
    return guarded(mid, rad if r is None else upward.add(rad, upward.sum(r, axis)))


def roots(lower: Array, upper: Array) -> tuple[Array, Array]:
    """Return midpoint and radius of the square roots of numbers between two nonnegative arrays."""
    return from_ends(np.maximum(-next_above(-np.sqrt(lower)), 0.0), upward.sqrt(upper))


def euclidean(least: Array, most: Array) -> tuple[Array, Array]:
    """Return midpoint and radius of the Euclidean norm of all entries, from bounds of their absolute values.

    From below: numbers scaled by ``2**-e`` to at most 1 have squares that sum up to ``S`` with at most ``n``
    roundings and an underflow of at most ``n eta``. So their norm is at least ``sqrt(S) (1 - gamma(n + 4)) -
    2**-500``, with room for the last operations.
    """
    high = upward.norm(most)
    scale = float(np.max(most, initial=0.0))
    if scale == 0.0 or not np.isfinite(high):
        return from_ends(np.zeros(()), high)
    exponent = int(np.frexp(scale)[1])
    with np.errstate(all="ignore"):
        scaled = np.ldexp(least, -exponent)
        length = np.sqrt(np.sum(scaled * scaled)) * (1.0 - gamma(least.size + 4)) - 2.0**-500
        low = np.ldexp(max(length, 0.0), exponent)
    return from_ends(np.minimum(np.where(low < FLOOR, 0.0, low), high), high)
