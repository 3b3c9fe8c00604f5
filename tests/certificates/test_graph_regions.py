"""Balls of graphs: the checker's own bound of the Hessian, and certificates of a setting confirmed and refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import flint
import numpy as np
import pytest

import verify
from tests.certificates.test_graph_minimum import subject_of
from tests.graph.networks import classifier, recurrent
from verify.analysis.certify import certify
from verify.bounds.attack import attack_hessian
from verify.calculus.problem import NotCoveredError
from verify.certificates import document
from verify.certificates.checker import check_certificate
from verify.certificates.checker.claims import CHECKS
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder
from verify.operations.elementwise import Elementwise
from verify.outcomes import DagverifyError

RADIUS = 1e-3


def with_ball(make: Any, radius: float = RADIUS) -> GraphProblem:
    problem = make()
    problem.region = verify.Ball(problem.initial_weights, radius)
    return problem


@pytest.mark.parametrize("make", [classifier, recurrent])
@pytest.mark.parametrize("radius", [1e-6, RADIUS, 0.03])
def test_the_bound_holds_what_an_attack_finds(make: Any, radius: float) -> None:
    problem = with_ball(make, radius)
    found = attack_hessian(problem, problem.region, points=2)
    with flint.ctx.workprec(128):
        bound = subject_of(problem).hessian_norm({"kind": "ball", "radius": radius.hex()})
    assert bound >= found.value
    if radius == 1e-6:
        assert bound.upper() < (1 + 1e-3) * found.value


@pytest.mark.parametrize(("kind", "given"), [("region", {}), ("heavy_ball", {"mu": 0.9})])
def test_a_setting_is_certified(kind: str, given: dict[str, float]) -> None:
    problem = with_ball(classifier)
    certificate = json.loads(json.dumps(certify(problem, kind, **given)))
    assert check_certificate(certificate)["verdict"] == "PROVED"
    assert float.fromhex(certificate["claim"]["lipschitz"]) < 1.5 * verify.hessian_bound(problem).value
    for place, name, factor in (("claim", "lipschitz", 0.8), ("region", "radius", 4.0), ("claim", "eta", 8.0)):
        changed = copy.deepcopy(certificate)
        changed[place][name] = (float.fromhex(changed[place][name]) * factor).hex()
        assert check_certificate(changed)["verdict"] == "UNDECIDED"
    moved = copy.deepcopy(certificate)
    moved["weights"][0] = (float.fromhex(moved["weights"][0]) + 8.0).hex()
    assert check_certificate(moved)["verdict"] == "UNDECIDED"


@pytest.fixture(scope="module")
def certificate() -> dict[str, Any]:
    return certify(with_ball(classifier), "region", confirm=False)


@pytest.mark.parametrize("region", [{"kind": "bounded", "radius": "1"}, {"kind": "ball", "radius": "inf"}, None])
def test_another_region_is_not_confirmed(region: Any, certificate: dict[str, Any]) -> None:
    with pytest.raises(DagverifyError):
        check_certificate({**certificate, "region": region})


def test_a_kink_in_the_ball_is_not_confirmed() -> None:
    builder = GraphBuilder()
    w = builder.parameter("w", (2,))
    problem = GraphProblem(builder.build(w.apply(Elementwise("relu")).square().sum()), {}, [0.5, RADIUS / 2])
    subject = subject_of(problem)
    with flint.ctx.workprec(128):
        try:
            bound = subject.hessian_norm({"kind": "ball", "radius": RADIUS.hex()})
        except DagverifyError:
            return
    assert not bound.is_finite()


NOT_NEGATIVE = sorted(document.OF_ERRORS_NOT_NEGATIVE)


def test_the_kinds_of_errors_that_are_not_negative_are_those_whose_claims_bound_the_error() -> None:
    bound_it = {kind for kind, (needed, _) in CHECKS.items() if "error_upper" in needed}
    assert bound_it == document.OF_ERRORS_NOT_NEGATIVE


@pytest.mark.parametrize("kind", NOT_NEGATIVE)
def test_kinds_that_need_an_error_that_is_not_negative_are_refused(kind: str, certificate: dict[str, Any]) -> None:
    """Their checks take E >= 0 for granted, which holds of half a squared error and not of every graph."""
    with pytest.raises(NotCoveredError, match=f"certificates of kind {kind}"):
        certify(with_ball(classifier), kind, **({"steps": 3} if "horizon" in kind else {}))
    needed, _ = CHECKS[kind]
    claim = dict.fromkeys(needed, (0.0).hex()) | certificate["claim"] | {"steps": 1, "converges": False}
    claim = {name: claim[name] for name in needed}
    forged = {**certificate, "kind": kind, "claim": claim, **document.statement(kind, claim)}
    answer = check_certificate(forged)
    assert answer["verdict"] == "UNDECIDED" and "may be negative" in answer["reasons"][0]


def test_other_regions_than_balls_are_refused() -> None:
    problem = with_ball(classifier)
    problem.region = verify.BoundedWeights(9.0)
    with pytest.raises(NotCoveredError, match="other regions than balls"):
        certify(problem, "region")


def test_a_linear_error_has_no_curvature() -> None:
    builder = GraphBuilder()
    w = builder.parameter("w", (3,))
    problem = GraphProblem(builder.build(w.sum()), {}, np.ones(3), {"w": 0.25})
    with flint.ctx.workprec(128):
        assert 0.25 <= subject_of(problem).hessian_norm({"kind": "ball", "radius": "1"}) < 0.2500001
