"""The chain of certificates of a run: what it holds, kills change nothing, and every damage to it is named."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from verify import Architecture, InputError, Problem
from verify.certificates import run_checker
from verify.certificates.description import describe
from verify.certificates.run_checker import check_run
from verify.training.run_folder import RunFolder
from verify.training.session import Session
from verify.training.train import make_rule

STEPS, LENGTH, EVERY = 13, 5, 4
RUNS: dict[str, tuple[dict[str, Any], str]] = {
    "certified": ({"rule": "certified", "eta": None, "tau": None}, "steps"),
    "guarded": ({"rule": "guarded", "eta": None, "tau": None}, "steps"),
    "fixed": ({"rule": "fixed", "eta": 0.25, "tau": 0.0625}, "steps"),
    "ahead": ({"rule": "fixed", "eta": 0.015625, "tau": 0.00390625}, "horizon"),
    "partly ahead": ({"rule": "fixed", "eta": 0.25, "tau": 0.0625}, "horizon"),
}


@pytest.fixture(scope="module")
def problem() -> Problem:
    nodes = {
        "x": {"width": 2},
        "h": {"width": 2, "activation": "tanh", "inputs": ["x", {"from": "x", "kind": "identity"}]},
        "y": {"width": 1, "activation": "identity", "inputs": ["h", "x"]},
    }
    return Problem(Architecture.from_data(nodes, output="y"), [[1.0, 0.5], [-0.25, 1.0]], [[0.5], [-1.0]])


def session_of(problem: Problem, settings: dict[str, Any]) -> Session:
    return Session(problem, make_rule(settings["rule"], settings["eta"], settings["tau"]))


def take(problem: Problem, path: Path, name: str, steps: int = STEPS) -> RunFolder:
    settings, kind = RUNS[name]
    session, folder = session_of(problem, settings), RunFolder(path, kind, LENGTH)
    (folder.resume if folder.description.exists() else folder.start)(session, settings)
    folder.run(session, steps, every=EVERY)
    return folder


def content(path: Path) -> dict[str, bytes]:
    files = [each for each in path.rglob("*") if each.is_file() and each.name != "checkpoint.npz"]
    return {str(each.relative_to(path)): each.read_bytes() for each in files}


@pytest.fixture(scope="module")
def whole(problem: Problem, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("runs")
    return {name: take(problem, root / name, name).path for name in RUNS}


@pytest.mark.parametrize("name", RUNS)
class TestChain:
    def test_it_is_confirmed(self, problem: Problem, whole: dict[str, Path], name: str) -> None:
        answer = check_run(whole[name], describe(problem, problem.initial_weights))
        assert (answer["verdict"], answer["reasons"]) == ("PROVED", [])
        assert answer["steps"] == len(list(RunFolder(whole[name]).read())) > LENGTH
        assert answer["ahead"] == answer["under_theorem"]
        assert answer["ahead"] in {"ahead": [STEPS], "partly ahead": range(1, STEPS)}.get(name, [0])

    def test_interrupted_anywhere_the_files_are_the_same(
        self, problem: Problem, whole: dict[str, Path], name: str, tmp_path: Path
    ) -> None:
        settings, kind = RUNS[name]
        for stop in (1, 4, 6, 10) if name == "fixed" else (6,):
            session, folder = session_of(problem, settings), RunFolder(tmp_path / str(stop), kind, LENGTH)
            folder.start(session, settings)

            def interrupt(session: Session, record: Any, stop: int = stop) -> None:
                if session.index == stop:
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                folder.run(session, STEPS, interrupt, every=EVERY)
            assert content(take(problem, folder.path, name).path) == content(whole[name])

    def test_a_longer_budget_makes_the_same_files(
        self, problem: Problem, whole: dict[str, Path], name: str, tmp_path: Path
    ) -> None:
        take(problem, tmp_path, name, 7)
        assert content(take(problem, tmp_path, name).path) == content(whole[name])


def line(change: Callable[[dict[str, Any]], None], number: int = 6) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        lines = [json.loads(text) for text in (run / "steps.jsonl").read_text().splitlines()]
        change(lines[number])
        (run / "steps.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))

    return edit


def edited(name: str, change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def edit(run: Path) -> None:
        document = json.loads((run / name).read_text())
        change(document)
        (run / name).write_text(json.dumps(document))

    return edit


def put(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document.update({key: value})


def put_claim(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: document["claim"].update({key: value})


def swap(one: str, other: str) -> Callable[[Path], None]:
    def exchange(run: Path) -> None:
        (run / one).rename(run / "third")
        (run / other).rename(run / one)
        (run / "third").rename(run / other)

    return exchange


def cut(name: str, size: int) -> Callable[[Path], None]:
    return lambda run: os.truncate(run / name, (run / name).stat().st_size - size)


def remove(name: str) -> Callable[[Path], None]:
    return lambda run: (run / name).unlink()


def move_weights(row: int, factor: float) -> Callable[[Path], None]:
    def move(run: Path) -> None:
        rows = np.fromfile(run / "weights.f64", dtype="<f8").reshape(STEPS + 1, -1)
        rows[row] *= factor
        rows.tofile(run / "weights.f64")

    return move


FIRST, SECOND = "certificates/000000.json", "certificates/000001.json"
STEPS_DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "first certificate missing": (remove(FIRST), r"certificates/000000\.json: missing"),
    "certificate in the middle missing": (remove(SECOND), r"certificates/000001\.json: missing"),
    "last certificate missing": (remove("certificates/000002.json"), "steps 11 to 13 are covered by no certificate"),
    "certificates swapped": (swap(FIRST, SECOND), r"000000\.json: starts at step 5, the certificate before it ended"),
    "foreign file": (lambda run: (run / "certificates" / "a.json").write_text("{}"), r"a\.json: foreign file"),
    "claim edited": (edited(FIRST, put_claim("decreases", ["0x1.0000000000000p+0"] * 5)), "claims other decreases"),
    "start edited": (edited(SECOND, put("weights_sha256", "0" * 64)), "does not start at the weights of step 5"),
    "subject edited": (edited(SECOND, put("subject_sha256", "0" * 64)), "about another model, objective or data"),
    "weights cut": (cut("weights.f64", 8), "13 rows of weights for 13 steps"),
    "weights moved": (move_weights(7, 1 + 2**-50), "step 7: the weights are not those of the line"),
    "first weights moved": (move_weights(0, 1 + 2**-50), "another initial_weights_sha256"),
    "weights not finite": (move_weights(4, np.inf), "no finite numbers"),
    "line cut off": (lambda run: line(lambda each: None)(run) or _drop_line(run), "rows of weights for 12 steps"),
    "lines renumbered": (line(put("step", 6)), "line 7 is about step 6"),
    "decrease edited": (line(put("decrease", 0.5)), "step 7: the decrease 0.5 is not confirmed"),
    "verdict edited": (line(put("verdict", "REFUTED")), "step 7: recorded as REFUTED"),
    "error edited": (line(put("error", 0.125)), "step 7: error = 0.125 disagrees"),
    "range too low": (line(lambda each: each.update(error_range=[0.0, each["error_range"][0]])), "is not confirmed"),
    "range too high": (line(lambda each: each.update(error_range=[each["error_range"][1], None])), "is not confirmed"),
    "range missing": (line(lambda each: each.pop("error_range")), "is not confirmed"),
    "error too small": (line(lambda each: each.update(error_upper=each["error_upper"] / 2)), "is not confirmed"),
    "norm edited": (line(put("weight_norm", 1.0)), r"step 7: weight_norm = 1\.0 disagrees"),
    "result edited": (edited("result.json", put("error_upper", 0.0)), "error_upper disagrees with the steps"),
    "result boasts": (edited("result.json", put("proved_decrease", 1.0)), "proved_decrease exceeds"),
    "result missing": (remove("result.json"), "the run has not ended"),
    "checkpoint missing": (remove("checkpoint.npz"), "checkpoint.npz: missing or unreadable"),
    "another run described": (
        edited("run.json", lambda document: document["subject"].update(samples=3)),
        "the run is about another samples",
    ),
}


def _drop_line(run: Path) -> None:
    lines = (run / "steps.jsonl").read_text().splitlines(keepends=True)
    (run / "steps.jsonl").write_text("".join(lines[:-1]))


AHEAD_DAMAGE: dict[str, tuple[Callable[[Path], None], str]] = {
    "radius edited": (
        edited(FIRST, lambda document: document["region"].update(radius="0x1.0000000000000p-20")),
        "the steps may leave the ball",
    ),
    "L edited": (edited(FIRST, put_claim("lipschitz", "0x1.0000000000000p-2")), "is confirmed"),
    "eta edited": (edited(FIRST, put_claim("eta", "0x1.0000000000000p-5")), "another eta"),
    "tau edited": (edited(FIRST, put_claim("tau", "0x1.0000000000000p-20")), "a smaller tau than the run's"),
    "more steps claimed": (edited(FIRST, put("last", 400)), "the claim is about 5 steps"),
    "weights moved": (move_weights(2, 1.5), "step 2: the weights are not those of the line"),
    "certificates swapped": (swap(FIRST, SECOND), r"000000\.json: starts at step 5"),
    "last certificate missing": (remove("certificates/000002.json"), "steps 11 to 13 are covered by no certificate"),
}
MALFORMED: dict[str, tuple[Callable[[Path], None], str]] = {
    "certificate cut": (cut(FIRST, 40), "no valid JSON"),
    "certificate of another kind": (edited(FIRST, put("kind", "region")), "no certificate of this format"),
    "statement edited": (edited(FIRST, put("hypotheses", ["none"])), "the statement was altered"),
    "unknown field": (edited(FIRST, put("note", "believe me")), "missing or unknown fields"),
    "line in the middle of a write": (cut("steps.jsonl", 20), "the last line is cut off"),
    "subject missing": (remove("certificates/subject.json"), r"subject\.json: no such file"),
    "weights missing": (remove("weights.f64"), r"weights\.f64: no such file"),
    "data edited": (
        edited("certificates/subject.json", lambda document: document["data"]["inputs"][0].__setitem__(0, "1/2")),
        "data and their hash disagree",
    ),
    "nan in a line": (line(put("error", float("nan"))), "numbers with fractions must be exact strings"),
    "no run": (remove("run.json"), r"run\.json: no such file"),
}


class TestDamage:
    @pytest.mark.parametrize(("damage", "reason"), STEPS_DAMAGE.values(), ids=STEPS_DAMAGE)
    def test_of_certified_steps(self, whole: dict[str, Path], tmp_path: Path, damage: Any, reason: str) -> None:
        self.named(whole["fixed"], tmp_path / "run", damage, reason)

    @pytest.mark.parametrize(("damage", "reason"), AHEAD_DAMAGE.values(), ids=AHEAD_DAMAGE)
    def test_of_steps_certified_ahead(self, whole: dict[str, Path], tmp_path: Path, damage: Any, reason: str) -> None:
        self.named(whole["ahead"], tmp_path / "run", damage, reason)

    @pytest.mark.parametrize(("damage", "reason"), MALFORMED.values(), ids=MALFORMED)
    def test_malformed_files_are_errors(self, whole: dict[str, Path], tmp_path: Path, damage: Any, reason: str) -> None:
        run = Path(shutil.copytree(whole["fixed"], tmp_path / "run"))
        damage(run)
        with pytest.raises(InputError, match=reason):
            check_run(run)

    def named(self, source: Path, run: Path, damage: Callable[[Path], None], reason: str) -> None:
        shutil.copytree(source, run)
        damage(run)
        answer = check_run(run)
        assert answer["verdict"] == "UNDECIDED"
        assert any(re.search(reason, each) for each in answer["reasons"]), answer["reasons"]

    def test_a_certificate_of_another_run_is_noticed(
        self, problem: Problem, whole: dict[str, Path], tmp_path: Path
    ) -> None:
        other = Problem(problem.architecture, problem.inputs, -np.asarray(problem.targets))
        foreign = take(other, tmp_path / "other", "fixed").path
        run = Path(shutil.copytree(whole["fixed"], tmp_path / "run"))
        shutil.copy(foreign / SECOND, run / SECOND)
        reasons = check_run(run)["reasons"]
        assert f"{SECOND}: about another model, objective or data" in reasons
        expected = describe(other, problem.initial_weights)
        assert check_run(whole["fixed"], expected)["reasons"] == ["the run is about another data"]

    def test_an_increase_is_not_confirmed(self, problem: Problem, tmp_path: Path) -> None:
        settings = {"rule": "fixed", "eta": 8.0, "tau": 0.0}
        session, folder = session_of(problem, settings), RunFolder(tmp_path, "steps", LENGTH)
        folder.start(session, settings)
        folder.run(session, 6)
        answer = check_run(tmp_path)
        assert answer["verdict"] == "UNDECIDED"
        assert any("recorded as REFUTED" in reason for reason in answer["reasons"])


def test_the_checker_uses_nothing_of_the_prover() -> None:
    imported = set()
    for file in Path(run_checker.__file__).parent.glob("*.py"):
        nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
        imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    own = {name for name in imported if name.startswith("verify")}
    checker = ("verify.certificates.checker", "verify.certificates.run_checker", "verify.certificates.run_files")
    allowed = (*checker, "verify.files")
    assert {name for name in own if not name.startswith(allowed)} == {
        "verify",  # its workers
        "verify.arithmetic.environment",  # the test of the processor's state, no arithmetic
        "verify.certificates",
        "verify.certificates.document",  # the reader of files
        "verify.outcomes",
    }


def test_two_processes_answer_the_same(whole: dict[str, Path], problem: Problem, tmp_path: Path) -> None:
    path = take(problem, tmp_path, "fixed", 30).path
    assert check_run(path, jobs=2) == check_run(path)


def test_runs_that_cannot_be_certified(problem: Problem, tmp_path: Path) -> None:
    settings = RUNS["guarded"][0]
    with pytest.raises(InputError, match="only rule 'fixed'"):
        RunFolder(tmp_path / "a", "horizon").start(session_of(problem, settings), settings)
    assert not (tmp_path / "a").exists()
    plain = RunFolder(tmp_path / "b")
    plain.start(session_of(problem, settings), settings)
    plain.release()
    with pytest.raises(InputError, match="the run has no certificates"):
        check_run(plain.path)
    with pytest.raises(InputError, match="another run"):
        RunFolder(plain.path, "steps").resume(session_of(problem, settings), settings)
