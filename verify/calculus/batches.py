"""The problems of mini-batches: the same network and weights, some consecutive samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar, final, overload

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.outcomes import InputError

P = TypeVar("P")
"""The type of the problems."""


class ConsecutiveBatches(Sequence[P], ABC, Generic[P]):
    """The batches of a problem, each made when it is asked for: memory holds one at a time.

    Parameters
    ----------
    samples : int
        Of the whole problem.
    batch : int
        Samples a batch; the last one may have fewer.
    """

    def __init__(self, samples: int, batch: int) -> None:
        self.samples, self.batch = samples, batch

    @abstractmethod
    def _of(self, rows: slice) -> P:
        """Return the problem of some samples."""

    def __len__(self) -> int:
        return (self.samples + self.batch - 1) // self.batch

    @overload
    def __getitem__(self, number: int) -> P: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[P]: ...

    def __getitem__(self, number: int | slice) -> P | Sequence[P]:
        """Return the problem of a batch, or of some."""
        chosen = range(len(self))[number]
        return self._numbered(chosen) if isinstance(chosen, int) else [self._numbered(each) for each in chosen]

    def _numbered(self, number: int) -> P:
        return self._of(slice(number * self.batch, min((number + 1) * self.batch, self.samples)))


@final
class Batches(ConsecutiveBatches[Problem]):
    """The batches of a problem of the classical class.

    Parameters
    ----------
    problem : Problem
    batch : int
    """

    def __init__(self, problem: Problem, batch: int) -> None:
        super().__init__(problem.samples, batch)
        self.problem = problem

    def _of(self, rows: slice) -> Problem:
        problem = self.problem
        return Problem(
            problem.architecture,
            np.array(problem.inputs[rows]),
            np.array(problem.targets[rows]),
            reduction=problem.reduction,
            weight_decay=problem.weight_decay,
            initial_weights=problem.initial_weights,
            region=problem.region,
            name=f"{problem.name}: samples {rows.start}-{rows.stop - 1}",
        )


@certified_environment(products=False)
def batches_of(problem: Objective, batch: Any) -> Batches:
    """Return the problem of each batch: consecutive samples, the error reduced as that of the problem.

    Raises
    ------
    InputError
        If the size is no positive number, or the problem's samples cannot be told apart.
    """
    if isinstance(batch, bool) or not isinstance(batch, int | np.integer) or batch < 1:
        raise InputError("the size of a batch must be a positive integer", batch=batch, remedy="use batch=64")
    if not isinstance(problem, Problem):
        raise InputError(
            "the samples of this problem cannot be told apart",
            where=problem.name,
            type=type(problem).__name__,
            remedy="give batch=[...]: one problem of the same weights for each batch",
        )
    return Batches(problem, int(batch))
