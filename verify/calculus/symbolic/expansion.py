"""Cross-check by full expansion: E written out in all its symbols, differentiated by sympy, compared as polynomials.

The symbols are the weights, one sample's data, and for every unit the undefined g(z) and g'(z). The
derivative of the written-out E and the result of the recursion are polynomials in them; they are equal if and only
if their coefficients are, which says that the recursion is right for every differentiable activation.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import sympy
from sympy import QQ, Expr, Function, Rational, Symbol
from sympy.polys.rings import PolyElement, ring

from verify.budget import check_time
from verify.calculus.symbolic.proof import GradientProof
from verify.calculus.symbolic.recursion import RecursionRing, backpropagate, flat_parts, join_parts, preactivation

if TYPE_CHECKING:
    from verify.architecture import Architecture

Unit = tuple[str, int]

MOST_LEVELS = 16
"""sympy recurs along an expression, about 25 Python frames a layer: deeper graphs are not written out."""


@dataclass(frozen=True)
class Expansion:
    """Outcome of the cross-check.

    Parameters
    ----------
    equal : bool or None
        None if it was not run, or not to its end.
    detail : str
        What was compared, or why nothing was.
    """

    equal: bool | None
    detail: str


class _Expressions(RecursionRing):
    """sympy expressions."""

    zero = sympy.S.Zero

    def number(self, value: Fraction) -> Expr:
        return Rational(value.numerator, value.denominator)


class _Polynomials(RecursionRing):
    """Elements of a polynomial ring over the rationals."""

    def __init__(self, polynomials: Any) -> None:
        self._polynomials = polynomials

    @property
    def zero(self) -> PolyElement:
        return self._polynomials.zero

    def number(self, value: Fraction) -> PolyElement:
        return self._polynomials(QQ(value.numerator, value.denominator))


def expand_and_compare(
    architecture: Architecture, proof: GradientProof, max_paths: int = 10_000, seconds: float = 5.0
) -> Expansion:
    """Compare sympy's derivative of the written-out E with the recursion, coefficient by coefficient.

    Parameters
    ----------
    architecture : Architecture
        The graph.
    proof : GradientProof
        Its steps are the recursion that is run.
    max_paths : int
        Nothing is run for a graph with more paths between single units than this, nor with a path of more than
        `MOST_LEVELS` vertices.
    seconds : float
        Processor time allowed; it is looked at between the single derivatives.
    """
    deadline = time.process_time() + seconds
    products = sum(len(edge.map.terms().out) for edge in architecture.edges if _is_small(edge.map, max_paths))
    small = all(_is_small(edge.map, max_paths) for edge in architecture.edges) and products <= max_paths
    paths = unit_path_count(architecture) if small else max_paths + 1
    if paths > max_paths:
        return Expansion(None, f"not run: more than {max_paths} paths between single units")
    if longest_path(architecture) > MOST_LEVELS:
        return Expansion(None, f"not run: more than {MOST_LEVELS} vertices stand one behind another")
    written = _WrittenOut(architecture)
    claimed = written.recursion(proof)
    for position, weight in enumerate(written.weights):
        check_time()
        if time.process_time() > deadline:
            done = f"{position} of {len(written.weights)} weights"
            return Expansion(None, f"not run to its end: {done} within {seconds:g} s, equal so far")
        derivative = written.polynomial(sympy.diff(written.error, weight))
        if derivative != claimed[position]:
            return Expansion(
                False, f"weight {position}: the derivative of E and the recursion are different polynomials"
            )
    return Expansion(True, f"{len(written.weights)} derivatives over {paths} paths, equal as polynomials")


def longest_path(architecture: Architecture) -> int:
    """Return how many vertices with an activation stand one behind another at most.

    Examples
    --------
    >>> from verify.architecture import Architecture
    >>> nodes = {"x": {"width": 1}, "h": {"width": 1, "inputs": ["x"]}, "y": {"width": 1, "inputs": ["h", "x"]}}
    >>> longest_path(Architecture.from_data(nodes, "y"))
    2
    """
    levels = dict.fromkeys(architecture.inputs, 0)
    for name in architecture.order:
        levels[name] = 1 + max(levels[edge.source] for edge in architecture.in_edges(name))
    return max(levels.values())


def unit_path_count(architecture: Architecture) -> int:
    """Return the number of paths from an input unit to an output unit, by dynamic programming.

    Examples
    --------
    >>> from verify.architecture import Architecture
    >>> unit_path_count(Architecture.from_data({"x": {"width": 2}, "y": {"width": 3, "inputs": ["x"]}}, "y"))
    6
    """
    paths = {name: np.ones(architecture.vertices[name].width, dtype=object) for name in architecture.inputs}
    for name in architecture.order:
        paths[name] = np.zeros(architecture.vertices[name].width, dtype=object)
        for edge in architecture.in_edges(name):
            terms = edge.map.terms()
            np.add.at(paths[name], terms.out, paths[edge.source][terms.input])
    return int(sum(paths[name].sum() for name in architecture.outputs))


def _is_small(linear: Any, limit: int) -> bool:
    return linear.in_width <= limit and linear.out_width <= limit and linear.parameter_count <= limit


def _differentiable_function(number: int) -> tuple[type[Function], type[Function]]:
    """Return two functions of which nothing is known but that the second is the derivative of the first."""
    slope = Function(f"dg{number}")

    class Undefined(Function):
        def fdiff(self, argindex: int = 1) -> Expr:
            return slope(self.args[0])

    Undefined.__name__ = f"g{number}"
    return Undefined, slope


class _WrittenOut:
    """E of one sample as one expression, and the ring in which its derivatives are compared."""

    def __init__(self, architecture: Architecture) -> None:
        self._architecture = architecture
        self.weights = [Symbol(f"w{k}") for k in range(architecture.size)]
        self._parts = flat_parts(architecture, np.array(self.weights, dtype=object))
        self._outputs: dict[str, np.ndarray] = {}
        self._slopes: dict[str, np.ndarray] = {}
        self._calls: dict[Expr, Symbol] = {}
        symbols = [*self.weights, *self._data_symbols()]
        self._write_outputs()
        residuals = np.concatenate([self._outputs[name][0] for name in architecture.outputs]) - self._targets
        self.error = Rational(1, 2) * sympy.Add(*(residual**2 for residual in residuals))
        symbols += self._calls.values()
        self._ring, *generators = ring(symbols, QQ)
        self._generators: dict[Expr, PolyElement] = dict(zip(symbols, generators, strict=True))
        self._converted: dict[Expr, PolyElement] = {}

    def _data_symbols(self) -> list[Symbol]:
        symbols: list[Symbol] = []
        for name in self._architecture.inputs:
            width = self._architecture.vertices[name].width
            own = [Symbol(f"x{len(symbols) + k}") for k in range(width)]
            self._outputs[name] = np.array(own, dtype=object)[None, :]
            symbols += own
        self._targets = np.array([Symbol(f"y{k}") for k in range(self._architecture.output_dimension)], dtype=object)
        return symbols + list(self._targets)

    def _write_outputs(self) -> None:
        for number, name in enumerate(self._architecture.order):
            g, slope = _differentiable_function(number)
            z = preactivation(_Expressions(), self._architecture, name, self._parts, self._outputs)[0]
            self._outputs[name] = np.array([[g(argument) for argument in z]], dtype=object)
            self._slopes[name] = np.array([[slope(argument) for argument in z]], dtype=object)
            for place, argument in enumerate(z):
                self._calls.setdefault(g(argument), Symbol(f"g{number}_{place}"))
                self._calls.setdefault(slope(argument), Symbol(f"dg{number}_{place}"))

    def recursion(self, proof: GradientProof) -> np.ndarray:
        """Return what the recursion gives for every weight, as polynomials."""
        lift = np.frompyfunc(self.polynomial, 1, 1)
        architecture = self._architecture
        outputs = {name: lift(values) for name, values in self._outputs.items()}
        slopes = {name: lift(slope_calls) for name, slope_calls in self._slopes.items()}
        targets = lift(self._targets)
        residuals = {name: outputs[name] - targets[columns] for name, columns in architecture.output_columns.items()}
        parts = {key: lift(values) for key, values in self._parts.items()}
        arithmetic = _Polynomials(self._ring)
        return join_parts(
            architecture, backpropagate(arithmetic, architecture, proof, parts, outputs, slopes, residuals)
        )

    def polynomial(self, expression: Expr) -> PolyElement:
        """Return an expression as a polynomial in the symbols, g(z) and g'(z) being symbols themselves."""
        if expression not in self._converted:
            self._converted[expression] = self._convert(expression)
        return self._converted[expression]

    def _convert(self, expression: Expr) -> PolyElement:
        if expression in self._calls:
            return self._generators[self._calls[expression]]
        if expression in self._generators:
            return self._generators[expression]
        if expression.is_Rational:
            return self._ring(QQ(int(expression.p), int(expression.q)))
        if expression.is_Add:
            return sum((self.polynomial(term) for term in expression.args), self._ring.zero)
        if expression.is_Mul:
            product = self._ring.one
            for factor in expression.args:
                product = product * self.polynomial(factor)
            return product
        if expression.is_Pow and expression.exp.is_Integer and expression.exp > 0:
            return self.polynomial(expression.base) ** int(expression.exp)
        raise TypeError(f"no polynomial: {type(expression).__name__}")
