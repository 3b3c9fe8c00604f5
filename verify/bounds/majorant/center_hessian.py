"""A proved bound of ||Hess E|| at the centre, weight decay left out.

`BlockHessian` sums block norms of Q_vw (see `center_curvature`) for every network. `DenseHessian` sums the matrix
itself, parameters ordered by vertex, unit and datum, with an error in the spectral norm; a vertex that shares its
parameters has these in place of units, and one datum, 1.
A small matrix goes to `spectral.eigenvalue_upper`, a large one to `deflation`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verify.arithmetic import spectral, upward
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rounding import gamma
from verify.bounds.hessian_blocks import largest_curvature
from verify.bounds.hessian_center import Center
from verify.bounds.majorant.center_curvature import MixedHessian
from verify.bounds.majorant.center_state import CenterJacobians
from verify.bounds.majorant.data import LayerData, adjoint_map
from verify.bounds.majorant.deflation import deflated_norm
from verify.bounds.majorant.frobenius_ball import FrobeniusBall
from verify.bounds.majorant.state import MajorantState
from verify.bounds.majorant.structure import PathStructure

LARGEST_FACTORED = 1000
LARGEST_DENSE = 8000
_SPARE = 64


class BlockHessian:
    """Block norms of the Hessian at the centre, summed over the samples."""

    def __init__(self, graph: PathStructure) -> None:
        self.matrix = np.zeros((graph.size, graph.size))

    def add_pair(self, pair: MixedHessian, norm: np.ndarray, state: MajorantState, graph: PathStructure) -> None:
        """Add the part of Q_vw of one chunk, `norm` bounding the spectral norms of ``pair.both``."""
        lengths = [state.injection[:, v] for v in (pair.v, pair.w) if v not in graph.shared]
        total = upward.sum(upward.mul(norm, *lengths))
        self.matrix[pair.v, pair.w] = upward.add(self.matrix[pair.v, pair.w], total)

    def add_skips(self, state: MajorantState, graph: PathStructure) -> None:
        """Add the products of two parameters of one chunk."""
        feeds = state.by_parameters(state.fed, graph.shared) * (1.0 + 2.0**-40)
        for w in range(len(self.matrix)):
            cross = np.zeros_like(self.matrix)
            cross[w] = upward.matmul(state.adjoint[None, :, w], feeds[:, w])[0]
            self.matrix = upward.add(self.matrix, cross, cross.T)

    def bound(self) -> float:
        """Upper bound of the norm of the summed Hessian."""
        return largest_curvature(np.maximum(self.matrix, self.matrix.T))


@dataclass(frozen=True)
class SummedHessian:
    """The Hessian summed over the samples, without weight decay.

    Parameters
    ----------
    matrix : array, shape (P, P)
        Symmetric; parameters ordered by vertex, unit and datum.
    error : float
        Upper bound of the spectral norm of the exact Hessian minus the matrix; infinite where one is not finite.
    """

    matrix: np.ndarray
    error: float

    def norm_bound(self) -> float:
        """Upper bound of the norm."""
        if not np.isfinite(self.error):
            return float("inf")
        if len(self.matrix) <= LARGEST_FACTORED:
            return float(spectral.eigenvalue_upper(self.matrix, self.error))
        return float(upward.add(deflated_norm(self.matrix), self.error))

    def eigenvalue_bounds(self) -> tuple[float, float]:
        """Lower bound of the smallest eigenvalue, upper bound of the largest; infinite where nothing is known."""
        if not np.isfinite(self.error):
            return -np.inf, np.inf
        lower, upper = spectral.eigenvalue_bounds(self.matrix, self.error)
        return float(lower), float(upper)


class DenseHessian:
    """The Hessian at the centre, summed over the samples.

    Parameters
    ----------
    widths, columns : list of int
        For each vertex, its units and the data that each unit multiplies; or its parameters, and 1.
    samples : int
        All samples that are to be added.
    """

    def __init__(self, widths: list[int], columns: list[int], samples: int) -> None:
        self.widths = widths
        self.columns = columns
        self.blocks: dict[tuple[int, int], np.ndarray] = {}
        self.error = np.zeros((len(widths), len(widths)))
        self.rounding = float(gamma(2 * samples + _SPARE))

    def _add(self, v: int, w: int, product: np.ndarray, error: np.ndarray) -> None:
        """Add to block (v, w), v <= w, whose axes are unit and datum of v, unit and datum of w."""
        block = self._block(v, w, error)
        block += product

    def _block(self, v: int, w: int, error: np.ndarray) -> np.ndarray:
        """Return block (v, w), to which something is to be added that is off by so much for each sample."""
        self.error[v, w] = self.error[w, v] = upward.add(self.error[v, w], upward.sum(error))
        if (v, w) not in self.blocks:
            self.blocks[v, w] = np.zeros((self.widths[v], self.columns[v], self.widths[w], self.columns[w]))
        return self.blocks[v, w]

    def add_pair(self, pair: MixedHessian, data: list[LayerData]) -> None:
        """Add the part of Q_vw of one chunk, v <= w."""
        v, w = pair.v, pair.w
        left, right = data[v], data[w]
        size, both = pair.both.size, upward.mul(left.size, right.size)
        data_error = upward.add(upward.mul(left.error, right.size), upward.mul(left.size, right.error))
        error = upward.add(
            upward.mul(pair.both.error, both), upward.mul(size, data_error), upward.mul(size, both, self.rounding)
        )
        samples = len(left.mid)
        if v == w and (diagonal := pair.both.diagonal()) is not None:
            weighted = (diagonal[:, :, None] * right.mid[:, None, :]).reshape(samples, -1)
            grams = (left.mid.T @ weighted).reshape(self.columns[v], self.widths[v], self.columns[v])
            units = np.arange(self.widths[v])
            self._block(v, w, error)[units, :, units, :] += grams.transpose(1, 0, 2)
            return
        outer = (left.mid[:, :, None] * right.mid[:, None, :]).reshape(samples, -1)
        product = pair.both.mid.reshape(samples, -1).T @ outer
        shape = (self.widths[v], self.widths[w], self.columns[v], self.columns[w])
        self._add(v, w, product.reshape(shape).transpose(0, 2, 1, 3), error)

    def add_skips(
        self, center: Center, jacobians: CenterJacobians, data: list[LayerData], graph: PathStructure
    ) -> None:
        """Add <dE/dz_w, A_w(P_w) dh_in(w)[Q]> of one chunk."""
        for w in range(graph.size):
            read = graph.places[w]
            if w in graph.shared:  # `_shared_products` takes all edges from u
                read = tuple(dict.fromkeys((u, 0) for u, _ in read))
            for u, start in read:
                for b in range(u + 1):
                    if (u, b) not in jacobians.out or not self.columns[b]:
                        continue
                    by_b = jacobians.along(jacobians.out[u, b], b)
                    if w in graph.shared:
                        self._add_shared_skip(w, b, _shared_products(center, jacobians, graph, w, u, by_b), data[b])
                    else:
                        self._add_skip(w, start, b, jacobians.inner[w], by_b, data[b])

    def _add_skip(self, w: int, start: int, b: int, adjoint: Interval, by_b: FrobeniusBall, layer: LayerData) -> None:
        read = by_b.mid.shape[1]
        off = upward.norm(adjoint.rad, axis=1)
        pull = upward.add(upward.norm(adjoint.mid, axis=1), off)
        error = upward.add(
            upward.mul(off, by_b.size, layer.size),
            upward.mul(pull, by_b.error, layer.size),
            upward.mul(pull, by_b.size, layer.error),
            upward.mul(pull, by_b.size, layer.size, self.rounding),
        )
        block = self._block(b, w, error)
        samples = len(layer.mid)
        weighted = (adjoint.mid[:, :, None] * layer.mid[:, None, :]).reshape(samples, -1)
        product = weighted.T @ np.broadcast_to(by_b.mid, (samples, *by_b.mid.shape[1:])).reshape(samples, -1)
        shape = (self.widths[w], self.columns[b], read, self.widths[b])
        block[:, :, :, start : start + read] += product.reshape(shape).transpose(3, 1, 0, 2)

    def _add_shared_skip(self, w: int, b: int, products: dict[int, FrobeniusBall], layer: LayerData) -> None:
        """Add products (n, some parameters of w, coordinates of b), by where the parameters start."""
        placed = np.zeros((self.widths[b], self.columns[b], self.widths[w], 1))
        error = np.zeros(len(layer.mid))
        for start, product in products.items():
            count = product.mid.shape[1]
            total = product.mid.reshape(len(product.mid), -1).T @ layer.mid
            shape = (count, self.widths[b], self.columns[b])
            placed[:, :, start : start + count, 0] += total.reshape(shape).transpose(1, 2, 0)
            error = upward.add(
                error,
                upward.mul(product.error, layer.size),
                upward.mul(product.size, layer.error),
                upward.mul(product.size, layer.size, self.rounding),
            )
        self._add(b, w, placed, error)

    def assembled(self) -> SummedHessian:
        """Return the matrix, and forget its blocks."""
        sizes = [a * b for a, b in zip(self.widths, self.columns, strict=True)]
        ends = np.concatenate([[0], np.cumsum(sizes)])
        matrix = np.zeros((ends[-1], ends[-1]))
        for (v, w), block in self.blocks.items():
            flat = block.reshape(sizes[v], sizes[w])
            matrix[ends[v] : ends[v + 1], ends[w] : ends[w + 1]] = flat
            if v == w:
                flat = 0.5 * (flat + flat.T)
                matrix[ends[v] : ends[v + 1], ends[w] : ends[w + 1]] = flat
            else:
                matrix[ends[w] : ends[w + 1], ends[v] : ends[v + 1]] = flat.T
        self.blocks.clear()
        is_finite = np.all(np.isfinite(self.error)) and np.all(np.isfinite(matrix))
        return SummedHessian(matrix, float(spectral.perron_upper(self.error)) if is_finite else float("inf"))


def _shared_products(
    center: Center, jacobians: CenterJacobians, graph: PathStructure, w: int, u: int, by_b: FrobeniusBall
) -> dict[int, FrobeniusBall]:
    """Derivatives of the gradient in the parameters through which w reads u, by the coordinates of b."""
    inner = jacobians.inner[w]
    adjoint = FrobeniusBall.of(inner.reshape(*inner.shape, 1))
    found, start = {}, 0
    for edge in center.architecture.in_edges(graph.names[w]):
        if edge.map.parameter_shape:
            if edge.source == graph.names[u]:
                found[start] = adjoint_map(edge, adjoint) @ by_b
            start += edge.map.parameter_count
    return found
