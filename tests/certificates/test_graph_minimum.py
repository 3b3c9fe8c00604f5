"""Minima of graphs: the checker's own derivatives of every operation, and certificates confirmed, refused, mutated."""

from __future__ import annotations

import copy
import json
import random
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest

import verify
from tests.analysis.test_converge_of_graphs import softmax_network
from tests.certificates.mutations import HARMLESS, UNPROVED, Mutation, mutated
from tests.certificates.test_graph_checker import mutated as changed_somewhere
from tests.certificates.test_graph_checker import renew_hash
from tests.certificates.test_mutations import EACH, accepted
from tests.graph.random_graphs import random_case
from tests.operations.samples import SAMPLES, Sample, arguments, identifier
from tests.samples import sampled
from verify.analysis.certify import certify
from verify.certificates.checker import check_certificate
from verify.certificates.checker import graph as graphs
from verify.certificates.checker.graph import GraphSubject, read_graph_subject
from verify.certificates.description import describe
from verify.certificates.document import number
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder
from verify.operations.elementwise import Elementwise
from verify.operations.maximum import Maximum
from verify.operations.power import Logarithm, Power
from verify.theorems.local_minimum import local_minimum

BITS = 128


def subject_of(problem: GraphProblem, weights: np.ndarray | None = None) -> GraphSubject:
    w = problem.initial_weights if weights is None else weights
    return read_graph_subject(json.loads(json.dumps(describe(problem, w))))


def quadratic_in(sample: Sample, seed: int) -> GraphProblem:
    """The sum of c_i y_i + y_i^2 / 2, y being the result of an operation whose arguments are the parameters."""
    operation, shapes = sample
    builder = GraphBuilder()
    leaves = [builder.parameter(f"p{index}", shape) for index, shape in enumerate(shapes)]
    y = builder.add(operation, *leaves)
    c = builder.constant("c", y.shape)
    graph = builder.build((c * y + (y * y).scale(Fraction(1, 2))).sum())
    values = [value.reshape(-1) for value in arguments(sample, seed)]
    data = np.random.default_rng(seed).normal(size=y.shape)
    return GraphProblem(graph, {"c": data}, np.concatenate(values))


def entries(matrix: Any) -> list[tuple[int, int, Any]]:
    return [(p, q, matrix[p, q]) for p in range(matrix.nrows()) for q in range(p + 1)]


@pytest.mark.parametrize("sample", SAMPLES, ids=identifier)
def test_both_derivatives_of_every_operation_are_those_of_the_prover(sample: Sample) -> None:
    problem = quadratic_in(sample, 0)
    w = problem.initial_weights
    with flint.ctx.workprec(BITS):
        subject = subject_of(problem)
        gradient, hessian = subject.gradient(subject.weights), subject.hessian()
    theirs = problem.gradient_enclosure(w)
    assert all(own.is_finite() for own in gradient)
    assert all(low <= own <= high for own, low, high in zip(gradient, theirs.lower, theirs.upper, strict=True))
    columns = [problem.hessian_vector_enclosure(w, unit) for unit in np.eye(problem.size)]
    for p, q, own in entries(hessian):
        assert own >= float(columns[q].lower[p])
        assert own <= float(columns[q].upper[p])


@pytest.mark.parametrize("sample", SAMPLES, ids=identifier)
def test_derivatives_are_limits_of_the_checkers_own_values(sample: Sample) -> None:
    """Central differences at 2000 bits: of E for the gradient along a direction, of the gradient for the Hessian."""
    problem = quadratic_in(sample, 1)
    direction = np.random.default_rng(1).integers(-4, 5, problem.size)
    step = 2.0**-40
    ends = [(problem.initial_weights, sign, sign * step * direction) for sign in (1.0, -1.0)]
    with flint.ctx.workprec(2000):
        subject = subject_of(problem)
        moved = [[flint.arb(a) + flint.arb(b) for a, b in zip(w, d, strict=True)] for w, _, d in ends]
        errors = [subject.network.evaluate(subject._leaves(w)) for w in moved]
        gradients = [graphs.Derivatives(subject.network, subject._leaves(w)).gradient() for w in moved]
        slope = (errors[0] - errors[1]) / (2 * step)
        own = sum((g * int(d) for g, d in zip(subject.gradient(subject.weights), direction, strict=True)), flint.arb(0))
        assert abs(slope - own) < 2.0**-50
        hessian = subject.hessian()
        for p in range(problem.size):
            row = sum((hessian[max(p, q), min(p, q)] * int(d) for q, d in enumerate(direction)), flint.arb(0))
            assert abs((gradients[0][p] - gradients[1][p]) / (2 * step) - row) < 2.0**-50


