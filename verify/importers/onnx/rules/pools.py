"""Pools: means and largest entries of windows."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from verify.budget import check_memory
from verify.graph.tensor import Tensor
from verify.importers.lowering.axes import axis_back, last_axis
from verify.importers.lowering.functions import largest_over
from verify.importers.lowering.windows import largest_of
from verify.importers.onnx.model import OnnxNode
from verify.importers.onnx.registry import OnnxScope, UnsuitableError, Value, rule
from verify.importers.onnx.rules.convolutions import each, margins
from verify.layers.pooling import average_pool, max_pool
from verify.operations.power import Power


class _Windows:
    """Which entries every window of a pool sees along each axis, and how many places of it lie inside the padding."""

    def __init__(self, node: OnnxNode, h: Tensor) -> None:
        self.kernel = tuple(node.get("kernel_shape") or ())
        n, self.lengths = len(self.kernel), h.shape[2:]
        if len(h.shape) != n + 2 or min(self.kernel, default=0) < 1:
            raise UnsuitableError("the kernel needs a length for each axis of space", kernel=self.kernel, input=h.shape)
        self.stride, self.step = each(node, "strides", n, 1), each(node, "dilations", n, 1)
        self.pads = margins(node, self.lengths, self.kernel, self.stride, self.step)
        if min(self.stride) < 1 or min(self.step) < 1:
            raise UnsuitableError("strides and dilations are at least 1", strides=self.stride, dilations=self.step)
        spans = [(k - 1) * d + 1 for k, d in zip(self.kernel, self.step, strict=True)]
        if any(max(pair) >= span for pair, span in zip(self.pads, spans, strict=True)):
            raise UnsuitableError("padding must be less than the window", pads=self.pads, kernel=self.kernel)
        if any(span > n + sum(pair) for span, n, pair in zip(spans, self.lengths, self.pads, strict=True)):
            raise UnsuitableError("the window is larger than the input", input=h.shape, kernel=self.kernel)
        self.ceil = bool(node.get("ceil_mode", 0))
        self.seen: list[list[np.ndarray]] = []
        self.widths: list[np.ndarray] = []
        for axis in range(n):
            count = self._count(axis)
            check_memory(count * self.kernel[axis], "the windows of a pool", "use smaller ones", kernel=self.kernel)
            starts = np.arange(count) * self.stride[axis] - self.pads[axis][0]
            places = starts[:, None] + np.arange(self.kernel[axis]) * self.step[axis]
            self.seen.append([row[(row >= 0) & (row < self.lengths[axis])] for row in places])
            self.widths.append(np.sum(places < self.lengths[axis] + self.pads[axis][1], axis=1))
            if not len(starts) or not all(len(row) for row in self.seen[axis]):
                raise UnsuitableError("a window that sees nothing", input=h.shape, kernel=self.kernel, pads=self.pads)

    @property
    def is_plain(self) -> bool:
        """Whether nothing lies outside."""
        return not self.ceil and not any(map(any, self.pads))

    def _count(self, axis: int) -> int:
        before, after = self.pads[axis]
        room = self.lengths[axis] + before + after - (self.kernel[axis] - 1) * self.step[axis] - 1
        if not self.ceil:
            return room // self.stride[axis] + 1
        count = -(-room // self.stride[axis]) + 1
        return count - 1 if (count - 1) * self.stride[axis] >= self.lengths[axis] + before else count


@rule("MaxPool")
def maximum(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    h = scope.tensor(x)
    windows = _Windows(node, h)
    if windows.is_plain:
        return max_pool(h, windows.kernel, windows.stride, (), windows.step)
    return largest_of(h, windows.seen)


@rule("AveragePool")
def average(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    h = scope.tensor(x)
    windows = _Windows(node, h)
    if windows.is_plain and set(windows.step) == {1}:
        return average_pool(h, windows.kernel, windows.stride)
    counted = bool(node.get("count_include_pad", 0))
    divisors = np.ones((), dtype=np.int64)
    for axis, seen in enumerate(windows.seen, start=2):
        matrix = np.zeros((h.shape[axis], len(seen)))
        for position, places in enumerate(seen):
            matrix[places, position] = 1.0
        summed = last_axis(h, axis) @ scope.constant(f"{node.outputs[0]}.windows.{axis}", matrix)
        h = axis_back(summed, axis)
        widths = windows.widths[axis - 2] if counted else np.array([len(places) for places in seen])
        divisors = divisors[..., None] * widths
    if np.all(divisors == divisors.flat[0]):
        return h.scale(Fraction(1, int(divisors.flat[0])))
    return h * scope.constant(f"{node.outputs[0]}.divisors", divisors).apply(Power(Fraction(-1)))


@rule("GlobalAveragePool")
def global_average(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    h = scope.tensor(x)
    return h.mean(range(2, len(h.shape)), keep=True)


@rule("GlobalMaxPool")
def global_maximum(scope: OnnxScope, node: OnnxNode, x: Value) -> Tensor:
    h = scope.tensor(x)
    return largest_over(h, range(2, len(h.shape)), keep=True) if math.prod(h.shape[2:]) > 1 else h
