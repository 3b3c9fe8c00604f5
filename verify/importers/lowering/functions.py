"""Elementwise functions, powers and extrema that several libraries have."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from verify.graph.tensor import Tensor
from verify.importers.lowering.axes import kept_axes, merged_last
from verify.operations.elementwise import Elementwise
from verify.operations.maximum import Maximum
from verify.operations.power import Logarithm, Power

FORMULAS = {
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "silu": "silu",
    "sin": "sin",
    "cos": "cos(x)",
    "exp": "exp(x)",
    "erf": "erf",
    "arctan": "arctan",
    "relu": "relu",
    "abs": "abs(x)",
    "relu6": "max(x,0)-max(x-6,0)",
    "hardsigmoid": "(max(x+3,0)-max(x-3,0))/6",
    "hardswish": "x*(max(x+3,0)-max(x-3,0))/6",
    "mish": "x*tanh(log(1+exp(x)))",
    "log_sigmoid": "-log(1+exp(-x))",
    "sinh": "(exp(x)-exp(-x))/2",
    "cosh": "(exp(x)+exp(-x))/2",
    "erfc": "1-erf(x)",
    "exp2": "exp(x*log(2))",
    "expm1": "exp(x)-1",
}
"""Formulas of functions without options, by their usual names."""

ROOT = Power(Fraction(1, 2))


def gelu_by_tanh(x: Tensor) -> Tensor:
    """Return the approximation of gelu by a hyperbolic tangent."""
    cubic = x + (x * x.square()).scale(Fraction(0.044715))
    return x * (cubic.scale(Fraction(0.7978845608028654)).apply(Elementwise("tanh")) + 1).scale(Fraction(1, 2))


def leaky_relu(x: Tensor, slope: Fraction) -> Tensor:
    """Return x where positive, else slope times x."""
    positive = x.apply(Elementwise("relu"))
    return positive + (x - positive).scale(slope)


def elu(
    x: Tensor, alpha: float | Fraction = 1, scale: float | Fraction = 1, input_scale: float | Fraction = 1
) -> Tensor:
    """Return ``scale (x where positive, else alpha (exp(input_scale x) - 1))``."""
    positive = x.apply(Elementwise("relu"))
    negative = (x - positive).scale(Fraction(input_scale)).apply(Elementwise("exp(x)")) - 1
    return (positive + negative.scale(Fraction(alpha))).scale(Fraction(scale))


def clamped(x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Tensor:
    """Return x, not below one bound and not above the other."""
    if low is not None:
        x = (x - low).apply(Elementwise("relu")) + low
    return x if high is None else high - (high - x).apply(Elementwise("relu"))


def prelu(x: Tensor, slope: Tensor) -> Tensor:
    """Return x where positive, else slope times x, the slopes repeated to the shape of x."""
    positive = x.apply(Elementwise("relu"))
    return positive + (x - positive) * slope


def power(x: Tensor, exponent: Fraction) -> Tensor:
    """Return a power; the base must be positive where the exponent is neither whole nor a half of a whole number."""
    if exponent == 2:
        return x.square()
    if exponent.denominator > 2:
        return x.apply(Logarithm()).scale(exponent).apply(Elementwise("exp(x)"))
    return x.apply(Power(exponent))


def general_power(base: Tensor, exponent: Tensor) -> Tensor:
    """Return exp(exponent log(base)), which needs a positive base."""
    return (base.apply(Logarithm()) * exponent).apply(Elementwise("exp(x)"))


def largest_over(x: Tensor, axes: Sequence[int], keep: bool = False) -> Tensor:
    """Return the largest entry over axes, all of them if none are named."""
    largest = merged_last(x, axes).apply(Maximum())
    return kept_axes(largest, x.shape, axes) if keep else largest


def matrix_product(a: Tensor, b: Tensor) -> Tensor:
    """Return the product of matrices, stacks of them, or vectors, by NumPy's rules."""
    if len(b.shape) == 1:
        product = a if len(a.shape) > 1 else a.reshape((1, a.shape[0]))
        column = product @ b.reshape((b.shape[0], 1))
        return column.reshape(column.shape[:-1] if len(a.shape) > 1 else ())
    if len(a.shape) == 1:
        row = a.reshape((1, a.shape[0])) @ b
        return row.reshape((*row.shape[:-2], row.shape[-1]))
    if len(b.shape) > 2 and len(a.shape) < len(b.shape):
        a = a.broadcast_to((*b.shape[:-2], *a.shape[-2:]))
    return a @ b
