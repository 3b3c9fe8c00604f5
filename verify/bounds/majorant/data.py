"""What a vertex's parameters multiply: for dense layers the exact map from parameters to pre-activations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verify.architecture import Dense
from verify.arithmetic import upward
from verify.bounds.hessian_center import Center

if TYPE_CHECKING:
    from verify.architecture import Architecture


@dataclass(frozen=True)
class LayerData:
    """Inputs of a dense layer, with 1 for the bias: z = W data.

    Parameters
    ----------
    mid : array, shape (n, k)
    error : array, shape (n,)
        Upper bounds of the Euclidean distance of the exact row.
    size : array, shape (n,)
        Upper bounds of the norm of the exact row.
    """

    mid: np.ndarray
    error: np.ndarray
    size: np.ndarray


def is_plain(architecture: Architecture, name: str) -> bool:
    """Whether every parameter of the vertex multiplies one datum in one unit: dense edges, unit bias."""
    edges = [edge for edge in architecture.in_edges(name) if edge.map.parameter_shape]
    return architecture.vertices[name].bias != "channel" and all(isinstance(edge.map, Dense) for edge in edges)


def layer_data(center: Center, name: str) -> LayerData:
    """Return the data of a plain vertex (at least one column if it has parameters)."""
    outputs = [
        center.state.outputs[edge.source] for edge in center.architecture.in_edges(name) if edge.map.parameter_shape
    ]
    columns = [output.mid for output in outputs]
    radii = [output.rad for output in outputs]
    if center.architecture.vertices[name].bias is not None:
        columns.append(np.ones((center.samples, 1)))
    mid = np.concatenate(columns, axis=1) if columns else np.zeros((center.samples, 0))
    error = upward.norm(np.concatenate(radii, axis=1), axis=1) if radii else np.zeros(center.samples)
    return LayerData(mid, error, upward.add(upward.norm(mid, axis=1), error))
