"""Whether backpropagation computes the gradient: the recursion proved, the running code compared with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from verify.arithmetic.environment import certified_environment
from verify.assumptions.gradients import gradient_proof
from verify.budget import OverBudgetError, remaining, time_limit
from verify.calculus.gradient_check import AGREES, CHECK, OPEN, check_gradient
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem, classical
from verify.calculus.symbolic import recursion_latex
from verify.graph.problem import GraphProblem
from verify.graph.symbolic import graph_latex
from verify.outcomes import Finding, Verdict


@dataclass(frozen=True)
class Gradients:
    """Both answers about the gradient.

    Parameters
    ----------
    proof : Finding
        The recursion of this graph is the derivative of the error, for every differentiable activation.
    comparison : Finding
        Whether the gradient that the code computes agrees with the recursion up to rounding, at some points.
    """

    proof: Finding
    comparison: Finding

    @property
    def verdict(self) -> Verdict:
        """Of the proof, unless the comparison contradicts it or stays open; agreement alone proves nothing."""
        if self.comparison.numbers["outcome"] == AGREES:
            return self.proof.verdict
        return Verdict.weakest([self.proof.verdict, self.comparison.verdict])

    def to_json(self) -> dict[str, Any]:
        """Return both as plain data."""
        return {
            "verdict": self.verdict.value,
            "max_relative_error": self.comparison.numbers["max_relative_error"],
            "proof": self.proof.to_json(),
            "check": self.comparison.to_json(),
        }


@certified_environment()
def examine_gradients(problem: Objective, *, seed: int = 0) -> Gradients:
    """Prove the recursion of a problem's graph and compare the code with it at random points; undecided beyond a limit.

    Parameters
    ----------
    problem : Problem or GraphProblem
    seed : int
        Of the points.
    """
    return Gradients(
        _within(remaining() / 2, "gradients", lambda: gradient_proof(problem)),
        _within(None, "gradient_check", lambda: check_gradient(problem, points=_points(problem), seed=seed)),
    )


def _points(problem: Objective) -> int:
    """Return at how many points the code is compared: at one where a pass through the vertices alone takes seconds."""
    many = isinstance(problem, Problem) and len(problem.architecture.order) > _MANY_VERTICES
    return 1 if many else 3


def gradient_formulas(problem: Objective) -> str:
    """Return the backpropagation of a problem as a LaTeX document."""
    if isinstance(problem, GraphProblem):
        return graph_latex(problem)
    return recursion_latex(classical(problem, "LaTeX").architecture)


_PARTS = {"gradients": "the proof of the gradients", "gradient_check": CHECK}
_MANY_VERTICES = 1000


def _within(seconds: float | None, finding: str, decide: Callable[[], Finding]) -> Finding:
    """Return a finding, or if it exceeds the time or memory there is an undecided one of the same name."""
    try:
        with time_limit(seconds, _PARTS[finding]):
            return decide()
    except OverBudgetError as error:
        return Finding(
            id=finding,
            verdict=Verdict.UNDECIDED,
            statement=error.reason,
            numbers={"max_relative_error": None, "outcome": OPEN} if finding == "gradient_check" else {},
            remedy=error.remedy,
        )
