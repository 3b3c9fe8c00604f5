"""Runs on disk: what they hold, that kills at any moment change nothing, and what a folder refuses."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from verify import Ball, InputError, Problem, Verdict
from verify.training.run_folder import RunFolder
from verify.training.session import Session
from verify.training.train import make_rule

SPEC = Path(__file__).parents[2] / "examples" / "xor_skip.toml"
SETTINGS: dict[str, dict[str, Any]] = {
    "certified": {"rule": "certified"},
    "guarded": {"rule": "guarded"},
    "fixed": {"rule": "fixed", "eta": 0.5, "tau": 0.25},
}


def session_of(problem: Problem, settings: dict[str, Any]) -> Session:
    rule = make_rule(settings["rule"], settings.get("eta"), settings.get("tau"))
    return Session(problem, rule)


def complete(problem: Problem, path: Path, settings: dict[str, Any], steps: int = 30) -> dict[str, Any]:
    session, folder = session_of(problem, settings), RunFolder(path)
    folder.start(session, settings)
    return folder.run(session, steps, every=7)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
class TestResumption:
    def test_interrupted_anywhere_it_ends_the_same(
        self, tanh_problem: Problem, settings: dict[str, Any], tmp_path: Path
    ) -> None:
        expected = complete(tanh_problem, tmp_path / "whole", settings)
        for stop in (1, 6, 7, 8, 29):
            session, folder = session_of(tanh_problem, settings), RunFolder(tmp_path / f"cut{stop}")
            folder.start(session, settings)

            def interrupt(session: Session, record: Any, stop: int = stop) -> None:
                if session.index == stop:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                folder.run(session, 30, interrupt, every=7)
            again = session_of(tanh_problem, settings)
            folder.resume(again, settings)
            assert again.index == 7 * (stop // 7) or again.index == 7 * ((stop - 1) // 7)
            assert folder.run(again, 30, every=7) == expected
            assert folder.lines.read_bytes() == (tmp_path / "whole" / "steps.jsonl").read_bytes()

    def test_lines_tell_the_run(self, tanh_problem: Problem, settings: dict[str, Any], tmp_path: Path) -> None:
        tanh_problem.region = Ball(tanh_problem.initial_weights, 4.0)
        result = complete(tanh_problem, tmp_path / "run", settings)
        lines = list(RunFolder(tmp_path / "run").read())
        assert [line["step"] for line in lines] == list(range(1, 31))
        assert result["steps"] == 30
        assert result["verdict"] == Verdict.PROVED.value
        last = np.load(tmp_path / "run" / "checkpoint.npz")["w"]
        highest = tanh_problem.error_enclosure(tanh_problem.initial_weights)[1]
        lowest = tanh_problem.error_enclosure(last)[0]
        assert 0 < result["proved_decrease"] <= highest - lowest
        for line in lines:
            assert line["remaining_radius"] == pytest.approx(4.0 - line["distance"])
        checkpoint = np.load(tmp_path / "run" / "checkpoint.npz", allow_pickle=False)
        assert result["error"] == tanh_problem.error(checkpoint["w"])
        assert result["error_upper"] >= tanh_problem.error_enclosure(checkpoint["w"])[0]

    def test_a_longer_budget_goes_on(self, tanh_problem: Problem, settings: dict[str, Any], tmp_path: Path) -> None:
        expected = complete(tanh_problem, tmp_path / "whole", settings, steps=40)
        complete(tanh_problem, tmp_path / "half", settings, steps=20)
        session, folder = session_of(tanh_problem, settings), RunFolder(tmp_path / "half")
        folder.resume(session, settings)
        assert folder.run(session, 40, every=7)["weights_sha256"] == expected["weights_sha256"]


class TestStops:
    """The result says why the run ended; a resumed run that has ended says it again."""

    def result(self, problem: Problem, path: Path, rule: str, start: Any, steps: int, **options: Any) -> dict[str, Any]:
        settings = {"rule": rule, **options}
        session, folder = Session(problem, make_rule(rule), start, **options), RunFolder(path)
        folder.start(session, settings)
        result = folder.run(session, steps)
        again = Session(problem, make_rule(rule), start, **options)
        folder.resume(again, settings)
        assert folder.run(again, steps) == result
        return result

    @pytest.mark.parametrize("rule", ["certified", "guarded"])
    def test_budget(self, tanh_problem: Problem, tmp_path: Path, rule: str) -> None:
        result = self.result(tanh_problem, tmp_path, rule, None, 4)
        assert (result["stopped"], result["steps"]) == ("step budget", 4)

    @pytest.mark.parametrize("rule", ["certified", "guarded"])
    def test_gradient_tolerance(self, tanh_problem: Problem, tmp_path: Path, rule: str) -> None:
        start = tanh_problem.initial_weights
        tolerance = 0.5 * float(np.linalg.norm(tanh_problem.gradient(start)))
        result = self.result(tanh_problem, tmp_path, rule, start, 200, gradient_tolerance=tolerance)
        assert (result["stopped"], result["verdict"]) == ("gradient tolerance", "PROVED")
        last = np.load(tmp_path / "checkpoint.npz")["w"]
        assert float(tanh_problem.gradient_enclosure(last).norm().upper) <= tolerance
        assert result["steps"] > 0

    @pytest.mark.parametrize("rule", ["certified", "guarded"])
    def test_nothing_provable(self, tanh_problem: Problem, tmp_path: Path, rule: str) -> None:
        start = tanh_problem.initial_weights
        outputs = np.array([[0.5, -0.25]] * tanh_problem.samples)
        constant = Problem(tanh_problem.architecture, np.zeros_like(tanh_problem.inputs), outputs)
        result = self.result(constant, tmp_path, rule, start, 400)
        assert result["stopped"] in {"no decrease can be proved any more", "the computed gradient is zero"}
        assert result["steps"] == result["verdicts"]["PROVED"] > 0


class TestRefusals:
    def test_a_run_is_not_overwritten(self, parabola: Problem, tmp_path: Path) -> None:
        session, folder = session_of(parabola, SETTINGS["guarded"]), RunFolder(tmp_path)
        folder.start(session, SETTINGS["guarded"])
        with pytest.raises(InputError, match="already holds a run"):
            folder.start(session, SETTINGS["guarded"])

    def test_nothing_to_resume(self, parabola: Problem, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="no run to resume"):
            RunFolder(tmp_path).resume(session_of(parabola, SETTINGS["guarded"]), SETTINGS["guarded"])

    @pytest.mark.parametrize("change", ["data", "weights", "settings"])
    def test_another_run(self, parabola: Problem, tmp_path: Path, change: str) -> None:
        settings = SETTINGS["guarded"]
        RunFolder(tmp_path).start(session_of(parabola, settings), settings)
        other, start = parabola, parabola.initial_weights
        if change == "data":
            other = Problem(parabola.architecture, [[1.0]], [[0.5]])
        elif change == "weights":
            start = start + 1.0
        else:
            settings = {"rule": "certified"}
        session = Session(other, make_rule(settings["rule"]), start)
        with pytest.raises(InputError, match="another run"):
            RunFolder(tmp_path).resume(session, settings)

    @pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut", b"{}"])
    def test_a_damaged_checkpoint(self, parabola: Problem, tmp_path: Path, damage: bytes) -> None:
        settings = SETTINGS["guarded"]
        folder = RunFolder(tmp_path)
        folder.start(session_of(parabola, settings), settings)
        folder.checkpoint.write_bytes(damage)
        with pytest.raises(InputError, match="checkpoint"):
            folder.resume(session_of(parabola, settings), settings)

    def test_a_damaged_description(self, parabola: Problem, tmp_path: Path) -> None:
        settings = SETTINGS["guarded"]
        folder = RunFolder(tmp_path)
        folder.start(session_of(parabola, settings), settings)
        folder.description.write_text("{", encoding="utf-8")
        with pytest.raises(InputError, match=r"description is damaged.*start again in another folder"):
            folder.resume(session_of(parabola, settings), settings)

    def test_missing_lines(self, tanh_problem: Problem, tmp_path: Path) -> None:
        settings = SETTINGS["guarded"]
        complete(tanh_problem, tmp_path, settings)
        folder = RunFolder(tmp_path)
        folder.lines.write_bytes(folder.lines.read_bytes()[:-1])
        with pytest.raises(InputError, match="file of steps is damaged"):
            folder.resume(session_of(tanh_problem, settings), settings)

    def test_two_processes_in_one_folder(self, tanh_problem: Problem, tmp_path: Path) -> None:
        settings = SETTINGS["guarded"]
        session, folder = session_of(tanh_problem, settings), RunFolder(tmp_path)
        folder.start(session, settings)

        def intrude(session: Session, record: Any) -> None:
            with pytest.raises(InputError, match="another process trains in this folder"):
                RunFolder(tmp_path).resume(session_of(tanh_problem, settings), settings)

        before = folder.run(session, 3, intrude)
        again = session_of(tanh_problem, settings)
        folder.resume(again, settings)
        assert folder.run(again, 3) == before


def command(out: Path, *more: str) -> list[str]:
    start = "from verify.cli import main; main()"
    options = ["--steps", "200", "--rule", "guarded", "--checkpoint-every", "5", "--out", str(out), "--json", *more]
    return [sys.executable, "-c", start, "train", str(SPEC), *options]


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_the_same(tmp_path: Path) -> None:
    whole = json.loads(subprocess.run(command(tmp_path / "whole"), check=True, capture_output=True).stdout)
    out = tmp_path / "killed"
    rng, kills = random.Random(1), 0
    while kills < 3:
        more = ("--resume",) if (out / "run.json").exists() else ()
        process = subprocess.Popen(command(out, *more), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        before = (out / "steps.jsonl").stat().st_size if (out / "steps.jsonl").exists() else 0
        deadline = time.monotonic() + 60
        while process.poll() is None and time.monotonic() < deadline:
            lines = out / "steps.jsonl"
            if lines.exists() and lines.stat().st_size > before:
                break
            time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 0.05))
        if process.poll() is not None:
            break
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        kills += 1
    assert kills > 0
    finished = json.loads(subprocess.run(command(out, "--resume"), check=True, capture_output=True).stdout)
    assert finished["weights_sha256"] == whole["weights_sha256"]
    assert (out / "steps.jsonl").read_bytes() == (tmp_path / "whole" / "steps.jsonl").read_bytes()
