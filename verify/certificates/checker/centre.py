"""What is exact at the centre: the Jacobians of every sample, and the Hessian of the error summed over the samples.

A stack holds one matrix (width of v, width of t) per sample, one below the other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flint import arb, arb_mat, fmpz_mat

from verify.certificates.checker.functions import largest
from verify.certificates.checker.network import Network, Pass, Vertex

_BITS = 20


class Stacks:
    """One chunk of samples: stacks of dz_t/dh_v (`outer`), dz_t/dz_v (`full`) and dh_t/dz_v (`heads`)."""

    def __init__(self, network: Network, state: Pass, adjoint: dict[str, tuple[Any, Any]]) -> None:
        self.network, self.state, self.adjoint, self.n = network, state, adjoint, len(state.rows)
        self.outer: dict[tuple[str, str], Any] = {}
        self.full, self.heads = dict(self.outer), dict(self.outer)
        for k, v in enumerate(network.order):
            one = arb_mat(self.n * v.width, v.width, [i == j for i in range(v.width) for j in range(v.width)] * self.n)
            reached, slope = {v.name: one}, state.g[v.name][1].entries()
            self.full[v.name, v.name], self.heads[v.name, v.name] = one, times(one, slope, v.width)
            for t in network.order[k + 1 :]:
                edges = [(e.source, state.matrices[t.name, i]) for i, e in enumerate(t.edges) if e.source in reached]
                if edges:
                    z = sum((reached[source] * matrix for source, matrix in edges), arb_mat(one.nrows(), t.width))
                    reached[t.name] = times(z, repeated(state.g[t.name][1], v.width), 1)
                    self.outer[v.name, t.name], self.full[v.name, t.name] = z, times(z, slope, t.width)
                    self.heads[v.name, t.name] = times(reached[t.name], slope, t.width)

    def add_hessian(self, sums: dict[tuple[str, str, int, int, int], Any]) -> None:
        """Add the second derivatives by the injections A(dP) h of two edges, e into v and f into w.

        The first matrix, (units of v, w) by (inputs of e, f), is that of <i_v, Q_vw i_w>, the second one, (unit of v,
        input of f) by (input of e, unit of w), that of <dE/dz_w, A_f(dP) dh>, where the source of f lies behind v.
        """
        for k, v in enumerate(self.network.order):
            for w in self.network.order[k:]:
                mixed = self._mixed(v, w).transpose()
                for i, e in enumerate(v.edges):
                    for j, f in enumerate(w.edges):
                        if not (e.parameters and f.parameters):
                            continue
                        h, key = self.state.h[e.source], (v.name, w.name, i, j)
                        parts = [mixed * outer(h, self.state.h[f.source])]
                        if (v.name, f.source) in self.heads:
                            head = self.heads[v.name, f.source].entries()
                            head = arb_mat(self.n, v.width * f.width_in, head).transpose()
                            parts.append(head * outer(h, self.adjoint[w.name][1]))
                        for part, matrix in enumerate(parts):
                            sums[*key, part] = sums[*key, part] + matrix if (*key, part) in sums else matrix

    def _mixed(self, v: Vertex, w: Vertex) -> Any:
        """Q_vw = sum over q of (dz_q/dz_v)^T diag(phi_q'') dz_q/dz_w of every sample, (n, units of v and w)."""
        total = arb_mat(self.n, v.width * w.width)
        for q in self.network.order:
            if (v.name, q.name) in self.full and (w.name, q.name) in self.full:
                _, slope, bend = self.state.g[q.name]
                weight = times(bend, self.adjoint[q.name][0].entries(), 1)
                weight += (
                    times(slope, slope.entries(), 1) if q.name in self.network.outputs else arb_mat(self.n, q.width)
                )
                left = times(self.full[v.name, q.name], repeated(weight, v.width), 1).entries()
                right, rows = self.full[w.name, q.name].entries(), []
                for r in range(self.n):
                    a, b = (
                        arb_mat(u.width, q.width, x[r * u.width * q.width : (r + 1) * u.width * q.width])
                        for u, x in ((v, left), (w, right))
                    )
                    rows.append((a * b.transpose()).entries())
                total += arb_mat(rows)
        return total


def block_norms(network: Network, sums: dict[tuple[str, str, int, int, int], Any]) -> dict[tuple[str, str], Any]:
    """Upper bounds of the norms of the blocks of the Hessian, by pairs of vertices, from what `add_hessian` summed."""
    result = {}
    trained = [v for v in network.order if any(e.parameters for e in v.edges)]
    for k, v in enumerate(trained):
        for w in trained[k:]:
            first, second = v.edges[0].start, w.edges[0].start
            matrix = arb_mat(sum(e.parameters for e in v.edges), sum(f.parameters for f in w.edges))
            for i, e in enumerate(v.edges):
                for j, f in enumerate(w.edges):
                    if not (e.parameters and f.parameters):
                        continue
                    plain, skip = sums[v.name, w.name, i, j, 0], sums.get((v.name, w.name, i, j, 1))
                    for a, p, x, _ in e.terms:
                        for b, q, y, _ in f.terms:
                            value = plain[a * w.width + b, x * f.width_in + y]
                            value += 0 if skip is None else skip[a * f.width_in + y, x * w.width + b]
                            matrix[e.start + p - first, f.start + q - second] += value
            result[v.name, w.name] = result[w.name, v.name] = norm_upper(matrix.entries(), matrix.ncols(), 1)
    return result


def times(matrix: Any, factors: list[Any], width: int) -> Any:
    """Multiply every entry by its factor; each factor serves `width` entries in a row."""
    spread = (factor for factor in factors for _ in range(width))
    return arb_mat(matrix.nrows(), matrix.ncols(), [a * b for a, b in zip(matrix.entries(), spread, strict=True)])


def repeated(matrix: Any, count: int) -> list[Any]:
    """Entries of a matrix in which every row stands `count` times."""
    return [entry for row in matrix.tolist() for _ in range(count) for entry in row]


def outer(a: Any, b: Any) -> Any:
    """Outer products of the rows of two matrices."""
    return arb_mat([[x * y for x in left for y in right] for left, right in zip(a.tolist(), b.tolist(), strict=True)])


def norm(values: Iterable[Any]) -> Any:
    """Upper bound of the Euclidean norm."""
    return sum((value * value for value in values), arb(0)).upper().sqrt().upper()


def norm_upper(entries: list[Any], width: int, squarings: int = 2) -> Any:
    """Upper bound of the spectral norm of a matrix: trace((N^T N)^m)^(1/2m) for integers N near a multiple of it."""
    scale = largest([abs(entry) for entry in entries])
    if scale == 0:
        return arb(0)
    unit = scale / 2**_BITS
    near = [int(float((entry / unit).mid())) for entry in entries]
    error = norm(entry - n * unit for entry, n in zip(entries, near, strict=True))
    power = fmpz_mat(len(entries) // width, width, near)
    power = power.transpose() * power if power.nrows() > width else power * power.transpose()
    for _ in range(squarings):
        power = power * power
    root = arb(sum(int(entry) ** 2 for entry in power.entries()))
    for _ in range(squarings + 2):
        root = root.sqrt()
    return (root * unit + error).upper()


def largest_eigenvalue_upper(matrix: list[list[Any]]) -> Any:
    """Upper bound for a nonnegative symmetric matrix: max (M x)_i / x_i for any positive x (Collatz-Wielandt)."""
    rows = [[float(entry.upper()) for entry in row] for row in matrix]
    x = [1.0] * len(rows)
    for _ in range(200):
        y = [sum(a * b for a, b in zip(row, x, strict=True)) for row in rows]
        if not 0 < max(y) < float("inf"):
            break
        x = [0.5 * old + 0.5 * max(new / max(y), 1e-9) for old, new in zip(x, y, strict=True)]
    return largest(
        [sum((a * b for a, b in zip(row, x, strict=True)), arb(0)) / c for row, c in zip(matrix, x, strict=True)]
    )
