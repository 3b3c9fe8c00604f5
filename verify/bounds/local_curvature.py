"""The curvature of the error in every direction, from below and from above, at weights and on balls around them."""

from __future__ import annotations

import abc
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import singledispatch
from typing import final

import numpy as np

from verify.activations import Smoothness
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.rational import round_down, round_up
from verify.bounds.hessian import activations
from verify.bounds.hessian_geometry import geometry
from verify.bounds.hessian_result import UndecidedHessianError
from verify.bounds.majorant.bound import follow, whole_region
from verify.bounds.majorant.center import CenterFacts, center_facts
from verify.bounds.majorant.center_hessian import LARGEST_DENSE
from verify.bounds.regions import Ball
from verify.budget import check_memory
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem

_FIRST_RADIUS = 2.0**-16
_RADII = 3
_COPIES = 6
"""Matrices of P times P numbers beside each other: blocks, their sum, scaled, shifted, its factor, the residual."""
_COPIES_OF_GRAPHS = 8
"""Of graphs: columns, the matrix and its sum with its transpose, each with radii; then two of the factor."""


@dataclass(frozen=True)
class LocalCurvature(abc.ABC):
    """Proved bounds of the eigenvalues of Hess E(w), weight decay included.

    Parameters
    ----------
    weights : array, shape (P,)
    least, largest : float
        ``least <= eigenvalue <= largest`` for every eigenvalue at the weights; infinite where nothing is known.
    """

    weights: np.ndarray
    least: float
    largest: float
    _grown: dict[float, float] = field(default_factory=dict, repr=False, kw_only=True)

    @property
    @abc.abstractmethod
    def rounding(self) -> float:
        """What rounding costs the bounds of the eigenvalues, about."""

    @property
    @abc.abstractmethod
    def blocks(self) -> dict[str, slice]:
        """Parts of the weights, by name."""

    @certified_environment()
    def growth(self, radius: float) -> float:
        """Return an upper bound of ``||Hess E(u) - Hess E(w)||`` over ``|u - w| <= radius``, infinity without one."""
        if radius not in self._grown:
            self._grown[radius] = self._growth(radius)
        return self._grown[radius]

    @abc.abstractmethod
    def _growth(self, radius: float) -> float: ...

    @certified_environment()
    def over(self, radius: float) -> tuple[float, float]:
        """Return numbers m, L with ``m <= eigenvalue <= L`` for all Hessians within the radius of the weights.

        Weyl's inequality: an eigenvalue moves by at most the norm of the change.
        """
        growth = self.growth(radius)
        if not np.all(np.isfinite([growth, self.least, self.largest])):
            return -np.inf, np.inf
        exact = Fraction(growth)
        return round_down(Fraction(self.least) - exact), round_up(Fraction(self.largest) + exact)

    @abc.abstractmethod
    def hessian(self) -> np.ndarray:
        """Return Hess E(w), (P, P), parameters in the order of the weights, in float64."""


@final
@dataclass(frozen=True)
class ClassicalCurvature(LocalCurvature):
    """That of a `Problem`.

    Parameters
    ----------
    problem : Problem
    facts : CenterFacts
        With the matrix.
    """

    problem: Problem
    facts: CenterFacts

    @property
    def rounding(self) -> float:
        return 0.0 if self.facts.summed is None else self.facts.summed.error

    @property
    def blocks(self) -> dict[str, slice]:
        return dict(self.problem.architecture.blocks)

    def _growth(self, radius: float) -> float:
        try:
            paths = whole_region(geometry(self.problem, Ball(self.weights, radius)), self.facts)
            return follow(self.problem, self.facts, paths).growth
        except UndecidedHessianError:
            return float("inf")

    def hessian(self) -> np.ndarray:
        if self.facts.summed is None:
            raise UndecidedHessianError(
                "the Hessian was not kept", where="hessian", matrix=None, remedy="use local_curvature"
            )
        order = hessian_order(self.problem, self.facts.graph.names)
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        matrix = self.facts.summed.matrix[np.ix_(place, place)] / self.problem.sample_divisor
        matrix[np.diag_indices_from(matrix)] += self.problem.weight_decay
        return np.asarray(matrix)


