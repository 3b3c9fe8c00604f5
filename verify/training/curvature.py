"""Curvature of the error along a direction, estimated on a part of the samples: a guess for a step's length.

Nothing rests on the guess: the step that follows is proved by other means.
"""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.calculus import passes
from verify.calculus.algebra import FLOAT
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.graph.problem import GraphProblem

if TYPE_CHECKING:
    from verify.architecture import Architecture

LEAST_SAMPLES = 192
MOST_SAMPLES = 2048
_SHARE = 8


@singledispatch
def estimated_curvature(problem: Objective, w: np.ndarray, direction: np.ndarray, turn: int = 0) -> float:
    """Return about direction . Hess E(w) direction.

    Parameters
    ----------
    problem : Problem
    w, direction : array, shape (P,)
    turn : int
        Which of the interleaved parts of the samples to use; small problems use all samples.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, output="y"), [[2.0]], [[0.0]])
    >>> estimated_curvature(problem, np.array([1.0]), np.array([3.0]))
    36.0
    """
    raise NotImplementedError(f"no estimate for {type(problem).__name__}")


@estimated_curvature.register
def _of_classical(problem: Problem, w: np.ndarray, direction: np.ndarray, turn: int = 0) -> float:
    wanted = min(max(LEAST_SAMPLES, problem.samples // _SHARE), MOST_SAMPLES)
    stride = max(1, problem.samples // wanted)
    x, y = problem.rows(slice(turn % stride, problem.samples, stride))
    parts, directions = problem.architecture.unflatten(w), problem.architecture.unflatten(direction)
    total = sum(
        _second_derivative(problem.architecture, parts, directions, x[rows], y[rows])
        for rows in passes.row_chunks(len(x))
    )
    decay = problem.weight_decay * float(direction @ direction)
    return total * problem.samples / len(x) / problem.sample_divisor + decay


@estimated_curvature.register
def _of_graph(problem: GraphProblem, w: np.ndarray, direction: np.ndarray, turn: int = 0) -> float:
    return float(direction @ problem.hessian_vector(w, direction))


def _second_derivative(
    architecture: Architecture, parts: passes.Parts, directions: passes.Parts, x: np.ndarray, y: np.ndarray
) -> float:
    """Second derivative of the samples' sum of 1/2 |h_out - y|^2 along the direction.

    It is sum |h_out'|^2 + sum over vertices dh_v . g_v'' z_v'^2 + 2 sum over trained edges dz_v . A_e(D_e) h_u'.
    """
    state = passes.forward(FLOAT, architecture, parts, x, order=2)
    adjoints = passes.backward(
        FLOAT, architecture, parts, state, passes.residuals(FLOAT, architecture, state.outputs, y)
    )
    tangents = passes.tangent(FLOAT, architecture, parts, directions, state)
    total: Any = sum(float(np.vdot(tangents.outputs[name], tangents.outputs[name])) for name in architecture.outputs)
    for name in architecture.order:
        total += float(np.vdot(adjoints.outputs[name], state.derivatives[name][2] * tangents.preactivations[name] ** 2))
        for edge in architecture.in_edges(name):
            if edge.map.parameter_shape and edge.source in tangents.outputs:
                bent = edge.map.apply(directions[edge.key], tangents.outputs[edge.source])
                total += 2 * float(np.vdot(adjoints.preactivations[name], bent))
    return float(total)
