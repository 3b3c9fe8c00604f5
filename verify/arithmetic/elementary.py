"""Elementary functions of interval arrays.

Each takes and returns an `Interval`: exact numbers cost one evaluation of the kernel, intervals two, at their ends.
All are monotone between their ends but sin, cos and the Gaussian density, whose extrema are added where an interval
may hold one. Arrays are worked through in blocks that stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic.blocks import in_blocks
from verify.arithmetic.intervals import Interval
from verify.arithmetic.kernels import exponential, logarithm, mills, saturating, trigonometric
from verify.arithmetic.kernels.errors import Array, Evaluated, lifted
from verify.arithmetic.midrad import guarded
from verify.arithmetic.rounding import UNIT, ArithmeticDomainError, add_down, add_up, inflation

Kernel = Callable[[Array], Evaluated]
Block = Callable[[Array, Array | None], Evaluated]


def _apply(block: Block, x: Interval) -> Interval:
    return Interval(*in_blocks(lambda mid, rad: guarded(*block(mid, rad)), x.mid, None if x.is_exact else x.rad))


def _between(one: Evaluated, other: Evaluated) -> Evaluated:
    """Return midpoint and radius of the hull of two enclosures."""
    (a, error_a), (b, error_b) = one, other
    mid = 0.5 * a + 0.5 * b
    rad = 0.5 * np.abs(b - a) + np.maximum(error_a, error_b)
    rad += UNIT * np.abs(mid)
    rad *= inflation(4)
    return mid, lifted(rad, np.maximum(np.abs(a), np.abs(b)))


def _monotone(kernel: Kernel) -> Block:
    def block(mid: Array, rad: Array | None) -> Evaluated:
        if rad is None:
            return kernel(mid)
        return _between(kernel(add_down(mid, -rad)), kernel(add_up(mid, rad)))

    return block


def exp(x: Interval) -> Interval:
    """Exponential function.

    Examples
    --------
    >>> exp(Interval.point([0.0])).contains([1.0])
    True
    """
    return _apply(_monotone(exponential.exp), x)


def expm1(x: Interval) -> Interval:
    """Exponential function minus 1, accurate near zero."""
    return _apply(_monotone(exponential.expm1), x)


def log(x: Interval) -> Interval:
    """Natural logarithm; the whole line where an interval reaches zero or below.

    Raises
    ------
    ArithmeticDomainError
        If an interval holds no positive number.
    """
    if np.any(x.upper <= 0):
        raise ArithmeticDomainError("logarithm of a number that is not positive", value=float(np.min(x.upper)))
    return _apply(_monotone(logarithm.log), x)


def log1p(x: Interval) -> Interval:
    """Logarithm of ``1 + x``, accurate near zero; the whole line where an interval reaches -1 or below.

    Raises
    ------
    ArithmeticDomainError
        If an interval holds no number above -1.
    """
    if np.any(x.upper <= -1):
        raise ArithmeticDomainError("log1p of a number that is not above -1", value=float(np.min(x.upper)))
    return _apply(_monotone(logarithm.log1p), x)


def tanh(x: Interval) -> Interval:
    """Hyperbolic tangent."""
    return _apply(_monotone(saturating.tanh), x)


def sigmoid(x: Interval) -> Interval:
    """Logistic function ``1/(1 + exp(-x))``."""
    return _apply(_monotone(exponential.sigmoid), x)


def softplus(x: Interval) -> Interval:
    """``log(1 + exp(x))``."""
    return _apply(_monotone(exponential.softplus), x)


def arctan(x: Interval) -> Interval:
    """Inverse tangent."""
    return _apply(_monotone(saturating.arctan), x)


def erf(x: Interval) -> Interval:
    """Error function."""
    return _apply(_monotone(saturating.erf), x)


def gaussian_density(x: Interval) -> Interval:
    """``exp(-x^2/2)/sqrt(2 pi)``, which falls with ``|x|``."""

    def block(mid: Array, rad: Array | None) -> Evaluated:
        if rad is None:
            return exponential.gaussian_density(mid)
        size = np.abs(mid)
        near = np.maximum(add_down(size, -rad), 0.0)
        return _between(exponential.gaussian_density(near), exponential.gaussian_density(add_up(size, rad)))

    return _apply(block, x)


def mills_ratio(x: Interval) -> Interval:
    """``(1 - Phi(x))/phi(x)`` of the normal distribution, which falls; infinite below 3.5."""
    return _apply(_monotone(mills.mills_ratio), x)


def _turns(x: Array, offset: float) -> tuple[Array, Array]:
    """Bounds of ``x/(2 pi) - offset``: three roundings, and that of the constant."""
    turns = x * (0.5 / np.pi) - offset
    margin = (np.abs(x) + 1.0) * 2.0**-50
    return turns - margin, turns + margin


def _may_hold(low: Array, high: Array, offset: float) -> NDArray[np.bool_]:
    """Whether an interval may hold ``2 pi (n + offset)`` for an integer ``n``; True where that is not decided."""
    first, last = _turns(low, offset)[0], _turns(high, offset)[1]
    return ~(np.floor(last) < np.ceil(first)) & (low < high)


def _periodic(kernel: Kernel, top: float, bottom: float) -> Block:
    def block(mid: Array, rad: Array | None) -> Evaluated:
        if rad is None:
            return kernel(mid)
        low, high = add_down(mid, -rad), add_up(mid, rad)
        (a, error_a), (b, error_b) = kernel(low), kernel(high)
        peak, trough = _may_hold(low, high, top), _may_hold(low, high, bottom)
        least = np.where(trough, -1.0, np.minimum(add_down(a, -error_a), add_down(b, -error_b)))
        most = np.where(peak, 1.0, np.maximum(add_up(a, error_a), add_up(b, error_b)))
        nothing = np.zeros(mid.shape)
        return _between((np.maximum(least, -1.0), nothing), (np.minimum(most, 1.0), nothing))

    return block


def sin(x: Interval) -> Interval:
    """Sine; arguments above ``2**17`` cost about a thousand times more."""
    return _apply(_periodic(trigonometric.sin, 0.25, 0.75), x)


def cos(x: Interval) -> Interval:
    """Cosine; arguments above ``2**17`` cost about a thousand times more."""
    return _apply(_periodic(trigonometric.cos, 0.0, 0.5), x)
