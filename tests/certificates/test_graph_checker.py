"""The checker's own operations against the prover's; certificates of graphs: confirmed, refused, bounded."""

from __future__ import annotations

import copy
import json
import random
import struct
from pathlib import Path
from typing import Any

import flint
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verify
from tests.graph.random_graphs import random_case
from tests.operations.samples import SAMPLES, Sample, arguments, identifier
from verify.activations import BUILTIN_NAMES
from verify.activations.arb_numbers import rational_ball
from verify.arithmetic import arb
from verify.certificates.checker.graph import Graph, read_graph_subject
from verify.certificates.checker.operations import RULES
from verify.certificates.coq import export_step
from verify.certificates.description import describe
from verify.certificates.document import arrays_digest, number, statement
from verify.certificates.run_checker import check_run
from verify.graph.evaluation import ARB, evaluate
from verify.graph.graph import Graph as ProverGraph
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder
from verify.losses import loss
from verify.operations import OPERATIONS
from verify.operations.elementwise import Elementwise
from verify.outcomes import InputError
from verify.training.run_folder import RunFolder
from verify.training.session import Session
from verify.training.train import make_rule

WITHOUT_RULE = {"tangent"}
"""Leaves of Hessian-vector products: no certificate holds one."""


def test_every_operation_is_defined_anew() -> None:
    assert set(RULES) == set(OPERATIONS) - WITHOUT_RULE


def overlapping(ours: Any, theirs: Any) -> bool:
    return bool(ours.overlaps(theirs)) and ours.is_finite() and theirs.is_finite()


def own_entries(sample: Sample, values: list[np.ndarray]) -> list[Any]:
    """Evaluate an operation by the checker, from its plain data."""
    operation, shapes = sample
    builder = GraphBuilder()
    leaves = [builder.parameter(f"p{index}", shape) for index, shape in enumerate(shapes)]
    graph = builder.build(builder.add(operation, *leaves).sum())
    data = json.loads(json.dumps(graph.to_data()))
    model = Graph({"graph": data})
    node = model.nodes[len(shapes)]
    balls = [[flint.arb(x) for x in value.reshape(-1).tolist()] for value in values]
    return node.rule.value(node.options, shapes, node.shape, *[balls[argument] for argument in node.arguments])


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sample", SAMPLES, ids=identifier)
def test_values_are_those_of_the_prover(sample: Sample, seed: int) -> None:
    operation = sample[0]
    values = arguments(sample, seed)
    values = [value - 0.5 if operation.name in ("maximum", "elementwise") else value for value in values]
    found = own_entries(sample, values)
    if operation.name == "largest_indicator":
        expected = operation.evaluate(*values).reshape(-1)
        assert [float(entry) for entry in found] == expected.tolist()
        return
    with arb.precision(200):
        theirs = np.asarray(operation.evaluate(*(np.asarray(arb.exact(value), dtype=object) for value in values)))
    assert len(found) == theirs.size
    assert all(overlapping(a, b) for a, b in zip(found, theirs.reshape(-1), strict=True))


@pytest.mark.parametrize("name", BUILTIN_NAMES)
@pytest.mark.parametrize("order", [0, 1, 2])
def test_every_function_by_name(name: str, order: int) -> None:
    values = [np.array([-2.5, -0.125, 0.75, 3.0])]
    sample = (Elementwise(name, order), ((4,),))
    with arb.precision(200):
        theirs = sample[0].evaluate(np.asarray(arb.exact(values[0]), dtype=object))
    assert all(overlapping(a, b) for a, b in zip(own_entries(sample, values), theirs, strict=True))


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6))
def test_random_graphs_have_the_prover_s_error(seed: int) -> None:
    problem = random_case(seed).problem
    subject = read_graph_subject(json.loads(json.dumps(describe(problem, problem.initial_weights))))
    with flint.ctx.workprec(400):
        ours = subject.error(problem.initial_weights.tolist())
    with arb.precision(400):
        theirs = evaluate(problem.graph, problem.values(problem.initial_weights), ARB)[0].reshape(-1)[0]
    if ours.is_finite() and theirs.is_finite():
        assert ours.overlaps(theirs)
        low, high = problem.error_enclosure(problem.initial_weights)
        assert ours >= low
        assert ours <= high


@pytest.fixture(scope="module")
def problem() -> GraphProblem:
    rng = np.random.default_rng(3)
    builder = GraphBuilder()
    x, t = builder.constant("x", (5, 3)), builder.constant("t", (5, 2))
    w, v = builder.parameter("w", (4, 3)), builder.parameter("v", (2, 4))
    hidden = (x @ w.permute(1, 0)).apply(Elementwise("tanh"))
    graph = builder.build(loss("softmax-cross-entropy").error(hidden @ v.permute(1, 0), t))
    data = {"x": rng.normal(size=(5, 3)), "t": np.eye(2)[rng.integers(0, 2, 5)]}
    return GraphProblem(graph, data, rng.normal(size=20), {"v": 0.01})


