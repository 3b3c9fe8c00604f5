"""An upper bound of ||Hess E|| over a region, in Arb, from block norms.

For one sample and any weights of the region |P_v - P_v(c)| <= r_v (P_v: the parameters of vertex v, c: the centre):

* a_v >= |h_v|, and k_v = sqrt(sum over trainable edges s_e^2 a_u^2 + repeats of a bias entry), so that the
  parameters move z_v by at most k_v |dP_v|;
* move_v: a linear form in the |P_u - P_u(c)| that bounds |z_v - z_v(c)|, from
  z - z(c) = sum of A(theta(c)) (h - h(c)) + A(theta - theta(c)) h + (b - b(c));
* g1_v, g2_v >= |g'|, |g''| at every unit of v;
* Z_tv >= ||dz_t/dz_v||, with ||A_e|| <= ||A_e(theta(c))|| + s_e r_t;
* adj_v >= |dE/dh_v|.

The second derivative of the sample's error along (dP, dP') is <dy, dy'> + sum over v of <dE/dh_v, g'' z' z''> and of
<dE/dz_v, A(dP_v) dh' + A(dP'_v) dh>, hence bounded by the matrix `sample_matrix` in the block norms. The mean of these
matrices over samples is a nonnegative symmetric matrix; its largest eigenvalue bounds ||Hess||.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flint import arb

from verify.certificates.checker.functions import derivative_suprema, rational
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


def norm_upper(matrix: Any) -> Any:
    """Upper bound of the spectral norm: trace((A^T A)^m)^(1/2m) with m a power of two, rows scaled to 1."""
    scale = max((abs(v).upper() for v in matrix.entries()), default=arb(0))
    if not scale > 0:
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
    return (scale * (logarithm / 2).exp()).upper()


def largest_eigenvalue_upper(matrix: list[list[Any]]) -> Any:
    """Upper bound for a nonnegative symmetric matrix: max (M x)_i / x_i for any positive x (Collatz-Wielandt)."""
    n = len(matrix)
    rows = [[float(entry.upper()) for entry in row] for row in matrix]
    x = [1.0] * n
    for _ in range(200):
        y = [sum(a * b for a, b in zip(row, x, strict=True)) for row in rows]
        top = max(y)
        if not 0 < top < float("inf"):
            break
        x = [0.5 * old + 0.5 * max(new / top, 1e-9) for old, new in zip(x, y, strict=True)]
    quotients = [
        sum((a * arb(b) for a, b in zip(row, x, strict=True)), arb(0)) / arb(xi)
        for row, xi in zip(matrix, x, strict=True)
    ]
    return largest(quotients)


def largest(values: list[Any]) -> Any:
    """Largest upper end of some balls, all of which must be finite."""
    result = arb(0)
    for value in values:
        if not value.is_finite():
            raise InputError("a bound is not finite", value=str(value))
        result = result.max(value.upper())
    return result.upper()


@dataclass
class Spread:
    """Per vertex and sample, bounds over the whole region; names as in the module's text."""

    size: dict[str, list[Any]] = field(default_factory=dict)
    gain: dict[str, list[Any]] = field(default_factory=dict)
    move: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    slope: dict[str, list[Any]] = field(default_factory=dict)
    bend: dict[str, list[Any]] = field(default_factory=dict)
    shift: dict[str, list[Any]] = field(default_factory=dict)


