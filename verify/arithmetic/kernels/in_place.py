"""sigmoid and tanh of whole arrays in float64 or float32, written in place, with one bound of the absolute error.

Arguments are clipped to ``END``, which changes tanh by less than ``1 - tanh(END)``.

Reduction. ``k = rint(N x)`` and ``d = x - k/N`` are exact, as in `taylor`; ``|d| <= B = 1/(2 N)``. The addition theorem
``tanh x = (c + t)/(1 + c t)`` needs ``c = tanh(k/N)``, tabulated with an error of at most ``e_c`` that Arb bounds, and
``t = tanh d = d + d^3 q(d^2)``, whose Taylor series alternates: what is left out is at most its first omitted term.

Rounding, with the unit roundoff u and a floor f for all underflow. With m coefficients of sum ``C = sum |c_i| B^(2i)``,
no term of ``d^3 q(d^2)`` meets more than ``4 m + 4`` roundings, and the last sum meets one more:
``e_t = tail + gamma(4m+4) B^3 C + u (B + 2 B^3 C) + f``. The numerator, at most ``1 + B``, is off by
``e_n = (e_c + e_t)(1 + u) + u (1 + B)``; the denominator, at least ``1 - B``, by
``e_d = (2 B e_c + e_t + 2 B u + f)(1 + u) + u (1 + B)``. Since ``|tanh| < 1``, the quotient is off by at most
``e = (e_n + e_d)/(1 - B - e_d)``, and its rounding costs ``u (1 + e)``.

``sigmoid(x) = (1 + tanh(x/2))/2`` halves the error; the sum, at most ``2 + e``, costs ``u (2 + e)/2``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import arb
from verify.arithmetic.kernels.errors import Array
from verify.arithmetic.rounding import floor, gamma, unit_roundoff

END, CELLS = 20, 128
"""Last argument tabulated, and N, a power of two."""
_TERMS = {np.dtype(np.float64): 2, np.dtype(np.float32): 1}
"""Coefficients of q: so many that the tail is far below the unit roundoff."""
BITS = 150

Parts = tuple[Array, Array, NDArray[np.intp]]
"""Two arrays in the format of the argument, one of indices, all of its shape: overwritten."""


@dataclass(frozen=True)
class _Kernel:
    """What tanh in one format needs: c at ``k/N`` from ``-END`` on, the coefficients of q, the error bounds."""

    table: NDArray[Any]
    coefficients: tuple[float, ...]
    tanh_error: float
    sigmoid_error: float


def tanh_into(x: Array, out: Array, parts: Parts) -> float:
    """Write the hyperbolic tangent into `out` and return a bound of its absolute error.

    Parameters
    ----------
    x : ndarray of float64 or float32
        Not NaN.
    out : ndarray
        Of the same shape and format.
    parts : (ndarray, ndarray, ndarray of intp)
        Of the same shape, the first two of the same format; overwritten.

    Examples
    --------
    >>> x, out = np.array([0.0, 1e300]), np.empty(2)
    >>> error = tanh_into(x, out, (np.empty(2), np.empty(2), np.empty(2, np.intp)))
    >>> bool(error < 5e-16), bool(np.all(np.abs(out - [0.0, 1.0]) <= error))
    (True, True)
    """
    kernel = _kernel(x.dtype)
    np.clip(x, -END, END, out=parts[0])
    _write(kernel, out, parts)
    return kernel.tanh_error


def sigmoid_into(x: Array, out: Array, parts: Parts) -> float:
    """Write the logistic function into `out` and return a bound of its absolute error; see `tanh_into`.

    Examples
    --------
    >>> out = np.empty(1)
    >>> error = sigmoid_into(np.array([0.0]), out, (np.empty(1), np.empty(1), np.empty(1, np.intp)))
    >>> bool(abs(out[0] - 0.5) <= error < 4e-16)
    True
    """
    kernel = _kernel(x.dtype)
    np.multiply(x, 0.5, out=parts[0])
    np.clip(parts[0], -END, END, out=parts[0])
    _write(kernel, out, parts)
    out += 1.0
    out *= 0.5
    return kernel.sigmoid_error


def _write(kernel: _Kernel, out: Array, parts: Parts) -> None:
    """Write tanh of the first of the parts, clipped already, into `out`."""
    d, part, cell = parts
    np.multiply(d, float(CELLS), out=part)
    np.rint(part, out=part)
    np.add(part, float(CELLS * END), out=out)
    np.copyto(cell, out, casting="unsafe")
    part *= 1.0 / CELLS
    d -= part
    np.multiply(d, d, out=part)
    first, *others = reversed(kernel.coefficients)
    if others:
        np.multiply(part, first, out=out)
        for coefficient in others[:-1]:
            out += coefficient
            out *= part
        out += others[-1]
        part *= out
    else:
        part *= first
    part *= d
    d += part
    np.take(kernel.table, cell, out=out, mode="clip")
    np.multiply(out, d, out=part)
    part += 1.0
    out += d
    out /= part


@cache
def _kernel(dtype: np.dtype[Any]) -> _Kernel:
    with arb.precision(BITS):
        exact = [(arb.exact(float(k)) / CELLS).tanh() for k in range(CELLS * END + 1)]
        half = np.array([float(ball.mid()) for ball in exact]).astype(dtype)
        rounded = [abs(ball - arb.exact(float(value))) for ball, value in zip(exact, half, strict=True)]
        e_c = max(Fraction(arb.upper_float(error)) for error in rounded)
        beyond = Fraction(arb.upper_float(1 - exact[-1]))
    *series, omitted = _tanh_series(_TERMS[dtype] + 2)[1:]
    coefficients = tuple(float(dtype.type(float(c))) for c in series)
    u, f, B = Fraction(float(unit_roundoff(dtype))), Fraction(float(floor(dtype))), Fraction(1, 2 * CELLS)
    m = len(series)
    size = B**3 * sum((abs(c) * B ** (2 * i) for i, c in enumerate(series)), Fraction(0))
    tail = abs(omitted) * B ** (2 * m + 3)
    e_t = tail + Fraction(float(gamma(4 * m + 4, dtype))) * size + u * (B + 2 * size) + f
    e_n = (e_c + e_t) * (1 + u) + u * (1 + B)
    e_d = (2 * B * e_c + e_t + 2 * B * u + f) * (1 + u) + u * (1 + B)
    e = (e_n + e_d) / (1 - B - e_d)
    e += u * (1 + e) + beyond
    table = np.concatenate([-half[:0:-1], half])
    return _Kernel(table, coefficients, _float_above(e), _float_above(e / 2 + u * (2 + e) / 2 + f))


def _float_above(value: Fraction) -> float:
    return float(np.nextafter(float(value), np.inf))


def _tanh_series(count: int) -> list[Fraction]:
    """Coefficients of x, x^3, x^5, ... in tanh x, from ``tanh' = 1 - tanh^2``.

    Examples
    --------
    >>> [str(c) for c in _tanh_series(4)]
    ['1', '-1/3', '2/15', '-17/315']
    """
    found = [Fraction(1)]
    for n in range(1, count):
        found.append(-sum((found[i] * found[n - 1 - i] for i in range(n)), Fraction(0)) / (2 * n + 1))
    return found
