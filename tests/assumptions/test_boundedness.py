"""A2: assumed for a given region, proved by weight decay or for a number of steps, never counted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from verify import Ball, BoundedWeights, Problem, Verdict, hessian_bound
from verify.assumptions import bounded_weights
from verify.assumptions.boundedness import prove_boundedness
from verify.theorems.horizon import horizon
from verify.theorems.weight_decay import sublevel_radius, weight_decay

Make = Callable[..., Problem]


def test_a_given_region_is_assumed() -> None:
    finding = bounded_weights(Ball(np.zeros(2), 0.5))
    assert (finding.verdict, finding.assumed, finding.counted) == (Verdict.UNDECIDED, True, False)
    assert finding.numbers["region"] == {"kind": "ball", "radius": 0.5}
    assert finding.remedy


def test_theorems_prove_it() -> None:
    for_ever = bounded_weights(BoundedWeights(5.0), weight_decay(1.0, 2.0, 0.25, 0.5, 0.2, 5.0))
    assert (for_ever.verdict, for_ever.theorem, for_ever.assumed) == (Verdict.PROVED, "weight_decay", False)
    assert "for ever" in for_ever.statement
    limited = bounded_weights(Ball(np.zeros(2), 3.0), horizon(1.0, 0.5, 0.0, 0.5, 0.25, 3.0, 1))
    assert (limited.verdict, limited.theorem) == (Verdict.PROVED, "horizon")
    assert limited.statement == "the first 7 steps stay in the region"


def test_a_theorem_that_does_not_apply_proves_nothing() -> None:
    for proof in (weight_decay(1.0, 2.0, 0.25, 0.5, 0.2, 4.0), horizon(1.0, 0.5, 0.0, 0.5, 0.25, 3.0, 8)):
        assert proof.verdict is Verdict.UNDECIDED
        assert bounded_weights(BoundedWeights(4.0), proof).verdict is Verdict.UNDECIDED


def test_weight_decay_needs_a_region_beyond_the_sublevel_set(make_problem: Make) -> None:
    problem = make_problem(weight_decay=0.5)
    level = sublevel_radius(problem.error_enclosure(problem.initial_weights)[1], 0.5)
    for factor, kind in ((1.01, "WeightDecay"), (0.99, "Horizon")):
        region = BoundedWeights(factor * level)
        L = hessian_bound(problem, region).value
        proof = prove_boundedness(problem, region, L, 1e-3 / L, 0.0, "sharp")
        assert type(proof).__name__ == kind
        assert proof is not None
        assert proof.verdict is Verdict.PROVED


def test_a_ball_around_other_weights_has_less_room(make_problem: Make) -> None:
    problem = make_problem()
    w = problem.initial_weights
    shifted = w + 0.75 / np.sqrt(w.size)
    assert prove_boundedness(problem, Ball(w, 1.0), 10.0, 1e-3, 0.0, "sharp") is not None
    full = prove_boundedness(problem, Ball(w, 1.0), 10.0, 1e-3, 0.0, "sharp")
    part = prove_boundedness(problem, Ball(shifted, 1.0), 10.0, 1e-3, 0.0, "sharp")
    assert 0 < part.largest_steps < full.largest_steps
    assert prove_boundedness(problem, Ball(w + 1.0, 1.0), 10.0, 1e-3, 0.0, "sharp") is None


def test_settings_outside_the_range_prove_nothing(make_problem: Make) -> None:
    problem = make_problem()
    assert prove_boundedness(problem, Ball(problem.initial_weights, 1.0), 10.0, 0.3, 0.0, "sharp") is None
    assert prove_boundedness(problem, Ball(problem.initial_weights, 1.0), 10.0, 0.01, 0.9, "heavy_ball") is not None
