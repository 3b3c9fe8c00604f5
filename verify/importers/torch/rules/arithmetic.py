"""Sums, products, quotients and powers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import torch

from verify.graph.tensor import Tensor
from verify.importers.lowering import functions
from verify.importers.lowering.softmax import Masked
from verify.importers.torch.registry import Scope, rule
from verify.operations.power import Logarithm, Power


@rule("add.Tensor", "add.Scalar")
def add(scope: Scope, left: Any, right: Any, alpha: float = 1) -> Tensor | Masked:
    return masked_sum(scope, left, scope.tensor(right).scale(Fraction(alpha)) if alpha != 1 else right)


@rule("sub.Tensor", "sub.Scalar")
def subtract(scope: Scope, left: Any, right: Any, alpha: float = 1) -> Tensor:
    return scope.tensor(left) - scope.tensor(right).scale(Fraction(alpha))


@rule("rsub.Scalar", "rsub.Tensor")
def subtract_from(scope: Scope, left: Any, right: Any, alpha: float = 1) -> Tensor:
    return scope.tensor(right) - scope.tensor(left).scale(Fraction(alpha))


@rule("neg.default")
def negate(scope: Scope, x: Tensor) -> Tensor:
    return -x


@rule("mul.Tensor", "mul.Scalar")
def multiply(scope: Scope, left: Any, right: Any) -> Tensor:
    if isinstance(right, int | float):
        return scope.tensor(left).scale(Fraction(right))
    return scope.tensor(left) * scope.tensor(right)


@rule("div.Tensor", "div.Scalar")
def divide(scope: Scope, left: Any, right: Any) -> Tensor:
    if isinstance(right, int | float):
        return scope.tensor(left).scale(1 / Fraction(right))
    return scope.tensor(left) / scope.tensor(right)


@rule("reciprocal.default")
def reciprocal(scope: Scope, x: Tensor) -> Tensor:
    return x.reciprocal()


@rule("pow.Tensor_Scalar")
def power(scope: Scope, x: Tensor, exponent: float) -> Tensor:
    return functions.power(x, Fraction(exponent))


@rule("square.default")
def square(scope: Scope, x: Tensor) -> Tensor:
    return x.square()


@rule("sqrt.default")
def square_root(scope: Scope, x: Tensor) -> Tensor:
    return x.apply(Power(Fraction(1, 2)))


@rule("rsqrt.default")
def reciprocal_root(scope: Scope, x: Tensor) -> Tensor:
    return x.apply(Power(Fraction(-1, 2)))


@rule("log.default")
def logarithm(scope: Scope, x: Tensor) -> Tensor:
    return x.apply(Logarithm())


@rule("mm.default", "bmm.default", "matmul.default")
def matrix_product(scope: Scope, left: Any, right: Any) -> Tensor:
    return functions.matrix_product(scope.tensor(left), scope.tensor(right))


@rule("addmm.default", "baddbmm.default")
def add_matrix_product(
    scope: Scope, bias: Any, left: Any, right: Any, beta: float = 1, alpha: float = 1
) -> Tensor | Masked:
    product = matrix_product(scope, left, right).scale(Fraction(alpha))
    return masked_sum(scope, product, scope.tensor(bias).scale(Fraction(beta)) if beta != 1 else bias)


def masked_sum(scope: Scope, left: Any, right: Any) -> Tensor | Masked:
    """Return the sum; data that are minus infinity take entries out."""
    for mask, other in ((left, right), (right, left)):
        numbers = scope.value(mask)
        if isinstance(numbers, torch.Tensor) and bool(torch.isneginf(numbers).any()):
            kept = ~torch.isneginf(numbers)
            shift = scope.tensor(torch.where(kept, numbers, 0.0))
            return Masked(scope.tensor(other) + shift, kept.numpy())
    return scope.tensor(left) + scope.tensor(right)
