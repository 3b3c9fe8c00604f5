"""Options, ini settings and the table of pyproject.toml, each accepted and refused."""

from __future__ import annotations

import pytest

from dagverify_pytest.settings import add_options

pytest_plugins = ["pytester"]

PYPROJECT = """\
[tool.dagverify]
specs = {specs}

[tool.pytest.ini_options]
testpaths = ["tests"]
"""


@pytest.mark.slow
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
    ("table", "message"),
    [
        ("[tool]\ndagverify = 5", "*it should be one table: dagverify=5; write [[]tool.dagverify]*"),
        ("[tool]\ndagverify = []", "*it should be one table: dagverify=[[]]; *"),
        ('[[tool.dagverify]]\nspecs = ["a"]', "*it should be one table: dagverify=*; *"),
        ('[tool.dagverify]\nspecs = ["**foo/*.toml"]', "*not a pattern: specs='[*][*]foo/[*].toml', reason=*; *"),
        ('[tool.dagverify]\nspecs = ["."]', "*specs='.'*; *"),
        ('[tool.dagverify]\nspecs = [".."]', "*specs='..'*; *"),
        (f'[tool.dagverify]\nspecs = ["{"a" * 5000}"]', "*specs='aaa*characters*; *"),
        ('[tool.dagverify]\nspecs = ["a\\u0000"]', "*specs='a[\\]x00'*; *"),
        ("[tool.dagverify]\nspecs = {}", "*specs={}; *"),
        (f"[tool.dagverify]\nspecs = 0x{'f' * 6000}", "*specs=<int with a number too long to show>; *"),
        (
            '[tool.dagverify]\n"\\u001b[2J\\n::error::x" = 1',
            "*unknown key: key='[\\]x1b[[]2J[\\]n:[\\]x3aerror*; use specs",
        ),
    ],
)
def test_tables_that_are_none_are_one_line(pytester, table, message):
    pytester.path.joinpath("pyproject.toml").write_text(f"# dagverify\n{table}\n", encoding="utf-8")
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in result.errlines if line]
    assert len(lines) == 1 and "INTERNALERROR" not in result.stdout.str()
    result.stderr.fnmatch_lines([f"ERROR: *pyproject.toml: *{message}"])


def test_an_old_pytest_is_told_so(monkeypatch):
    class Parser:
        def getgroup(self, *_):
            raise AssertionError("asked for options")

    monkeypatch.setattr(pytest, "version_tuple", (8, 3, 5))
    monkeypatch.setattr(pytest, "__version__", "8.3.5")
    with pytest.raises(pytest.UsageError, match=r"needs pytest >= 8\.4: pytest=8\.3\.5; upgrade pytest, or leave"):
        add_options(Parser())


@pytest.mark.parametrize("line", [f"dagverify_seed = {'9' * 30}", f"dagverify_examples = {'9' * 5000}"])
def test_numbers_that_are_too_large_are_one_line(pytester, line):
    pytester.makeini(f"[pytest]\n{line}")
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert len([line for line in result.errlines if line]) == 1 and len(result.stderr.str()) < 1000


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


@pytest.mark.slow
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
