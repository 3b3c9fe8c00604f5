"""What is known at the centre of a region, and the bound of ||Hess E|| around it; README.md derives the formulas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flint import arb

from verify.certificates.checker.centre import Stacks, block_norms, largest_eigenvalue_upper, norm, norm_upper
from verify.certificates.checker.functions import largest
from verify.certificates.checker.network import Network, Pass
from verify.certificates.checker.region import Enclosure, Link, Region
from verify.outcomes import InputError

MOST_JACOBIANS, MOST_PRODUCTS, SHELLS = 4 * 10**7, 4 * 10**9, 4


class Sample:
    """Norms of one sample at the centre, by vertex v or by vertex v and a later one t."""

    def __init__(self, state: Pass, r: int, adjoint: dict[str, tuple[Any, Any]], residual: dict[str, Any]) -> None:
        def row(matrix: Any) -> list[Any]:
            return [matrix[r, j] for j in range(matrix.ncols())]

        self.size = {v: norm(row(h)) for v, h in state.h.items()}  # |h_v|
        self.error = {v: norm(row(e)) for v, e in residual.items()}  # |h_v - y|
        self.slope, self.bend, self.outer, self.curve, self.load, self.pull = ({} for _ in range(6))
        self.low, self.high = {}, {}
        for v, (by_h, by_z) in adjoint.items():
            outer, slope, bend, z = row(by_h), row(state.g[v][1]), row(state.g[v][2]), row(state.z[v])
            curve = [a * b for a, b in zip(outer, bend, strict=True)]
            self.low[v], self.high[v] = -largest([-x for x in z]), largest(z)
            self.slope[v], self.bend[v], self.outer[v] = (largest([abs(x) for x in g]) for g in (slope, bend, outer))
            self.curve[v], self.pull[v] = largest([abs(x) for x in curve]), norm(row(by_z))  # |g'' dE/dh|, |dE/dz|
            load = [c + s * s for c, s in zip(curve, slope, strict=True)] if v in residual else curve
            self.load[v] = largest(
                [abs(x) for x in load]
            )  # the same, at outputs with the second derivative of the loss
        self.full: dict[tuple[str, str], Any] = {}  # ||dz_t/dz_v||
        self.column, self.bent = dict(self.full), dict(self.full)  # longest column of dz_t/dh_v; the same times g_v''


class Curvature:
    """Sums over the samples, at a centre (P,), what bounds the Hessian around it."""

    def __init__(self, network: Network, centre: list[Any], x: list[list[float]], y: list[list[float]]) -> None:
        self.network = network
        for v in network.order:
            if v.function is None or not v.function.is_smooth:
                raise InputError("activation has no second derivative", where=f"vertex {v.name}")
        self.trained = [v.name for v in network.order if any(e.parameters for e in v.edges)]
        self.links = {v.name: [Link.of(e, centre) for e in v.edges] for v in network.order}
        self.parameters, self.data = centre, (x, y)
        exact = len(x) * sum(v.width for v in network.order) ** 2 <= MOST_JACOBIANS
        terms = sum(len(e.terms) for v in network.order for e in v.edges if e.parameters)
        self.is_dense = exact and len(x) * terms**2 <= MOST_PRODUCTS
        self.samples: list[Sample] = []
        self._centre: Any = None
        for state, residual, adjoint in self._passes():
            samples = [Sample(state, r, adjoint, residual) for r in range(len(state.rows))]
            self.samples += samples
            if exact:
                _jacobian_norms(Stacks(network, state, adjoint), samples)
            else:
                for sample in samples:
                    _norm_products(self.links, sample)

    def bound(self, region: Region) -> Any:
        """Upper bound of the norm of the Hessian of the sum over samples of 1/2 |h_out - y|^2 over the region."""
        whole = Enclosure(self.network, self.links, self.samples, region)
        direct, change = self._eigenvalue(whole.second), whole.third * region.length() / SHELLS
        if not self.is_dense or change > direct:
            return direct
        for k in range(1, SHELLS):
            shell = Enclosure(self.network, self.links, self.samples, region.part(arb(k) / SHELLS))
            change += shell.third * region.length() / SHELLS
        return direct if change > direct else direct.min(self.hessian_at_centre() + change).upper()

    def hessian_at_centre(self) -> Any:
        """Upper bound of its norm at the centre."""
        if self._centre is None:
            sums: dict[Any, Any] = {}
            for state, _, adjoint in self._passes():
                Stacks(self.network, state, adjoint).add_hessian(sums)
            self._centre = self._eigenvalue(block_norms(self.network, sums))
        return self._centre

    def _passes(self) -> Iterator[tuple[Pass, dict[str, Any], dict[str, tuple[Any, Any]]]]:
        x, y = self.data
        for state in self.network.forward(self.parameters, x, order=2):
            residual = self.network.residual(state, y)
            yield state, residual, self.network.backward(state, residual)

    def _eigenvalue(self, blocks: dict[tuple[str, str], Any]) -> Any:
        return largest_eigenvalue_upper([[blocks[v, w] for w in self.trained] for v in self.trained])


def _jacobian_norms(stacks: Stacks, samples: list[Sample]) -> None:
    for (v, t), outer in stacks.outer.items():
        full, width, rows = stacks.full[v, t].entries(), outer.ncols(), outer.nrows() // len(samples)
        lengths = [norm(row) for row in outer.tolist()]
        bent = [length * abs(b) for length, b in zip(lengths, stacks.state.g[v][2].entries(), strict=True)]
        for r, sample in enumerate(samples):
            here = slice(r * rows, (r + 1) * rows)
            sample.full[v, t] = norm_upper(full[here.start * width : here.stop * width], width)
            sample.column[v, t], sample.bent[v, t] = largest(lengths[here]), largest(bent[here])


def _norm_products(links: dict[str, list[Link]], sample: Sample) -> None:
    """The same norms, larger, from those of the edges."""
    for v in links:
        for table, head in ((sample.full, sample.slope[v]), (sample.column, arb(1)), (sample.bent, sample.bend[v])):
            feed = {v: head}
            for t in links:
                parts = [link.norm * feed[link.source] for link in links[t] if link.source in feed]
                if parts:
                    table[v, t] = sum(parts, arb(0))
                    feed[t] = sample.slope[t] * table[v, t]
