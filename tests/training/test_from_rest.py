"""Rules whose stored steps are proved by their slope alone, as theorem `from_rest` keeps it true."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import verify
from verify.layers.dense import dense
from verify.losses import loss
from verify.operations.elementwise import Elementwise
from verify.outcomes import InputError, Verdict
from verify.training.downhill import DownhillProof
from verify.training.momentum import heavy_ball_step
from verify.training.rules import DOWNHILL
from verify.training.session import Session
from verify.training.train import make_rule, train

NODES = {
    "x": {"width": 2},
    "h": {"width": 3, "activation": "tanh", "inputs": ["x"]},
    "y": {"width": 1, "activation": "sigmoid", "inputs": ["h", "x"]},
}


def wide_problem(radius: float = 4.0) -> verify.Problem:
    architecture = verify.Architecture.from_data(NODES, "y")
    inputs = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    start = architecture.initial_weights("glorot", seed=3)
    targets = np.array([[0.0], [1.0], [1.0], [0.0]])
    return verify.Problem(
        architecture, inputs, targets, initial_weights=start, region=verify.Ball(start, radius), name="xor"
    )


@pytest.fixture(scope="module")
def problem() -> verify.Problem:
    return wide_problem()


@pytest.fixture(scope="module")
def proof(problem: verify.Problem) -> DownhillProof:
    return DownhillProof.of(problem)


@pytest.mark.parametrize("rate", [0.02, 0.25])
@pytest.mark.parametrize("rule", ["fixed", "clipped"])
def test_steps_in_the_range_are_proved_by_their_slope(
    problem: verify.Problem, proof: DownhillProof, rule: Any, rate: float
) -> None:
    """Every such step is decided again by evaluation; the claimed decrease is not above the true one."""
    eta = rate / proof.L
    tau = 0.99 * verify.momentum_range(proof.L, eta, theorem="from_rest")[1]
    options: dict[str, Any] = {"theorem": "from_rest"} if rule == "fixed" else {"mu": 0.95}
    session = Session(problem, make_rule(rule, eta, tau, problem=problem, **options))
    claimed = 0
    for _ in range(60):
        w = session.weights
        record = session.step()
        assert record is not None and record.verdict is Verdict.PROVED
        claimed += record.evidence == DOWNHILL
        decision = verify.decide_decrease(problem, w, session.weights)
        assert decision.sign == -1
        assert record.decrease <= -decision.lower
    assert claimed == 60
    assert session.error_upper < problem.error(problem.initial_weights)


def test_a_step_is_not_claimed_beyond_the_hypotheses(problem: verify.Problem, proof: DownhillProof) -> None:
    w = problem.initial_weights
    g = problem.gradient(w)
    edge = 1 / proof.L  # along -g the inequality L |D|^2 <= -g.D ends at eta = 1/L
    change = proof.change(problem, w, w - 0.999 * edge * g)
    assert change is not None and change < 0
    assert proof.change(problem, w, w - 1.001 * edge * g) is None
    assert proof.change(problem, w, w + 1e-3 * g) is None
    assert proof.change(problem, w, w) is None
    near = DownhillProof(proof.L, verify.Ball(w, 1e-6))
    assert near.change(problem, w, w - 0.5 * edge * g) is None
    assert near.change(problem, w - 0.5 * edge * g, w) is None


def test_the_claimed_change_is_that_of_the_descent_lemma(problem: verify.Problem, proof: DownhillProof) -> None:
    w = problem.initial_weights
    w_next = w - 0.5 / proof.L * problem.gradient(w)
    change = proof.change(problem, w, w_next)
    step = w_next - w
    expected = problem.gradient(w) @ step + proof.L / 2 * step @ step
    assert change is not None and float(change) == pytest.approx(expected, rel=1e-9)


def test_what_the_slope_does_not_prove_is_decided(problem: verify.Problem, proof: DownhillProof) -> None:
    """Outside a small region nothing is claimed, and the steps are decided by evaluation."""
    small = wide_problem(radius=0.02)
    eta = 0.2 / proof.L
    run = train(small, steps=40, rule="fixed", eta=eta, tau=eta, theorem="from_rest")
    found = [record.evidence for record in run.steps]
    assert found[0] == DOWNHILL and found[-1] != DOWNHILL
    assert {record.verdict for record in run.steps} == {Verdict.PROVED}


def test_clipped_is_sgd_where_it_may_be_and_never_longer(problem: verify.Problem, proof: DownhillProof) -> None:
    eta = 0.01 / proof.L
    rule = make_rule("clipped", eta, problem=problem, mu=0.97)
    assert rule.tau == verify.momentum_range(proof.L, eta, theorem="from_rest")[1]  # type: ignore[attr-defined]
    session, kinds = Session(problem, rule), set()
    previous = np.zeros(problem.architecture.size)
    for _ in range(80):
        w = session.weights
        gradient = problem.gradient(w)
        record = session.step()
        assert record is not None and record.tau <= rule.tau * (1 + 1e-12)  # type: ignore[attr-defined]
        plain = w + heavy_ball_step(gradient, previous, eta, 0.97)
        kinds.add(np.array_equal(plain, session.weights))
        previous = session.weights - w
    assert kinds == {True, False}


def test_a_clipped_run_goes_on_bit_for_bit(problem: verify.Problem) -> None:
    def make() -> Session:
        return Session(problem, make_rule("clipped", 0.05, problem=problem, mu=0.9))

    whole, first = make(), make()
    for _ in range(6):
        whole.step()
    for _ in range(3):
        first.step()
    second = make()
    second.restore(first.state())
    for _ in range(3):
        second.step()
    assert np.array_equal(second.weights, whole.weights)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rule": "fixed", "eta": 0.01, "tau": 50.0, "theorem": "from_rest"}, "outside the range of theorem from_rest"),
        ({"rule": "fixed", "eta": 50.0, "tau": 0.0, "theorem": "from_rest"}, "needs a smaller learning rate"),
        ({"rule": "fixed", "eta": 0.01, "tau": 0.0, "theorem": "from_rest", "norm": "vertex"}, "over all weights"),
        ({"rule": "fixed", "eta": 0.01, "tau": 0.0, "theorem": "nesterov"}, "no such theorem for this rule"),
        ({"rule": "certified", "theorem": "from_rest"}, "no such theorem for this rule"),
        ({"rule": "guarded", "mu": 0.9}, "mu is for rules 'clipped' and 'epoch' only"),
        ({"rule": "clipped", "eta": 0.01}, "mu=None"),
        ({"rule": "clipped", "eta": 0.01, "mu": -0.5}, "mu=-0.5"),
        ({"rule": "clipped", "eta": 0.01, "mu": 0.9, "norm": "vertex"}, "over all weights"),
        ({"rule": "clipped", "eta": 0.01, "mu": 0.9, "tau": 50.0}, "outside the range of theorem from_rest"),
    ],
)
def test_settings_outside_the_hypotheses(problem: verify.Problem, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        train(problem, steps=1, **settings)


def test_a_problem_without_a_region(problem: verify.Problem) -> None:
    nowhere = verify.Problem(problem.architecture, problem.inputs, problem.targets)
    with pytest.raises(InputError, match="needs a region"):
        train(nowhere, steps=1, rule="clipped", eta=0.01, mu=0.9)


def test_the_proof_is_of_the_bound_it_is_given(problem: verify.Problem, proof: DownhillProof) -> None:
    """A larger L claims less: the slope pays for it or nothing is said."""
    w = problem.initial_weights
    w_next = w - 0.9 / proof.L * problem.gradient(w)
    assert isinstance(proof.change(problem, w, w_next), Fraction)
    assert replace(proof, L=2 * proof.L).change(problem, w, w_next) is None


def graph_problem(activation: str, radius: float | None = 0.25) -> verify.GraphProblem:
    """Two classes by softmax cross-entropy: no sum of squares."""
    builder, rng = verify.GraphBuilder(), np.random.default_rng(2)
    x = builder.constant("x", (6, 2))
    z = dense(x, builder.parameter("W0", (3, 2)), builder.parameter("b0", (3,))).apply(Elementwise(activation))
    z = dense(z, builder.parameter("W1", (2, 3)), builder.parameter("b1", (2,)))
    criterion = loss("softmax-cross-entropy")
    targets = criterion.read_targets(np.array([0, 1, 1, 0, 1, 0]), z.shape)
    graph = builder.build(criterion.error(z, builder.constant("targets", targets.shape)))
    start = rng.standard_normal(17)
    region = None if radius is None else verify.Ball(start, radius)
    return verify.GraphProblem(graph, {"x": rng.standard_normal((6, 2)), "targets": targets}, start, region=region)


@pytest.mark.parametrize("rule", ["fixed", "clipped"])
def test_steps_of_a_graph_are_proved_by_their_slope(rule: Any) -> None:
    problem = graph_problem("tanh")
    L = verify.hessian_bound(problem, problem.region).value
    eta = 0.05 / L
    tau = 0.99 * verify.momentum_range(L, eta, theorem="from_rest")[1]
    options: dict[str, Any] = {"theorem": "from_rest"} if rule == "fixed" else {"mu": 0.9}
    session = Session(problem, make_rule(rule, eta, tau, problem=problem, **options))
    for _ in range(8):
        w = session.weights
        record = session.step()
        assert record is not None and record.verdict is Verdict.PROVED and record.evidence == DOWNHILL
        decision = verify.decide_decrease(problem, w, session.weights)
        assert decision.sign == -1 and record.decrease <= -decision.lower


def test_graphs_without_a_bound_or_a_region_are_refused() -> None:
    with pytest.raises(InputError, match="no bound L on the region"):
        train(graph_problem("relu"), steps=1, rule="clipped", eta=0.01, mu=0.9)
    with pytest.raises(InputError, match="needs a region"):
        train(graph_problem("tanh", None), steps=1, rule="clipped", eta=0.01, mu=0.9)
