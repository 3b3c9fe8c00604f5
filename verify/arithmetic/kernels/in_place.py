"""sigmoid and tanh of whole arrays, written in place, with one bound of the absolute error.

Reduction. ``k = rint(fl(x fl(1/ln 2)))`` and ``ln 2 = H + L + rest``, ``H`` of 42 bits, so that ``k H`` is exact for
``|x| <= 700``, ``|k| <= 1011``. ``x/ln 2`` is off by at most ``1011 * 2.01 u < 2**-41``, hence
``|x - k ln 2| <= B = ln(2)/2 (1 + 2**-30)``. The three roundings of ``fl(fl(x - k H) - fl(k L))`` cost at most
``u (2 B + 3 |k L|)``, the rest ``|k| rest``; their sum is `reduction`.

Polynomial. Horner's scheme with the rounded coefficients ``1/i!``, ``i <= DEGREE``; the omitted terms are at most
``B^(DEGREE+1)/(DEGREE+1)! * 1.05``. As ``exp(r) >= exp(-B)``, the sum of the errors times ``exp(B)`` bounds the
relative error. Scaling by ``2**k`` is exact.

``sigmoid = 1/(1 + e)`` with ``e = exp(-x)`` turns a relative error of ``e`` into at most a quarter of it, absolute,
since ``e/(1 + e)^2 <= 1/4``; two roundings of a value of at most 1 follow. Arguments are clipped to 700, which changes
the value by less than ``exp(-700)``. ``tanh(x) = 1 - 2 sigmoid(-2 x)`` doubles the error and adds one rounding.
"""

from __future__ import annotations

import math
from functools import cache

import flint
import numpy as np

from verify.arithmetic import arb, upward
from verify.arithmetic.kernels.errors import Array
from verify.arithmetic.kernels.horner import horner_error
from verify.arithmetic.rounding import UNIT

DEGREE = 12
END = 700.0
_LARGEST_POWER = 1011


@cache
def _constants() -> tuple[float, float, float, tuple[float, ...], float]:
    """Return 1/ln 2, H, L, the coefficients and the relative error of the exponential."""
    with arb.precision(250):
        log2 = flint.arb.const_log2()
        high = arb.leading_bits(log2, 42)
        low = float(log2 - high)
        rest = arb.upper_float(abs(log2 - high - low))
        B = arb.upper_float(log2 / 2 * (1 + 2.0**-30))
        inverse = float(1 / log2)
        growth = arb.upper_float(arb.exact(B).exp())
        tail = arb.upper_float(arb.exact(B) ** (DEGREE + 1) / arb.Arb(DEGREE + 1).fac() * 1.05)
    coefficients = tuple(1.0 / math.factorial(i) for i in range(DEGREE + 1))
    far = float(upward.mul(_LARGEST_POWER, abs(low)))
    reduction = upward.add(upward.mul(UNIT, upward.add(2 * B, 3 * far)), upward.mul(_LARGEST_POWER, rest))
    absolute = upward.add(
        horner_error(coefficients, B)[1], upward.mul(UNIT, growth), tail, upward.mul(growth, reduction, 1.01)
    )
    return inverse, high, low, coefficients, float(upward.mul(absolute, growth))


def exp_into(x: Array, out: Array, part: Array) -> float:
    """Write exp(x), ``|x| <= 700``, into `out`; return a bound of its relative error. x and `part` are overwritten."""
    inverse, high, low, coefficients, relative = _constants()
    np.multiply(x, inverse, out=part)
    np.rint(part, out=part)
    np.multiply(part, high, out=out)
    x -= out
    np.multiply(part, low, out=out)
    x -= out
    out[...] = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        out *= x
        out += coefficient
    part += 1023.0
    bits = x.view(np.int64)
    np.copyto(bits, part, casting="unsafe")
    bits <<= 52
    out *= x
    return relative


def sigmoid_into(x: Array, out: Array, parts: tuple[Array, Array]) -> float:
    """Write the logistic function into `out` and return a bound of its absolute error.

    Parameters
    ----------
    x : ndarray of float64
        Not NaN.
    out : ndarray
        Of the same shape, C-contiguous.
    parts : (ndarray, ndarray)
        Overwritten.

    Examples
    --------
    >>> x = np.array([0.0, 1e300])
    >>> out = np.empty(2)
    >>> error = sigmoid_into(x, out, (np.empty(2), np.empty(2)))
    >>> bool(error < 1e-15), bool(np.all(np.abs(out - [0.5, 1.0]) <= error))
    (True, True)
    """
    argument, part = parts
    np.negative(x, out=argument)
    np.clip(argument, -END, END, out=argument)
    relative = exp_into(argument, out, part)
    out += 1.0
    np.reciprocal(out, out=out)
    return float(upward.add(upward.mul(0.25 * (1 + 2.0**-30), relative), 2.1 * UNIT))


def tanh_into(x: Array, out: Array, parts: tuple[Array, Array]) -> float:
    """Write the hyperbolic tangent into `out` and return a bound of its absolute error; see `sigmoid_into`.

    Examples
    --------
    >>> out = np.empty(1)
    >>> error = tanh_into(np.array([0.0]), out, (np.empty(1), np.empty(1)))
    >>> bool(abs(out[0]) <= error < 2e-15)
    True
    """
    argument, part = parts
    np.clip(x, -END / 2, END / 2, out=argument)
    argument *= 2.0
    relative = exp_into(argument, out, part)
    out += 1.0
    np.reciprocal(out, out=out)
    out *= -2.0
    out += 1.0
    error = upward.add(upward.mul(0.25 * (1 + 2.0**-30), relative), 2.1 * UNIT)
    return float(upward.add(upward.mul(2.0, error), 1.01 * UNIT))
