"""The four ways of training that are compared: two whose every step is decided with proof, and today's practice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

import verify
from verify.outcomes import Verdict
from verify.training.momentum import heavy_ball_step

CERTIFIED, CONSTANT, HEAVY_BALL, ADAM = "certified", "constant", "heavy ball", "Adam"
RULES = (CERTIFIED, CONSTANT, HEAVY_BALL, ADAM)
MOMENTUM = 0.9
LEARNING_RATES = {HEAVY_BALL: (0.1, 0.3, 1.0, 3.0), ADAM: (0.003, 0.01, 0.03, 0.1)}
"""What is tried for the rules without proof."""
_FIRST_MOMENT, _SECOND_MOMENT, _SMALL = 0.9, 0.999, 1e-8
Steps = Iterator[tuple[float, np.ndarray]]


@dataclass(frozen=True)
class Run:
    """What one training did.

    Parameters
    ----------
    errors : array, shape (steps + 1,)
        E on the training data in float64.
    weights : array
        The last ones.
    seconds : float
        Of processor time.
    verdicts : list of Verdict
        One for each step, for the rules with proof.
    decrease : float
        Sum of the proved lower bounds of what each step gained.
    """

    errors: np.ndarray
    weights: np.ndarray
    seconds: float
    verdicts: list[Verdict] = field(default_factory=list)
    decrease: float = 0.0

    @property
    def increases(self) -> int:
        """Steps after which E in float64 is larger."""
        return int(np.sum(np.diff(self.errors) > 0))

    def steps_to(self, error: float) -> int | None:
        """Return after how many steps E was at most so large; None if it never was."""
        below = np.flatnonzero(self.errors <= error)
        return int(below[0]) if len(below) else None


def proved(problem: verify.Problem, start: np.ndarray, steps: int, setting: tuple[float, float] | None = None) -> Run:
    """Train with the package's own rules: constant (eta, tau), or lengths that are proved step by step."""
    begun = time.process_time()
    if setting is None:
        run = verify.train(problem, start, steps=steps, rule="certified")
    else:
        run = verify.train(problem, start, steps=steps, rule="fixed", eta=setting[0], tau=setting[1])
    decrease = sum(max(0.0, step.decrease) for step in run.steps)
    return Run(run.errors, run.weights, time.process_time() - begun, run.verdicts, decrease)


def unproved(problem: verify.Problem, start: np.ndarray, steps: int, rule: str, rate: float) -> Run:
    """Train by the heavy ball or by Adam, in float64 and without proof."""
    begun = time.process_time()
    visited, errors, weights = _UNPROVED[rule](problem, start, rate), [], start
    for _ in range(steps + 1):
        error, weights = next(visited)
        errors.append(error)
    return Run(np.array(errors), weights, time.process_time() - begun)


def best_rate(problem: verify.Problem, start: np.ndarray, steps: int, rule: str) -> float:
    """Return the learning rate of those tried that ends at the least training error."""
    ends = {rate: unproved(problem, start, steps, rule, rate).errors[-1] for rate in LEARNING_RATES[rule]}
    return min(ends, key=lambda rate: ends[rate] if np.isfinite(ends[rate]) else np.inf)


def _heavy_ball(problem: verify.Problem, weights: np.ndarray, rate: float) -> Steps:
    step = np.zeros_like(weights)
    while True:
        error, gradient = problem.error_and_gradient(weights)
        yield error, weights
        step = heavy_ball_step(gradient, step, rate, MOMENTUM)
        weights = weights + step


def _adam(problem: verify.Problem, weights: np.ndarray, rate: float) -> Steps:
    first, second, taken = np.zeros_like(weights), np.zeros_like(weights), 0
    while True:
        error, gradient = problem.error_and_gradient(weights)
        yield error, weights
        taken += 1
        first = _FIRST_MOMENT * first + (1 - _FIRST_MOMENT) * gradient
        second = _SECOND_MOMENT * second + (1 - _SECOND_MOMENT) * gradient**2
        size = np.sqrt(second / (1 - _SECOND_MOMENT**taken)) + _SMALL
        weights = weights - rate * (first / (1 - _FIRST_MOMENT**taken)) / size


_UNPROVED: dict[str, Callable[[verify.Problem, np.ndarray, float], Steps]] = {HEAVY_BALL: _heavy_ball, ADAM: _adam}
