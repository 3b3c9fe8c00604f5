"""What is asked of a command: a problem and a setting to be judged, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting
    from verify.calculus.objective import Objective
    from verify.calculus.problem import Problem
    from verify.spec.lines import LineMap
    from verify.theorems.optimizers import Optimizer


class Origin(Protocol):
    """Where a question comes from."""

    @property
    def path(self) -> Path:
        """As on the command line."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Files beside it that no output may replace."""

    @property
    def lines(self) -> LineMap:
        """On which lines its keys stand."""


@dataclass(frozen=True)
class Question:
    """A problem and a setting.

    Parameters
    ----------
    problem : Problem or GraphProblem
        Network, data, loss, initial weights and region: a `Problem` where every vertex is a function of a sum of
        linear maps and the loss is half the squared error, else a `GraphProblem`.
    momentum : Setting or None
        The setting to be judged: ``eta``, and ``tau`` or ``mu``, and ``norm``.
    document : Origin
        Where it comes from.
    optimizer : Optimizer, optional
        The numbers that the user set; those of the theorem are `momentum`.
    reduction : {"mean", "sum"}
        What the error is of the samples' losses.
    """

    problem: Objective
    momentum: Setting | None
    document: Origin
    optimizer: Optimizer | None = None
    reduction: str = "mean"

    @property
    def asked(self) -> Setting | Optimizer | None:
        """The setting to be judged, or an optimizer of whose steps nothing is proved in advance."""
        return self.optimizer if self.momentum is None else self.momentum

    @property
    def vertex_blocks(self) -> Mapping[str, slice]:
        """Which weights belong to each vertex, or to each parameter where there are no vertices."""
        from verify.graph.problem import GraphProblem

        if isinstance(self.problem, GraphProblem):
            return {block.label: block.place for block in self.problem.blocks}
        return self.classical("vertices").architecture.blocks

    def classical(self, purpose: str) -> Problem:
        """Return the problem for a purpose that needs one of the classical class, or raise `NotCoveredError`."""
        from verify.calculus.problem import classical

        return classical(self.problem, purpose)
