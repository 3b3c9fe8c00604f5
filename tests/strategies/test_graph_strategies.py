"""Networks of the whole vocabulary are drawn, and what is proved of them holds."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import verify
from tests.graph.oracles import check_case
from tests.graph.random_graphs import Case
from verify.bounds.attack import attack_hessian
from verify.bounds.hessian import hessian_bound
from verify.bounds.hessian_result import UndecidedHessianError
from verify.graph.problem import GraphProblem
from verify.layers import LAYERS
from verify.losses import LOSSES
from verify.operations import OPERATIONS
from verify.operations.choices import RandomChoices
from verify.operations.leaves import Leaf
from verify.properties import drawn_graphs
from verify.properties.cases import PREVIOUS, StepCase
from verify.properties.drawn_graphs import Vocabulary, drawn_problem
from verify.properties.step import take_step
from verify.strategies import admissible_settings, graph_problems, graphs, to_python

FEW = settings(max_examples=25, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
FIND = settings(max_examples=40, database=None, derandomize=True, deadline=None)
NOT_DRAWN = {"parameter", "constant", "tangent", "filled", "largest_indicator"}
SMOOTH = Vocabulary(smooth=True)


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - NOT_DRAWN))
def test_every_operation_is_drawn_by_its_own_class(name: str) -> None:
    kind, drawn = OPERATIONS[name], set()
    shapes = [(2, 3), (3,), (2, 3), (1, 2, 2), (), (2, 0)]
    for seed in range(60):
        found = kind.drawn(RandomChoices(seed), shapes)
        if found is not None:
            operation, places = found
            assert type(operation) is kind
            if operation.takes(*(shapes[place] for place in places)):
                drawn.add(operation)
    assert len(drawn) > 1 or drawn == {kind()}


def test_leaves_and_arrays_that_do_not_fit_are_not_drawn() -> None:
    for name, kind in OPERATIONS.items():
        if issubclass(kind, Leaf) or name in NOT_DRAWN:
            assert kind.drawn(RandomChoices(0), [(2, 3)]) is None
        assert kind.drawn(RandomChoices(0), []) is None


def test_all_layers_and_losses_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    layer, loss = drawn_graphs._Maker.layer, drawn_graphs._Maker.drawn_loss

    def watched(self: Any, kind: Any) -> Any:
        made = layer(self, kind)
        seen.add(kind.name)
        return made

    def watched_loss(self: Any, outputs: Any) -> Any:
        made = loss(self, outputs)
        seen.update(kind.name for kind in self.vocabulary.losses)
        return made

    monkeypatch.setattr(drawn_graphs._Maker, "layer", watched)
    monkeypatch.setattr(drawn_graphs._Maker, "drawn_loss", watched_loss)
    for k, kind in enumerate(LAYERS.values()):
        for seed in range(40):
            drawn_problem(RandomChoices([k, seed]), Vocabulary(layers=(kind,), operations=(OPERATIONS["scale"],)))
            if kind.name in seen:
                break
    for k, kind in enumerate(LOSSES.values()):
        for seed in range(40):
            drawn_problem(RandomChoices([k, seed]), Vocabulary(losses=(kind,)), most_steps=1)
            if kind.name in seen:
                break
    assert seen == {*LAYERS, *LOSSES}


def test_a_graph_shrinks_to_few_nodes() -> None:
    few = graphs(Vocabulary((OPERATIONS["softmax"], OPERATIONS["power"]), layers=(), losses=()), max_steps=3)
    found = find(few, lambda graph: any(n.operation.name == "softmax" for n in graph.nodes), settings=FIND)
    assert len(found.nodes) <= 12


def test_smooth_vocabularies_have_no_kinks() -> None:
    for seed in range(15):
        problem = drawn_problem(RandomChoices(seed), SMOOTH)
        assert all(SMOOTH.allows(node.operation) for node in problem.graph.nodes)
        assert "maximum" not in {node.operation.name for node in problem.graph.nodes}


@FEW
@given(problem=graph_problems())
def test_python_reproduces_the_problem(problem: GraphProblem) -> None:
    names: dict[str, Any] = {}
    exec(compile(to_python(problem), "case", "exec"), names)  # noqa: S102 -- what the package wrote itself
    again = names["problem"]
    assert again.graph == problem.graph and np.array_equal(again.initial_weights, problem.initial_weights)
    assert again.error(again.initial_weights) == problem.error(problem.initial_weights)
    assert again.region.to_data() == problem.region.to_data()


def test_a_failing_test_prints_the_problem() -> None:
    @settings(max_examples=5, database=None, derandomize=True, deadline=None, phases=[Phase.generate])
    @given(problem=graph_problems(max_steps=2))
    def no_product(problem: GraphProblem) -> None:
        assert "contraction" not in {node.operation.name for node in problem.graph.nodes}

    with pytest.raises(AssertionError) as caught:
        no_product()
    (text,) = (n.split("\n\n", 1)[1] for n in caught.value.__notes__ if n.startswith("The problem in Python"))
    assert any(isinstance(node, ast.Call) for node in ast.walk(ast.parse(text)))
    names: dict[str, Any] = {}
    exec(compile(text, "case", "exec"), names)  # noqa: S102 -- written by the package
    assert "contraction" in {node.operation.name for node in names["problem"].graph.nodes}


@FEW
@given(problem=graph_problems(), seed=st.integers(0, 2**20))
def test_enclosures_gradients_segments_and_decisions_hold(problem: GraphProblem, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = (np.round(rng.normal(size=problem.size) * 64) / 64 for _ in range(2))
    smooth = all(SMOOTH.allows(node.operation) for node in problem.graph.nodes)
    counts = check_case(Case(seed, "smooth" if smooth else "kinked", problem, (one, other)))
    assert counts["enclosures of E"] == 1 and counts["points on segments"] == 2


@settings(FEW, max_examples=4)
@given(data=st.data(), problem=graph_problems(SMOOTH, max_steps=3))
def test_bounds_are_above_attacks_and_steps_in_the_proved_range_decrease(data: Any, problem: GraphProblem) -> None:
    try:
        L = hessian_bound(problem, method="norms").value
    except UndecidedHessianError:
        return
    attack = attack_hessian(problem, points=1, ascents=2)
    assert attack.value <= L
    if L == 0:
        return
    setting = data.draw(admissible_settings(L))
    case = StepCase(
        data.draw(st.integers(0, 2**16)),
        data.draw(st.sampled_from([0.0, 0.5, 1.0])),
        data.draw(st.sampled_from(PREVIOUS)),
        setting.eta,
        setting.momentum,
    )
    outcome = take_step(problem, case, L, attack.direction)
    assert not outcome.violates
    if outcome.covered:
        assert outcome.decision.decreases is verify.Verdict.PROVED
