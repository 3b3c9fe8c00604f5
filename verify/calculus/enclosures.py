"""Rigorous enclosures of the error and the gradient for the float64 weights and data as given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, final

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
from verify.calculus import passes
from verify.calculus.algebra import ENCLOSING
from verify.calculus.sample_sum import ProblemSum

if TYPE_CHECKING:
    import numpy as np

    from verify.calculus.problem import Problem


@certified_environment()
def error_enclosure(problem: Problem, w: np.ndarray) -> tuple[float, float]:
    """Return float64 numbers lo <= E(w) <= hi.

    Parameters
    ----------
    problem : Problem
    w : array, shape (P,)

    Returns
    -------
    (float, float)
        ``hi`` is inf where float64 overflows; ``lo`` is never below 0.
    """
    return error_over(problem, Interval.point(problem.check_weights(w)))


@certified_environment()
def error_over(problem: Problem, box: Interval) -> tuple[float, float]:
    """Return float64 numbers lo <= E(w) <= hi that hold for all weights w of a box, (P,); see `error_enclosure`."""
    parts = problem.architecture.unflatten(box)
    total = Interval.point(0.0)
    for chunk in problem.chunks():
        x, y = problem.rows(chunk)
        state = passes.forward(ENCLOSING, problem.architecture, parts, x, order=0)
        for residual in passes.residuals(ENCLOSING, problem.architecture, state.outputs, y).values():
            total = total + residual.square().sum()
    error = total / (2.0 * problem.sample_divisor) + weight_decay_error(problem, box)
    return max(0.0, float(error.lower)), float(error.upper)


@certified_environment()
def gradient_enclosure(problem: Problem, w: np.ndarray) -> Interval:
    """Return an interval array, (P,), that contains the exact gradient of E at w, weight decay included."""
    return GradientSum(problem, w).alone()


@final
class GradientSum(ProblemSum[Interval, Interval]):
    """The gradient of E at w, enclosed.

    Parameters
    ----------
    problem : Problem
    w : array, shape (P,)
    """

    def __init__(self, problem: Problem, w: np.ndarray) -> None:
        super().__init__(problem)
        self._w = problem.check_weights(w)

    @certified_environment()
    def part(self, chunks: Sequence[slice]) -> Interval:
        architecture = self.problem.architecture
        parts = architecture.unflatten(self._w)
        total = ENCLOSING.zeros(self._w.shape)
        for chunk in chunks:
            x, y = self.problem.rows(chunk)
            state = passes.forward(ENCLOSING, architecture, parts, x, order=1)
            residual = passes.residuals(ENCLOSING, architecture, state.outputs, y)
            adjoints = passes.backward(ENCLOSING, architecture, parts, state, residual)
            gradients = passes.parameter_gradients(ENCLOSING, architecture, state.outputs, adjoints.preactivations)
            total = total + architecture.layout.flatten(gradients)
        return total

    @certified_environment()
    def answer(self, parts: Iterable[Interval]) -> Interval:
        total = ENCLOSING.zeros(self._w.shape)
        for part in parts:
            total = total + part
        return total / float(self.problem.sample_divisor) + Interval.point(self._w) * self.problem.weight_decay


@certified_environment()
def hessian_vector_enclosure(problem: Problem, w: np.ndarray, direction: np.ndarray) -> Interval:
    """Return an interval array, (P,), that contains the exact product (Hess E(w)) direction."""
    weights, along = problem.check_weights(w), problem.check_weights(direction)
    parts, directions = problem.architecture.unflatten(weights), problem.architecture.unflatten(along)
    total = ENCLOSING.zeros(weights.shape)
    for chunk in problem.chunks():
        x, y = problem.rows(chunk)
        product = passes.hessian_vector_parts(ENCLOSING, problem.architecture, parts, directions, x, y)
        total = total + problem.architecture.layout.flatten(product)
    return total / float(problem.sample_divisor) + Interval.point(along) * problem.weight_decay


def weight_decay_error(problem: Problem, weights: Interval) -> Interval:
    """Return the enclosure of weight_decay/2 |w|^2."""
    if problem.weight_decay == 0.0:
        return Interval.point(0.0)
    return weights.square().sum() * problem.weight_decay / 2.0
