"""The matrix of block norms of the Hessian, from norms of a sample's derivatives.

For one sample, with dz_w[P] the derivative of z_w along P, delta_w the adjoint of z_w and bend_w as in `hessian_sweep`,

    E''[P, Q] = sum over w of <bend_w * dz_w[P], dz_w[Q]>
                + sum over w of <delta_w, A_w(P_w) dh_in(w)[Q] + A_w(Q_w) dh_in(w)[P]>.

So nonnegative numbers with ``|dz_w[P]| <= reach_w . |P|``, ``|A_w(P_w) dh_in(w)[Q]| <= |P_w| (feed_w . |Q|)``,
``bend_w >= max |bend_w|`` and ``pull_w >= |delta_w|`` (|P| the vector of block norms) give a matrix M with
``|E''[P, Q]| <= |P|' M |Q|``, whose spectral radius bounds the spectral norm of the Hessian.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verify.arithmetic import spectral, upward


@dataclass(frozen=True)
class SampleNorms:
    """The numbers above for n samples and K blocks; vertices without an entry contribute nothing.

    Parameters
    ----------
    reach : dict of vertex to array, shape (n, K)
    bend : dict of vertex to array, shape (n,)
    feed : dict of block index to array, shape (n, K)
        For the blocks with a trainable edge from a vertex that is no input.
    pull : dict of block index to array, shape (n,)
    """

    reach: dict[str, np.ndarray]
    bend: dict[str, np.ndarray]
    feed: dict[int, np.ndarray]
    pull: dict[int, np.ndarray]


def block_matrix(norms: SampleNorms) -> np.ndarray:
    """Return M summed over the samples, (K, K), symmetric, rounded upwards."""
    blocks = next(iter(norms.reach.values())).shape[1]
    total = np.zeros((blocks, blocks))
    for name, reach in norms.reach.items():
        weighted = upward.mul(norms.bend[name][:, None], reach)
        total = upward.add(total, upward.matmul(weighted.T, reach))
    for index, feed in norms.feed.items():
        row = upward.matmul(norms.pull[index][None, :], feed)[0]
        cross = np.zeros_like(total)
        cross[index] = row
        total = upward.add(total, cross, cross.T)
    return np.maximum(total, total.T)


def largest_curvature(matrix: np.ndarray) -> float:
    """Upper bound of the spectral norm of every symmetric matrix with these block norms."""
    if not np.all(np.isfinite(matrix)):
        return float("inf")
    return float(spectral.perron_upper(matrix))


def shares(matrix: np.ndarray, blocks: list[str], value: float) -> dict[str, float]:
    """Divide `value` among the blocks in proportion to x_v (M x)_v, x the Perron vector of M."""
    if not np.all(np.isfinite(matrix)):
        return dict.fromkeys(blocks, value / len(blocks))
    vector = np.abs(np.linalg.eigh(matrix)[1][:, -1])
    portions = vector * (matrix @ vector)
    total = portions.sum()
    if not total > 0:
        return dict.fromkeys(blocks, value / len(blocks))
    return {name: float(value * portion / total) for name, portion in zip(blocks, portions, strict=True)}
