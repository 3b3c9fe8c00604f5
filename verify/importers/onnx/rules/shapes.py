"""Operations that move entries, repeat them, cut them out or put others beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from verify.budget import check_memory
from verify.graph.tensor import Tensor
from verify.importers.onnx.model import OnnxNode
from verify.importers.onnx.registry import (
    Known,
    OnnxScope,
    UnsuitableError,
    Value,
    axis_of,
    known_numbers,
    moved,
    rule,
    shape_of,
    whole_numbers,
)
from verify.layers.padding import padded
from verify.operations.gather import Gather, Indices
from verify.operations.slices import Concatenate


@rule("Reshape", takes_masked=True)
def reshape(scope: OnnxScope, node: OnnxNode, x: Value, shape: Value) -> Value:
    before, wanted = shape_of(x), whole_numbers(shape, "a shape")
    keeps_zeros = bool(node.get("allowzero", 0))
    lengths = [before[k] if n == 0 and not keeps_zeros and k < len(before) else n for k, n in enumerate(wanted)]
    entries, known = math.prod(before), math.prod(n for n in lengths if n != -1)
    if lengths.count(-1) > 1 or min(lengths, default=0) < -1 or (-1 in lengths and (not known or entries % known)):
        raise UnsuitableError("no such shape", shape=wanted, entries=entries)
    return _reshaped(x, [entries // known if n == -1 else n for n in lengths])


def _reshaped(x: Value, lengths: Sequence[int]) -> Value:
    shape = tuple(int(n) for n in lengths)
    if math.prod(shape) != math.prod(shape_of(x)):
        raise UnsuitableError(
            "another number of entries",
            shape=shape,
            given=shape_of(x),
            remedy="export with a symbolic batch, or give as many samples as it was exported with",
        )
    return moved(x, lambda h: h.reshape(shape), lambda array: array.reshape(shape))


@rule("Flatten")
def flatten(scope: OnnxScope, node: OnnxNode, x: Value) -> Value:
    shape, axis = shape_of(x), node.get("axis", 1)
    place = axis_of(axis, len(shape)) if axis != len(shape) else axis
    return _reshaped(x, (math.prod(shape[:place]), math.prod(shape[place:])))


@rule("Squeeze", takes_masked=True)
def squeeze(scope: OnnxScope, node: OnnxNode, x: Value, axes: Value = None) -> Value:
    shape = shape_of(x)
    named = None if axes is None else {axis_of(axis, len(shape)) for axis in whole_numbers(axes, "axes")}
    gone = {axis for axis, n in enumerate(shape) if n == 1} if named is None else named
    return _reshaped(x, [n for axis, n in enumerate(shape) if axis not in gone])


@rule("Unsqueeze", takes_masked=True)
def unsqueeze(scope: OnnxScope, node: OnnxNode, x: Value, axes: Value) -> Value:
    shape, named = shape_of(x), whole_numbers(axes, "axes")
    places = {axis_of(axis, len(shape) + len(named)) for axis in named}
    if len(places) < len(named):
        raise UnsuitableError("an axis is named twice", axes=named)
    lengths = iter(shape)
    return _reshaped(x, [1 if k in places else next(lengths) for k in range(len(shape) + len(named))])


@rule("Transpose", takes_masked=True)
def transpose(scope: OnnxScope, node: OnnxNode, x: Value) -> Value:
    axes = tuple(node.get("perm") or reversed(range(len(shape_of(x)))))
    if sorted(axes) != list(range(len(shape_of(x)))):
        raise UnsuitableError("no permutation of the axes", perm=axes, shape=shape_of(x))
    return moved(x, lambda h: h.permute(*axes), lambda array: array.transpose(axes))


@rule("Concat")
def concatenate(scope: OnnxScope, node: OnnxNode, *parts: Value) -> Value:
    axis = axis_of(node.get("axis"), len(shape_of(parts[0])))
    if all(isinstance(part, np.ndarray) for part in parts):
        return np.concatenate([known_numbers(part) for part in parts], axis)
    if all(isinstance(part, Known) for part in parts):
        whole = np.concatenate([part.array for part in parts if isinstance(part, Known)], axis)
        return Known(f"{node.outputs[0]}.joined", whole)
    tensors = [scope.tensor(part) for part in parts]
    filled = [h for h in tensors if math.prod(h.shape)] or tensors[:1]
    return filled[0].apply(Concatenate(axis), *filled) if len(filled) > 1 else filled[0]


@rule("Split")
def split(scope: OnnxScope, node: OnnxNode, x: Value, sizes: Value = None) -> tuple[Value, ...]:
    axis = axis_of(node.get("axis", 0), len(shape_of(x)))
    length = shape_of(x)[axis]
    if sizes is None:
        count = int(node.get("num_outputs", len(node.outputs)))
        if count < 1:
            raise UnsuitableError("no parts", num_outputs=count)
        width = -(-length // count)
        ends = [min(k * width, length) for k in range(count + 1)]
    else:
        widths = whole_numbers(sizes, "sizes")
        ends = [0, *(int(n) for n in np.cumsum(widths))]
        if min(widths, default=0) < 0 or ends[-1] != length:
            raise UnsuitableError("the parts do not add up", sizes=widths, length=length)
    return tuple(_cut(x, axis, start, stop, 1) for start, stop in pairwise(ends))


@rule("SplitToSequence")
def split_to_sequence(scope: OnnxScope, node: OnnxNode, x: Value, sizes: Value = None) -> list[Value]:
    if not node.get("keepdims", 1) and sizes is None:
        raise UnsuitableError("only parts that keep their axis")
    axis = axis_of(node.get("axis", 0), len(shape_of(x)))
    length = shape_of(x)[axis]
    widths = [1] if sizes is None else whole_numbers(sizes, "sizes")
    if sizes is None or not shape_of(sizes):
        (width,) = widths
        if width < 1:
            raise UnsuitableError("a part of no length", split=width)
        widths = [min(width, length - start) for start in range(0, length, width)]
    ends = [0, *(int(n) for n in np.cumsum(widths))]
    if min(widths, default=0) < 0 or ends[-1] != length:
        raise UnsuitableError("the parts do not add up", sizes=widths, length=length)
    return [_cut(x, axis, start, stop, 1) for start, stop in pairwise(ends)]


@rule("SequenceAt")
def sequence_at(scope: OnnxScope, node: OnnxNode, parts: list[Value], place: Value) -> Value:
    return parts[whole_numbers(place, "the place")[0]]


@rule("Slice", takes_masked=True)
def take_slice(
    scope: OnnxScope, node: OnnxNode, x: Value, starts: Value, ends: Value, axes: Value = None, steps: Value = None
) -> Value:
    first, last = whole_numbers(starts, "starts"), whole_numbers(ends, "ends")
    places = list(range(len(first))) if axes is None else whole_numbers(axes, "axes")
    strides = [1] * len(first) if steps is None else whole_numbers(steps, "steps")
    for axis, start, stop, step in zip(places, first, last, strides, strict=True):
        place = axis_of(axis, len(shape_of(x)))
        x = _cut(x, place, *_range(start, stop, step, shape_of(x)[place]))
    return x


def _range(start: int, stop: int, step: int, length: int) -> tuple[int, int, int]:
    """Return the ends of a range as Python counts it: one that runs backwards may end at -1."""
    if not step:
        raise UnsuitableError("a step of zero")
    found = slice(start, stop if step > 0 or stop >= -length else None, step).indices(length)
    return int(found[0]), int(found[1]), int(found[2])


def _cut(x: Value, axis: int, start: int, stop: int, step: int) -> Value:
    length = shape_of(x)[axis]
    if (start, stop, step) == (0, length, 1):
        return x
    places = np.arange(start, stop, step)
    if step > 0:
        return moved(x, lambda h: h.slice(axis, start, max(start, stop), step), lambda array: array.take(places, axis))
    return moved(x, lambda h: h.apply(Gather(axis, Indices(places))), lambda array: array.take(places, axis))


@rule("Expand", takes_masked=True)
def expand(scope: OnnxScope, node: OnnxNode, x: Value, shape: Value) -> Value:
    lengths = np.broadcast_shapes(shape_of(x), tuple(whole_numbers(shape, "a shape")))
    check_memory(math.prod(lengths), "an array", "use fewer samples", shape=lengths[:8])
    return moved(x, lambda h: h.broadcast_to(lengths), lambda array: np.broadcast_to(array, lengths))


@rule("Tile")
def tile(scope: OnnxScope, node: OnnxNode, x: Value, repeats: Value) -> Value:
    counts = whole_numbers(repeats, "repeats")
    shape = shape_of(x)
    if len(counts) != len(shape) or min(counts, default=1) < 1:
        raise UnsuitableError("one number of repeats for each axis, at least 1", repeats=counts, shape=shape)
    check_memory(math.prod(shape) * math.prod(counts), "an array", "use fewer samples", repeats=counts[:8])
    for axis, count in enumerate(counts):
        places = Indices(np.tile(np.arange(shape[axis]), count))
        if count != 1:
            x = moved(x, _gathered(axis, places), _taken(axis, places))
    return x


def _gathered(axis: int, places: Indices) -> Any:
    return lambda h: h.apply(Gather(axis, places))


def _taken(axis: int, places: Indices) -> Any:
    return lambda array: array.take(places.values, axis)


@rule("Pad")
def pad(scope: OnnxScope, node: OnnxNode, x: Value, pads: Value, filling: Value = None, axes: Value = None) -> Value:
    shape, widths = shape_of(x), whole_numbers(pads, "pads")
    chosen = list(range(len(shape))) if axes is None else whole_numbers(axes, "axes")
    if len(widths) != 2 * len(chosen):
        raise UnsuitableError("two widths for each axis are needed", pads=widths, axes=chosen)
    count = len(chosen)
    triples = [(axis_of(axis, len(shape)), widths[k], widths[count + k]) for k, axis in enumerate(chosen)]
    check_memory(
        math.prod(n + 2 * max(map(abs, widths), default=0) for n in shape), "an array", "pad less", pads=widths
    )
    mode = node.get("mode", "constant")
    if mode == "constant":
        value = known_numbers(filling) if filling is not None else np.zeros(1)
        return _surrounded(scope, node, x, triples, value)
    for axis, before, after in triples:
        places = np.pad(np.arange(shape[axis]), (before, after), mode=mode)
        x = moved(x, _gathered(axis, Indices(places)), _taken(axis, Indices(places)))
    return x


def _surrounded(
    scope: OnnxScope, node: OnnxNode, x: Value, triples: list[tuple[int, int, int]], value: np.ndarray | None
) -> Value:
    if value is None or value.size != 1:
        raise UnsuitableError("what is put around must be one known number")
    h = scope.tensor(x)
    wide = padded(h, triples)
    if not value.reshape(-1)[0]:
        return wide
    inside = np.ones(h.shape)
    for axis, before, after in triples:
        inside = np.pad(inside.take(range(max(-before, 0), inside.shape[axis] - max(-after, 0)), axis), [
            (max(before, 0), max(after, 0)) if k == axis else (0, 0) for k in range(inside.ndim)
        ])  # fmt: skip
    return wide + scope.constant(f"{node.outputs[0]}.around", np.where(inside == 0, float(value.reshape(-1)[0]), 0.0))


@rule("DepthToSpace", "SpaceToDepth")
def rearrange_blocks(scope: OnnxScope, node: OnnxNode, x: Value) -> Value:
    (n, c, height, width), b = shape_of(x), int(node.get("blocksize"))
    if node.op == "SpaceToDepth":
        split_up = _reshaped(x, (n, c, height // b, b, width // b, b))
        return _reshaped(_permuted(split_up, (0, 3, 5, 1, 2, 4)), (n, c * b * b, height // b, width // b))
    if node.get("mode", "DCR") == "DCR":
        ordered = _permuted(_reshaped(x, (n, b, b, c // (b * b), height, width)), (0, 3, 4, 1, 5, 2))
    else:
        ordered = _permuted(_reshaped(x, (n, c // (b * b), b, b, height, width)), (0, 1, 4, 2, 5, 3))
    return _reshaped(ordered, (n, c // (b * b), height * b, width * b))


def _permuted(x: Value, axes: tuple[int, ...]) -> Value:
    return moved(x, lambda h: h.permute(*axes), lambda array: array.transpose(axes))


@rule("Trilu")
def triangle(scope: OnnxScope, node: OnnxNode, x: Value, diagonal: Value = None) -> Value:
    offset = 0 if diagonal is None else whole_numbers(diagonal, "the diagonal")[0]
    keep = np.triu if node.get("upper", 1) else np.tril
    kept = keep(np.ones(shape_of(x)[-2:], dtype=bool), offset)

    def of_tensor(h: Tensor) -> Tensor:
        return h * scope.constant(f"{node.outputs[0]}.triangle", kept)

    return moved(x, of_tensor, lambda array: np.where(kept, array, np.zeros((), array.dtype)))


@rule("Dropout")
def dropout(
    scope: OnnxScope, node: OnnxNode, x: Value, ratio: Value = None, training: Value = None
) -> tuple[Value, ...]:
    switch = np.zeros(1) if training is None else known_numbers(training)
    share = np.full(1, 0.5) if ratio is None else known_numbers(ratio)
    if switch is None or (switch.any() and (share is None or share.any())):
        raise UnsuitableError(
            "dropout in training mode draws another network at every step", remedy="export in evaluation mode"
        )
    return x, np.ones(shape_of(x), dtype=bool)
