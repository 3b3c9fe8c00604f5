"""Upper bounds of nonnegative expressions on float arrays: each result is at least the exact one.

Operands are nonnegative; ``inf`` means that nothing is known, so it stays ``inf`` even times zero. float32
operands give float32 bounds, everything else is taken as float64. A product that underflows is lifted to
``rounding.floor``, an exact zero stays zero.

Examples
--------
>>> mul([1e-300, 0.0], 1e-300)
array([9.33263619e-302, 0.00000000e+000])
"""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.rounding import LONGEST_SUM, ArithmeticDomainError, floor, inflation

Floats = NDArray[Any]
"""float64 or float32, as the operands."""


def _operand(a: ArrayLike) -> Floats:
    array = as_array(a)
    if array.dtype != np.float32:
        array = _as_float64(array)
    if array.size and not _least(array) >= 0:
        bad = tuple(int(i) for i in np.argwhere(~(array >= 0))[0])
        raise ArithmeticDomainError("operand is not >= 0", where="upward", position=bad, value=float(array[bad]))
    return array


def _least(array: Floats) -> Any:
    """Return the smallest entry, infinity of none; NaN where one is. NumPy's arrays, often tiny, take the short way."""
    if type(array) is np.ndarray:
        return np.minimum.reduce(array, axis=None, initial=np.inf)
    return np.min(array, initial=np.inf)


def _as_float64(array: NDArray[Any]) -> Floats:
    if array.dtype.kind in "iu":
        converted = array.astype(np.float64)
        if np.any(np.abs(array) > 2**53):
            raise ArithmeticDomainError("integer too large to be an exact float64", where="upward")
        return converted
    if array.dtype != np.float64:
        raise ArithmeticDomainError("not a number array", where="upward", dtype=str(array.dtype))
    return array


def _lift(bound: Floats, *factors: Floats) -> Floats:
    """Turn NaN (``0 * inf``) into ``inf`` and underflowed products of nonzero factors into the floor."""
    smallest = floor(bound.dtype)
    lowest = _least(bound)
    if lowest >= smallest:
        return bound
    if np.isnan(lowest):
        bound = np.where(np.isnan(bound), bound.dtype.type(np.inf), bound)
    nonzero: Any = True
    for factor in factors:
        nonzero = nonzero & (factor > 0)
    return np.where((bound < smallest) & nonzero, smallest, bound)


def add(*terms: ArrayLike) -> Floats:
    """Return an upper bound of the sum of the terms, elementwise.

    Examples
    --------
    >>> bool(add(1.0, 2.0**-80) > 1.0)
    True
    """
    operands = [_operand(term) for term in terms]
    with np.errstate(over="ignore"):
        total = as_array(reduce(np.add, operands))
        if len(operands) == 1:
            return total
        return as_array(total * inflation(len(operands) - 1, total.dtype))


def mul(*factors: ArrayLike) -> Floats:
    """Return an upper bound of the product of the factors, elementwise.

    Examples
    --------
    >>> bool(mul(1e-200, 1e-200) > 0)
    True
    """
    product, *rest = (_operand(factor) for factor in factors)
    for factor in rest:
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            bound = as_array(product * factor)
            bound = as_array(bound * inflation(1, bound.dtype))
        product = _lift(bound, product, factor)
    return product


def div(a: ArrayLike, b: ArrayLike) -> Floats:
    """Return an upper bound of ``a / b``, elementwise; division by zero gives ``inf``.

    Examples
    --------
    >>> div(1.0, 0.0)
    array(inf)
    """
    numerator, denominator = _operand(a), _operand(b)
    with np.errstate(all="ignore"):
        bound = as_array(numerator / denominator)
        bound = as_array(bound * inflation(1, bound.dtype))
    return _lift(bound, numerator)


def sqrt(a: ArrayLike) -> Floats:
    """Return an upper bound of the square root, elementwise.

    Examples
    --------
    >>> bool(sqrt(2.0) ** 2 > 2)
    True
    """
    operand = _operand(a)
    root = as_array(np.sqrt(operand))
    return as_array(root * inflation(1, root.dtype))


