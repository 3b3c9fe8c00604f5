"""The proof of a graph's gradient: every rule on symbols, every use counted; planted faults are found by the proof."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

import verify.graph.reverse as reverse
import verify.graph.symbolic.rules as rules
import verify.operations.power as power
import verify.operations.softmax as softmax
from tests.graph.networks import KINKED as KINKED_NETWORKS
from tests.graph.networks import SMOOTH, classifier
from tests.graph.random_graphs import random_case
from tests.operations.samples import SAMPLES, identifier
from verify.graph.graph import Graph
from verify.graph.problem import GraphProblem
from verify.graph.reverse import gradient_graph
from verify.graph.symbolic import graph_latex, prove_graph_gradients
from verify.graph.symbolic.induction import walked
from verify.graph.symbolic.ring import NotPositiveError, Ring, TooLargeError
from verify.graph.symbolic.rules import Proved, Unproved, prove_rule
from verify.graph.tensor import GraphBuilder
from verify.operations import OPERATIONS
from verify.operations.broadcast import Broadcast, SumOver
from verify.operations.contraction import Contraction
from verify.operations.cumulative_sum import CumulativeSum
from verify.operations.elementwise import Elementwise
from verify.operations.gather import Gather, Indices, ScatterAdd
from verify.operations.leaves import Filled, Leaf
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.permute import Permute
from verify.operations.power import Power
from verify.operations.reshape import Reshape
from verify.operations.slices import Pad
from verify.operations.softmax import Softmax
from verify.operations.windows import Fold, Windows
from verify.outcomes import Verdict

STILL = [sample for sample in SAMPLES if sample[0].name == "largest_indicator" or sample[0] == Power(Fraction(0))]
"""Their derivative is zero."""
MOVING = [sample for sample in SAMPLES if sample not in STILL]
SAME_BACKWARDS = [sample for sample in SAMPLES if sample[0] in (SumOver((0, 2)), Broadcast((2, 3, 4)))]
"""What they send back is constant along the last axis."""


def proof_of(sample, own_shapes=True):
    operation, shapes = sample if own_shapes else sample[0].shortened(*sample[1])
    return prove_rule(operation, shapes, range(len(shapes)))


# rules


@pytest.mark.parametrize("sample", SAMPLES, ids=identifier)
def test_the_rule_of_every_operation_is_proved(sample):
    positive = sample[0].name == "logarithm" or (sample[0].name == "power" and sample[0].exponent.denominator == 2)
    assert proof_of(sample) == Proved(own_shapes=True, positive=positive)
    assert proof_of(sample, own_shapes=False) == Proved(own_shapes=True, positive=positive)


def test_every_operation_says_its_rule_in_words():
    assert {kind.name for kind in OPERATIONS.values() if not kind.rule} == {
        kind.name for kind in OPERATIONS.values() if issubclass(kind, Leaf | Filled)
    }


GROWING = (
    "add",
    "scale",
    "permute",
    "sum",
    "contraction",
    "elementwise",
    "power",
    "logarithm",
    "cumulative_sum",
    "maximum",
)
LARGE = [
    (operation, tuple(tuple(2000 * n if n > 1 else 1 for n in shape) for shape in shapes))
    for operation, shapes in SAMPLES
    if operation.name in GROWING
] + [
    (Softmax(), ((400, 3, 70),)),
    (Softmax(Indices(np.tril(np.ones((90, 90), dtype=int)))), ((5, 90, 90),)),
    (LogSumExp(Indices([0] * 40 + [1] * 50)), ((60, 90),)),
    (Reshape((1797, 8, 8)), ((1797, 64),)),
    (Reshape((28752, 4)), ((1797, 16, 4),)),
    (Gather(0, Indices(np.arange(6000).reshape(2000, 3) % 97)), ((100, 16),)),
    (OPERATIONS["scatter_add"](1, Indices([7, -1, 3] * 500), 9), ((40, 1500, 3),)),
    (OPERATIONS["broadcast"]((300, 40, 5)), ((40, 1),)),
    (OPERATIONS["slice"](1, 3, 90, 7), ((1797, 97, 4),)),
    (Pad(0, 2, 400, 2), ((190, 64),)),
    (OPERATIONS["concatenate"](1), ((1797, 3), (1797, 61))),
    (OPERATIONS["windows"]((3, 2), (2, 1), (1, 2)), ((1797, 4, 28, 31),)),
    (OPERATIONS["fold"]((3, 2), (2, 1), (1, 2), (28, 31)), ((100, 13, 29, 3, 2),)),
]  # fmt: skip


@pytest.mark.parametrize("sample", LARGE, ids=identifier)
def test_large_arguments_are_shortened(sample):
    found = proof_of(sample)
    assert isinstance(found, Proved)
    assert not found.own_shapes


def test_what_cannot_be_shortened_is_not_proved(monkeypatch):
    monkeypatch.setattr(CumulativeSum, "shortened", lambda self, *shapes: (self, shapes))
    found = prove_rule(CumulativeSum(), [(2000, 100)], [0])
    assert isinstance(found, Unproved)
    assert not found.wrong


# planted faults


def pulled_back(change):
    """A pullback that returns something else."""
    return lambda right: lambda self, arguments, result, adjoint: change(right(self, arguments, result, adjoint))


def part_by_part(change):
    return pulled_back(lambda parts: tuple(None if part is None else change(part) for part in parts))


def backwards(part):
    """The part with its last axis reversed."""
    last = len(part.shape) - 1
    return part.apply(Gather(last, Indices(range(part.shape[-1] - 1, -1, -1))))


def turned(part):
    """The part with its axes in the other order, squeezed under its own shape."""
    return part.permute(*reversed(range(len(part.shape)))).reshape(part.shape)


FAULTS = {
    "wrong sign": part_by_part(lambda part: -part),
    "lost": pulled_back(lambda parts: (None,) * len(parts)),
    "twice": part_by_part(lambda part: part + part),
    "last argument lost": pulled_back(lambda parts: (*parts[:-1], None)),
    "last argument of the wrong sign": pulled_back(lambda parts: (*parts[:-1], -parts[-1])),
    "backwards": part_by_part(backwards),
}
TURNED = [sample for sample in MOVING if all(sum(n > 1 for n in shape) > 1 for shape in sample[1])]


@pytest.mark.parametrize("sample", MOVING, ids=identifier)
def test_faults_of_a_pullback_are_found(sample, monkeypatch):
    kind = type(sample[0])
    right = kind.pullback
    for fault in FAULTS.keys() - ({"backwards"} if sample in SAME_BACKWARDS else set()):
        monkeypatch.setattr(kind, "pullback", FAULTS[fault](right))
        for own_shapes in (True, False):
            found = proof_of(sample, own_shapes)
            assert isinstance(found, Unproved), fault
            assert found.wrong


@pytest.mark.parametrize("sample", TURNED, ids=identifier)
def test_a_wrong_axis_is_found(sample, monkeypatch):
    kind = type(sample[0])
    monkeypatch.setattr(kind, "pullback", part_by_part(turned)(kind.pullback))
    assert isinstance(proof_of(sample), Unproved)


@pytest.mark.parametrize("sample", STILL, ids=identifier)
def test_what_sends_nothing_back_must_not(sample, monkeypatch):
    kind = type(sample[0])
    monkeypatch.setattr(kind, "pullback", lambda self, arguments, result, adjoint: (adjoint,))
    assert isinstance(proof_of(sample), Unproved)


SPECIAL = {
    "a transpose is lost": (
        Contraction, "pullback",
        lambda self, arguments, result, adjoint: (
            adjoint.apply(Contraction("nh", "dh", "nd"), adjoint, arguments[1]),
            adjoint.apply(Contraction("nh", "nd", "hd"), adjoint, arguments[0]),
        ),
        (Contraction("nd", "hd", "nh"), ((4, 3), (3, 3))),
    ),
    "axes go the same way twice": (
        Permute, "pullback", lambda self, arguments, result, adjoint: (adjoint.permute(*self.axes),),
        (Permute((2, 0, 1)), ((2, 2, 2),)),
    ),
    "the value stands for the derivative": (
        Elementwise, "derivative", lambda self: self, (Elementwise("tanh"), ((2,),)),
    ),
    "a step is forgotten": (
        Pad, "pullback",
        lambda self, arguments, result, adjoint: (adjoint.slice(self.axis, self.start, self.start + 2),),
        (Pad(1, 1, 6, 2), ((2, 2),)),
    ),
    "the exponent is forgotten": (
        Power, "_derivative", lambda self, x: x.apply(Power(self.exponent - 1), x), (Power(Fraction(3)), ((2,),)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SPECIAL)
def test_a_fault_of_one_operation_is_found(name, monkeypatch):
    kind, method, wrong, sample = SPECIAL[name]
    assert isinstance(proof_of(sample), Proved)
    monkeypatch.setattr(kind, method, wrong)
    assert isinstance(proof_of(sample), Unproved)


@pytest.mark.parametrize(
    ("module", "name", "wrong", "sample"),
    [
        (softmax, "_jacobian", lambda p, vector: p * vector, (Softmax(), ((2, 3),))),
        (softmax, "_jacobian", lambda p, v: p * v - p * (p * v).sum(0, keep=True), (Softmax(), ((3, 3),))),
        (power, "_reciprocal", lambda x: x.apply(Power(Fraction(-1, 2)), x), (power.Logarithm(), ((2,),))),
    ],
)
def test_a_lost_coupling_is_found(module, name, wrong, sample, monkeypatch):
    monkeypatch.setattr(module, name, wrong)
    found = proof_of(sample)
    assert isinstance(found, Unproved)
    assert found.wrong


@pytest.mark.parametrize(("operation", "index"), [(Softmax, 0), (LogSumExp, 1)])
def test_a_forgotten_mask_is_found(operation, index, monkeypatch):
    mask = Indices([[1, 0, 1], [1, 1, 1]])
    right = operation.pullback
    monkeypatch.setattr(operation, "pullback", lambda self, *rest: right(dataclasses.replace(self, mask=None), *rest))
    if index:  # the result of softmax, which its pullback reads, has the mask itself
        assert isinstance(prove_rule(operation(mask), [(2, 3)], [0]), Unproved)
    else:
        assert isinstance(prove_rule(operation(mask), [(2, 3)], [0]), Proved)


@pytest.mark.parametrize(
    "mask", [[1] * 50 + [0] * 40, np.pad(np.zeros((8, 1), int), ((0, 0), (40, 49)), constant_values=1)]
)
def test_a_forgotten_mask_is_found_at_shortened_shapes(mask, monkeypatch):
    """Though the first entries of every row are all kept."""
    sample = (LogSumExp(Indices(mask)), ((30, 8, 90),))
    assert proof_of(sample) == Proved(own_shapes=False, positive=False)
    right = LogSumExp.pullback
    monkeypatch.setattr(LogSumExp, "pullback", lambda self, *rest: right(dataclasses.replace(self, mask=None), *rest))
    assert isinstance(proof_of(sample), Unproved)


@pytest.mark.parametrize(
    "sample",
    [
        (Windows((2,), (1,), (5,)), ((40, 200),)),
        (Windows((2, 3), (1, 2), (3, 4)), ((3, 30, 40),)),
        (Gather(0, Indices([*range(90), 7, 7])), ((90, 30),)),
    ],
    ids=str,
)
def test_what_is_seen_twice_is_added_at_shortened_shapes(sample, monkeypatch):
    """One of the places where an entry was seen is not enough."""
    operation, shapes = sample
    back = Fold if isinstance(operation, Windows) else ScatterAdd
    assert proof_of(sample) == Proved(own_shapes=False, positive=False)
    short = operation.shortened(*shapes)
    assert short[0]._uses > 1
    seen = short[0]._pick if back is ScatterAdd else short[0]._views

    def last_one(self, *arguments):
        (adjoint,) = arguments
        result = np.full(self.shape(adjoint.shape), adjoint.flat[0] * 0)
        places = seen(np.arange(result.size).reshape(result.shape))
        result.flat[np.asarray(places).reshape(-1)] = adjoint.reshape(-1)
        return result

    monkeypatch.setattr(back, "evaluate", last_one)
    assert isinstance(proof_of(sample), Unproved)


@pytest.mark.parametrize(
    "places", [[-1] * 9 + [3, 3, 5], [*range(12), -1], [4, -1, 4], [2], [-1], [], [[0, 1], [2, 0]]]
)
def test_fewer_indices_are_repeated_or_left_out_as_all_are(places):
    found = Gather(0, Indices(places)).shortened((20, 2))[0].indices.values
    places = np.array(places, dtype=int)
    for values in (places, found):
        picked = values[values >= 0]
        values.flags.writeable = False
        assert (np.unique(picked).size < picked.size) == (np.unique(places[places >= 0]).size < np.sum(places >= 0))
        assert (picked.size < values.size) == np.any(places < 0)


# the induction


def shared() -> Graph:
    builder = GraphBuilder()
    w = builder.parameter("w", (3,))
    x = builder.constant("x", (3,))
    h = (w * x).apply(Elementwise("tanh"))
    return builder.build((h * w + h * x).sum())


def test_every_use_of_a_shared_parameter_counts(monkeypatch):
    graph = shared()
    walk = walked(graph, gradient_graph(graph))
    assert walk.flaw is None
    assert max(len(step.uses) for step in walk.steps) == 2
    monkeypatch.setattr(reverse, "_total", lambda parts: parts[0])
    assert walked(graph, gradient_graph(graph)).flaw is not None


def test_a_gradient_of_another_graph_is_refused():
    graph, gradient = shared(), gradient_graph(shared())
    for outputs in (gradient.outputs[:1], gradient.outputs[::-1], (gradient.outputs[0],) * 2):
        assert walked(graph, Graph(gradient.nodes, outputs)).flaw is not None


def test_a_lost_use_rejects_the_proof(monkeypatch):
    monkeypatch.setattr(reverse, "_total", lambda parts: parts[-1])
    finding = prove_graph_gradients(GraphProblem(shared(), {"x": np.ones(3)}, np.ones(3)))
    assert finding.verdict is Verdict.UNDECIDED
    assert finding.counted
    assert "rejected" in finding.statement


# the finding


@pytest.mark.parametrize("name", sorted(SMOOTH.keys() - {"image"}))
def test_smooth_networks_are_proved(name):
    finding = prove_graph_gradients(SMOOTH[name])
    assert finding.verdict is Verdict.PROVED
    assert "kink" not in finding.statement
    used = {node.operation.name for node in SMOOTH[name].graph.nodes}
    assert set(finding.numbers["rules"]) <= used
    assert "contraction" in finding.numbers["rules"]


@pytest.mark.parametrize("name", KINKED_NETWORKS)
def test_kinked_networks_are_proved_away_from_kinks(name):
    finding = prove_graph_gradients(KINKED_NETWORKS[name])
    assert finding.verdict is Verdict.PROVED
    assert "meets a kink" in finding.statement
    assert finding.numbers["nodes_with_kinks"]


def test_roots_are_proved_for_positive_arguments():
    builder = GraphBuilder()
    w = builder.parameter("w", (2,))
    root = builder.build(w.square().apply(Power(Fraction(1, 2))).sum())
    square = builder.build(w.apply(Power(Fraction(2))).sum())
    assert (
        "the arguments of power 1/2 being positive"
        in prove_graph_gradients(GraphProblem(root, {}, [1.0, 2.0])).statement
    )
    assert "positive" not in prove_graph_gradients(GraphProblem(square, {}, [1.0, 2.0])).statement


@pytest.mark.parametrize("seed", range(0, 40, 3))
def test_random_graphs_are_proved(seed):
    assert prove_graph_gradients(random_case(seed).problem).verdict is Verdict.PROVED


def test_a_wrong_rule_rejects_the_proof_and_names_the_operation(monkeypatch):
    right = Contraction.pullback
    monkeypatch.setattr(Contraction, "pullback", lambda self, *rest: tuple(-part for part in right(self, *rest)))
    finding = prove_graph_gradients(classifier())
    assert finding.verdict is Verdict.UNDECIDED
    assert finding.counted
    assert "operation contraction" in finding.statement


def test_a_rule_too_large_is_open_and_not_counted(monkeypatch):
    monkeypatch.setattr(rules, "MOST_AT_OWN_SHAPES", 0)
    monkeypatch.setattr(rules, "MOST_TERMS", 0)
    finding = prove_graph_gradients(SMOOTH["classifier"])
    assert finding.verdict is Verdict.UNDECIDED
    assert not finding.counted


def test_only_rules_that_are_used_are_printed():
    problem = GraphProblem(shared(), {"x": np.ones(3)}, np.ones(3), weight_decay=0.5)
    printed = graph_latex(problem)
    names = {r"\emph{" + kind.name.replace("_", r"\_") + ":}": kind.name for kind in OPERATIONS.values()}
    shown = {name for words, name in names.items() if words in printed}
    assert shown == set(prove_graph_gradients(problem).numbers["rules"])
    assert r"\frac{\partial E}{\partial \text{w}}" in printed
    assert printed.count(r"\item") == 1 + len(shown)


# the ring


def test_identities_are_recognised_and_others_are_not():
    ring = Ring(10_000)
    x, y = ring.variable(), ring.variable()
    total = x + y
    assert (x / total + y / total - 1).is_zero()
    assert not (x / total + y / total - 2).is_zero()
    assert (1 / (1 + 1 / total) - total / (1 + total)).is_zero()
    assert not (1 / (1 + 1 / total) - 1 / (1 + total)).is_zero()
    assert (x.exp() * y - y * x.exp()).is_zero()
    assert not (x.exp() - y.exp()).is_zero()
    assert not (x - y).is_zero()
    assert (1 / (1 / total) - total).is_zero()


def test_derivatives_obey_the_rules_of_calculus():
    ring = Ring(10_000, roots=True)
    x, y = ring.variable(), ring.variable()
    slopes = (x * x * y / (x + y)).derivatives()
    expected = (2 * x * y) / (x + y) - x * x * y / ((x + y) * (x + y))
    assert (slopes[x.key] - expected).is_zero()
    assert ((x * x + y).log().derivatives()[x.key] - 2 * x / (x * x + y)).is_zero()
    assert ((x * y).exp().derivatives()[y.key] - x * (x * y).exp()).is_zero()
    assert (x.sqrt().derivatives()[x.key] - Fraction(1, 2) / x.sqrt()).is_zero()
    assert (ring.function(("g", 3), x * y).derivatives()[x.key] - y * ring.function(("g", 4), x * y)).is_zero()
    assert not ring.weight().derivatives()


def test_what_symbols_cannot_answer_is_refused():
    ring = Ring(10_000)
    x, y = ring.variable(), ring.variable()
    with pytest.raises(NotPositiveError):
        x.sqrt()
    with pytest.raises(TypeError, match="no order"):
        _ = x > y
    with pytest.raises(ZeroDivisionError):
        1 / (x - x)
    small = Ring(3)
    with pytest.raises(TooLargeError):
        (small.variable() * small.variable() + small.variable()).is_zero()
