"""The forward pass in float64 with one bound of all rounding per vertex and derivative (`taylor_rounding`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.bounds.activation_values import evaluated
from verify.bounds.taylor_rounding import Approximation, largest_entry, products, row_sum, summed_error
from verify.bounds.workspace import Workspace, apply_into
from verify.calculus import passes
from verify.calculus.algebra import FLOAT

if TYPE_CHECKING:
    from verify.architecture import Architecture, LinearMap

Values = dict[str, list[Approximation]]
"""g, g', ... at every vertex's pre-activations; an input vertex has its columns of the data alone."""
Product = tuple["LinearMap", np.ndarray | None, float, Approximation]
"""A linear map, its parameters, their row sum, and what it is applied to."""


def row_sums(architecture: Architecture, parts: passes.Parts) -> dict[str, list[float]]:
    """Return `row_sum` of every vertex's incoming edges, in their order."""
    return {
        name: [
            row_sum(edge.map, parts[edge.key] if edge.map.parameter_shape else None)
            for edge in architecture.in_edges(name)
        ]
        for name in architecture.order
    }


def propagate(
    architecture: Architecture,
    parts: passes.Parts,
    sums: dict[str, list[float]],
    x: np.ndarray,
    order: int,
    workspace: Workspace,
    label: int | None = None,
) -> Values:
    """Propagate samples x (n, input dimension) and keep the derivatives up to `order` at every vertex.

    Parameters
    ----------
    architecture : Architecture
    parts : mapping
        Weights, as `Architecture.unflatten` gives them.
    sums : dict
        What `row_sums` says of them.
    x : array, shape (n, input dimension)
    order : int
    workspace : Workspace
        Owns the arrays of the result.
    label : int, optional
        Results under different labels do not overwrite each other.
    """
    columns = passes.input_outputs(FLOAT, architecture, x)
    values: Values = {name: [Approximation.of(part, 0.0)] for name, part in columns.items()}
    for name in architecture.order:
        vertex = architecture.vertices[name]
        edges = architecture.in_edges(name)
        bias = np.zeros(1) if vertex.bias is None else passes.spread_bias(vertex, parts[name])
        terms = [
            (edge.map, parts[edge.key] if edge.map.parameter_shape else None, s, values[edge.source][0])
            for s, edge in zip(sums[name], edges, strict=True)
        ]
        z = sum_of_products(terms, bias, summation_roundings(edges), workspace, ("z", (len(x), vertex.width)))
        activation: Any = vertex.activation
        values[name] = evaluated(activation, z, order, workspace, name if label is None else (name, label))
    return values


def summation_roundings(edges: Any) -> int:
    """Upper bound of the roundings that one entry of a vertex's sum over its edges can meet, two products an edge."""
    return 2 * sum(products(edge.map) for edge in edges) + 4 * len(edges) + 8


def sum_of_products(
    terms: Sequence[Product],
    constant: np.ndarray,
    roundings: int,
    workspace: Workspace,
    key: tuple[str, tuple[int, ...]],
) -> Approximation:
    """Return constant + the sum of A(theta) h over the terms, stored in the workspace under `key`."""
    total = workspace.take(*key)
    (part,) = workspace.scratch(total.shape, 1)
    np.copyto(total, constant)
    for linear, theta, _, factor in terms:
        apply_into(linear, theta, factor.value, part)
        total += part
    errors = [(s, factor.largest, factor.error) for _, _, s, factor in terms]
    errors.append((1.0, largest_entry(constant), 0.0))
    return Approximation.of(total, summed_error(errors, roundings))
