"""What a vertex's parameters multiply: the map M_v from them to the pre-activations, z = M_v P_v + the rest.

For a dense layer M_v is the data, once for every unit. For vertices that share parameters among units it is formed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import upward
from verify.bounds.hessian_center import Center
from verify.bounds.majorant.frobenius_ball import FrobeniusBall, frobenius

if TYPE_CHECKING:
    from verify.architecture import Edge


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


def no_data(samples: int) -> LayerData:
    """Return a datum of 1: what a derivative by the parameters themselves multiplies."""
    return LayerData(np.ones((samples, 1)), np.zeros(samples), np.ones(samples))


def parameter_map(center: Center, name: str) -> FrobeniusBall:
    """Return M_v of every sample, (n, width, parameters): edge by edge, then the bias."""
    vertex = center.architecture.vertices[name]
    mids: list[np.ndarray] = []
    radii: list[np.ndarray] = []
    for edge in center.architecture.in_edges(name):
        if edge.map.parameter_shape:
            terms, h = edge.map.terms(), center.state.outputs[edge.source]
            for parts, values in ((mids, h.mid), (radii, h.rad)):
                placed = np.zeros((center.samples, vertex.width, edge.map.parameter_count))
                placed[:, terms.out, terms.parameter] = values[:, terms.input]
                parts.append(placed)
    if vertex.bias is not None:
        biases = vertex.width if vertex.bias == "unit" else vertex.shape[0]  # type: ignore[index]
        spread = np.repeat(np.eye(biases), vertex.width // biases, axis=0)
        mids.append(np.broadcast_to(spread, (center.samples, *spread.shape)))
    error = np.sqrt(sum(np.square(frobenius(part)) for part in radii)) if radii else np.zeros(center.samples)
    return FrobeniusBall(np.concatenate(mids, axis=2), error * (1.0 + 2.0**-30))


def adjoint_map(edge: Edge, adjoint: FrobeniusBall) -> FrobeniusBall:
    """Return the map from h to the parameters, ``(d A(theta) h / d theta)' delta``, (n, parameters, in).

    `adjoint` holds delta as columns, (n, out, 1).
    """
    terms = edge.map.terms()
    placed = np.zeros((len(adjoint.mid), edge.map.parameter_count, edge.map.in_width))
    placed[:, terms.parameter, terms.input] = adjoint.mid[:, terms.out, 0]
    return FrobeniusBall(placed, adjoint.error * np.sqrt(edge.map.parameter_count) * (1.0 + 2.0**-30))
