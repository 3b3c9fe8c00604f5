"""Block norms of the third derivative at the centre, with exact cancellation and Gram matrices of the data.

See `center_curvature` for the three terms. ``p_b`` is bounded, for the block b of a dense layer with data k, by the
least of the largest eigenvalues of Gram matrices of

    sqrt(F_ij) (Z_wb)_j (x) k_i       (all of it, for blocks of few parameters),
    sqrt(F_ij) |k_i| (Z_wb)_j         (data by their norms),
    max_j sqrt(F_ij) |Z_wb| k_i       (Jacobians by their norms),

where F_ij = |B_vj| ~h_v for sample i; for b = w the unit j stands alone: the largest over j of those of sqrt(F_ij) k_i.
The norms that the other two terms are made of are summed as in `hessian_alignment`.
Where v shares its parameters, F_ij = |M_v' B_vj|; where b does, the rows are sqrt(F_ij) (Z_wb M_b)_j.
"""

from __future__ import annotations

import numpy as np

from verify.arithmetic import upward
from verify.bounds.hessian_alignment import Alignment
from verify.bounds.majorant.center_curvature import Injections, MixedHessian
from verify.bounds.majorant.data import LayerData
from verify.bounds.majorant.frobenius_ball import FrobeniusBall, frobenius
from verify.bounds.majorant.grams import GramSum
from verify.bounds.majorant.state import MajorantState
from verify.bounds.majorant.structure import PathStructure
from verify.bounds.majorant.tensors import BlockNorms, skip_terms, symmetric_sum

LARGEST_PRODUCT = 600
LARGEST_GRAMS, LARGEST_ORDER = 2**27, 1500
"""Numbers in all Gram matrices together, and order of one; beyond, norms stand for the data."""
_INFLATION = 1.0 + 2.0**-40


