"""Sums, products, quotients, powers and choices; of known whole numbers too, as shapes are computed."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from typing import Any

import numpy as np

from verify.graph.tensor import Tensor
from verify.importers.lowering import functions
from verify.importers.lowering.softmax import Masked
from verify.importers.onnx.model import OnnxNode
from verify.importers.onnx.registry import (
    NO_BRANCHES,
    ComparedTensor,
    Known,
    OnnxScope,
    UnsuitableError,
    Value,
    known_numbers,
    rule,
    single,
)
from verify.operations.elementwise import Elementwise
from verify.operations.power import Logarithm

_WHOLE: dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": lambda a, b: np.sign(a) * np.sign(b) * (np.abs(a) // np.abs(b)),
    "Max": np.maximum,
    "Min": np.minimum,
    "Pow": lambda a, b: a**b,
    "Neg": np.negative,
    "Abs": np.abs,
}


def of_whole_numbers(node: OnnxNode, *values: Value) -> np.ndarray | None:
    """Return the result where all arguments are known whole numbers, else None."""
    if not all(isinstance(value, np.ndarray) and value.dtype.kind == "i" for value in values):
        return None
    if node.op == "Div" and np.any(np.asarray(values[1]) == 0):
        raise UnsuitableError("division by zero")
    return np.asarray(reduce(_WHOLE[node.op], values) if len(values) > 1 else _WHOLE[node.op](values[0]), np.int64)


@rule("Add")
def add(scope: OnnxScope, node: OnnxNode, left: Value, right: Value) -> Value:
    whole = of_whole_numbers(node, left, right)
    return masked_sum(scope, left, right) if whole is None else whole


def masked_sum(scope: OnnxScope, left: Value, right: Value) -> Tensor | Masked:
    """Return the sum; known numbers that are minus infinity take entries out."""
    for mask, other in ((left, right), (right, left)):
        if isinstance(mask, Known) and np.isneginf(mask.array).any():
            kept = ~np.isneginf(mask.array)
            shift = np.where(kept, mask.array, 0.0)
            total = scope.tensor(other) + scope.constant(f"{mask.label}.finite", shift)
            return Masked(total, kept)
    return scope.tensor(left) + scope.tensor(right)


@rule("Sub")
def subtract(scope: OnnxScope, node: OnnxNode, left: Value, right: Value) -> Value:
    whole = of_whole_numbers(node, left, right)
    return scope.tensor(left) - scope.tensor(right) if whole is None else whole


@rule("Mul")
def multiply(scope: OnnxScope, node: OnnxNode, left: Value, right: Value) -> Value:
    whole = of_whole_numbers(node, left, right)
    return _product(scope, left, right) if whole is None else whole


def _product(scope: OnnxScope, left: Value, right: Value) -> Tensor:
    a, b = scope.operand(left), scope.operand(right)
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return a * b
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        x, factor = (a, b) if isinstance(a, Tensor) else (b, a)
        return _scaled(x, factor)
    return scope.tensor(left) * scope.tensor(right)


def _scaled(x: Any, factor: Any) -> Tensor:
    return x.scale(factor) if factor else x.zeros()


@rule("Div")
def divide(scope: OnnxScope, node: OnnxNode, left: Value, right: Value) -> Value:
    whole = of_whole_numbers(node, left, right)
    if whole is not None:
        return whole
    a, b = scope.operand(left), scope.operand(right)
    if isinstance(b, Fraction):
        if not b:
            raise UnsuitableError("division by zero")
        return scope.tensor(left).scale(1 / b)
    inverse = b.reciprocal()
    return _scaled(inverse, a) if isinstance(a, Fraction) else a * inverse


@rule("ai.onnx.ml.Scaler")
def scaler(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    """Return ``(x - offset) * scale``, one number of each for every column, or one for all."""
    offset, factor = (scope.tensor(np.array(node.get(name), dtype=np.float64)) for name in ("offset", "scale"))
    return (scope.tensor(x) - offset) * factor


@rule("Neg")
def negate(scope: OnnxScope, node: OnnxNode, x: Value) -> Value:
    whole = of_whole_numbers(node, x)
    return -scope.tensor(x) if whole is None else whole


@rule("Abs")
def size(scope: OnnxScope, node: OnnxNode, x: Value) -> Value:
    whole = of_whole_numbers(node, x)
    return scope.tensor(x).apply(Elementwise("abs(x)")) if whole is None else whole


@rule("Mod")
def remainder(scope: OnnxScope, node: OnnxNode, left: Value, right: Value) -> Value:
    if not (isinstance(left, np.ndarray) and isinstance(right, np.ndarray)) or np.any(right == 0):
        raise UnsuitableError("only remainders of known whole numbers")
    return np.fmod(left, right) if node.get("fmod", 0) else np.mod(left, right)


@rule("Pow")
def power(scope: OnnxScope, node: OnnxNode, base: Value, exponent: Value) -> Value:
    whole = of_whole_numbers(node, base, exponent)
    if whole is not None:
        return whole
    known = known_numbers(exponent)
    if known is not None and known.size == 1:
        x = scope.tensor(base)
        wide = x.broadcast_to((*(1,) * (known.ndim - len(x.shape)), *x.shape)) if known.ndim > len(x.shape) else x
        return functions.power(wide, single(exponent, "the exponent"))
    return functions.general_power(*_aligned(scope.tensor(base), scope.tensor(exponent)))


def _aligned(left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    shape = np.broadcast_shapes(left.shape, right.shape)
    return left.broadcast_to(shape), right.broadcast_to(shape)


@rule("Sqrt")
def square_root(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    return scope.tensor(x).apply(functions.ROOT)


@rule("Reciprocal")
def reciprocal(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    return scope.tensor(x).reciprocal()


@rule("Log")
def logarithm(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    return scope.tensor(x).apply(Logarithm())


@rule("Sum")
def total(scope: OnnxScope, node: OnnxNode, *parts: Value) -> Tensor:
    return reduce(lambda a, b: a + b, (scope.tensor(part) for part in parts))


@rule("Mean")
def average(scope: OnnxScope, node: OnnxNode, *parts: Value) -> Tensor:
    return total(scope, node, *parts).scale(Fraction(1, len(parts)))


@rule("Max")
def largest(scope: OnnxScope, node: OnnxNode, *parts: Value) -> Value:
    whole = of_whole_numbers(node, *parts)
    return reduce(_larger, (scope.tensor(part) for part in parts)) if whole is None else whole


@rule("Min")
def least(scope: OnnxScope, node: OnnxNode, *parts: Value) -> Value:
    whole = of_whole_numbers(node, *parts)
    return -reduce(_larger, (-scope.tensor(part) for part in parts)) if whole is None else whole


def _larger(left: Tensor, right: Tensor) -> Tensor:
    return left + (right - left).apply(Elementwise("relu"))


@rule("Where")
def where(scope: OnnxScope, node: OnnxNode, mask: Value, left: Value, right: Value) -> Value:
    """Return entries of one or of the other; what is minus infinity is out of the next softmax."""
    if isinstance(mask, ComparedTensor) and _is_softplus(scope, mask, left, right):
        return right
    if not isinstance(mask, np.ndarray) or mask.dtype != bool:
        raise UnsuitableError("a choice by computed numbers jumps", remedy=NO_BRANCHES)
    known = [known_numbers(value) for value in (left, right)]
    if known[0] is not None and known[1] is not None:
        chosen = np.where(mask, known[0], known[1])
        return Known(f"{node.outputs[0]}.chosen", chosen) if chosen.dtype.kind == "f" else chosen
    for kept, filling, other in ((mask, right, left), (~mask, left, right)):
        numbers = known_numbers(filling)
        if numbers is not None and numbers.size and np.all(np.isneginf(numbers)):
            return Masked(scope.tensor(other).broadcast_to(np.broadcast_shapes(kept.shape, _shape(other))), kept)
    if mask.all() or not mask.any():
        picked = scope.tensor(left if mask.all() else right)
        return picked.broadcast_to(np.broadcast_shapes(mask.shape, _shape(left), _shape(right)))
    share = scope.constant(f"{node.outputs[0]}.mask", mask)
    return scope.tensor(left) * share + scope.tensor(right) * (1 - share)


SMALLEST_THRESHOLD = 20.0
"""Of the line that exporters take instead of softplus: they differ by exp(-threshold) there, and beyond by less."""


def _is_softplus(scope: OnnxScope, mask: ComparedTensor, left: Value, right: Value) -> bool:
    """Whether a choice is softplus, or the line where the two are as good as equal."""
    limit = known_numbers(mask.right)
    if mask.op != "Greater" or limit is None or limit.size != 1 or not limit.reshape(-1)[0] >= SMALLEST_THRESHOLD:
        return False
    if not all(isinstance(value, Tensor) for value in (mask.left, left, right)):
        return False
    node = scope.builder.nodes[scope.tensor(right).position]
    place = scope.tensor(left).position
    return place == mask.left.position and node.operation == Elementwise("softplus") and node.arguments == (place,)


def _shape(value: Any) -> tuple[int, ...]:
    return tuple(value.array.shape if isinstance(value, Known) else value.shape)
