"""Which directions of weight space leave the error flat, what causes them, and what removes them."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from verify.arithmetic import decompositions
from verify.assumptions.free_directions import free_directions
from verify.bounds.local_curvature import LocalCurvature
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.graph.problem import GraphProblem

LEAST_WEIGHT_DECAY = 1e-4
"""With the growth of the Hessian of common networks, some 10 to 100, and a gradient of 1e-14, a curvature of 1e-4 is
ten thousand times what theorem `local_minimum` needs."""
_SHOWN = 8


@dataclass(frozen=True)
class FlatDirections:
    """Directions along which the error has no curvature, or none that is proved.

    Parameters
    ----------
    number : int
    exact : int
        How many of them leave E unchanged for every weight vector, by the data alone.
    columns : tuple of int
        The columns of the data that cause those.
    vertices : dict of str to float
        By vertex, how much of the other directions lies in its weights: shares that sum to their number.
    reasons : tuple of str
    remedy : str
    """

    number: int
    exact: int
    columns: tuple[int, ...]
    vertices: dict[str, float]
    reasons: tuple[str, ...]
    remedy: str

    def words(self) -> str:
        """Return the directions and their causes as a part of a sentence."""
        return f"{self.number} flat direction{'s' if self.number != 1 else ''}: {'; '.join(self.reasons)}"

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "number": self.number,
            "exact": self.exact,
            "columns": list(self.columns),
            "vertices": self.vertices,
            "reasons": list(self.reasons),
        }


def flat_by_data(problem: Objective) -> FlatDirections | None:
    """Return the directions that the data alone leave free, None where there are none, or weight decay curves them."""
    found = list(free_directions(problem))
    if not found:
        return None
    groups: dict[tuple[str, str, str], list[tuple[int, ...]]] = {}
    for each in found:
        groups.setdefault((each.vertex, each.source, each.reason), []).append(each.columns)
    units: Counter[str] = Counter()
    for each in found:
        units[each.vertex] += each.count
    number = sum(units.values())
    columns = tuple(sorted({each.columns[-1] for each in found}))
    reasons = [
        f"column {_list(same)} of {source} {reason} (weights of {vertex})"
        for (vertex, source, reason), same in groups.items()
    ]
    drop = f"drop {_columns(columns)} of {found[0].source} and see what is left"
    remedy = f"set weight_decay to at least {LEAST_WEIGHT_DECAY!r}, or {drop}"
    return FlatDirections(number, number, columns, dict(units), tuple(reasons), remedy)


def flat_by_curvature(problem: Objective, curvature: LocalCurvature, gradient: float, slope: float) -> FlatDirections:
    """Return the directions whose computed curvature is too small for a proof at these weights.

    Parameters
    ----------
    problem : Problem or GraphProblem
    curvature : LocalCurvature
    gradient : float
        Upper bound of |grad E|.
    slope : float
        Growth of the Hessian for each unit of distance.
    """
    needed = needed_curvature(curvature, gradient, slope)
    values, vectors = decompositions.eigh(curvature.hessian())
    flat = vectors[:, values < needed]
    shares = {name: float(np.sum(flat[block] ** 2)) for name, block in curvature.blocks.items() if flat.size}
    main = [name for name, share in sorted(shares.items(), key=lambda item: -item[1]) if share > 0.05 * flat.shape[1]]
    reasons = [f"computed curvature below {needed:.1g}, in the weights of {', '.join(main)}"]
    given = _least_decay(problem)
    decay = _one_digit_up(max(given + needed - float(values[0]), 2 * given, needed))
    remedy = f"set weight_decay to at least {decay!r}"
    if (linear := _rotates(problem)) is not None:
        reasons.append(f"units of the linear vertex {linear} can be rotated into each other")
        remedy = f"leave out the linear vertex {linear}: no weight decay removes its rotations"
    return FlatDirections(flat.shape[1], 0, (), shares, tuple(reasons), remedy)


def needed_curvature(curvature: LocalCurvature, gradient: float, slope: float) -> float:
    """Return a least curvature m that leaves room: at the best radius m/(2 slope) the theorem needs m^2 > 8 slope |g|.

    Sixteen times that m, and at least what its bounds lose, counts as enough.
    """
    return max(16 * math.sqrt(8 * slope * gradient), 16 * curvature.rounding, 1e-12 * abs(curvature.largest))


def _least_decay(problem: Objective) -> float:
    if isinstance(problem, GraphProblem):
        return min(problem.weight_decay.get(block.label, 0.0) for block in problem.blocks)
    return problem.weight_decay if isinstance(problem, Problem) else 0.0


def _rotates(problem: Objective) -> str | None:
    """Return a hidden vertex without an activation and of several units, whose units can be rotated into each other."""
    if not isinstance(problem, Problem):
        return None
    architecture = problem.architecture
    for name in architecture.order:
        vertex = architecture.vertices[name]
        is_linear = vertex.activation is not None and vertex.activation.name == "identity"
        if is_linear and vertex.width > 1 and architecture.out_edges(name):
            return name
    return None


def _one_digit_up(value: float) -> float:
    """Round a positive number up to one digit; what is none, or infinite, says no more than a usual weight decay."""
    if not 0.0 < value < math.inf:
        return LEAST_WEIGHT_DECAY
    unit = 10.0 ** math.floor(math.log10(value))
    return float(f"{math.ceil(value / unit * (1 + 1e-9)) * unit:.0e}")


def _columns(columns: tuple[int, ...]) -> str:
    return f"column{'s' if len(columns) > 1 else ''} {_list([(column,) for column in columns])}"


def _list(groups: list[tuple[int, ...]]) -> str:
    shown = ", ".join(" = ".join(map(str, group)) for group in groups[:_SHOWN])
    return f"{shown} and {len(groups) - _SHOWN} more" if len(groups) > _SHOWN else shown