class CenterThird:
    """Sums over the samples, chunk by chunk."""

    def __init__(self, graph: PathStructure) -> None:
        self.graph = graph
        self.products = np.zeros((graph.size,) * 3)
        self.skips = np.zeros((graph.size,) * 3)
        self.grams: dict[tuple[int, int, int, str], GramSum] = {}
        self.scalars: dict[tuple[int, int, int], float] = {}
        self._held = 0

    def add(
        self,
        pair: MixedHessian,
        norm: np.ndarray,
        state: MajorantState,
        injections: Injections,
        data: list[LayerData | None],
        alignment: Alignment,
    ) -> None:
        """Add one pair of vertices of one chunk; `norm` bounds the spectral norms of Q_vw."""
        v, w = pair.v, pair.w
        shared = self.graph.shared
        length = np.ones(len(norm)) if v in shared else state.injection[:, v]
        feed = state.by_parameters(state.fed, shared)[:, w] * _INFLATION
        products = upward.mul(upward.mul(norm, length)[:, None], feed)
        self.products[v, w] = upward.add(self.products[v, w], alignment.row(products, v))
        if not np.any(state.injection[:, v]):
            return
        force = upward.mul(pair.bent.column_norms(), length[:, None])
        reach = state.by_parameters(state.pre, shared)[:, w] * _INFLATION
        for b in range(w + 1):
            if not np.any(state.injection[:, b]):
                continue
            through = injections.jacobians.injected(w, b)
            if b in shared:
                if through is not None:
                    self._behind(v, w, b, force, through, reach[:, b], np.ones(len(norm)), None)
            elif b == w:
                self._own(v, w, force, state.injection[:, w], data[b])
            elif through is not None:
                spectral_norm = state.column_block(state.pre, 0)[:, w, b]
                self._behind(v, w, b, force, through, spectral_norm, state.injection[:, b], data[b])

    def add_skips(self, state: MajorantState, alignment: Alignment) -> None:
        """Add the terms of one chunk that have no cancellation."""
        norms = BlockNorms(state, self.graph)
        pull = upward.mul(state.column_block(state.adjoint, 0), _INFLATION)
        skips = np.zeros_like(self.skips)
        for w in range(self.graph.size):
            if self.graph.feeding[w]:
                pairs, cross = (upward.mul(pull[:, w, None, None], part) for part in norms.fed_parts(w))
                skips[w] = alignment.matrix(pairs, cross)
        whole = skip_terms(norms) * _INFLATION
        self.skips = upward.add(self.skips, np.minimum(skips, whole))

    def _scalar(self, key: tuple[int, int, int], values: np.ndarray) -> None:
        self.scalars[key] = float(upward.add(self.scalars.get(key, 0.0), upward.sum(values)))

    def _gram(self, key: tuple[int, int, int, str], count: int, size: int) -> GramSum:
        if key not in self.grams:
            self.grams[key] = GramSum(count, size)
            self._held += count * size * size
        return self.grams[key]

    def _fits(self, key: tuple[int, int, int, str], count: int, size: int) -> bool:
        """Whether the matrices stand already or there is room for them; what did not fit once never does."""
        return key in self.grams or (size <= LARGEST_ORDER and self._held + count * size * size <= LARGEST_GRAMS)

    def _own(self, v: int, w: int, force: np.ndarray, injection: np.ndarray, layer: LayerData | None) -> None:
        largest = force.max(axis=1)
        self._scalar((v, w, w), upward.mul(largest, injection, injection))
        if layer is None:
            return
        (samples, columns), units = layer.mid.shape, force.shape[1]
        if not self._fits((v, w, w, "data"), units, columns):
            return
        rows = (force[:, :, None] * layer.mid[:, None, :]).reshape(samples, units * columns)
        gram = (layer.mid.T @ rows).reshape(columns, units, columns).transpose(1, 0, 2)
        squares = upward.matmul(upward.mul(layer.size, layer.size)[None], force)[0]
        errors = upward.matmul(upward.mul(layer.error, layer.error)[None], force)[0]
        self._gram((v, w, w, "data"), units, columns).add(gram, squares, errors, samples + 4)

    def _behind(
        self,
        v: int,
        w: int,
        b: int,
        force: np.ndarray,
        through: FrobeniusBall,
        spectral_norm: np.ndarray,
        injection: np.ndarray,
        layer: LayerData | None,
    ) -> None:
        largest = force.max(axis=1)
        rows = through.row_norms()
        total = np.minimum(
            upward.sum(upward.mul(force, rows, rows), axis=1), upward.mul(largest, spectral_norm, spectral_norm)
        )
        self._scalar((v, w, b), upward.mul(total, injection, injection))
        samples, units, columns = len(force), *through.mid.shape[1:]
        root = np.sqrt(force)[:, :, None] * through.mid
        missing = upward.mul(largest, through.error, through.error)
        square = upward.mul(frobenius(root), frobenius(root))
        scaled = (root * injection[:, None, None]).reshape(samples * units, columns)
        if self._fits((v, w, b, "jacobian"), 1, columns):
            self._gram((v, w, b, "jacobian"), 1, columns).add(
                (scaled.T @ scaled)[None],
                _once(upward.mul(square, injection, injection)),
                _once(upward.mul(missing, injection, injection)),
                samples * units + 8,
            )
        if layer is None:
            return
        width = layer.mid.shape[1]
        if columns * width <= LARGEST_PRODUCT and self._fits((v, w, b, "product"), 1, columns * width):
            inner = root.swapaxes(1, 2) @ root
            outer = layer.mid[:, :, None] * layer.mid[:, None, :]
            product = inner.reshape(samples, -1).T @ outer.reshape(samples, -1)
            product = product.reshape(columns, columns, width, width).transpose(0, 2, 1, 3)
            off = upward.add(upward.mul(upward.sqrt(missing), layer.size), upward.mul(upward.sqrt(square), layer.error))
            self._gram((v, w, b, "product"), 1, columns * width).add(
                product.reshape(1, columns * width, columns * width),
                _once(upward.mul(square, layer.size, layer.size)),
                _once(upward.mul(off, off)),
                samples + units + 8,
            )
            return
        if not self._fits((v, w, b, "data"), 1, width):
            return
        weighted = layer.mid * total[:, None]
        self._gram((v, w, b, "data"), 1, width).add(
            (layer.mid.T @ weighted)[None],
            _once(upward.mul(total, layer.size, layer.size)),
            _once(upward.mul(total, layer.error, layer.error)),
            samples + 4,
        )

    def tensor(self) -> np.ndarray:
        """Block norms of the third derivative summed over the samples, (K, K, K)."""
        size = self.graph.size
        limits = dict(self.scalars)
        for (v, w, b, _), gram in self.grams.items():
            limits[v, w, b] = min(limits[v, w, b], float(gram.largest().max()))
        bends = np.zeros((size,) * 3)
        for v in range(size):
            for w in range(size):
                root = upward.sqrt(np.array([limits.get((v, w, b), 0.0) for b in range(size)]))
                bends[v] = upward.add(bends[v], upward.mul(root[:, None], root[None]))
        products = symmetric_sum(self.products) + symmetric_sum(self.products.transpose(0, 2, 1))
        return (symmetric_sum(bends) + symmetric_sum(self.skips) + products) * _INFLATION


def _once(values: np.ndarray) -> np.ndarray:
    return np.array([float(upward.sum(values))])
