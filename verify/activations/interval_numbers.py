"""Programs on interval arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np
import sympy

from verify.activations.arb_numbers import constant_ball
from verify.activations.program import FormulaArithmetic
from verify.arithmetic import arb, elementary
from verify.arithmetic.intervals import Interval


def _increasing(function: Callable[[Any], Any]) -> Callable[[Interval], Interval]:
    """Image under an increasing function that float64 computes exactly."""
    return lambda x: Interval.from_bounds(function(x.lower), function(x.upper))


_FUNCTIONS: dict[str, Callable[[Interval], Interval]] = {
    "exp": elementary.exp,
    "log": elementary.log,
    "sqrt": lambda x: x.sqrt(),
    "sin": elementary.sin,
    "cos": elementary.cos,
    "atan": elementary.arctan,
    "erf": elementary.erf,
    "tanh": elementary.tanh,
    "sigmoid": elementary.sigmoid,
    "softplus": elementary.softplus,
    "relu": _increasing(lambda end: np.maximum(end, 0.0)),
    "step": lambda x: Interval.from_bounds((x.lower > 0) * 1.0, (x.upper >= 0) * 1.0),
    "recip": lambda x: 1.0 / x,
}


@final
class IntervalArithmetic(FormulaArithmetic):
    """Arrays of real intervals; every operation is valid, see `verify.arithmetic.intervals`."""

    def constant(self, value: sympy.Expr) -> Any:
        with arb.precision(120):
            low, high = arb.bounds(constant_ball(value))
        return low if low == high else Interval.from_bounds(low, high)

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def multiply(self, a: Any, b: Any) -> Any:
        return a * b

    def power(self, a: Any, exponent: int) -> Any:
        if exponent == 2:
            return a.square()
        half = self.power(a, exponent // 2) if exponent > 3 else a
        return half.square() * a if exponent % 2 else half.square()

    def call(self, primitive: str, a: Any) -> Any:
        return _FUNCTIONS[primitive](a)

    def spread(self, constant: Any, x: Interval) -> Interval:
        value = constant if isinstance(constant, Interval) else Interval.point(np.float64(constant))
        return value.broadcast_to(x.shape)


INTERVAL = IntervalArithmetic()
