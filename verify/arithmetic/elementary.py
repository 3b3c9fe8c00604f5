"""Elementary functions of interval arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flint
import numpy as np

from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval


def _monotone(
    function: Callable[[Any], Any], at_minus_infinity: float, at_infinity: float
) -> Callable[[Interval], Interval]:
    def ends(x: Any) -> tuple[Any, Any]:
        low, high = np.empty(x.shape), np.empty(x.shape)
        for i, value in np.ndenumerate(x):
            if np.isinf(value):
                low[i] = high[i] = at_infinity if value > 0 else at_minus_infinity
            else:
                low[i], high[i] = arb.bounds(function(arb.Arb(float(value))))
        return low, high

    def enclosed(x: Interval) -> Interval:
        with arb.precision(80):
            low, high = ends(x.lower)
            if not x.is_exact:
                high = ends(x.upper)[1]
        floor_, ceiling = min(at_minus_infinity, at_infinity), max(at_minus_infinity, at_infinity)
        return Interval.from_bounds(np.maximum(low, floor_), np.minimum(high, ceiling))

    return enclosed


exp = _monotone(lambda t: t.exp(), 0.0, np.inf)
expm1 = _monotone(lambda t: t.expm1(), -1.0, np.inf)
tanh = _monotone(lambda t: t.tanh(), -1.0, 1.0)
sigmoid = _monotone(lambda t: 1 / (1 + (-t).exp()) if float(t) > -700 else t.exp(), 0.0, 1.0)
softplus = _monotone(lambda t: t.exp().log1p() if float(t) < 500 else t + (-t).exp().log1p(), 0.0, np.inf)
arctan = _monotone(lambda t: t.atan(), -1.5707963267948968, 1.5707963267948968)
erf = _monotone(lambda t: t.erf(), -1.0, 1.0)


def log1p(x: Interval) -> Interval:
    return _monotone(lambda t: t.log1p(), -np.inf, np.inf)(x)


def _trigonometric(function: Callable[[Any], Any]) -> Callable[[Interval], Interval]:
    def enclosed(x: Interval) -> Interval:
        low, high = np.empty(x.shape), np.empty(x.shape)
        with arb.precision(1200):
            for i in np.ndindex(x.shape):
                if not np.isfinite(x.rad[i]):
                    low[i], high[i] = -1.0, 1.0
                else:
                    low[i], high[i] = arb.bounds(function(arb.hull(float(x.lower[i]), float(x.upper[i]))))
        return Interval.from_bounds(np.maximum(low, -1.0), np.minimum(high, 1.0))

    return enclosed


sin = _trigonometric(lambda t: t.sin())
cos = _trigonometric(lambda t: t.cos())


def gaussian_density(x: Interval) -> Interval:
    """Return ``exp(-x^2/2)/sqrt(2 pi)``."""
    with arb.precision(80):
        scale = arb.bounds(1 / (2 * flint.arb.pi()).sqrt())
    return exp(-(x.square() * 0.5)) * Interval.from_bounds(*scale)
