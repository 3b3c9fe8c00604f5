"""Functions tabulated by their Taylor polynomials on a uniform grid.

The cell of ``x`` is the nearest centre ``a = k/N``, ``N`` a power of two. Then ``k = rint(N x)`` and ``b = x - a``
are exact: multiplying by ``N`` is, and for ``k != 0`` the two operands of the subtraction are within a factor of two
of each other (Sterbenz). With the float coefficients ``c_i`` of the cell, ``f(x)`` differs from the value computed by
at most

    sum_i |c_i - f_i| B^i  +  |f_(d+1)|(cell) B^(d+1)  +  rounding,        B = 1/(2 N),

where ``f_i`` are the Taylor coefficients at ``a`` and the last one is enclosed over the whole cell (Lagrange's
remainder); Arb encloses both. The rounding is that of Horner's scheme: constant in the cell up to the last sum, which
costs ``u |value|``. Divided by a lower bound of ``|f|`` over the cell all of it is a relative error, tabulated too.
Around a centre that is a zero of ``f``, where ``c_0 = 0`` is exact, the value is ``b p(b)``, and the errors of ``p``
are divided by a lower bound of ``|f'|``, hence of ``|f(x)/b|``, over the cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import arb, upward
from verify.arithmetic.kernels.horner import horner_error
from verify.arithmetic.rounding import FLOOR, UNIT, ArithmeticDomainError, inflation

Array = NDArray[np.float64]
Series = Callable[[Any], Any]
BITS = 150


@dataclass(frozen=True)
class TaylorTable:
    """A tabulated function; build it with `tabulate`.

    Parameters
    ----------
    cells_per_unit : float
        ``N``, a power of two.
    first : int
        Index ``k`` of the first cell.
    coefficients : tuple of ndarray
        Taylor coefficients of all cells, one array for each degree.
    relative_error : ndarray
        Bound of ``|value - f| / |value|`` in each cell.
    """

    cells_per_unit: float
    first: int
    coefficients: tuple[Array, ...]
    relative_error: Array

    def __call__(self, x: Array) -> tuple[Array, Array]:
        """Return the values at points inside the table, and the relative errors."""
        nearest = np.rint(x * self.cells_per_unit)
        b = x - nearest * (1.0 / self.cells_per_unit)
        cell = nearest.astype(np.intp)
        if self.first:
            cell -= self.first
        value = b * self.coefficients[-1].take(cell)
        for coefficient in self.coefficients[-2:0:-1]:
            value += coefficient.take(cell)
            value *= b
        value += self.coefficients[0].take(cell)
        return value, self.relative_error.take(cell)


def tabulate(
    function: Series,
    lower: float,
    upper: float,
    cells_per_unit: int,
    degree: int,
    zero_at: float | None = None,
    gap_beyond: float = 0.0,
) -> TaylorTable:
    """Tabulate an analytic function, given as a map of Arb power series, on ``[lower, upper]``.

    Parameters
    ----------
    function : callable
        Takes and returns ``flint.arb_series``; no zeros in the interval but `zero_at`.
    lower, upper : float
        The interval.
    cells_per_unit : int
        A power of two.
    degree : int
        Degree of the polynomials, at least 2.
    zero_at : float, optional
        A cell centre where the function is exactly zero.
    gap_beyond : float
        Bound of ``|f(x) - f(upper)|`` for every ``x`` beyond, added to the last cell: arguments may be clipped to it.

    Raises
    ------
    ArithmeticDomainError
        If the relative error is not finite: a zero of the function, or too low a degree.

    Examples
    --------
    >>> table = tabulate(lambda x: x.exp(), 0.0, 1.0, 16, 8)
    >>> value, relative_error = table(np.array([0.5]))
    >>> bool(abs(value[0] - 1.6487212707001282) < 1e-15), bool(relative_error[0] < 3e-16)
    (True, True)
    """
    first, last = round(lower * cells_per_unit), round(upper * cells_per_unit)
    half = 0.5 / cells_per_unit
    cells = last - first + 1
    coefficients = np.empty((degree + 1, cells))
    deviation = np.empty((degree + 1, cells))
    remainder, least = np.empty(cells), np.empty(cells)
    with arb.precision(BITS):
        for i in range(cells):
            centre = arb.Arb((first + i) / cells_per_unit)
            exact = arb.taylor_coefficients(function, centre, degree + 2)
            coefficients[:, i] = [float(c.mid()) for c in exact[:-1]]
            deviation[:, i] = [
                _above(c - stored) for c, stored in zip(exact, coefficients[:, i].tolist(), strict=False)
            ]
            cell = arb.taylor_coefficients(function, arb.Arb(centre, half), degree + 2)
            remainder[i] = _above(cell[-1])
            least[i] = arb.lower_float(abs(cell[0] if centre != zero_at else cell[1]))
            if centre == zero_at:
                coefficients[0, i] = deviation[0, i] = 0.0
    deviation[0, -1] = upward.add(deviation[0, -1], gap_beyond)
    centres = np.arange(first, last + 1) / cells_per_unit
    relative_error = _relative_error(coefficients, deviation, remainder, least, half, centres == zero_at)
    if not np.all(relative_error < 2.0**-40):
        raise ArithmeticDomainError("no useful relative error", where="tabulate", worst=float(np.max(relative_error)))
    return TaylorTable(float(cells_per_unit), first, tuple(coefficients), relative_error)


def _relative_error(
    coefficients: Array, deviation: Array, remainder: Array, least: Array, half: float, zero: NDArray[np.bool_]
) -> Array:
    """Combine the errors; the last sum (or product, at a zero) costs ``u |value|``."""
    magnitude, error = horner_error(list(coefficients[1:]), half)
    slope_error = error
    for i in range(1, len(coefficients)):
        slope_error = upward.add(slope_error, upward.mul(deviation[i], half ** (i - 1)))
    slope_error = upward.add(slope_error, upward.mul(remainder, half ** (len(coefficients) - 1)))
    product = upward.mul(magnitude, UNIT, half)
    absolute = upward.add(upward.mul(slope_error, half), product, FLOOR, deviation[0])
    share = upward.div(np.where(zero, slope_error, absolute), np.maximum(least, 0.0))
    # from relative to f to relative to the value, |f| <= (1 + 2**-38) |value|, and room for the caller's product
    return upward.mul(upward.add(upward.mul(share, 1 + 2.0**-38), UNIT), inflation(1))


def _above(ball: Any) -> float:
    return arb.upper_float(abs(ball))
