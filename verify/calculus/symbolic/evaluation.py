"""The gradient by the recursion in 50-digit arithmetic, from the defining terms of the edges."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import flint
import numpy as np
import sympy

from verify.activations import X
from verify.arithmetic.arb import exact, precision
from verify.budget import check_time
from verify.calculus.symbolic.proof import EdgeName, build_proof, edge_name
from verify.calculus.symbolic.recursion import RecursionRing, backpropagate, flat_parts, join_parts, preactivation

if TYPE_CHECKING:
    from verify.activations import Activation
    from verify.architecture import Architecture, Edge
    from verify.calculus.problem import Problem

BITS = 200
"""Working precision: 50 digits and ten in reserve."""

_DIGITS = 60

WIDEST = flint.arb(2) ** -90
"""Radius of a ball beside the largest entry of the gradient from where on more bits are tried, twice."""

NUMBERS_AT_ONCE = 200_000

LARGEST_REFERENCE = 2**18
"""Weights up to which there is a gradient in 50 digits: each takes about 10 microseconds and 800 bytes."""

SECONDS_PER_POINT = 0.25
SECONDS_PER_PRODUCT = 1e-6
SECONDS_PER_MATRIX_PRODUCT = 1e-7
SECONDS_PER_UNIT = 1e-5
"""Measured on one core; the three passes together, and both values of an activation."""


class ArbRing(RecursionRing):
    """Arb balls for one fixed choice of weights; maps with few zeros act as matrices, which is much faster."""

    def __init__(self) -> None:
        self._matrices: dict[EdgeName, Any] = {}

    zero = flint.arb(0)

    def number(self, value: Fraction) -> Any:
        return flint.arb(flint.fmpq(value.numerator, value.denominator))

    def apply(self, edge: Edge, theta: np.ndarray | None, h: np.ndarray) -> np.ndarray:
        if not fills_its_matrix(edge):
            return super().apply(edge, theta, h)
        return _array(_matrix(h) * self._transposed(edge, theta))

    def transpose(self, edge: Edge, theta: np.ndarray | None, delta: np.ndarray) -> np.ndarray:
        if not fills_its_matrix(edge):
            return super().transpose(edge, theta, delta)
        return _array(_matrix(delta) * self._transposed(edge, theta).transpose())

    def parameter_gradient(self, edge: Edge, h: np.ndarray, delta: np.ndarray) -> np.ndarray:
        if not fills_its_matrix(edge):
            return super().parameter_gradient(edge, h, delta)
        terms = edge.map.terms()
        products = _array(_matrix(delta).transpose() * _matrix(h))[None, terms.out, terms.input]
        return self._gather(products, terms.parameter, edge.map.parameter_count, terms.coefficient)[0]

    def _transposed(self, edge: Edge, theta: np.ndarray | None) -> Any:
        name = edge_name(edge)
        if name not in self._matrices:
            terms = edge.map.terms()
            entries = np.full((edge.map.in_width, edge.map.out_width), self.zero, dtype=object)
            factors = np.array([flint.arb(1)]) if theta is None else theta
            entries[terms.input, terms.out] = factors[terms.parameter] * self.number(terms.coefficient)
            self._matrices[name] = _matrix(entries)
        return self._matrices[name]


def fills_its_matrix(edge: Edge) -> bool:
    """Whether at least a quarter of the matrix of an edge is filled."""
    return edge.map.in_width * edge.map.out_width <= 4 * len(edge.map.terms().out)


def affordable_samples(architecture: Architecture, within: float = SECONDS_PER_POINT) -> int:
    """Return for how many samples the reference takes so many seconds: at least 1, 0 beyond `LARGEST_REFERENCE`.

    Examples
    --------
    >>> from verify.architecture import Architecture
    >>> affordable_samples(Architecture.from_data({"x": {"width": 1}, "y": {"width": 1, "inputs": ["x"]}}, "y")) > 1000
    True
    """
    if architecture.size > LARGEST_REFERENCE:
        return 0
    seconds = 0.0
    for edge in architecture.edges:
        products = len(edge.map.terms().out)
        seconds += products * (SECONDS_PER_MATRIX_PRODUCT if fills_its_matrix(edge) else SECONDS_PER_PRODUCT)
    seconds += SECONDS_PER_UNIT * sum(architecture.vertices[name].width for name in architecture.order)
    return max(1, int(within / seconds))


def _numbers_per_sample(architecture: Architecture) -> int:
    sparse = (len(edge.map.terms().out) for edge in architecture.edges if not fills_its_matrix(edge))
    return max([sum(vertex.width for vertex in architecture.vertices.values()), *sparse])


def reference_gradient(problem: Problem, w: np.ndarray) -> np.ndarray:
    """Return balls that contain the exact gradient, weight decay included; with more than `BITS` where they are wide.

    Parameters
    ----------
    problem : Problem
    w : array, shape (P,)

    Returns
    -------
    array of flint.arb, shape (P,)
    """
    for bits in (BITS, 2 * BITS, 4 * BITS):
        gradient = _gradient_at(problem, w, bits)
        if _is_sharp(gradient):
            break
    return gradient


def _is_sharp(gradient: np.ndarray) -> bool:
    """Whether no ball is wide beside the largest entry: through many layers balls grow, more bits make up for it."""
    largest = max((abs(ball.mid()) for ball in gradient), default=flint.arb(0))
    return all(ball.rad() <= WIDEST * largest for ball in gradient)


def _gradient_at(problem: Problem, w: np.ndarray, bits: int) -> np.ndarray:
    architecture = problem.architecture
    size = max(1, NUMBERS_AT_ONCE // _numbers_per_sample(architecture))
    with precision(bits):
        weights = exact(w)
        parts = flat_parts(architecture, weights)
        ring = ArbRing()
        total = weights * flint.arb(problem.weight_decay)
        for start in range(0, problem.samples, size):
            x, y = problem.rows(slice(start, start + size))
            total = total + _gradient_of_rows(problem, ring, parts, exact(x), exact(y))
    return total


def _gradient_of_rows(
    problem: Problem, ring: ArbRing, parts: dict[Any, np.ndarray], x: np.ndarray, y: np.ndarray
) -> np.ndarray:
    architecture = problem.architecture
    outputs = {name: x[:, columns] for name, columns in architecture.input_columns.items()}
    slopes: dict[str, np.ndarray] = {}
    for name in architecture.order:
        check_time()
        z = preactivation(ring, architecture, name, parts, outputs)
        if (activation := architecture.vertices[name].activation) is not None:
            outputs[name], slopes[name] = activation.arb_values(z, (0, 1))
    scale = 1 / flint.arb(problem.samples if problem.reduction == "mean" else 1)
    residuals = {name: (outputs[name] - y[:, columns]) * scale for name, columns in architecture.output_columns.items()}
    proof = build_proof(architecture)
    return join_parts(architecture, backpropagate(ring, architecture, proof, parts, outputs, slopes, residuals))


def slope_flaw(activation: Activation, points: Iterable[float]) -> str | None:
    """Compare the derivative that `reference_gradient` uses with sympy's derivative of the formula.

    Returns
    -------
    str or None
        Where they differ by more than 1e-30, or None.

    Examples
    --------
    >>> from verify.activations import activation
    >>> slope_flaw(activation("tanh"), [0.25, -3.0]) is None
    True
    """
    slope = sympy.diff(activation.expression, X)
    for point in points:
        if point in activation.kinks:
            continue
        expected = value_at(slope, point)
        with precision(BITS):
            error = abs(activation.arb(flint.arb(point), 1) - flint.arb(str(expected)))
            if not error < flint.arb("1e-30") * (1 + abs(flint.arb(str(expected)))):
                return f"derivative of {activation.name} at {point!r}: sympy gives {expected}"
    return None


def value_at(expression: sympy.Expr, point: float) -> sympy.Expr:
    """Return the value of an expression in `X`, about 50 digits, every common part computed once.

    sympy alone would compute a part as often as it is written, which doubles with every level of nesting.

    Examples
    --------
    >>> value_at(sympy.exp(X) + sympy.exp(X) ** 2, 0.0)
    2.00000000000000000000000000000000000000000000000000000000000
    """
    values: dict[sympy.Expr, sympy.Expr] = {X: sympy.Float(point, _DIGITS)}
    waiting = [expression]
    while waiting:
        part = waiting[-1]
        missing = [argument for argument in part.args if argument not in values]
        waiting += missing
        if not missing:
            check_time()
            waiting.pop()
            if part not in values:
                values[part] = part.func(*(values[a] for a in part.args)).evalf(_DIGITS) if part.args else part
    return values[expression]


def _matrix(array: np.ndarray) -> Any:
    return flint.arb_mat(array.shape[0], array.shape[1], array.ravel().tolist())


def _array(matrix: Any) -> np.ndarray:
    entries = np.empty(matrix.nrows() * matrix.ncols(), dtype=object)
    entries[:] = matrix.entries()
    return entries.reshape(matrix.nrows(), matrix.ncols())
