"""Programs in NumPy: fast, without any statement on the error, in the precision of the input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

import numpy as np
import sympy
from numpy.typing import NDArray
from scipy import special

from verify.activations.arb_numbers import constant_ball
from verify.activations.program import FormulaArithmetic
from verify.arithmetic.arb import precision

_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp,
    "log": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "atan": np.arctan,
    "erf": special.erf,
    "tanh": np.tanh,
    "sigmoid": special.expit,
    "softplus": lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))),
    "relu": lambda x: np.maximum(x, 0),
    "step": lambda x: (x > 0).astype(np.asarray(x).dtype),
    "recip": lambda x: 1.0 / x,
}


@final
class FloatArithmetic(FormulaArithmetic):
    """Arrays of float64 or float32; constants are Python floats, which keep the precision of the array."""

    def constant(self, value: sympy.Expr) -> float:
        with precision(80):
            return float(constant_ball(value))

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def multiply(self, a: Any, b: Any) -> Any:
        return a * b

    def power(self, a: NDArray[Any], exponent: int) -> NDArray[Any]:
        result = None
        while exponent:
            if exponent & 1:
                result = a if result is None else result * a
            exponent >>= 1
            if exponent:
                a = a * a
        return np.asarray(result)

    def call(self, primitive: str, a: Any) -> Any:
        try:
            return _FUNCTIONS[primitive](a)
        except (special.SpecialFunctionError, special.SpecialFunctionWarning):
            with special.errstate(all="ignore"):  # type: ignore[arg-type]  # its stubs say "ignored"
                return _FUNCTIONS[primitive](a)

    def spread(self, constant: Any, x: Any) -> NDArray[Any]:
        return np.full_like(x, constant)


FLOAT = FloatArithmetic()