@pytest.mark.parametrize("seed", sampled(40, 6))
def test_random_graphs_have_the_prover_s_hessian(seed: int) -> None:
    problem = random_case(seed).problem
    with flint.ctx.workprec(BITS):
        hessian = subject_of(problem).hessian()
    for q, unit in enumerate(np.eye(problem.size)):
        theirs = problem.hessian_vector_enclosure(problem.initial_weights, unit)
        for p in range(q, problem.size):
            low, high = float(theirs.lower[p]), float(theirs.upper[p])
            if hessian[p, q].is_finite() and np.isfinite(high - low):
                assert hessian[p, q] >= low or hessian[p, q].overlaps(flint.arb(low))
                assert hessian[p, q] <= high or hessian[p, q].overlaps(flint.arb(high))


@pytest.mark.parametrize("radius", [1e-3, 0.1])
@pytest.mark.parametrize("hidden", ["tanh", "x*tanh(log(1+exp(x)))"])
def test_growth_bounds_the_change_of_the_hessian(radius: float, hidden: str) -> None:
    problem = softmax_network({"W": 0.5, "V": 0.25}, hidden)
    w, rng = problem.initial_weights, np.random.default_rng(0)
    with flint.ctx.workprec(BITS):
        growth = float(subject_of(problem).hessian_growth({"kind": "ball", "radius": radius.hex()}).lower())
    units = np.eye(problem.size)
    centre = np.array([problem.hessian_vector(w, unit) for unit in units])
    seen = 0.0
    for _ in range(20):
        direction = rng.standard_normal(problem.size)
        moved = w + radius * direction / np.linalg.norm(direction)
        change = np.array([problem.hessian_vector(moved, unit) for unit in units]) - centre
        seen = max(seen, float(np.linalg.norm(change, 2)))
    assert 0 < seen <= growth < 200 * seen


def kinked(formula: str = "relu") -> GraphProblem:
    builder = GraphBuilder()
    w = builder.parameter("w", (2,))
    return GraphProblem(builder.build((w.apply(Elementwise(formula)) - 1.0).square().sum()), {}, [1.0, 1.0])


@pytest.mark.parametrize(("radius", "finite"), [(0.5, True), (1.0, False)])
def test_a_ball_that_touches_a_kink_has_no_growth(radius: float, finite: bool) -> None:
    with flint.ctx.workprec(BITS):
        for problem in (kinked(), largest_of_two(), root()):
            found = subject_of(problem).hessian_growth({"kind": "ball", "radius": radius.hex()})
            assert found.is_finite() is finite


def largest_of_two() -> GraphProblem:
    """E = max(w1, w2)^2, at (2, 0)."""
    builder = GraphBuilder()
    w = builder.parameter("w", (2,))
    return GraphProblem(builder.build(w.apply(Maximum(), w).square()), {}, [2.0, 0.0])


def root() -> GraphProblem:
    """E = w^(3/2), which has no second derivative at 0."""
    builder = GraphBuilder()
    w = builder.parameter("w", (1,))
    return GraphProblem(builder.build(w.apply(Power(Fraction(3, 2)), w).sum()), {}, [1.0])


@pytest.mark.parametrize("region", [None, {"kind": "bounded", "radius": "1"}, {"kind": "ball", "radius": "0"}, []])
def test_growth_is_asked_for_on_a_ball_alone(region: Any) -> None:
    with pytest.raises(verify.InputError):
        subject_of(kinked()).hessian_growth(region)


@pytest.fixture(scope="module")
def problem() -> GraphProblem:
    """A problem whose initial weights are those at which training converged."""
    network = softmax_network(0.02, "tanh")
    found = verify.converge(network)
    assert found.verdict is verify.Verdict.PROVED
    return GraphProblem(network.network, network.constants, found.weights, network.weight_decay)


@pytest.fixture(scope="module")
def certificate(problem: GraphProblem) -> dict[str, Any]:
    return dict(json.loads(json.dumps(certify(problem, "minimum"))))


def test_a_minimum_is_confirmed(problem: GraphProblem, certificate: dict[str, Any]) -> None:
    answer = verify.check_certificate(certificate, describe(problem, problem.initial_weights))
    assert (answer["verdict"], answer["reasons"], answer["theorem"]) == ("PROVED", [], "local_minimum")


def test_a_saddle_is_not_certified() -> None:
    with pytest.raises(verify.InputError, match="not proved to be positive definite"):
        certify(softmax_network(0.02, "tanh"), "minimum", weights=np.zeros(13))


