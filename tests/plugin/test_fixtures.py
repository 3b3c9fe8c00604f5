"""Fixtures give the problem of the spec file that the test's marker or pyproject.toml names."""

from __future__ import annotations

pytest_plugins = ["pytester"]

TESTS = """\
import pytest

pytestmark = pytest.mark.dagverify_spec("net.dagverify.toml")


def test_problem(dagverify_problem, dagverify_setting):
    assert dagverify_problem.name == "good"
    assert (dagverify_setting.eta, dagverify_setting.tau) == (0.05, 0.02)


def test_report(dagverify_report, dagverify_specification):
    assert dagverify_report.verdict.name == "PROVED"
    assert dagverify_specification.path.name == "net.dagverify.toml"
"""


def test_a_marker_names_the_spec_beside_the_test(pytester, spec):
    spec("tests/net.dagverify.toml")
    (pytester.path / "tests" / "test_own.py").write_text(TESTS, encoding="utf-8")
    result = pytester.runpytest("--strict-markers", "-v", "tests/test_own.py")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_problem[[]net.dagverify[]] PASSED*"])


def test_every_spec_of_pyproject_is_taken(pytester, spec):
    spec("a.toml")
    spec("b.toml")
    pytester.makepyprojecttoml('[tool.dagverify]\nspecs = ["*.toml"]'.replace("*", "[ab]"))
    pytester.makepyfile("def test_own(dagverify_problem): assert dagverify_problem.samples == 2")
    result = pytester.runpytest("-v", "-k", "test_own")
    result.assert_outcomes(passed=2, deselected=14)


def test_without_a_spec_the_error_says_what_to_do(pytester):
    pytester.makepyfile("def test_own(dagverify_problem): pass")
    result = pytester.runpytest()
    assert result.ret != 0
    assert "mark the test with @pytest.mark.dagverify_spec" in result.stdout.str() + result.stderr.str()
