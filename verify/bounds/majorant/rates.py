"""How fast the majorants can grow along a unit direction in weight space.

Let P be the direction, p_u >= |P_u| bounds of its blocks, z_u = sum_b |Z_ub| ~h_b p_b >= |dz_u[P]| and
r_u = sum_b row_ub ~h_b p_b >= max_j |dz_uj[P]|. From ``|M (a * b)| <= (largest column of M) |a| |b|`` and

    d J_wv = sum over u of J_wu dA_u J_in(u),v + K_wu diag(g_u'' dz_u) Z_uv

follow, with the last term of a line only for a >= 2 and r_u instead of z_u for u = w,

    |dJ_wv|     <= sum_u |J_wu| p_u fed_uv   + |K_wu|_2 z_u |Z_uv|
    |dK_wv|_a   <= sum_u |J_wu| p_u fed_uv,a + |K_wu|_2 z_u |Y_uv|_a + |K_wv|_(a+1) r_v
    |d dE/dz_v| <= sum_u |dE/dz_u| p_u fed_uv   + bend_u z_u |Z_uv|
    d max|a_v|  <= sum_u |dE/dz_u| p_u fed_uv,1 + bend_u z_u |Y_uv|_1
    d bend_v    <= the same for a = 2 + twist_v r_v

and the like for Z, Y, rows and twist; beyond the third derivative stand the suprema of |g''''| and |phi''''|. All are
linear forms in p with nonnegative coefficients. A direction matrix B (K, q) turns them into bounds: its columns are
block bounds p, and a rate is the Euclidean norm of the q values. One column p bounds every P with |P_b| <= p_b; the
identity bounds every P with |P| <= 1, by Cauchy-Schwarz.

Everything is computed in float64 on entries that are 0 or in [2**-80, 2**80]: no product of at most six of them, nor
the square of one of five, under- or overflows, so each result has a relative error of at most ``(1 + 2**-53)**d`` for d
roundings on a path, d <= 12 K + 40 <= 4000. The factor ``1 + 2**-40`` covers that and its own rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verify.bounds.majorant.state import LARGEST, MajorantState, combine
from verify.bounds.majorant.structure import PathStructure

MOST_VERTICES = 300
_INFLATION = 1.0 + 2.0**-40


@dataclass(frozen=True)
class Fourth:
    """Suprema of |g_v''''| and, for output vertices, of |phi_v''''|, (n, K) each."""

    activation: np.ndarray
    loss: np.ndarray

    def is_moderate(self) -> bool:
        """As for a state."""
        return bool(np.all(self.activation <= LARGEST) and np.all(self.loss <= LARGEST))


def growth(state: MajorantState, fourth: Fourth, directions: np.ndarray, graph: PathStructure) -> MajorantState:
    """Return bounds of the derivatives of all majorants along a direction.

    Parameters
    ----------
    state : MajorantState
    fourth : Fourth
    directions : array, shape (K, q)
        The matrix B.
    graph : PathStructure
    """
    size, shared = graph.size, list(graph.shared)
    reach = state.by_parameters(state.pre, graph.shared) @ directions
    preactivation = np.swapaxes(reach, 1, 2)  # z: (n, q, K)
    largest = np.swapaxes(state.by_parameters(state.row, graph.shared) @ directions, 1, 2)  # r: (n, q, K)
    bent_out = state.column_block(state.out, 2)[:, :, None, :] * preactivation[:, None]
    every = np.arange(size)
    bent_diagonal = state.column_block(state.out, 2)[:, every, every][:, None] * largest
    bent_out[:, every, :, every] = bent_diagonal.transpose(2, 0, 1)
    bent_pre = state.column_block(state.pre, 2)[:, :, None, :] * preactivation[:, None]
    bent_adjoint = state.column_block(state.adjoint, 2)[:, None, None, :] * preactivation[:, None]

    along = directions.T[None, None]
    left = np.concatenate(
        [
            _joined(bent_out, state.column_block(state.out, 0), along),
            _joined(bent_pre, state.column_block(state.pre, 0), along),
            _joined(bent_pre, state.column_block(state.row, 0), along),
            _joined(bent_adjoint, state.column_block(state.adjoint, 0)[:, None], along),
        ],
        axis=1,
    )
    samples, rows, columns, depth = left.shape
    right = np.concatenate([state.pre, state.fed], axis=1)
    product = (left.reshape(samples, rows * columns, depth) @ right).reshape(samples, rows, columns, -1)
    out, pre, row, adjoint = np.split(product, [size, 2 * size, 3 * size], axis=1)
    adjoint = adjoint[..., : 4 * size]
    row = np.concatenate([row[..., :size], row[..., 4 * size :]], axis=-1)

    moved = np.tile(largest, 2)[:, None]
    beyond = fourth.activation[:, None]
    weighted = slice(2 * size, 4 * size)
    for rate, array in ((out, state.out), (pre, state.pre)):
        rate[..., weighted] += _next_derivative(array, beyond, size)[:, :, None, :] * moved
    twist = _next_derivative(state.adjoint, fourth.activation, size)
    twist[:, size:] += fourth.loss
    adjoint[..., 2 * size :] += twist[:, None, None, :] * moved
    injection = state.by_parameters(state.fed, graph.shared) @ directions
    if shared:
        turned = np.swapaxes(injection[:, shared], 1, 2)[:, None]
        for rate, array in ((out, state.out), (pre, state.pre), (row, state.row)):
            rate[..., -len(shared) :] += state.column_block(array, 0)[:, :, None, shared] * turned

    out = _length(out, 2)
    rates = MajorantState(
        out=out,
        pre=_length(pre, 2),
        fed=np.sqrt(np.square(out).transpose(0, 2, 1) @ graph.overlap_squares.T).transpose(0, 2, 1),
        row=_length(row, 2),
        adjoint=_length(adjoint, 2)[:, 0],
        injection=_length(injection, 2),
    )
    return combine(lambda rate: rate * _INFLATION, rates)


def _joined(bent: np.ndarray, through: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Coefficients of the two sums over u, side by side: (n, rows, q, 2 K)."""
    return np.concatenate([bent, through[:, :, None, :] * along], axis=-1)


def _next_derivative(array: np.ndarray, fourth: np.ndarray, size: int) -> np.ndarray:
    """Blocks of columns a = 2, 3 with one more derivative of g: those of a = 3 and 4."""
    first, third = array[..., size : 2 * size], array[..., 3 * size : 4 * size]
    return np.concatenate([third, fourth * first], axis=-1)


def _length(array: np.ndarray, axis: int) -> np.ndarray:
    if array.shape[axis] == 1:
        return array.take(0, axis=axis)
    return np.sqrt(np.square(array).sum(axis=axis))
