"""A spec file becomes one item a question; an item that counts fails unless it is proved."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

pytest_plugins = ["pytester"]

ITEMS = ["gradients", "A1", "A2", "A3", "A4", "range", "decrease"]
OUTCOMES = {"PASSED": "passed", "FAILED": "failed", "SKIPPED": "skipped"}


def outcomes_by_item(result: pytest.RunResult) -> dict[str, str]:
    """Return the outcome of every item of a verbose run."""
    found = {}
    for line in result.outlines:
        for word, outcome in OUTCOMES.items():
            if f" {word}" in line and "::" in line and not line.startswith(word):
                found[line.split("::")[1].split()[0]] = outcome
    return found


def test_a_proved_spec_is_green_and_says_what_is_not_counted(pytester, spec):
    spec("net.dagverify.toml", ("radius = 0.1", "radius = 2.0"))
    result = pytester.runpytest("-v", "-rs")
    assert result.ret == 0
    outcomes = outcomes_by_item(result)
    assert list(outcomes) == ITEMS
    assert {name for name, outcome in outcomes.items() if outcome == "skipped"} == {"A3"}
    result.stdout.fnmatch_lines(["*A3 UNDECIDED, not counted: E has finitely many stationary points*"])


def test_a_kink_is_red_with_its_line_and_counterexample(pytester, spec):
    spec("net.dagverify.toml", ('"tanh"', '"relu"'))
    result = pytester.runpytest("-v")
    assert result.ret == 1
    outcomes = outcomes_by_item(result)
    assert {name for name, outcome in outcomes.items() if outcome == "failed"} == {"A1", "A4", "range", "decrease"}
    result.stdout.fnmatch_lines(
        [
            "net.dagverify.toml:13: A1 REFUTED: vertex h: g' jumps at z = 0 (relu)",
            "remedy: at vertex h: *softplus*",
            'counterexample: {"vertex": "h", "activation": "relu", "z": "0", *',
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_undecided_fails_too(pytester, spec):
    """eta is outside the proved range, but so little that no step increases the error: nothing is decided."""
    spec("net.dagverify.toml", ("eta = 0.05", "eta = 8.0"), ("tau = 0.02", "tau = 0.0"))
    result = pytester.runpytest("-v")
    outcomes = outcomes_by_item(result)
    assert (outcomes["A4"], outcomes["range"], outcomes["decrease"]) == ("failed",) * 3
    result.stdout.fnmatch_lines(["net.dagverify.toml:25: A4 UNDECIDED: *"])


def test_an_increase_is_refuted_and_replays(pytester, spec):
    spec("net.dagverify.toml", ("eta = 0.05", "eta = 500.0"), ("radius = 0.1", "radius = 100.0"))
    result = pytester.runpytest("-v", "--dagverify-examples=5", "--dagverify-seed=3")
    assert outcomes_by_item(result)["A4"] == "failed"
    result.stdout.fnmatch_lines(
        [
            "net.dagverify.toml:25: A4 REFUTED: *",
            "*decrease REFUTED: the setting asked increases the error in a step inside the region: 5 steps*",
            "counterexample: *",
            "replay: dagverify test net.dagverify.toml --examples 5 --seed 3",
        ]
    )


def test_a_mistake_in_the_file_is_one_line_in_every_item(pytester, spec):
    spec("net.dagverify.toml", ('inputs = ["h", "x"]', 'inputs = ["h", "q"]'))
    result = pytester.runpytest("-v")
    assert set(outcomes_by_item(result).values()) == {"failed"}
    lines = [line for line in result.outlines if line.startswith("error: ")]
    assert len(lines) == len(ITEMS) and all("net.dagverify.toml:19" in line for line in lines)
    assert "Traceback" not in result.stdout.str()


def test_one_analysis_a_file(pytester, spec, monkeypatch):
    from verify.analysis import check as module

    calls = []
    original = module.check
    monkeypatch.setattr(module, "check", lambda *a, **k: (calls.append(a), original(*a, **k))[1])
    spec()
    spec("other.dagverify.toml")
    pytester.runpytest("-k", "not decrease").assert_outcomes(passed=12, deselected=2)
    assert len(calls) == 2


def test_junit_holds_verdicts_and_figures(pytester, spec):
    spec()
    pytester.runpytest("--junitxml=out.xml")
    cases = ET.parse(pytester.path / "out.xml").getroot().findall(".//testcase")
    assert [case.get("name") for case in cases] == ITEMS
    by_name = {case.get("name"): {p.get("name"): p.get("value") for p in case.iter("property")} for case in cases}
    assert by_name["A4"]["dagverify_verdict"] == "PROVED" and float(by_name["range"]["dagverify_L"]) > 0


def test_items_are_marked(pytester, spec):
    spec()
    pytester.makepyfile("def test_own(): pass")
    pytester.runpytest("--collect-only", "-q", "-m", "not dagverify").stdout.fnmatch_lines(["*test_own*", "1/8 tests*"])
    assert len(outcomes_by_item(pytester.runpytest("-v", "-m", "dagverify"))) == len(ITEMS)


@pytest.mark.slow
def test_under_xdist(pytester, spec):
    spec()
    result = pytester.runpytest_subprocess("-n2", "--dagverify-examples=3")
    result.assert_outcomes(passed=7)


@pytest.mark.slow
def test_loadfile_keeps_a_file_on_one_worker(pytester, spec):
    spec()
    spec("other.dagverify.toml")
    result = pytester.runpytest_subprocess("-n2", "--dist=loadfile", "-v", "--dagverify-examples=3")
    result.assert_outcomes(passed=14)
    for name in ("net.dagverify.toml", "other.dagverify.toml"):
        workers = {line.split("]")[0] for line in result.outlines if line.startswith("[gw") and f" {name}::" in line}
        assert len(workers) == 1


ACTING_NAMES = ("\n::error file=a::b", "\x1b[2J\x1b]0;t\x07", "a\u2028##[error]b")


@pytest.mark.parametrize("options", [pytest.param(("-q",), marks=pytest.mark.slow), ("-vv", "-rA")], ids=" ".join)
def test_file_names_that_act_are_shown_escaped(pytester, options):
    for name in ACTING_NAMES:
        (pytester.path / f"{name}.dagverify.toml").write_text("no spec", encoding="utf-8")
    result = pytester.runpytest_subprocess("--color=no", *options)
    shown = result.stdout.str() + result.stderr.str()
    assert not re.search(r"(?m)^\s*::|##\[|[\x00-\x08\x1b\u2028]", shown)
    assert result.parseoutcomes() == {"failed": len(ITEMS) * len(ACTING_NAMES)}
