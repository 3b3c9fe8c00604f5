"""Options, ini settings and the table of pyproject.toml, each accepted and refused."""

from __future__ import annotations

import pytest

pytest_plugins = ["pytester"]

PYPROJECT = """\
[tool.dagverify]
specs = {specs}

[tool.pytest.ini_options]
testpaths = ["tests"]
"""


def test_specs_named_in_pyproject_are_collected_outside_testpaths(pytester, spec):
    spec("models/net.toml")
    (pytester.path / "tests").mkdir()
    pytester.path.joinpath("tests/test_own.py").write_text("def test_own(): pass", encoding="utf-8")
    pytester.makepyprojecttoml(PYPROJECT.format(specs='["models/*.toml"]'))
    result = pytester.runpytest("--collect-only", "-q")
    result.stdout.fnmatch_lines(["tests/test_own.py::test_own", "models/net.toml::gradients", "*8 tests collected*"])
    pytester.runpytest("--collect-only", "-q", "tests").stdout.fnmatch_lines(["*1 test collected*"])
    pytester.runpytest("--collect-only", "-q", ".").stdout.fnmatch_lines(["*8 tests collected*"])
    pytester.runpytest_subprocess("-n1", "-k", "A1 or test_own").assert_outcomes(passed=2)


def test_other_toml_files_are_left_alone(pytester, spec):
    spec("net.toml")
    assert pytester.runpytest().ret == pytest.ExitCode.NO_TESTS_COLLECTED


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        ('["models/none.toml"]', "*tool.dagverify: no such file: specs='models/none.toml'; correct the path*"),
        ('"models"', "*tool.dagverify: specs='models'; write specs = *"),
        ('["/models/net.toml"]', "*write a path relative to this file*"),
        ("[]\nspec = 1", "*tool.dagverify: unknown key: key='spec'; use specs*"),
    ],
)
def test_mistakes_in_pyproject_are_one_line(pytester, specs, message):
    (pytester.path / "tests").mkdir()
    pytester.makepyprojecttoml(PYPROJECT.format(specs=specs))
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_ini_settings_and_options(pytester, spec):
    spec()
    pytester.makeini("[pytest]\ndagverify_examples = 4\ndagverify_seed = 9")
    kink = ("-k", "decrease", "-o", "junit_family=xunit1", "--junitxml=out.xml")
    pytester.runpytest(*kink).assert_outcomes(passed=1, deselected=6)
    assert 'name="dagverify_examples" value="4"' in (pytester.path / "out.xml").read_text(encoding="utf-8")
    pytester.runpytest(*kink, "--dagverify-examples=6")
    assert 'name="dagverify_examples" value="6"' in (pytester.path / "out.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", ["dagverify_examples = many", "dagverify_examples = 0", "dagverify_seed = -1"])
def test_bad_ini_settings_are_refused(pytester, line):
    pytester.makeini(f"[pytest]\n{line}")
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{line.split(' =')[0]}: *; *"])


def test_collection_can_be_switched_off(pytester, spec):
    spec()
    assert pytester.runpytest("--dagverify-no-collect").ret == pytest.ExitCode.NO_TESTS_COLLECTED
    pytester.makeini("[pytest]\ndagverify_collect = false")
    assert pytester.runpytest().ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_the_nightly_profile_is_there_without_a_conftest(pytester):
    pytester.makepyfile(
        """
        from hypothesis import settings

        def test_own():
            assert settings.default.max_examples == 2000 and not settings.default.derandomize
        """
    )
    result = pytester.runpytest_subprocess("--hypothesis-profile=dagverify-nightly")
    result.assert_outcomes(passed=1)
