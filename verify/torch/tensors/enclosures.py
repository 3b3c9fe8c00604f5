"""What is proved of a problem, computed on a device of PyTorch's, chunk of samples by chunk."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rational import round_down, round_up
from verify.bounds.segment_result import SegmentBound
from verify.graph.chunks import ChunkGraph, chunks
from verify.graph.enclosures import enclosed_error, enclosed_gradient
from verify.graph.problem import GraphProblem
from verify.graph.segment import bound_from, change_of, checked_segment, moving
from verify.operations.leaves import Leaf, Parameter
from verify.outcomes import InputError
from verify.torch.tensors.array import TensorArray
from verify.torch.tensors.device import as_device, certified_device
from verify.torch.tensors.place import TensorPlace

Values = dict[Leaf, Any]


@certified_environment()
def error_enclosure(
    problem: GraphProblem, w: Any = None, *, device: str | torch.device = "cpu", chunk: int | None = None
) -> tuple[float, float]:
    """Return float64 numbers lo <= E(w) <= hi, computed on a device of PyTorch's.

    The formulas are those of `GraphProblem.error_enclosure`; sums over chunks of samples are exact. What the device
    holds at once does not grow with the samples.

    Parameters
    ----------
    problem : GraphProblem
        As `verify.from_torch` returns it.
    w : array, shape (P,), optional
        Default: the problem's initial weights.
    device : str or torch.device
        ``"cpu"``, ``"cuda"``, or another one that holds float64 numbers.
    chunk : int, optional
        Most samples that are on the device at once. By default as many as keep every array small; all of them if the
        error is not known to be a sum over the samples.

    Returns
    -------
    (float, float)
        Infinite where float64 overflows.

    Raises
    ------
    InputError
        If there is no such device, its memory is not enough, or a size of chunks is given for an error that is not
        known to be a sum over the samples.
    HostileEnvironment
        If the device does not compute as IEEE 754 demands, in its default state (`verify.torch.tensors.device`).

    Examples
    --------
    >>> import numpy as np
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> graph = builder.build((builder.parameter("w", ()) * builder.constant("x", (3,))).square().mean())
    >>> problem = GraphProblem(graph, {"x": [1.0, 2.0, 3.0]}, [0.1])
    >>> low, high = error_enclosure(problem, device="cpu", chunk=2)
    >>> low <= 14 / 300 <= high
    True
    """
    weights = _weights(problem, w)
    lower, upper = Fraction(0), Fraction(0)
    bounded = [True, True]
    with _computing_on(device) as place:
        for part, constants in chunks(problem, chunk):
            low, high = enclosed_error(part.graph, part.weighted, _parameters(problem, weights) | constants, place)
            bounded = [bounded[0] and math.isfinite(low), bounded[1] and math.isfinite(high)]
            lower += Fraction(low) if bounded[0] else 0
            upper += Fraction(high) if bounded[1] else 0
    return round_down(lower) if bounded[0] else -math.inf, round_up(upper) if bounded[1] else math.inf


@certified_environment()
def gradient_enclosure(
    problem: GraphProblem, w: Any = None, *, device: str | torch.device = "cpu", chunk: int | None = None
) -> Interval:
    """Return an interval array of NumPy's, (P,), that contains the exact gradient; see `error_enclosure`.

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> graph = builder.build((builder.parameter("w", ()) * builder.constant("x", (3,))).square().sum())
    >>> gradient_enclosure(GraphProblem(graph, {"x": [1.0, 2.0, 3.0]}, [0.5]), chunk=2).contains([14.0])
    True
    """
    weights = _weights(problem, w)
    total = Interval.zeros(problem.size)
    with _computing_on(device) as place:
        for part, constants in chunks(problem, chunk):
            if next(part.graph.leaves(Parameter), None) is None:
                continue
            found = enclosed_gradient(part.gradient, _parameters(problem, weights) | constants, place)
            total = total + _spread(problem, part, _host_interval(found))
    return total


@certified_environment()
def segment_bound(
    problem: GraphProblem,
    w: Any,
    D: Any,
    T: float,
    *,
    degree: int = 3,
    device: str | torch.device = "cpu",
    chunk: int | None = None,
) -> SegmentBound:
    """Bound ``E(w + t D) - E(w)`` for all t in [0, T] by a polynomial, as `verify.segment_bound` does, on a device.

    Parameters
    ----------
    problem, w, D, T, degree
        As for `verify.segment_bound` of such a problem.
    device, chunk
        As for `error_enclosure`.

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> graph = builder.build((builder.parameter("w", ()) * builder.constant("x", (3,))).square().sum())
    >>> bound = segment_bound(GraphProblem(graph, {"x": [1.0, 2.0, 3.0]}, [1.0]), [1.0], [-1.0], 1.0, chunk=2)
    >>> [round(c, 9) for c in bound.polynomial]
    [-28.0, 14.0, 0.0]
    """
    weights, movement, length = checked_segment(problem, w, D, T, degree)
    parts: list[Interval | None] = [None] * degree
    with _computing_on(device) as place:
        models = moving(problem, weights, movement, degree, place)
        for part, constants in chunks(problem, chunk):
            found = change_of(part.graph, {**models, **constants}, degree, place)
            parts = [_plus(a, None if b is None else _host_interval(b)) for a, b in zip(parts, found, strict=True)]
    return bound_from(parts, length)


@contextmanager
def _computing_on(device: str | torch.device) -> Iterator[TensorPlace]:
    found = as_device(device)
    try:
        with certified_device(found):
            yield TensorPlace(found)
    except torch.OutOfMemoryError:
        raise InputError(
            "the memory of the device is not enough", device=str(found), remedy="give a smaller chunk"
        ) from None


def _weights(problem: GraphProblem, w: Any) -> np.ndarray:
    if not isinstance(problem, GraphProblem):
        raise InputError(
            "not a problem on a graph of operations",
            type=type(problem).__name__,
            remedy="make one with verify.from_torch",
        )
    return problem.check_weights(problem.initial_weights if w is None else w)


def _parameters(problem: GraphProblem, weights: np.ndarray) -> Values:
    return {leaf: value for leaf, value in problem.values(weights).items() if isinstance(leaf, Parameter)}


def _spread(problem: GraphProblem, part: ChunkGraph, found: Interval) -> Interval:
    """Return a chunk's gradient in all parameters: zero in those that its error does not depend on."""
    places = {block.label: block.place for block in problem.blocks}
    labels = [leaf.label for leaf in part.graph.leaves(Parameter)]
    own = np.concatenate([np.arange(places[label].start, places[label].stop) for label in labels])
    mid, rad = np.zeros(problem.size), np.zeros(problem.size)
    mid[own], rad[own] = found.mid, found.rad
    return Interval(mid, rad)


def _host_interval(x: Interval) -> Interval:
    mid, rad = (part.on_host() if isinstance(part, TensorArray) else part for part in (x.mid, x.rad))
    return Interval(mid, rad)


def _plus(a: Interval | None, b: Interval | None) -> Interval | None:
    return b if a is None else a if b is None else a + b
