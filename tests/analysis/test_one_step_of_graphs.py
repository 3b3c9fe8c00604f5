"""The settings of one step of a network of the whole vocabulary: points inside are decided rigorously."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.analysis.test_one_step import rises
from tests.samples import sampled
from verify import GraphBuilder, GraphProblem, InputError, Problem, Setting, Verdict, one_step_ranges
from verify.analysis import lines
from verify.importers.architecture import graph_problem
from verify.operations.choices import RandomChoices
from verify.properties.drawn_graphs import REACH, drawn_problem


def _start(problem: GraphProblem, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    near = 0.25 * REACH * rng.uniform(-1, 1, (2, problem.size))
    return problem.initial_weights + near[0], problem.initial_weights + near[1]


@pytest.mark.parametrize("seed", sampled(40, 4))
def test_nothing_inside_rises(seed: int) -> None:
    problem = drawn_problem(RandomChoices(np.random.default_rng(seed)))
    w, previous = _start(problem, seed)
    if not problem.gradient(w).any():
        pytest.skip("the error does not depend on the weights")
    found = one_step_ranges(problem, w, previous, ratios=(0.5,), seconds=0.1)
    assert rises(problem, w, previous, found) == 0
    assert len(found.rays) == 2 and found.lines


def test_most_are_proved() -> None:
    problems = [drawn_problem(RandomChoices(np.random.default_rng(seed))) for seed in range(5)]
    assert sum(one_step_ranges(each, _start(each, 0)[0], seconds=0.1).rays[0].eta_max > 0 for each in problems) >= 4


def test_a_classical_network_has_the_limits_of_its_own_bounds(problem: Problem) -> None:
    w = problem.initial_weights
    own, found = (one_step_ranges(each, w).rays[0] for each in (problem, graph_problem(problem)))
    assert own.rises_at == pytest.approx(found.rises_at, rel=1e-2)
    assert 0.8 * own.eta_max < found.eta_max <= found.rises_at


@pytest.fixture
def quartic() -> GraphProblem:
    """E = (w1^2 + w2^2)^2/4, from |w| = 1: along -g every eta < 2 decreases it, and from there on it rises."""
    builder = GraphBuilder()
    graph = builder.build(builder.parameter("w", (2,)).square().sum().square() * 0.25)
    return GraphProblem(graph, {}, [0.6, 0.8])


def test_known_limits(quartic: GraphProblem) -> None:
    (ray,) = one_step_ranges(quartic, [0.6, 0.8], setting=Setting(eta=1.5, tau=0.0)).rays
    assert ray.verdict is Verdict.PROVED and 1.9 < ray.eta_max < 2.0 < ray.rises_at < 2.01
    (refused,) = one_step_ranges(quartic, [0.6, 0.8], setting=Setting(eta=2.5, tau=0.0)).rays
    assert refused.verdict is Verdict.UNDECIDED and refused.remedy == f"use eta <= {refused.eta_max!r}"


def test_a_bound_too_small_is_caught(quartic: GraphProblem, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = lines.segment_bound

    def smaller(*arguments: object) -> object:
        bound = honest(*arguments)
        return replace(bound, polynomials=tuple((p[0], *(0.5 * c for c in p[1:])) for p in bound.polynomials))

    w, previous = np.array([0.6, 0.8]), np.array([0.7, 0.6])
    assert rises(quartic, w, previous, one_step_ranges(quartic, w, previous)) == 0
    monkeypatch.setattr(lines, "segment_bound", smaller)
    assert rises(quartic, w, previous, one_step_ranges(quartic, w, previous)) > 0


def test_there_are_no_vertices_to_take_norms_over(quartic: GraphProblem) -> None:
    with pytest.raises(InputError, match="norms per vertex"):
        one_step_ranges(quartic, [0.6, 0.8], [0.7, 0.6], norm="vertex")
