"""What the Taylor models of the outputs say of half the squared error of a chunk of samples.

With residuals ``e(t) = e0 + y1 t + y2 t^2 + rho t^3``, rho in m +- r, half their squared norm changes by

    t e0.y1 + t^2 (e0.y2 + |y1|^2/2) + t^3 p(t),
    p = e0.rho + y1.y2 + t (|y2|^2/2 + y1.rho) + t^2 y2.rho + t^3 |rho|^2/2.

Let e_m(t) be the residuals with rho = m. Its entries are sums of their Bernstein coefficients b0, ..., b3 on [0, T]
with weights B_j(t) >= 0, so that

    p(t) <= k0 + k1 t + k2 t^2 + k3 t^3 + sum_j B_j(t) R_j,   R_j = r.|b_j|,
    k0 = e0.m + y1.y2,   k1 = |y2|^2/2 + y1.m,   k2 = y2.m,   k3 = (|m|^2 + |r|^2)/2.

On long segments there is also ``e(t) = e0 + y1 t + rho2 t^2``, rho2 in m2 +- r2, and the change is at most
``t e0.y1 + t^2 G(t)`` with

    G(t) = e0.m2 + |y1 + t m2|^2/2 + t^2 |r2|^2/2 + r2.|e0 + t (y1 + t m2)|,

entry by entry the larger of two convex functions of t, hence below its chord on [0, T].
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.rounding import UNIT
from verify.bounds.taylor_rounding import Approximation, accumulated, enlarged, largest_entry, least, unit

if TYPE_CHECKING:
    from verify.bounds.segment_model import Models
    from verify.bounds.workspace import Workspace

TERMS = 13
"""Length of what `output_terms` returns."""


def output_terms(
    models: Models, name: str, y: np.ndarray, length: float, shift: float, workspace: Workspace
) -> np.ndarray:
    """Upper bounds of c1, c2, k0, ..., k3, R0, ..., R3, G(0), G(T) and of the effect of storing, for one output vertex.

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
    start, first = _Rows.of(exact), _Rows.of(slope)
    away, part, small = workspace.scratch(residual.shape, 3, curvature.third.middle.dtype)
    e0 = start.in_format(small)
    y1, y2 = first.twin(models.slope_rest[name]), _Rows.of(curvature.second)
    third = curvature.third
    m, r = (_Rows.of(Approximation(array, third.size, 0.0)) for array in (third.middle, third.radius))
    terms = [
        start.dot(first),
        e0.dot(y2) + 0.5 * first.squared,
        e0.dot(m) + y1.dot(y2),
        0.5 * y2.squared + y1.dot(m),
        y2.dot(m),
        0.5 * (m.squared + r.squared),
        *(b.dot(r) for b in _bernstein((e0, y1, y2, m), _CUBIC, length, away, part)),
    ]
    bend = y2.norm + length * (m.norm + r.norm)
    if curvature.bent is None:
        terms += [np.inf, np.inf]
    else:
        bent = curvature.bent
        m2, r2 = (_Rows.of(Approximation(array, bent.size, 0.0)) for array in (bent.middle, bent.radius))
        ends = [b.dot(r2) for b in _bernstein((e0, y1, m2), _ENDS, length, away, part)]
        flat = e0.dot(m2) + 0.5 * first.squared
        rise = length * y1.dot(m2) + 0.5 * length * length * (m2.squared + r2.squared)
        terms += [flat + ends[0], flat + rise + ends[1]]
        bend = min(m2.norm + r2.norm, bend) if np.isfinite(bend) else m2.norm + r2.norm
    terms.append(_stored(start, first, length, shift, bend))
    return np.array([term + 8 * UNIT * abs(term) for term in terms])


