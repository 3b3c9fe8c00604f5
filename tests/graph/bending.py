"""Derivatives of all nodes at one point along one direction, from Taylor models at points: what bounds must hold."""

from __future__ import annotations

from dataclasses import replace
from math import factorial

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.intervals import Interval
from verify.arithmetic.movement import Movement
from verify.arithmetic.taylor_model import TaylorModel
from verify.graph.evaluation import evaluate, taylor_models
from verify.graph.graph import Graph
from verify.graph.problem import GraphProblem
from verify.operations.leaves import Parameter


def point_models(problem: GraphProblem, graph: Graph, w: np.ndarray, direction: np.ndarray) -> list[TaylorModel]:
    """Return models of all nodes along ``w + s direction``: coefficients 1 to 3 are exact derivatives, enclosed."""
    leaves = {}
    for block in problem.blocks:
        start, speed = (Interval.point(x[block.place].reshape(block.shape)) for x in (w, direction))
        leaves[Parameter(block.label, block.shape)] = TaylorModel([start, speed, None, None])
    everything = replace(graph, outputs=tuple(range(len(graph.nodes))))
    return evaluate(everything, problem.values(w) | leaves, taylor_models(4))


def broken(movements: list[Movement], models: list[TaylorModel], length: float) -> list[tuple[int, int, str]]:
    """Return (node, order, bound) for every bound that a model proves to be too small; length >= |direction|."""
    found = []
    for number, (movement, found_model) in enumerate(zip(movements, models, strict=True)):
        model = found_model if isinstance(found_model, TaylorModel) else TaylorModel.constant(found_model, 4)
        if np.any(movement.box.lower > model.start.upper) or np.any(movement.box.upper < model.start.lower):
            found.append((number, 0, "box"))
        least = model.start.min_abs()
        found += [(number, 0, part) for part in _exceeded(least, movement.value, 1.0)]
        for order, bound in enumerate(movement.derivatives, 1):
            part = model.coefficients[order]
            if part is None or not np.all(np.isfinite(part.rad)):
                continue
            least = part.min_abs() * factorial(order) * (1 - 2.0**-40)
            scale = float(length**order * (1 + 2.0**-40))
            found += [(number, order, name) for name in _exceeded(least, bound, scale)]
    return found


def _exceeded(least, bound, scale) -> list[str]:
    if bound is None:
        return ["zero"] if np.any(least > 0) else []
    down = 1 - 2.0**-40
    beside = tuple(range(1, least.ndim))
    checks = {
        "entries": np.all(least <= bound.entries * scale),
        "rows": np.all(np.sqrt((least**2).sum(axis=beside)) * down <= bound.rows * scale),
        "whole": np.sqrt((least**2).sum()) * down <= bound.whole * scale,
        "absolute": least.sum() * down <= bound.absolute * scale,
    }
    return [name for name, holds in checks.items() if not holds]


def point_of(rng: np.random.Generator, centre: np.ndarray, radius: float) -> np.ndarray:
    """Return a stored point of the ball, often at its edge."""
    direction = rng.normal(size=centre.size)
    distance = radius * float(rng.choice([1.0, rng.random()])) * (1 - 2.0**-30)
    return centre + distance * direction / float(upward.norm(direction))
