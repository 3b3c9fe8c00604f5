"""What a resumed run goes on from: every damage is named, and what it says of E is true whatever the folder holds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.networks import residual_nodes
from tests.training.conftest import small_problem
from verify import InputError, Problem
from verify.certificates.run_files import bytes_digest, checkpoint_digest
from verify.training.limited_memory import LimitedMemory
from verify.training.run_folder import RunFolder
from verify.training.session import Session
from verify.training.state import SavedState
from verify.training.train import make_rule

SETTINGS: dict[str, dict[str, Any]] = {
    "certified": {"rule": "certified"},
    "guarded": {"rule": "guarded"},
    "fixed": {"rule": "fixed", "eta": 0.5, "tau": 0.25},
}
STEPS = 6
ELSEWHERE = "start again in another folder"


@pytest.fixture(scope="module")
def problem() -> Problem:
    return small_problem(residual_nodes("tanh", "identity"))


@pytest.fixture(scope="module")
def runs(problem: Problem, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("runs")
    for rule, settings in SETTINGS.items():
        session, folder = session_of(problem, rule), RunFolder(root / rule, "steps", 4)
        folder.start(session, settings)
        folder.run(session, STEPS, every=2)
    return {rule: root / rule for rule in SETTINGS}


def session_of(problem: Problem, rule: str) -> Session:
    settings = SETTINGS[rule]
    return Session(problem, make_rule(rule, settings.get("eta"), settings.get("tau")))


def resumed(problem: Problem, path: Path, rule: str) -> tuple[Session, RunFolder]:
    session, folder = session_of(problem, rule), RunFolder(path, "steps", 4)
    folder.resume(session, SETTINGS[rule])
    return session, folder


def checkpoint(path: Path) -> dict[str, np.ndarray]:
    with np.load(path / "checkpoint.npz", allow_pickle=False) as archive:
        return dict(archive)


def write(path: Path, state: dict[str, Any], *, bound: bool) -> None:
    """Write a checkpoint; `bound`: with a digest that fits, as somebody who knows how would."""
    if bound:
        state = {**state, "digest": checkpoint_digest(state)}
    np.savez(path / "checkpoint.npz", **state)


def other(value: np.ndarray) -> np.ndarray:
    return ~value if value.dtype == np.bool_ else value + np.ones_like(value)


@pytest.mark.parametrize("rule", SETTINGS)
class TestCheckpoint:
    def test_every_edited_field_is_refused(
        self, problem: Problem, runs: dict[str, Path], tmp_path: Path, rule: str
    ) -> None:
        for name, value in checkpoint(runs[rule]).items():
            path = Path(shutil.copytree(runs[rule], tmp_path / name))
            write(path, {**checkpoint(path), name: other(value)}, bound=False)
            with pytest.raises(InputError, match=rf"checkpoint is damaged.*{ELSEWHERE}"):
                resumed(problem, path, rule)

    def test_every_field_of_another_form_is_refused_though_the_digest_fits(
        self, problem: Problem, runs: dict[str, Path], tmp_path: Path, rule: str
    ) -> None:
        whole = checkpoint(runs[rule])
        for name, value in whole.items():
            wrong: list[np.ndarray | None] = [None, value.astype(np.float32), np.stack([value, value])]
            if value.dtype == np.float64:
                wrong += [np.full_like(value, np.nan), np.full_like(value, -np.inf)]
            if value.dtype == np.int64:
                wrong += [np.array(-5), np.array(2**62)]
            path = Path(shutil.copytree(runs[rule], tmp_path / name))
            for damage in wrong:
                state = {key: each for key, each in whole.items() if key != name}
                write(path, state if damage is None else {**state, name: damage}, bound=name != "digest")
                with pytest.raises(InputError, match=rf"damaged.*{ELSEWHERE}"):
                    resumed(problem, path, rule)
        path = Path(shutil.copytree(runs[rule], tmp_path / "more"))
        for name in ("error_upper", "rule_more", "w0"):
            write(path, {**whole, name: np.array(-1.0)}, bound=True)
            with pytest.raises(InputError, match="other fields"):
                resumed(problem, path, rule)

    def test_whatever_it_goes_on_from_the_bounds_of_the_error_hold(
        self, problem: Problem, runs: dict[str, Path], tmp_path: Path, rule: str
    ) -> None:
        plain = tmp_path / "run"
        session, folder = session_of(problem, rule), RunFolder(plain)
        folder.start(session, SETTINGS[rule])
        folder.run(session, 4)
        forged = np.ones_like(session.weights)
        for steps in (4, 7):
            write(plain, {**checkpoint(plain), "w": forged}, bound=True)
            again, folder = session_of(problem, rule), RunFolder(plain)
            folder.resume(again, SETTINGS[rule])
            assert again.error_upper >= problem.error_enclosure(forged)[0]
            result = folder.run(again, steps)
            lower, upper = problem.error_enclosure(again.weights)
            assert result["error_upper"] >= lower
            assert result["proved_decrease"] <= problem.error_enclosure(problem.initial_weights)[1] - lower
            assert folder.recorded["PROVED"] == 4
            assert upper < np.inf


@pytest.mark.parametrize("rule", SETTINGS)
def test_every_edited_key_of_a_line_is_refused(
    problem: Problem, runs: dict[str, Path], tmp_path: Path, rule: str
) -> None:
    lines = [json.loads(text) for text in (runs[rule] / "steps.jsonl").read_text(encoding="utf-8").splitlines()]
    for name in lines[0]:
        path = Path(shutil.copytree(runs[rule], tmp_path / name))
        edited = [lines[0], {**lines[1], name: 9}, *lines[2:]]
        (path / "steps.jsonl").write_text("".join(json.dumps(line) + "\n" for line in edited), encoding="utf-8")
        with pytest.raises(InputError, match=rf"file of steps is damaged.*{ELSEWHERE}"):
            resumed(problem, path, rule)


def edited(line: str, **changes: Any) -> str:
    return json.dumps({**json.loads(line), **changes}) + "\n"


LINES: dict[str, Callable[[list[str]], list[str]]] = {
    "removed": lambda lines: lines[1:],
    "none": lambda lines: [],
    "doubled": lambda lines: [lines[0], *lines],
    "swapped": lambda lines: [lines[1], lines[0], *lines[2:]],
    "no object": lambda lines: ["[1]\n", *lines[1:]],
    "no JSON": lambda lines: ["{\n", *lines[1:]],
    "nested": lambda lines: ["[" * 10**5 + "\n", *lines],
    "decrease of another type": lambda lines: [edited(lines[0], decrease=True), *lines[1:]],
    "decrease not finite": lambda lines: [edited(lines[0], decrease=np.inf), *lines[1:]],
    "unknown verdict": lambda lines: [edited(lines[0], verdict="SURE"), *lines[1:]],
    "undecided at the end": lambda lines: [*lines[:-1], edited(lines[-1], verdict="UNDECIDED")],
}


@pytest.mark.parametrize("damage", LINES.values(), ids=LINES)
@pytest.mark.parametrize("bound", [False, True])
def test_damaged_lines_are_refused_though_the_hashes_fit(
    problem: Problem, runs: dict[str, Path], tmp_path: Path, damage: Callable[[list[str]], list[str]], bound: bool
) -> None:
    path = Path(shutil.copytree(runs["fixed"], tmp_path / "run"))
    text = "".join(damage((path / "steps.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)))
    (path / "steps.jsonl").write_text(text, encoding="utf-8")
    if bound:
        content = text.encode("utf-8")
        binding = {"lines": np.array(len(content)), "lines_sha256": bytes_digest(content)}
        write(path, {**checkpoint(path), **binding}, bound=True)
    with pytest.raises(InputError, match=ELSEWHERE):
        resumed(problem, path, "fixed")


def test_weights_of_other_steps_are_refused(problem: Problem, runs: dict[str, Path], tmp_path: Path) -> None:
    size = problem.architecture.size
    for row in range(STEPS + 1):
        path = Path(shutil.copytree(runs["fixed"], tmp_path / str(row)))
        rows = np.fromfile(path / "weights.f64").reshape(-1, size)
        rows[row, 0] += 1.0
        rows.tofile(path / "weights.f64")
        with pytest.raises(InputError, match=rf"not those of their step: step={row}; {ELSEWHERE}"):
            resumed(problem, path, "fixed")


def test_certificates_of_another_subject_are_refused(problem: Problem, runs: dict[str, Path], tmp_path: Path) -> None:
    path = Path(shutil.copytree(runs["fixed"], tmp_path / "run"))
    link = json.loads((path / "certificates" / "000000.json").read_text(encoding="utf-8"))
    link["subject_sha256"] = "0" * 64
    (path / "certificates" / "000000.json").write_text(json.dumps(link), encoding="utf-8")
    with pytest.raises(InputError, match=f"about another model, objective or data: subject_sha256='0*'; {ELSEWHERE}"):
        resumed(problem, path, "fixed")


def test_lines_that_change_while_the_run_goes_on_are_noticed(problem: Problem, tmp_path: Path) -> None:
    session, folder = session_of(problem, "fixed"), RunFolder(tmp_path)
    folder.start(session, SETTINGS["fixed"])

    def edit(session: Session, record: Any) -> None:
        if session.index == 5:
            folder.lines.write_bytes(folder.lines.read_bytes().replace(b'"step": 1', b'"step": 2'))

    with pytest.raises(InputError, match=r"file of steps is damaged"):
        folder.run(session, STEPS, edit, every=2)


def test_what_was_proved_of_the_weights_cannot_be_changed_under_it(problem: Problem) -> None:
    start = problem.initial_weights.copy()
    session = Session(problem, make_rule("fixed", 0.5, 0.25), start)
    for _ in range(2):
        with pytest.raises(ValueError, match="read-only"):
            session.weights[:] = 0.0
        session.step()
    again = Session(problem, make_rule("fixed", 0.5, 0.25), start)
    start += 1.0
    assert np.array_equal(again.weights, problem.initial_weights)


MEMORY: dict[str, tuple[Callable[[np.ndarray], Any], Callable[[np.ndarray], Any]]] = {
    "other numbers of pairs": (lambda steps: steps[:1], lambda changes: changes),
    "not finite": (lambda steps: steps + np.inf, lambda changes: changes),
    "no curvature": (lambda steps: steps, lambda changes: -changes),
    "no pair": (lambda steps: steps[:0], lambda changes: changes[:0]),
    "no vectors": (lambda steps: steps[0, 0], lambda changes: changes[0, 0]),
    "too many": (lambda steps: np.repeat(steps, 9, axis=0), lambda changes: np.repeat(changes, 9, axis=0)),
}


@pytest.mark.parametrize(("steps", "changes"), MEMORY.values(), ids=MEMORY)
def test_a_memory_of_another_form_is_refused(steps: Any, changes: Any) -> None:
    memory = LimitedMemory()
    memory.add(np.array([1.0, 0.0]), np.array([2.0, 0.0]))
    memory.add(np.array([0.0, 1.0]), np.array([0.0, 3.0]))
    whole = memory.state()
    again = LimitedMemory()
    again.restore(SavedState(whole, 2))
    assert np.array_equal(again.direction(np.ones(2)), memory.direction(np.ones(2)))
    edited = {"memory_steps": steps(whole["memory_steps"]), "memory_changes": changes(whole["memory_changes"])}
    with pytest.raises(InputError, match="memory_steps"):
        again.restore(SavedState(edited, 2))
