"""What the files of a run say: who it is about, a line for every step, the result."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.lengths import length
from verify.calculus.problem import Problem
from verify.certificates.document import ARITHMETIC
from verify.certificates.run_files import array_digest, constants_digest, weights_digest
from verify.graph.problem import GraphProblem
from verify.outcomes import Verdict
from verify.training.evaluation import decide_by_errors, error_range

if TYPE_CHECKING:
    from verify.bounds.regions import Region
    from verify.calculus.objective import Objective
    from verify.training.session import Session
    from verify.training.trajectory import StepRecord


def step_line(session: Session, record: StepRecord) -> dict[str, Any]:
    """Return the line of the step that the session took last.

    ``error`` and ``gradient_norm`` are float64 values before the step (null where the rule needs no gradient),
    ``error_range`` proved bounds of E there (null for infinity); with tau/eta as it is, E was proved not to rise for
    learning rates up to ``eta_until``, where that is known (nothing else rests on it; `recheck` does not confirm it).
    ``error_upper``, a proved bound of E, ``weight_norm``, ``distance`` from the initial weights and
    ``remaining_radius`` to the region's boundary belong to the weights after the step.
    """
    return {
        "step": session.index,
        "error": _finite(session.error),
        "error_range": [_finite(bound) for bound in session.error_range],
        "error_upper": _finite(session.error_upper),
        "gradient_norm": _finite(session.gradient_norm),
        "eta": record.eta,
        "tau": record.tau,
        "eta_until": record.eta_until,
        "verdict": record.verdict.value,
        "decrease": _finite(record.decrease),
        "evidence": record.evidence,
        "weight_norm": _finite(length(session.weights)),
        "distance": _finite(length(session.weights - session.start)),
        "remaining_radius": _room(session.problem.region, session.weights),
    }


def summary(session: Session, verdicts: dict[str, int]) -> dict[str, Any]:
    """Return the result of a run that has ended; what it says of E is computed here, from the weights alone.

    ``verdict`` and ``verdicts`` are those of the lines, each proved by the session that took the step.

    Parameters
    ----------
    session : Session
    verdicts : dict of str to int
        How many lines have which.
    """
    counted = [Verdict(name) for name, count in verdicts.items() if count]
    with np.errstate(over="ignore", invalid="ignore"):
        error = session.problem.error(session.weights)
    upper, decrease = proved_change(session.problem, session.start, session.weights)
    return {
        "verdict": Verdict.weakest(counted or [Verdict.UNDECIDED]).value,
        "steps": session.index,
        "stopped": session.stopped or "step budget",
        "verdicts": verdicts,
        "error": _finite(error),
        "error_upper": _finite(upper),
        "proved_decrease": _finite(decrease),
        "weight_norm": _finite(length(session.weights)),
        "weights_sha256": weights_digest(session.weights),
        "arithmetic": ARITHMETIC,
    }


def count_verdicts(lines: list[dict[str, Any]]) -> dict[str, int]:
    """Return how many lines have which verdict."""
    names = [line["verdict"] for line in lines]
    return {verdict.value: names.count(verdict.value) for verdict in Verdict}


def proved_change(problem: Objective, first: np.ndarray, last: np.ndarray) -> tuple[float, float]:
    """Return an upper bound of E at the last weights and a lower bound of its decrease since the first ones."""
    before, after = error_range(problem, first), error_range(problem, last)
    if np.array_equal(first, last):
        return after[1], 0.0
    decision, _ = decide_by_errors(problem, first, last, before, after, maximal_precision=53)
    return after[1], -decision.upper


def _room(region: Region | None, w: np.ndarray) -> float | None:
    """Distance to the region's boundary in float64, negative outside: `Region.room` is exact and slower."""
    if region is None:
        return None
    return min(float(radius - length(w[block] - center)) for block, center, radius in region.balls(w.size))


def subject(problem: Objective, start: np.ndarray) -> dict[str, Any]:
    """Return what identifies a training problem: network, objective, data and initial weights.

    The graph of a `GraphProblem` holds its loss and reduction; its constants hold its samples.
    """
    return {
        "name": problem.name,
        **_identity(problem),
        "initial_weights_sha256": weights_digest(start),
        "region": _region(problem.region, start),
    }


@singledispatch
def _identity(problem: Objective) -> dict[str, Any]:
    raise NotImplementedError(f"no identity of a {type(problem).__name__}")


@_identity.register
def _of_classical(problem: Problem) -> dict[str, Any]:
    return {
        "architecture": problem.architecture.fingerprint(),
        "reduction": problem.reduction,
        "weight_decay": problem.weight_decay,
        "samples": problem.samples,
        "data_sha256": array_digest([problem.inputs, problem.targets]),
    }


@_identity.register
def _of_graph(problem: GraphProblem) -> dict[str, Any]:
    return {
        "architecture": problem.network.fingerprint(),
        "reduction": None,
        "weight_decay": problem.weight_decay,
        "samples": None,
        "data_sha256": constants_digest(problem.constants),
    }


def _region(region: Region | None, start: np.ndarray) -> dict[str, Any] | None:
    """Return the region with its centre in words: the distances to its boundary in the lines are about it."""
    if region is None:
        return None
    balls = list(region.balls(start.size))
    if all(np.array_equal(center, start[block]) for block, center, _ in balls):
        return {**region.to_data(), "center": "initial weights"}
    return {**region.to_data(), "center": "zero" if not any(np.any(center) for _, center, _ in balls) else "other"}


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
