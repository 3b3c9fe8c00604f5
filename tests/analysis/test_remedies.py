"""Every remedy that a check prints for a learning rate or a momentum is obeyed, and then the row is green."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import verify
from verify.analysis.check import CheckReport, check
from verify.analysis.ranges import admissible_ranges
from verify.assumptions import activation_regularity
from verify.assumptions.small_momentum import Setting
from verify.bounds.curvature import examine_curvature
from verify.outcomes import Verdict
from verify.spec import load_specification
from verify.theorems.optimizers import Optimizer

NUMBER = r"([-+.e0-9]+)"
OPTION = re.compile(
    rf"(lr|eta|tau|mu|momentum) ?(?:<=|=) ?{NUMBER}(?: with (lr|eta|tau|mu|momentum) ?(?:<=|=) ?{NUMBER})?"
)
RADIUS = 0.3


def small(decay: float = 0.0) -> verify.Problem:
    nodes: dict[str, Any] = {
        "x": {"width": 1},
        "h": {"width": 1, "activation": "tanh", "inputs": ["x"]},
        "y": {"width": 1, "activation": "identity", "inputs": ["h", "x"]},
    }
    architecture = verify.Architecture.from_data(nodes, "y")
    w = architecture.initial_weights(seed=1)
    region = verify.Ball(w, RADIUS) if decay == 0 else verify.BoundedWeights(6.0)
    data = [[1.0], [-2.0], [0.5]], [[2.0], [-1.0], [0.5]]
    return verify.Problem(architecture, *data, weight_decay=decay, initial_weights=w, region=region)


@dataclass(frozen=True)
class Asked:
    """A setting as it is given, in the theorem's numbers or the user's."""

    given: Setting | Optimizer

    def obeying(self, changes: dict[str, float]) -> Setting | Optimizer:
        """Return the setting with numbers changed, by the names that the remedy uses."""
        if isinstance(self.given, Optimizer):
            numbers: dict[str, Any] = {"lr": self.given.lr, "momentum": self.given.momentum, **changes}
            assert set(numbers) == {"lr", "momentum"}, "a remedy in the theorem's numbers for a user of others"
            return Optimizer(**numbers, nesterov=self.given.nesterov, convention=self.given.convention)
        theirs = {"eta": self.given.eta, "tau": self.given.tau, "mu": self.given.mu, **changes}
        return Setting(**theirs, norm=self.given.norm, nesterov=self.given.nesterov)


SETTINGS = [
    Setting(5.0, tau=0.0),
    Setting(5.0, tau=0.1),
    Setting(0.05, tau=0.2),
    Setting(0.05, tau=20.0),
    Setting(5.0, mu=0.9),
    Setting(0.05, mu=0.99),
    Setting(5.0, mu=0.0),
    Setting(5.0, mu=0.9, nesterov=True),
    Setting(0.05, mu=0.999, nesterov=True),
    Setting(5.0, tau=0.1, norm="vertex"),
    Optimizer(5.0),
    Optimizer(5.0, momentum=0.9),
    Optimizer(0.05, momentum=0.99),
    Optimizer(50.0, momentum=0.9, convention="ema"),
    Optimizer(5.0, momentum=0.9, convention="keras"),
    Optimizer(5.0, momentum=0.9, nesterov=True, convention="sutskever"),
]


def options(remedy: str) -> Iterator[dict[str, float]]:
    """Yield the changes that a remedy names, each to be obeyed by itself."""
    for found in OPTION.finditer(remedy):
        changes = {found[1]: float(found[2])}
        yield changes if found[3] is None else {**changes, found[3]: float(found[4])}


@pytest.mark.parametrize("given", SETTINGS, ids=str)
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_obeying_a_remedy_makes_the_row_green(given: Setting | Optimizer, decay: float) -> None:
    problem = small(decay)
    curvature = examine_curvature(problem)
    asked = given if isinstance(given, Setting) else Setting.of(given)
    rows = admissible_ranges(problem, curvature, asked)
    obeyed = 0
    for row in rows:
        if row.verdict is Verdict.PROVED or row.theorem not in (asked.theorem, "horizon", "weight_decay"):
            continue
        assert row.remedy
        for changes in options(row.remedy):
            changed = Asked(given).obeying(changes)
            other = changed if isinstance(changed, Setting) else Setting.of(changed)
            after = {each.theorem: each for each in admissible_ranges(problem, curvature, other)}
            own = other.theorem if row.theorem == asked.theorem else row.theorem
            assert after[own].verdict is Verdict.PROVED, (row, changes, after[own])
            obeyed += 1
    own = next(row for row in rows if row.theorem == asked.theorem)
    assert obeyed > 0 or own.verdict is Verdict.PROVED


@pytest.mark.parametrize(
    "given",
    [
        Setting(50.0, tau=0.1),
        pytest.param(Setting(50.0, mu=0.9), marks=pytest.mark.slow),
        pytest.param(Optimizer(50.0, momentum=0.9, nesterov=True), marks=pytest.mark.slow),
        pytest.param(Optimizer(50.0, momentum=0.9), marks=pytest.mark.slow),
        Optimizer(0.05, momentum=0.99),
    ],
    ids=str,
)
def test_obeying_makes_the_whole_answer_green(given: Setting | Optimizer) -> None:
    def answer(setting: Setting | Optimizer) -> CheckReport:
        return check(small(), setting, seconds=60.0)

    red = answer(given)
    a4 = next(finding for finding in red.assumptions if finding.id == "A4")
    assert red.verdict is a4.verdict is not Verdict.PROVED
    changes = list(options(str(a4.remedy)))
    assert changes
    for each in changes:
        assert answer(Asked(given).obeying(each)).verdict is Verdict.PROVED


def test_a_kink_names_activations_that_are_smooth(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "examples" / "relu_fails.toml").read_text(encoding="utf-8")
    remedy = activation_regularity(load_specification(_written(tmp_path, text)).problem.architecture).remedy
    assert remedy is not None
    names = [name for name in ("softplus", "tanh", "gelu", "silu") if name in remedy]
    assert names
    for name in names:
        changed = load_specification(_written(tmp_path, text.replace('"relu"', f'"{name}"'))).problem
        assert activation_regularity(changed.architecture).verdict is Verdict.PROVED


def _written(folder: Path, text: str) -> Path:
    path = folder / "spec.toml"
    path.write_text(text, encoding="utf-8")
    return path
