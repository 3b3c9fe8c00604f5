"""A gradient whose forward pass serves the segment bounds from the same weights too.

The pass is `forward_errors.propagate` of order 3 in mixed precision, kept for all chunks of samples; the gradient is
made of its computed values, and like every float64 gradient it is proved by nothing.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from verify.activations import Smoothness
from verify.arithmetic.environment import certified_environment
from verify.bounds.error_ranges import range_of, squared_residuals
from verify.bounds.forward_errors import Values, all_weights, propagate
from verify.bounds.segment_edges import Formats
from verify.bounds.workspace import Workspace
from verify.calculus import passes
from verify.calculus.algebra import FLOAT

if TYPE_CHECKING:
    from verify.architecture import Architecture, Vertex
    from verify.calculus.problem import Problem

ORDER = 3
MOST_BYTES = 2**26
"""What a kept pass may take; problems with more samples are passed through twice."""


def has_taylor_models(architecture: Architecture) -> bool:
    """Whether every activation is smooth, with a bounded fourth derivative."""
    return all(_is_smooth(architecture.vertices[name]) for name in architecture.order)


def _is_smooth(vertex: Vertex) -> bool:
    activation = vertex.activation
    return (
        activation is not None and activation.smoothness is Smoothness.ANALYTIC and np.isfinite(activation.supremum(4))
    )


class StartPass:
    """Forward pass, error with its range, and gradient at the weights asked last.

    Parameters
    ----------
    problem : Problem

    Attributes
    ----------
    formats : Formats
        Of the pass.
    range : (float, float) or None
        Numbers lo <= E(w) <= hi at the weights asked last; None where no pass is kept.
    workspace : Workspace
        Owns the pass; segment bounds may keep their arrays in it.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, output="y"), [[1.0]], [[0.5]])
    >>> start = StartPass(problem)
    >>> error, gradient = start.error_and_gradient(np.array([0.0, 0.0]))
    >>> error, gradient, len(start.at(problem, np.array([0.0, 0.0])))
    (0.125, array([-0.5, -0.5]), 1)
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        widths = sum(problem.architecture.vertices[name].width for name in problem.architecture.order)
        self.formats = Formats.of("mixed")
        size = sum(dtype.itemsize for dtype in self.formats.derivatives) * widths * problem.samples
        self._useful = size <= MOST_BYTES and has_taylor_models(problem.architecture)
        self.range: tuple[float, float] | None = None
        self.workspace = Workspace()
        self._weights: np.ndarray | None = None
        self._chunks: list[Values] = []

    @certified_environment()
    def error_and_gradient(self, w: np.ndarray) -> tuple[float, np.ndarray]:
        """Return E(w) and grad E(w) in float64, and keep the forward pass where it is worth its memory."""
        self._weights = self.range = None
        if not self._useful:
            return self._problem.error_and_gradient(w)
        weights = self._problem.check_weights(w)
        problem, architecture = self._problem, self._problem.architecture
        parts = architecture.unflatten(weights)
        vertex_weights = all_weights(architecture, parts)
        self._chunks = []
        squares, gradient = [], np.zeros_like(weights)
        for index, chunk in enumerate(problem.chunks()):
            x, y = problem.rows(chunk)
            values = propagate(architecture, vertex_weights, x, ORDER, self.workspace, index, self.formats.derivatives)
            if not all(np.isfinite(g.error) for derivatives in values.values() for g in derivatives):
                return problem.error_and_gradient(weights)
            state = _forward_pass(values)
            residual = passes.residuals(FLOAT, architecture, state.outputs, y)
            squares.append(squared_residuals(architecture, values, y))
            if not all(map(isfinite, squares[-1])):
                return problem.error_and_gradient(weights)
            adjoints = passes.backward(FLOAT, architecture, parts, state, residual)
            gradient += architecture.layout.flatten(
                passes.parameter_gradients(FLOAT, architecture, state.outputs, adjoints.preactivations),
            )
            self._chunks.append(values)
        self._weights, self.range = weights.copy(), range_of(problem, weights, squares)
        total = sum(value for value, _ in squares)
        return problem.averaged(total, weights), gradient / problem.sample_divisor + problem.weight_decay * weights

    def at(self, problem: Problem, w: np.ndarray) -> list[Values] | None:
        """Return the passes of all chunks, if they are those of this problem and these weights."""
        known = problem is self._problem and self._weights is not None and np.array_equal(self._weights, w)
        return self._chunks if known else None


def _forward_pass(values: Values) -> passes.ForwardPass:
    arrays = {name: tuple(g.value for g in derivatives) for name, derivatives in values.items()}
    return passes.ForwardPass({name: g[0] for name, g in arrays.items()}, arrays, {})
