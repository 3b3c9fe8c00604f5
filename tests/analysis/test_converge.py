"""Converge: minima are proved where they are, saddles refuted with a step that replays, flat directions named."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verify
from verify.analysis.flat_directions import flat_by_data
from verify.assumptions import finitely_many_stationary_points
from verify.cli.output import plain

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
XOR = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
TARGETS = [[-0.8], [0.8], [0.8], [-0.8]]


def network(*widths: int, activation: str = "tanh", output: str = "tanh") -> verify.Architecture:
    nodes: dict[str, Any] = {"x": {"width": widths[0]}}
    names = ["x", *(f"h{k}" for k in range(1, len(widths) - 1)), "y"]
    for before, name, width in zip(names, names[1:], widths[1:], strict=False):
        function = output if name == "y" else activation
        nodes[name] = {"width": width, "activation": function, "inputs": [before]}
    return verify.Architecture.from_data(nodes, output="y")


def xor(decay: float, inputs: Any = XOR) -> verify.Problem:
    return verify.Problem(network(len(inputs[0]), 2, 1), inputs, TARGETS, weight_decay=decay)


def test_training_provably_converges_on_xor() -> None:
    problem = verify.load_problem(EXAMPLES / "xor_decay.toml")
    found = verify.converge(problem)
    assert found.verdict is verify.Verdict.PROVED and found.proof is not None
    proof = found.proof
    assert (Fraction(proof.eta) + Fraction(proof.tau)) * Fraction(proof.gradient_norm) < (
        Fraction(proof.radius) * Fraction(proof.gain) * Fraction(proof.m)
    )
    assert [each.verdict.value for each in found.hypotheses] == ["PROVED", "PROVED", "PROVED", "UNDECIDED"]
    assert found.hypotheses[-1].assumed and "PROVED" in repr(found)
    json.dumps(plain(found.to_json()), allow_nan=False)


def test_gradient_is_no_shorter_than_proved_anywhere_on_the_ball() -> None:
    """With m <= Hess E on the ball |grad E(u)| >= m |u - x|: points far from the minimiser are not stationary."""
    problem = verify.load_problem(EXAMPLES / "xor_decay.toml")
    found = verify.converge(problem)
    assert found.proof is not None
    rng = np.random.default_rng(0)
    for _ in range(50):
        direction = rng.standard_normal(found.weights.size)
        u = found.weights + 0.99 * found.proof.radius * direction / np.linalg.norm(direction)
        least = found.proof.m * (0.98 * found.proof.radius - found.proof.distance)
        assert float(problem.gradient_enclosure(u).norm().lower) > least
        assert verify.decide_decrease(problem, found.weights, u).sign == 1


def test_training_from_there_keeps_the_rate() -> None:
    problem = verify.load_problem(EXAMPLES / "xor_decay.toml")
    found = verify.converge(problem)
    assert found.proof is not None
    start = found.weights + 2e-9
    again = verify.converge(problem, start, steps=0, newton_steps=0)
    assert again.verdict is verify.Verdict.PROVED and again.proof is not None
    run = verify.train(problem, start, steps=20, rule="fixed", eta=again.proof.eta, tau=again.proof.tau)
    assert np.linalg.norm(run.weights - start) <= again.proof.radius
    share = (
        again.proof.L / again.proof.m * (1 - again.proof.rate) ** 20
    ) ** 0.5  # of the distance, by the two parabolas
    distances = [float(np.linalg.norm(w - found.weights)) for w in (start, run.weights)]
    assert distances[1] - found.proof.distance <= share * (distances[0] + found.proof.distance)


def test_saddle_is_refuted_and_replays() -> None:
    problem = verify.Problem(network(1, 1, 1), [[1.0], [-1.0]], [[0.5], [-0.5]])
    found = verify.converge(problem, np.zeros(4))
    assert found.verdict is verify.Verdict.REFUTED and found.saddle is not None
    assert found.saddle.curvature < 0 < found.saddle.decrease
    decision = verify.decide_decrease(problem, found.weights, found.saddle.following)
    assert decision.upper <= -found.saddle.decrease
    d = found.saddle.direction
    assert float(d @ problem.hessian_vector(found.weights, d) / (d @ d)) <= found.saddle.curvature


def test_curvature_of_no_sign_is_no_saddle() -> None:
    """At w = 0 the Hessian of XOR without weight decay is singular; no negative curvature is claimed."""
    found = verify.converge(xor(0.0), np.zeros(9))
    assert found.verdict is verify.Verdict.UNDECIDED
    assert found.flat is not None and found.flat.number == 8


@pytest.mark.parametrize(
    ("inputs", "columns", "number"),
    [
        ([[*row, 0.0] for row in XOR], (2,), 2),
        ([[*row, 0.5] for row in XOR], (2,), 2),
        ([[*row, row[0]] for row in XOR], (2,), 2),
        ([[0.0, *row, row[1]] for row in XOR], (0, 3), 4),
    ],
)
def test_flat_directions_of_the_data_are_named_and_weight_decay_helps(
    inputs: list[list[float]], columns: tuple[int, ...], number: int
) -> None:
    problem = xor(0.0, inputs)
    found = verify.converge(problem)
    assert found.verdict is verify.Verdict.UNDECIDED and found.flat is not None
    assert (found.flat.columns, found.flat.number) == (columns, number)
    assert flat_by_data(xor(1e-3, inputs)) is None
    decay = float(str(found.remedy).split("at least ")[1].split(",")[0])
    obeyed = verify.converge(verify.Problem(problem.architecture, inputs, TARGETS, weight_decay=decay))
    assert obeyed.verdict is verify.Verdict.PROVED


def test_digits_autoencoder_is_answered_by_its_flat_directions() -> None:
    """Its 6,280 weights fit into the memory that the Hessian may take: what is named is what is flat."""
    found = verify.converge(verify.load_problem(EXAMPLES / "digits_autoencoder.toml"))
    assert found.flat is not None and found.flat.number == 120


def test_remedy_for_flat_curvature_works() -> None:
    problem = xor(0.0)
    found = verify.converge(problem)
    assert found.verdict is verify.Verdict.UNDECIDED and found.flat is not None and found.flat.number > 0
    decay = float(str(found.remedy).split("at least ")[1])
    assert verify.converge(xor(decay)).verdict is verify.Verdict.PROVED


def test_rotations_of_a_linear_layer_are_named() -> None:
    rng = np.random.default_rng(1)
    x, y = rng.integers(-8, 9, (12, 3)) / 8, rng.integers(-8, 9, (12, 2)) / 8
    problem = verify.Problem(network(3, 2, 2, activation="identity", output="identity"), x, y, weight_decay=0.01)
    found = verify.converge(problem)
    assert found.verdict is verify.Verdict.UNDECIDED
    assert "linear vertex h1" in str(found.remedy)


def test_too_few_steps_are_undecided() -> None:
    found = verify.converge(xor(1e-3), steps=3, newton_steps=0)
    assert found.verdict is verify.Verdict.UNDECIDED and found.remedy


def test_time_limit_is_undecided() -> None:
    found = verify.converge(xor(1e-3), time_limit_s=0.0)
    assert found.verdict is verify.Verdict.UNDECIDED and "too long" in found.statement


def test_overflow_is_undecided() -> None:
    architecture = network(2, 2, 1, activation="softplus", output="identity")
    problem = verify.Problem(architecture, XOR, TARGETS, weight_decay=1e-3)
    found = verify.converge(problem, np.full(9, 1e160))
    assert found.verdict is verify.Verdict.UNDECIDED


def test_an_error_without_any_curvature_is_flat() -> None:
    problem = verify.Problem(network(1, 1, activation="identity", output="identity"), [[0.0]], [[0.0]])
    start = verify.Problem(problem.architecture, [[1e-300]], [[0.0]], initial_weights=[0.0, 0.0])
    for each in (problem, start):
        found = verify.converge(each, [0.0, 0.0])
        assert found.verdict is verify.Verdict.UNDECIDED and found.flat is not None and found.remedy


def test_kink_is_undecided_or_refused() -> None:
    problem = verify.Problem(network(2, 2, 1, activation="leaky_relu"), XOR, TARGETS, weight_decay=1e-3)
    found = verify.converge(problem, steps=20, newton_steps=2)
    assert found.verdict is verify.Verdict.UNDECIDED


@pytest.mark.parametrize("settings", [{"steps": -1}, {"newton_steps": True}, {"rule": "fixed"}])
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(verify.InputError):
        verify.converge(xor(1e-3), **settings)


def test_a3_is_proved_where_the_ball_is_convex() -> None:
    problem = xor(1e-3)
    found = verify.converge(problem)
    assert found.proof is not None
    at = verify.Problem(problem.architecture, XOR, TARGETS, weight_decay=1e-3, initial_weights=found.weights)
    small, large = (verify.Ball(found.weights, radius) for radius in (found.proof.radius, 10.0))
    finding = finitely_many_stationary_points(at, small)
    assert (finding.verdict.value, finding.theorem) == ("PROVED", "local_minimum")
    assert finding.numbers["least_curvature"] > 0
    assert finitely_many_stationary_points(at, large).verdict is verify.Verdict.UNDECIDED
