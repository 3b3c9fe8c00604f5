"""Every kind of certificate on every edge kind and activation: written, read, confirmed, described by the schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

import verify
from tests.certificates.conftest import FORMS, SETTINGS, make_problem, residual_nodes
from verify.analysis.certify import certify, write_certificate
from verify.certificates import document
from verify.certificates.description import describe
from verify.certificates.words import claim_words

SCHEMA = json.loads((Path(document.__file__).parent / "certificate.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("kind", FORMS)
def test_certificate_is_confirmed_after_a_round_trip_through_its_file(
    problem: verify.Problem, kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "cert.json"
    write_certificate(certify(problem, kind, confirm=False, **SETTINGS[kind]), path)
    expected = describe(problem, problem.initial_weights)
    assert verify.check_certificate(path, expected) == {
        "verdict": "PROVED",
        "reasons": [],
        "kind": kind,
        "theorem": document.statement(kind)["theorem"],
    }
    jsonschema.validate(json.loads(path.read_text(encoding="utf-8")), SCHEMA)


@pytest.mark.parametrize("kind", SETTINGS)
def test_schema_refuses_what_no_certificate_holds(kind: str, certificate_of: Any) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    certificate = certificate_of(kind)
    assert validator.is_valid(certificate)
    assert not validator.is_valid({**certificate, "version": 2})
    assert not validator.is_valid({**certificate, "extra": 1})
    assert not validator.is_valid({**certificate, "claim": {}})
    assert not validator.is_valid({**certificate, "weights": ["0.5"]})


def test_relu_has_step_certificates_only() -> None:
    problem = make_problem(residual_nodes("leaky_relu"))
    gradient = problem.gradient(problem.initial_weights)
    following = problem.initial_weights - 0.01 * gradient
    assert verify.check_certificate(certify(problem, "step", next_weights=following))["verdict"] == "PROVED"
    with pytest.raises(verify.InputError, match="Hessian does not exist"):
        certify(problem, "region")


def test_horizon_finds_the_largest_number_of_steps(small_problem: verify.Problem) -> None:
    few = certify(small_problem, "horizon", eta=1e-3, radius=0.05)
    steps = few["claim"]["steps"]
    more = {**few, "claim": {**few["claim"], "steps": steps + 1}}
    assert steps > 0 and verify.check_certificate(more)["verdict"] == "UNDECIDED"
    searched = certify(small_problem, "horizon", eta=1e-3)
    assert searched["claim"]["steps"] >= steps


def test_searched_radius_admits_more_than_given_ones(small_problem: verify.Problem) -> None:
    best = float.fromhex(certify(small_problem, "horizon", steps=20)["claim"]["eta"])
    for radius in (1e-3, 1e-2, 0.1, 1.0):
        given = certify(small_problem, "horizon", steps=20, radius=radius)
        assert float.fromhex(given["claim"]["eta"]) <= 1.05 * best


def test_horizon_is_kept_by_the_algorithm(small_problem: verify.Problem) -> None:
    claim = certify(small_problem, "horizon", steps=30)
    eta, tau = (float.fromhex(claim["claim"][name]) for name in ("eta", "tau"))
    run = verify.train(small_problem, steps=30, rule="fixed", eta=eta, tau=tau)
    assert all(verdict is verify.Verdict.PROVED for verdict in run.verdicts)
    region = verify.Ball(small_problem.initial_weights, float.fromhex(claim["region"]["radius"]))
    assert region.contains(run.weights) is verify.Verdict.PROVED
    fallen = (
        small_problem.error_enclosure(small_problem.initial_weights)[1] - small_problem.error_enclosure(run.weights)[0]
    )
    assert fallen >= float.fromhex(claim["claim"]["decrease"]) > 0


def test_weight_decay_region_is_just_beyond_the_sublevel_set(certificate_of: Any) -> None:
    certificate = certificate_of("weight_decay")
    radius, upper = (
        document.number(text, "") for text in (certificate["region"]["radius"], certificate["claim"]["error_upper"])
    )
    assert 2 * upper < radius**2 / 8 < 2 * upper * (1 + 2**-40)
    assert certificate["claim"]["converges"] is True


def test_convergence_names_the_theorem_that_it_cites(certificate_of: Any) -> None:
    certificate = certificate_of("weight_decay")
    assert "Absil" in certificate["hypotheses"][-1] and len(certificate["hypotheses"]) == 2
    silent = {**certificate, "hypotheses": certificate["hypotheses"][:1]}
    with pytest.raises(verify.InputError, match="altered"):
        verify.check_certificate(silent)
    modest = {**silent, "claim": {**certificate["claim"], "converges": False}}
    assert verify.check_certificate(modest)["verdict"] == "PROVED"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("region", "every step with eta="),
        ("heavy_ball", "does not increase V = E + mu/(2 eta) |D|^2"),
        ("step", "the step to the next weights decreases the error by at least"),
        ("horizon", "each of the first"),
        ("weight_decay", "for ever, stays in |w| <= "),
    ],
)
def test_the_claim_in_words_names_what_it_covers(certificate_of: Any, kind: str, words: str) -> None:
    certificate = certificate_of(kind)
    text = claim_words(certificate)
    assert words in text and ("that stays within" in text) == (kind in ("region", "heavy_ball"))
    assert ("if the theorem cited holds" in text) == (kind == "weight_decay")


def test_a_region_that_does_not_hold_the_weights_is_bad_input(
    small_problem: verify.Problem, certificate_of: Any
) -> None:
    w0 = small_problem.initial_weights
    norm = float(np.linalg.norm(w0))
    problem = verify.Problem(
        small_problem.architecture,
        small_problem.inputs,
        small_problem.targets,
        initial_weights=w0,
        region=verify.BoundedWeights(0.5 * norm),
    )
    with pytest.raises(verify.InputError, match=r"not in the region.*use a radius of at least"):
        verify.certify(problem, "region")
    problem.region = verify.BoundedWeights(2 * norm)
    certificate = verify.certify(problem, "region")
    certificate["region"]["radius"] = (0.5 * norm).hex()
    with pytest.raises(verify.InputError, match="not in the region"):
        verify.check_certificate(certificate)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        ("region", {"steps": 3}, "takes no steps"),
        ("step", {"eta": 0.1}, "takes no eta"),
        ("horizon", {}, "how far"),
        ("horizon", {"steps": 3, "tau": 0.1}, "tau without eta"),
        ("horizon", {"steps": 10**6, "eta": 0.1}, "outside the range|smaller eta"),
        ("region", {"eta": 1e9}, "smaller learning rate"),
        ("region", {"mu": 0.9}, "takes no mu.*use kind heavy_ball"),
        ("heavy_ball", {}, "needs mu"),
        ("heavy_ball", {"mu": 1.0}, "needs 0 <= mu < 1"),
        ("heavy_ball", {"mu": -0.1}, "needs 0 <= mu < 1"),
        ("heavy_ball", {"mu": 0.9, "tau": 0.1, "eta": 0.1}, "takes no tau"),
        ("heavy_ball", {"mu": 0.9, "eta": 1e9}, "outside the range"),
        ("nonsense", {}, "unknown kind"),
    ],
)
def test_unusable_settings_are_refused(
    small_problem: verify.Problem, kind: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(verify.InputError, match=message):
        certify(small_problem, kind, **settings)


def test_a_step_that_increases_the_error_is_not_certified(small_problem: verify.Problem) -> None:
    uphill = small_problem.initial_weights + 0.01 * small_problem.gradient(small_problem.initial_weights)
    with pytest.raises(verify.InputError, match="no decrease is proved"):
        certify(small_problem, "step", next_weights=uphill)


def test_region_must_be_around_the_weights(small_problem: verify.Problem) -> None:
    with pytest.raises(verify.InputError, match="not in the region"):
        certify(small_problem, "region", weights=np.zeros(small_problem.architecture.size))