@pytest.fixture(scope="module")
def certificate(problem: GraphProblem) -> dict[str, Any]:
    return json.loads(json.dumps(verify.certify(problem, "step")))


def test_a_step_is_confirmed(problem: GraphProblem, certificate: dict[str, Any]) -> None:
    expected = describe(problem, problem.initial_weights)
    assert verify.check_certificate(certificate, expected)["verdict"] == "PROVED"
    other = GraphProblem(problem.network, problem.constants, problem.initial_weights, 0.5)
    answer = verify.check_certificate(certificate, describe(other, other.initial_weights))
    assert answer["reasons"] == ["the certificate is about another objective"]


def test_a_decrease_that_is_too_large_by_one_bit_of_its_bound_is_not_confirmed(certificate: dict[str, Any]) -> None:
    changed = copy.deepcopy(certificate)
    subject = read_graph_subject(changed)
    with flint.ctx.workprec(400):
        following = [float.fromhex(text) for text in changed["claim"]["next"]]
        exact = subject.error(subject.weights) - subject.error(following)
    just_below = float(np.nextafter(float(exact.mid()), -np.inf))
    changed["claim"]["decrease"] = just_below.hex()
    assert verify.check_certificate(changed)["verdict"] == "PROVED"
    changed["claim"]["decrease"] = float(np.nextafter(float(np.nextafter(float(exact.mid()), np.inf)), np.inf)).hex()
    assert verify.check_certificate(changed)["verdict"] == "UNDECIDED"


@pytest.mark.parametrize("kind", ["horizon", "weight_decay"])
def test_other_kinds_are_undecided(kind: str, problem: GraphProblem) -> None:
    with pytest.raises(InputError, match=f"certificates of kind {kind}"):
        verify.certify(problem, kind, **({"steps": 2} if kind == "horizon" else {}))


@pytest.mark.parametrize("kind", ["horizon", "weight_decay"])
def test_a_file_that_says_more_of_a_graph_is_not_confirmed(kind: str, certificate: dict[str, Any]) -> None:
    changed = {**certificate, "kind": kind, **statement(kind, certificate["claim"])}
    answer = verify.check_certificate(changed)
    assert answer["verdict"] == "UNDECIDED"
    assert "its error may be negative" in answer["reasons"][0]


def test_a_step_is_no_minimum(certificate: dict[str, Any]) -> None:
    changed = {**certificate, "kind": "minimum", **statement("minimum")}
    with pytest.raises(InputError, match="missing or unknown fields"):
        verify.check_certificate(changed)


def test_no_coq_file_is_written(certificate: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="no Coq file is written of a graph"):
        export_step(certificate)


def test_an_operation_without_a_rule_is_a_reason_not_an_error(certificate: dict[str, Any]) -> None:
    changed = copy.deepcopy(certificate)
    changed["model"]["graph"]["nodes"][2]["operation"] = "convolve"
    answer = verify.check_certificate(changed)
    assert answer["verdict"] == "UNDECIDED"
    assert "the checker does not define this operation" in answer["reasons"][0]


def nodes_of(certificate: dict[str, Any]) -> list[dict[str, Any]]:
    return certificate["model"]["graph"]["nodes"]


BOMBS: dict[str, list[dict[str, Any]]] = {
    "broadcast": [{"operation": "broadcast", "target": [10**6, 10**6, 4, 3], "arguments": [0]}],
    "filled": [{"operation": "filled", "value": 1, "dimensions": [2**40], "arguments": []}],
    "products": [
        {"operation": "filled", "value": 1, "dimensions": [3000, 3000], "arguments": []},
        {"operation": "contraction", "left": "ab", "right": "bc", "out": "ac", "arguments": [0, 0]},
    ],
    "windows": [
        {"operation": "filled", "value": 1, "dimensions": [2000, 2000], "arguments": []},
        {"operation": "windows", "kernel": [900, 900], "stride": [1, 1], "dilation": [1, 1], "arguments": [0]},
    ],
    "pad": [{"operation": "pad", "axis": 0, "start": 0, "length": 2**50, "step": 1, "arguments": [0]}],
}


@pytest.mark.parametrize("name", BOMBS)
def test_sizes_that_the_file_does_not_carry_are_refused(name: str, certificate: dict[str, Any]) -> None:
    changed = copy.deepcopy(certificate)
    parameter = next(node for node in nodes_of(certificate) if node["operation"] == "parameter")
    bomb = [dict(node) for node in BOMBS[name]]
    if bomb[0]["arguments"]:
        bomb.insert(0, dict(parameter, arguments=[]))
    last = len(bomb) - 1
    total = {"operation": "sum", "axes": [], "arguments": [last]}
    shape = Graph({"graph": {"nodes": [*bomb, scalar(bomb, last)], "outputs": [len(bomb)]}}).nodes[last].shape
    total["axes"] = list(range(len(shape)))
    changed["model"] = {"graph": {"nodes": [*bomb, total], "outputs": [len(bomb)]}}
    size = 12 if bomb[0]["operation"] == "parameter" else 0
    changed["weights"], changed["claim"]["next"] = certificate["weights"][:size], certificate["claim"]["next"][:size]
    changed["objective"] = {"weight_decay": {}}
    changed["data"] = {"constants": {}, "sha256": arrays_digest([])}
    with pytest.raises(InputError, match="too large for the weights and data"):
        verify.check_certificate(changed)


