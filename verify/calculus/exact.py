"""The error evaluated in Arb at any precision: what decides where float64 enclosures cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flint
import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.calculus import passes

if TYPE_CHECKING:
    from verify.architecture import Edge
    from verify.calculus.problem import Problem


@certified_environment()
def error_in_arb(problem: Problem, w: np.ndarray) -> Any:
    """Return an Arb number that contains E(w), at Arb's current precision.

    Parameters
    ----------
    problem : Problem
    w : array, shape (P,)

    Returns
    -------
    flint.arb
    """
    architecture = problem.architecture
    parts = architecture.unflatten(w)
    matrices = {
        (name, index): _transposed_matrix(edge, passes.edge_parameters(parts, edge))
        for name in architecture.order
        for index, edge in enumerate(architecture.in_edges(name))
    }
    total = flint.arb(0)
    for chunk in problem.chunks():
        x, y = problem.rows(chunk)
        outputs = _forward(problem, parts, matrices, x)
        column = 0
        for name in architecture.outputs:
            h = outputs[name]
            for i in range(h.nrows()):
                for j in range(h.ncols()):
                    total += (h[i, j] - flint.arb(float(y[i, column + j]))) ** 2
            column += h.ncols()
    error = total / (2 * problem.sample_divisor)
    if problem.weight_decay:
        squares = sum((flint.arb(float(value)) ** 2 for value in w), flint.arb(0))
        error += flint.arb(problem.weight_decay) * squares / 2
    return error


def _forward(problem: Problem, parts: passes.Parts, matrices: dict[Any, Any], x: np.ndarray) -> dict[str, Any]:
    architecture = problem.architecture
    outputs: dict[str, Any] = {}
    start = 0
    for name in architecture.inputs:
        width = architecture.vertices[name].width
        outputs[name] = _arb_matrix(x[:, start : start + width])
        start += width
    for name in architecture.order:
        vertex = architecture.vertices[name]
        z = passes.sum_of(
            outputs[edge.source] * matrices[name, index] for index, edge in enumerate(architecture.in_edges(name))
        )
        if vertex.bias is not None:
            bias = passes.spread_bias(vertex, parts[name])
            z += _arb_matrix(np.tile(bias, (len(x), 1)))
        if vertex.activation is None:
            raise ValueError(f"vertex {name!r} has no activation")
        values = [vertex.activation.arb(entry) for entry in z.entries()]
        outputs[name] = flint.arb_mat(z.nrows(), z.ncols(), values)
    return outputs


def _arb_matrix(array: np.ndarray) -> Any:
    return flint.arb_mat(array.shape[0], array.shape[1], [flint.arb(float(v)) for v in array.ravel()])


def _transposed_matrix(edge: Edge, theta: np.ndarray) -> Any:
    """Return A(theta)^T, (in, out), each entry exact up to the rounding of a rational coefficient in Arb."""
    terms = edge.map.terms()
    values = np.ravel(theta)
    coefficient = flint.arb(flint.fmpq(terms.coefficient.numerator, terms.coefficient.denominator))
    matrix = flint.arb_mat(edge.map.in_width, edge.map.out_width)
    for out, parameter, source in zip(terms.out, terms.parameter, terms.input, strict=True):
        factor = flint.arb(float(values[parameter])) if parameter >= 0 else 1
        matrix[int(source), int(out)] = coefficient * factor
    return matrix
