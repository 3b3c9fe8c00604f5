"""Sums, means and extrema over axes, and running sums."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from verify.graph.tensor import Tensor
from verify.importers.lowering.axes import axis_back, last_axis
from verify.importers.lowering.functions import ROOT, largest_over
from verify.importers.lowering.softmax import Masked, logsumexp
from verify.importers.onnx.model import OnnxNode
from verify.importers.onnx.registry import OnnxScope, UnsuitableError, Value, axis_of, rule, shape_of, whole_numbers
from verify.operations.cumulative_sum import CumulativeSum
from verify.operations.elementwise import Elementwise
from verify.operations.gather import Gather, Indices
from verify.operations.power import Logarithm

_WHOLE: dict[str, Callable[..., Any]] = {
    "ReduceSum": np.sum,
    "ReduceProd": np.prod,
    "ReduceMax": np.max,
    "ReduceMin": np.min,
}


def _product(h: Tensor, axes: list[int]) -> Tensor:
    for axis in axes:
        h = reduce(lambda a, b: a * b, [h.slice(axis, k, k + 1) for k in range(h.shape[axis])])
    return h


_TENSORS: dict[str, Callable[[Tensor, list[int]], Tensor]] = {
    "ReduceSum": lambda h, axes: h.sum(axes, keep=True),
    "ReduceMean": lambda h, axes: h.mean(axes, keep=True),
    "ReduceSumSquare": lambda h, axes: h.square().sum(axes, keep=True),
    "ReduceL1": lambda h, axes: h.apply(Elementwise("abs(x)")).sum(axes, keep=True),
    "ReduceL2": lambda h, axes: h.square().sum(axes, keep=True).apply(ROOT),
    "ReduceLogSum": lambda h, axes: h.sum(axes, keep=True).apply(Logarithm()),
    "ReduceMax": lambda h, axes: largest_over(h, axes, keep=True),
    "ReduceMin": lambda h, axes: -largest_over(-h, axes, keep=True),
    "ReduceProd": _product,
}


@rule(*_TENSORS)
def reduction(scope: OnnxScope, node: OnnxNode, x: Value, axes: Value = None) -> Value:
    chosen = _axes(node, x, axes)
    if isinstance(x, np.ndarray):
        if node.op not in _WHOLE:
            raise UnsuitableError("a mean of whole numbers")
        return np.asarray(_WHOLE[node.op](x, axis=tuple(chosen), keepdims=_keeps(node)), dtype=np.int64)
    h = scope.tensor(x)
    found = _TENSORS[node.op](h, chosen) if chosen else h
    return found if _keeps(node) else found.reshape(tuple(n for axis, n in enumerate(h.shape) if axis not in chosen))


@rule("ReduceLogSumExp", takes_masked=True)
def log_sum_exp(scope: OnnxScope, node: OnnxNode, x: Value, axes: Value = None) -> Tensor:
    return logsumexp(x if isinstance(x, Masked) else scope.tensor(x), _axes(node, x, axes), _keeps(node))


@rule("CumSum")
def running_sum(scope: OnnxScope, node: OnnxNode, x: Value, axis: Value) -> Value:
    (place,) = whole_numbers(axis, "the axis")
    reverse, exclusive = node.get("reverse", 0), node.get("exclusive", 0)
    if isinstance(x, np.ndarray) and not reverse and not exclusive:
        return np.cumsum(x, axis=place)
    h = scope.tensor(x)
    where = axis_of(place, len(h.shape))
    backwards = Gather(where, Indices(np.arange(h.shape[where])[::-1]))
    ordered = h.apply(backwards) if reverse else h
    found = axis_back(last_axis(ordered, where).apply(CumulativeSum()), where)
    found = found - ordered if exclusive else found
    return found.apply(backwards) if reverse else found


def _axes(node: OnnxNode, x: Value, given: Value) -> list[int]:
    """Return the axes that are summed over, from an argument or an attribute; all of them without either."""
    named = list(node.get("axes") or []) if given is None else whole_numbers(given, "axes")
    dimensions = len(shape_of(x))
    if not named:
        return [] if node.get("noop_with_empty_axes", 0) else list(range(dimensions))
    found = [axis_of(int(axis), dimensions) for axis in named]
    if len(set(found)) < len(found):
        raise UnsuitableError("an axis is named twice", axes=named)
    return found


def _keeps(node: OnnxNode) -> bool:
    return bool(node.get("keepdims", 1))
