"""Elementary functions that are made of others: logarithms, powers, inverse functions, shrinkage, products."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import torch

from verify.graph.tensor import Tensor
from verify.importers.lowering import functions
from verify.importers.lowering.axes import axis_back, last_axis
from verify.importers.torch.registry import Scope, rule
from verify.importers.torch.rules.functions import amax, clamp, elu
from verify.operations.elementwise import Elementwise
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.power import Logarithm, Power
from verify.operations.slices import Concatenate
from verify.outcomes import InputError

_ROOT = Power(Fraction(1, 2))


@rule("log2.default")
def binary_logarithm(scope: Scope, x: Tensor) -> Tensor:
    return x.apply(Logarithm()).apply(Elementwise("x/log(2)"))


@rule("log10.default")
def decimal_logarithm(scope: Scope, x: Tensor) -> Tensor:
    return x.apply(Logarithm()).apply(Elementwise("x/log(10)"))


@rule("pow.Scalar", "pow.Tensor_Tensor")
def general_power(scope: Scope, base: Any, exponent: Any) -> Tensor:
    """Return exp(exponent log(base)), which needs a positive base."""
    return functions.general_power(scope.tensor(base), scope.tensor(exponent))


@rule("xlogy.Tensor", "xlogy.Scalar_Self", "xlogy.Scalar_Other")
def times_logarithm(scope: Scope, left: Any, right: Any) -> Tensor:
    return scope.tensor(left) * scope.tensor(right).apply(Logarithm())


@rule("tan.default")
def tangent(scope: Scope, x: Tensor) -> Tensor:
    return x.apply(Elementwise("sin")) / x.apply(Elementwise("cos(x)"))


@rule("asinh.default")
def inverse_hyperbolic_sine(scope: Scope, x: Tensor) -> Tensor:
    return (x + (x.square() + 1).apply(_ROOT)).apply(Logarithm())


@rule("acosh.default")
def inverse_hyperbolic_cosine(scope: Scope, x: Tensor) -> Tensor:
    return (x + (x.square() - 1).apply(_ROOT)).apply(Logarithm())


@rule("atanh.default")
def inverse_hyperbolic_tangent(scope: Scope, x: Tensor) -> Tensor:
    return ((1 + x).apply(Logarithm()) - (1 - x).apply(Logarithm())).scale(Fraction(1, 2))


@rule("asin.default")
def inverse_sine(scope: Scope, x: Tensor) -> Tensor:
    return (x / (1 - x.square()).apply(_ROOT)).apply(Elementwise("arctan"))


@rule("acos.default")
def inverse_cosine(scope: Scope, x: Tensor) -> Tensor:
    return ((1 - x) / (1 + x)).apply(_ROOT).apply(Elementwise("arctan")).scale(Fraction(2))


@rule("atan2.default")
def angle(scope: Scope, height: Any, width: Any) -> Tensor:
    """Return twice the arc tangent of half the angle's, which is not defined on the negative axis: there it jumps."""
    y, x = scope.tensor(height), scope.tensor(width)
    half = y / ((x.square() + y.square()).apply(_ROOT) + x)
    return half.apply(Elementwise("arctan")).scale(Fraction(2))


@rule("sinc.default")
def cardinal_sine(scope: Scope, x: Tensor) -> Tensor:
    """Return sin(pi x)/(pi x), which this quotient leaves undecided around 0."""
    scaled = x.scale(Fraction(math.pi))
    return scaled.apply(Elementwise("sin")) / scaled


@rule("logcumsumexp.default")
def cumulative_log_sum_exp(scope: Scope, x: Tensor, axis: int) -> Tensor:
    last = last_axis(x, axis)
    place = len(last.shape) - 1
    sums = [last.slice(place, 0, k + 1).apply(LogSumExp()) for k in range(last.shape[-1])]
    columns = [found.reshape((*found.shape, 1)) for found in sums]
    return axis_back(columns[0].apply(Concatenate(place), *columns) if len(columns) > 1 else columns[0], axis)


