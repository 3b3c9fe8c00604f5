"""Enlarged and reduced images: entries picked, or mixed from their neighbours, along one axis after the other."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from verify.budget import check_memory
from verify.graph.tensor import Tensor
from verify.importers.lowering.axes import axis_back, last_axis
from verify.importers.onnx.model import OnnxNode
from verify.importers.onnx.registry import (
    OnnxScope,
    UnsuitableError,
    Value,
    axis_of,
    known_numbers,
    rule,
    whole_numbers,
)
from verify.operations.gather import Gather, Indices

Place = Callable[[int, int, int, Fraction], Fraction]

_PLACES: dict[str, Place] = {
    "half_pixel": lambda k, n, size, scale: (k + Fraction(1, 2)) / scale - Fraction(1, 2),
    "half_pixel_symmetric": lambda k, n, size, scale: (
        Fraction(n, 2) * (1 - Fraction(size) / (scale * n)) + (k + Fraction(1, 2)) / scale - Fraction(1, 2)
    ),
    "pytorch_half_pixel": lambda k, n, size, scale: (
        (k + Fraction(1, 2)) / scale - Fraction(1, 2) if size > 1 else Fraction(0)
    ),
    "align_corners": lambda k, n, size, scale: Fraction(k * (n - 1), size - 1) if size > 1 else Fraction(0),
    "asymmetric": lambda k, n, size, scale: k / scale,
}
"""Where entry k of the result, of so many, stands among the n of the argument."""
_ROUNDINGS: dict[str, Callable[[Fraction], int]] = {
    "round_prefer_floor": lambda x: -((-x + Fraction(1, 2)) // 1),
    "round_prefer_ceil": lambda x: (x + Fraction(1, 2)) // 1,
    "floor": lambda x: x // 1,
    "ceil": lambda x: -(-x // 1),
}


@rule("Resize")
def resize(
    scope: OnnxScope, node: OnnxNode, x: Value, roi: Value = None, scales: Value = None, sizes: Value = None
) -> Tensor:
    h = scope.tensor(x)
    axes = [axis_of(axis, len(h.shape)) for axis in node.get("axes") or range(len(h.shape))]
    place = node.get("coordinate_transformation_mode", "half_pixel")
    mode = node.get("mode", "nearest")
    if place not in _PLACES or mode not in ("nearest", "linear") or node.get("antialias", 0):
        raise UnsuitableError("only nearest and linear resizing without filters", mode=mode, coordinates=place)
    if node.get("keep_aspect_ratio_policy", "stretch") != "stretch" or node.get("exclude_outside", 0):
        raise UnsuitableError("only resizing that stretches")
    for axis, (size, scale) in zip(axes, _targets(h, axes, scales, sizes), strict=True):
        n = h.shape[axis]
        if size == n and scale == 1:
            continue
        check_memory(size * n, "the matrix of an interpolation", "enlarge less", size=size)
        at = [_PLACES[place](k, n, size, scale) for k in range(size)]
        if mode == "nearest":
            rounding = _ROUNDINGS[node.get("nearest_mode", "round_prefer_floor")]
            h = h.apply(Gather(axis, Indices([min(max(int(rounding(each)), 0), n - 1) for each in at])))
        else:
            matrix = scope.constant(f"{node.outputs[0]}.{axis}", _mixture(at, n))
            h = axis_back(last_axis(h, axis) @ matrix, axis)
    return h


def _targets(h: Tensor, axes: list[int], scales: Value, sizes: Value) -> list[tuple[int, Fraction]]:
    """Return the length of every axis of the result, and the factor by which it is longer."""
    if sizes is not None:
        wanted = whole_numbers(sizes, "sizes")
        if min(wanted, default=1) < 1:
            raise UnsuitableError("sizes are at least 1", sizes=wanted)
        return [(size, Fraction(size, h.shape[axis])) for axis, size in zip(axes, wanted, strict=True)]
    factors = known_numbers(scales)
    if factors is None or not np.all(factors > 0) or not np.all(np.isfinite(factors)):
        raise UnsuitableError("scales must be known positive numbers")
    exact = [Fraction(float(factor)) for factor in factors]
    found = [(int(h.shape[axis] * scale // 1), scale) for axis, scale in zip(axes, exact, strict=True)]
    if min(size for size, _ in found) < 1:
        raise UnsuitableError("nothing is left", scales=[float(scale) for scale in exact])
    return found


def _mixture(at: list[Fraction], n: int) -> np.ndarray:
    """Return the matrix, (n, size), of linear interpolation; beyond the ends the last entry is repeated."""
    matrix = np.zeros((n, len(at)))
    for k, x in enumerate(at):
        low = x // 1
        for place, share in ((low, 1 - (x - low)), (low + 1, x - low)):
            matrix[min(max(int(place), 0), n - 1), k] += float(share)
    return matrix
