"""Certificates of minima: confirmed where they are true, rejected where they are not, on every edge kind."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import flint
import jsonschema
import numpy as np
import pytest

import verify
from tests.certificates.conftest import FORMULA, IMAGES, make_problem, residual_nodes
from tests.certificates.mutations import ANOTHER, FALSE, HARMLESS, Mutation, mutated
from tests.certificates.test_mutations import EACH, accepted
from tests.certificates.test_round_trip import SCHEMA
from verify.analysis.certify import certify, write_certificate
from verify.bounds.local_curvature import local_curvature
from verify.certificates import curvature_claim
from verify.certificates.checker.claims import PRECISIONS
from verify.certificates.checker.hessian import least_eigenvalue
from verify.certificates.checker.subject import read_subject
from verify.certificates.description import describe
from verify.certificates.words import claim_words


@pytest.fixture(params=["gelu", "formula", "images"])
def problem(request: pytest.FixtureRequest) -> verify.Problem:
    if request.param == "images":
        return make_problem(IMAGES, samples=2, weight_decay=0.25)
    activation = FORMULA if request.param == "formula" else request.param
    return make_problem(residual_nodes(activation), weight_decay=0.25, reduction="sum")


@pytest.fixture(scope="module")
def converged() -> verify.Problem:
    """A problem whose initial weights are those at which training converged."""
    problem = make_problem(residual_nodes(), weight_decay=0.125)
    found = verify.converge(problem)
    assert found.verdict is verify.Verdict.PROVED
    return make_problem_at(problem, found.weights)


def make_problem_at(problem: verify.Problem, weights: np.ndarray) -> verify.Problem:
    return verify.Problem(
        problem.architecture,
        problem.inputs,
        problem.targets,
        reduction=problem.reduction,
        weight_decay=problem.weight_decay,
        initial_weights=weights,
    )


@pytest.fixture(scope="module")
def certificate(converged: verify.Problem) -> dict[str, Any]:
    return certify(converged, "minimum")


def dense(matrix: Any) -> np.ndarray:
    lower = np.array([[float(entry) for entry in row] for row in matrix.tolist()])
    return np.tril(lower) + np.tril(lower, -1).T


def test_minimum_is_confirmed_after_a_round_trip_through_its_file(problem: verify.Problem, tmp_path: Path) -> None:
    found = verify.converge(problem)
    assert found.verdict is verify.Verdict.PROVED, found
    path = tmp_path / "minimum.json"
    write_certificate(certify(problem, "minimum", weights=found.weights, confirm=False), path)
    answer = verify.check_certificate(path, describe(problem, found.weights))
    assert (answer["verdict"], answer["reasons"], answer["theorem"]) == ("PROVED", [], "local_minimum")
    content = json.loads(path.read_text(encoding="utf-8"))
    jsonschema.validate(content, SCHEMA)
    assert "exactly one stationary point" in claim_words(content)


@pytest.mark.parametrize("mutation", FALSE, ids=lambda mutation: mutation.__name__)
def test_false_minima_are_rejected(mutation: Mutation, certificate: dict[str, Any]) -> None:
    rng = random.Random(mutation.__name__)
    texts = [mutated(certificate, mutation, rng) for _ in range(EACH)]
    assert [text for text in texts if text is not None and accepted(text)] == []


@pytest.mark.parametrize("mutation", HARMLESS, ids=lambda mutation: mutation.__name__)
def test_harmless_changes_are_accepted(mutation: Mutation, certificate: dict[str, Any]) -> None:
    rng = random.Random(mutation.__name__)
    texts = [mutated(certificate, mutation, rng) for _ in range(EACH)]
    assert [text for text in texts if text is not None and not accepted(text)] == []


@pytest.mark.parametrize("mutation", ANOTHER, ids=lambda mutation: mutation.__name__)
def test_minima_of_another_problem_are_rejected(
    mutation: Mutation, certificate: dict[str, Any], converged: verify.Problem
) -> None:
    expected = describe(converged, converged.initial_weights)
    rng = random.Random(mutation.__name__)
    texts = [mutated(certificate, mutation, rng) for _ in range(EACH)]
    assert any(texts)
    assert [text for text in texts if text is not None and accepted(text, expected)] == []


@pytest.mark.parametrize("name", ["gradient_norm", "distance", "excess", "rate", "least", "gain"])
def test_every_number_of_the_claim_is_compared(name: str, certificate: dict[str, Any]) -> None:
    claim = dict(certificate["claim"])
    claim[name] = (float.fromhex(claim[name]) * (2.0 if name in ("least", "rate", "gain") else 0.01)).hex()
    answer = verify.check_certificate({**certificate, "claim": claim})
    assert answer["verdict"] == "UNDECIDED" and len(answer["reasons"]) >= 1


def test_checker_and_prover_find_the_same_hessian(problem: verify.Problem) -> None:
    w = problem.initial_weights
    products = np.array([problem.hessian_vector(w, unit) for unit in np.eye(w.size)])
    with flint.ctx.workprec(PRECISIONS[0]):
        checked = dense(read_subject(describe(problem, w)).hessian())
    scale = np.abs(products).max()
    assert np.abs(checked - products).max() < 1e-14 * scale
    assert np.abs(local_curvature(problem, w).hessian() - products).max() < 1e-14 * scale


def test_eigenvalues_are_bounded_by_both(problem: verify.Problem) -> None:
    w = problem.initial_weights
    products = np.array([problem.hessian_vector(w, unit) for unit in np.eye(w.size)])
    values = np.linalg.eigvalsh((products + products.T) / 2)
    found = local_curvature(problem, w)
    size = 1e-11 * np.abs(values).max()
    assert values[0] - size < found.least and found.largest < values[-1] + size
    with flint.ctx.workprec(PRECISIONS[0]):
        matrix = read_subject(describe(problem, w)).hessian()
        low = least_eigenvalue(matrix, 1, found.least - size)
        high = -least_eigenvalue(matrix, -1, -found.largest - size)
        vector = [flint.arb(value) for value in np.linalg.eigh(dense(matrix))[1][:, 0].tolist()]
        square = sum(
            (a * b * matrix[max(p, q), min(p, q)] for p, a in enumerate(vector) for q, b in enumerate(vector)),
            flint.arb(0),
        ) / sum((a * a for a in vector), flint.arb(0))
    assert low <= square  # Rayleigh's quotient is no less than the smallest eigenvalue
    assert float(low) > values[0] - 100 * size and float(high) < values[-1] + 100 * size


def test_no_eigenvalue_is_bounded_above_its_value() -> None:
    matrix = flint.arb_mat([[2, 0], [1, 2]])
    assert 0.99 < float(least_eigenvalue(matrix, 1, 0.999)) <= 1
    assert not least_eigenvalue(matrix, 1, 1.001).is_finite()
    assert -3.01 < float(least_eigenvalue(matrix, -1, -3.001)) <= -3


@pytest.mark.parametrize("radius", [pytest.param(1e-3, marks=pytest.mark.slow), 0.1])
def test_growth_bounds_the_change_of_the_hessian(problem: verify.Problem, radius: float) -> None:
    w, rng = problem.initial_weights, np.random.default_rng(0)
    units = np.eye(w.size)
    centre = np.array([problem.hessian_vector(w, unit) for unit in units])
    found = local_curvature(problem, w)
    with flint.ctx.workprec(PRECISIONS[0]):
        checked = float(read_subject(describe(problem, w)).hessian_growth({"kind": "ball", "radius": radius.hex()}))
    bound = min(checked, found.growth(radius))
    for _ in range(20):
        direction = rng.standard_normal(w.size)
        moved = w + radius * direction / np.linalg.norm(direction)
        change = np.array([problem.hessian_vector(moved, unit) for unit in units]) - centre
        assert np.linalg.norm(change, 2) <= bound


def test_weights_that_have_not_converged_are_not_certified() -> None:
    problem = make_problem(residual_nodes(), weight_decay=0.125)
    with pytest.raises(verify.InputError, match=r"minimum|curvature|gradient"):
        certify(problem, "minimum")


def test_wrong_growth_of_the_prover_is_not_confirmed(
    converged: verify.Problem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(curvature_claim.CurvatureClaims, "growth", lambda self, region: 0.0)
    monkeypatch.setattr("verify.bounds.local_curvature.LocalCurvature.growth", lambda self, radius: 1e-9 * radius)
    with pytest.raises(verify.InputError, match="did not confirm"):
        certify(converged, "minimum", radius=0.1)