@rule("_trilinear.default")
def trilinear(
    scope: Scope,
    first: Any,
    second: Any,
    third: Any,
    axes_of_first: Sequence[int],
    axes_of_second: Sequence[int],
    axes_of_third: Sequence[int],
    summed: Sequence[int],
    *unrolled: int,
) -> Tensor:
    """Return the sum, over axes, of a product of three arrays with new axes of length 1."""
    parts = []
    for part, axes in ((first, axes_of_first), (second, axes_of_second), (third, axes_of_third)):
        found = scope.tensor(part)
        for axis in axes:
            found = found.reshape((*found.shape[:axis], 1, *found.shape[axis:]))
        parts.append(found)
    return (parts[0] * parts[1] * parts[2]).sum(list(summed))


@rule("hypot.default")
def hypotenuse(scope: Scope, left: Any, right: Any) -> Tensor:
    return (scope.tensor(left).square() + scope.tensor(right).square()).apply(_ROOT)


@rule("lerp.Scalar", "lerp.Tensor")
def interpolated(scope: Scope, start: Any, end: Any, share: Any) -> Tensor:
    first = scope.tensor(start)
    return first + (scope.tensor(end) - first) * scope.tensor(share)


@rule("celu.default")
def celu(scope: Scope, x: Tensor, alpha: float = 1.0) -> Tensor:
    return elu(scope, x, alpha, 1.0, 1 / Fraction(alpha))


@rule("threshold.default")
def threshold(scope: Scope, x: Tensor, at: float, value: float) -> Tensor:
    if at != value:
        raise InputError("the threshold function jumps", threshold=at, value=value, remedy="use threshold = value")
    return clamp(scope, x, at, None)


@rule("prod.dim_int", "prod.default")
def product(scope: Scope, x: Tensor, axis: int | None = None, keep: bool = False, **options: Any) -> Tensor:
    if axis is None:
        return product(scope, x.reshape((-1 if not x.shape else torch.Size(x.shape).numel(),)), 0)
    place = axis % len(x.shape)
    found = _products(x, place)[-1]
    return found if keep else found.reshape((*x.shape[:place], *x.shape[place + 1 :]))


@rule("cumprod.default")
def cumulative_product(scope: Scope, x: Tensor, axis: int, **options: Any) -> Tensor:
    parts = _products(x, axis % len(x.shape))
    return parts[0].apply(Concatenate(axis % len(x.shape)), *parts) if len(parts) > 1 else parts[0]


@rule("_cdist_forward.default", "cdist.default")
def distances(scope: Scope, left: Any, right: Any, order: float = 2.0, *options: Any) -> Tensor:
    a, b = scope.tensor(left), scope.tensor(right)
    apart = a.reshape((*a.shape[:-1], 1, a.shape[-1])) - b.reshape((*b.shape[:-2], 1, *b.shape[-2:]))
    return vector_norm(scope, apart, order, [-1])


def _products(x: Tensor, axis: int) -> list[Tensor]:
    """Return the products of the first entries along an axis, of every number of them."""
    found: list[Tensor] = []
    for k in range(x.shape[axis]):
        part = x.slice(axis, k, k + 1)
        found.append(part if not found else found[-1] * part)
    return found


@rule("linalg_vector_norm.default")
def vector_norm(
    scope: Scope, x: Tensor, order: float = 2, axes: Sequence[int] | None = None, keep: bool = False, **options: Any
) -> Tensor:
    if order == 2:
        return x.square().sum(axes or None, keep=keep).apply(_ROOT)
    size = x.apply(Elementwise("abs(x)"))
    if order == 1:
        return size.sum(axes or None, keep=keep)
    if order == float("inf"):
        return amax(scope, size, list(axes or []), keep)
    raise InputError("only norms of order 1, 2 and infinity", order=order, remedy="use one of them")