def scalar(bomb: list[dict[str, Any]], last: int) -> dict[str, Any]:
    """A node of the shape of a number, whatever stands before it."""
    return {"operation": "filled", "value": 0, "dimensions": [], "arguments": []}


def test_a_run_is_certified_and_rechecked(problem: GraphProblem, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run", "steps", 2)
    session = Session(problem, make_rule("guarded", problem=problem))
    folder.start(session, {"rule": "guarded"})
    result = folder.run(session, 5)
    assert result["verdict"] == "PROVED"
    answer = check_run(tmp_path / "run", describe(problem, problem.initial_weights))
    assert answer["verdict"] == "PROVED", answer["reasons"]
    assert (answer["steps"], answer["certificates"]) == (5, 3)
    weights = tmp_path / "run" / "weights.f64"
    numbers = np.fromfile(weights, dtype="<f8")
    numbers[-1] += 1.0
    numbers.tofile(weights)
    assert check_run(tmp_path / "run")["verdict"] == "UNDECIDED"


WRONG: list[Any] = [
    None,
    -1,
    0,
    1,
    2,
    3,
    2**70,
    True,
    "x",
    "1/2",
    "-1/3",
    "",
    [],
    {},
    [0],
    [1, 0],
    [0, 1],
    [4, 3],
    "abc",
]


def mutated(certificate: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Change a value, a key or a number somewhere."""
    changed = copy.deepcopy(certificate)
    places: list[tuple[Any, Any]] = []

    def visit(value: Any) -> None:
        keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        for key in keys:
            places.append((value, key))
            visit(value[key])

    roots: dict[int, str] = {}
    for name in ("model", "objective", "data", "weights", "claim"):
        before = len(places)
        visit({name: changed[name]})
        roots |= {id(holder): name for holder, _ in places[before:]}
    part = rng.choice(["model", "model", "data", "weights", "claim", "any"])
    inside = [place for place in places if part in ("any", roots[id(place[0])])]
    holder, key = rng.choice(inside or places)
    old = holder[key]
    if isinstance(old, str) and "0x" in old and rng.random() < 0.7:
        value = float.fromhex(old)
        holder[key] = rng.choice([-value, 2 * value, float(np.nextafter(value, np.inf)), value + 1.0]).hex()
    elif rng.random() < 0.2 and isinstance(holder, dict):
        del holder[key]
    else:
        holder[key] = rng.choice(WRONG)
    if rng.random() < 0.9:
        renew_hash(changed)
    return changed


def renew_hash(content: dict[str, Any]) -> None:
    """Write the hash of the data as they stand now, where they are data: a hash shows damage, not fraud."""
    try:
        arrays = [
            (label, tuple(array["shape"]), b"".join(struct.pack("<d", float.fromhex(text)) for text in array["values"]))
            for label, array in content["data"]["constants"].items()
        ]
        content["data"]["sha256"] = arrays_digest(arrays)
    except (AttributeError, KeyError, TypeError, ValueError):
        return


def true_of_the_prover(content: dict[str, Any]) -> bool:
    """Whether the claim is true of what the file says now, by the prover's own evaluation."""
    graph = ProverGraph.from_data(content["model"]["graph"])
    constants = {
        label: np.array([float(number(text, "data")) for text in array["values"]]).reshape(array["shape"])
        for label, array in content["data"]["constants"].items()
    }
    decay = {label: float(number(text, "decay")) for label, text in content["objective"]["weight_decay"].items()}
    stored = (content["weights"], content["claim"]["next"])
    w, following = (np.array([float(number(text, "weights")) for text in texts]) for texts in stored)
    problem = GraphProblem(graph, constants, w, decay)
    with arb.precision(4000):
        change = problem.error_in_arb(following) - problem.error_in_arb(w)
        return bool(change + rational_ball(number(content["claim"]["decrease"], "claim")) <= 0)


@settings(deadline=None, max_examples=250)
@given(seed=st.integers(0, 10**9))
def test_a_mutated_certificate_is_confirmed_only_if_it_is_true(seed: int, certificate: dict[str, Any]) -> None:
    changed = mutated(certificate, random.Random(seed))
    try:
        answer = verify.check_certificate(changed)
    except InputError as error:
        assert "\n" not in str(error)
        return
    if answer["verdict"] == "PROVED":
        assert true_of_the_prover(changed)
