"""A4: proved in the range, refuted by an increase, else undecided with what to change."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace
from typing import Any

import pytest

from verify import InputError, Verdict
from verify.assumptions import Setting, small_momentum
from verify.theorems.ranges import RANGES


def test_without_a_setting_the_range_is_not_empty() -> None:
    finding = small_momentum(2.0)
    assert (finding.verdict, finding.theorem, finding.counted) == (Verdict.PROVED, "sharp", True)
    assert (finding.numbers["eta"], finding.numbers["tau"], finding.numbers["gain"]) == (0.5, 0.25, 0.1875)
    assert [hypothesis.verdict for hypothesis in finding.hypotheses] == [Verdict.PROVED, Verdict.UNDECIDED]


@pytest.mark.parametrize(
    ("setting", "theorem"),
    [
        (Setting(0.5, tau=0.25), "sharp"),
        (Setting(0.5, tau=0.5, norm="vertex"), "sharp"),
        (Setting(0.9, tau=0.0), "sharp"),
        (Setting(0.5, mu=0.5), "heavy_ball"),
        (SimpleNamespace(eta=0.5, tau=None, mu=0.25, norm="global"), "heavy_ball"),
    ],
)
def test_inside(setting: Any, theorem: str) -> None:
    finding = small_momentum(2.0, setting)
    assert (finding.verdict, finding.theorem) == (Verdict.PROVED, theorem)
    assert finding.numbers["norm"] == setting.norm
    assert finding.numbers["gain"] >= 0


def test_the_limit_is_inside_and_the_next_number_is_not() -> None:
    limit = RANGES["sharp"].momentum_limit(3.0, 0.5)
    assert small_momentum(3.0, Setting(0.5, tau=limit)).verdict is Verdict.PROVED
    assert small_momentum(3.0, Setting(0.5, tau=math.nextafter(limit, 1.0))).verdict is Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("setting", "excess", "remedy"),
    [
        (Setting(0.25, tau=0.5), "tau is 2 times the largest", "use tau <= 0.25 with eta=0.25"),
        (
            Setting(0.5, mu=0.75),
            "mu is 1.5 times the largest",
            "use eta <= 0.25 with mu=0.75, or mu <= 0.5 with eta=0.5",
        ),
        (Setting(2.0, tau=0.25), "eta is 2 times the largest", "use eta=0.75 with tau=0.25"),
        (Setting(2.0, tau=0.75), "eta is 2 times the largest", "use eta=0.5 with tau <= 0.25"),
        (Setting(2.0, tau=0.0), "eta is 2 times the largest", "use eta <= 0.9999999999999999"),
        (Setting(1.0, mu=0.5), "mu is any number of times the largest", "use eta <= 0.5 with mu=0.5"),
    ],
)
def test_outside_it_says_how_far(setting: Setting, excess: str, remedy: str) -> None:
    finding = small_momentum(2.0, setting)
    assert (finding.verdict, finding.remedy) == (Verdict.UNDECIDED, remedy)
    assert excess in finding.statement


@pytest.mark.parametrize("L", [0.3, 2.0, 7.7])
@pytest.mark.parametrize(
    "setting", [Setting(eta, mu=mu) for eta in (0.01, 0.5, 9.0) for mu in (0.0, 0.3, 0.9, 0.999, 1.5)]
)
def test_obeying_the_remedy_is_admissible(L: float, setting: Setting) -> None:
    finding = small_momentum(L, setting)
    if finding.verdict is Verdict.PROVED:
        assert finding.remedy is None
        return
    for option in str(finding.remedy).removeprefix("use ").split(", or "):
        changed = {"eta": setting.eta, "mu": setting.mu}
        for name, value in re.findall(r"(eta|mu) ?<?= ?([-+.e0-9]+)", option):
            changed[name] = float(value)
        assert small_momentum(L, Setting(**changed)).verdict is Verdict.PROVED


@pytest.mark.parametrize("theorem", sorted(RANGES))
@pytest.mark.parametrize("L", [0.3, 2.0, 1e5])
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_the_largest_learning_rate_with_a_momentum_is_the_largest(theorem: str, L: float, part: float) -> None:
    admissible = RANGES[theorem]
    momentum = part * admissible.largest(L)[1]
    limit = admissible.eta_limit_with(L, momentum)
    assert limit is not None and admissible.contains(L, limit, momentum) is Verdict.PROVED
    assert admissible.contains(L, limit * (1 + 1e-12), momentum) is Verdict.UNDECIDED
    if theorem != "heavy_ball":
        assert admissible.eta_limit_with(L, 1.01 * admissible.largest(L)[1]) is None


def test_an_increase_refutes() -> None:
    step = {"seed": 3, "previous": "none"}
    finding = small_momentum(2.0, Setting(2.0, tau=0.0), step)
    assert (finding.verdict, finding.counterexample) == (Verdict.REFUTED, step)
    assert finding.remedy == f"use eta <= {RANGES['sharp'].eta_limit(2.0)!r}"
    assert small_momentum(None, Setting(2.0, tau=0.0), step).verdict is Verdict.REFUTED
    assert "report this" in str(small_momentum(2.0, Setting(0.5, tau=0.25), step).remedy)
    with pytest.raises(InputError, match="an increase refutes a setting"):
        small_momentum(2.0, None, step)


@pytest.mark.parametrize("setting", [None, Setting(0.5, tau=0.0)])
def test_without_a_bound_nothing_is_proved(setting: Setting | None) -> None:
    finding = small_momentum(None, setting, reason="vertex h: g' jumps", remedy="use softplus")
    assert (finding.verdict, finding.remedy) == (Verdict.UNDECIDED, "use softplus")
    assert "vertex h: g' jumps" in finding.statement


@pytest.mark.parametrize("L", [math.nan, math.inf, 0.0, -1.0])
def test_a_bound_that_is_none_is_an_error(L: float) -> None:
    for setting in (None, Setting(0.5, tau=0.1)):
        with pytest.raises(InputError, match="L"):
            small_momentum(L, setting)


@pytest.mark.parametrize("bad", [{"tau": math.nan}, {"tau": -0.1}, {"mu": math.inf}])
def test_a_momentum_that_is_none_is_an_error(bad: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(bad))):
        small_momentum(2.0, Setting(0.5, **bad))


@pytest.mark.parametrize("sizes", [{}, {"tau": 0.1, "mu": 0.1}])
def test_exactly_one_of_tau_and_mu(sizes: dict[str, float]) -> None:
    with pytest.raises(InputError, match="exactly one of tau and mu"):
        Setting(0.1, **sizes)
