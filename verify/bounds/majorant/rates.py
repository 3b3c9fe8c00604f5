"""How fast the majorants can grow along a unit direction in weight space.

Let P be the direction, p_u >= |P_u| bounds of its blocks, z_u = sum_b |Z_ub| ~h_b p_b >= |dz_u[P]| and
r_u = sum_b row_ub ~h_b p_b >= max_j |dz_uj[P]|. From d J_wv = sum over u of J_wu dA_u J_in(u),v + K_wu diag(g_u'' dz_u) Z_uv
and ``|M (a * b)| <= (largest column of M) |a| |b|``,

    |dJ_wv|    <= sum_u |J_wu| p_u fed_uv + |K_wu|_2 z_u |Z_uv|                  (r_u instead of z_u for u = w)
    |dK_wv|_a  <= sum_u |J_wu| p_u fed_uv,a + |K_wu|_2 z_u |Y_uv|_a + |K_wv|_(a+1) r_v      (the last for a >= 2)
    |d dE/dz_v| <= |J_out,v| |dh_out| + sum_u |dE/dz_u| p_u fed_uv + max|dE/dh_u g_u''| z_u |Z_uv|

and the like for Z, Y, rows and m. Beyond the third derivative stands the supremum of |g''''|. All are linear forms in p
with nonnegative coefficients. A direction matrix B (K, q) turns them into bounds: its columns are block bounds p, and a
rate is the Euclidean norm of the q values. One column p bounds every P with |P_b| <= p_b; the identity bounds every P
with |P| <= 1, by Cauchy-Schwarz.

Everything is computed in float64 on entries that are 0 or in [2**-80, 2**80]: no product of at most six of them, nor
the square of one of five, under- or overflows, so each result has a relative error of at most ``(1 + 2**-53)**d`` for d
roundings on a path, d <= 12 K + 40 <= 4000. The factor ``1 + 2**-40`` covers that and its own rounding.
"""

from __future__ import annotations

import numpy as np

from verify.bounds.majorant.state import State, combine
from verify.bounds.majorant.structure import Structure

MOST_VERTICES = 300
_INFLATION = 1.0 + 2.0**-40


def growth(state: State, fourth: np.ndarray, directions: np.ndarray, graph: Structure) -> State:
    """Return bounds of the derivatives of all majorants along a direction.

    Parameters
    ----------
    state : State
    fourth : array, shape (n, K)
        Suprema of |g_v''''|.
    directions : array, shape (K, q)
        The matrix B.
    graph : Structure
    """
    size = graph.size
    blocks = state.injection[:, :, None] * directions
    preactivation = np.swapaxes(state.column_block(state.pre, 0) @ blocks, 1, 2)  # z: (n, q, K)
    largest = np.swapaxes(state.row @ blocks, 1, 2)  # r: (n, q, K)
    stacked = state.column_block(state.fed, 0) @ blocks  # (n, K, q)
    output = (state.column_block(state.out, 0)[:, size:] @ blocks)[:, 0]  # |dh_out|: (n, q)

    bent_out = state.column_block(state.out, 2)[:, :, None, :] * preactivation[:, None]
    every = np.arange(size)
    bent_diagonal = state.column_block(state.out, 2)[:, every, every][:, None] * largest
    bent_out[:, every, :, every] = bent_diagonal.transpose(2, 0, 1)
    last = graph.single_output
    if last is not None:
        bent_out[:, size, :, last] = bent_out[:, last, :, last]
    bent_pre = state.column_block(state.pre, 2)[:, :, None, :] * preactivation[:, None]
    bent_adjoint = state.column_block(state.adjoint, 2)[:, None, None, :] * preactivation[:, None]

    along = directions.T[None, None]
    left = np.concatenate(
        [
            np.concatenate([bent_out, state.column_block(state.out, 0)[:, :, None, :] * along], axis=-1),
            np.concatenate([bent_pre, state.column_block(state.pre, 0)[:, :, None, :] * along], axis=-1),
            np.concatenate([bent_pre, state.row[:, :, None, :] * along], axis=-1),
            np.concatenate([bent_adjoint, state.column_block(state.adjoint, 0)[:, None, None, :] * along], axis=-1),
        ],
        axis=1,
    )
    samples, rows, columns, depth = left.shape
    right = np.concatenate([state.pre, state.fed], axis=1)
    product = (left.reshape(samples, rows * columns, depth) @ right).reshape(samples, rows, columns, -1)
    out, pre, row, adjoint = np.split(product, [size + 1, 2 * size + 1, 3 * size + 1], axis=1)

    moved = np.tile(largest, 2)[:, None]
    for rate, array in ((out, state.out), (pre, state.pre), (adjoint, state.adjoint[:, None])):
        rate[..., 2 * size :] += _next_derivative(array, fourth[:, None], size)[:, :, None, :] * moved
    adjoint += state.out[:, size, None, None, :] * output[:, None, :, None]

    out = _length(out, 2)
    rates = State(
        out=out,
        pre=_length(pre, 2),
        fed=np.sqrt(np.square(out[:, :size]).transpose(0, 2, 1) @ graph.overlap_squares.T).transpose(0, 2, 1),
        row=_length(row[..., :size], 2),
        adjoint=_length(adjoint, 2)[:, 0],
        injection=_length(stacked, 2),
        error=_length(output, 1),
    )
    return combine(lambda rate: rate * _INFLATION, rates)


def _next_derivative(array: np.ndarray, fourth: np.ndarray, size: int) -> np.ndarray:
    """Blocks of columns a = 2, 3 with one more derivative of g: those of a = 3 and 4."""
    first, third = array[..., size : 2 * size], array[..., 3 * size :]
    return np.concatenate([third, fourth * first], axis=-1)


def _length(array: np.ndarray, axis: int) -> np.ndarray:
    if array.shape[axis] == 1:
        return array.take(0, axis=axis)
    return np.sqrt(np.square(array).sum(axis=axis))
