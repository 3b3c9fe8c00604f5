"""Every key of every file of a run, edited: `recheck` refuses the run, or says that it did not confirm the key.

The keys are read from the files, so that a new one is covered. An edit is made alone, and again with the hashes
of the checkpoint computed anew, as somebody makes it who knows the files.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.training.test_chain import session_of
from verify import Architecture, Ball, BoundedWeights, InputError, Problem
from verify.bounds.regions import Region
from verify.certificates.run_checker import check_run
from verify.certificates.run_files import bytes_digest, checkpoint_digest
from verify.training.run_folder import RunFolder
from verify.training.session import Session
from verify.training.train import make_rule

STEPS, EDITED_LINE = 5, 2
RUNS: dict[str, tuple[dict[str, Any], str]] = {
    "certified": ({"rule": "certified", "eta": None, "tau": None}, "steps"),
    "ahead": ({"rule": "fixed", "eta": 0.015625, "tau": 0.00390625}, "horizon"),
}
HARMLESS = {
    "result.json/stopped": "why the program ended; what it claims of the gradient is confirmed where it claims any",
    "certificates/000000.json/tool": "which version wrote the file",
    "certificates/000001.json/tool": "which version wrote the file",
}
"""Keys that may be edited even where the hashes are left alone."""
WEAKER = {
    "result.json/error_upper": "a larger bound is true as well; a smaller one is refused",
    "result.json/proved_decrease": "a smaller bound is true as well; a larger one is refused",
}
"""Keys that may be edited where less is claimed."""
NOT_CLAIMED = {
    "run.json/subject/name": "a label",
    "run.json/subject/region": "only the distances to its boundary are about it, and those are confirmed",
    "run.json/settings": "how the steps were chosen; of the steps themselves all is confirmed",
    "run.json/certificates": "how the certificates were to be made; of those that were made all is confirmed",
    "steps.jsonl/eta": "confirmed for rule 'fixed'; otherwise a figure in plain float64",
    "steps.jsonl/tau": "confirmed for rule 'fixed'; otherwise a figure in plain float64",
    "steps.jsonl/gradient_norm": "confirmed for steps certified ahead; otherwise a figure in plain float64",
    "steps.jsonl/eta_until": "of other steps than those that were taken",
    "steps.jsonl/evidence": "by what the program proved the step",
    "checkpoint.npz/rule_": "decides which step comes next, nothing that is said of a step",
}
"""Keys that an edit with new hashes may change; the answer says which of them it did not confirm."""

HASHES = {f"checkpoint.npz/{name}" for name in ("lines", "lines_sha256", "run_sha256", "digest")}


@pytest.fixture(scope="module")
def problem() -> Problem:
    nodes = {
        "x": {"width": 2},
        "h": {"width": 2, "activation": "tanh", "inputs": ["x"]},
        "y": {"width": 1, "activation": "identity", "inputs": ["h", "x"]},
    }
    made = Problem(Architecture.from_data(nodes, output="y"), [[1.0, 0.5], [-0.25, 1.0]], [[0.5], [-1.0]])
    made.region = Ball(made.initial_weights, 8.0)
    return made


@pytest.fixture(scope="module")
def runs(problem: Problem, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("runs")
    for name, (settings, kind) in RUNS.items():
        session, folder = session_of(problem, settings), RunFolder(root / name, kind, 3)
        folder.start(session, settings)
        folder.run(session, STEPS)
        assert check_run(root / name)["verdict"] == "PROVED"
    return {name: root / name for name in RUNS}


def leaves(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(content, dict | list) and content:
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from leaves(value, (*place, key))
    else:
        yield place


def changes(value: Any) -> list[Any]:
    """Return other values of the same type, above and below, and one of another type."""
    match value:
        case bool():
            return [not value, 7]
        case int():
            return [value + 1, value - 1, float(value) + 0.5]
        case float():
            return [1.5 * value + 0.5, 0.5 * value - 0.5, None]
        case str():
            return [value + "x", "0" + value[1:] if value[:1] != "0" else "1" + value[1:], 7.0]
    return [1e9, -1.0, "x"]


def edits_of_json(content: dict[str, Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the name of each key and documents in which it is changed, removed, or has a neighbour."""
    for place in leaves(content):
        documents = []
        for change in changes(at(content, place)):
            documents.append(json.loads(json.dumps(content)))
            at(documents[-1], place[:-1])[place[-1]] = change
        documents.append(json.loads(json.dumps(content)))
        del at(documents[-1], place[:-1])[place[-1]]
        yield "/".join(map(str, place)), documents
    yield "a new key", [{**content, "more": 1.0}]