_Weights = tuple[tuple[float, ...], ...]
_CUBIC: _Weights = ((1.0,), (1.0, 1 / 3), (1.0, 2 / 3, 1 / 3), (1.0, 1.0, 1.0, 1.0))
"""Bernstein coefficients of 1, t, t^2, t^3 on [0, 1]; those left out are 0."""
_ENDS: _Weights = ((1.0,), (1.0, 1.0, 1.0))
"""Values of 1, t, t^2 at 0 and 1."""


def _bernstein(
    coefficients: tuple[_Rows, ...], rows: _Weights, length: float, out: np.ndarray, part: np.ndarray
) -> Iterator[_Rows]:
    """Yield |b_j| of the polynomial with these coefficients on [0, length], each in place of the one before."""
    rounding, underflow = 16 * unit(out.dtype), least(out.dtype)
    for weights in rows:
        size, norm, error, power = 0.0, 0.0, underflow, 1.0
        for k, (weight, coefficient) in enumerate(zip(weights, coefficients, strict=False)):
            factor = weight * power
            power *= length
            if k:
                out += np.multiply(coefficient.values, factor, out=part)
            else:
                np.copyto(out, coefficient.values)
            size += factor * coefficient.largest
            norm += factor * coefficient.norm
            error += factor * coefficient.error + underflow * coefficient.largest
        error = enlarged(error + rounding * size)
        yield _Rows(np.abs(out, out=out), size, error, enlarged(norm + sqrt(out.size) * error))


def _stored(start: _Rows, slope: _Rows, length: float, shift: float, curvature: float) -> float:
    largest = start.norm + length * (slope.norm + length * curvature)
    return enlarged(shift * (sqrt(start.values.size) * largest + 0.5 * start.values.size * shift))


@dataclass(frozen=True)
class _Rows:
    """A computed array whose rows are multiplied with those of others, few roundings following one another.

    `largest` bounds its entries, `error` their errors; `norm` bounds the Euclidean norms of the computed and of the
    exact array.
    """

    values: np.ndarray
    largest: float
    error: float
    norm: float

    @classmethod
    def of(cls, a: Approximation) -> _Rows:
        """Return the rows of an approximation."""
        lost, underflow = _lost(a.value)
        squares = _product(a.value, a.value) * (1 + 2 * lost) + underflow
        norm = enlarged((sqrt(squares) if squares >= 0 else squares) + sqrt(a.value.size) * a.error)
        return cls(a.value, a.largest, a.error, norm)

    def twin(self, a: Approximation) -> _Rows:
        """Return the rows of the same numbers in another format."""
        return self if a.value is self.values else _Rows(a.value, a.largest, a.error, self._rounded_norm(a))

    def in_format(self, array: np.ndarray) -> _Rows:
        """Return the same rows in the format of `array`, which is overwritten where that is another one."""
        if self.values.dtype == array.dtype:
            return self
        return self.twin(Approximation(self.values, self.largest, self.error).rounded_into(array))

    def _rounded_norm(self, a: Approximation) -> float:
        return enlarged(self.norm + sqrt(a.value.size) * (self.error + a.error))

    @property
    def squared(self) -> float:
        """Upper bound of the sum of the squares of the exact entries."""
        return enlarged(self.norm * self.norm)

    def dot(self, other: _Rows) -> float:
        """Upper bound of the sum of the products of the exact entries."""
        value, root = _product(self.values, other.values), sqrt(self.values.size)
        relative, underflow = _lost(self.values)
        lost = root * (self.error * other.norm + other.error * self.norm) + self.values.size * self.error * other.error
        return value + enlarged(lost + relative * self.norm * other.norm + underflow + 4 * UNIT * abs(value))


def _product(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.add.reduce(np.einsum("ij,ij->i", a, b), dtype=np.float64))


def _lost(array: np.ndarray) -> tuple[float, float]:
    """Rounding error of such a product of arrays of this kind, relative to the product of their norms; underflow."""
    rows, width = array.shape
    return 2 * accumulated(width + 2, array.dtype) + 2 * accumulated(rows), array.size * least(array.dtype)
