"""Conversions between float64 arrays and Arb balls (python-flint): exact one way, outward the other.

Arb promises inclusion: the exact value lies in the ball. It does not promise a tight ball; whoever needs one
raises the precision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import flint
import numpy as np
from numpy.typing import ArrayLike, NDArray

from verify.arithmetic.floats import float_array
from verify.arithmetic.rounding import ArithmeticDomainError

Arb = flint.arb


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """Work with ``bits`` bits of precision inside the block.

    Examples
    --------
    >>> with precision(200):
    ...     print(exact(2.0).sqrt().rel_accuracy_bits() > 190)
    True
    """
    before = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = before


def taylor_coefficients(function: Callable[[Any], Any], centre: Any, count: int) -> list[Any]:
    """Return the first Taylor coefficients of an analytic function, at each point of a ball.

    Power series are cut at ``flint.ctx.cap`` terms, which all threads share, and read as zero beyond; so that of the
    result is set here, and the terms left are counted.

    Parameters
    ----------
    function : callable
        Takes and returns ``flint.arb_series``.
    centre : flint.arb
    count : int

    Raises
    ------
    ArithmeticDomainError
        If `function` returned fewer terms.

    Examples
    --------
    >>> [str(c) for c in taylor_coefficients(lambda x: 1 / (1 - x), exact(0.0), 3)]
    ['1.00000000000000', '1.00000000000000', '1.00000000000000']
    """
    before = flint.ctx.cap
    flint.ctx.cap = count
    try:
        series = function(flint.arb_series([centre, 1], count))
    finally:
        flint.ctx.cap = before
    if series.prec < count:
        raise ArithmeticDomainError(
            "a power series was cut short", where="arb.taylor_coefficients", terms=series.prec, needed=count
        )
    return [series[k] for k in range(count)]


def exact(x: ArrayLike) -> Any:
    """Return float64 numbers as exact balls.

    Parameters
    ----------
    x : array_like
        Finite numbers.

    Returns
    -------
    flint.arb or ndarray of object
        A single ball for a scalar, else an array of balls of the same shape.

    Raises
    ------
    ArithmeticDomainError
        If an entry is NaN or infinite.

    Examples
    --------
    >>> exact(0.1) * 10 == 1
    False
    """
    array = float_array(x)
    if not np.all(np.isfinite(array)):
        raise ArithmeticDomainError("only finite numbers have an exact ball", where="arb.exact")
    if array.ndim == 0:
        return Arb(float(array))
    return elementwise(Arb)(array.astype(object))


def elementwise(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return ``function`` of balls as a function of object arrays of balls.

    Examples
    --------
    >>> elementwise(lambda ball: ball.exp())(exact([0.0])).shape
    (1,)
    """

    def mapped(*arrays: Any) -> NDArray[np.object_]:
        broadcast = np.broadcast_arrays(*(np.asarray(a, dtype=object) for a in arrays))
        result = np.empty(broadcast[0].shape, dtype=object)
        for position in np.ndindex(result.shape):
            result[position] = function(*(a[position] for a in broadcast))
        return result

    return mapped


def lower_float(ball: Any) -> float:
    """Return a float64 not above the ball (``-inf`` if there is none); at most two units from the best.

    Raises
    ------
    ArithmeticDomainError
        If the ball is not a number.
    """
    if ball.is_nan():
        raise ArithmeticDomainError("not a number (NaN)", where="arb.bounds")
    if not ball.is_finite():
        return -np.inf
    end = ball.lower()
    candidate = float(end)
    while candidate == np.inf or (candidate != -np.inf and not Arb(candidate) <= end):
        candidate = float(np.nextafter(candidate, -np.inf))
    return candidate


def upper_float(ball: Any) -> float:
    """Return a float64 not below the ball; see `lower_float`."""
    return -lower_float(-ball)


def leading_bits(ball: Any, binary_places: int) -> float:
    """Return a ball rounded down to so many binary places, as an exact float64.

    Raises
    ------
    ArithmeticDomainError
        If the precision does not decide it.

    Examples
    --------
    >>> leading_bits(exact(0.7), 2)
    0.5
    """
    integer = (ball * 2**binary_places).floor().unique_fmpz()
    if integer is None:
        raise ArithmeticDomainError("precision does not decide the rounding", where="arb.leading_bits")
    return int(integer) / 2**binary_places


def bounds(x: Any) -> tuple[Any, Any]:
    """Return float64 bounds of balls.

    Parameters
    ----------
    x : flint.arb or ndarray of object
        Balls.

    Returns
    -------
    lower, upper : float or ndarray
        With ``lower <= x <= upper``, for every number in the ball.

    Raises
    ------
    ArithmeticDomainError
        If a ball is not a number.

    Examples
    --------
    >>> low, high = bounds(exact(2.0).sqrt())
    >>> low * low < 2 < high * high, high - low < 1e-15
    (True, True)
    """
    if isinstance(x, Arb):
        return lower_float(x), upper_float(x)
    array = np.asarray(x, dtype=object)
    lower = np.array([lower_float(ball) for ball in array.flat], dtype=np.float64)
    upper = np.array([upper_float(ball) for ball in array.flat], dtype=np.float64)
    return lower.reshape(array.shape), upper.reshape(array.shape)


def hull(lower: float, upper: float) -> Any:
    """Return a ball that holds ``[lower, upper]``; the whole line if an end is infinite.

    Examples
    --------
    >>> hull(0.0, 1.0).contains(exact(1.0))
    True
    """
    if not lower <= upper:
        raise ArithmeticDomainError("lower end above the upper one", where="arb.hull", lower=lower, upper=upper)
    if not (np.isfinite(lower) and np.isfinite(upper)):
        return Arb(0, np.inf)
    return Arb(float(lower)).union(Arb(float(upper)))
