"""Polynomials in Horner's form: the value, and a bound of what rounding can do to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from verify.arithmetic import upward
from verify.arithmetic.rounding import floor, unit_roundoff

Array = NDArray[np.float64]


def horner(coefficients: Sequence[Any], b: Array) -> Array:
    """Return ``c_0 + b (c_1 + b (c_2 + ...))``, rounded after each operation.

    Examples
    --------
    >>> horner([1.0, 2.0, 3.0], np.array([2.0]))
    array([17.])
    """
    value = b * coefficients[-1]
    for coefficient in coefficients[-2:0:-1]:
        value += coefficient
        value *= b
    value += coefficients[0]
    return value


def horner_error(coefficients: Sequence[Any], largest: float, dtype: DTypeLike = np.float64) -> tuple[Array, Array]:
    """Bound the value of `horner` computed in a format and its rounding error for all ``|b| <= largest``.

    Returns
    -------
    magnitude, error : ndarray
        ``|computed| <= magnitude`` and ``|computed - exact| <= error``, with the shape of the coefficients.

    Notes ----- If ``p'`` with ``|p'| <= M`` approximates ``p`` up to ``E``, then ``fl(fl(b p') + c)`` is off ``b p +
    c`` by at most ``|b| E + u |b| M + eta/2`` from the product and ``u`` times its own magnitude, at most ``(|b| M (1
    + u) + eta + |c|)(1 + u)``, from the sum. The floor stands for the underflow.

    Examples
    --------
    >>> magnitude, error = horner_error([1.0, 1.0], 0.5)
    >>> bool(1.5 <= magnitude < 1.5 + 1e-12), bool(error < 3 * 2.0**-53)
    (True, True)
    """
    unit, least = float(unit_roundoff(dtype)), float(floor(dtype))
    magnitude = np.abs(np.asarray(coefficients[-1], dtype=np.float64))
    error = np.zeros_like(magnitude)
    for coefficient in coefficients[-2::-1]:
        product = upward.add(upward.mul(magnitude, largest), least)
        lost = upward.add(upward.mul(error, largest), upward.mul(product, unit), least)
        magnitude = upward.mul(upward.add(product, np.abs(coefficient)), 1 + 4 * unit)
        error = upward.add(lost, upward.mul(magnitude, unit))
    return magnitude, error
