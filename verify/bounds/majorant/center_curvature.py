"""The second and third derivative of the error at the centre, with the cancellation that norm products lose.

Inject c_v into z_v with the weights fixed. With bend and twist as in `hessian_sweep`, Z_qv = dz_q/dz_v and
Y_qw = dz_q/dh_w, the Hessian of a sample's error in the injections has the blocks

    Q_vw = sum over q of Z_qv' diag(bend_q) Z_qw = Q^_vw diag(g_w') + Z_wv' diag(bend_w),
    Q^_vw = sum over q behind w of Z_qv' diag(bend_q) Y_qw.

With the injections i_v(P) = A_v(P_v) h_in(v) + bias of a direction P, and those of its products, A_w(P_w) dh_in(w)[Q],

    E''[P, Q]   = sum over v, w of <i_v(P), Q_vw i_w(Q)> + sum over w of <dE/dz_w, A_w(P_w) dh_in(w)[Q]> + (P <-> Q),
    E'''[P,P,P] = 3 sum over w, j of dz_wj[P]^2 (sum over v of <B_vj, i_v(P)>)
                  + 6 sum over v, w of <i_v, Q_vw A_w(P_w) dh_in(w)> + 3 sum over w of <dE/dz_w, A_w(P_w) d^2h_in(w)>,

B_vj being column j of Q^_vw diag(g_w'') + Z_wv' diag(twist_w / 3). The first sum over samples and j is at most
``sum over v of |P_v| sum over b, c of sqrt(p_b p_c) |P_b| |P_c|`` with p_b the largest value over unit X of
``sum of |B_vj| ~h_v (Z_wb i_b(X))_j^2``: a Gram matrix of the data instead of a mean of products of norms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.intervals import Interval
from verify.bounds.majorant.center_state import CenterJacobians
from verify.bounds.majorant.frobenius_ball import FrobeniusBall
from verify.bounds.majorant.structure import PathStructure


@dataclass(frozen=True)
class MixedHessian:
    """One pair of vertices, (n, coordinates of v, width of w) each: Q_vw, and B_vw whose column j is B_vj.

    Where v shares its parameters, both are multiplied by M_v' from the left: the coordinates are then the parameters,
    not the units. `both` is Q_vw with w treated alike, from the right.
    """

    v: int
    w: int
    plain: FrobeniusBall
    bent: FrobeniusBall
    both: FrobeniusBall


class Injections:
    """Derivatives of one chunk in the injections."""

    def __init__(self, jacobians: CenterJacobians, graph: PathStructure, samples: int) -> None:
        self.jacobians = jacobians
        self.graph = graph
        self.samples = samples
        self.twist = [twist / 3.0 for twist in jacobians.twist]

    def pairs(self) -> Iterator[MixedHessian]:
        """Yield every pair (v, w)."""
        size, maps = self.graph.size, self.jacobians.maps
        for v in range(size):
            injected = [self.jacobians.injected(q, v) for q in range(size)]
            for w in range(size):
                _, slope, curvature, _ = self.jacobians.derivatives[w]
                mixed = self._behind(v, w, injected)
                plain, bent = mixed.times_columns(slope), mixed.times_columns(curvature)
                if (through := injected[w]) is not None:
                    plain = plain + through.transposed().times_columns(self.jacobians.bend[w])
                    bent = bent + through.transposed().times_columns(self.twist[w])
                elif v == w:
                    plain = plain + _diagonal(self.jacobians.bend[w])
                    bent = bent + _diagonal(self.twist[w])
                yield MixedHessian(v, w, plain, bent, plain @ maps[w] if w in maps else plain)

    def _behind(self, v: int, w: int, injected: list[FrobeniusBall | None]) -> FrobeniusBall:
        """Q^_vw."""
        shape = (self.samples, self.jacobians.coordinates(v), self.jacobians.out[w, w].mid.shape[1])
        mixed = FrobeniusBall(np.zeros(shape), np.zeros(self.samples))
        for q in range(w + 1, self.graph.size):
            by_output = self.jacobians.pre.get((q, w))
            if by_output is None:
                continue
            weighted = by_output.times_rows(self.jacobians.bend[q])
            if (left := injected[q]) is not None:
                mixed = mixed + left.transposed() @ weighted
            elif q == v:
                mixed = mixed + weighted
        return mixed


def _diagonal(entries: Interval) -> FrobeniusBall:
    width = entries.shape[1]
    mid = np.zeros((len(entries), width, width))
    mid[:, np.arange(width), np.arange(width)] = entries.mid
    return FrobeniusBall(mid, upward.norm(entries.rad, axis=1))
