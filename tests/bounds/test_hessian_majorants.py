"""The majorants themselves: proved norms at other weights of the region lie below them, entry by entry."""

from __future__ import annotations

import itertools
from dataclasses import fields

import flint
import numpy as np
import pytest

from tests.samples import sampled
from tests.taylor_series import error_series
from verify.architecture import Architecture
from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval
from verify.bounds import hessian_sweep
from verify.bounds.hessian_campaign import random_cases, random_problem
from verify.bounds.hessian_cells import refine
from verify.bounds.hessian_center import centers
from verify.bounds.hessian_sweep import Sweep
from verify.bounds.majorant.bound import _slopes
from verify.bounds.majorant.caps import Caps
from verify.bounds.majorant.center import center_facts
from verify.bounds.majorant.center_state import center_jacobians, center_state
from verify.bounds.majorant.deflation import deflated_norm
from verify.bounds.majorant.state import MajorantState
from verify.bounds.majorant.structure import structure
from verify.bounds.majorant.tensors import largest_form, largest_form_within
from verify.bounds.majorant.trajectory import Paths, step_line
from verify.calculus.problem import Problem

# Norms at another point are upper bounds themselves: `approximate` inflates each by 1 + 2**-30, at most sixteen times.
OWN_ROUNDING = 1 - 2.0**-26


def state_at(problem: Problem, weights: np.ndarray) -> MajorantState:
    graph = structure(problem.architecture)
    (center,) = centers(problem, weights)
    return center_state(center, center_jacobians(center, graph), graph)


def image_problem(number: int) -> Problem:
    """Return one of the random problems with convolutions."""
    seeds = (np.random.default_rng([number, attempt]) for attempt in itertools.count())
    problems = (random_problem(rng) for rng in seeds)
    return next(found for found in problems if structure(found.architecture).shared)


def assert_below(norms: MajorantState, majorants: MajorantState) -> None:
    for field in fields(MajorantState):
        here, bound = getattr(norms, field.name), getattr(majorants, field.name)
        real = here > 1e-20  # smaller entries are the floor of the representation
        assert np.all(here[real] * OWN_ROUNDING <= bound[real]), field.name


