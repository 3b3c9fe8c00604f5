"""The forward pass in floating point with one bound of all rounding per vertex and derivative (`taylor_rounding`)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.bounds.activation_values import evaluated
from verify.bounds.factors import Factor
from verify.bounds.taylor_rounding import Approximation, largest_entry, products, summed_error
from verify.bounds.workspace import Workspace, apply_into
from verify.calculus import passes
from verify.calculus.algebra import FLOAT

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from verify.architecture import Architecture, LinearMap

Values = dict[str, list[Approximation]]
"""g, g', ... at every vertex's pre-activations; an input vertex has its columns of the data alone."""
Product = tuple["LinearMap", Factor, Approximation]
"""A linear map, its parameters, and what it is applied to."""
Factors = dict[str, list[Factor]]
"""The parameters of every vertex's incoming edges, in their order."""


def weight_factors(architecture: Architecture, parts: passes.Parts) -> Factors:
    """Return the weights as `propagate` takes them."""
    return {
        name: [
            Factor.of(edge.map, parts[edge.key] if edge.map.parameter_shape else None)
            for edge in architecture.in_edges(name)
        ]
        for name in architecture.order
    }


def propagate(
    architecture: Architecture,
    parts: passes.Parts,
    factors: Factors,
    x: np.ndarray,
    order: int,
    workspace: Workspace,
    label: int | None = None,
    formats: Sequence[DTypeLike] | None = None,
) -> Values:
    """Propagate samples x (n, input dimension) and keep the derivatives up to `order` at every vertex.

    Parameters
    ----------
    architecture : Architecture
    parts : mapping
        Weights, as `Architecture.unflatten` gives them.
    factors : dict
        What `weight_factors` says of them, in the first of the formats.
    x : array, shape (n, input dimension)
    order : int
    workspace : Workspace
        Owns the arrays of the result.
    label : int, optional
        Results under different labels do not overwrite each other.
    formats : sequence of data types, optional
        Of g, g', ...; float64 by default.
    """
    columns = passes.input_outputs(FLOAT, architecture, x)
    dtype = np.dtype(np.float64 if formats is None else formats[0])
    values: Values = {
        name: [in_format(Approximation.of(part, 0.0), workspace, (name, "h"), dtype)] for name, part in columns.items()
    }
    for name in architecture.order:
        vertex = architecture.vertices[name]
        edges = architecture.in_edges(name)
        bias = np.zeros(1) if vertex.bias is None else passes.spread_bias(vertex, parts[name])
        terms = [(edge.map, factor, values[edge.source][0]) for factor, edge in zip(factors[name], edges, strict=True)]
        z = sum_of_products(terms, bias, summation_roundings(edges), workspace, ("z", (len(x), vertex.width), dtype))
        activation: Any = vertex.activation
        values[name] = evaluated(activation, z, order, workspace, name if label is None else (name, label), formats)
    return values


def summation_roundings(edges: Any) -> int:
    """Upper bound of the roundings of a product on its way into a vertex's sum over its edges, two products an edge."""
    return max(products(edge.map) for edge in edges) + 2 * len(edges) + 4


def sum_of_products(
    terms: Sequence[Product],
    constant: np.ndarray,
    roundings: int,
    workspace: Workspace,
    place: tuple[str, tuple[int, ...], DTypeLike],
) -> Approximation:
    """Return constant + the sum of A(theta) h over the terms, stored in the workspace as (key, shape, format)."""
    total = workspace.take(*place)
    (part,) = workspace.scratch(total.shape, 1, total.dtype)
    np.copyto(total, constant, casting="same_kind")
    for linear, factor, h in terms:
        apply_into(linear, factor.values, h.value, part)
        total += part
    errors = [factor.term(h) for _, factor, h in terms]
    errors.append((1.0, largest_entry(constant), 0.0))
    return Approximation.of(total, summed_error(errors, roundings, total.dtype))


def in_format(a: Approximation, workspace: Workspace, key: Hashable, dtype: DTypeLike) -> Approximation:
    """Return the same numbers in a format, stored in the workspace under `key` where that changes anything."""
    return a if a.value.dtype == dtype else a.rounded_into(workspace.take(key, a.value.shape, dtype))
