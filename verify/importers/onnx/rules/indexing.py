"""Entries picked by known whole numbers, and put in other places."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verify.graph.tensor import Tensor
from verify.importers.onnx.model import OnnxNode
from verify.importers.onnx.registry import OnnxScope, UnsuitableError, Value, axis_of, moved, rule, shape_of
from verify.operations.gather import Gather, Indices, ScatterAdd

Array = np.ndarray[Any, Any]


@rule("Gather", trained=(0,))
def gather(scope: OnnxScope, node: OnnxNode, x: Value, indices: Value) -> Value:
    axis = axis_of(node.get("axis", 0), len(shape_of(x)))
    places = _places(indices, shape_of(x)[axis])
    return moved(x, lambda h: h.apply(Gather(axis, Indices(places))), lambda array: array.take(places, axis))


@rule("GatherElements")
def gather_elements(scope: OnnxScope, node: OnnxNode, x: Value, indices: Value) -> Value:
    shape = shape_of(x)
    return _picked(x, _elements(shape, axis_of(node.get("axis", 0), len(shape)), indices))


@rule("GatherND")
def gather_slices(scope: OnnxScope, node: OnnxNode, x: Value, indices: Value) -> Value:
    if node.get("batch_dims", 0):
        raise UnsuitableError("only batch_dims = 0", batch_dims=node.get("batch_dims"))
    return _picked(x, _slices(shape_of(x), indices))


@rule("ScatterElements")
def scatter_elements(scope: OnnxScope, node: OnnxNode, x: Value, indices: Value, updates: Value) -> Value:
    shape = shape_of(x)
    return _put(scope, node, x, _elements(shape, axis_of(node.get("axis", 0), len(shape)), indices), updates)


@rule("ScatterND")
def scatter_slices(scope: OnnxScope, node: OnnxNode, x: Value, indices: Value, updates: Value) -> Value:
    return _put(scope, node, x, _slices(shape_of(x), indices), updates)


def _places(indices: Value, length: int) -> Array:
    """Return known indices, counted from the front."""
    if not isinstance(indices, np.ndarray) or indices.dtype.kind != "i":
        raise UnsuitableError("indices must be known whole numbers")
    if indices.size and not (indices.min() >= -length and indices.max() < length):
        bad = int(indices.min() if indices.min() < -length else indices.max())
        raise UnsuitableError("index out of range", index=bad, length=length)
    return np.where(indices < 0, indices + length, indices)


def _elements(shape: tuple[int, ...], axis: int, indices: Value) -> Array:
    """Return places in the flattened array, one for each index along an axis."""
    found = _places(indices, shape[axis])
    grid: list[Array] = list(np.indices(found.shape))
    grid[axis] = found
    return np.asarray(np.ravel_multi_index(tuple(grid), shape))


def _slices(shape: tuple[int, ...], indices: Value) -> Array:
    """Return places in the flattened array, a slice of them for each row of indices."""
    if not isinstance(indices, np.ndarray) or indices.dtype.kind != "i" or not indices.ndim:
        raise UnsuitableError("indices must be known whole numbers")
    depth = indices.shape[-1]
    if not 1 <= depth <= len(shape):
        raise UnsuitableError("no such axes", indices=indices.shape, shape=shape)
    parts = tuple(_places(indices[..., k], shape[k]) for k in range(depth))
    return np.arange(math.prod(shape)).reshape(shape)[parts]


def _picked(x: Value, places: Array) -> Value:
    count = math.prod(shape_of(x))
    return moved(
        x,
        lambda h: h.reshape((count,)).apply(Gather(0, Indices(places))),
        lambda array: array.reshape(-1)[places],
    )


def _put(scope: OnnxScope, node: OnnxNode, x: Value, places: Array, updates: Value) -> Value:
    """Return x with other entries in some places, or with something added to them."""
    mode = node.get("reduction", "none")
    if mode not in ("none", "add"):
        raise UnsuitableError("only reductions none and add", reduction=mode)
    flat = places.reshape(-1)
    if isinstance(x, np.ndarray) and isinstance(updates, np.ndarray):
        result = x.reshape(-1).copy()
        if mode == "add":
            np.add.at(result, flat, updates.reshape(-1))
        else:
            result[flat] = updates.reshape(-1)
        return result.reshape(x.shape)
    before: Tensor = scope.tensor(x)
    if mode == "none":
        if len(np.unique(flat)) != flat.size:
            raise UnsuitableError("several numbers are put in one place")
        kept = np.ones(math.prod(before.shape))
        kept[flat] = 0
        before = before * scope.constant(f"{node.outputs[0]}.kept", kept.reshape(before.shape))
    added = scope.tensor(updates).reshape((flat.size,))
    return before + added.apply(ScatterAdd(0, Indices(flat), math.prod(before.shape))).reshape(before.shape)
