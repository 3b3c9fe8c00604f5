"""Logits to which the lowest number of a format is added, as exporters write minus infinity."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from verify.arithmetic.intervals import Interval
from verify.graph.evaluation import INTERVAL, evaluate
from verify.graph.tensor import Tensor
from verify.importers.lowering.softmax import Masked
from verify.operations.add import Add
from verify.operations.leaves import Constant, Leaf

LOWEST = -(2.0**127)
"""At most this counts as minus infinity: the lowest numbers of bfloat16, float32 and float64 are. What such an entry
would add to the error is of the size exp(-10^38): no change of the error that is told from zero is so small."""


def without_lowest(
    z: Tensor,
    axis: int,
    constants: Mapping[str, np.ndarray],
    constant: Callable[[str, np.ndarray], Tensor],
) -> Tensor | Masked:
    """Return logits without the entries that such a number, added to them, takes out of the next softmax.

    Parameters
    ----------
    z : Tensor
    axis : int
        Of the softmax. If a row along it holds nothing else, the logits stay as they are.
    constants : mapping of str to array
        Values of the graph's constants, by label.
    constant : callable
        Adds one with a label and values.
    """
    builder = z.builder
    node = builder.nodes[z.position]
    if not isinstance(node.operation, Add) or len(node.arguments) != 2:
        return z
    left, right = (Tensor(builder, argument) for argument in node.arguments)
    for added, other in ((left, right), (right, left)):
        numbers = _numbers(added, constants)
        if numbers is None:
            continue
        out = numbers.upper <= LOWEST
        if out.any() and not out.all(axis=axis).any():
            left_over = _without(numbers, out)
            share = constant(f"share.{len(constants)}", (~out).astype(np.float64) if left_over is None else left_over)
            return Masked(other + (added * share if left_over is None else share), ~out)
    return z


def _without(numbers: Interval, out: np.ndarray) -> np.ndarray | None:
    """Return the numbers with zeros where they are out, None unless the others are known exactly.

    A product with 0 and 1 would do, but where numbers are known up to a ball the rounding of a large one counts in all.
    """
    return None if np.any(numbers.rad[~out]) else np.where(out, 0.0, numbers.mid)


def _numbers(x: Tensor, constants: Mapping[str, np.ndarray]) -> Interval | None:
    """Return the values of what depends on constants alone, None for what is trained."""
    graph = x.builder.build(x)
    leaves = list(graph.leaves(Leaf))
    if not leaves or not all(isinstance(leaf, Constant) for leaf in leaves):
        return None
    with np.errstate(all="ignore"):
        (found,) = evaluate(graph, {leaf: constants[leaf.label] for leaf in leaves}, INTERVAL)
    return found
