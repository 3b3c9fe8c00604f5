"""Constants, and what is computed of known numbers: shapes, indices, masks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from verify.budget import check_memory
from verify.escaping import visible
from verify.graph.tensor import Tensor
from verify.importers.onnx.model import OnnxNode
from verify.importers.onnx.registry import (
    NO_BRANCHES,
    ComparedTensor,
    Known,
    OnnxScope,
    UnsuitableError,
    Value,
    axis_of,
    known_numbers,
    moved,
    rule,
    shape_of,
    single,
    whole_numbers,
)

REALS = (1, 11)
"""ONNX's numbers of float and double."""
WHOLE = (2, 3, 4, 5, 6, 7, 12, 13)
BOOL = 9
Array = np.ndarray[Any, Any]


@rule("Constant")
def constant(scope: OnnxScope, node: OnnxNode) -> Value:
    for name in ("value", "value_float", "value_floats", "value_int", "value_ints"):
        if name in node.attributes:
            value = np.asarray(node.get(name))
            if name.startswith("value_float"):
                value = value.astype(np.float64)
            return _as_value(node, value)
    raise UnsuitableError("a constant of this kind is not read", attributes=sorted(node.attributes))


@rule("ConstantOfShape")
def constant_of_shape(scope: OnnxScope, node: OnnxNode, shape: Value) -> Value:
    lengths = whole_numbers(shape, "a shape")
    _sized(lengths)
    filling = np.asarray(node.get("value", np.zeros(1)))
    return _as_value(node, np.full(lengths, filling.reshape(-1)[0]))


@rule("Identity", takes_masked=True)
def identity(scope: OnnxScope, node: OnnxNode, x: Value) -> Value:
    return x


@rule("Shape", takes_masked=True)
def shape(scope: OnnxScope, node: OnnxNode, x: Value) -> Array:
    lengths = shape_of(x)
    return np.array(lengths[slice(node.get("start", 0), node.get("end", len(lengths)))], dtype=np.int64)


@rule("Size", takes_masked=True)
def size(scope: OnnxScope, node: OnnxNode, x: Value) -> Array:
    return np.array(math.prod(shape_of(x)), dtype=np.int64)


@rule("Cast", "CastLike")
def cast(scope: OnnxScope, node: OnnxNode, x: Value, like: Value = None) -> Value:
    """Return whole numbers and reals of enough precision as they are; nothing is rounded."""
    target = node.get("to") if node.op == "Cast" else _kind_of(like)
    if target in REALS:
        if isinstance(x, np.ndarray):
            return Known(_label(node), x.astype(np.float64))
        return x
    array = known_numbers(x)
    if array is None:
        raise UnsuitableError("computed numbers are rounded to another format", to=target, remedy="leave the cast out")
    if target == BOOL:
        return array != 0
    if target in WHOLE:
        if not np.all(np.isfinite(array)) or np.any(np.abs(array) >= 2.0**63):
            raise UnsuitableError("no whole numbers of 64 bits")
        return np.trunc(array).astype(np.int64)
    raise UnsuitableError("numbers are rounded to another format", to=target, remedy="leave the cast out")


@rule("Range")
def whole_range(scope: OnnxScope, node: OnnxNode, start: Value, stop: Value, step: Value) -> Value:
    parts = [single(each, "an end of a range") for each in (start, stop, step)]
    if not parts[2] or any(part.denominator != 1 for part in parts):
        raise UnsuitableError("a range is of whole numbers, with a step", parts=[str(part) for part in parts])
    found = range(*(int(part) for part in parts))
    check_memory(len(found), "a range", "use a smaller network", entries=len(found))
    array = np.array(found, dtype=np.int64)
    return Known(_label(node), array.astype(np.float64)) if isinstance(start, Known) else array


