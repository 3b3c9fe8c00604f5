"""An upper bound of ||Hess E|| over a region, in Arb, from block norms.

For one sample and any weights of the region |P_v - P_v(c)| <= r_v (P_v: the parameters of vertex v, c: the centre):

* a_v >= |h_v| (`size`), and k_v = sqrt(sum over trainable edges s_e^2 a_u^2 + repeats of a bias entry) (`gain`), so
  that a change dP_v alone changes z_v by at most k_v |dP_v|;
* move_v: a linear form in the |P_u - P_u(c)| that bounds |z_v - z_v(c)|, from
  z - z(c) = sum of A(theta(c)) (h - h(c)) + A(theta - theta(c)) h + (b - b(c));
* g1_v, g2_v >= |g'|, |g''| at every unit of v (`slope`, `bend`), by the mean value theorem from the centre;
* Z_tv >= ||dz_t/dz_v||, with ||A_e|| <= ||A_e(theta(c))|| + s_e r_t;
* adj_v >= |dE/dh_v|.

The second derivative of the sample's error along (dP, dP') is <dy, dy'> + sum over v of <dE/dh_v, g'' z' z''> and of
<dE/dz_v, A(dP_v) dh' + A(dP'_v) dh>, hence bounded by a matrix in the block norms. The mean of these
matrices over samples is a nonnegative symmetric matrix; its largest eigenvalue bounds ||Hess||.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flint import arb

from verify.certificates.checker.functions import derivative_suprema
from verify.certificates.checker.network import Network, Pass, Vertex
from verify.outcomes import InputError

_SQUARINGS = 9


@dataclass
class Region:
    """Centre (P,) and one radius per vertex; `joint`: all together within the radius, not only each."""

    centre: list[Any]
    radius: dict[str, Any]
    joint: bool

    def reach(self, coefficients: dict[str, Any]) -> Any:
        """Largest value of the sum of c_v |P_v - P_v(c)| over the region."""
        if self.joint:
            squares = sum((c * c for c in coefficients.values()), arb(0))
            return (squares.sqrt() * next(iter(self.radius.values()))).upper()
        return sum((c * self.radius[v] for v, c in coefficients.items()), arb(0)).upper()


@dataclass
class Facts:
    """Bounds for one vertex and sample over the whole region, named as in the module's text."""

    size: Any
    gain: Any
    move: dict[str, Any]
    slope: Any
    bend: Any
    shift: Any


