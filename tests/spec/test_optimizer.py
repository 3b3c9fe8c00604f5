"""``[optimizer]``: the numbers of the program that trains, converted or refused; what a check answers about them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from verify.analysis.check import check
from verify.assumptions.small_momentum import Setting
from verify.outcomes import InputError, Verdict
from verify.properties.suite import run_suite
from verify.spec import load_specification, to_toml
from verify.theorems.optimizers import Optimizer

WriteSpec = Callable[..., Path]
CHECKS: dict[str, Any] = {"seconds": 60.0}


def with_optimizer(write_spec: WriteSpec, table: str, header: str = "") -> Path:
    """Write the small spec with an [optimizer] in place of its [momentum]."""
    path = write_spec()
    text = re.sub(r"\[momentum\]\n(?:[^\[\n].*\n)*", "", path.read_text(encoding="utf-8"))
    path.write_text(f"{header}\n{text}\n[optimizer]\n{table}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("table", "setting"),
    [
        ("lr = 0.25", (0.25, 0.0, None, "sharp")),
        ("lr = 0.25\nmomentum = 0.5", (0.25, None, 0.5, "heavy_ball")),
        ('lr = 0.25\nmomentum = 0.5\nconvention = "ema"', (0.125, None, 0.5, "heavy_ball")),
        ("lr = 0.25\nmomentum = 0.5\nnesterov = true", (0.25, None, 0.5, "nesterov")),
        ("lr = 0.25\ndampening = 0.5", (0.25, 0.0, None, "sharp")),
    ],
)
def test_sgd_is_converted(write_spec: WriteSpec, table: str, setting: tuple[Any, ...]) -> None:
    specification = load_specification(with_optimizer(write_spec, table))
    found = specification.momentum
    assert found is not None
    assert specification.asked is found
    assert (found.eta, found.tau, found.mu, found.theorem) == setting
    again = Path(specification.path).with_name("again.toml")
    again.write_text(to_toml(specification.problem, found), encoding="utf-8")
    reread = load_specification(again).momentum
    assert reread is not None
    assert (reread.eta, reread.tau, reread.mu, reread.theorem) == setting


@pytest.mark.parametrize(
    ("table", "header", "words"),
    [
        ("lr = 0.1\nmomentum = 0.9\ndampening = 0.5", "", "the first step has no dampening"),
        ("lr = 0.1\nmaximize = true", "", "the theorems speak of descent"),
        ("lr = 0.1\nbetas = [0.9, 0.999]", "", "no setting of sgd"),
        ("momentum = 0.9", "", "missing key"),
        ("lr = 0.1\nweight_decay = 0.5", "weight_decay = 0.5", "weight decay is given twice"),
        ("lr = 0.1\n[momentum]\neta = 0.1\ntau = 0.0", "", "the setting is given twice"),
    ],
)
def test_what_cannot_be_judged_is_refused_where_it_stands(
    write_spec: WriteSpec, table: str, header: str, words: str
) -> None:
    with pytest.raises(InputError, match=words) as refused:
        load_specification(with_optimizer(write_spec, table, header))
    assert re.search(r"\.toml:\d+: optimizer", str(refused.value))


def test_weight_decay_of_the_optimizer_is_that_of_the_error(write_spec: WriteSpec) -> None:
    assert load_specification(with_optimizer(write_spec, "lr = 0.1\nweight_decay = 0.5")).problem.weight_decay == 0.5
    table = 'kind = "adamw"\nlr = 0.1\nweight_decay = 0.5'
    assert load_specification(with_optimizer(write_spec, table)).problem.weight_decay == 0.0


def test_the_answer_leads_with_the_users_numbers(write_spec: WriteSpec) -> None:
    specification = load_specification(with_optimizer(write_spec, "lr = 0.01\nmomentum = 0.5"))
    answer = check(specification.problem, specification.asked, **CHECKS).to_json()
    assert (answer["optimizer"]["lr"], answer["optimizer"]["momentum"]) == (0.01, 0.5)
    assert (answer["optimizer"]["eta"], answer["optimizer"]["mu"]) == (0.01, 0.5)
    a4 = next(finding for finding in answer["assumptions"] if finding["id"] == "A4")
    assert a4["statement"].startswith("lr=0.01, momentum=0.5 (eta=0.01, mu=0.5)")
    row = next(row for row in answer["ranges"] if row["theorem"] == "heavy_ball")
    assert row["statement"].startswith("lr=0.01, momentum=0.5: ")


@pytest.mark.parametrize("kind", ["adam", "adamw", "rmsprop"])
def test_of_adam_nothing_is_proved_in_advance(write_spec: WriteSpec, kind: str) -> None:
    specification = load_specification(with_optimizer(write_spec, f'kind = "{kind}"\nlr = 0.001'))
    assert specification.momentum is None
    report = check(specification.problem, specification.asked, **CHECKS)
    a4 = next(finding for finding in report.assumptions if finding.id == "A4")
    assert report.verdict is a4.verdict is Verdict.UNDECIDED
    assert "nothing is proved" in a4.statement
    assert "certified" in str(a4.remedy)
    assert kind in report.question
    with pytest.raises(InputError, match="nothing is proved"):
        run_suite(specification.problem, specification.asked, examples=1)


def test_nesterov_is_judged_by_its_own_theorem(write_spec: WriteSpec) -> None:
    table = "lr = {}\nmomentum = 0.5\nnesterov = true"
    inside = load_specification(with_optimizer(write_spec, table.format(0.01)))
    report = check(inside.problem, inside.asked, **CHECKS)
    assert report.verdict is Verdict.PROVED
    assert "with w + mu D" in report.question
    assert "|D|^2/(2 eta)" in report.question
    assert "horizon" not in [row.theorem for row in report.ranges]
    outside = load_specification(with_optimizer(write_spec, table.format(1e3)))
    assert check(outside.problem, outside.asked, **CHECKS).verdict is not Verdict.PROVED
    assert run_suite(inside.problem, inside.asked, examples=1).verdict is Verdict.PROVED
    with pytest.raises(InputError, match="Nesterov"):
        Setting(0.1, tau=0.1, nesterov=True)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('target = "input"\ntarget_scale = 2.0', "the targets are the scaled inputs"),
        ('source = "sklearn:iris"\ntarget_scale = "standard"', "classes have no scale"),
        ('source = "sklearn:diabetes"\ntarget_scale = 0.0', "target_scale"),
    ],
)
def test_a_scale_of_targets_that_is_none_is_refused(tmp_path: Path, table: str, words: str) -> None:
    text = "[data]\n{}\n[nodes.x]\nwidth = {}\n[nodes.y]\nwidth = {}\ninputs = ['x']\nactivation = 'tanh'\n"
    inline = "" if "source" in table else "x = [[1.0], [2.0]]\n"
    width, out = (1, 1) if inline else (4, 3) if "iris" in table else (10, 1)
    path = tmp_path / "scale.toml"
    path.write_text(text.format(inline + table, width, out), encoding="utf-8")
    with pytest.raises(InputError, match=words):
        load_specification(path)


@pytest.mark.parametrize("other", [Optimizer(100.0), Optimizer(0.1, momentum=0.5), Optimizer(0.1, kind="adam")])
def test_a_setting_is_that_of_its_optimizer(other: Optimizer) -> None:
    """Answers lead with the user's numbers: they must be those that were judged."""
    assert Setting(0.1, tau=0.0, optimizer=Optimizer(0.1)) == Setting.of(Optimizer(0.1))
    with pytest.raises(InputError, match="takes other steps"):
        Setting(0.1, tau=0.0, optimizer=other)


def test_a_previous_step_of_the_spec_is_judged_and_written_again(write_spec: WriteSpec, tmp_path: Path) -> None:
    path = write_spec()
    table = "[momentum]\neta = 0.01\nmu = 0.5\nprevious_step = 0.25\n"
    text = re.sub(r"\[momentum\]\n(?:[^\[\n].*\n)*", table, path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    specification = load_specification(path)
    assert specification.momentum == Setting(0.01, mu=0.5, previous_step=0.25)
    again = tmp_path / "again.toml"
    again.write_text(to_toml(specification.problem, specification.momentum), encoding="utf-8")
    assert load_specification(again).momentum == specification.momentum
    path.write_text(text.replace("mu = 0.5", "tau = 0.001"), encoding="utf-8")
    with pytest.raises(InputError, match="a previous step is for mu alone"):
        load_specification(path)
