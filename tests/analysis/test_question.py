"""The headline: which steps the answer is about, and whether the error or the energy V decreases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import verify
import verify.testing
from verify import Architecture, Ball, BlockBall, BoundedWeights, Problem, Setting, Verdict
from verify.analysis.check import CheckReport
from verify.analysis.question import question_of
from verify.analysis.range_row import RangeRow
from verify.properties.heavy_ball_run import find_error_rise
from verify.training.momentum import heavy_ball_step

BALL = Ball([0.0], 0.1)
TAU, MU = Setting(0.1, tau=0.0), Setting(0.1, mu=0.9)
REST = Setting(0.1, tau=0.5)
ENERGY = "V = E + mu/(2 eta) |D|^2, not E itself?"


def horizon(steps: int | None, verdict: Verdict = Verdict.PROVED) -> RangeRow:
    return RangeRow("horizon", verdict, "", numbers={"steps": steps})


FOR_EVER = RangeRow("weight_decay", Verdict.PROVED, "")
NOT_ONE = RangeRow("horizon", Verdict.UNDECIDED, "not even one step")


@pytest.mark.parametrize(
    ("setting", "rows", "question"),
    [
        (TAU, [], "does every step that stays within 0.1 of the start decrease the error?"),
        (TAU, [NOT_ONE], "does every step that stays within 0.1 of the start decrease the error?"),
        (
            TAU,
            [horizon(17)],
            "does each of the first 17 steps, and every later one that stays within 0.1 of the start, "
            "decrease the error?",
        ),
        (
            TAU,
            [horizon(1)],
            "does the first step, and every later one that stays within 0.1 of the start, decrease the error?",
        ),
        (TAU, [horizon(3), FOR_EVER], "does every step, for ever, decrease the error?"),
        (TAU, [horizon(None)], "does every step, for ever, decrease the error?"),
        (MU, [], f"does every step that stays within 0.1 of the start decrease {ENERGY}"),
        (MU, [FOR_EVER], f"does every step from rest, for ever, decrease {ENERGY}"),
        (
            REST,
            [],
            "does every step from rest that stays, as all before it, within 0.1 of the start decrease the error?",
        ),
        (
            REST,
            [horizon(17)],
            "does each of the first 17 steps from rest, and every later one that stays, as all before it, within 0.1 "
            "of the start, decrease the error?",
        ),
        (REST, [FOR_EVER], "does every step from rest, for ever, decrease the error?"),
        (
            None,
            [FOR_EVER],
            "with the settings below, does every step that stays within 0.1 of the start decrease the error?",
        ),
    ],
)
def test_the_question_is_as_wide_as_the_theorems(setting: Setting | None, rows: list[RangeRow], question: str) -> None:
    assert question_of(BALL, setting, rows, Verdict.PROVED) == question


def test_only_a_proof_is_about_more_than_the_region() -> None:
    for verdict in (Verdict.UNDECIDED, Verdict.REFUTED):
        asked = question_of(BALL, TAU, [horizon(17), FOR_EVER], verdict)
        assert asked == "does every step that stays within 0.1 of the start decrease the error?"


def test_regions_are_named() -> None:
    assert "that stays in |w| <= 14.0" in question_of(BoundedWeights(14), TAU, [], Verdict.PROVED)
    blocks = BlockBall([0.0], {"y": 1.0}, {"y": slice(0, 1)})
    assert "that stays in the region around the start" in question_of(blocks, TAU, [], Verdict.PROVED)


def tanh_unit(radius: float = 2.0, **settings: float) -> Problem:
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    architecture = Architecture.from_data(nodes, "y")
    w0 = architecture.initial_weights("glorot", seed=0)
    return Problem(
        architecture, [[1.0], [0.5]], [[0.3], [0.1]], initial_weights=w0, region=Ball(w0, radius), **settings
    )


@pytest.fixture(scope="module")
def heavy_ball() -> CheckReport:
    return verify.check(tanh_unit(), Setting(eta=0.05, mu=0.9))


def test_for_mu_the_question_is_about_the_energy(heavy_ball: CheckReport) -> None:
    assert heavy_ball.verdict is Verdict.PROVED
    assert heavy_ball.question.endswith(ENERGY) and "from rest" in heavy_ball.question
    assert heavy_ball.to_json()["question"] == heavy_ball.question
    a4 = next(finding for finding in heavy_ball.assumptions if finding.id == "A4")
    assert "not E itself" in a4.statement and "V =" in a4.needed_for


def test_horizons_of_the_heavy_ball_say_from_rest(heavy_ball: CheckReport) -> None:
    horizon_row = next(row for row in heavy_ball.ranges if row.theorem == "horizon")
    a2 = next(finding for finding in heavy_ball.assumptions if finding.id == "A2")
    assert "from rest" in horizon_row.statement and "from rest" in a2.statement
    decaying = verify.check(tanh_unit(weight_decay=0.5), Setting(eta=0.05, mu=0.5))
    row = next(row for row in decaying.ranges if row.theorem == "weight_decay")
    assert row.verdict is Verdict.PROVED and "from rest" in row.statement
    assert "every step from rest, for ever," in decaying.question
    adaptive = verify.check(tanh_unit(weight_decay=0.5), Setting(eta=0.05, tau=0.01))
    assert all("rest" not in row.statement for row in adaptive.ranges if row.theorem != "from_rest")
    assert adaptive.error_rise is None


def test_a_previous_step_is_in_horizon_weight_decay_and_question() -> None:
    problem = tanh_unit(weight_decay=0.5)
    rest, after = (verify.check(problem, Setting(eta=0.05, mu=0.5, previous_step=d)) for d in (0.0, 0.25))
    words = "after a previous step with |D_0| <= 0.25"
    for theorem in ("horizon", "weight_decay"):
        row, other = (next(row for row in each.ranges if row.theorem == theorem) for each in (after, rest))
        assert words in row.statement and "from rest" not in row.statement and "from rest" in other.statement
    rows = [{row.theorem: row for row in each.ranges} for each in (rest, after)]
    radii = [each["weight_decay"].numbers["sublevel_radius"] for each in rows]
    energy = problem.error(problem.initial_weights) + 0.5 / (2 * 0.05) * 0.25**2
    assert radii[0] < radii[1] and radii[1] >= (2 * energy / 0.5) ** 0.5 * (1 - 1e-12)
    a2 = next(finding for finding in after.assumptions if finding.id == "A2")
    assert a2.verdict is not Verdict.PROVED or words in a2.statement
    assert after.verdict is Verdict.PROVED and words in after.question


@pytest.mark.parametrize(
    "setting", [{"tau": 0.01}, {"mu": 0.5, "nesterov": True}, {"tau": 0.01, "rule": "restart"}, {"mu": 0.5, "d": -1.0}]
)
def test_a_previous_step_is_a_length_for_mu_alone(setting: dict[str, Any]) -> None:
    length = setting.pop("d", 0.5)
    with pytest.raises(verify.InputError, match=r"for mu alone|finite and not negative"):
        Setting(eta=0.05, previous_step=length, **setting)


def test_a_rise_of_the_error_beside_a_falling_energy_replays(heavy_ball: CheckReport) -> None:
    """Step 8 from rest raises E from 9.3e-5 to 6.6e-4."""
    problem = tanh_unit()
    assert heavy_ball.error_rise is not None
    before = w = problem.initial_weights
    for _ in range(heavy_ball.error_rise["step"]):
        before, w = w, w + heavy_ball_step(problem.gradient(w), w - before, 0.05, 0.9)
    assert verify.decide_decrease(problem, before, w).sign == 1
    change = problem.error(w) - problem.error(before)
    assert heavy_ball.error_rise["increase_lower"] <= change <= heavy_ball.error_rise["increase_upper"]
    assert heavy_ball.error_rise["increase_lower"] > 5e-4


def test_a_rise_of_the_error_in_nesterovs_variant_replays() -> None:
    problem, eta, mu = tanh_unit(), 0.05, 0.9
    report = verify.check(problem, Setting(eta, mu=mu, nesterov=True))
    rise = report.error_rise
    assert rise is not None and "Nesterov" in rise["replay"]
    w = before = problem.initial_weights
    for _ in range(rise["step"]):
        ahead = w + mu * (w - before)
        before, w = w, w + (mu * (w - before) - eta * problem.gradient(ahead))
    decision = verify.decide_decrease(problem, before, w)
    assert decision.sign == 1 and rise["increase_lower"] <= decision.upper


def test_a_rise_outside_the_region_does_not_count() -> None:
    assert find_error_rise(tanh_unit(0.01), 0.05, 0.9) is None
    assert find_error_rise(tanh_unit(), 0.05, 0.0) is None


OUTSIDE = "not in the region.*use a radius of at least"


@pytest.mark.parametrize("part", [0.5, 1 - 2.0**-40])
def test_a_region_without_the_start_is_bad_input(part: float) -> None:
    problem = tanh_unit()
    w0 = problem.initial_weights
    problem.region = BoundedWeights(part * float(np.linalg.norm(w0)))
    for ask in (
        lambda: verify.check(problem),
        lambda: verify.check(problem, TAU),
        lambda: verify.check_assumptions(problem),
        lambda: verify.check_assumptions(tanh_unit(), BoundedWeights(1e-3)),
        lambda: verify.testing.assert_admissible(problem, 0.1),
    ):
        with pytest.raises(verify.InputError, match=OUTSIDE) as caught:
            ask()
    problem.region = BoundedWeights(float(str(caught.value).rsplit(" ", 1)[1]))
    assert verify.check(problem).verdict is Verdict.PROVED


@pytest.mark.parametrize("mu", [0.5, 0.9, 0.999])
def test_obeying_a_remedy_for_mu_makes_the_check_green(mu: float) -> None:
    problem = tanh_unit(0.5)
    report = verify.check(problem, Setting(eta=3.0, mu=mu))
    a4 = next(finding for finding in report.assumptions if finding.id == "A4")
    assert report.verdict is not Verdict.PROVED and a4.remedy is not None and f"with mu={mu!r}" in a4.remedy
    eta = float(a4.remedy.split("use eta <= ")[1].split(" ")[0])
    assert verify.check(problem, Setting(eta=eta, mu=mu)).verdict is Verdict.PROVED
    horizon_row = next(row for row in report.ranges if row.theorem == "horizon")
    assert horizon_row.verdict is Verdict.UNDECIDED and horizon_row.remedy is not None
    eta = float(horizon_row.remedy.split("use eta <= ")[1].split(" ")[0])
    obeyed = verify.check(problem, Setting(eta=eta, mu=mu))
    assert all(row.verdict is Verdict.PROVED for row in obeyed.ranges if row.theorem in ("heavy_ball", "horizon"))