class Curvature:
    """Sums the sample matrices of a network over its data."""

    def __init__(self, network: Network, region: Region) -> None:
        self.network, self.region = network, region
        self.trained = [v.name for v in network.order if v.bias or any(e.parameters for e in v.edges)]
        for vertex in network.order:
            if vertex.function is None or not vertex.function.is_smooth():
                raise InputError("activation has no second derivative", where=f"vertex {vertex.name}")
        self._norm: dict[tuple[str, int], Any] = {}
        self._overlap: dict[tuple[str, int], Any] = {}
        for vertex in network.order:
            for i, edge in enumerate(vertex.edges):
                self._norm[vertex.name, i] = norm_upper(edge.transposed(region.centre))
                squared = edge.overlap_squared() if edge.parameters else 0
                self._overlap[vertex.name, i] = rational(squared).sqrt().upper()

    def bound(self, x: list[list[float]], y: list[list[float]]) -> Any:
        """Upper bound of the norm of the Hessian of the sum over samples of 1/2 |h_out - y|^2."""
        size = len(self.trained)
        total = [[arb(0)] * size for _ in range(size)]
        for state in self.network.forward(self.region.centre, x, order=2):
            residual = self.network.residual(state, y)
            spread = self._spread(state)
            for sample in range(state.rows):
                errors = {name: row_norm(matrix, sample) for name, matrix in residual.items()}
                self._add_sample_matrix(total, spread, errors, sample)
        return largest_eigenvalue_upper(total)

    def _spread(self, state: Pass) -> Spread:
        spread = Spread({name: [row_norm(h, r) for r in range(state.rows)] for name, h in state.h.items()})
        for vertex in self.network.order:
            spread.gain[vertex.name] = [self._gain(vertex, spread, r) for r in range(state.rows)]
            spread.move[vertex.name] = [self._move(vertex, spread, r) for r in range(state.rows)]
            reach = [self.region.reach(move) for move in spread.move[vertex.name]]
            self._bound_activation(vertex, state, spread, reach)
        return spread

    def _gain(self, vertex: Vertex, spread: Spread, r: int) -> Any:
        squares = arb(vertex.repeats)
        for i, edge in enumerate(vertex.edges):
            squares += (self._overlap[vertex.name, i] * spread.size[edge.source][r]) ** 2
        return squares.sqrt().upper()

    def _move(self, vertex: Vertex, spread: Spread, r: int) -> dict[str, Any]:
        move = {vertex.name: spread.gain[vertex.name][r]} if vertex.name in self.trained else {}
        for i, edge in enumerate(vertex.edges):
            if edge.source in spread.move:
                factor = self._norm[vertex.name, i] * spread.slope[edge.source][r]
                for name, c in spread.move[edge.source][r].items():
                    move[name] = move.get(name, arb(0)) + factor * c
        return move

    def _bound_activation(self, vertex: Vertex, state: Pass, spread: Spread, reach: list[Any]) -> None:
        entries = state.z[vertex.name].entries()
        furthest = largest(reach)
        lower = -(largest_signed([-entry for entry in entries]) + furthest).upper()
        upper = (largest_signed(entries) + furthest).upper()
        suprema = derivative_suprema(vertex.function, lower, upper, 3)  # type: ignore[arg-type]
        _, g1, g2 = state.g[vertex.name]
        slope = [(row_max(g1, r) + suprema[2] * reach[r]).min(suprema[1]).upper() for r in range(state.rows)]
        shift = [(slope[r] * reach[r]).upper() for r in range(state.rows)]
        cap = suprema[0] * arb(vertex.width).sqrt()
        spread.slope[vertex.name], spread.shift[vertex.name] = slope, shift
        spread.bend[vertex.name] = [
            (row_max(g2, r) + suprema[3] * reach[r]).min(suprema[2]).upper() for r in range(state.rows)
        ]
        spread.size[vertex.name] = [
            (size + moved).min(cap).upper() for size, moved in zip(spread.size[vertex.name], shift, strict=True)
        ]

    def _operator_norm(self, vertex: Vertex, i: int) -> Any:
        """||A_e(theta)|| over the region."""
        radius = self.region.radius.get(vertex.name, arb(0))
        return self._norm[vertex.name, i] + self._overlap[vertex.name, i] * radius

    def _add_sample_matrix(self, total: list[list[Any]], spread: Spread, errors: dict[str, Any], r: int) -> None:
        jacobian = self._jacobian(spread, r)
        adjoint = self._adjoint(spread, errors, r)
        zero, trained = arb(0), self.trained
        gain = [spread.gain[name][r] for name in trained]
        for vertex in self.network.order:
            name, slope = vertex.name, spread.slope[vertex.name][r]
            along = [jacobian.get((name, v), zero) * g for v, g in zip(trained, gain, strict=True)]
            weight = adjoint[name] * spread.bend[name][r]
            if name in self.network.outputs:
                weight += slope * slope
            for a, first in enumerate(along):
                for b, second in enumerate(along):
                    total[a][b] += weight * first * second
            if name not in trained:
                continue
            row = trained.index(name)
            for b, v in enumerate(trained):
                squares = zero
                for i, edge in enumerate(vertex.edges):
                    if (edge.source, v) in jacobian:
                        moved = spread.slope[edge.source][r] * jacobian[edge.source, v]
                        squares += (self._overlap[name, i] * moved) ** 2
                mixed = slope * adjoint[name] * squares.sqrt() * gain[b]
                total[row][b] += mixed
                total[b][row] += mixed

    def _jacobian(self, spread: Spread, r: int) -> dict[tuple[str, str], Any]:
        """Z_tv for every pair with a path from v to t."""
        result: dict[tuple[str, str], Any] = {}
        for target in self.network.order:
            for i, edge in enumerate(target.edges):
                for v in self.network.order:
                    if (edge.source, v.name) in result:
                        step = self._operator_norm(target, i) * spread.slope[edge.source][r]
                        old = result.get((target.name, v.name), arb(0))
                        result[target.name, v.name] = old + step * result[edge.source, v.name]
            result[target.name, target.name] = arb(1)
        return result

    def _adjoint(self, spread: Spread, errors: dict[str, Any], r: int) -> dict[str, Any]:
        """|dE/dh_v| for every vertex."""
        result = {vertex.name: arb(0) for vertex in self.network.order}
        for vertex in reversed(self.network.order):
            if vertex.name in errors:
                result[vertex.name] += errors[vertex.name] + spread.shift[vertex.name][r]
            for i, edge in enumerate(vertex.edges):
                if edge.source in result:
                    step = self._operator_norm(vertex, i) * spread.slope[vertex.name][r]
                    result[edge.source] += step * result[vertex.name]
        return result


def row_norm(matrix: Any, r: int) -> Any:
    """Upper bound of the Euclidean norm of a row."""
    return sum((matrix[r, j] ** 2 for j in range(matrix.ncols())), arb(0)).sqrt().upper()


def row_max(matrix: Any, r: int) -> Any:
    """Upper bound of the largest absolute entry of a row."""
    return largest([abs(matrix[r, j]) for j in range(matrix.ncols())])


def largest_signed(values: list[Any]) -> Any:
    """Upper bound of the largest of some finite balls, of either sign."""
    result = values[0].upper()
    for value in values:
        if not value.is_finite():
            raise InputError("a bound is not finite", value=str(value))
        result = result.max(value.upper()).upper()
    return result
