"""The linear maps on the edges of a network, each written out as its terms."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Any

from flint import arb, arb_mat

from verify.certificates.checker.functions import rational
from verify.outcomes import InputError

Term = tuple[int, int, int, Fraction]
"""(out, parameter or -1, in, c): adds c * theta[parameter] * h[in] to z[out]."""

Shape = tuple[int, int, int] | None
MOST_TERMS = 10**7


@dataclass
class Edge:
    """z += A(theta) h, given by its terms; parameters p with the same p // row serve the same outputs."""

    source: str
    width_in: int
    width_out: int
    terms: list[Term]
    parameters: int = 0
    row: int = 1
    start: int = 0

    def transposed(self, theta: list[Any]) -> Any:
        """A(theta)^T, (in, out)."""
        matrix = arb_mat(self.width_in, self.width_out)
        for out, parameter, source, c in self.terms:
            matrix[source, out] += rational(c) * (theta[self.start + parameter] if parameter >= 0 else 1)
        return matrix

    def gradient(self, h: Any, delta: Any) -> list[Any]:
        """Gradient of the parameters from h (n, in) and the adjoint of z (n, out)."""
        products = h.transpose() * delta
        result = [arb(0)] * self.parameters
        for out, parameter, source, _ in self.terms if self.parameters else []:
            result[parameter] += products[source, out]
        return result

    def overlap_squared(self) -> int:
        """s^2 with |A(theta) h|^2 <= s^2 |theta|^2 |h|^2.

        An output uses each parameter of one row at most once, with c = 1. By Cauchy-Schwarz its square is at most
        |theta_row|^2 times the sum of h_i^2 over its terms; s^2 counts how often one h_i meets one row.
        """
        return (
            max(Counter((p // self.row, source) for _, p, source, _ in self.terms).values()) if self.parameters else 0
        )


def read_edge(data: dict[str, Any], widths: tuple[int, int], shapes: tuple[Shape, Shape], where: str) -> Edge:
    """Read the edge between vertices of these widths and shapes and write out what its kind means."""
    kind, (m, n) = data.get("kind"), widths
    if kind not in _KEYS or not _KEYS[kind] >= set(data) - {"from", "kind"}:
        raise InputError("unknown kind of edge, or unknown keys", where=where, edge=data)
    name = data["from"]
    if kind == "dense":
        _limit(m * n, where)
        terms = [(o, o * m + i, i, Fraction(1)) for o in range(n) for i in range(m)]
        return Edge(name, m, n, terms, parameters=m * n, row=m)
    if kind in ("conv2d", "avgpool2d"):
        return _window_edge(data, widths, shapes, where)
    offset = data.get("offset", 0)
    if type(offset) is not int or not 0 <= offset <= n - m or (kind != "concat" and n != m):
        raise InputError("widths do not fit", where=where, source=m, target=n, offset=offset)
    return Edge(name, m, n, [(offset + i, -1, i, Fraction(1)) for i in range(m)])


def _window_edge(data: dict[str, Any], widths: tuple[int, int], shapes: tuple[Shape, Shape], where: str) -> Edge:
    (c_in, h_in, w_in), (c_out, h_out, w_out) = shapes[0] or (0, 0, 0), shapes[1] or (0, 0, 0)
    pooling = data["kind"] == "avgpool2d"
    high, wide = _pair(data.get("kernel"), where)
    s, t = _pair(data.get("stride", [high, wide] if pooling else 1), where)
    p, q = _pair(data.get("padding", 0), where, least=0)
    fits = [(h_in + 2 * p - high) // s + 1, (w_in + 2 * q - wide) // t + 1] == [h_out, w_out]
    if not fits or not c_in or (pooling and c_in != c_out) or data.get("channels", c_out) != c_out:
        raise InputError("shapes do not fit", where=where, source=shapes[0], target=shapes[1])
    places = list(product(range(1 if pooling else c_in), range(high), range(wide)))
    _limit(widths[1] * len(places), where)
    weight, terms = Fraction(1, high * wide) if pooling else Fraction(1), []
    for out, (c, i, j) in enumerate(product(range(c_out), range(h_out), range(w_out))):
        for place, (channel, a, b) in enumerate(places):
            y, x, plane = i * s + a - p, j * t + b - q, c if pooling else channel
            if 0 <= y < h_in and 0 <= x < w_in:
                parameter = -1 if pooling else c * len(places) + place
                terms.append((out, parameter, (plane * h_in + y) * w_in + x, weight))
    parameters = 0 if pooling else c_out * len(places)
    return Edge(data["from"], *widths, terms, parameters, row=len(places))


_KEYS: dict[Any, set[str]] = {
    "dense": set(),
    "identity": set(),
    "flatten": set(),
    "concat": {"offset"},
    "conv2d": {"channels", "kernel", "stride", "padding"},
    "avgpool2d": {"kernel", "stride"},
}


def _limit(terms: int, where: str) -> None:
    if terms > MOST_TERMS:
        raise InputError("edge is too large for the checker", where=where, terms=terms, limit=MOST_TERMS)


def _pair(value: Any, where: str, least: int = 1) -> tuple[int, int]:
    pair = [value, value] if isinstance(value, int) else value
    if not isinstance(pair, list) or len(pair) != 2 or not all(type(v) is int and least <= v < 10**4 for v in pair):
        raise InputError("expected one or two integers", where=where, value=value)
    return pair[0], pair[1]