@certified_environment()
@singledispatch
def local_curvature(problem: Objective, weights: np.ndarray) -> LocalCurvature:
    """Bound the eigenvalues of the Hessian at weights, from the whole matrix.

    Parameters
    ----------
    problem : Problem or GraphProblem
    weights : array, shape (P,)

    Raises
    ------
    UndecidedHessianError
        If a function has no bounded third derivative at the weights, there are too many weights for the matrix, or
        numbers overflow.
    OverBudgetError
        If the matrix takes more memory, or the bounds more time, than they may.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, "y"), [[2.0]], [[1.0]], weight_decay=1.0)
    >>> found = local_curvature(problem, np.array([0.25]))
    >>> 5 - 1e-9 < found.least <= 5 <= found.largest < 5 + 1e-9
    True
    """
    raise NotImplementedError(f"no curvature for {type(problem).__name__}")


@local_curvature.register
def _classical_curvature(problem: Problem, weights: np.ndarray) -> ClassicalCurvature:
    w = problem.check_weights(weights)
    check_provable(problem)
    facts = center_facts(problem, w, keep_matrix=True)
    if facts.summed is None:
        raise UndecidedHessianError(
            "the whole Hessian is known for dense layers and small convolutions only",
            remedy="use fewer shared parameters a vertex",
            weights=w.size,
        )
    divisor, decay = problem.sample_divisor, Fraction(problem.weight_decay)
    lower, upper = facts.summed.eigenvalue_bounds()
    least = round_down(Fraction(lower) / divisor + decay) if np.isfinite(lower) else -np.inf
    largest = round_up(Fraction(upper) / divisor + decay) if np.isfinite(upper) else np.inf
    return ClassicalCurvature(w, least, largest, problem, facts)


@singledispatch
def check_provable(problem: Objective) -> None:
    """Refuse what `local_curvature` cannot bound, whatever the weights.

    Raises
    ------
    UndecidedHessianError
        If an activation is not analytic, or there are too many weights.
    OverBudgetError
        If the matrix takes more memory than it may.
    """
    check_size(problem.size, _COPIES_OF_GRAPHS)


@check_provable.register
def _classical_is_provable(problem: Problem) -> None:
    for name, activation, smoothness in activations(problem):
        if smoothness is not Smoothness.ANALYTIC:
            raise UndecidedHessianError(
                "no third derivative",
                where=f"vertex {name}",
                activation=activation,
                remedy="use an analytic activation such as tanh, softplus or gelu",
            )
    check_size(problem.size, _COPIES)


def check_size(weights: int, copies: int) -> None:
    """Refuse what has more weights than a matrix of the Hessian may have rows, or memory for so many copies of it."""
    if weights > LARGEST_DENSE:
        raise UndecidedHessianError(
            "too many weights for the whole Hessian", weights=weights, most=LARGEST_DENSE, remedy="use fewer weights"
        )
    check_memory(copies * float(weights) ** 2, "the Hessian", "use fewer weights", weights=weights)


def roomiest_radius(least: float, growth: Callable[[float], float]) -> tuple[float, float]:
    """Return a radius where radius * (least - growth(radius)) is large, and the growth there.

    A growth of slope * radius has its most room at least / (2 slope); the slope is taken again at the radius found.

    Parameters
    ----------
    least : float
        Positive.
    growth : callable
        From a radius to a bound, not decreasing; infinity where none is known.

    Examples
    --------
    >>> roomiest_radius(0.5, lambda radius: 2.0 * radius)
    (0.125, 0.25)
    """
    radius, best = _FIRST_RADIUS, (0.0, np.inf)
    for _ in range(_RADII):
        found = growth(radius)
        if radius * (least - found) > best[0] * max(least - best[1], 0.0):
            best = radius, found
        radius = least * radius / (2.0 * found) if 0 < found < np.inf else radius * (2.0**-8 if found else 2.0**8)
    return best


def hessian_order(problem: Problem, names: tuple[str, ...]) -> np.ndarray:
    """Return the place in the weight vector of each row of the summed Hessian: by vertex, unit and datum, bias last.

    A vertex that shares its parameters keeps their own order.
    """
    architecture = problem.architecture
    places = architecture.unflatten(np.arange(architecture.size))
    rows = []
    for name in names:
        edges = [edge for edge in architecture.in_edges(name) if edge.map.parameter_shape]
        parts = [np.asarray(places[edge.key]) for edge in edges]
        if architecture.vertices[name].bias is not None:
            parts.append(np.asarray(places[name]))
        plain = all(part.ndim == 2 for part in parts[: len(edges)]) and architecture.vertices[name].bias != "channel"
        if plain and parts:
            rows.append(np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1).ravel())
        else:
            rows += [part.ravel() for part in parts]
    return np.concatenate(rows).astype(np.int64)