class Curvature:
    """Sums the sample matrices of a network over its data."""

    def __init__(self, network: Network, region: Region) -> None:
        self.network, self.region = network, region
        self.trained = [v.name for v in network.order if v.bias or any(e.parameters for e in v.edges)]
        for vertex in network.order:
            if vertex.function is None or not vertex.function.is_smooth():
                raise InputError("activation has no second derivative", where=f"vertex {vertex.name}")
        edges = {(v.name, i): edge for v in network.order for i, edge in enumerate(v.edges)}
        self.norm = {key: norm_upper(edge.transposed(region.centre)) for key, edge in edges.items()}
        self.overlap = {key: arb(edge.overlap_squared()).sqrt().upper() for key, edge in edges.items()}
        self.reached = {key: norm + self.overlap[key] * region.radius[key[0]] for key, norm in self.norm.items()}

    def bound(self, x: list[list[float]], y: list[list[float]]) -> Any:
        """Upper bound of the norm of the Hessian of the sum over samples of 1/2 |h_out - y|^2."""
        size = len(self.trained)
        total = [[arb(0)] * size for _ in range(size)]
        for state in self.network.forward(self.region.centre, x, order=2):
            facts: dict[str, list[Facts]] = {}
            for name in self.network.inputs:
                sizes = [row_norm(state.h[name], r) for r in range(state.rows)]
                facts[name] = [Facts(size, arb(0), {}, arb(0), arb(0), arb(0)) for size in sizes]
            for vertex in self.network.order:
                facts[vertex.name] = self._facts(vertex, state, facts)
            residual = self.network.residual(state, y)
            for r in range(state.rows):
                here = {name: rows[r] for name, rows in facts.items()}
                errors = {name: row_norm(matrix, r) for name, matrix in residual.items()}
                self._add_sample(total, here, self._jacobian(here), self._adjoint(here, errors))
        return largest_eigenvalue_upper(total)

    def _facts(self, vertex: Vertex, state: Pass, known: dict[str, list[Facts]]) -> list[Facts]:
        reached = []
        for r in range(state.rows):
            squares, move = arb(vertex.repeats), dict[str, Any]()
            for i, edge in enumerate(vertex.edges):
                source, norm = known[edge.source][r], self.norm[vertex.name, i]
                squares += (self.overlap[vertex.name, i] * source.size) ** 2
                for name, c in source.move.items():
                    move[name] = move.get(name, arb(0)) + norm * source.slope * c
            gain = squares.sqrt().upper()
            move |= {vertex.name: gain} if vertex.name in self.trained else {}
            reached.append((gain, move, self.region.reach(move)))
        entries, furthest = state.z[vertex.name].entries(), largest([reach for _, _, reach in reached])
        lower, upper = -(largest([-z for z in entries]) + furthest).upper(), (largest(entries) + furthest).upper()
        g0, g1, g2, g3 = derivative_suprema(vertex.function, lower, upper, 3)  # type: ignore[arg-type]
        cap, result = g0 * arb(vertex.width).sqrt(), []
        for r, (gain, move, reach) in enumerate(reached):
            slope = (row_max(state.g[vertex.name][1], r) + g2 * reach).min(g1).upper()
            bend = (row_max(state.g[vertex.name][2], r) + g3 * reach).min(g2).upper()
            size = (row_norm(state.h[vertex.name], r) + slope * reach).min(cap).upper()
            result.append(Facts(size, gain, move, slope, bend, (slope * reach).upper()))
        return result

    def _jacobian(self, here: dict[str, Facts]) -> dict[tuple[str, str], Any]:
        """Z_tv for every pair with a path from v to t, v with parameters."""
        result: dict[tuple[str, str], Any] = {}
        for target in self.network.order:
            for i, edge in enumerate(target.edges):
                for v in self.trained:
                    if (edge.source, v) in result:
                        step = self.reached[target.name, i] * here[edge.source].slope * result[edge.source, v]
                        result[target.name, v] = result.get((target.name, v), arb(0)) + step
            result[target.name, target.name] = arb(1)
        return result

    def _adjoint(self, here: dict[str, Facts], errors: dict[str, Any]) -> dict[str, Any]:
        """|dE/dh_v| for every vertex."""
        result = dict.fromkeys(here, arb(0))
        for vertex in reversed(self.network.order):
            name = vertex.name
            if name in errors:
                result[name] += errors[name] + here[name].shift
            for i, edge in enumerate(vertex.edges):
                result[edge.source] += self.reached[name, i] * here[name].slope * result[name]
        return result

    def _add_sample(
        self,
        total: list[list[Any]],
        here: dict[str, Facts],
        jacobian: dict[tuple[str, str], Any],
        adjoint: dict[str, Any],
    ) -> None:
        gain = [here[name].gain for name in self.trained]
        for vertex in self.network.order:
            name, fact = vertex.name, here[vertex.name]
            along = [jacobian.get((name, v), arb(0)) * g for v, g in zip(self.trained, gain, strict=True)]
            weight = adjoint[name] * fact.bend + (fact.slope**2 if name in self.network.outputs else 0)
            for a, first in enumerate(along):
                for b, second in enumerate(along):
                    total[a][b] += weight * first * second
            if name not in self.trained:
                continue
            row = self.trained.index(name)
            for b, v in enumerate(self.trained):
                squares = arb(0)
                for i, edge in enumerate(vertex.edges):
                    if (edge.source, v) in jacobian:
                        moved = here[edge.source].slope * jacobian[edge.source, v]
                        squares += (self.overlap[name, i] * moved) ** 2
                mixed = fact.slope * adjoint[name] * squares.sqrt() * gain[b]
                total[row][b] += mixed
                total[b][row] += mixed


def norm_upper(matrix: Any) -> Any:
    """Upper bound of the spectral norm: trace((A^T A)^m)^(1/2m) with m a power of two, scaled on the way."""
    scale = largest([abs(entry) for entry in matrix.entries()])
    if scale == 0:
        return arb(0)
    tall = matrix.nrows() > matrix.ncols()
    gram = (matrix.transpose() * matrix if tall else matrix * matrix.transpose()) * (1 / (scale * scale))
    logarithm, power = arb(0), 1
    for _ in range(_SQUARINGS):
        trace = gram.trace()
        logarithm += trace.log() / power
        gram = gram * (1 / trace)
        gram, power = gram * gram, power * 2
    logarithm += gram.trace().log() / power
    return largest([scale * (logarithm / 2).exp()])


def largest_eigenvalue_upper(matrix: list[list[Any]]) -> Any:
    """Upper bound for a nonnegative symmetric matrix: max (M x)_i / x_i for any positive x (Collatz-Wielandt)."""
    rows = [[float(entry.upper()) for entry in row] for row in matrix]
    x = [1.0] * len(rows)
    for _ in range(200):
        y = [sum(a * b for a, b in zip(row, x, strict=True)) for row in rows]
        if not 0 < max(y) < float("inf"):
            break
        x = [0.5 * old + 0.5 * max(new / max(y), 1e-9) for old, new in zip(x, y, strict=True)]
    quotients = [
        sum((a * arb(b) for a, b in zip(row, x, strict=True)), arb(0)) / arb(xi)
        for row, xi in zip(matrix, x, strict=True)
    ]
    return largest(quotients)


def largest(values: list[Any]) -> Any:
    """Largest upper end of some balls, all of which must be finite."""
    for value in values:
        if not value.is_finite():
            raise InputError("a bound is not finite", value=str(value))
    result = values[0].upper()
    for value in values[1:]:
        result = result.max(value.upper()).upper()
    return result


def row_norm(matrix: Any, r: int) -> Any:
    """Upper bound of the Euclidean norm of a row."""
    return sum((matrix[r, j] ** 2 for j in range(matrix.ncols())), arb(0)).sqrt().upper()


def row_max(matrix: Any, r: int) -> Any:
    """Upper bound of the largest absolute entry of a row."""
    return largest([abs(matrix[r, j]) for j in range(matrix.ncols())])
