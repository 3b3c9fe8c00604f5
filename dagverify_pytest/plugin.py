"""Hooks and fixtures; everything heavy is imported when the first spec file is found or a fixture is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dagverify_pytest.settings import Settings, add_options, read_settings

if TYPE_CHECKING:
    from dagverify_pytest.analysis import Analyses
    from verify.analysis.check import CheckReport
    from verify.assumptions.small_momentum import Setting
    from verify.calculus.objective import Objective
    from verify.spec import Specification

_SETTINGS: pytest.StashKey[Settings] = pytest.StashKey()
_ANALYSES: pytest.StashKey[Analyses] = pytest.StashKey()
_PATH = "dagverify_path"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and ini settings."""
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read the settings, declare the markers, add named spec files that the chosen folders do not hold."""
    settings = config.stash[_SETTINGS] = read_settings(config)
    config.addinivalue_line("markers", "dagverify: question about a spec file, collected by the dagverify plugin")
    config.addinivalue_line(
        "markers", "dagverify_spec(path, ...): spec files, relative to the test file, for the dagverify_* fixtures"
    )
    if config.args_source is config.ArgsSource.TESTPATHS and settings.collects:
        folders = [Path(config.invocation_params.dir, argument.split("::")[0]).resolve() for argument in config.args]
        for path in sorted(settings.specs):
            if not any(path == folder or folder in path.parents for folder in folders):
                config.args.append(str(path))
    if str(config.getoption("hypothesis_profile", None) or "").startswith("dagverify-"):
        import verify.strategies.profiles  # noqa: F401 -- registers the profiles before Hypothesis loads one


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Turn a spec file into its questions."""
    settings = parent.config.stash[_SETTINGS]
    if file_path.suffix != ".toml" or not settings.is_spec(file_path):
        return None
    from dagverify_pytest.items import SpecFile, shown_id

    analysis = _analyses(parent.config).of(file_path)
    own_id = shown_id(file_path, parent.config.rootpath)
    return SpecFile.from_parent(parent, path=file_path, nodeid=own_id, analysis=analysis)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that uses a dagverify fixture once for each spec file of its marker, else of pyproject.toml."""
    if _PATH not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("dagverify_spec")
    if marker is None:
        paths = sorted(metafunc.config.stash[_SETTINGS].specs)
    else:
        paths = [metafunc.definition.path.parent / str(path) for path in marker.args]
    if not paths:
        raise pytest.UsageError(
            f"{metafunc.definition.nodeid}: no spec file for the dagverify fixtures; "
            'mark the test with @pytest.mark.dagverify_spec("net.dagverify.toml")'
        )
    from verify.escaping import terminal

    ids = [terminal(path.name.removesuffix(".toml")) for path in paths]
    metafunc.parametrize(_PATH, paths, ids=ids, scope="session")


@pytest.fixture
def dagverify_specification(dagverify_path: Path, request: pytest.FixtureRequest) -> Specification:
    """The spec file of marker `dagverify_spec` (or of pyproject.toml), read once a session."""
    return _analyses(request.config).of(dagverify_path).specification


@pytest.fixture
def dagverify_problem(dagverify_specification: Specification) -> Objective:
    """The spec file's problem: network, data, loss, initial weights and region."""
    return dagverify_specification.problem


@pytest.fixture
def dagverify_setting(dagverify_specification: Specification) -> Setting | None:
    """The spec file's learning rate and momentum; None without a table [momentum]."""
    return dagverify_specification.momentum


@pytest.fixture
def dagverify_report(dagverify_path: Path, request: pytest.FixtureRequest) -> CheckReport:
    """What ``dagverify check`` answers about the spec file, computed once a session."""
    return _analyses(request.config).of(dagverify_path).report


def pytest_report_header(config: pytest.Config) -> str | None:
    """Name the settings when the project uses them."""
    settings = config.stash[_SETTINGS]
    if not settings.specs:
        return None
    return f"dagverify: specs={len(settings.specs)}, examples={settings.examples}, seed={settings.seed}"


def _analyses(config: pytest.Config) -> Analyses:
    if _ANALYSES not in config.stash:
        from dagverify_pytest.analysis import Analyses

        settings = config.stash[_SETTINGS]
        config.stash[_ANALYSES] = Analyses(settings.examples, settings.seed)
    return config.stash[_ANALYSES]
