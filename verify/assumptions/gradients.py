"""Whether backpropagation is proved to compute the gradient."""

from __future__ import annotations

from functools import singledispatch

from verify.arithmetic.environment import certified_environment
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.calculus.symbolic import prove_gradients
from verify.graph.problem import GraphProblem
from verify.outcomes import Finding, Verdict

GIVEN = "if the gradient is exact"
"""What a question is asked under where the gradient's rules are not proved."""


@certified_environment(products=False)
@singledispatch
def gradient_proof(problem: Objective) -> Finding:
    """Return the finding ``"gradients"``: of `prove_gradients` for the classical class.

    For graphs it is UNDECIDED and not counted: the induction along the graph is proved on paper
    (`verify.graph.reverse`), the rule of each operation is not proved by a program but tested in exact arithmetic. What
    is said of steps is then said of steps along the exact gradient.
    """
    raise NotImplementedError(f"no proof of gradients for {type(problem).__name__}")


@gradient_proof.register
def _classical(problem: Problem) -> Finding:
    return prove_gradients(problem.architecture)


@gradient_proof.register
def _of_graph(problem: GraphProblem) -> Finding:
    names = sorted({node.operation.name for node in problem.graph.nodes})
    return Finding(
        "gradients",
        Verdict.UNDECIDED,
        f"reverse accumulation computes dE/dw if the rules of its {len(names)} operations are transposed derivatives; "
        "the rules are tested exactly, no program proves them",
        numbers={"operations": names},
        needed_for="that the steps of a program are along the gradient; what is proved is about the exact gradient",
        counted=False,
    )
