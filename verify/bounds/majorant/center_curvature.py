"""The second and third derivative of the error at the centre, with the cancellation that norm products lose.

Inject c_v into z_v with the weights fixed. The Hessian of a sample's error in the injections has the blocks

    Q^_vw = J_v' K_w + sum over q of Z_qv' diag(dE/dh_q g_q'') Y_qw          (by z_v and h_w)
    Q_vw  = Q^_vw diag(g_w') + Z_wv' diag(dE/dh_w g_w'')                     (by z_v and z_w)

with J_v = dh_out/dz_v, K_w = dh_out/dh_w, Z_qv = dz_q/dz_v, Y_qw = dz_q/dh_w. With the injections of a direction P,
i_v(P) = A_v(P_v) h_in(v) + bias, and those of its products, A_w(P_w) dh_in(w)[Q],

    E''[P, Q]    = sum over v, w of <i_v(P), Q_vw i_w(Q)> + sum over w of <dE/dz_w, A_w(P_w) dh_in(w)[Q]> + (P <-> Q),
    E'''[P,P,P]  = 3 sum over w of sum over j of dz_wj[P]^2 <B_j, i(P)> + 6 sum over v, w of <i_v, Q_vw A_w(P_w) dh_in(w)>
                   + 3 sum over w of <dE/dz_w, A_w(P_w) d^2h_in(w)>,

B_j = sum over v of column j of Q^_vw diag(g_w'') + Z_wv' diag(dE/dh_w g_w'''/3). The first sum over samples and j is at
most ``sum over v |P_v| sum over b, c of sqrt(p_b p_c) |P_b| |P_c|`` with p_b the largest value over unit X of
``sum of |B_vj| ~h_v (Z_wb i_b(X))_j^2``: a Gram matrix of the data instead of a mean of products of norms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.intervals import Interval
from verify.bounds.majorant.approximate import Approximate, stacked
from verify.bounds.majorant.center_state import CenterJacobians
from verify.bounds.majorant.structure import Structure

_UP = 1.0 + 2.0**-30


@dataclass(frozen=True)
class MixedHessian:
    """One pair of vertices: Q_vw, and B_vw whose column j is B_vj, (n, width of v, width of w) each."""

    v: int
    w: int
    plain: Approximate
    bent: Approximate


class Injections:
    """Derivatives of one chunk in the injections."""

    def __init__(self, jacobians: CenterJacobians, graph: Structure, samples: int) -> None:
        self.jacobians = jacobians
        self.graph = graph
        self.samples = samples
        self.curvature = [jacobians.outer[v] * jacobians.derivatives[v][2] for v in range(graph.size)]
        self.twist = [jacobians.outer[v] * jacobians.derivatives[v][3] / 3.0 for v in range(graph.size)]
        self.output = [self._output(v) for v in range(graph.size)]

    def slope(self, v: int) -> Interval:
        """g_v', (n, width)."""
        return self.jacobians.derivatives[v][1]

    def _output(self, v: int) -> Approximate:
        out = self.jacobians.out
        return stacked([(out[o, v], 1.0) for o in self.graph.outputs if (o, v) in out], self.samples)

    def preactivation(self, w: int, v: int) -> Approximate | None:
        """Z_wv for w behind v, None where it is zero; not for w = v."""
        found = self.jacobians.pre.get((w, v))
        return None if found is None else found.times_columns(self.slope(v))

    def pairs(self) -> Iterator[MixedHessian]:
        """Yield every pair (v, w)."""
        size = self.graph.size
        for v in range(size):
            injected = [self.preactivation(q, v) for q in range(size)]
            by_z = self.output[v].times_columns(self.slope(v)).transposed()
            for w in range(size):
                mixed = by_z @ self._same_rows(v, w)
                for q in range(size):
                    by_output = self.jacobians.pre.get((q, w))
                    if by_output is None:
                        continue
                    weighted = by_output.times_rows(self.curvature[q])
                    if q == v:
                        mixed = mixed + weighted
                    elif (left := injected[q]) is not None:
                        mixed = mixed + left.transposed() @ weighted
                plain = mixed.times_columns(self.slope(w))
                bent = mixed.times_columns(self.jacobians.derivatives[w][2])
                if v == w:
                    plain = plain + _diagonal(self.curvature[w])
                    bent = bent + _diagonal(self.twist[w])
                elif (behind := injected[w]) is not None:
                    plain = plain + behind.transposed().times_columns(self.curvature[w])
                    bent = bent + behind.transposed().times_columns(self.twist[w])
                yield MixedHessian(v, w, plain, bent)

    def _same_rows(self, v: int, w: int) -> Approximate:
        """dh_out/dh_w, restricted to the outputs that v reaches."""
        out = self.jacobians.out
        parts = []
        for o in self.graph.outputs:
            if (o, v) not in out:
                continue
            if (o, w) in out:
                parts.append((out[o, w], 1.0))
            else:
                shape = (1, out[o, v].mid.shape[1], out[w, w].mid.shape[1])
                parts.append((Approximate(np.zeros(shape), np.zeros(1)), 1.0))
        return stacked(parts, self.samples)


def _diagonal(entries: Interval) -> Approximate:
    width = entries.shape[1]
    mid = np.zeros((len(entries), width, width))
    mid[:, np.arange(width), np.arange(width)] = entries.mid
    return Approximate(mid, upward.norm(entries.rad, axis=1))
