"""Elementwise functions, smooth and not."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from verify.graph.tensor import Tensor
from verify.importers.lowering import functions
from verify.importers.lowering.functions import FORMULAS
from verify.importers.torch.meaning import LEAST_THRESHOLD
from verify.importers.torch.registry import Scope, rule
from verify.operations.elementwise import Elementwise
from verify.operations.power import Logarithm
from verify.outcomes import InputError

NAMES = {
    "sigmoid.default": "sigmoid",
    "atan.default": "arctan",
    **{f"{name}.default": name for name in FORMULAS if name not in ("sigmoid", "arctan")},
}
"""Formulas of functions without options by PyTorch's names."""


def _register(name: str, formula: str) -> None:
    @rule(name)
    def apply(scope: Scope, x: Tensor) -> Tensor:
        return x.apply(Elementwise(formula))


for _name, _usual in NAMES.items():
    _register(_name, FORMULAS[_usual])


@rule("gelu.default")
def gelu(scope: Scope, x: Tensor, approximate: str = "none") -> Tensor:
    if approximate == "none":
        return x.apply(Elementwise("gelu"))
    return functions.gelu_by_tanh(x)


@rule("softplus.default")
def softplus(scope: Scope, x: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return the smooth function, also where PyTorch takes the line."""
    if threshold < LEAST_THRESHOLD:
        raise InputError(
            "softplus with a low threshold is not continuous", threshold=threshold, remedy="leave the threshold at 20"
        )
    return _at_scale(x, beta, lambda y: y.apply(Elementwise("softplus")))


@rule("leaky_relu.default")
def leaky_relu(scope: Scope, x: Tensor, slope: float = 0.01) -> Tensor:
    return functions.leaky_relu(x, Fraction(slope))


@rule("elu.default")
def elu(scope: Scope, x: Tensor, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Tensor:
    return functions.elu(x, alpha, scale, input_scale)


@rule("hardtanh.default")
def hardtanh(scope: Scope, x: Tensor, low: float = -1.0, high: float = 1.0) -> Tensor:
    return clamp(scope, x, low, high)


@rule("clamp.default", "clamp.Tensor")
def clamp(scope: Scope, x: Tensor, low: Any = None, high: Any = None) -> Tensor:
    return functions.clamped(x, *(None if bound is None else scope.tensor(bound) for bound in (low, high)))


@rule("clamp_min.default")
def clamp_min(scope: Scope, x: Tensor, low: float) -> Tensor:
    return clamp(scope, x, low, None)


@rule("clamp_max.default")
def clamp_max(scope: Scope, x: Tensor, high: float) -> Tensor:
    return clamp(scope, x, None, high)


@rule("prelu.default", "_prelu_kernel.default")
def prelu(scope: Scope, x: Tensor, slope: Any) -> Tensor:
    factors = scope.tensor(slope)
    if len(x.shape) > 1 and factors.shape != (1,) and len(factors.shape) == 1:
        factors = factors.reshape((*factors.shape, *(1,) * (len(x.shape) - 2)))
    return functions.prelu(x, factors)


@rule("logaddexp.default")
def logaddexp(scope: Scope, left: Any, right: Any) -> Tensor:
    a, b = scope.tensor(left), scope.tensor(right)
    return a + (b - a).apply(Elementwise("softplus"))


@rule("log1p.default")
def log1p(scope: Scope, x: Tensor) -> Tensor:
    return (x + 1).apply(Logarithm())


@rule("amax.default")
def amax(scope: Scope, x: Tensor, axes: list[int], keep: bool = False) -> Tensor:
    return functions.largest_over(x, axes, keep)


@rule("amin.default")
def amin(scope: Scope, x: Tensor, axes: list[int], keep: bool = False) -> Tensor:
    return -amax(scope, -x, axes, keep)


@rule("max.dim")
def largest_along(scope: Scope, x: Tensor, axis: int, keep: bool = False) -> list[Any]:
    return [amax(scope, x, [axis], keep), None]


@rule("min.dim")
def least_along(scope: Scope, x: Tensor, axis: int, keep: bool = False) -> list[Any]:
    return [amin(scope, x, [axis], keep), None]


@rule("max.default")
def largest(scope: Scope, x: Tensor) -> Tensor:
    return amax(scope, x, [])


@rule("min.default")
def least(scope: Scope, x: Tensor) -> Tensor:
    return amin(scope, x, [])


@rule("minimum.default", "fmin.default")
def minimum(scope: Scope, left: Any, right: Any) -> Tensor:
    return -maximum(scope, -scope.tensor(left), -scope.tensor(right))


@rule("maximum.default", "fmax.default")
def maximum(scope: Scope, left: Any, right: Any) -> Tensor:
    a, b = scope.tensor(left), scope.tensor(right)
    return a + (b - a).apply(Elementwise("relu"))


def _at_scale(x: Tensor, beta: float, function: Callable[[Tensor], Tensor]) -> Tensor:
    exact = Fraction(beta)
    return function(x.scale(exact)).scale(1 / exact)
