"""Bounds of the second and third derivative of the error over a region; README.md derives the formulas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flint import arb

from verify.certificates.checker.centre import norm, norm_upper
from verify.certificates.checker.functions import largest
from verify.certificates.checker.network import Edge, Network

if TYPE_CHECKING:
    from verify.certificates.checker.curvature import Sample

Norms = dict[str, Any]
Pairs = dict[tuple[str, str], Any]
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
        return sum((c * self.radius[v] for v, c in coefficients.items()), ZERO)

    def length(self) -> Any:
        """Largest distance from the centre."""
        return largest(list(self.radius.values())) if self.joint else norm(self.radius.values())

    def part(self, fraction: Any) -> Region:
        """The region shrunk towards its centre."""
        return Region({name: radius * fraction for name, radius in self.radius.items()}, self.joint)


@dataclass
class Link:
    """An edge's source, the norm of its matrix at the centre, and s with |A(theta) h| <= s |theta| |h|."""

    source: str
    norm: Any
    overlap: Any

    @classmethod
    def of(cls, edge: Edge, centre: list[Any]) -> Link:
        matrix = edge.matrix(centre)
        return cls(
            edge.source, norm_upper(matrix.entries(), matrix.ncols()), arb(edge.overlap_squared()).sqrt().upper()
        )


class Place:
    """One sample on the region: |h|, |g'|, |g''|, |dz_v| by its own parameters, how far z and h move."""

    def __init__(self, sample: Sample) -> None:
        self.at = sample
        self.slope, self.bend, self.gain, self.move = Norms(), Norms(), Norms(), Norms()
        self.size = {name: size for name, size in sample.size.items() if name not in sample.slope}
        self.shift = dict.fromkeys(self.size, ZERO)
        self.form: dict[str, Norms] = {}  # |z_t - z_t(c)| <= sum of form[t][v] |P_v - P_v(c)|


