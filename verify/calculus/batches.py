"""The problems of mini-batches: the same network and weights, some consecutive samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final, overload

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.outcomes import InputError


@final
class Batches(Sequence[Problem]):
    """The batches of a problem, each made when it is asked for: memory holds one at a time.

    Parameters
    ----------
    problem : Problem
    batch : int
        Samples a batch.
    """

    def __init__(self, problem: Problem, batch: int) -> None:
        self.problem, self.batch = problem, batch

    def __len__(self) -> int:
        return (self.problem.samples + self.batch - 1) // self.batch

    @overload
    def __getitem__(self, number: int) -> Problem: ...

    @overload
    def __getitem__(self, number: slice) -> Sequence[Problem]: ...

    def __getitem__(self, number: int | slice) -> Problem | Sequence[Problem]:
        """Return the problem of a batch, or of some."""
        chosen = range(len(self))[number]
        return self._problem(chosen) if isinstance(chosen, int) else [self._problem(each) for each in chosen]

    def _problem(self, number: int) -> Problem:
        problem, start = self.problem, number * self.batch
        stop = min(start + self.batch, problem.samples)
        return Problem(
            problem.architecture,
            np.array(problem.inputs[start:stop]),
            np.array(problem.targets[start:stop]),
            reduction=problem.reduction,
            weight_decay=problem.weight_decay,
            initial_weights=problem.initial_weights,
            region=problem.region,
            name=f"{problem.name}: samples {start}-{stop - 1}",
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
