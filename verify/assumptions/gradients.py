"""Whether backpropagation is proved to compute the gradient."""

from __future__ import annotations

from functools import singledispatch

from verify.arithmetic.environment import certified_environment
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.calculus.symbolic import prove_gradients
from verify.graph.problem import GraphProblem
from verify.graph.symbolic import prove_graph_gradients
from verify.outcomes import Finding

GIVEN = "if the gradient is exact"
"""What a question is asked under where a gradient's rule is too large to be proved."""


@certified_environment(products=False)
@singledispatch
def gradient_proof(problem: Objective) -> Finding:
    """Return the finding ``"gradients"``: of `prove_gradients` for the classical class, of graphs the one beside it.

    Where the rule of an operation is too large to be proved it is UNDECIDED and not counted. What is said of steps is
    then said of steps along the exact gradient.
    """
    raise NotImplementedError(f"no proof of gradients for {type(problem).__name__}")


@gradient_proof.register
def _classical(problem: Problem) -> Finding:
    return prove_gradients(problem.architecture)


@gradient_proof.register
def _of_graph(problem: GraphProblem) -> Finding:
    return prove_graph_gradients(problem)
