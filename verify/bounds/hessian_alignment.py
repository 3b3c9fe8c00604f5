"""Sums over the samples of what depends on a block through its data: samples whose data differ do not add up.

The data x of a dense vertex a, with 1 for the bias, carry its parameters: P_a moves the pre-activations by P_a x. Norm
products replace |P_a x_i| by |P_a| |x_i|, as if one P_a suited every sample. But for tau_i >= 0 and |x_i| <= l_i,

    sum over i of tau_i (|P_a x_i| / l_i)^2 <= |P_a|^2 top_a,  top_a = lambda_max(sum of tau_i x_i x_i' / l_i^2),

as the left side is the trace of P_a C P_a' with the matrix C in brackets. By Cauchy-Schwarz a sum of
tau_i |P_a x_i| / l_i |Q_b y_i| / l'_i is at most sqrt(top_a top_b) |P_a| |Q_b|, where top_b is the sum of the tau_i if
nothing is known of b: theorem `aligned_data`. Where only x_i^0 with |x_i - x_i^0| <= e_i is known, the triangle
inequality gives ``sqrt(top) <= sqrt(top^0) + sqrt(sum of tau_i e_i^2 / l_i^2)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic import spectral, upward
from verify.arithmetic.rounding import gamma
from verify.bounds.majorant.data import LayerData, layer_data
from verify.bounds.majorant.structure import is_plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from verify.bounds.hessian_center import Center

LARGEST_OUTER = 2**24
"""Products of two data, of all samples of a chunk, that are held for one block."""

_DOWN = 1.0 - 2.0**-36
"""Two computed bounds of one length differ by less, and so does a square of it from the exact one."""

_SHORTEST, _UNDERFLOW = 1e-200, 1e-110
"""Squared lengths from here on divide sizes; products of data that underflow then lose less than this part of them."""

_MOST_WORK = 2**26


class AlignedData:
    """The data of one block for n samples.

    Parameters
    ----------
    layer : LayerData
    deviation : array, shape (n,)
        Upper bounds of the distance of the data from those of the layer.
    """

    def __init__(self, layer: LayerData, deviation: np.ndarray) -> None:
        self.mid = layer.mid
        self.error = upward.add(layer.error, deviation)

    @cached_property
    def _outer(self) -> np.ndarray:
        return (self.mid[:, :, None] * self.mid[:, None, :]).reshape(len(self.mid), -1)

    @cached_property
    def _squares(self) -> np.ndarray:
        """Upper bounds of the squared norms of `mid`, (n,)."""
        norms = upward.norm(self.mid, axis=1)
        return upward.mul(norms, norms)

    def top(self, sizes: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Return upper bounds of ``top`` for tau_i = sizes[i] and l_i = lengths[i], at most the sums of the sizes.

        Parameters
        ----------
        sizes : array, shape (n, m)
            m families of numbers >= 0.
        lengths : array, shape (n,)

        Returns
        -------
        array, shape (m,)
        """
        total = upward.sum(sizes, axis=0)
        shortest = (lengths * lengths * _DOWN)[:, None]
        is_long = shortest >= _SHORTEST
        known = is_long | (sizes == 0)
        weights = np.where(known & (sizes > 0), upward.div(sizes, np.where(is_long, shortest, 1.0)), 0.0)
        usable = np.all(known & np.isfinite(weights), axis=0) & np.isfinite(total) & (total > 0)
        if not np.any(usable):
            return total
        weights, samples, columns = weights[:, usable], *self.mid.shape
        rounding = upward.mul(upward.matmul(weights.T, self._squares), gamma(samples + 8))
        missing = upward.sqrt(upward.matmul(weights.T, upward.mul(self.error, self.error)))
        largest = []
        at_once = max(1, _MOST_WORK // columns**3)
        for start in range(0, weights.shape[1], at_once):
            part = slice(start, start + at_once)
            grams = (weights[:, part].T @ self._outer).reshape(-1, columns, columns)
            grams = 0.5 * (grams + grams.swapaxes(1, 2))
            error = upward.add(rounding[part], upward.mul(total[usable][part], _UNDERFLOW))
            largest.append(spectral.largest_eigenvalue_upper(grams, np.where(np.isfinite(error), error, 0.0)))
            largest[-1] = np.where(np.isfinite(error), largest[-1], np.inf)
        root = upward.add(upward.sqrt(np.maximum(np.concatenate(largest), 0.0)), missing)
        result = total.copy()
        result[usable] = np.fmin(total[usable], upward.mul(root, root))
        return result


def aligned_data(
    center: Center, names: Sequence[str], deviation: Mapping[str, np.ndarray] | None = None
) -> dict[int, AlignedData]:
    """Return the data of the blocks that have some, few enough for their products to be held, by number.

    Parameters
    ----------
    center : Center
    names : sequence of str
        The vertices of the blocks.
    deviation : mapping of str to array, shape (n,), optional
        Upper bounds of the distances of h_u from the centre, for every vertex u. Without them only those blocks are
        returned whose data are inputs, which do not move.
    """
    found = {}
    for index, name in enumerate(names):
        edges = [edge for edge in center.architecture.in_edges(name) if edge.map.parameter_shape]
        moves = [edge.source for edge in edges if edge.source not in center.architecture.inputs]
        if not edges or not is_plain(center.architecture, name) or (moves and deviation is None):
            continue
        layer = layer_data(center, name)
        if center.samples * layer.mid.shape[1] ** 2 <= LARGEST_OUTER:
            ends = [deviation[source] for source in moves] if deviation is not None else []
            far = upward.norm(np.stack(ends), axis=0) if ends else np.zeros(center.samples)
            found[index] = AlignedData(layer, far)
    return found


@dataclass(frozen=True)
class Alignment:
    """What is known of the data of some of K blocks, for n samples.

    Parameters
    ----------
    data : dict of int to AlignedData
    lengths : array, shape (n, K)
        The numbers l_i of every block: what stands for |x_i| in the products that are summed.
    """

    data: dict[int, AlignedData]
    lengths: np.ndarray

    def tops(self, sizes: np.ndarray, block: int) -> np.ndarray:
        """Return top of a block for families of sizes, (n, ...) to (...); their sums if its data are not known."""
        if block not in self.data:
            return upward.sum(sizes, axis=0)
        flat = sizes.reshape(len(sizes), -1)
        return self.data[block].top(flat, self.lengths[:, block]).reshape(sizes.shape[1:])

    def row(self, sizes: np.ndarray, a: int) -> np.ndarray:
        """Return sums over the samples, (K,), of forms that depend on a and block b through their data, (n, K)."""
        own = self.tops(sizes, a)
        other = np.stack([self.tops(sizes[:, b], b) for b in range(sizes.shape[1])])
        return np.minimum(_mean(own, other), upward.sum(sizes, axis=0))

    def matrix(self, pairs: np.ndarray, cross: np.ndarray) -> np.ndarray:
        """Return block norms of a symmetric form, summed over the samples, (K, K).

        Parameters
        ----------
        pairs : array, shape (n, K, K)
            Of forms that depend on either block through its data; symmetric.
        cross : array, shape (n, K, K)
            Of forms that depend on the second block through its data, on the first one in any way.
        """
        size = pairs.shape[1]
        own = np.stack([self.tops(pairs[:, a], a) for a in range(size)])
        single = np.stack([self.tops(cross[:, :, b], b) for b in range(size)], axis=1)
        single = _mean(single, upward.sum(cross, axis=0))
        return upward.add(_mean(own, own.T), single, single.T)

    def tensor(self, tensor: np.ndarray, slices: Mapping[int, np.ndarray]) -> np.ndarray:
        """Lower block norms of a symmetric form of three blocks, summed over the samples, (K, K, K).

        Parameters
        ----------
        tensor : array, shape (K, K, K)
        slices : mapping of int to array, shape (n, K, K)
            Slice a of every sample, for blocks on which the form depends through their data alone.
        """
        lowered = tensor.copy()
        for a, part in slices.items():
            own, other = self.tops(part, a), upward.sum(part, axis=0)
            for b in slices:
                other[b] = np.minimum(other[b], self.tops(part[:, b], b))
            bound = _mean(own, np.minimum(other, other.T))
            bound[a], bound[:, a] = np.minimum(bound[a], own[a]), np.minimum(bound[:, a], own[:, a])
            for placed in (lowered[a], lowered[:, a], lowered[:, :, a]):
                np.minimum(placed, bound, out=placed)
        return lowered


def _mean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Upper bounds of the geometric means."""
    return upward.mul(upward.sqrt(a), upward.sqrt(b))
