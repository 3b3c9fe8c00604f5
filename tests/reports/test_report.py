"""Gathering the evidence: what is refused with one line, what the command prints and writes, what is proved again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import verify
from tests.reports.pages import SETTING, evidence, folder, page, trained
from tests.reports.reading import read_page
from tests.specifications import SMALL
from verify.cli import main
from verify.reports.certificate_evidence import read_certificate
from verify.reports.run_evidence import read_run


@pytest.fixture(scope="module")
def proved() -> Path:
    """Return the spec file of the page that proves something; its run and certificate stand beside it."""
    evidence("proved")
    return folder() / "proved.toml"


@pytest.fixture
def own_run(proved: Path, tmp_path: Path) -> Path:
    """Return a copy of the run with certificates, to be damaged."""
    return Path(shutil.copytree(proved.with_suffix(".run"), tmp_path / "run"))


def run_command(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["report", *(str(argument) for argument in arguments)])


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no folder": (shutil.rmtree, "run.json"),
    "no JSON": (lambda run: (run / "run.json").write_text("{"), "run.json"),
    "a list": (lambda run: (run / "run.json").write_text("[]"), "run.json"),
    "deep": (lambda run: (run / "run.json").write_text("[" * 10**5), "run.json"),
    "no subject": (lambda run: (run / "run.json").write_text("{}"), "subject"),
    "no settings": (lambda run: edit(run / "run.json", settings=[]), "settings"),
    "no checkpoint": (lambda run: (run / "checkpoint.npz").unlink(), "checkpoint"),
    "another checkpoint": (lambda run: (run / "checkpoint.npz").write_bytes(b"PK"), "checkpoint"),
    "a pipe": (lambda run: [(run / "steps.jsonl").unlink(), os.mkfifo(run / "steps.jsonl")], "steps.jsonl"),
    "fewer steps": (lambda run: (run / "steps.jsonl").write_text(""), "steps.jsonl"),
    "other steps": (
        lambda run: (run / "steps.jsonl").write_text(
            (run / "steps.jsonl").read_text().replace('"step": 2', '"step": 3')
        ),
        "steps.jsonl",
    ),
    "a changed number": (
        lambda run: (run / "steps.jsonl").write_text((run / "steps.jsonl").read_text().replace("0", "1", 1)),
        "steps.jsonl",
    ),
    "no result": (lambda run: (run / "result.json").write_text("7"), "result.json"),
}


def edit(path: Path, **fields: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **fields}), encoding="utf-8")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_run_is_one_line(damage: str, proved: Path, own_run: Path) -> None:
    act, place = DAMAGES[damage]
    act(own_run)
    with pytest.raises(verify.InputError) as error:
        read_run(own_run, verify.load_problem(proved))
    assert place in str(error.value) and "\n" not in str(error.value)


def test_the_same_run_undamaged_is_read(proved: Path, own_run: Path) -> None:
    found = read_run(own_run, verify.load_problem(proved))
    assert found.verdict is verify.Verdict.PROVED and len(found.lines) == 5 and found.decrease > 0


def test_a_run_of_another_network_is_refused(proved: Path, own_run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(SMALL.replace("tanh", "softplus"), encoding="utf-8")
    with pytest.raises(verify.InputError, match=r"not about the network .* subject|subject\.architecture: .*not about"):
        read_run(own_run, verify.load_problem(other))


def test_a_false_decrease_is_not_confirmed(proved: Path, own_run: Path) -> None:
    """The lines of a run may claim anything: only what is computed again is proved."""
    link = own_run / "certificates" / "000000.json"
    content = json.loads(link.read_text(encoding="utf-8"))
    content["claim"]["decreases"][0] = (1e6).hex()
    link.write_text(json.dumps(content), encoding="utf-8")
    found = read_run(own_run, verify.load_problem(proved))
    assert found.verdict is verify.Verdict.UNDECIDED and found.recheck is not None and found.recheck["reasons"]
    assert "not all confirmed" in found.statement


def test_weights_outside_the_region_are_told(tmp_path: Path) -> None:
    """Steps may leave the region and be proved one by one; then the answer does not speak of them, and says so."""
    spec = tmp_path / "left.toml"
    spec.write_text(SMALL.replace("radius = 0.1", "radius = 0.001") + SETTING, encoding="utf-8")
    found = verify.report(spec, run=trained(spec, certify="steps"), examples=0)
    assert found.run is not None and found.run.verdict is verify.Verdict.PROVED
    text = found.html()
    assert "The run recorded weights outside the region after" in text


def test_a_certificate_about_something_else_is_refused(proved: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text(SMALL.replace("tanh", "softplus"), encoding="utf-8")
    with pytest.raises(verify.InputError, match="about another model"):
        read_certificate(proved.with_suffix(".json"), verify.load_problem(other))


def test_a_false_certificate_is_not_confirmed(proved: Path, tmp_path: Path) -> None:
    content = json.loads(proved.with_suffix(".json").read_text(encoding="utf-8"))
    content["claim"]["decrease"] = (1e6).hex()
    path = tmp_path / "false.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    found = read_certificate(path, verify.load_problem(proved))
    assert found.verdict is verify.Verdict.UNDECIDED and found.reasons


@pytest.mark.parametrize("text", ["", "{}", "[]", "{" * 10**5, '{"kind": 1e400}', '{"kind": "step", "kind": "step"}'])
def test_a_malformed_certificate_is_one_line(text: str, proved: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(verify.InputError) as error:
        read_certificate(path, verify.load_problem(proved))
    assert "bad.json" in str(error.value) and "\n" not in str(error.value)


def test_the_command_writes_the_page_and_again(tmp_path: Path) -> None:
    spec, output = tmp_path / "spec.toml", tmp_path / "report.html"
    spec.write_text(SMALL.replace("tanh", "relu"), encoding="utf-8")
    result = run_command(spec, "-o", output, "--examples", 0, "--json")
    assert result.exit_code == 1 and result.stderr == ""
    answer = json.loads(result.stdout)
    assert answer["verdict"] == "REFUTED" and answer["report"] == str(output) and answer["check"]["name"] == "small"
    first = output.read_text(encoding="utf-8")
    again = run_command(spec, "-o", output, "--examples", 0)
    assert again.exit_code == 1 and "It is not shown" in again.stdout
    second = output.read_text(encoding="utf-8")
    assert first.partition("</header>")[2] == second.partition("</header>")[2]


@pytest.mark.parametrize("target", ["spec.toml", "mine.html", "data.npz", "none/report.html", "."])
def test_other_files_stay_as_they_are(target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.toml").write_text(SMALL, encoding="utf-8")
    (tmp_path / "mine.html").write_text("<!doctype html><title>mine</title>", encoding="utf-8")
    (tmp_path / "data.npz").write_bytes(b"PK")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    result = run_command("spec.toml", "-o", target)
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and result.stdout == ""
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("examples", [-1, 1.5, True, "7", 10**7])
def test_the_number_of_steps_is_checked(examples: object, proved: Path) -> None:
    with pytest.raises(verify.InputError, match="examples="):
        verify.report(proved, examples=examples)  # type: ignore[arg-type]


@pytest.mark.parametrize("library", ["jinja2", "matplotlib"])
def test_without_its_libraries_the_remedy_is_named(
    library: str, monkeypatch: pytest.MonkeyPatch, proved: Path, tmp_path: Path
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == library else find(name))
    result = run_command(proved, "-o", tmp_path / "report.html")
    assert result.exit_code == 2 and "pip install 'dagverify[report]'" in result.stderr


def test_a_test_that_takes_too_long_is_undecided(monkeypatch: pytest.MonkeyPatch, proved: Path) -> None:
    from verify.budget import OverBudgetError
    from verify.reports import evidence as module

    def too_slow(*arguments: object, **options: object) -> None:
        raise OverBudgetError("the property test takes too long", seconds=1.0, remedy="wait")

    monkeypatch.setattr(module, "run_suite", too_slow)
    monkeypatch.setattr(module, "check", lambda *arguments, **options: evidence("proved").answer)
    found = verify.report(proved, examples=3)
    assert found.test is None and found.verdict is verify.Verdict.UNDECIDED
    assert "takes too long" in found.html()


def test_the_page_written_from_python(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    evidence("proved").write(path)
    assert path.read_text(encoding="utf-8")[:200] == page("proved")[:200]
    evidence("refuted").write(path)
    (tmp_path / "mine.html").write_text("mine", encoding="utf-8")
    with pytest.raises(verify.InputError, match="not a report page of ours"):
        evidence("proved").write(tmp_path / "mine.html")


NEURON = """\
name = "neuron"
weight_decay = 0.5
data = {x = [[1.0], [-0.5]], y = [0.5, 0.0]}
nodes.x = {width = 1}
nodes.y = {width = 1, activation = "tanh", inputs = ["x"]}
region = {kind = "ball", radius = 0.1}
"""


def test_a_minimum_is_told_in_words(tmp_path: Path) -> None:
    spec, certificate = tmp_path / "neuron.toml", tmp_path / "minimum.json"
    spec.write_text(NEURON, encoding="utf-8")
    assert CliRunner().invoke(main, ["converge", str(spec), "-o", str(certificate)]).exit_code == 0
    found = verify.report(spec, certificates=[certificate], examples=0)
    assert found.certificates[0].verdict is verify.Verdict.PROVED
    text = read_page(found.html()).text
    assert "E has exactly one stationary point" in text and "the weights converge to the minimiser" in text
    assert "others than those that training starts with" in text


OF_A_FILE = """\
loss = "mse"
model = {onnx = "net.onnx"}
data = {x = [[1.0, 0.0], [0.0, 1.0]], y = [[1.0, 0.0], [0.0, 1.0]]}
region = {kind = "ball", radius = 0.1}
"""


def test_a_report_of_an_onnx_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from tests.importers.onnx.models import InProcess, model, saved
    from verify.spec import onnx_problem

    monkeypatch.setattr(onnx_problem, "Child", InProcess)
    saved(model("z=MatMul(x,w) y=Tanh(z)", {"x": np.ones((2, 2))}, {"w": np.eye(2)}), tmp_path)
    spec = tmp_path / "net.toml"
    spec.write_text(OF_A_FILE, encoding="utf-8")
    result = run_command(spec, "-o", tmp_path / "page.html", "--examples", 0)
    assert result.exit_code in (0, 3), result.stderr
    root = read_page((tmp_path / "page.html").read_text(encoding="utf-8"))
    cards = " ".join(card.text for card in root.find("article", class_="card"))
    assert "z: MatMul" in cards and "y: Tanh" in cards and "parameters4" in cards
