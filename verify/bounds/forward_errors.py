"""The forward pass in floating point with one bound of all rounding per vertex and derivative (`taylor_rounding`)."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.activations.symbols import X
from verify.bounds.activation_values import evaluated
from verify.bounds.factors import Factor
from verify.bounds.taylor_rounding import Approximation, enlarged, products, summed_error, summed_size
from verify.bounds.workspace import Workspace, applied, apply_into
from verify.calculus import passes
from verify.calculus.algebra import FLOAT

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from verify.architecture import Architecture, LinearMap, Vertex

Values = dict[str, list[Approximation]]
"""g, g', ... at every vertex's pre-activations; an input vertex has its columns of the data alone."""
Product = tuple["LinearMap", Factor, Approximation]
"""A linear map, its parameters, and what it is applied to."""


@dataclass(frozen=True)
class VertexWeights:
    """The parameters of a vertex's incoming edges, in their order, and its bias at every unit, None without one."""

    factors: list[Factor]
    bias: Approximation | None

    @classmethod
    def of(cls, architecture: Architecture, parts: passes.Parts, name: str) -> VertexWeights:
        """Return the weights of one vertex in float64."""
        edges = architecture.in_edges(name)
        factors = [Factor.of(e.map, parts[e.key] if e.map.parameter_shape else None) for e in edges]
        return cls(factors, spread_bias(architecture.vertices[name], parts))


def spread_bias(vertex: Vertex, parts: passes.Parts) -> Approximation | None:
    """Return the exact bias at every unit, None without one."""
    return None if vertex.bias is None else Approximation.of(passes.spread_bias(vertex, parts[vertex.name]), 0.0)


def all_weights(architecture: Architecture, parts: passes.Parts) -> dict[str, VertexWeights]:
    """Return the weights as `propagate` takes them."""
    return {name: VertexWeights.of(architecture, parts, name) for name in architecture.order}


def propagate(
    architecture: Architecture,
    weights: dict[str, VertexWeights],
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
    weights : dict
        What `all_weights` returns, the factors in the first of the formats.
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
        terms = [
            (edge.map, factor, values[edge.source][0])
            for factor, edge in zip(weights[name].factors, edges, strict=True)
        ]
        activation: Any = vertex.activation
        key = name if label is None else (name, label)
        place = ((key, "g0") if activation.expression == X else "z", (len(x), vertex.width), dtype)
        z = sum_of_products(terms, weights[name].bias, summation_roundings(edges), workspace, place)
        values[name] = evaluated(activation, z, order, workspace, key, formats)
    return values


def summation_roundings(edges: Any) -> int:
    """Upper bound of the roundings of a product on its way into a vertex's sum over its edges, two products an edge."""
    return max(products(edge.map) for edge in edges) + 2 * len(edges) + 4


def sum_of_products(
    terms: Sequence[Product],
    constant: Approximation | None,
    roundings: int,
    workspace: Workspace,
    place: tuple[Hashable, tuple[int, ...], DTypeLike],
) -> Approximation:
    """Return constant + the sum of A(theta) h over the terms, stored in the workspace as (key, shape, format).

    Only in float32, where it matters, is the largest entry looked up rather than bounded.
    """
    total = workspace.take(*place)
    dtype = total.dtype
    (part,) = workspace.scratch(total.shape, 1, dtype)
    if terms:
        linear, factor, h = terms[0]
        apply_into(linear, factor.values, h.value, total)
    else:
        total[...] = 0.0
    for linear, factor, h in terms[1:]:
        np.add(total, applied(linear, factor.values, h.value, part), out=total, casting="same_kind")
    errors = [factor.term(h) for _, factor, h in terms]
    if constant is not None:
        total += constant.value.astype(dtype, copy=False)
        errors.append((1.0, constant.largest, 0.0))
    error = summed_error(errors, roundings, dtype)
    if dtype == np.float32:
        return Approximation.of(total, error)
    return Approximation(total, enlarged(summed_size(errors) + error), error)


def in_format(a: Approximation, workspace: Workspace, key: Hashable, dtype: DTypeLike) -> Approximation:
    """Return the same numbers in a format, stored in the workspace under `key` where that changes anything."""
    return a if a.value.dtype == dtype else a.rounded_into(workspace.take(key, a.value.shape, dtype))