def test_a_growth_that_is_too_small_is_not_confirmed(
    problem: GraphProblem, certificate: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The prover claims a ball ten times as large as the checker's growth admits."""
    monkeypatch.setattr("verify.certificates.curvature_claim.CurvatureClaims.growth", lambda self, region: 0.0)
    monkeypatch.setattr("verify.bounds.local_curvature.LocalCurvature.growth", lambda self, radius: 1e-9 * radius)
    radius = 10 * float.fromhex(certificate["region"]["radius"])
    with pytest.raises(verify.InputError, match="did not confirm"):
        certify(problem, "minimum", radius=radius)


def test_too_large_a_network_is_undecided_with_the_reason(
    certificate: dict[str, Any], problem: GraphProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphs, "MOST_HESSIAN_WORK", 1000)
    answer = check_certificate(certificate)
    assert answer["verdict"] == "UNDECIDED" and "too large for the whole Hessian" in answer["reasons"][0]
    with pytest.raises(verify.InputError, match="too large for the whole Hessian"):
        certify(problem, "minimum")


def test_an_error_that_is_not_defined_has_no_minimum() -> None:
    """E = sum of (w - 1)^2 + log c: with c = -1 there is no E, although its terms in w look well."""
    builder = GraphBuilder()
    w, c = builder.parameter("w", (2,)), builder.constant("c", (1,))
    graph = builder.build((w - 1.0).square().sum() + c.apply(Logarithm(), c).sum())
    content = certify(GraphProblem(graph, {"c": np.ones(1)}, [1.0, 1.0]), "minimum")
    assert verify.check_certificate(content)["verdict"] == "PROVED"
    content["data"]["constants"]["c"]["values"] = [(-1.0).hex()]
    renew_hash(content)
    assert verify.check_certificate(content)["verdict"] == "UNDECIDED"


@pytest.mark.parametrize("name", ["gradient_norm", "distance", "excess", "rate", "least", "gain", "lipschitz"])
def test_every_number_of_the_claim_is_compared(name: str, certificate: dict[str, Any]) -> None:
    claim = dict(certificate["claim"])
    claim[name] = (float.fromhex(claim[name]) * (2.0 if name in ("least", "rate", "gain") else 0.01)).hex()
    answer = verify.check_certificate({**certificate, "claim": claim})
    assert answer["verdict"] == "UNDECIDED" and len(answer["reasons"]) >= 1


APPLY = [mutation for mutation in UNPROVED if mutation.__name__ not in ("more_steps", "uphill")]


@pytest.mark.parametrize("mutation", APPLY, ids=lambda mutation: mutation.__name__)
def test_stronger_claims_are_rejected(mutation: Mutation, certificate: dict[str, Any]) -> None:
    rng = random.Random(mutation.__name__)
    texts = [mutated(certificate, mutation, rng) for _ in range(EACH)]
    assert all(texts)
    assert [text for text in texts if text is not None and accepted(text)] == []


@pytest.mark.parametrize("mutation", HARMLESS, ids=lambda mutation: mutation.__name__)
def test_harmless_changes_are_accepted(mutation: Mutation, certificate: dict[str, Any]) -> None:
    rng = random.Random(mutation.__name__)
    texts = [mutated(certificate, mutation, rng) for _ in range(EACH)]
    assert [text for text in texts if text is not None and not accepted(text)] == []


@pytest.mark.parametrize("seed", sampled(200, 12))
def test_a_mutated_minimum_is_confirmed_only_if_it_is_true(seed: int, certificate: dict[str, Any]) -> None:
    changed = changed_somewhere(copy.deepcopy(certificate), random.Random(seed))
    try:
        answer = verify.check_certificate(changed)
    except verify.InputError as error:
        assert "\n" not in str(error)
        return
    if answer["verdict"] == "PROVED":
        assert true_minimum(changed)


def true_minimum(content: dict[str, Any]) -> bool:
    """Whether the prover, which shares no derivative with the checker, finds what the file says of its minimum now."""
    model = verify.graph.graph.Graph.from_data(content["model"]["graph"])
    constants = {
        label: np.array([float(number(text, "data")) for text in array["values"]]).reshape(array["shape"])
        for label, array in content["data"]["constants"].items()
    }
    decay = {label: float(number(text, "decay")) for label, text in content["objective"]["weight_decay"].items()}
    w = np.array([float(number(text, "weights")) for text in content["weights"]])
    problem = GraphProblem(model, constants, w, decay)
    claim = {name: number(value, name) for name, value in content["claim"].items()}
    radius = number(content["region"]["radius"], "radius")
    gradient = Fraction(float(problem.gradient_enclosure(w).norm().lower))
    found = local_minimum(
        *(claim["least"], claim["lipschitz"], radius, claim["gradient_norm"], claim["eta"], claim["tau"])
    )
    exact = found.verdict is verify.Verdict.PROVED and gradient <= claim["gradient_norm"]
    exact = exact and claim["distance"] * claim["least"] >= claim["gradient_norm"]
    exact = exact and 2 * claim["least"] * claim["excess"] >= claim["gradient_norm"] ** 2
    exact = exact and claim["rate"] <= 2 * claim["least"] * claim["gain"]
    rng = np.random.default_rng(0)
    units = np.eye(problem.size)
    for share in (0.0, 0.5, 0.99, 0.99):
        direction = rng.standard_normal(problem.size)
        u = w + share * float(radius) * direction / np.linalg.norm(direction)
        values = np.linalg.eigvalsh(np.array([problem.hessian_vector(u, unit) for unit in units]))
        margin = 1e-11 * max(1.0, float(np.abs(values).max()))  # of the eigenvalues in float64
        exact = exact and values[0] + margin >= float(claim["least"])
        exact = exact and values[-1] - margin <= float(claim["lipschitz"])
    return bool(exact)
