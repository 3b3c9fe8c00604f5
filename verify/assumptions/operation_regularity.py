"""A1 for any problem: its functions are smooth enough, everywhere or where the region lets them be."""

from __future__ import annotations

from functools import singledispatch
from typing import Any

from verify.activations.symbols import Smoothness
from verify.arithmetic.environment import certified_environment
from verify.assumptions.activation_regularity import NEEDED_FOR, activation_regularity
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.graph.graph import Node
from verify.graph.problem import GraphProblem
from verify.operations.elementwise import Elementwise
from verify.operations.power import Logarithm, Power
from verify.outcomes import Finding, Verdict

_SHOWN = 5


@certified_environment(products=False)
@singledispatch
def regularity(
    problem: Objective, L: float | None = None, reason: str | None = None, remedy: str | None = None
) -> Finding:
    """Decide A1 for a problem.

    Parameters
    ----------
    problem : Problem or GraphProblem
    L : float, optional
        A proved bound of the Hessian over the region that the question is about.
    reason, remedy : str, optional
        Why there is none, and what to do about it.

    Returns
    -------
    Finding
        ``"A1"``; see `activation_regularity` for the classical class. For graphs PROVED in the form A1' where every
        operation is analytic everywhere; where some have kinks or end somewhere, PROVED by L, whose proof bounds the
        derivatives of every operation where the region lets its arguments be; else UNDECIDED.
    """
    raise NotImplementedError(f"no assumption A1 for {type(problem).__name__}")


@regularity.register
def _of_activations(
    problem: Problem, L: float | None = None, reason: str | None = None, remedy: str | None = None
) -> Finding:
    return activation_regularity(problem.architecture)


@regularity.register
def _of_operations(
    problem: GraphProblem, L: float | None = None, reason: str | None = None, remedy: str | None = None
) -> Finding:
    partial = list(dict.fromkeys(words(node) for node in problem.graph.nodes if not is_entire(node)))
    shown = ", ".join(partial[:_SHOWN]) + (", ..." if len(partial) > _SHOWN else "")
    numbers: dict[str, Any] = {"form": "A1'", "not_everywhere": partial}
    if not partial:
        statement = "A1': every operation is analytic on all of its space, enough on bounded weights (A2)"
        return Finding("A1", Verdict.PROVED, statement, numbers=numbers, needed_for=NEEDED_FOR)
    if L is not None:
        statement = (
            f"A1' on the region: {shown} not smooth or not defined everywhere, but where the region lets its arguments "
            "be, every operation has two bounded derivatives (by the proof of L)"
        )
        return Finding("A1", Verdict.PROVED, statement, numbers=numbers, needed_for=NEEDED_FOR)
    return Finding(
        "A1",
        Verdict.UNDECIDED,
        f"whether the region keeps {shown} where it is smooth: {reason or 'no bound L was proved'}",
        numbers=numbers | {"form": None},
        needed_for=NEEDED_FOR,
        remedy=remedy or "use a smaller region, or smooth functions",
    )


def is_analytic(node: Node) -> bool:
    """Whether a node's operation is analytic wherever it is defined."""
    operation = node.operation
    if isinstance(operation, Elementwise):
        return operation.function.smoothness is Smoothness.ANALYTIC
    return operation.smooth


def is_entire(node: Node) -> bool:
    """Whether a node's operation is analytic for all real arguments."""
    operation = node.operation
    if isinstance(operation, Power):
        return operation.exponent.denominator == 1 and operation.exponent >= 0
    return is_analytic(node) and not isinstance(operation, Logarithm)


def words(node: Node) -> str:
    """Return what a node computes, and where."""
    operation = node.operation
    name = operation.spec if isinstance(operation, Elementwise) else operation.name
    return f"{name} at {node.place}" if node.place else name
