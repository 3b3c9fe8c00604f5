"""The matrix of block norms of the Hessian, from norms of a sample's derivatives.

For one sample, with dz_w[P] the derivative of z_w along P, delta_w the adjoint of z_w and bend_w as in `hessian_sweep`,

    E''[P, Q] = sum over w of <bend_w * dz_w[P], dz_w[Q]>
                + sum over w of <delta_w, A_w(P_w) dh_in(w)[Q] + A_w(Q_w) dh_in(w)[P]>.

So nonnegative numbers with ``|dz_w[P]| <= reach_w . |P|``, ``|A_w(P_w) dh_in(w)[Q]| <= |P_w| (feed_w . |Q|)``,
``bend_w >= max |bend_w|`` and ``pull_w >= |delta_w|`` (|P| the vector of block norms) give a matrix M with
``|E''[P, Q]| <= |P|' M |Q|``, whose spectral radius bounds the spectral norm of the Hessian.

**On a sublevel set.** With e = h_out - y, delta_w = (dh_out/dz_w)' e and bend_w = g_w'' (dh_out/dh_w)' e, plus g_w'^2
if w is an output. So ``pull_w <= pull1_w |e|`` and ``bend_w <= bend0_w + bend1_w |e|`` with numbers that do not depend
on e, and E <= level says ``sum over the samples of |e|^2 <= 2 level / s``. By Cauchy-Schwarz

    sum over i of c_i |e_i| <= sqrt(sum over i of c_i^2) sqrt(2 level / s)

for every coefficient c that an entry of M has, w by w (`residual_squares`, `sublevel_matrix`). At an output w with no
output behind it, bend_w - g_w'^2 is e * g_w'' unit by unit, and ``|sum over j of e_j a_j b_j| <= |e| max |a_j| |b|``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from verify.arithmetic import decompositions, spectral, upward
from verify.bounds.hessian_alignment import Alignment
from verify.budget import check_time

_MOST_GROUPED = 2**14


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
    largest : dict of vertex to array, shape (n, K)
        As `reach`, for the largest entry of dz_w[P] in place of its norm, at outputs with no output behind them; only
        `residual_squares` uses it.
    """

    reach: dict[str, np.ndarray]
    bend: dict[str, np.ndarray]
    feed: dict[int, np.ndarray]
    pull: dict[int, np.ndarray]
    largest: dict[str, np.ndarray] = field(default_factory=dict)


def block_matrix(norms: SampleNorms, alignment: Alignment | None = None) -> np.ndarray:
    """Return M summed over the samples, (K, K), symmetric, rounded upwards; lower where the data are not aligned."""
    blocks = next(iter(norms.reach.values())).shape[1]
    total, cross = np.zeros((blocks, blocks)), np.zeros((blocks, blocks))
    for names in _groups(norms):
        check_time()
        reach = np.concatenate([norms.reach[name] for name in names])
        bend = np.concatenate([norms.bend[name] for name in names])
        total = upward.add(total, upward.matmul(upward.mul(bend[:, None], reach).T, reach))
    for index, feed in norms.feed.items():
        cross[index] = upward.matmul(norms.pull[index][None, :], feed)[0]
    total = upward.add(total, cross, cross.T)
    total = np.maximum(total, total.T)
    if alignment is None or not alignment.data:
        return total
    return np.minimum(total, _aligned(norms, alignment))


def _aligned(norms: SampleNorms, alignment: Alignment) -> np.ndarray:
    reach = np.stack(list(norms.reach.values()), axis=1)
    bend = np.stack([norms.bend[name] for name in norms.reach], axis=1)
    pairs = upward.matmul(upward.mul(bend[:, :, None], reach).swapaxes(1, 2), reach)
    cross = np.zeros_like(pairs)
    for index, feed in norms.feed.items():
        cross[:, index] = upward.mul(norms.pull[index][:, None], feed)
    return alignment.matrix(np.maximum(pairs, pairs.swapaxes(1, 2)), cross)


def _groups(norms: SampleNorms) -> list[list[str]]:
    """Divide the vertices into groups of so few rows that their sums are covered by `upward.matmul`."""
    names = list(norms.reach)
    size = max(1, _MOST_GROUPED // max(1, len(norms.reach[names[0]])))
    return [names[start : start + size] for start in range(0, len(names), size)]


def residual_squares(norms: SampleNorms) -> np.ndarray:
    """Sum over the samples the squares of what vertex w adds to M, w by w, (number of terms, K, K).

    For `bend` and `pull` per unit of |e|; the sums of several chunks of samples add up. What `pull` adds to rows
    differs in place from vertex to vertex, so that one matrix holds it for all of them.
    """
    blocks = next(iter(norms.reach.values())).shape[1]
    terms = []
    for name, reach in norms.reach.items():
        check_time()
        square = upward.mul(reach, reach)
        weight = upward.mul(norms.bend[name], norms.bend[name])[:, None]
        left = np.minimum(reach, norms.largest.get(name, reach))
        term = upward.matmul(upward.mul(weight, upward.mul(left, left)).T, square)
        terms.append(np.minimum(term, term.T))
    cross = np.zeros((blocks, blocks))
    for index, feed in norms.feed.items():
        weight = upward.mul(norms.pull[index], norms.pull[index])[None]
        cross[index] = upward.matmul(weight, upward.mul(feed, feed))[0]
    return np.stack([*terms, cross, cross.T])


def sublevel_matrix(fixed: np.ndarray, squares: np.ndarray, residual: float) -> np.ndarray:
    """Return M from the part without e and the squares of the part with it, ``|e|_2 <= residual`` over all samples."""
    linear = upward.mul(residual, upward.sum(upward.sqrt(squares), axis=0))
    total = upward.add(fixed, linear)
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
    vector = np.abs(decompositions.eigh(matrix)[1][:, -1])
    portions = vector * (matrix @ vector)
    total = portions.sum()
    if not total > 0:
        return dict.fromkeys(blocks, value / len(blocks))
    return {name: float(value * portion / total) for name, portion in zip(blocks, portions, strict=True)}
