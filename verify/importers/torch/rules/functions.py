"""Elementwise functions, smooth and not."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from verify.graph.tensor import Tensor
from verify.importers.torch.registry import Scope, rule
from verify.operations.elementwise import Elementwise
from verify.operations.maximum import Maximum
from verify.outcomes import InputError

FORMULAS = {
    "tanh.default": "tanh",
    "sigmoid.default": "sigmoid",
    "silu.default": "silu",
    "sin.default": "sin",
    "cos.default": "cos(x)",
    "exp.default": "exp(x)",
    "erf.default": "erf",
    "atan.default": "arctan",
    "relu.default": "relu",
    "abs.default": "abs(x)",
    "relu6.default": "max(x,0)-max(x-6,0)",
    "hardsigmoid.default": "(max(x+3,0)-max(x-3,0))/6",
    "hardswish.default": "x*(max(x+3,0)-max(x-3,0))/6",
    "mish.default": "x*tanh(log(1+exp(x)))",
    "log_sigmoid.default": "-log(1+exp(-x))",
}
"""Formulas of functions without options; the hyperbolic tangent form of gelu and the others stand below."""


def _register(name: str, formula: str) -> None:
    @rule(name)
    def apply(scope: Scope, x: Tensor) -> Tensor:
        return x.apply(Elementwise(formula))


for _name, _formula in FORMULAS.items():
    _register(_name, _formula)


@rule("gelu.default")
def gelu(scope: Scope, x: Tensor, approximate: str = "none") -> Tensor:
    if approximate == "none":
        return x.apply(Elementwise("gelu"))
    cubic = x + (x * x.square()).scale(Fraction(0.044715))
    return x * (cubic.scale(Fraction(0.7978845608028654)).apply(Elementwise("tanh")) + 1).scale(Fraction(1, 2))


@rule("softplus.default")
def softplus(scope: Scope, x: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """Return the smooth function: the line that frameworks take beyond the threshold differs by exp(-threshold)."""
    return _at_scale(x, beta, lambda y: y.apply(Elementwise("softplus")))


@rule("leaky_relu.default")
def leaky_relu(scope: Scope, x: Tensor, slope: float = 0.01) -> Tensor:
    positive = x.apply(Elementwise("relu"))
    return positive + (x - positive).scale(Fraction(slope))


@rule("elu.default")
def elu(scope: Scope, x: Tensor, alpha: float = 1.0, scale: float = 1.0, input_scale: float = 1.0) -> Tensor:
    if input_scale != 1:
        raise InputError("elu with input_scale", input_scale=input_scale)
    positive = x.apply(Elementwise("relu"))
    negative = (x - positive).apply(Elementwise("exp(x)")) - 1
    return (positive + negative.scale(Fraction(alpha))).scale(Fraction(scale))


@rule("hardtanh.default", "clamp.default")
def clamp(scope: Scope, x: Tensor, low: float | None = -1.0, high: float | None = 1.0) -> Tensor:
    if low is not None:
        x = (x - scope.tensor(low)).apply(Elementwise("relu")) + scope.tensor(low)
    return x if high is None else scope.tensor(high) - (scope.tensor(high) - x).apply(Elementwise("relu"))


@rule("clamp_min.default")
def clamp_min(scope: Scope, x: Tensor, low: float) -> Tensor:
    return clamp(scope, x, low, None)


@rule("amax.default")
def amax(scope: Scope, x: Tensor, axes: list[int], keep: bool = False) -> Tensor:
    (axis,) = axes
    place = axis % len(x.shape)
    order = [k for k in range(len(x.shape)) if k != place]
    largest = x.permute(*order, place).apply(Maximum())
    return largest if not keep else largest.reshape(tuple(1 if k == place else n for k, n in enumerate(x.shape)))


@rule("maximum.default")
def maximum(scope: Scope, left: Tensor, right: Tensor) -> Tensor:
    a, b = scope.tensor(left), scope.tensor(right)
    return a + (b - a).apply(Elementwise("relu"))


def _at_scale(x: Tensor, beta: float, function: Callable[[Tensor], Tensor]) -> Tensor:
    exact = Fraction(beta)
    return function(x.scale(exact)).scale(1 / exact)
