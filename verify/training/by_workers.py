"""Sums over many samples by several processes or a cluster: the answers of one process, bit for bit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
from verify.bounds.hessian_result import HessianBound
from verify.bounds.hessian_sum import NormSum
from verify.bounds.regions import Region
from verify.bounds.segment import classical_segment_bound
from verify.bounds.segment_edges import Precision
from verify.bounds.segment_result import SegmentBound
from verify.calculus.enclosures import GradientSum
from verify.calculus.objective import Objective
from verify.calculus.problem import classical
from verify.calculus.sample_sum import SampleSum
from verify.files.fingerprint import adopt_words, secret_words
from verify.graph.problem import GraphProblem
from verify.graph.sample_sums import GraphErrorSum, GraphGradientSum, GraphSegmentSum
from verify.training.evaluation import ErrorSum
from verify.workers import Workers, check_workers, results

Answer = TypeVar("Answer")
Fingerprints = tuple[Mapping[int, bytes], ...]
_ENTRIES = 2**18
"""Entries of the largest array of a graph's chunk: tenths of a second's work; fixed, as the answer depends on it."""
_TASKS, _MOST_TOGETHER = 64, 16
"""Packets are sent together where so many tasks or more are left, up to a limit: each way to a worker takes time."""


@certified_environment()
def error_by_workers(problem: Objective, w: Any = None, *, workers: Workers = 1) -> tuple[float, float]:
    """Return float64 numbers lo <= E(w) <= hi, proved, with the samples shared among workers.

    Samples are cut into the same packets whoever sums them up, and these sums are added in order: on processors of one
    kind the result is that of one process, bit for bit. Every worker tests its own floating-point environment. Tables
    that stay on the disk (memory maps) are opened by every worker under the same path, and what it reads there must
    have the fingerprint that it has here; arrays in memory are sent once.

    Parameters
    ----------
    problem : Problem
        Of a network on a graph of operations the whole error is one task, unless it is known to be a sum over samples.
    w : array, shape (P,), optional
        Default: the problem's initial weights.
    workers : int or str
        A number of processes on this machine (1: this one), or the address of a Dask scheduler (``"tcp://host:port"``).

    Returns
    -------
    (float, float)
        ``(0, inf)`` where float64 overflows, ``(-inf, inf)`` for a graph of operations.

    Raises
    ------
    InputError
        If the problem is of an unknown class, a worker reads other data, or workers cannot be had.

    Examples
    --------
    >>> import verify
    >>> problem = verify.load_problem("examples/xor_skip.toml")
    >>> low, high = error_by_workers(problem)
    >>> low <= problem.error(problem.initial_weights) <= high
    True
    """
    weights = problem.initial_weights if w is None else w
    if isinstance(problem, GraphProblem):
        return summed(GraphErrorSum(problem, weights, entries=_ENTRIES), workers)
    return summed(ErrorSum(classical(problem, "errors by workers"), weights), workers)


@certified_environment()
def gradient_by_workers(problem: Objective, w: Any = None, *, workers: Workers = 1) -> Interval:
    """Return intervals that hold the exact gradient of E at w, (P,), with the samples shared among workers.

    Parameters
    ----------
    problem, w, workers
        As for `error_by_workers`; what is said there holds here.

    Returns
    -------
    Interval, shape (P,)
        That of ``problem.gradient_enclosure(w)``; of a graph of operations up to the order of sums over the samples.

    Raises
    ------
    InputError
        As there.

    Examples
    --------
    >>> import verify
    >>> problem = verify.load_problem("examples/xor_skip.toml")
    >>> gradient_by_workers(problem).contains(problem.gradient_enclosure(problem.initial_weights).mid)
    True
    """
    weights = problem.initial_weights if w is None else w
    if isinstance(problem, GraphProblem):
        return summed(GraphGradientSum(problem, weights, entries=_ENTRIES), workers)
    return summed(GradientSum(classical(problem, "gradients by workers"), weights), workers)


@certified_environment()
def segment_by_workers(
    problem: Objective, w: Any, D: Any, T: float, *, precision: Precision = "mixed", workers: Workers = 1
) -> SegmentBound:
    """Bound the error along w + t D, 0 <= t <= T, from above, with the samples shared among workers.

    Parameters
    ----------
    problem, w, D, T, precision
        As for `verify.segment_bound`; `precision` is of the classical class.
    workers : int or str
        As for `error_by_workers`; what is said there holds here.

    Returns
    -------
    SegmentBound
        That of ``verify.segment_bound(problem, w, D, T)``; of a graph of operations as for `gradient_by_workers`.

    Raises
    ------
    InputError
        As there, and as for `verify.segment_bound`.

    Examples
    --------
    >>> import verify
    >>> problem = verify.load_problem("examples/xor_skip.toml")
    >>> w = problem.initial_weights
    >>> segment_by_workers(problem, w, -problem.gradient(w), 0.1).decrease > 0
    True
    """
    if isinstance(problem, GraphProblem):
        return summed(GraphSegmentSum(problem, w, D, T, entries=_ENTRIES), workers)
    problem = classical(problem, "segment bounds by workers")
    return classical_segment_bound(problem, w, D, T, lambda quantity: summed(quantity, workers), precision)


@certified_environment()
def hessian_by_workers(problem: Objective, region: Region | None = None, *, workers: Workers = 1) -> HessianBound:
    """Bound the Hessian over a region by products of norms, with the samples shared among workers.

    For data that are too many for the sharper methods of `verify.hessian_bound`.

    Parameters
    ----------
    problem : Problem
        Of the classical class: sums of linear maps, elementwise functions, half the squared error.
    region : Region, optional
        Default: the problem's.
    workers : int or str
        As for `error_by_workers`; what is said there holds here.

    Returns
    -------
    HessianBound
        That of ``verify.hessian_bound(problem, region, method="norms", cells=1)``, up to how the samples are cut.

    Raises
    ------
    InputError
        As there, and as for `verify.hessian_bound`.

    Examples
    --------
    >>> import verify
    >>> problem = verify.load_problem("examples/xor_skip.toml")
    >>> hessian_by_workers(problem).value >= verify.hessian_bound(problem).value
    True
    """
    return summed(NormSum(classical(problem, "Hessian bounds by workers"), region), workers)


def summed(quantity: SampleSum[Any, Answer], workers: Workers) -> Answer:
    """Return a quantity from parts that workers compute."""
    if check_workers(workers) == 1:
        return quantity.alone()
    packets = list(quantity.packets())
    together = min(max(len(packets) // _TASKS, 1), _MOST_TOGETHER)
    with results(
        _part, packets, workers=workers, chunksize=together, prepare=_prepare, arguments=(quantity, secret_words())
    ) as answers:
        return quantity.answer(_checked(quantity, answers))


def _checked(quantity: SampleSum[Any, Any], answers: Iterable[tuple[Any, Fingerprints]]) -> Iterator[Any]:
    """Yield parts, each after what was read for it proved to be what is read here."""
    tables = quantity.tables()
    for part, read in answers:
        for table, blocks in zip(tables, read, strict=True):
            table.check_blocks(blocks)
        yield part


_quantity: list[SampleSum[Any, Any]] = []
"""What a process sums up."""


def _prepare(quantity: SampleSum[Any, Any], words: Any) -> None:
    adopt_words(words)
    _quantity[:] = [quantity]


def _part(chunks: list[slice]) -> tuple[Any, Fingerprints]:
    """Return a packet's part, and the fingerprints of what was read for it."""
    quantity = _quantity[0]
    part = quantity.part(chunks)
    return part, tuple(table.blocks(chunks[0].start, chunks[-1].stop) for table in quantity.tables())