class Enclosure:
    """`second`: block norms of the Hessian, `third`: norm of the third derivative; sums over the samples."""

    def __init__(self, network: Network, links: dict[str, list[Link]], samples: list[Sample], region: Region) -> None:
        self.order, self.outputs, self.links = [v.name for v in network.order], network.outputs, links
        self.radius, self.region = region.radius, region
        self.out = {v: [(t, link) for t in links for link in links[t] if link.source == v] for v in links}
        self.trained = [v.name for v in network.order if any(e.parameters for e in v.edges)]
        self.second = {(v, w): ZERO for v in self.trained for w in self.trained}
        self.third, self.g3 = ZERO, Norms()
        places = [Place(sample) for sample in samples]
        for vertex in network.order:
            t = vertex.name
            for p in places:
                self._move(p, t)
            low = largest([p.move[t] - p.at.low[t] for p in places])
            high = largest([p.move[t] + p.at.high[t] for p in places])
            g = vertex.function.suprema(-low, high, 3)  # type: ignore[union-attr]
            self.g3[t] = g[3]
            for p in places:
                p.slope[t] = (p.at.slope[t] + g[2] * p.move[t]).min(g[1]).upper()
                p.bend[t] = (p.at.bend[t] + g[3] * p.move[t]).min(g[2]).upper()
                p.shift[t] = (p.slope[t] * p.move[t]).upper()
                p.size[t] = (p.at.size[t] + p.shift[t]).min(g[0] * arb(vertex.width).sqrt()).upper()
        for p in places:
            self._add(p)

    def _fed(self, t: str, feed: Norms) -> Any:
        """Bound |A_t(dP) dh| / |dP| where |dh_u| <= feed_u."""
        return norm(link.overlap * feed[link.source] for link in self.links[t] if link.source in feed)

    def _reached(self, t: str, feed: Norms) -> Any:
        """Bound |A_t dh| on the region where |dh_u| <= feed_u."""
        links = [(link.norm + link.overlap * self.radius[t], link.source) for link in self.links[t]]
        return sum((size * feed[source] for size, source in links if source in feed), ZERO)

    def _move(self, p: Place, t: str) -> None:
        """How far z_t moves."""
        p.gain[t] = self._fed(t, p.size)
        ahead = [v for v in p.move if (v, t) in p.at.full]
        first = self.region.reach({t: p.gain[t]} | {v: p.at.full[v, t] * p.gain[v] for v in ahead})
        second = sum((self._bent(p, v, t) * p.move[v] ** 2 / 2 for v in ahead), ZERO)
        form = p.form[t] = {t: p.gain[t]}
        for link in self.links[t]:
            for v, c in p.form.get(link.source, {}).items():
                form[v] = form.get(v, ZERO) + link.norm * p.slope[link.source] * c
        p.move[t] = (first + second).min(self.region.reach(form)).upper()

    def _bent(self, p: Place, v: str, t: str) -> Any:
        """Longest column of dz_t/dh_v at the centre times |g_v''| on the region."""
        return p.at.bent[v, t] + p.at.column[v, t] * self.g3[v] * p.move[v]

    def _grown(self, p: Place, v: str, base: Pairs, start: Any, head: Any) -> Norms:
        """Bound a derivative of z_t whose norm is base[v, t] at the centre, for all t behind v.

        It is the derivative along a change of z_v of the norm `start` and of h_v of the norm `head`.
        """
        grown, feed, fresh = {v: start}, {v: head}, Norms()
        for t in self.order:
            if (v, t) in base:
                fresh[t] = self.radius[t] * self._fed(t, feed)
                change = fresh[t] + sum((p.at.full[w, t] * f for w, f in fresh.items() if (w, t) in base), ZERO)
                change += sum((self._bent(p, u, t) * p.move[u] * g for u, g in grown.items() if (u, t) in base), ZERO)
                grown[t] = self._reached(t, feed).min(base[v, t] + change).upper()
                feed[t] = p.slope[t] * grown[t]
        return grown

    def _adjoint(self, p: Place) -> tuple[Norms, Norms, Norms]:
        """|dE/dz|; |g'' dE/dh|_max, at outputs with (g')^2; |g''' dE/dh|_max, at outputs with 3 g' g''."""
        pulls, loads, twists, off, change = Norms(), Norms(), Norms(), Norms(), Norms()
        for v in reversed(self.order):
            out, output, move = self.out[v], v in self.outputs, p.move[v]
            skew = sum((k.overlap * self.radius[t] * pulls[t] for t, k in out), p.shift[v] if output else ZERO)
            outer_off = sum((k.norm * off[t] for t, k in out), skew)
            outer = p.at.error[v] + p.shift[v] if output else ZERO
            outer += sum(((k.norm + k.overlap * self.radius[t]) * pulls[t] for t, k in out), ZERO)
            peak = (p.at.outer[v] + outer_off).min(outer)
            more = p.at.bend[v] * outer_off + self.g3[v] * move * peak
            curve = (p.at.curve[v] + more).min(p.bend[v] * peak)
            change[v] = curve * move + p.at.slope[v] * skew
            off[v] = sum((p.at.full[v, t] * c for t, c in change.items() if (v, t) in p.at.full), change[v])
            pulls[v] = (p.at.pull[v] + off[v]).min(p.slope[v] * outer).upper()
            loss = p.slope[v] * p.bend[v] if output else ZERO
            loads[v] = (p.at.load[v] + more + 2 * loss * move).min(curve + (p.slope[v] ** 2 if output else 0)).upper()
            twists[v] = (self.g3[v] * peak + 3 * loss).upper()
        return pulls, loads, twists

    def _add(self, p: Place) -> None:
        pulls, loads, twists = self._adjoint(p)
        full, bent = Pairs(), Pairs()
        for v in self.order:
            full |= {(v, t): z for t, z in self._grown(p, v, p.at.full, arb(1), p.slope[v]).items()}
            longest = self._grown(p, v, p.at.column, ZERO, arb(1))
            for t, value in self._grown(p, v, p.at.bent, ZERO, p.at.bend[v]).items():
                bent[v, t] = (value + longest[t] * self.g3[v] * p.move[v]).min(longest[t] * p.bend[v]).upper()
        total, turn, inner = (
            Norms(),
            Norms(),
            Norms(),
        )  # |dz_t|, |d^2 z_t|, |A_t(dP) dh| for a unit change of all weights
        for t in self.order:
            along = {v: full[v, t] * p.gain[v] for v in self.trained if (v, t) in full}
            for v, a in along.items():
                for w, b in along.items():
                    self.second[v, w] += loads[t] * a * b
                if t in self.trained:
                    feed = {u: p.slope[u] * full[v, u] * p.gain[v] for u in total if (v, u) in full}
                    self.second[v, t] += pulls[t] * self._fed(t, feed)
                    self.second[t, v] += pulls[t] * self._fed(t, feed)
            inner[t] = self._fed(t, {u: p.slope[u] * total[u] for u in total})
            total[t] = norm(along.values())
            turn[t] = sum((bent[u, t] * total[u] ** 2 for u in turn if (u, t) in bent), ZERO)
            turn[t] += 2 * norm(full[u, t] * f for u, f in inner.items() if (u, t) in full)
            self.third += 3 * loads[t] * total[t] * turn[t] + twists[t] * total[t] ** 3
        outward = {u: p.bend[u] * total[u] ** 2 + p.slope[u] * turn[u] for u in total}
        self.third += 3 * norm(pulls[t] * self._fed(t, outward) for t in self.order)
