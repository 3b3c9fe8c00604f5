"""Certificates of kind `heavy_ball`: what they say holds along runs, decided in Arb; at the range's edge and beyond."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import pytest

import verify
from tests.certificates.conftest import make_problem, residual_nodes
from verify.certificates import document
from verify.certificates.checker.subject import read_subject


@pytest.mark.parametrize(
    ("mu", "share"),
    [pytest.param(0.5, 1.0, marks=pytest.mark.slow), (0.9, 0.25), pytest.param(0.9, 1.0, marks=pytest.mark.slow)],
)
def test_the_energy_falls_by_the_gain_at_every_step(mu: float, share: float) -> None:
    problem = make_problem(residual_nodes(), radius=0.25)
    largest = 2 * float.fromhex(verify.certify(problem, "heavy_ball", mu=mu)["claim"]["eta"])
    certificate = verify.certify(problem, "heavy_ball", mu=mu, eta=share * largest)
    with flint.ctx.workprec(256):
        eta, gain = (flint.arb(float.fromhex(certificate["claim"][name])) for name in ("eta", "gain"))
        subject = read_subject(certificate)
        w, step = [flint.arb(part) for part in subject.weights], [flint.arb(0)] * problem.architecture.size
        kinetic = flint.arb(0)
        start, error = w, subject.error(w)
        for _ in range(4):
            step = [mu * last - eta * slope for last, slope in zip(step, subject.gradient(w), strict=True)]
            w = [place + part for place, part in zip(w, step, strict=True)]
            assert sum(((place - first) ** 2 for place, first in zip(w, start, strict=True)), flint.arb(0)) < 0.25**2
            squares = sum((part * part for part in step), flint.arb(0))
            before, kinetic, error = error + kinetic, mu / (2 * eta) * squares, subject.error(w)
            assert error + kinetic <= before - gain * squares


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mu", 1),
        ("mu", Fraction(-1, 10**30)),
        ("eta", 0),
        ("eta", -1),
        ("gain", Fraction(-1, 10**30)),
        ("lipschitz", 0),
    ],
)
def test_numbers_outside_the_theorem_are_not_confirmed(certificate_of: Any, name: str, value: Fraction) -> None:
    certificate = certificate_of("heavy_ball")
    certificate["claim"][name] = f"{Fraction(value).numerator}/{Fraction(value).denominator}"
    assert verify.check_certificate(certificate)["verdict"] == "UNDECIDED"


def test_the_largest_rate_is_confirmed_and_the_next_rational_is_not(certificate_of: Any) -> None:
    certificate = certificate_of("heavy_ball")
    claim = certificate["claim"]
    lipschitz, mu = (document.number(claim[name], name) for name in ("lipschitz", "mu"))
    for eta, verdict in (
        (2 * (1 - mu) / lipschitz, "PROVED"),
        (2 * (1 - mu) / lipschitz + Fraction(1, 10**40), "UNDECIDED"),
    ):
        claim.update(eta=f"{eta.numerator}/{eta.denominator}", gain="0/1")
        assert verify.check_certificate(certificate)["verdict"] == verdict


def test_a_region_without_the_weights_is_refused(certificate_of: Any) -> None:
    certificate = certificate_of("heavy_ball")
    certificate["region"] = {"kind": "bounded", "radius": "1/1000"}
    with pytest.raises(verify.InputError, match="not in the region"):
        verify.check_certificate(certificate)


def test_obeying_the_remedy_certifies() -> None:
    problem = make_problem(residual_nodes())
    with pytest.raises(verify.InputError) as refused:
        verify.certify(problem, "heavy_ball", mu=0.9, eta=100.0)
    eta = float(str(refused.value).split("use eta <= ")[1].split()[0])
    assert verify.check_certificate(verify.certify(problem, "heavy_ball", mu=0.9, eta=eta))["verdict"] == "PROVED"
