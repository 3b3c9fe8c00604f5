"""Files of PyTorch's two exporters, Keras and skl2onnx; the process that reads them; other files; copies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

import verify  # noqa: E402
from tests.importers.onnx.cases import x  # noqa: E402
from tests.importers.onnx.models import FILES, InProcess, model  # noqa: E402
from verify.cli.app import main  # noqa: E402
from verify.cli.batches import parts_of  # noqa: E402
from verify.importers.onnx import problem as importer  # noqa: E402
from verify.importers.onnx import process, writing  # noqa: E402
from verify.importers.onnx.process import Child  # noqa: E402

TRAINED = {
    "torchscript_block": 566,
    "dynamo_block": 566,
    "keras_convolution": 152,
    "sklearn_regressor": 21,
    "sklearn_classifier": 31,
}
"""How many numbers are trained: those of PyTorch's module and of scikit-learn's estimator; Keras folds a normalisation
into constants."""


@pytest.fixture
def no_process(monkeypatch):
    monkeypatch.setattr(importer, "Child", InProcess)
    monkeypatch.setattr(writing, "Child", InProcess)


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.usefixtures("no_process")
def test_a_file_computes_what_its_network_computed(name) -> None:
    made = np.load(FILES / f"{name}.npz")
    output = {"output": "probabilities"} if name == "sklearn_classifier" else {}
    problem = verify.from_onnx(FILES / f"{name}.onnx", made["x"], made["y"], **output)
    assert problem.size == TRAINED[name]
    single = made["y"].dtype == np.float32
    assert problem.error(problem.initial_weights) <= (1e-6 if single else 1e-7) ** 2 * np.mean(made["y"] ** 2)


def test_a_child_process_reads_it_and_steps_are_proved() -> None:
    made = np.load(FILES / "sklearn_classifier.npz")
    classes = np.arange(20) % 3
    path = FILES / "sklearn_classifier.onnx"
    problem = verify.from_onnx(path, made["x"], classes, "softmax-cross-entropy", output="add_result1")
    run = verify.train(problem, steps=3, rule="certified")
    assert [verdict.name for verdict in run.verdicts] == ["PROVED"] * 3
    chosen = made["y"][np.arange(20), classes]
    assert problem.error(problem.initial_weights) == pytest.approx(-np.mean(np.log(chosen)), rel=1e-6)


@pytest.mark.usefixtures("no_process")
def test_logits_and_probabilities_are_told_apart() -> None:
    path, made = FILES / "sklearn_classifier.onnx", np.load(FILES / "sklearn_classifier.npz")
    with pytest.raises(verify.InputError, match=r"probabilities already.*output='add_result1'"):
        verify.from_onnx(path, made["x"], np.arange(20) % 3, "softmax-cross-entropy", output="probabilities")
    with pytest.raises(verify.InputError, match="several outputs"):
        verify.from_onnx(path, made["x"], made["y"])


@pytest.mark.usefixtures("no_process")
@pytest.mark.parametrize(
    "body", ["p=Sigmoid(h) q=Sub(one,p) y=Concat<axis=1>(q,p)", "e=Exp(h) s=ReduceSum(e,axis) y=Div(e,s)"]
)
@pytest.mark.parametrize("loss", ["softmax-cross-entropy", "sigmoid-cross-entropy"])
def test_probabilities_without_a_softmax_are_told_apart_too(tmp_path, body, loss) -> None:
    """A classifier of two classes by skl2onnx ends in a sigmoid and its complement; others write a softmax in parts."""
    w = np.array([[1.0, 0.5], [-0.5, 1.0], [0.25, -2.0]])[:, : 1 if "Sigmoid" in body else 2]
    other = {"one": np.array(1.0)} if "Sigmoid" in body else {"axis": np.array([1])}
    path = tmp_path / "net.onnx"
    path.write_bytes(model(f"h=MatMul(x,w) {body}", {"x": x}, {"w": w, **other}).SerializeToString())
    classes = np.arange(len(x)) % 2
    targets = classes if loss == "softmax-cross-entropy" else np.eye(2)[classes]
    with pytest.raises(verify.InputError, match=r"every row of the output is probabilities already.*output="):
        verify.from_onnx(path, x, targets, loss)
    assert verify.from_onnx(path, x, np.eye(2)[classes], "mse").size == w.size


@pytest.mark.usefixtures("no_process")
@pytest.mark.parametrize(
    ("inputs", "targets", "expected"),
    [
        (x[:, :2], x[:, :1], r"input X: data do not have the shape that the model takes: shape=\(4, 2\)"),
        (x * np.nan, x[:, :1], "input X: data must be finite"),
        (x, x[:, :1] * np.inf, "targets: data must be finite"),
        ([[1.0], [1.0, 2.0]], x[:, :1], "input X: not an array of numbers"),
        (x, "abc", "targets: not an array of numbers"),
        ((x, x), x[:, :1], "wrong number of inputs: given=2"),
        ({"Z": x}, x[:, :1], "an input is missing: input='X'"),
        ({"X": x, "Z": x}, x[:, :1], "no such input: input='Z'"),
        (x[:0], x[:0, :1], "input X: no data"),
        (x, x[:, :2], "targets do not have the shape of the outputs"),
    ],
)
def test_data_that_do_not_fit(inputs, targets, expected) -> None:
    with pytest.raises(verify.InputError, match=expected):
        verify.from_onnx(FILES / "sklearn_regressor.onnx", inputs, targets)


@pytest.mark.usefixtures("no_process")
def test_a_copy_holds_the_weights_and_nothing_else_changes(tmp_path) -> None:
    made, source = np.load(FILES / "dynamo_block.npz"), FILES / "dynamo_block.onnx"
    problem = verify.from_onnx(source, made["x"], made["y"])
    w = np.float32(problem.initial_weights * 1.25).astype(np.float64)
    copy = tmp_path / "copy.onnx"
    verify.write_onnx(problem, w, source, copy)
    again = verify.from_onnx(copy, made["x"], made["y"])
    assert np.array_equal(again.initial_weights, w)
    assert again.graph == problem.graph
    verify.write_onnx(again, problem.initial_weights, copy, tmp_path / "back.onnx")
    before, after = onnx.load(source), onnx.load(tmp_path / "back.onnx")
    for old, new in zip(before.graph.initializer, after.graph.initializer, strict=True):
        assert old.name == new.name
        assert np.array_equal(onnx.numpy_helper.to_array(old), onnx.numpy_helper.to_array(new))
    assert before.graph.node == after.graph.node
    with pytest.raises(verify.InputError, match=r"copy\.onnx"):
        verify.write_onnx(problem, w, source, copy)
    with pytest.raises(verify.InputError, match="the file has no such weights"):
        verify.write_onnx(problem, w, FILES / "sklearn_regressor.onnx", tmp_path / "other.onnx")
    with pytest.raises(verify.InputError, match="overflow the format"):
        verify.write_onnx(problem, np.full(problem.size, 1e300), source, tmp_path / "large.onnx")
    assert not (tmp_path / "large.onnx").exists()


class TestOtherFiles:
    @pytest.fixture
    def path(self, tmp_path, no_process):
        made = model("h=MatMul(x,w) y=Tanh(h)", {"x": x}, {"w": np.ones((3, 2))})
        folder = tmp_path / "net"
        folder.mkdir()
        onnx.save(made, folder / "net.onnx", save_as_external_data=True, location="w.data", size_threshold=0)
        return folder / "net.onnx"

    def _moved(self, path, place, **entries):
        made = onnx.load(path, load_external_data=False)
        for entry in made.graph.initializer[0].external_data:
            entry.value = {"location": place, **entries}.get(entry.key, entry.value)
        path.write_bytes(made.SerializeToString())

    def test_they_are_refused_unless_allowed(self, path) -> None:
        with pytest.raises(verify.InputError, match=r"keeps its numbers in other files.*external_data=True"):
            verify.from_onnx(path, x, x[:, :2])
        problem = verify.from_onnx(path, x, x[:, :2], external_data=True)
        assert np.array_equal(problem.initial_weights, np.ones(6))

    @pytest.mark.parametrize("place", ["../w.data", "/etc/passwd", "sub/../../w.data", "link", "", "a\0b"])
    def test_none_outside_the_folder_is_read(self, path, place) -> None:
        (path.parent.parent / "w.data").write_bytes(b"\0" * 24)
        (path.parent / "link").symlink_to(path.parent.parent / "w.data")
        self._moved(path, place)
        with pytest.raises(verify.InputError, match="outside the folder"):
            verify.from_onnx(path, x, x[:, :2], external_data=True)

    def test_short_and_special_ones(self, path) -> None:
        self._moved(path, "w.data", length="4000")
        with pytest.raises(verify.InputError, match="too short"):
            verify.from_onnx(path, x, x[:, :2], external_data=True)
        os.mkfifo(path.parent / "pipe")
        self._moved(path, "pipe")
        with pytest.raises(verify.InputError, match="not a file"):
            verify.from_onnx(path, x, x[:, :2], external_data=True)


class TestTheProcess:
    def test_a_crash_is_one_line(self) -> None:
        with Child("net.onnx") as child:
            os.kill(child._process.pid, signal.SIGSEGV)
            with pytest.raises(verify.InputError, match=r"net.onnx: the parser .* ended without an answer.*SIGSEGV"):
                child.ask({"task": "read"}, [np.zeros(3, np.uint8)])

    def test_a_silent_one_is_given_up(self, monkeypatch) -> None:
        monkeypatch.setattr(process, "SECONDS", 0.2)
        with Child("net.onnx") as child:
            os.kill(child._process.pid, signal.SIGSTOP)
            with pytest.raises(verify.InputError, match="takes too long"):
                child.ask({"task": "read"}, [np.zeros(3, np.uint8)])
        assert child._process.returncode == -signal.SIGKILL

    def test_without_the_package_the_extra_is_named(self, monkeypatch, tmp_path) -> None:
        (tmp_path / "onnx").mkdir()
        (tmp_path / "onnx/__init__.py").write_text('raise ModuleNotFoundError("No module named onnx", name="onnx")')
        monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
        with pytest.raises(verify.InputError, match=r"pip install 'dagverify\[onnx\]'"), Child("net.onnx") as child:
            child.ask({"task": "read"}, [np.zeros(3, np.uint8)])

    def test_onnx_is_not_imported_here(self) -> None:
        code = "import sys, verify; verify.from_onnx, verify.write_onnx; sys.exit('onnx' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


SPEC = """
loss = "mse"
[model]
onnx = "net/net.onnx"
[data]
x = [[1.0, 2.0, 3.0], [0.5, -1.0, 0.25]]
y = [0.5, 1.0]
[region]
kind = "ball"
radius = 0.01
"""


@pytest.mark.usefixtures("no_process")
class TestSpecFiles:
    @pytest.fixture
    def write(self, tmp_path):
        (tmp_path / "net").mkdir()
        (tmp_path / "net/net.onnx").write_bytes((FILES / "sklearn_regressor.onnx").read_bytes())

        def run(*replacements):
            text = SPEC
            for old, new in replacements:
                assert text.count(old) == 1
                text = text.replace(old, new)
            path = tmp_path / "spec.toml"
            path.write_text(text)
            return path

        return run

    def test_paths_start_from_the_spec_file(self, write, monkeypatch) -> None:
        path = write()
        monkeypatch.chdir("/")
        specification = verify.load_specification(path)
        data = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 0.25]]), np.array([[0.5], [1.0]])
        direct = verify.from_onnx(FILES / "sklearn_regressor.onnx", *data)
        assert specification.problem.graph == direct.graph
        assert specification.problem.error(direct.initial_weights) == direct.error(direct.initial_weights)
        assert set(specification.vertex_blocks) == {block.label for block in direct.blocks}
        assert path.parent / "net/net.onnx" in specification.document.files
        assert specification.problem.region.radius == 0.01

    def test_keys(self, write) -> None:
        weights = "[weights]\nw = [" + ", ".join(["0.5"] * 17) + "]\n"
        spec = write(
            ("[data]", f'freeze = ["intercepts"]\n{weights}[data]'), ("[region]", "[weight_decay]\n'*' = 0.5\n[region]")
        )
        problem = verify.load_problem(spec)
        assert problem.size == 17 and np.all(problem.initial_weights == 0.5)
        assert set(problem.weight_decay.values()) == {0.5}

    def test_a_report_is_made_of_it(self, write) -> None:
        evidence = verify.report(write(), examples=2)
        assert evidence.verdict is not verify.Verdict.REFUTED
        assert "21 weights" in evidence.html()

    def test_epochs_of_mini_batches(self, write, tmp_path, monkeypatch, capsys) -> None:
        monkeypatch.setattr(importer, "Child", InProcess)
        spec = write()
        batches = parts_of(verify.load_specification(spec), 1)
        x, y = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 0.25]]), np.array([[0.5], [1.0]])
        alone = [verify.from_onnx(spec.parent / "net/net.onnx", x[[k]], y[[k]]) for k in (0, 1)]
        w = alone[0].initial_weights
        assert [part.error(w) for part in batches] == pytest.approx([part.error(w) for part in alone])
        options = ["--batch", "1", "--guard", "epoch", "--eta", "0.01", "--steps", "2", "--json"]
        with pytest.raises(SystemExit) as ended:
            main(["train", str(spec), *options, "--out", str(tmp_path / "run")])
        assert (ended.value.code or 0, json.loads(capsys.readouterr().out)["verdicts"]["PROVED"]) == (0, 2)

    @pytest.mark.parametrize(
        ("old", "new", "expected"),
        [
            ('"mse"', '"mse"\noutput = "y"', r"spec.toml: .*key='output'; name the value in \[model\]"),
            ("[data]", "[weights]\nseed = 1\n[data]", "key='seed'; remove it"),
            ("[data]", "[nodes.x]\nwidth = 3\n[data]", "key='nodes'; keep one of"),
            ("net/net.onnx", "net/no.onnx", r"spec.toml:4: model.onnx: .*no.onnx: no such file"),
            ("net/net.onnx", "spec.toml", r"spec.toml:4: model.onnx: .*not an ONNX model"),
            ("[1.0, 2.0, 3.0], [0.5, -1.0, 0.25]", "[1.0, 2.0], [0.5, -1.0]", "do not fit the inputs of the model"),
            ('[model]\nonnx = "net/net.onnx"', "", "missing key: key='nodes'"),
            ("[data]", "strange = 1\n[data]", "unknown key"),
        ],
    )
    def test_mistakes_are_located(self, write, old, new, expected) -> None:
        with pytest.raises(verify.InputError, match=expected):
            verify.load_specification(write((old, new)))
