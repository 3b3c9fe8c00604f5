"""How far rounding may carry a correctly programmed gradient from the exact one.

An error analysis, run beside the recursion: an error bound accompanies every h, z and adjoint. With u the unit
roundoff, a sum of k products is charged k + 2 roundoffs of the sum of its absolute values, whatever its order, so one
rounding of the data and the weights is covered too. Activations and their derivatives are followed operation by
operation through the formula, with the error of their argument (`verify.activations.rounding_numbers`): what cancels
inside a formula leaves an error of the size of what cancelled. Products of two errors are kept, since a saturated
unit's slope may be nothing but error. Where a pre-activation may lie on either side of a kink, nothing is bounded.
Every operation may lose the format's smallest normal number besides; where one may overflow nothing is bounded either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse

from verify.arithmetic.precision import Precision
from verify.budget import check_time
from verify.calculus.symbolic.evaluation import fills_its_matrix
from verify.calculus.symbolic.recursion import bias_places, flat_parts, join_parts

if TYPE_CHECKING:
    from verify.architecture import Architecture, Edge
    from verify.calculus.problem import Problem

SAFETY = 2
"""The factor 1/(1 - k u) of k roundoffs is below 2 while k u < 1/2; beyond that it covers the analysis's own."""
ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class _Bounded:
    """Approximate values and bounds of their errors, (samples, width) each."""

    value: np.ndarray
    error: np.ndarray


@dataclass(frozen=True)
class _Unit:
    """What the backward pass needs of a vertex."""

    slope: _Bounded
    h: _Bounded


class _Analysis:
    def __init__(self, problem: Problem, w: np.ndarray, roundoff: float) -> None:
        self.problem = problem
        self.architecture: Architecture = problem.architecture
        self.roundoff = roundoff
        self.precision = Precision.with_roundoff(roundoff)
        sizes = np.abs(w)
        self.flushes = bool(np.any((sizes > 0) & (sizes < self.precision.tiny)))
        self.parts = flat_parts(self.architecture, np.asarray(w, dtype=np.float64))
        self.signed = {id(edge): self._matrix(edge) for edge in self.architecture.edges}
        self.absolute = {key: abs(matrix) for key, matrix in self.signed.items()}

    def _matrix(self, edge: Edge) -> Any:
        check_time()
        terms = edge.map.terms()
        factors = self.parts[edge.key][terms.parameter] if edge.map.parameter_shape else np.ones(len(terms.out))
        shape = (edge.map.out_width, edge.map.in_width)
        matrix = scipy.sparse.csr_array((factors * float(terms.coefficient), (terms.out, terms.input)), shape=shape)
        return matrix.toarray() if fills_its_matrix(edge) else matrix

    def _combined(self, arrays: list[tuple[Any, Any, _Bounded]], start: _Bounded) -> _Bounded:
        """Return start + the sum of values @ signed, with the error of the sum."""
        value, error, size = start.value, start.error, np.abs(start.value)
        length = 3 + len(arrays)
        for signed, absolute, operand in arrays:
            value = value + operand.value @ signed
            error = error + operand.error @ absolute
            size = size + np.abs(operand.value) @ absolute
            length += _terms(absolute)
        reached = np.ones((len(size), 1))
        if self.flushes:  # a weight may be off by the smallest normal number, too
            reached += sum(_largest(operand) for _, _, operand in arrays)
        lost = self.precision.tiny * reached
        return self._fitting(value, error + length * (self.roundoff * size + lost), size)

    def _fitting(self, value: np.ndarray, error: np.ndarray, size: np.ndarray) -> _Bounded:
        """Leave open what may overflow."""
        return _Bounded(value, np.where(size + error <= self.precision.largest, error, np.inf))

    def _entered(self, x: np.ndarray) -> _Bounded:
        flushed = (x != 0) & (np.abs(x) < self.precision.tiny)
        return self._fitting(x, np.where(flushed, self.precision.tiny, 0.0), np.abs(x))

    def forward(self, x: np.ndarray) -> dict[str, _Unit]:
        units: dict[str, _Unit] = {}
        for name, columns in self.architecture.input_columns.items():
            zeros = np.zeros_like(x[:, columns])
            units[name] = _Unit(_Bounded(zeros, zeros), self._entered(x[:, columns]))
        for name in self.architecture.order:
            check_time()
            vertex = self.architecture.vertices[name]
            start = np.zeros((len(x), vertex.width))
            if vertex.bias is not None:
                start = start + self.parts[name][bias_places(vertex)]
            edges = self.architecture.in_edges(name)
            z = self._combined(
                [(self.signed[id(e)].T, self.absolute[id(e)].T, units[e.source].h) for e in edges],
                _Bounded(start, np.zeros_like(start)),
            )
            units[name] = self._activated(vertex.activation, z)
        return units

    def _activated(self, activation: Any, z: _Bounded) -> _Unit:
        g, slope = activation.values(z.value, 1)
        h_error, slope_error = activation.rounding_errors(
            z.value, z.error, self.roundoff, self.precision.tiny, self.precision.largest
        )
        for kink in map(float, activation.kinks):
            may_jump = np.abs(z.value - kink) <= z.error + 2 * self.roundoff * abs(kink)
            slope_error = np.where(may_jump, np.inf, slope_error)
        return _Unit(_Bounded(slope, slope_error), _Bounded(g, h_error))

    def backward(self, units: dict[str, _Unit], y: np.ndarray) -> dict[str, _Bounded]:
        adjoints: dict[str, _Bounded] = {}
        scale = 1 / self.problem.samples if self.problem.reduction == "mean" else 1.0
        for name in reversed(self.architecture.order):
            check_time()
            unit = units[name]
            start = _Bounded(np.zeros_like(unit.h.value), np.zeros_like(unit.h.value))
            if name in self.architecture.outputs:
                target = y[:, self.architecture.output_columns[name]]
                rounding = 3 * (self.roundoff * (np.abs(unit.h.value) + np.abs(target)) + self.precision.tiny)
                if scale < self.precision.tiny:  # lost in the format
                    rounding = np.full_like(rounding, np.inf)
                start = _Bounded(scale * (unit.h.value - target), scale * (unit.h.error + rounding))
            dh = self._combined(
                [
                    (self.signed[id(e)], self.absolute[id(e)], adjoints[e.target])
                    for e in self.architecture.out_edges(name)
                ],
                start,
            )
            value = unit.slope.value * dh.value
            error = np.abs(unit.slope.value) * dh.error + (np.abs(dh.value) + dh.error) * unit.slope.error
            error = error + 2 * (self.roundoff * np.abs(value) + self.precision.tiny)
            adjoints[name] = self._fitting(value, error, np.abs(value))
        return adjoints

    def gradient_error(self, units: dict[str, _Unit], adjoints: dict[str, _Bounded]) -> np.ndarray:
        parts: dict[Any, np.ndarray] = {}
        for name in self.architecture.order:
            check_time()
            dz = adjoints[name]
            size = np.abs(dz.value)
            for edge in self.architecture.in_edges(name):
                if edge.map.parameter_shape:
                    h = units[edge.source].h
                    charged = dz.error + self._summing(edge.map.terms().parameter) * size
                    whole = np.abs(h.value) + h.error
                    parts[edge.key] = _by_parameter(edge, charged, whole) + _by_parameter(edge, size, h.error)
            vertex = self.architecture.vertices[name]
            if vertex.bias is not None:
                places = bias_places(vertex)
                charged = dz.error + self._summing(places) * size
                parts[name] = np.bincount(places, weights=charged.sum(axis=0))
        return join_parts(self.architecture, parts).astype(np.float64)

    def _summing(self, places: np.ndarray) -> float:
        """Return the relative error of a sum over all samples and over all uses of one parameter."""
        return (self.problem.samples * int(np.bincount(places).max()) + 4) * self.roundoff

    def underflow(self) -> float:
        """Return what the sums over all samples and uses may lose where every term underflows."""
        edges = (edge for edge in self.architecture.edges if edge.map.parameter_shape)
        uses = max((int(np.bincount(edge.map.terms().parameter).max()) for edge in edges), default=1)
        return (self.problem.samples * uses + 16) * self.precision.tiny


