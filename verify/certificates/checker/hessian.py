"""The Hessian itself, summed over the samples, and a lower bound of its eigenvalues. README.md derives the formulas."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import combinations_with_replacement, islice, product
from typing import Any

import numpy as np
from flint import arb, arb_mat, fmpz_mat

from verify.certificates.checker.network import Network, Pass, Vertex
from verify.outcomes import InputError

CHUNK, ROWS = 256, 256
MOST_WEIGHTS, MOST_PRODUCTS = 3000, 2**24
Rows = dict[Any, tuple[list[Any], list[Any]]]


class Trained:
    """The parameters of a vertex: `place` says which coordinate and which datum each of them belongs to.

    The coordinates are the units and the data what feeds them; where a parameter meets several units, the coordinates
    are the parameters, and the only datum is 1.
    """

    def __init__(self, vertex: Vertex) -> None:
        self.vertex = vertex
        widths = {edge.source: edge.width_in for edge in vertex.edges if edge.parameters}
        start = {source: sum(list(widths.values())[:k]) for k, source in enumerate(widths)}
        self.sources, self.terms = list(widths), list[tuple[int, int, str, int]]()  # parameter, unit, source, unit
        for edge in vertex.edges:
            self.terms += [(edge.start + p, o, edge.source, i) for o, p, i, _ in edge.terms if edge.parameters]
        self.row = {p: k for k, p in enumerate(dict.fromkeys(p for p, *_ in self.terms))}
        self.is_shared = len(self.terms) > len(self.row)
        own = {p: (o, start[source] + i) for p, o, source, i in self.terms}
        self.place = {p: (k, 0) for p, k in self.row.items()} if self.is_shared else own
        self.coordinates = len(self.row) if self.is_shared else vertex.width
        self.products = self.coordinates * (1 if self.is_shared else sum(widths.values()))

    def data(self, state: Pass) -> list[Any]:
        """All data of a sample."""
        return [arb(1)] if self.is_shared else [h for source in self.sources for h in state.h[source]]

    def derivatives(self, network: Network, state: Pass) -> tuple[dict[str, Any], dict[str, Any]]:
        """Derivatives of z_t and of h_t by the coordinates, (coordinates, width), by vertex t."""
        own = arb_mat(self.coordinates, self.vertex.width)
        for p, o, source, i in self.terms if self.is_shared else ():
            own[self.row[p], o] += state.h[source][i]
        for k in range(0 if self.is_shared else self.vertex.width):
            own[k, k] = 1
        by_z, by_h = {self.vertex.name: own}, dict[str, Any]()
        for t in network.order:
            edges = zip(t.edges, state.matrices[t.name], strict=True)
            parts = [by_h[edge.source] * matrix for edge, matrix in edges if edge.source in by_h]
            if parts:
                by_z[t.name] = sum(parts[1:], parts[0])
            if t.name in by_z:
                by_h[t.name] = scaled(by_z[t.name], state.g[t.name][1])
        return by_z, by_h


def summed_hessian(network: Network, w: list[Any], x: list[list[float]], y: list[list[float]]) -> Any:
    """Hessian of the sum over samples of 1/2 |h_out - y|^2, (P, P), in the lower triangle."""
    if network.size > MOST_WEIGHTS:
        raise InputError("too many weights for the whole Hessian", weights=network.size, most=MOST_WEIGHTS)
    trained = [Trained(v) for v in network.order if any(edge.parameters for edge in v.edges)]
    for v, t in combinations_with_replacement(trained, 2):
        products = max(len(v.terms), len(t.terms)) * (v.coordinates + t.coordinates), v.products * t.products
        if max(products) > MOST_PRODUCTS:
            raise InputError("too many products for the whole Hessian", products=max(products), most=MOST_PRODUCTS)
    samples, sums = zip(network.forward(w, x, 2), y, strict=True), dict[Any, Any]()
    while chunk := list(islice(samples, CHUNK)):
        rows: Rows = defaultdict(lambda: ([], []))
        for state, targets in chunk:
            _add_rows(rows, network, trained, state, targets)
        for key, (data, derivatives) in rows.items():
            total = arb_mat(data).transpose() * arb_mat(derivatives)
            sums[key] = sums[key] + total if key in sums else total
    matrix = arb_mat(network.size, network.size)
    for k, v in enumerate(trained):
        for t in trained[k:]:
            _place(matrix, v, t, sums)
    return matrix


def _add_rows(rows: Rows, network: Network, trained: list[Trained], state: Pass, y: list[float]) -> None:
    """For every pair of vertices, what one sample adds: products of data, and what they multiply."""
    residual = network.residual(state, y)
    adjoint, pull = network.backward(state, residual)
    bend = {t: [a * g2 for a, g2 in zip(adjoint[t], state.g[t][2], strict=True)] for t in adjoint}
    bend |= {t: [b + g1**2 for b, g1 in zip(bend[t], state.g[t][1], strict=True)] for t in residual}
    found = [(v, v.data(state), *v.derivatives(network, state)) for v in trained]
    for k, (v, data, by_z, by_h) in enumerate(found):
        for t, others, to_z, _ in found[k:]:
            both = [scaled(by_z[s], bend[s]) * to_z[s].transpose() for s in to_z if s in by_z]
            curved = sum(both[1:], both[0]) if both else arb_mat(v.coordinates, t.coordinates)
            first, second = rows["curved", v.vertex.name, t.vertex.name]
            first.append([a * b for a, b in _pairs(data, others, v is t)])
            second.append([curved[a, b] for a, b in _pairs(range(v.coordinates), range(t.coordinates), v is t)])
            if v is not t:
                cross = [[arb(0)] * v.coordinates for _ in t.row]
                for p, o, source, i in t.terms:
                    if source in by_h:
                        old, factor, h = cross[t.row[p]], pull[t.vertex.name][o], by_h[source]
                        cross[t.row[p]] = [old[a] + factor * h[a, i] for a in range(v.coordinates)]
                first, second = rows["cross", v.vertex.name, t.vertex.name]
                first.append(data)
                second.append([entry for row in cross for entry in row])


def _place(matrix: Any, v: Trained, t: Trained, sums: dict[Any, Any]) -> None:
    """Put the sums of one pair of vertices where their parameters are."""
    names = v.vertex.name, t.vertex.name
    curved, cross = sums["curved", *names].tolist(), sums["cross", *names].tolist() if v is not t else []
    data = [max(place[1] for place in part.place.values()) + 1 for part in (v, t)]
    rows = _numbered(range(data[0]), range(data[1]), v is t)
    columns = _numbered(range(v.coordinates), range(t.coordinates), v is t)
    for q, (b, i) in v.place.items():
        for p, (a, j) in t.place.items():
            if v is t and q <= p:
                matrix[p, q] = curved[rows[i, j]][columns[b, a]]
            elif v is not t:
                total = curved[rows[i, j]][columns[b, a]] + cross[i][t.row[p] * v.coordinates + b]
                matrix[max(p, q), min(p, q)] = total


def least_eigenvalue(matrix: Any, sign: int, guess: float) -> Any:
    """Lower bound of the eigenvalues of sign times a symmetric matrix (its lower triangle), best if a bit above guess.

    For every F: sign M = s I + F F' + D has no eigenvalue below s - |D|. F is computed in float64, believed in nothing
    and cut to integers over 2^k, whose products are exact; s exceeds the guess by what its rounding needs.
    """
    n = matrix.nrows()
    rough = np.array([[sign * float(entry) for entry in row] for row in matrix.tolist()])  # its lower triangle is read
    shift = guess + (n + 10) * 2.0**-52 * (np.abs(np.diag(rough)).sum() + n * abs(guess))
    rough -= shift * np.eye(n)
    try:
        factor = np.linalg.cholesky(np.asarray_chkfinite(rough))
    except ValueError:  # not finite, or (LinAlgError) not positive definite
        return arb("-inf")
    digits = 52 - int(np.frexp(np.abs(factor).max())[1])
    whole = [list(map(int, row)) for row in np.ldexp(factor, digits).tolist()]
    others, square, unit = fmpz_mat(whole).transpose(), arb(0), arb(2) ** (-2 * digits)
    for start in range(0, n, ROWS):
        product = (fmpz_mat(whole[start : start + ROWS]) * others).tolist()
        for p, row in enumerate(product, start):
            for q, entry in enumerate(row[: p + 1]):
                off = sign * matrix[p, q] - unit * entry - (arb(shift) if p == q else 0)
                square += off * off * (1 if p == q else 2)
    return (arb(shift) - square.upper().sqrt()).lower()


def spectral_norm(matrix: Any) -> Any:
    """Upper bound of the norm of a symmetric matrix (its lower triangle): both ends of its spectrum."""
    rough = np.array([[float(entry) for entry in row] for row in matrix.tolist()])
    try:
        ends = np.linalg.eigvalsh(np.asarray_chkfinite(rough))
    except ValueError:  # not finite, or (LinAlgError) not found
        return arb("inf")
    below = 2.0**-24 * float(np.abs(ends).max())
    least, most = (least_eigenvalue(matrix, sign, min(sign * ends) - below) for sign in (1, -1))
    return -least.min(most)


def scaled(matrix: Any, factors: list[Any]) -> Any:
    """The matrix with column k multiplied by factors[k]."""
    return arb_mat([[a * b for a, b in zip(row, factors, strict=True)] for row in matrix.tolist()])


def _pairs(one: Sequence[Any], other: Sequence[Any], same: bool) -> Any:
    """All pairs; of one sequence with itself, each unordered pair once."""
    return combinations_with_replacement(one, 2) if same else product(one, other)


def _numbered(one: Sequence[int], other: Sequence[int], same: bool) -> dict[tuple[int, int], int]:
    numbers = {pair: k for k, pair in enumerate(_pairs(one, other, same))}
    return numbers | {(j, i): k for (i, j), k in numbers.items()} if same else numbers
