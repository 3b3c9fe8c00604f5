"""Upper bound of ||Hess E|| on a region: norms at its centre, and how they grow. README.md derives the formulas."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flint import arb, arb_mat

from verify.certificates.checker.functions import largest
from verify.certificates.checker.network import Network, Pass, Vertex
from verify.certificates.document import ReadError

Norms = dict[Any, Any]
Link = tuple[str, Any, Any]
ZERO = arb(0)


@dataclass
class Region:
    """One radius per vertex around the centre; with `joint` they are all the same, and that of all weights together."""

    radius: Norms
    joint: bool

    def reach(self, coefficients: Norms) -> Any:
        """Largest value of the sum of c_v |P_v - P_v(c)|."""
        if self.joint:
            return norm(coefficients.values()) * largest(list(self.radius.values()))
        return sum((c * self.radius[v] for v, c in coefficients.items()), ZERO).upper()


class Sample:
    """What is known of one sample at the centre, by vertex v or by (v, t)."""

    def __init__(self, network: Network, state: Pass, y: list[float]) -> None:
        residual = network.residual(state, y)
        by_h, by_z = network.backward(state, residual)
        self.size = {v: norm(h) for v, h in state.h.items()}
        self.error = {v: norm(e) for v, e in residual.items()}
        self.slope = {v: magnitude(g[1]) for v, g in state.g.items()}
        self.bend = {v: magnitude(g[2]) for v, g in state.g.items()}
        self.low = {v: -largest([-entry for entry in z]) for v, z in state.z.items()}
        self.high = {v: largest(z) for v, z in state.z.items()}
        self.outer = {v: magnitude(a) for v, a in by_h.items()}  # of dE/dh_v
        self.pull = {v: norm(d) for v, d in by_z.items()}  # |dE/dz_v|
        self.column, self.full = Norms(), Norms()  # longest column of dz_t/dh_v, ||dz_t/dz_v||
        for k, v in enumerate(network.order):
            reached = {v.name: arb_mat(v.width, v.width, [i == j for i in range(v.width) for j in range(v.width)])}
            for t in network.order[k + 1 :]:
                edges = zip(t.edges, state.matrices[t.name], strict=True)
                parts = [reached[edge.source] * matrix for edge, matrix in edges if edge.source in reached]
                if parts:
                    z = sum(parts, arb_mat(v.width, t.width)).tolist()
                    slope = state.g[t.name][1]
                    reached[t.name] = arb_mat([[a * s for a, s in zip(row, slope, strict=True)] for row in z])
                    full = [[a * s for a in row] for row, s in zip(z, state.g[v.name][1], strict=True)]
                    self.column[v.name, t.name] = largest([norm(row) for row in z])
                    self.full[v.name, t.name] = norm_upper(arb_mat(full))


class SampleOnRegion:
    """One sample on the region. For a change of z_v, by (v, t): `z`, `h` of z_t, h_t, `fresh` of (A' - A) dh_in."""

    def __init__(self, sample: Sample) -> None:
        self.at, self.size = sample, dict(sample.size)
        self.slope, self.bend, self.third, self.gain, self.move, self.z, self.h, self.change, self.fresh = (
            Norms() for _ in range(9)
        )


class Curvature:
    """Sums over the samples, at a centre (P,), what bounds the Hessian around it."""

    def __init__(self, network: Network, centre: list[Any], x: list[list[float]], y: list[list[float]]) -> None:
        self.network, self.links = network, dict[str, list[Link]]()
        for v in network.order:
            if v.function is None or not v.function.is_smooth:
                raise ReadError("no second derivative", where=v.name, activation=v.function and v.function.text)
            norms = [(norm_upper(e.matrix(centre)), arb(e.overlap_squared()).sqrt().upper()) for e in v.edges]
            self.links[v.name] = [(e.source, *both) for e, both in zip(v.edges, norms, strict=True)]
        self.trained = [v.name for v in network.order if any(e.parameters for e in v.edges)]
        passes = zip(network.forward(centre, x, order=2), y, strict=True)
        self.samples = [Sample(network, state, targets) for state, targets in passes]

    def bound(self, region: Region) -> Any:
        """Upper bound of the norm of the Hessian of the sum over samples of 1/2 |h_out - y|^2 over the region."""
        return self._block_norm(self._add, region)

    def growth(self, region: Region) -> Any:
        """Upper bound of the norm of that Hessian minus itself at the centre."""
        return self._block_norm(self._add_change, region)

    def _block_norm(self, add: Callable[[Norms, SampleOnRegion, Region], None], region: Region) -> Any:
        places = [SampleOnRegion(sample) for sample in self.samples]
        for vertex in self.network.order:
            for p in places:
                self._move(p, vertex.name, region)
            self._activate(places, vertex)
        blocks = {(v, w): ZERO for v in self.trained for w in self.trained}
        for p in places:
            add(blocks, p, region)
        return norm_upper(arb_mat([[blocks[v, w] for w in self.trained] for v in self.trained]), squarings=12)

    def _fed(self, t: str, feed: Norms) -> Any:
        """Bound |A_t(dP) dh| / |dP| where |dh_u| <= feed_u."""
        return norm(overlap * feed[source] for source, _, overlap in self.links[t] if source in feed)

    def _move(self, p: SampleOnRegion, t: str, region: Region) -> None:
        """How much z_t changes with the z_v before it, and how far it moves."""
        p.gain[t], p.z[t, t] = self._fed(t, p.size), arb(1)
        before = [v for v in p.slope if (v, t) in p.at.full]
        for v in before:
            feed = {u: p.h[v, u] for u in p.slope if (v, u) in p.h}
            p.fresh[v, t] = region.radius[t] * self._fed(t, feed)
            change = p.fresh[v, t] + sum((p.at.full[u, t] * p.fresh[v, u] for u in before if (v, u) in p.fresh), ZERO)
            bent = (p.at.column[u, t] * p.bend[u] * p.move[u] * p.z[v, u] for u in before if (v, u) in p.z)
            p.change[v, t] = sum(bent, change).upper()
            edges = [(size + overlap * region.radius[t], source) for source, size, overlap in self.links[t]]
            product = sum((size * feed[source] for size, source in edges if source in feed), ZERO)
            p.z[v, t] = product.min(p.at.full[v, t] + p.change[v, t]).upper()
        p.move[t] = region.reach({v: p.z[v, t] * p.gain[v] for v in [*before, t]})

    def _activate(self, places: list[SampleOnRegion], vertex: Vertex) -> None:
        """Bound g'', g' and h of a vertex whose z moves so far."""
        t = vertex.name
        low = largest([p.move[t] - p.at.low[t] for p in places])
        high = largest([p.move[t] + p.at.high[t] for p in places])
        value, slope, bend, third = vertex.function.suprema(-low, high, 3)  # type: ignore[union-attr]
        for p in places:
            p.third[t] = third
            p.bend[t] = (p.at.bend[t] + third * p.move[t]).min(bend).upper()
            p.slope[t] = (p.at.slope[t] + p.bend[t] * p.move[t]).min(slope).upper()
            p.size[t] = (p.at.size[t] + p.slope[t] * p.move[t]).min(value * arb(vertex.width).sqrt()).upper()
            p.h |= {(v, t): p.slope[t] * p.z[v, t] for v in p.slope if (v, t) in p.z}

    def _adjoints(self, p: SampleOnRegion, region: Region) -> Iterator[tuple[str, Any, Any, Any]]:
        """Yield t, from the last to the first: how far dE/dh_t and dE/dz_t move, and |dE/dz_t| on the region."""
        pull, off = Norms(), Norms()  # |dE/dz_t|, how far it moves
        shift = {t: p.slope[t] * p.move[t] for t in p.at.error}
        for t in reversed(p.slope):
            out = [(u, size, overlap) for u in pull for source, size, overlap in self.links[u] if source == t]
            parts = (size * off[u] + overlap * region.radius[u] * pull[u] for u, size, overlap in out)
            moved = sum(parts, shift.get(t, ZERO))
            off[t] = ZERO
            for o in p.at.error:
                if (t, o) in p.z:
                    own = p.slope[o] * (p.at.error[o] + shift[o])
                    own_off = p.bend[o] * p.move[o] * p.at.error[o] + p.slope[o] * shift[o]
                    off[t] += p.change.get((t, o), ZERO) * own + p.at.full.get((t, o), 1) * own_off
            pull[t] = p.at.pull[t] + off[t]
            yield t, moved, off[t], pull[t]

    def _add(self, blocks: Norms, p: SampleOnRegion, region: Region) -> None:
        """Add the norms of the blocks of one sample's Hessian."""
        for t, moved, _, pull in self._adjoints(p, region):
            load = p.bend[t] * (p.at.outer[t] + moved) + (p.slope[t] ** 2 if t in p.at.error else 0)
            along = {v: p.z[v, t] * p.gain[v] for v in self.trained if (v, t) in p.z}
            for v, a in along.items():
                for w, b in along.items():
                    blocks[v, w] += load * a * b
                if t in self.trained:
                    cross = pull * self._fed(t, {u: p.h[v, u] * p.gain[v] for u in p.slope if (v, u) in p.h})
                    blocks[v, t] += cross
                    blocks[t, v] += cross

    def _add_change(self, blocks: Norms, p: SampleOnRegion, region: Region) -> None:
        """Add the norms of the changes of those blocks: the product rule for the terms of `_add`."""
        fed = {v: self._fed(v, {u: p.slope[u] * p.move[u] for u in p.slope}) for v in self.trained}
        one = arb(1)
        whole = {(v, t): p.z[v, t] * p.gain[v] for v, t in p.z if v in fed}  # |dz_t/dP_v|, and its change
        part = {(v, t): p.change.get((v, t), ZERO) * p.gain[v] + p.at.full.get((v, t), one) * fed[v] for v, t in whole}
        for t, moved, off, pull in self._adjoints(p, region):
            load = p.bend[t] * (p.at.outer[t] + moved) + (p.slope[t] ** 2 if t in p.at.error else 0)
            bent = p.bend[t] * p.move[t]
            change = p.bend[t] * moved + p.third[t] * p.move[t] * p.at.outer[t]
            change += 2 * p.slope[t] * bent if t in p.at.error else 0
            before = [v for v in self.trained if (v, t) in whole]
            for v in before:
                a, a_off = whole[v, t], part[v, t]
                for w in before:
                    blocks[v, w] += load * (a_off * whole[w, t] + a * part[w, t]) + change * a * whole[w, t]
                if t in self.trained:
                    behind = [u for u in p.slope if (v, u) in whole]
                    cross = off * self._fed(t, {u: p.slope[u] * whole[v, u] for u in behind}) + pull * self._fed(
                        t, {u: p.slope[u] * part[v, u] + p.bend[u] * p.move[u] * whole[v, u] for u in behind}
                    )
                    blocks[v, t] += cross
                    blocks[t, v] += cross


def magnitude(values: Iterable[Any]) -> Any:
    """Upper bound of the largest absolute value."""
    return largest([abs(value) for value in values])


def norm(values: Iterable[Any]) -> Any:
    """Upper bound of the Euclidean norm."""
    return sum((value * value for value in values), ZERO).upper().sqrt().upper()


def norm_upper(matrix: Any, squarings: int = 2) -> Any:
    """Upper bound of the spectral norm: the Frobenius norm of (M^T M)^k, k = 2^squarings, to the power 1/(2k)."""
    power = matrix.transpose() * matrix if matrix.nrows() > matrix.ncols() else matrix * matrix.transpose()
    for _ in range(squarings):
        power = power * power
    root = largest([norm(power.entries())])
    for _ in range(squarings + 1):
        root = root.sqrt().upper()
    return root
