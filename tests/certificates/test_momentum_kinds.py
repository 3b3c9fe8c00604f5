"""Certificates of `from_rest`, `restart` and `nesterov`: what they say along runs, decided in Arb; edges and beyond."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import pytest

import verify
from tests.certificates.conftest import make_problem
from tests.certificates.mutations import root_above, setting_of, theorem_of
from verify.analysis.certify import kind_of
from verify.assumptions.small_momentum import Setting
from verify.certificates import document
from verify.certificates.checker.subject import read_subject
from verify.certificates.words import claim_words
from verify.theorems.ranges import RANGES

NODES = {
    "x": {"width": 1},
    "h": {"width": 1, "activation": "tanh", "inputs": ["x"]},
    "y": {"width": 1, "activation": "sigmoid", "inputs": ["h", "x"]},
}
RADIUS = 0.5


@pytest.fixture(scope="module")
def region() -> dict[str, Any]:
    """A certificate of a tiny network, whose bound L serves every kind of setting on the same region."""
    return verify.certify(make_problem(NODES, radius=RADIUS, weight_decay=0.125), "region")


def of_kind(region: dict[str, Any], kind: str, **numbers: Any) -> dict[str, Any]:
    claim = {"lipschitz": region["claim"]["lipschitz"], **{name: float(value).hex() for name, value in numbers.items()}}
    return {**region, "kind": kind, **document.statement(kind), "claim": claim}


def product(a: list[Any], b: list[Any]) -> Any:
    return sum((s * t for s, t in zip(a, b, strict=True)), flint.arb(0))


def moved(w: list[Any], step: list[Any]) -> list[Any]:
    return [place + part for place, part in zip(w, step, strict=True)]


def at_the_edge(region: dict[str, Any], kind: str, speed: float) -> dict[str, Any]:
    """With L eta = speed, and all the momentum that is admitted; the checker confirms it."""
    admissible, lipschitz = RANGES[kind], float.fromhex(region["claim"]["lipschitz"])
    eta = speed / lipschitz
    size = admissible.momentum_limit(lipschitz, eta)
    numbers = {"eta": eta, admissible.momentum_name: size, "gain": admissible.gain(lipschitz, eta, size)}
    certificate = of_kind(region, kind, **numbers)
    assert verify.check_certificate(certificate)["verdict"] == "PROVED"
    return certificate


@pytest.mark.parametrize("kind", ["from_rest", "restart", "nesterov"])
def test_each_step_gains_what_is_certified(region: dict[str, Any], kind: str) -> None:
    """The algorithm of the hypotheses in 256 bits, with all the momentum that they allow."""
    certificate = at_the_edge(region, kind, 0.1)
    with flint.ctx.workprec(256):
        numbers = {name: flint.arb(float.fromhex(text)) for name, text in certificate["claim"].items()}
        subject = read_subject(certificate)
        eta, gain = numbers["eta"], numbers["gain"]
        w, step = [flint.arb(part) for part in subject.weights], [flint.arb(0)] * len(subject.weights)
        start, momenta, taken = w, 0, 0
        for _ in range(12):
            before = subject.error(w)
            if kind == "nesterov":
                before += product(step, step) / (2 * eta)
                ahead = [numbers["mu"] * part for part in step]
                slope = subject.gradient(moved(w, ahead))
            else:
                slope, ahead = subject.gradient(w), [flint.arb(0)] * len(w)
                squares = product(step, step)
                if squares > 0 and (kind == "from_rest" or product(slope, step) <= 0):
                    size = numbers["tau"] * (product(slope, slope) / squares).sqrt()
                    ahead = [size * part for part in step]
                    momenta += 1
            step = [part - eta * g for part, g in zip(ahead, slope, strict=True)]
            w = moved(w, step)
            travelled = [a - b for a, b in zip(w, start, strict=True)]
            if not product(travelled, travelled) < RADIUS**2:
                break
            taken += 1
            after = subject.error(w) + (product(step, step) / (2 * eta) if kind == "nesterov" else 0)
            assert after <= before - gain * product(slope, slope)
    assert taken >= 4 and (momenta or kind == "nesterov")


@pytest.mark.parametrize("kind", ["from_rest", "restart", "nesterov", "from_rest_weight_decay"])
def test_the_edge_is_confirmed_and_nothing_beyond(certificate_of: Any, kind: str) -> None:
    certificate = certificate_of(kind)
    claim, (lipschitz, _, _) = certificate["claim"], setting_of(certificate)
    paid = {"from_rest": 1, "restart": 2, "nesterov": 1}[theorem_of(certificate)]
    eta = Fraction(paid, 10) / lipschitz
    if "mu" in claim:
        name, square = "mu", 1 / (1 + lipschitz * eta)
    else:
        name, square = "tau", eta * (paid / lipschitz - eta)
    claim.update(eta=str(eta), gain="0", **({"converges": False} if "converges" in claim else {}))
    if "converges" in claim:
        certificate["hypotheses"] = certificate["hypotheses"][:-1]
    above = root_above(square)
    for size, verdict in ((square / above, "PROVED"), (above, "UNDECIDED"), (Fraction(-1, 10**30), "UNDECIDED")):
        claim[name] = str(size)
        assert verify.check_certificate(certificate)["verdict"] == verdict


def test_from_rest_reaches_farther_than_for_every_previous_step(small_problem: verify.Problem) -> None:
    """Five times the momentum; the largest number of steps is confirmed, one more is not."""
    eta, radius = 1e-4, 0.05
    certificate = verify.certify(small_problem, "from_rest_horizon", eta=eta, tau=5 * eta, radius=radius)
    assert verify.check_certificate(certificate)["theorem"] == "from_rest"
    certificate["claim"]["steps"] += 1
    assert verify.check_certificate(certificate)["verdict"] == "UNDECIDED"
    certificate["claim"]["steps"] -= 1
    every = {**certificate, "kind": "horizon", **document.statement("horizon")}
    assert verify.check_certificate(every)["verdict"] == "UNDECIDED"


@pytest.mark.parametrize(
    ("setting", "kind", "words"),
    [
        (Setting(1e-3, tau=5e-4), "region", "every step with eta"),
        (Setting(1e-3, tau=5e-3), "from_rest", "every step from rest with eta=0.001, tau <= 0.005 of the global norm"),
        (Setting(1e-3, tau=5e-3, rule="restart"), "restart", "momentum being dropped where it points uphill"),
        (Setting(1e-3, mu=0.9), "heavy_ball", "V = E + mu/(2 eta) |D|^2"),
        (Setting(1e-3, mu=0.9, nesterov=True), "nesterov", "V = E + |D|^2/(2 eta)"),
    ],
)
def test_a_setting_has_the_kind_of_its_theorem(region: dict[str, Any], setting: Setting, kind: str, words: str) -> None:
    assert kind_of(setting) == kind
    numbers = {"eta": setting.eta, "mu" if setting.tau is None else "tau": setting.momentum, "gain": 0.0}
    certificate = of_kind(region, kind, **numbers)
    assert verify.check_certificate(certificate)["theorem"] == setting.theorem
    assert words in claim_words(certificate)