def sum(a: ArrayLike, axis: int | tuple[int, ...] | None = None) -> Floats:  # noqa: A001 -- as numpy.sum
    """Return an upper bound of the sum over an axis (all entries by default); an empty sum is 0.

    Examples
    --------
    >>> bool(sum([0.1] * 10) >= 1)
    True
    """
    operand = _operand(a)
    with np.errstate(over="ignore"):
        total = as_array(np.sum(operand, axis=axis))
        terms = operand.size // total.size if total.size else 0
        return as_array(total * inflation(max(terms - 1, 0), total.dtype)) if terms > 1 else total


def matmul(a: ArrayLike, b: ArrayLike) -> Floats:
    """Return an upper bound of the matrix product, stacks and vectors as in ``numpy.matmul``.

    Examples
    --------
    >>> matmul([[1.0, 2.0]], [[3.0], [4.0]]) >= 11
    array([[ True]])
    """
    left, right = _operand(a), _operand(b)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        bound = as_array(np.matmul(left, right))
        bound = as_array(bound * inflation(left.shape[-1] + 1, bound.dtype))
    return lift_product(bound, left, right)


def lift_product(bound: Floats, left: Floats, right: Floats) -> Floats:
    """Make an upper bound of ``left @ right`` safe against underflow and overflow.

    ``bound`` is the computed product times ``inflation(k + 1)`` for sums of ``k`` terms. One rounding of that
    allowance pays for the underflow in every entry of at least the floor. Smaller entries are replaced by
    twice the floor, unless no product of nonzero entries can underflow: then the small ones are exact zeros.
    """
    if left.shape[-1] > LONGEST_SUM:
        raise ArithmeticDomainError("sum too long for the floor", remedy="split it into blocks", terms=left.shape[-1])
    smallest = floor(bound.dtype)
    lowest = _least(bound)
    if lowest >= smallest:
        return bound
    if np.isnan(lowest):
        bound = np.where(np.isnan(bound), bound.dtype.type(np.inf), bound)
    least_left = np.min(left, initial=np.inf, where=left > 0)
    least_right = np.min(right, initial=np.inf, where=right > 0)
    with np.errstate(over="ignore", under="ignore"):
        if least_left * least_right >= smallest:
            return bound
    return np.where(bound < smallest, 2 * smallest, bound)


def inner(a: ArrayLike, b: ArrayLike, axis: int | None = None) -> Floats:
    """Return an upper bound of the sum of products over an axis (all entries by default).

    Examples
    --------
    >>> bool(inner([1.0, 2.0], [3.0, 4.0]) >= 11)
    True
    """
    return sum(mul(a, b), axis=axis)


def norm(a: ArrayLike, axis: int | tuple[int, ...] | None = None) -> Floats:
    """Return an upper bound of the Euclidean norm over an axis (of all entries by default), safe against
    overflow of squares.

    Unlike the other functions it takes entries of either sign.

    Examples
    --------
    >>> bool(norm([3e200, -4e200]) >= 5e200), bool(norm([3.0, -4.0]) < 5 + 1e-14)
    (True, True)
    """
    operand = _operand(np.abs(as_array(a)))
    largest = float(np.max(operand, initial=0.0))
    exponent = int(np.frexp(largest)[1]) if 0.0 < largest < np.inf else 0
    if abs(exponent) < np.finfo(operand.dtype).maxexp // 4:
        return sqrt(sum(mul(operand, operand), axis=axis))
    with np.errstate(over="ignore", under="ignore"):
        # a power of two scales exactly, but for entries far below the largest: they underflow and are lifted
        scaled = _lift(as_array(np.ldexp(operand, -exponent)), operand)
        length = sqrt(sum(mul(scaled, scaled), axis=axis))
        return _lift(as_array(np.ldexp(length, exponent)), length)


def maximum(a: ArrayLike, axis: int | tuple[int, ...] | None = None) -> Floats:
    """Return the largest entry over an axis (exact).

    Raises
    ------
    ArithmeticDomainError
        If there is no entry.

    Examples
    --------
    >>> maximum([1.0, 2.0])
    array(2.)
    """
    operand = _operand(a)
    if operand.size == 0:
        raise ArithmeticDomainError("maximum of no entries", where="upward.maximum", shape=operand.shape)
    return as_array(np.max(operand, axis=axis))
