"""Random problems of the campaign: of the classical class, of the whole vocabulary, or of both in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from verify.bounds.regions import Ball, BlockBall, BoundedWeights
from verify.campaign.networks import random_problem
from verify.operations.choices import RandomChoices
from verify.properties.drawn_graphs import Vocabulary, drawn_problem

if TYPE_CHECKING:
    from verify.calculus.objective import Objective
    from verify.graph.problem import GraphProblem

Kind = Literal["classical", "graphs"]
Drawn = Literal["classical", "graphs", "all"]
DRAWN: tuple[Drawn, ...] = get_args(Drawn)
KINDS: tuple[Kind, ...] = get_args(Kind)
MOST_STEPS = 8
DESCENT = 30
TRAINED_SHARE = 0.6
"""Of graphs whose weights have made `DESCENT` steps: steps as long as the ranges allow then end inside the region."""
SMOOTH_SHARE = 0.85
"""Of graphs without kinks: the others may have no Hessian, but their segments have bounds."""


def kind_of(seed: int, drawn: Drawn) -> Kind:
    """Return the kind of the problem of a seed; of all kinds they take turns."""
    return KINDS[seed % len(KINDS)] if drawn == "all" else drawn


def problem_of(seed: int, kind: Kind) -> Objective:
    """Return the problem that belongs to a seed."""
    return random_problem(seed) if kind == "classical" else random_graph_problem(seed)


def random_graph_problem(seed: int) -> GraphProblem:
    """Return a problem of any registered operations, functions, layers and a loss, with a region of any kind.

    Examples
    --------
    >>> random_graph_problem(3).graph == random_graph_problem(3).graph
    True
    """
    rng = np.random.default_rng([seed, 4])
    vocabulary = Vocabulary(smooth=bool(rng.random() < SMOOTH_SHARE))
    problem = drawn_problem(RandomChoices([seed, 5]), vocabulary, most_steps=MOST_STEPS)
    problem.name = f"campaign-{seed}"
    if rng.random() < TRAINED_SHARE:
        problem.initial_weights = _descended(problem)
    weights = problem.initial_weights
    radius = float(10.0 ** rng.uniform(-4, 0))
    match int(rng.integers(6)):
        case 0 | 1 | 2:
            problem.region = Ball(weights, radius)
        case 3 | 4:
            blocks = {block.label: block.place for block in problem.blocks}
            radii = {label: radius * float(rng.uniform(0.2, 1)) for label in blocks}
            problem.region = BlockBall(weights, radii, blocks)
        case _:
            problem.region = BoundedWeights(float(np.linalg.norm(weights)) + radius)
    return problem


def _descended(problem: GraphProblem) -> np.ndarray:
    """Return weights after some steps down the gradient, in float64, each as long as the one before let it be."""
    w, rate = problem.initial_weights, 1.0
    error, gradient = problem.error_and_gradient(w)
    for _ in range(DESCENT):
        following = w - rate * gradient
        if np.all(np.isfinite(following)) and problem.error(following) < error:
            w, rate = following, 1.5 * rate
            error, gradient = problem.error_and_gradient(w)
        else:
            rate /= 4
    return w
