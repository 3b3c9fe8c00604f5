"""The range of one step for every previous step: held against steps that use it up, decided rigorously."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import verify
from tests.graph.networks import classifier
from tests.samples import sampled
from verify import BlockBall, InputError, Problem, decide_decrease
from verify.analysis.any_direction import any_direction, examine_any_direction
from verify.bounds.attack import attack_hessian
from verify.bounds.curvature import Curvature, examine_curvature
from verify.training.momentum import adaptive_step


def adversaries(problem: Problem, w: np.ndarray, leading: np.ndarray) -> list[np.ndarray]:
    gradient, rng = problem.gradient(w), np.random.default_rng(5)
    blocks = problem.architecture.blocks.values()
    mixed = [np.concatenate([rng.choice([-1.0, 1.0]) * gradient[block] for block in blocks]) for _ in range(4)]
    return [gradient, -gradient, leading, -leading, *mixed, *rng.standard_normal((8, w.size))]


def rises(problem: Problem, w: np.ndarray, eta: float, tau: float, leading: np.ndarray) -> int:
    gradient = problem.gradient(w)
    steps = (
        adaptive_step(gradient, previous, eta, tau, "vertex", problem.architecture)
        for previous in adversaries(problem, w, leading)
    )
    signs = [decide_decrease(problem, w, w + step).sign for step in steps]
    assert None not in signs
    return sum(sign == 1 for sign in signs)


@pytest.mark.parametrize("seed", sampled(6, 3))
def test_no_step_inside_rises(problem, seed):
    w = problem.initial_weights + 0.5 * np.random.default_rng(seed).standard_normal(problem.architecture.size)
    found = any_direction(problem, w, bounds=1)
    leading = attack_hessian(problem, BlockBall(w, {"h": 0.1, "y": 0.1}, problem.architecture.blocks)).direction
    for part in (0.505, 0.6, 0.8, 0.95):
        eta, tau = part * found.eta_max, (0.999 - part) * found.eta_max
        assert rises(problem, w, eta, tau, leading) == 0


def test_the_attack_finds_rises_far_outside(problem):
    found = any_direction(problem, bounds=1)
    leading = attack_hessian(problem, problem.region).direction
    assert rises(problem, problem.initial_weights, 60 * found.eta_max, 60 * found.eta_max, leading) > 0


@pytest.mark.parametrize("seed", sampled(4, 2))
def test_no_curvature_above_the_bound(problem, seed):
    w = problem.initial_weights + np.random.default_rng(seed).standard_normal(problem.architecture.size)
    found = any_direction(problem, w, bounds=1)
    gradient, blocks = problem.gradient(w), problem.architecture.blocks
    radii = {name: found.radius * float(np.linalg.norm(gradient[block])) for name, block in blocks.items()}
    attack = attack_hessian(problem, BlockBall(w, radii, blocks), points=3, seed=seed)
    assert found.attack <= found.value and attack.value <= found.value


def test_quadratic_error_gets_the_whole_range(quadratic):
    found = any_direction(quadratic)
    assert found.attack <= 4.0 <= found.value
    assert 0.495 < found.eta_max <= 0.5
    assert 0.245 < found.eta_half <= 0.25
    assert Fraction(found.eta_half) * Fraction(found.value) <= 1
    assert found.eta + found.tau <= found.eta_max and found.tau <= found.eta and found.gain > 0
    direction = np.array([0.0, 1.0])
    assert rises(quadratic, np.array([1e-9, 1.0]), 0.51, 0.0, direction) > 0


def test_wider_than_the_region_allows(problem):
    """The ball of the region is no limit here."""
    gradient = float(np.linalg.norm(problem.gradient(problem.initial_weights)))
    assert any_direction(problem).eta_max > problem.region.radius / gradient


def test_zero_gradient(quadratic):
    with pytest.raises(InputError, match="the gradient is zero"):
        any_direction(quadratic, [0.0, 0.0])
    answer = examine_any_direction(quadratic, [0.0, 0.0])
    assert (answer["verdict"], answer["eta_max"]) == ("UNDECIDED", None)
    assert answer["remedy"] == "give other weights"


def test_a_vertex_without_gradient_stays(quadratic):
    assert any_direction(quadratic, [0.0, 1.0]).eta_max > 0.49


def test_without_a_bound_the_reason_is_told(problem):
    answer = examine_any_direction(problem, curvature=Curvature(None, None, "r", reason="a kink", remedy="smooth it"))
    assert answer["verdict"] == "UNDECIDED"
    assert "a kink" in answer["statement"] and answer["remedy"] == "smooth it"


def test_a_graph_of_operations_has_its_parameters_for_blocks():
    builder = verify.GraphBuilder()
    graph = builder.build(builder.parameter("a", (2,)).square().sum() + builder.parameter("b", (3,)).square().sum())
    found = any_direction(verify.GraphProblem(graph, {}, [1.0, 2.0, 3.0, 4.0, 5.0]))
    assert 0.99 < found.eta_max <= 1.0
    assert found.to_json()["norm"] == "parameter"
    assert "norms per parameter" in found.statement


def test_every_previous_step_of_a_graph_is_covered():
    problem = classifier()
    problem.region = verify.Ball(problem.initial_weights, 0.01)
    found = any_direction(problem, bounds=1, curvature=examine_curvature(problem))
    w, g = problem.initial_weights, problem.gradient(problem.initial_weights)
    rng = np.random.default_rng(0)
    for share in (0.0, 0.25, 0.5):
        tau = share * found.eta_max
        for _ in range(3):
            step = -(1 - share) * found.eta_max * g
            for block in problem.blocks:
                push = rng.normal(size=block.place.stop - block.place.start)
                step[block.place] += 0.999 * tau * np.linalg.norm(g[block.place]) * push / np.linalg.norm(push)
            assert decide_decrease(problem, w, w + step).sign < 0
