"""What the commands answer on good input: keys, exit codes, one JSON object and nothing else, a table for a person."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import pytest
from click.testing import Result

from verify.analysis.check import check
from verify.analysis.one_step import RATIOS
from verify.cli.output import plain
from verify.spec import load_specification
from verify.theorems.ranges import RANGES

EXAMPLES = Path(__file__).parents[2] / "examples"
MOMENTUM = "radius = 0.1\n[momentum]\n"
Run = Callable[..., Result]
WriteSpec = Callable[..., Path]


def answer(result: Result, code: int = 0) -> dict[str, Any]:
    assert result.exit_code == code, result.output
    assert result.stderr == ""
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    return found


def with_momentum(write_spec: WriteSpec, **setting: float) -> Path:
    lines = "".join(f"{name} = {value!r}\n" for name, value in setting.items())
    return write_spec(("radius = 0.1\n", MOMENTUM + lines))


def wide(path: Path) -> Path:
    """Widen the region, so that long steps stay inside."""
    path.write_text(path.read_text(encoding="utf-8").replace("radius = 0.1", "radius = 100.0"), encoding="utf-8")
    return path


def row(found: dict[str, Any], theorem: str) -> dict[str, Any]:
    (only,) = (entry for entry in found["ranges"] if entry["theorem"] == theorem)
    return only


class TestCheck:
    def test_keys(self, write_spec: WriteSpec, dagverify: Run) -> None:
        found = answer(dagverify("check", with_momentum(write_spec, eta=0.01, tau=0.005), "--json"))
        assert found["verdict"] == "PROVED"
        assert [entry["id"] for entry in found["assumptions"]] == ["A1", "A2", "A3", "A4"]
        for entry in found["assumptions"]:
            assert entry["verdict"] in {"PROVED", "REFUTED", "UNDECIDED"}
            assert entry["needed_for"]
        counted = {entry["id"]: entry["counted"] for entry in found["assumptions"]}
        assert counted == {"A1": True, "A2": False, "A3": False, "A4": True}
        assert found["gradients"]["verdict"] == "PROVED"
        assert 0 <= found["gradients"]["max_relative_error"] < 1e-12
        assert found["lipschitz"]["attack"] <= found["lipschitz"]["value"]
        assert found["lipschitz"]["region"]
        assert row(found, "sharp")["verdict"] == "PROVED"

    def test_relu_is_refuted(self, dagverify: Run) -> None:
        found = answer(dagverify("check", EXAMPLES / "relu_fails.toml", "--json"), code=1)
        a1 = found["assumptions"][0]
        assert (found["verdict"], a1["verdict"]) == ("REFUTED", "REFUTED")
        assert a1["counterexample"]["vertex"] == "h"
        assert found["lipschitz"]["value"] is None
        assert all(entry["verdict"] == "UNDECIDED" for entry in found["ranges"])

    def test_increase_refutes_a4(self, write_spec: WriteSpec, dagverify: Run) -> None:
        path = wide(with_momentum(write_spec, eta=500.0, tau=0.0))
        found = answer(dagverify("check", path, "--json"), code=1)
        a4 = found["assumptions"][3]
        assert a4["verdict"] == "REFUTED"
        assert a4["counterexample"]["increase_lower"] > 0

    def test_a_step_that_leaves_the_region_refutes_nothing(self, write_spec: WriteSpec, dagverify: Run) -> None:
        found = answer(dagverify("check", with_momentum(write_spec, eta=500.0, tau=0.0), "--json"), code=3)
        assert (found["assumptions"][3]["verdict"], found["assumptions"][3]["counterexample"]) == ("UNDECIDED", None)

    def test_outside_the_range_without_an_increase_is_undecided(self, write_spec: WriteSpec, dagverify: Run) -> None:
        L = answer(dagverify("range", write_spec(), "--json"))["lipschitz"]["value"]
        found = answer(dagverify("check", with_momentum(write_spec, eta=2.01 / L, tau=0.0), "--json"), code=3)
        assert found["assumptions"][3]["verdict"] == "UNDECIDED"
        assert found["assumptions"][3]["remedy"]

    def test_python_gives_the_same_answer(self, write_spec: WriteSpec, dagverify: Run) -> None:
        path = with_momentum(write_spec, eta=0.01, mu=0.5)
        specification = load_specification(path)
        report = check(specification.problem, specification.momentum)
        found = answer(dagverify("check", path, "--json"))
        assert found == json.loads(json.dumps(plain(report.to_json())))
        assert found["verdict"] == report.verdict.value

    def test_without_a_region(self, write_spec: WriteSpec, dagverify: Run) -> None:
        result = dagverify("check", write_spec(('[region]\nkind = "ball"\nradius = 0.1\n', "")))
        assert result.exit_code == 2
        assert "small: no region to bound the Hessian on: key='region'; add [region]" in result.stderr

    def test_bound_that_overflows_proves_nothing(self, write_spec: WriteSpec, dagverify: Run) -> None:
        path = write_spec(("radius = 0.1", "radius = 1e300"), ('activation = "tanh"', 'activation = "softplus"'))
        found = answer(dagverify("check", path, "--json"), code=3)
        assert found["lipschitz"]["value"] is None
        assert found["verdict"] == "UNDECIDED"


class TestExplain:
    def test_keys(self, write_spec: WriteSpec, dagverify: Run) -> None:
        found = answer(dagverify("explain", write_spec(), "--budget", 0, "--json"))
        assert found["verdict"] == "PROVED"
        assert found["lipschitz"]["attack"] <= found["lipschitz"]["value"]
        assert {each["vertex"] for each in found["shares"]} == {"h", "y"}
        assert {"radius", "width", "skip", "activation", "data", "weights"} == {
            each["kind"] for each in found["changes"]
        }
        for each in found["changes"]:
            assert (each["factor"] is None) == (each["refusal"] is not None)

    def test_table(self, write_spec: WriteSpec, dagverify: Run) -> None:
        shown = dagverify("explain", write_spec(), "--budget", 30).stdout
        assert "L in [" in shown and "refused" in shown and "region's radius / 10" in shown

    def test_without_a_bound(self, dagverify: Run) -> None:
        found = answer(dagverify("explain", EXAMPLES / "relu_fails.toml", "--budget", 0, "--json"), code=3)
        assert found["lipschitz"]["value"] is None
        assert found["changes"][0]["kind"] == "activation"

    @pytest.mark.parametrize("budget", ["-1", "nan", "soon"])
    def test_bad_budget(self, budget: str, write_spec: WriteSpec, dagverify: Run) -> None:
        result = dagverify("explain", write_spec(), f"--budget={budget}")
        assert result.exit_code == 2 and result.stdout == ""
        assert "budget" in result.stderr and len(result.stderr.splitlines()) == 1

    def test_an_undecided_check_points_to_it(self, write_spec: WriteSpec, dagverify: Run) -> None:
        path = with_momentum(write_spec, eta=1.0, tau=2.0)
        assert "dagverify explain" in dagverify("range", path).stdout
        assert "dagverify explain" not in dagverify("range", write_spec()).stdout


class TestRange:
    def test_keys_and_sandwich(self, write_spec: WriteSpec, dagverify: Run) -> None:
        found = answer(dagverify("range", write_spec(), "--json"))
        assert 0 < found["lipschitz"]["attack"] <= found["lipschitz"]["value"]
        of_one_step = {"triangle", "sharp", "from_rest", "restart", "heavy_ball", "nesterov"}
        assert {entry["theorem"] for entry in found["ranges"]} == of_one_step | {"horizon"}
        for entry in found["ranges"]:
            assert {"theorem", "eta", "tau_max", "eta_max", "verdict"} <= entry.keys()
            assert entry["verdict"] == "PROVED"

    def test_ranges_follow_from_the_bound(self, write_spec: WriteSpec, dagverify: Run) -> None:
        found = answer(dagverify("range", with_momentum(write_spec, eta=0.01, tau=0.005), "--json"))
        L = found["lipschitz"]["value"]
        assert row(found, "sharp")["tau_max"] == pytest.approx(min(0.01, 2 / L - 0.01), rel=1e-12)
        assert row(found, "sharp")["eta_max"] == pytest.approx(2 / L, rel=1e-12)
        assert row(found, "triangle")["tau_max"] == pytest.approx((np.sqrt(1 + 4 * L * 0.01) - 1) / L - 0.01, rel=1e-9)
        assert row(found, "heavy_ball")["mu_max"] == pytest.approx(1 - L * 0.01 / 2, rel=1e-12)
        assert row(found, "horizon")["steps"] >= 1

    @pytest.mark.parametrize("setting", [{"eta": 1e3, "tau": 0.0}, {"eta": 1e-3, "tau": 0.1}, {"eta": 1e3, "mu": 0.5}])
    def test_setting_outside_is_undecided(
        self, setting: dict[str, float], write_spec: WriteSpec, dagverify: Run
    ) -> None:
        found = answer(dagverify("range", with_momentum(write_spec, **setting), "--json"), code=3)
        theorem = "heavy_ball" if "mu" in setting else "sharp"
        assert row(found, theorem)["verdict"] == "UNDECIDED"
        assert row(found, theorem)["remedy"]

    def test_one_radius_per_block(self, write_spec: WriteSpec, dagverify: Run) -> None:
        path = write_spec(('kind = "ball"\nradius = 0.1', 'kind = "blocks"\nradii = {h = 0.1, y = 0.05}'))
        text = (
            path.read_text(encoding="utf-8")
            .replace('"blocks"', '"ball"')
            .replace("radii = {h = 0.1, y = 0.05}", "radius = 0.2")
        )
        path.with_name("ball.toml").write_text(text, encoding="utf-8")
        blocks, ball = (answer(dagverify("range", spec, "--json")) for spec in (path, path.with_name("ball.toml")))
        assert "for every vertex" in blocks["lipschitz"]["region"]
        assert blocks["lipschitz"]["attack"] <= blocks["lipschitz"]["value"] <= ball["lipschitz"]["value"]

    def test_heavy_ball_setting(self, write_spec: WriteSpec, dagverify: Run) -> None:
        found = answer(dagverify("range", with_momentum(write_spec, eta=1e-3, mu=0.9), "--json"))
        assert row(found, "heavy_ball")["verdict"] == "PROVED"
        assert row(found, "heavy_ball")["mu"] == 0.9

    def test_weight_decay_adds_its_theorem(self, write_spec: WriteSpec, dagverify: Run) -> None:
        path = write_spec(('name = "small"', 'name = "small"\nweight_decay = 1.0'))
        found = answer(dagverify("range", path, "--json"))
        assert row(found, "weight_decay")["verdict"] == "PROVED"
        assert row(found, "weight_decay")["sublevel_radius"] > 0

    @pytest.fixture
    def step(self, write_spec: WriteSpec) -> list[object]:
        path = write_spec()
        w = np.linspace(-1, 1, 9)
        now, before = path.parent / "now.npz", path.parent / "before.npz"
        np.savez(now, w=w)
        np.savez(before, w=w + 0.01 * np.cos(np.arange(9)))
        return [path, "--at", now, "--previous", before]

    def test_one_step_is_wider_than_the_region(self, step: list[object], dagverify: Run) -> None:
        found = answer(dagverify("range", *step, "--json"))
        rays = found["step"]["rays"]
        assert [ray["ratio"] for ray in rays] == sorted(RATIOS)
        for ray in rays:
            assert ray["verdict"] == "PROVED"
            assert 0 < ray["best_eta"] <= ray["eta_max"]
            assert ray["tau_max"] <= ray["ratio"] * ray["eta_max"]
            assert ray["decrease"] > 0 and ray["exact"]
        (sharp,) = (entry for entry in found["ranges"] if entry["theorem"] == "sharp")
        assert rays[0]["eta_max"] > sharp["eta_max"]
        assert found["any_direction"]["eta_max"] < rays[0]["eta_max"]
        for line in found["step"]["lines"]:
            assert line["tau_min"] <= line["best_tau"] <= line["tau_max"]

    @pytest.mark.parametrize("suffix", ["svg", "png"])
    def test_picture(self, suffix: str, step: list[object], tmp_path: Path, dagverify: Run) -> None:
        pytest.importorskip("matplotlib")
        path = tmp_path / f"step.{suffix}"
        shown = dagverify("range", *step, "--norm", "vertex", "--plot", path)
        assert shown.exit_code == 0 and "between the rows nothing is" in shown.stdout
        assert path.read_bytes().startswith(b"<?xml" if suffix == "svg" else b"\x89PNG")

    def test_picture_that_cannot_be_written(self, step: list[object], tmp_path: Path, dagverify: Run) -> None:
        pytest.importorskip("matplotlib")
        for path, words in ((tmp_path / "step.bmp", "unknown picture format"), (tmp_path / "no" / "s.svg", "no such")):
            result = dagverify("range", *step, "--plot", path)
            assert result.exit_code == 2 and words in result.stderr and len(result.stderr.splitlines()) == 1

    def test_without_matplotlib(self, step: list[object], dagverify: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        result = dagverify("range", *step, "--plot", "step.svg")
        assert result.exit_code == 2 and "plots need matplotlib" in result.stderr

    @pytest.mark.parametrize("setting", [{"eta": 0.01, "tau": 0.005}, {"eta": 0.01, "mu": 0.5}])
    def test_picture_of_the_ranges(
        self, setting: dict[str, float], write_spec: WriteSpec, tmp_path: Path, dagverify: Run
    ) -> None:
        pytest.importorskip("matplotlib")
        path = tmp_path / "ranges.svg"
        assert dagverify("range", with_momentum(write_spec, **setting), "--plot", path).exit_code == 0
        drawn = path.read_text(encoding="utf-8")
        words = ", ".join(f"{name}={value!r}" for name, value in setting.items())
        for label in (*(f"{name}: {each.meaning}" for name, each in RANGES.items()), f"asked: {words}"):
            assert f"<!-- {escape(label)} -->" in drawn

    def test_picture_without_a_bound(self, write_spec: WriteSpec, tmp_path: Path, dagverify: Run) -> None:
        pytest.importorskip("matplotlib")
        path = tmp_path / "ranges.svg"
        result = dagverify("range", write_spec(("tanh", "relu")), "--plot", path)
        assert result.exit_code == 2 and "no range to draw" in result.stderr and not path.exists()

    @pytest.mark.parametrize("option", [("--previous", "w.npz"), ("--norm", "vertex")])
    def test_options_of_one_step_alone(self, option: tuple[str, str], write_spec: WriteSpec, dagverify: Run) -> None:
        result = dagverify("range", write_spec(), *option)
        assert result.exit_code == 2
        assert f"only for one step: {option[0][2:]}='{option[1]}'; add --at W.npz" in result.stderr

    def test_weights_of_another_network(self, write_spec: WriteSpec, dagverify: Run) -> None:
        path = write_spec()
        np.savez(path.parent / "now.npz", w=np.zeros(3))
        result = dagverify("range", path, "--at", path.parent / "now.npz")
        assert result.exit_code == 2
        assert "shape=(3,), parameters=9; save one array of 9 numbers" in result.stderr


class TestGradients:
    def test_json(self, write_spec: WriteSpec, dagverify: Run) -> None:
        found = answer(dagverify("gradients", write_spec(), "--json"))
        assert found["verdict"] == "PROVED"
        assert 0 <= found["max_relative_error"] < 1e-12

    def test_latex(self, write_spec: WriteSpec, dagverify: Run) -> None:
        result = dagverify("gradients", write_spec(), "--latex")
        assert result.exit_code == 0
        assert result.stdout.startswith(r"\documentclass")
        assert answer(dagverify("gradients", write_spec(), "--latex", "--json"))["latex"] + "\n" == result.stdout


class TestTest:
    def test_no_violation_and_a_margin(self, write_spec: WriteSpec, dagverify: Run) -> None:
        found = answer(dagverify("test", write_spec(), "--examples", 50, "--seed", 3, "--json"))
        assert (found["verdict"], found["violations"], found["examples"]) == ("PROVED", 0, 50)
        assert found["margin"] is None or found["margin"] > 1

    def test_a_setting_that_increases_the_error_is_refuted(self, write_spec: WriteSpec, dagverify: Run) -> None:
        path = wide(with_momentum(write_spec, eta=500.0, tau=0.0))
        found = answer(dagverify("test", path, "--examples", 10, "--json"), code=1)
        assert found["verdict"] == "REFUTED"
        assert found["violations"] >= 1
        assert found["counterexample"]["eta"] == 500.0

    def test_same_seed_same_answer(self, write_spec: WriteSpec, dagverify: Run) -> None:
        first, second = (
            dagverify("test", write_spec(), "--examples", 20, "--seed", 5, "--json").stdout for _ in range(2)
        )
        assert first == second


class TestLint:
    def test_folder(self, dagverify: Run) -> None:
        found = answer(dagverify("lint", EXAMPLES, "--json"))
        assert found["verdict"] == "PROVED"
        assert len(found["files"]) == len(list(EXAMPLES.glob("*.toml")))

    def test_good_files_are_reported_beside_bad_ones(self, write_spec: WriteSpec, dagverify: Run) -> None:
        bad = write_spec(("width = 1", "widht = 1"))
        result = dagverify("lint", bad, EXAMPLES / "xor_skip.toml", bad.parent / "absent.toml")
        assert result.exit_code == 2
        assert "xor_skip.toml: valid: vertices=5, edges=8, parameters=11" in result.stdout
        assert result.stderr.count("\n") == 2
        assert "did you mean 'width'?" in result.stderr
        files = json.loads(dagverify("lint", bad, "--json").stdout)["files"]
        assert [entry["valid"] for entry in files] == [False]


@pytest.mark.parametrize("command", ["check", "range", "gradients", "test"])
def test_table_for_a_person(command: str, write_spec: WriteSpec, dagverify: Run) -> None:
    result = dagverify(command, write_spec())
    assert result.exit_code in (0, 3)
    assert result.stdout.startswith("small: ")
    assert "PROVED" in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize("command", ["check", "range", "gradients", "test", "lint"])
def test_help_has_an_example(command: str, dagverify: Run) -> None:
    result = dagverify(command, "--help")
    assert result.exit_code == 0
    assert f"dagverify {command} examples/" in result.stdout
    assert "--json" in result.stdout


def test_help_is_instant() -> None:
    """Neither numerical nor symbolic libraries are imported to show the help."""
    code = (
        "import sys; sys.argv = ['dagverify', '--help']\n"
        "from verify.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = ('numpy', 'sympy', 'scipy', 'networkx', 'sklearn', 'pydantic', 'rich', 'flint', 'hypothesis')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    before = os.times().children_user
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert os.times().children_user - before < 0.3
    assert "Commands:" in run.stdout
    assert run.stderr.strip() == "[]"


def test_version(dagverify: Run) -> None:
    result = dagverify("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("dagverify, version ")


def test_the_package_runs_as_a_module(dagverify: Run) -> None:
    run = subprocess.run([sys.executable, "-m", "verify", "--version"], capture_output=True, text=True, check=True)
    assert run.stdout == dagverify("--version").stdout


@pytest.mark.slow
def test_lint_of_a_small_file_takes_under_a_second() -> None:
    before = os.times().children_user
    subprocess.run(
        [sys.executable, "-c", "from verify.cli import main; main()", "lint", str(EXAMPLES / "xor_skip.toml")],
        check=True,
        capture_output=True,
    )
    assert os.times().children_user - before < 1


@pytest.mark.parametrize("command", ["check", "range", "explain", "gradients", "test", "train", "certify"])
def test_a_region_without_the_start_is_bad_input_everywhere(
    command: str, write_spec: WriteSpec, dagverify: Run, tmp_path: Path
) -> None:
    path = write_spec(('kind = "ball"\nradius = 0.1', 'kind = "bounded"\nradius = 0.05'))
    more = {"certify": ["-o", tmp_path / "cert.json"], "train": ["--out", tmp_path / "run"]}.get(command, [])
    result = dagverify(command, path, *more)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert "not in the region" in result.stderr and "radius=0.05; use a radius of at least" in result.stderr
    radius = result.stderr.rsplit(" ", 1)[1].strip()
    mended = write_spec(('kind = "ball"\nradius = 0.1', f'kind = "bounded"\nradius = {radius}'))
    assert load_specification(mended).problem.region is not None


class TestMomentumAsOfSGD:
    def test_certify_recheck(self, write_spec: WriteSpec, dagverify: Run, tmp_path: Path) -> None:
        spec, path = write_spec(), tmp_path / "cert.json"
        given = ("certify", spec, "-o", path, "--kind", "heavy_ball", "--momentum", 0.9, "--json")
        found = answer(dagverify(*given))
        assert found["claim"]["mu"] == 0.9
        assert "mu=0.9 that stays within 0.1 of the weights" in found["statement"]
        assert answer(dagverify("recheck", path, "--spec", spec, "--json"))["verdict"] == "PROVED"
        refused = dagverify(*given, "--lr", 100.0, "--force")
        assert refused.exit_code == 2
        largest = re.search(r"use eta <= (\S+) with mu=0\.9", refused.stderr)
        assert largest is not None
        again = answer(dagverify(*given, "--lr", largest[1], "--force"))
        assert (again["verdict"], again["claim"]["eta"]) == ("PROVED", float(largest[1]))

    @pytest.mark.parametrize(
        ("setting", "theorem", "words"),
        [
            (
                "eta = 0.001\ntau = 0.004",
                "from_rest",
                "every step from rest with eta=0.001, tau <= 0.004 of the global norm",
            ),
            ('eta = 0.001\ntau = 0.004\nrule = "restart"', "restart", "momentum being dropped where it points uphill"),
            ("eta = 0.001\nmu = 0.9\nnesterov = true", "nesterov", "does not increase V = E + |D|^2/(2 eta)"),
        ],
    )
    def test_certify_takes_the_setting_of_the_file(
        self, write_spec: WriteSpec, dagverify: Run, tmp_path: Path, setting: str, theorem: str, words: str
    ) -> None:
        spec, path = write_spec(("radius = 0.1\n", f"{MOMENTUM}{setting}\n")), tmp_path / "cert.json"
        found = answer(dagverify("certify", spec, "-o", path, "--json"))
        assert (found["verdict"], found["kind"]) == ("PROVED", theorem) and words in found["statement"]
        again = answer(dagverify("recheck", path, "--spec", spec, "--json"))
        assert (again["verdict"], again["theorem"]) == ("PROVED", theorem) and words in again["statement"]

    def test_a_setting_of_the_file_outside_names_the_way_on(
        self, write_spec: WriteSpec, dagverify: Run, tmp_path: Path
    ) -> None:
        spec = write_spec(("radius = 0.1\n", f"{MOMENTUM}eta = 100.0\ntau = 1.0\n"))
        given = ("certify", spec, "-o", tmp_path / "cert.json", "--json")
        refused = dagverify(*given)
        assert refused.exit_code == 2 and "--kind region certifies a setting that is in" in refused.stderr
        assert answer(dagverify(*given, "--kind", "region"))["verdict"] == "PROVED"

    def test_train(self, write_spec: WriteSpec, dagverify: Run, tmp_path: Path) -> None:
        given = ("train", write_spec(), "--lr", 0.01, "--momentum", 0.9, "--steps", 3, "--json", "--out")
        found = answer(dagverify(*given, tmp_path / "run"))
        assert (found["rule"], found["verdict"], found["steps"]) == ("clipped", "PROVED", 3)
        other = dagverify(*given, tmp_path / "other", "--rule", "guarded")
        assert other.exit_code == 2
        assert "mu" in other.stderr
