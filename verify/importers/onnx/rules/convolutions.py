"""Convolutions of any dimension and their transposes."""

from __future__ import annotations

from collections.abc import Sequence

from verify.graph.tensor import Tensor
from verify.importers.onnx.model import OnnxNode
from verify.importers.onnx.registry import OnnxScope, UnsuitableError, Value, rule
from verify.layers.convolution import convolution
from verify.layers.padding import padded
from verify.layers.transposed_convolution import transposed_convolution

Pairs = list[tuple[int, int]]


def each(node: OnnxNode, name: str, dimensions: int, default: int) -> tuple[int, ...]:
    """Return an option with one number for each axis of space."""
    found = tuple(node.get(name) or (default,) * dimensions)
    if len(found) != dimensions or any(n < 0 for n in found):
        raise UnsuitableError("one number for each axis is needed", option=name, given=found, axes=dimensions)
    return found


def margins(
    node: OnnxNode, lengths: Sequence[int], sides: Sequence[int], stride: Sequence[int], step: Sequence[int]
) -> Pairs:
    """Return the widths of the padding before and after each axis."""
    mode, dimensions = node.get("auto_pad", "NOTSET"), len(lengths)
    if mode == "VALID":
        return [(0, 0)] * dimensions
    if mode == "NOTSET":
        pads = list(node.get("pads") or [0] * 2 * dimensions)
        if len(pads) != 2 * dimensions or min(pads, default=0) < 0:
            raise UnsuitableError("two numbers for each axis are needed", pads=pads, axes=dimensions)
        return list(zip(pads[:dimensions], pads[dimensions:], strict=True))
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise UnsuitableError("unknown padding", auto_pad=mode)
    found: Pairs = []
    for n, k, s, d in zip(lengths, sides, stride, step, strict=True):
        whole = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        found.append(_halves(whole, mode == "SAME_UPPER"))
    return found


def _halves(whole: int, more_after: bool) -> tuple[int, int]:
    less, more = whole // 2, whole - whole // 2
    return (less, more) if more_after else (more, less)


@rule("Conv", trained=(1, 2))
def conv(scope: OnnxScope, node: OnnxNode, x: Value, kernel: Value, shift: Value = None) -> Tensor:
    h, weights = scope.tensor(x), scope.tensor(kernel)
    sides = weights.shape[2:]
    n = len(sides)
    if len(h.shape) != n + 2:
        raise UnsuitableError("input and kernel have other dimensions", input=h.shape, kernel=weights.shape)
    stride, step, groups = each(node, "strides", n, 1), each(node, "dilations", n, 1), node.get("group", 1)
    if groups < 1 or h.shape[1] != weights.shape[1] * groups or weights.shape[0] % groups:
        raise UnsuitableError("channels and groups disagree", input=h.shape, kernel=weights.shape, group=groups)
    pads = margins(node, h.shape[2:], sides, stride, step)
    wide = padded(h, [(2 + axis, before, after) for axis, (before, after) in enumerate(pads)])
    return convolution(wide, weights, None if shift is None else scope.tensor(shift), stride, (0,) * n, step, groups)


@rule("ConvTranspose", trained=(1, 2))
def conv_transpose(scope: OnnxScope, node: OnnxNode, x: Value, kernel: Value, shift: Value = None) -> Tensor:
    h, weights = scope.tensor(x), scope.tensor(kernel)
    sides = weights.shape[2:]
    n = len(sides)
    stride, step, groups = each(node, "strides", n, 1), each(node, "dilations", n, 1), node.get("group", 1)
    if len(h.shape) != n + 2 or groups < 1 or h.shape[1] != weights.shape[0] or h.shape[1] % groups:
        raise UnsuitableError("input, kernel and groups disagree", input=h.shape, kernel=weights.shape, group=groups)
    extra = each(node, "output_padding", n, 0)
    wanted, mode = node.get("output_shape"), node.get("auto_pad", "NOTSET")
    pads = []
    for axis, (length, k, s, d, e) in enumerate(zip(h.shape[2:], sides, stride, step, extra, strict=True)):
        full = (length - 1) * s + (k - 1) * d + 1 + e
        if wanted or mode.startswith("SAME"):
            target = wanted[axis - n] if wanted else length * s
            pads.append(_halves(full - target, mode == "SAME_UPPER"))
        else:
            pads.append(margins(node, h.shape[2:], sides, stride, step)[axis])
    whole = transposed_convolution(h, weights, None, stride, (0,) * n, extra, step, groups)
    z = padded(whole, [(2 + axis, -before, -after) for axis, (before, after) in enumerate(pads)])
    return z if shift is None else z + scope.tensor(shift).reshape((z.shape[1], *(1,) * n))
