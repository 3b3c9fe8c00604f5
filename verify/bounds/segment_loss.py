"""What the Taylor models of the outputs say of half the squared error of a chunk of samples.

With residuals ``e(t) = e0 + y1 t + y2 t^2 + rho t^3``, rho in m +- r, half their squared norm changes by

    t e0.y1 + t^2 (e0.y2 + |y1|^2/2) + t^3 p(t),
    p = e0.rho + y1.y2 + t (|y2|^2/2 + y1.rho) + t^2 y2.rho + t^3 |rho|^2/2.

Let e_m(t) be the residuals with rho = m. Its entries are sums of their Bernstein coefficients b0, ..., b3 on [0, T]
with weights B_j(t) >= 0, so that

    p(t) <= k0 + k1 t + k2 t^2 + k3 t^3 + sum_j B_j(t) R_j,   R_j = r.|b_j|,
    k0 = e0.m + y1.y2,   k1 = |y2|^2/2 + y1.m,   k2 = y2.m,   k3 = (|m|^2 + |r|^2)/2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.rounding import UNIT, floor, gamma, unit_roundoff
from verify.bounds.taylor_rounding import Approximation, enlarged, largest_entry

if TYPE_CHECKING:
    from verify.bounds.segment_model import Models
    from verify.bounds.workspace import Workspace

TERMS = 11
"""Length of what `output_terms` returns."""


def output_terms(
    models: Models, name: str, y: np.ndarray, length: float, shift: float, workspace: Workspace
) -> np.ndarray:
    """Upper bounds of c1, c2, k0, ..., k3, R0, ..., R3 and of the effect of storing, for one output vertex.

    Parameters
    ----------
    models : Models
        Of the chunk.
    name : str
        The output vertex.
    y : array, shape (n, width)
        Its targets.
    length : float
        T.
    shift : float
        Upper bound of the change of its outputs when w + t D is stored.
    workspace : Workspace
    """
    h, slope, curvature = models.start[name], models.slope[name], models.curvature[name]
    residual = h.value - y
    exact = Approximation.of(residual, enlarged(h.error + 2 * UNIT * largest_entry(residual)))
    start, first = _Rows(exact), _Rows(slope)
    away, part, small = workspace.scratch(residual.shape, 3, curvature.middle.dtype)
    e0 = _Rows(exact if residual.dtype == small.dtype else exact.rounded_into(small))
    y1, y2 = _Rows(models.slope_rest[name]), _Rows(curvature.second)
    m, r = (_Rows(Approximation(array, curvature.third, 0.0)) for array in (curvature.middle, curvature.radius))
    terms = [
        start.dot(first),
        e0.dot(y2) + 0.5 * first.squared,
        e0.dot(m) + y1.dot(y2),
        0.5 * y2.squared + y1.dot(m),
        y2.dot(m),
        0.5 * (m.squared + r.squared),
        *(bernstein.dot(r) for bernstein in _bernstein((e0, y1, y2, m), length, away, part)),
        _stored(start, first, length, shift, y2.norm + length * (m.norm + r.norm)),
    ]
    return np.array([term + 8 * UNIT * abs(term) for term in terms])


_WEIGHTS = ((1.0,), (1.0, 1 / 3), (1.0, 2 / 3, 1 / 3), (1.0, 1.0, 1.0, 1.0))
"""Bernstein coefficients of 1, t, t^2, t^3 on [0, 1]; those left out are 0."""


def _bernstein(coefficients: tuple[_Rows, ...], length: float, out: np.ndarray, part: np.ndarray) -> Iterator[_Rows]:
    """Yield |b_j| of the polynomial with these coefficients on [0, length], each in place of the one before."""
    unit, least = float(unit_roundoff(out.dtype)), float(floor(out.dtype))
    for weights in _WEIGHTS:
        out[...] = 0.0
        size, error, power = 0.0, least, 1.0
        for weight, coefficient in zip(weights, coefficients, strict=False):
            factor = weight * power
            power *= length
            out += np.multiply(coefficient.values, factor, out=part)
            size += factor * coefficient.largest
            error += factor * coefficient.error + least * coefficient.largest
        yield _Rows(Approximation(np.abs(out, out=out), size, enlarged(error + 16 * unit * size)))


def _stored(start: _Rows, slope: _Rows, length: float, shift: float, curvature: float) -> float:
    largest = start.norm + length * (slope.norm + length * curvature)
    return enlarged(shift * (sqrt(start.size) * largest + 0.5 * start.size * shift))


@dataclass
class _Rows:
    """An approximation whose rows are multiplied with those of others, few roundings following one another."""

    approximation: Approximation

    @property
    def values(self) -> np.ndarray:
        return self.approximation.value

    @property
    def size(self) -> int:
        return self.values.size

    @property
    def error(self) -> float:
        return self.approximation.error

    @property
    def largest(self) -> float:
        return self.approximation.largest

    def _product(self, other: _Rows) -> float:
        return float(np.sum(np.einsum("ij,ij->i", self.values, other.values), dtype=np.float64))

    def _lost(self) -> float:
        """Relative rounding error of a product with another array, in terms of the product of the norms."""
        rows, width = self.values.shape
        return 2 * float(gamma(width + 2, self.values.dtype)) + 2 * float(gamma(rows))

    def _underflow(self) -> float:
        return self.size * float(floor(self.values.dtype))

    @cached_property
    def _computed_norm(self) -> float:
        """Euclidean norm of the computed entries, raised above the exact one."""
        squares = self._product(self) * (1 + 2 * self._lost()) + self._underflow()
        return enlarged(sqrt(squares) if squares >= 0 else squares)

    @cached_property
    def norm(self) -> float:
        """Upper bound of the Euclidean norm of all exact entries."""
        return enlarged(self._computed_norm + sqrt(self.size) * self.error)

    @property
    def squared(self) -> float:
        """Upper bound of the sum of the squares of the exact entries."""
        return enlarged(self.norm * self.norm)

    def dot(self, other: _Rows) -> float:
        """Upper bound of the sum of the products of the exact entries."""
        value, root = self._product(other), sqrt(self.size)
        lost = self.error * root * other._computed_norm + other.error * root * self._computed_norm
        lost += self.size * self.error * other.error + self._lost() * self._computed_norm * other._computed_norm
        return value + enlarged(lost + self._underflow() + 4 * UNIT * abs(value))