def at(content: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        content = content[key]
    return content


Edit = Callable[[Path], None]


def edits(run: Path) -> Iterator[tuple[str, list[Edit]]]:
    """Yield every key of every file of the run, and edits of it."""
    for path in sorted(each for each in run.rglob("*") if each.is_file()):
        file = path.relative_to(run).as_posix()
        if file == "steps.jsonl":
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            for name, documents in edits_of_json(json.loads(lines[EDITED_LINE])):
                texts = [json.dumps(document) + "\n" for document in documents]
                whole = ["".join([*lines[:EDITED_LINE], text, *lines[EDITED_LINE + 1 :]]) for text in texts]
                yield f"{file}/{name}", [written(file, text) for text in whole]
        elif path.suffix == ".json":
            for name, documents in edits_of_json(json.loads(path.read_text(encoding="utf-8"))):
                yield f"{file}/{name}", [written(file, json.dumps(document)) for document in documents]
        elif path.suffix == ".npz":
            with np.load(path) as archive:
                state = dict(archive)
            for name, value in state.items():
                wrong = ~value if value.dtype == np.bool_ else value + np.ones_like(value)
                yield f"{file}/{name}", [saved({**state, name: wrong})]
                yield f"{file}/{name} missing", [saved({key: each for key, each in state.items() if key != name})]
        else:
            assert file == "weights.f64"
            for row in range(STEPS + 1):
                yield f"{file}/{row}", [weights_moved(row)]


def written(file: str, text: str) -> Edit:
    return lambda run: (run / file).write_text(text, encoding="utf-8") and None


def saved(state: dict[str, Any]) -> Edit:
    return lambda run: np.savez(run / "checkpoint.npz", **state)


def weights_moved(row: int) -> Edit:
    def move(run: Path) -> None:
        rows = np.fromfile(run / "weights.f64").reshape(STEPS + 1, -1)
        rows[row, 0] = np.nextafter(rows[row, 0], np.inf)
        rows.tofile(run / "weights.f64")

    return move


def hashed_again(run: Path) -> None:
    with np.load(run / "checkpoint.npz") as archive:
        state = {name: value for name, value in dict(archive).items() if name != "digest"}
    lines = (run / "steps.jsonl").read_bytes()
    state |= {"lines": np.array(len(lines)), "lines_sha256": bytes_digest(lines)}
    state["run_sha256"] = bytes_digest((run / "run.json").read_bytes())
    np.savez(run / "checkpoint.npz", **state, digest=checkpoint_digest(state))


def refused(run: Path) -> bool:
    try:
        answer = check_run(run)
    except InputError:
        return True
    assert answer["verdict"] == "UNDECIDED" or answer["not_confirmed"]
    return answer["verdict"] != "PROVED"


@pytest.mark.parametrize("name", ["certified", pytest.param("ahead", marks=pytest.mark.slow)])
def test_every_edit_is_refused(runs: dict[str, Path], tmp_path: Path, name: str) -> None:
    accepted = set()
    for key, ways in edits(runs[name]):
        for edit in ways:
            run = Path(shutil.copytree(runs[name], tmp_path / "run", dirs_exist_ok=True))
            edit(run)
            if not refused(run):
                accepted.add(key)
            shutil.rmtree(run)
    assert sorted(key for key in accepted if key not in {*HARMLESS, *WEAKER}) == []


@pytest.mark.parametrize("name", ["certified", pytest.param("ahead", marks=pytest.mark.slow)])
def test_every_edit_with_new_hashes_is_refused_in_the_direction_that_claims_more(
    runs: dict[str, Path], tmp_path: Path, name: str
) -> None:
    harmless = (*HARMLESS, *NOT_CLAIMED)
    for key, ways in edits(runs[name]):
        if key.removesuffix(" missing") in HASHES:
            continue
        answers = set()
        for edit in ways:
            run = Path(shutil.copytree(runs[name], tmp_path / "run", dirs_exist_ok=True))
            edit(run)
            hashed_again(run)
            answers.add(refused(run))
            shutil.rmtree(run)
        assert True in answers or key.startswith(harmless), key


def test_the_answer_says_what_it_did_not_confirm(runs: dict[str, Path]) -> None:
    answers = {name: "; ".join(check_run(run)["not_confirmed"]) for name, run in runs.items()}
    for name in ("eta", "tau", "gradient_norm", "eta_until", "evidence"):
        assert (name in answers["certified"].split("steps.jsonl: ")[1].split(";")[0].split(", ")) is True
    assert "gradient_norm" not in answers["ahead"]
    assert "remaining_radius" not in answers["ahead"]


def test_a_small_gradient_that_is_claimed_is_confirmed(problem: Problem, tmp_path: Path) -> None:
    tolerance = 0.5 * float(np.linalg.norm(problem.gradient(problem.initial_weights)))
    settings = {"rule": "certified", "gradient_tolerance": tolerance}
    session, folder = (
        Session(problem, make_rule("certified"), gradient_tolerance=tolerance),
        RunFolder(tmp_path, "steps"),
    )
    folder.start(session, settings)
    assert folder.run(session, 100)["stopped"] == "gradient tolerance"
    answer = check_run(tmp_path)
    assert answer["verdict"] == "PROVED"
    assert not any("stopped" in each for each in answer["not_confirmed"])
    description = json.loads(folder.description.read_text(encoding="utf-8"))
    description["settings"]["gradient_tolerance"] = 1e-3 * tolerance
    folder.description.write_text(json.dumps(description), encoding="utf-8")
    hashed_again(tmp_path)
    reasons = check_run(tmp_path)["reasons"]
    assert any("|grad E| <=" in reason for reason in reasons), reasons


@pytest.mark.parametrize(
    "make_region",
    [lambda w: None, lambda w: Ball(w, 0.0078125), lambda w: Ball(w, 1e300), lambda w: BoundedWeights(2.0)],
)
@pytest.mark.parametrize("scale", [1.0, 1e170, 1e-170], ids=["ordinary", "large", "small"])
def test_a_run_as_it_was_written_is_confirmed_wherever_it_went(
    make_region: Callable[[np.ndarray], Region | None], scale: float, tmp_path: Path
) -> None:
    nodes = {"x": {"width": 2}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    architecture = Architecture.from_data(nodes, output="y")
    start = scale * np.array([1.0, -0.5])
    problem = Problem(architecture, [[1.0 / scale, 0.0], [0.0, 1.0 / scale]], [[0.5], [1.0]], initial_weights=start)
    problem.region = make_region(start)
    settings = {"rule": "guarded", "eta": None, "tau": None}
    folder = RunFolder(tmp_path / "run", "steps")
    session = session_of(problem, settings)
    folder.start(session, settings)
    folder.run(session, 2)
    answer = check_run(tmp_path / "run")
    assert (answer["verdict"], answer["reasons"]) == ("PROVED", [])
