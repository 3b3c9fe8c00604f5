"""The majorants: upper bounds, per sample and pair of vertices, of norms of a network's derivatives.

Vertices v are numbered 0..K-1 in topological order. With J_wv = dh_w/dz_v, K_wv = dh_w/dh_v, Z_wv = dz_w/dz_v,
Y_wv = dz_w/dh_v, |.| the spectral norm and |.|_a the largest norm of a column after column j was multiplied by the
derivative g_v^(a)(z_vj) (by 1 if a = 1):

- ``out[:, w]``  = (|J_wv|, |K_wv|_1, |K_wv|_2, |K_wv|_3) for v = 0..K-1, four blocks of K columns;
- ``pre[:, w]``  = (|Z_wv|, |Y_wv|_1, |Y_wv|_2, |Y_wv|_3);
- ``fed[:, w]``  = as `out`, for the outputs that w reads through trainable edges, stacked, each times its overlap;
- ``row[:, w]``  = largest norm of a row of Z_wv;
- ``adjoint``    = (|dE/dz_v|, max |a_v|, max |bend_v|, max |twist_v|) as in `hessian_sweep`;
- ``injection``  = norm of the map M_v from the parameters of v to z_v.

For a dense layer ``|Z_wv M_v| = |Z_wv| |M_v|``. For a vertex that shares its parameters among units, a convolution, it
is much smaller, so `out`, `pre`, `fed` and `row` have one more column for each vertex in ``PathStructure.shared``: the
norms of dh_w, dz_w, ... by the parameters of v (`by_parameters`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from verify.arithmetic import upward

SMALLEST = 2.0**-80
LARGEST = 2.0**80


@dataclass(frozen=True)
class MajorantState:
    """Majorants of n samples at one distance; all arrays are >= 0."""

    out: np.ndarray
    pre: np.ndarray
    fed: np.ndarray
    row: np.ndarray
    adjoint: np.ndarray
    injection: np.ndarray

    @property
    def vertices(self) -> int:
        """Number K of vertices."""
        return self.injection.shape[1]

    def column_block(self, array: np.ndarray, kind: int) -> np.ndarray:
        """Return one of the four blocks of K columns."""
        return array[..., kind * self.vertices : (kind + 1) * self.vertices]

    def by_parameters(self, array: np.ndarray, shared: tuple[int, ...]) -> np.ndarray:
        """Return norms of derivatives by the parameters of every vertex, (n, K, K), for `out`, `pre`, `fed` or `row`.

        In float64, with one rounding for each entry.
        """
        norms = self.column_block(array, 0) * self.injection[:, None]
        if shared:
            own = array[..., array.shape[-1] - len(shared) :]
            norms[..., list(shared)] = np.minimum(norms[..., list(shared)], own)
        return norms

    def is_moderate(self) -> bool:
        """Whether products of a few entries neither overflow nor underflow."""
        return all(bool(np.all(array <= LARGEST)) for array in arrays(self))


def arrays(state: MajorantState) -> list[np.ndarray]:
    """Return the arrays of a state, in the order of its fields."""
    return [getattr(state, field.name) for field in fields(state)]


def combine(function: Callable[..., np.ndarray], *states: MajorantState) -> MajorantState:
    """Apply a function to the arrays of states, field by field."""
    return MajorantState(*(function(*parts) for parts in zip(*(arrays(state) for state in states), strict=True)))


def minimum(a: MajorantState, b: MajorantState) -> MajorantState:
    """Entrywise minimum: both bound the same norms."""
    return combine(np.minimum, a, b)


def not_above(a: MajorantState, b: MajorantState) -> bool:
    """Whether every entry of a is at most the entry of b."""
    return all(bool(np.all(x <= y)) for x, y in zip(arrays(a), arrays(b), strict=True))


def advance(state: MajorantState, step: float, *rates: MajorantState) -> MajorantState:
    """Upper bound of state + step * (sum of rates)."""
    return combine(lambda x, *r: lift(upward.add(x, upward.mul(step, upward.add(*r)))), state, *rates)


def lift(array: np.ndarray) -> np.ndarray:
    """Raise tiny entries to `SMALLEST`; exact zeros stay, and what is no number is unknown."""
    known = np.where(np.isnan(array), np.inf, array)
    return np.where(known > 0, np.maximum(known, SMALLEST), 0.0)
