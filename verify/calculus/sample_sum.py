"""Quantities that are sums over the samples, in parts that may be computed anywhere.

Samples are cut into chunks, which fit a processor's cache, and chunks into packets, always the same. A packet is summed
up from left to right, whoever does it, and so are the packets' sums: the answer does not depend on who computed what.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from verify.files.stored_table import StoredTable

if TYPE_CHECKING:
    from verify.calculus.problem import Problem

CHUNKS = 64
"""In a packet: some 20,000 samples, a second's work of one process where a network is small."""

Part = TypeVar("Part")
Answer = TypeVar("Answer")


class SampleSum(ABC, Generic[Part, Answer]):
    """A quantity of a problem, at weights that it holds."""

    @abstractmethod
    def packets(self) -> Iterator[list[slice]]:
        """Yield the chunks of every packet, as slices of the samples."""

    @abstractmethod
    def part(self, chunks: Sequence[slice]) -> Part:
        """Return what the samples of one packet contribute."""

    @abstractmethod
    def answer(self, parts: Iterable[Part]) -> Answer:
        """Return the quantity from the parts of all packets, in their order."""

    def tables(self) -> list[StoredTable]:
        """Return the tables in files that parts are read from."""
        return []

    def alone(self) -> Answer:
        """Return the quantity, computed by this process."""
        return self.answer(map(self.part, self.packets()))


class ProblemSum(SampleSum[Part, Answer]):
    """A quantity of a problem of the classical class.

    Parameters
    ----------
    problem : Problem
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    def packets(self) -> Iterator[list[slice]]:
        chunks = self.problem.chunks()
        return (chunks[first : first + CHUNKS] for first in range(0, len(chunks), CHUNKS))

    def tables(self) -> list[StoredTable]:
        return [table for table in (self.problem.inputs, self.problem.targets) if isinstance(table, StoredTable)]
