"""Assert that a gradient function computes the gradient of a problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import float64_array
from verify.calculus.gradient_check import AGREES, check_gradient
from verify.calculus.objective import Objective
from verify.outcomes import Finding
from verify.testing.counterexample import CounterexampleError


@certified_environment()
def assert_gradient_correct(
    gradient: Callable[[np.ndarray], Any],
    problem: Objective,
    *,
    points: int | Sequence[Any] = 3,
    seed: int = 0,
) -> Finding:
    """Fail unless every entry of `gradient` agrees with the proved recursion up to rounding, at some points.

    Parameters
    ----------
    gradient : callable
        From w (P,) to P numbers: dE/dw over all samples, reduction and weight decay included, in the order of
        ``problem.architecture.unflatten``.
    problem : Problem or GraphProblem
    points : int or sequence of arrays (P,)
        How many random points, or the points themselves.
    seed : int
        Of the points.

    Returns
    -------
    Finding
        Of `verify.check_gradient`.

    Raises
    ------
    CounterexampleError
        With the weight whose entry is wrong, both values, and the point.
    InputError
        If `gradient` returns the wrong shape or type.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, "y"), [[2.0]], [[1.0]])
    >>> assert_gradient_correct(problem.gradient, problem).numbers["outcome"]
    'AGREES'
    """
    __tracebackhide__ = True
    places = points if isinstance(points, int) else [float64_array(point, "points") for point in points]
    finding = check_gradient(problem, gradient, points=places, seed=seed)
    if finding.numbers["outcome"] != AGREES:
        raise CounterexampleError(
            finding.statement, finding.verdict, finding.remedy, _replay(finding, points, seed), finding.counterexample
        )
    return finding


def _replay(finding: Finding, points: int | Sequence[Any], seed: int) -> str | None:
    if finding.counterexample is not None:
        return f"assert_gradient_correct(gradient, problem, points=[{finding.counterexample['w']!r}])"
    if isinstance(points, int):
        return f"assert_gradient_correct(gradient, problem, points={points}, seed={seed})"
    return None