@rule("OneHot")
def one_hot(scope: OnnxScope, node: OnnxNode, indices: Value, depth: Value, values: Value) -> Value:
    places, pair = known_numbers(indices), known_numbers(values)
    if places is None or pair is None:
        raise UnsuitableError("indices and values must be known")
    count = int(single(depth, "the depth"))
    _sized([*places.shape, count])
    axis = axis_of(node.get("axis", -1), places.ndim + 1)
    counted = np.where((places >= -count) & (places < count), places % count, -1)  # of no class: cold throughout
    hot = np.equal(np.expand_dims(counted, axis), np.arange(count).reshape((-1, *(1,) * (places.ndim - axis))))
    return _as_value(node, np.where(hot, pair[1], pair[0]))


@rule("EyeLike")
def eye_like(scope: OnnxScope, node: OnnxNode, x: Value) -> Value:
    rows, columns = shape_of(x)
    _sized([rows, columns])
    eye = np.eye(rows, columns, node.get("k", 0))
    whole = node.get("dtype", 1) in WHOLE
    return _as_value(node, eye.astype(np.int64) if whole else eye)


@rule("NonZero")
def non_zero(scope: OnnxScope, node: OnnxNode, x: Value) -> Array:
    return np.array(np.nonzero(_numbers(x)), dtype=np.int64)


_COMPARISONS: dict[str, Callable[..., Array]] = {
    "Equal": np.equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Xor": np.logical_xor,
}


@rule(*_COMPARISONS)
def comparison(scope: OnnxScope, node: OnnxNode, left: Value, right: Value) -> Array | ComparedTensor:
    pair = known_numbers(left), known_numbers(right)
    if pair[0] is None or pair[1] is None:
        return ComparedTensor(node.op, left, right)
    return _COMPARISONS[node.op](*pair)


@rule("Not")
def negation(scope: OnnxScope, node: OnnxNode, x: Value) -> Array:
    return np.logical_not(_numbers(x))


@rule("IsNaN", "IsInf")
def not_a_number(scope: OnnxScope, node: OnnxNode, x: Value) -> Array:
    """Return False for what is computed: it is a real number, or the whole problem is refused."""
    array = known_numbers(x)
    if array is None:
        return np.zeros(shape_of(x), dtype=bool)
    if node.op == "IsNaN":
        return np.isnan(array)
    signs = (node.get("detect_negative", 1), node.get("detect_positive", 1))
    return np.isinf(array) & np.where(array < 0, signs[0], signs[1]).astype(bool)


_STEPS: dict[str, Callable[[Array], Array]] = {"Floor": np.floor, "Ceil": np.ceil, "Round": np.round, "Sign": np.sign}


@rule(*_STEPS)
def step(scope: OnnxScope, node: OnnxNode, x: Value) -> Value:
    if known_numbers(x) is None:
        raise UnsuitableError("a function that jumps has no gradient", remedy="leave it out")
    function = _STEPS[node.op]
    return moved(x, _never, lambda array: function(array).astype(array.dtype))


def _never(x: Tensor) -> Tensor:
    raise UnsuitableError("numbers must be known")


def _numbers(x: Value) -> Array:
    array = known_numbers(x)
    if array is None:
        raise UnsuitableError("computed numbers are compared, so the network jumps", remedy=NO_BRANCHES)
    return array


def _kind_of(value: Value) -> int:
    if isinstance(value, np.ndarray):
        return BOOL if value.dtype == bool else WHOLE[5]
    return REALS[0]


def _label(node: OnnxNode) -> str:
    return visible(node.outputs[0])


def _as_value(node: OnnxNode, array: Array) -> Value:
    """Return an array as known reals, or as whole numbers or truth values."""
    if array.dtype.kind == "f":
        return Known(_label(node), array.astype(np.float64))
    return array if array.dtype == bool else array.astype(np.int64)


def _sized(lengths: list[int]) -> None:
    if any(n < 0 for n in lengths):
        raise UnsuitableError("a negative length", shape=lengths)
    entries = 1
    for n in lengths:
        entries *= n
    check_memory(entries, "an array", "use a smaller network", shape=lengths[:8])