def rounding_allowance(problem: Problem, w: np.ndarray, roundoff: float) -> np.ndarray:
    """Return how far each entry of a gradient computed with this unit roundoff may be from the exact one.

    Parameters
    ----------
    problem : Problem
    w : array, shape (P,)
    roundoff : float
        2**-53 for float64, 2**-24 for float32, 2**-11 for float16.

    Returns
    -------
    array, shape (P,)
        Not finite where the format may overflow.
    """
    analysis = _Analysis(problem, w, roundoff)
    total = 2 * roundoff * problem.weight_decay * np.abs(w)
    with np.errstate(all="ignore"):
        for start in range(0, problem.samples, ROWS_AT_ONCE):
            x, y = problem.rows(slice(start, start + ROWS_AT_ONCE))
            units = analysis.forward(x)
            total = total + analysis.gradient_error(units, analysis.backward(units, y))
    return SAFETY * (total + analysis.underflow())


def _terms(matrix: Any) -> int:
    """Return how many terms the longest sum of a product with the matrix has, at most."""
    if isinstance(matrix, np.ndarray):
        return len(matrix)
    return int(np.diff(matrix.tocsc().indptr).max(initial=0))


def _largest(numbers: _Bounded) -> np.ndarray:
    """Return the largest size in every row, (samples, 1)."""
    return np.max(np.abs(numbers.value) + numbers.error, axis=1, keepdims=True, initial=0.0)


def _by_parameter(edge: Edge, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    terms = edge.map.terms()
    if fills_its_matrix(edge):
        per_term = (left.T @ right)[terms.out, terms.input]
    else:
        per_term = np.einsum("st,st->t", left[:, terms.out], right[:, terms.input])
    summed = np.bincount(terms.parameter, weights=per_term, minlength=edge.map.parameter_count)
    return summed * float(abs(terms.coefficient))
