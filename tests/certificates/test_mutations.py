"""Every false certificate is rejected, every harmless change of form accepted."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

import flint
import pytest

import verify
from tests.certificates.conftest import CURVED, FORMS, SETTINGS, make_problem, residual_nodes
from tests.certificates.mutations import ANOTHER, FALSE, HARMLESS, UNPROVED, Mutation, mutated
from verify.analysis.certify import certify
from verify.certificates import document
from verify.certificates.checker.claims import PRECISIONS
from verify.certificates.checker.subject import read_subject
from verify.certificates.description import describe

EACH = 3


def accepted(text: str, expected: dict[str, Any] | None = None) -> bool:
    """Whether the checker confirms the text; a refusal is a located error or a reason, never another exception."""
    try:
        answer = verify.check_certificate(document.parse_document(text), expected)
    except verify.DagverifyError:
        return False
    assert bool(answer["reasons"]) == (answer["verdict"] != "PROVED")
    return answer["verdict"] == "PROVED"


@pytest.mark.parametrize(
    ("kind", "mutation"),
    [(kind, mutation) for kind in SETTINGS for mutation in (FALSE if kind in FORMS else UNPROVED)],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_false_certificates_are_rejected(kind: str, mutation: Mutation, certificate_of: Callable[[str], Any]) -> None:
    rng = random.Random(f"{kind} {mutation.__name__}")
    texts = [mutated(certificate_of(kind), mutation, rng) for _ in range(EACH)]
    assert [text for text in texts if text is not None and accepted(text)] == []


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("mutation", HARMLESS, ids=lambda mutation: mutation.__name__)
def test_harmless_changes_are_accepted(kind: str, mutation: Mutation, certificate_of: Callable[[str], Any]) -> None:
    rng = random.Random(f"{kind} {mutation.__name__}")
    texts = [mutated(certificate_of(kind), mutation, rng) for _ in range(EACH)]
    assert [text for text in texts if text is not None and not accepted(text)] == []


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize("mutation", ANOTHER, ids=lambda mutation: mutation.__name__)
def test_certificates_of_another_problem_are_rejected(
    kind: str, mutation: Mutation, certificate_of: Callable[[str], Any], small_problem: verify.Problem
) -> None:
    expected = describe(small_problem, small_problem.initial_weights)
    rng = random.Random(f"{kind} {mutation.__name__}")
    texts = [mutated(certificate_of(kind), mutation, rng) for _ in range(EACH)]
    assert any(texts)
    assert [text for text in texts if text is not None and accepted(text, expected)] == []


@pytest.mark.parametrize("mutation", FALSE, ids=lambda mutation: mutation.__name__)
def test_every_mutation_applies_to_some_kind(mutation: Mutation, certificate_of: Callable[[str], Any]) -> None:
    assert any(mutated(certificate_of(kind), mutation, random.Random(0)) for kind in FORMS)


@pytest.mark.parametrize("kind", CURVED)
def test_one_unit_in_the_last_place_below_the_recomputed_bound_is_rejected(
    kind: str, certificate_of: Callable[[str], Any]
) -> None:
    certificate = certificate_of(kind)

    with flint.ctx.workprec(PRECISIONS[0]):
        bound = read_subject(certificate).hessian_norm(certificate["region"]).lower()
        below = float(bound)
    while not below < bound:
        below = math.nextafter(below, 0.0)
    certificate["claim"]["lipschitz"] = below.hex()
    answer = verify.check_certificate(certificate)
    assert any("||Hess E||" in reason for reason in answer["reasons"])


def test_certificate_of_another_model_is_told_apart(certificate_of: Callable[[str], Any]) -> None:
    own = certificate_of("region")
    for other in (
        make_problem(residual_nodes(), weight_decay=0.125, seed=1),
        make_problem(residual_nodes("sigmoid"), weight_decay=0.125),
        make_problem(residual_nodes(), weight_decay=0.25),
        make_problem(residual_nodes(), weight_decay=0.125, reduction="sum"),
        make_problem(residual_nodes(), weight_decay=0.125, samples=2),
    ):
        answer = verify.check_certificate(own, describe(other, other.initial_weights))
        assert answer["verdict"] == "UNDECIDED" and "another" in answer["reasons"][0]


def test_order_of_the_nodes_belongs_to_the_model(
    small_problem: verify.Problem, certificate_of: Callable[[str], Any]
) -> None:
    own = certificate_of("region")
    nodes = own["model"]["nodes"]
    own["model"]["nodes"] = {name: nodes[name] for name in ("x", "h2", "h1", "y")}
    answer = verify.check_certificate(own, describe(small_problem, small_problem.initial_weights))
    assert "the certificate is about another model" in answer["reasons"]


@pytest.mark.parametrize("kind", CURVED)
def test_replayed_description_of_another_problem_is_rejected(kind: str, certificate_of: Callable[[str], Any]) -> None:
    """The claim of one network put on the description of another one, whose curvature and error are larger."""
    other = make_problem(residual_nodes("softplus"), weight_decay=0.5, seed=3)
    replayed = {**certificate_of(kind), **describe(other, 4 * other.initial_weights)}
    answer = verify.check_certificate(replayed)
    assert answer["verdict"] == "UNDECIDED"


def test_step_that_claims_more_than_it_gains_by_one_unit(small_problem: verify.Problem) -> None:
    certificate = certify(small_problem, "step")
    w, following = (
        [float.fromhex(text) for text in texts] for texts in (certificate["weights"], certificate["claim"]["next"])
    )
    decision = verify.decide_decrease(small_problem, w, following)
    certificate["claim"]["decrease"] = math.nextafter(-decision.lower, math.inf).hex()
    assert verify.check_certificate(certificate)["verdict"] == "UNDECIDED"
