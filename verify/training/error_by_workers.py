"""The proved range of the error of many samples, by several processes or a cluster: the same numbers, bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.bounds.error_ranges import range_of
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem, classical
from verify.files.fingerprint import adopt_words, secret_words
from verify.files.stored_table import StoredTable
from verify.training.evaluation import error_range, squares_of
from verify.workers import Workers, check_workers, results

PACKET = 64
"""Chunks of samples that are sent together: some 20,000 samples."""

Squares = list[tuple[float, float]]
Fingerprints = tuple[Mapping[int, bytes], ...]


@certified_environment()
def error_by_workers(problem: Objective, w: Any = None, *, workers: Workers = 1) -> tuple[float, float]:
    """Return float64 numbers lo <= E(w) <= hi, proved, with the samples shared among workers.

    Samples are cut into the same chunks whoever computes them, and sums of chunks are exact: on processors of one kind
    the result is that of one process, bit for bit. Every worker tests its own floating-point environment. Tables that
    stay on the disk (memory maps) are opened by every worker under the same path, and what it reads there must have the
    fingerprint that it has here; arrays in memory are sent once.

    Parameters
    ----------
    problem : Problem
        Of the classical class: sums of linear maps, elementwise functions, half the squared error.
    w : array, shape (P,), optional
        Default: the problem's initial weights.
    workers : int or str
        A number of processes on this machine (1: this one), or the address of a Dask scheduler (``"tcp://host:port"``).

    Returns
    -------
    (float, float)
        ``(0, inf)`` where float64 overflows.

    Raises
    ------
    InputError
        If the problem is of another class, a worker reads other data, or workers cannot be had.

    Examples
    --------
    >>> import verify
    >>> problem = verify.load_problem("examples/xor_skip.toml")
    >>> low, high = error_by_workers(problem)
    >>> low <= problem.error(problem.initial_weights) <= high
    True
    """
    problem = classical(problem, "errors by workers")
    weights = problem.check_weights(problem.initial_weights if w is None else w)
    if check_workers(workers) == 1:
        return error_range(problem, weights)
    count = len(problem.chunks())
    spans = [(first, min(first + PACKET, count)) for first in range(0, count, PACKET)]
    tables = _tables(problem)
    squares: Squares = []
    with results(
        _of_span, spans, workers=workers, chunksize=1, prepare=_prepare, arguments=(problem, weights, secret_words())
    ) as answers:
        for found, read in answers:
            for table, blocks in zip(tables, read, strict=True):
                table.check_blocks(blocks)
            if found is None:
                return 0.0, np.inf
            squares += found
    return range_of(problem, weights, squares)


_subject: list[tuple[Problem, np.ndarray]] = []
"""What a process evaluates."""


def _prepare(problem: Problem, weights: np.ndarray, words: np.ndarray) -> None:
    adopt_words(words)
    _subject[:] = [(problem, weights)]


def _of_span(span: tuple[int, int]) -> tuple[Squares | None, Fingerprints]:
    """Return what `squares_of` says of some chunks, and the fingerprints of what was read for it."""
    problem, weights = _subject[0]
    chunks = problem.chunks()[slice(*span)]
    found = squares_of(problem, weights, chunks)
    return found, tuple(table.blocks(chunks[0].start, chunks[-1].stop) for table in _tables(problem))


def _tables(problem: Problem) -> list[StoredTable]:
    return [table for table in (problem.inputs, problem.targets) if isinstance(table, StoredTable)]
