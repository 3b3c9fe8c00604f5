"""What is proved of a problem, computed on a device of PyTorch's, chunk of samples by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
from verify.bounds.segment_result import SegmentBound
from verify.graph.problem import GraphProblem
from verify.graph.sample_sums import GraphErrorSum, GraphGradientSum, GraphSegmentSum
from verify.outcomes import InputError
from verify.torch.tensors.device import as_device, certified_device
from verify.torch.tensors.place import TensorPlace


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
    with _computing_on(device) as place:
        return GraphErrorSum(problem, weights, chunk, place).alone()


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
    with _computing_on(device) as place:
        return GraphGradientSum(problem, weights, chunk, place).alone()


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
    with _computing_on(device) as place:
        return GraphSegmentSum(problem, w, D, T, degree, chunk, place).alone()


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