@pytest.mark.parametrize("number", sampled(15, 4))
def test_a_step_and_the_caps_hold_at_random_weights(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, _ = list(random_cases(number + 1, seed=31))[number]
    monkeypatch.setattr(hessian_sweep, "_FEW", 0 if number % 2 else 2048)
    assert_a_step_holds(problem, number)


def assert_a_step_holds(problem: Problem, number: int) -> None:
    rng = np.random.default_rng(number)
    graph = structure(problem.architecture)
    weights = problem.initial_weights
    (center,) = centers(problem, weights)
    start = state_at(problem, weights)
    for radius in (1e-3, 0.03, 0.3):
        caps = Caps(center, np.full(graph.size, radius), graph)
        line = step_line(caps.tighten(start), 1.0, caps, radius * np.eye(graph.size))
        for _ in range(4):
            direction = rng.standard_normal(len(weights)) * rng.choice([0.0, 1.0], len(weights), p=[0.3, 0.7])
            if not direction.any():
                continue
            moved = weights + radius * (1 - 1e-12) * direction / np.linalg.norm(direction)
            there = state_at(problem, moved)
            assert_below(there, caps.absolute)
            assert_below(there, line.after)
            assert_below(there, line.end)


@pytest.mark.parametrize("number", sampled(6, 2))
def test_a_step_and_the_caps_hold_for_convolutions(number: int) -> None:
    problem = image_problem(number)
    assert structure(problem.architecture).shared
    assert_a_step_holds(problem, number)


def convolution_beside_a_dense_edge() -> Problem:
    """Return a network in which a vertex reads another one through two edges with parameters."""
    image = {"shape": [1, 3, 3], "activation": "tanh", "bias": "channel"}
    same = {"kind": "conv2d", "channels": 1, "kernel": [3, 3], "stride": 1, "padding": 1}
    nodes = {
        "x": {"shape": [1, 3, 3]},
        "c0": {**image, "inputs": [{"from": "x", **same}]},
        "c1": {**image, "inputs": [{"from": "c0", **same}, {"from": "c0", "kind": "dense"}]},
    }
    rng = np.random.default_rng(0)
    architecture = Architecture.from_data(nodes, "c1")
    weights = rng.standard_normal(architecture.size)
    return Problem(architecture, rng.random((4, 9)), rng.random((4, 9)), initial_weights=weights)


@pytest.mark.parametrize("number", range(5))
def test_the_hessian_at_the_centre_of_convolutions_is_exact(number: int) -> None:
    problem = image_problem(number + 20) if number else convolution_beside_a_dense_edge()
    weights = problem.initial_weights
    matrix = np.stack([problem.hessian_vector(weights, row) for row in np.eye(len(weights))])
    matrix = 0.5 * (matrix + matrix.T) - problem.weight_decay * np.eye(len(weights))
    values, vectors = np.linalg.eigh(matrix)
    found, steepest = center_facts(problem, weights).hessian, vectors[:, np.abs(values).argmax()]
    assert found <= np.abs(values).max() * (1 + 1e-6)
    with arb.precision(200):
        size = sum(flint.arb(d) ** 2 for d in steepest.tolist())
        along = 2 * error_series(problem, weights.tolist(), steepest.tolist())[2] - problem.weight_decay * size
        assert abs(along) <= flint.arb(found) * size


def test_the_bound_at_the_centre_names_its_method(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = image_problem(0)
    sharp = center_facts(problem, problem.initial_weights)
    monkeypatch.setattr("verify.bounds.majorant.center.LARGEST_DENSE", 0)
    coarse = center_facts(problem, problem.initial_weights)
    assert (sharp.method, coarse.method) == ("matrix", "block norms")
    assert sharp.hessian <= coarse.hessian


@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_a_step_holds_where_it_is_tight(activation: str) -> None:
    # In a chain of single units a displacement of one weight changes the Jacobians by exactly what the rates allow.
    nodes = {"x": {"width": 1}} | {
        f"v{k}": {"width": 1, "activation": activation, "inputs": [f"v{k - 1}" if k else "x"]} for k in range(3)
    }
    weights, radius = np.array([0.5, 0.1, 0.8, -0.2, 1.1, 0.3]), 0.2
    problem = Problem(
        Architecture.from_data(nodes, "v2"), np.array([[1.0]]), np.array([[0.3]]), initial_weights=weights
    )
    graph = structure(problem.architecture)
    (center,) = centers(problem, weights)
    caps = Caps(center, np.full(graph.size, radius), graph)
    line = step_line(caps.tighten(state_at(problem, weights)), 1.0, caps, radius * np.eye(graph.size))
    for axis in range(len(weights)):
        for sign in (-1.0, 1.0):
            moved = weights.copy()
            moved[axis] += sign * radius * (1 - 1e-12)
            assert_below(state_at(problem, moved), line.after)


@pytest.mark.parametrize("number", sampled(15, 4))
def test_the_third_derivative_at_the_centre_resists_ascent(number: int) -> None:
    problem, _ = list(random_cases(number + 1, seed=37))[number]
    weights, step = problem.initial_weights, 1e-4
    bound = largest_form(center_facts(problem, weights).third)
    rng = np.random.default_rng(number)
    direction = rng.standard_normal(len(weights))
    direction /= np.linalg.norm(direction)
    reached = 0.0
    for _ in range(40):
        ahead = problem.hessian_vector(weights + step * direction, direction)
        behind = problem.hessian_vector(weights - step * direction, direction)
        third = (ahead - behind) / (2 * step)  # only says where to go on
        if abs(direction @ third) > 1.02 * reached:
            reached = abs(direction @ third)
            with arb.precision(200):
                size = sum(flint.arb(d) ** 2 for d in direction.tolist()).sqrt()
                along = 6 * error_series(problem, weights.tolist(), direction.tolist())[3]
                assert abs(along) <= flint.arb(bound) * size**3
        if np.linalg.norm(third) < 1e-9:
            break
        direction = direction + np.sign(direction @ third) * third / np.linalg.norm(third)
        direction /= np.linalg.norm(direction)


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("number", sampled(6, 2))
def test_ranges_where_they_matter_are_as_good_as_ranges_everywhere(
    number: int, order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem, _ = list(random_cases(number + 1, seed=53))[number]
    (center,) = centers(problem, problem.initial_weights)
    for radius in (0.1, 0.5):
        radii = dict.fromkeys(problem.architecture.order, radius)
        monkeypatch.setattr(hessian_sweep, "_FEW", 2**60)
        monkeypatch.setattr(hessian_sweep, "_GROWN", 0.0)
        everywhere = Sweep(center, radii, order)
        monkeypatch.undo()
        monkeypatch.setattr(hessian_sweep, "_FEW", 0)
        chosen = Sweep(center, radii, order)
        for name in problem.architecture.order:
            for full, few in zip(everywhere.suprema[name], chosen.suprema[name], strict=True):
                assert np.all(full <= few * (1 + 2.0**-40))  # both are rounded outward, each in its own way
            # of each derivative a thirtieth, through a few layers
            assert np.all(chosen.suprema[name][0] <= 1.2 * everywhere.suprema[name][0])
            assert np.all(chosen.bend[name] <= 1.5 * everywhere.bend[name])


SPECTRA = {
    "decaying": -3.0 * 0.98 ** np.arange(400),
    "a hundred alike": np.concatenate([1.0 + 0.1 * np.linspace(-1, 1, 100), np.full(300, 1e-3)]),
    "one": np.concatenate([[2.0], np.zeros(399)]),
    "flat": np.where(np.arange(400) % 2, 1.0, -1.0),
    "nothing": np.zeros(400),
}


@pytest.mark.parametrize("spectrum", SPECTRA)
@pytest.mark.parametrize("scale", [1.0, 1e-140, 1e140])
def test_deflation_bounds_the_norm_of_a_matrix(spectrum: str, scale: float) -> None:
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((400, 400)))[0]
    matrix = scale * ((basis * SPECTRA[spectrum]) @ basis.T)
    matrix = 0.5 * (matrix + matrix.T)
    bound = deflated_norm(matrix)
    # |H u| of an exact float vector u, from below
    values, vectors = np.linalg.eigh(matrix / scale)
    u = Interval.point(vectors[:, np.argmax(np.abs(values))])
    with np.errstate(all="ignore"):
        reached = float((Interval.point(matrix) @ u).norm().lower) / float(u.norm().upper)
    assert bound >= reached * (1 - 2.0**-50)
    if spectrum != "flat":
        assert bound <= 1.01 * reached + scale * 1e-12


def test_cells_cover_the_ball() -> None:
    rng = np.random.default_rng(4)
    coefficients = rng.random(3)

    def evaluate(radii: np.ndarray) -> tuple[float, float, np.ndarray]:
        return float(coefficients @ radii), float(coefficients[::-1] @ radii), np.diag(radii)

    coarse, _ = refine(evaluate, 3, 2.0, 1)
    fine, within = refine(evaluate, 3, 2.0, 400)
    exact = 2.0 * float(np.linalg.norm(coefficients))
    assert exact <= fine.value <= 1.1 * exact
    assert fine.value < coarse.value
    assert exact <= within


def test_one_norm_serves_both_ends_of_a_step() -> None:
    # Norms that change places between the ends: choosing the smaller one at each end would bound nothing between.
    tensors = np.zeros((2, 2, 2, 2))
    tensors[0, 0, 0, 0] = tensors[1, 1, 1, 1] = 1.0
    paths = Paths(np.array([1.0, 0.0]), 0.5, np.eye(2))
    slopes = _slopes(tensors, tensors, paths)
    between = 0.5 * (tensors[0] + tensors[1])
    middle = min(largest_form_within(between, paths.block), 0.5 * largest_form(between))
    assert slopes.mean() >= middle
