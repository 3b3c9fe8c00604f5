"""sigmoid and tanh of whole arrays in float64 or float32, written in place, with one bound of the absolute error.

Reduction. ``k = rint(fl(x fl(1/ln 2)))`` and ``ln 2 = H + L + rest``, ``H`` so short that ``k H`` is exact for
``|x| <= end``, ``|k| <= K``: 42 bits with K = 1011 < 2**10 in float64, 17 bits with K = 116 < 2**7 in float32.
``x/ln 2`` is off by at most ``K * 2.01 u < 2**-16``, hence ``|x - k ln 2| <= B = ln(2)/2 (1 + 2**-14)``. The three
roundings of ``fl(fl(x - k H) - fl(k L))`` cost at most ``u (2 B + 3 |k L|)``, the rest ``|k| rest``; their sum is
`reduction`.

Polynomial. Horner's scheme with the rounded coefficients ``1/i!``, ``i <= degree``; the omitted terms are at most
``B^(degree+1)/(degree+1)! * 1.05``. As ``exp(r) >= exp(-B)``, the sum of the errors times ``exp(B)`` bounds the
relative error. Scaling by ``2**k`` is exact.

``sigmoid = 1/(1 + e)`` with ``e = exp(-x)`` turns a relative error of ``e`` into at most a quarter of it, absolute,
since ``e/(1 + e)^2 <= 1/4``; two roundings of a value of at most 1 follow. Arguments are clipped to ``end``, which
changes the value by less than ``exp(-end)``, far below ``u/10``. ``tanh(x) = 1 - 2 sigmoid(-2 x)`` doubles the error
and adds one rounding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import flint
import numpy as np

from verify.arithmetic import arb, upward
from verify.arithmetic.kernels.errors import Array
from verify.arithmetic.kernels.horner import horner_error
from verify.arithmetic.rounding import unit_roundoff


@dataclass(frozen=True)
class _Format:
    """What the kernels need to know of a number format."""

    dtype: np.dtype[Any]
    end: float
    largest_power: int
    high_bits: int
    degree: int
    integer: type
    bias: float
    fraction_bits: int

    @property
    def unit(self) -> float:
        """The unit roundoff u."""
        return float(unit_roundoff(self.dtype))


_FORMATS = {
    np.dtype(np.float64): _Format(np.dtype(np.float64), 700.0, 1011, 42, 12, np.int64, 1023.0, 52),
    np.dtype(np.float32): _Format(np.dtype(np.float32), 80.0, 116, 17, 7, np.int32, 127.0, 23),
}


@cache
def _constants(form: _Format) -> tuple[float, float, float, tuple[float, ...], float]:
    """Return 1/ln 2, H, L, the coefficients and the relative error of the exponential."""

    def nearest(value: float) -> float:
        return float(form.dtype.type(value))

    with arb.precision(250):
        log2 = flint.arb.const_log2()
        high = arb.leading_bits(log2, form.high_bits)
        low = nearest(float(log2 - high))
        rest = arb.upper_float(abs(log2 - high - low))
        B = arb.upper_float(log2 / 2 * (1 + 2.0**-14))
        inverse = nearest(float(1 / log2))
        growth = arb.upper_float(arb.exact(B).exp())
        tail = arb.upper_float(arb.exact(B) ** (form.degree + 1) / arb.Arb(form.degree + 1).fac() * 1.05)
    coefficients = tuple(nearest(1.0 / math.factorial(i)) for i in range(form.degree + 1))
    far = float(upward.mul(form.largest_power, abs(low)))
    reduction = upward.add(upward.mul(form.unit, upward.add(2 * B, 3 * far)), upward.mul(form.largest_power, rest))
    absolute = upward.add(
        horner_error(coefficients, B, form.dtype)[1],
        upward.mul(form.unit, growth),
        tail,
        upward.mul(growth, reduction, 1.01),
    )
    return inverse, high, low, coefficients, float(upward.mul(absolute, growth))


def exp_into(x: Array, out: Array, part: Array) -> float:
    """Write exp(x), ``|x| <= end``, into `out`; return a bound of its relative error. x and `part` are overwritten."""
    form = _FORMATS[x.dtype]
    inverse, high, low, coefficients, relative = _constants(form)
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
    part += form.bias
    bits: Any = x.view(form.integer)
    np.copyto(bits, part, casting="unsafe")
    bits <<= form.fraction_bits
    out *= x
    return relative


def sigmoid_into(x: Array, out: Array, parts: tuple[Array, Array]) -> float:
    """Write the logistic function into `out` and return a bound of its absolute error.

    Parameters
    ----------
    x : ndarray of float64 or float32
        Not NaN.
    out : ndarray
        Of the same shape and format, C-contiguous.
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
    form = _FORMATS[x.dtype]
    np.negative(x, out=argument)
    np.clip(argument, -form.end, form.end, out=argument)
    exp_into(argument, out, part)
    out += 1.0
    np.reciprocal(out, out=out)
    return _sigmoid_error(form)


@cache
def _sigmoid_error(form: _Format) -> float:
    relative = _constants(form)[-1]
    return float(upward.add(upward.mul(0.25 * (1 + 2.0**-30), relative), 2.1 * form.unit))


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
    form = _FORMATS[x.dtype]
    np.clip(x, -form.end / 2, form.end / 2, out=argument)
    argument *= 2.0
    exp_into(argument, out, part)
    out += 1.0
    np.reciprocal(out, out=out)
    out *= -2.0
    out += 1.0
    return _tanh_error(form)


@cache
def _tanh_error(form: _Format) -> float:
    return float(upward.add(upward.mul(2.0, _sigmoid_error(form)), 1.01 * form.unit))
