"""Commands about a function of the user's that returns a PyTorch module with its data."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from verify import BoundedWeights, InputError, Problem  # noqa: E402 -- only where torch is installed
from verify.cli.app import main  # noqa: E402
from verify.cli.batches import parts_of  # noqa: E402
from verify.cli.target import load  # noqa: E402

NEWCOMER = """\
import torch
from torch import nn
from verify.torch import Monitor
def factory():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    x, y = torch.rand(6, 2).double(), torch.rand(6, 1).double()
    return net, x, y, "half-squared-error", torch.optim.SGD(net.parameters(), lr=2.0, momentum=0.9)
def train():
    net, x, y, _, optimizer = factory()
    with Monitor(optimizer, net, x, y) as monitor:
        for _ in range(10):
            optimizer.zero_grad(), (0.5 * ((net(x) - y) ** 2).sum() / len(x)).backward(), optimizer.step()
    return monitor.reports
"""

FACTORIES = """\
import torch, verify
from torch import nn
print("the user's own words")
X, Y = torch.rand(5, 2), torch.rand(5, 1)
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
def three(): return net(), X, Y
def named(): return {"module": net(), "inputs": X, "targets": Y, "loss": "half-squared-error", "radius": 0.25}
def bounded(): return {**named(), "region": verify.BoundedWeights(9.0), "name": "mine"}
def labelled():
    module = net().append(nn.Linear(1, 3))
    return {"module": module, "inputs": X, "targets": torch.tensor([0, 1, 2, 0, 1]), "loss": nn.CrossEntropyLoss(),
            "optimizer": torch.optim.AdamW(module.parameters(), lr=0.01)}
def plain(): return {**labelled(), "optimizer": None}
def decayed():
    module = net()
    return module, X, Y, "mse", torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.5, weight_decay=0.125)
def numbers(): return net(), X, Y, "mse", {"lr": 0.01, "momentum": 0.5}
class Made:
    @staticmethod
    def here(): return three()
def fails(): return 1 / 0
def leaves(): raise SystemExit(3)
def nothing(): return None
def misspelt(): return {**named(), "los": "mse"}
def incomplete(): return {"module": net(), "inputs": X}
def twice(): return {**named(), "optimizer": {"lr": 1, "weight_decay": 1}, "weight_decay": 1}
def groups():
    module = net()
    both = [{"params": module[0].parameters(), "lr": 0.1}, {"params": module[2].parameters()}]
    return module, X, Y, "mse", torch.optim.SGD(both, lr=0.2)
def adagrad(): return (module := net()), X, Y, "mse", torch.optim.Adagrad(module.parameters())
def no_optimizer(): return net(), X, Y, "mse", 0.1
def other_numbers(): return net(), X, Y, "mse", {"rate": 0.1}
def no_region(): return {**named(), "region": 0.1}
def outside(): return {**named(), "region": verify.BoundedWeights(0.01)}
def no_loss(): return net(), X, Y, "mae"
model = net()
number = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("factories", "newcomer", "obeyed"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    (tmp_path / "factories.py").write_text(FACTORIES)
    (tmp_path / "newcomer.py").write_text(NEWCOMER)
    (tmp_path / "broken.py").write_text("import nothing_like_it\n")
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    written = capsys.readouterr()
    return int(left.value.code or 0), written.out, written.err


def target(name: str) -> Any:
    return load(Path(f"torch:factories:{name}"))


class TestFactories:
    def test_a_loss_of_the_classical_class_is_a_classical_problem(self, folder: Path) -> None:
        found = target("named")
        assert isinstance(found.problem, Problem)
        assert (found.problem.region.radius, found.problem.name) == (0.25, "Sequential with half-squared-error")
        assert found.document.files == (folder / "factories.py",)
        assert found.asked is None

    def test_another_loss_is_imported(self, folder: Path) -> None:
        for name, expected in (("three", "Sequential with mse"), ("labelled", "Sequential with CrossEntropyLoss")):
            found = target(name)
            assert not isinstance(found.problem, Problem)
            assert (found.problem.name, found.problem.region.radius) == (expected, 0.1)
        assert target("Made.here").problem.size == 13
        assert found.momentum is None and found.asked.kind == "adamw"

    def test_regions(self, folder: Path) -> None:
        found = target("bounded").problem
        assert isinstance(found.region, BoundedWeights) and found.name == "mine"

    def test_the_optimizers_weight_decay_is_a_part_of_the_error(self, folder: Path) -> None:
        found = target("decayed")
        assert set(found.problem.weight_decay.values()) == {0.125}
        assert (found.momentum.eta, found.momentum.mu) == (0.01, 0.5) == (target("numbers").momentum.eta, 0.5)


REFUSED = {
    "fails": "ZeroDivisionError",
    "leaves": "SystemExit: 3",
    "nothing": "return module, inputs, targets",
    "misspelt": "did you mean 'loss'",
    "incomplete": r"missing=\['targets'\]",
    "twice": "weight decay is given twice",
    "groups": "settings of their own",
    "adagrad": "nothing is known of this optimizer",
    "no_optimizer": "not an optimizer",
    "other_numbers": "not an optimizer's numbers",
    "no_region": "not a region",
    "outside": "region",
    "no_loss": "unknown loss",
    "model": "a factory is a function",
    "number": "a factory is a function",
    "tree": "did you mean 'three'",
    "": "write torch:package.module:factory",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_factory_may_not_return_is_one_line(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match=REFUSED[name]) as error:
        target(name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("torch:absent:f", "no such module: module='absent'"),
        ("torch:absent.part:f", "no such module: module='absent'"),
        ("torch:broken:f", r"broken\.py:1: the factory's code failed: .*nothing_like_it"),
        ("torch:factories", "write torch:package.module:factory"),
        ("torch:1:f", "write torch:package.module:factory"),
        ("torch:factories:f()", "write torch:package.module:factory"),
    ],
)
def test_names_that_lead_nowhere(folder: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load(Path(text))


def test_the_answer_is_alone_on_stdout(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "range", "torch:factories:named", "--json")
    assert (code, json.loads(out)["name"]) == (0, "Sequential with half-squared-error")
    assert "the user's own words" in err


def test_no_output_replaces_the_users_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "check", "torch:factories:named", "--junit", "factories.py", "--force")
    assert code == 2
    assert "factories.py" in err
    assert (folder / "factories.py").read_text() == FACTORIES


def test_epochs_of_mini_batches(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = target("labelled")
    batches = parts_of(found, 2)
    assert [part.error(part.initial_weights) for part in batches] == pytest.approx(
        [torch.nn.functional.cross_entropy(*rows).item() for rows in _labelled_rows(2)], rel=1e-6
    )
    options = ("--batch", "2", "--guard", "epoch", "--eta", "0.1", "--out", "epochs", "--json")
    code, out, _ = run(capsys, "train", "torch:factories:labelled", *options, "--steps", "2")
    assert (code, json.loads(out)["verdicts"]["PROVED"]) == (0, 2)
    code, out, _ = run(capsys, "train", "torch:factories:labelled", *options, "--steps", "3", "--resume")
    assert (code, json.loads(out)["steps"]) == (0, 3)
    code, out, _ = run(capsys, "range", "torch:factories:plain", "--epoch", "--batch", "1", "--json")
    assert (code, json.loads(out)["ranges"][0]["verdict"]) == (0, "PROVED")


def _labelled_rows(size: int) -> list[Any]:
    import factories

    given = factories.labelled()
    outputs = given["module"](given["inputs"]).detach()
    return [(outputs[k : k + size], given["targets"][k : k + size]) for k in range(0, 5, size)]


def test_training_and_tests_and_gradients(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "train", "torch:factories:named", "--steps", "3", "--out", "run")[0] == 0
    assert run(capsys, "train", "torch:factories:named", "--steps", "5", "--out", "run", "--resume")[0] == 0
    assert run(capsys, "gradients", "torch:factories:named")[0] == 0
    assert run(capsys, "test", "torch:factories:named", "--examples", "3")[0] == 0


def test_a_report_is_made_of_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, _ = run(capsys, "report", "torch:factories:named", "-o", "report.html", "--examples", "2")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert (
        code == 0 and "dagverify check torch:factories:named" in page and "Sequential with half-squared-error" in page
    )


def test_certificates_and_recommendations(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = "torch:factories:named"
    assert run(capsys, "certify", target, "--kind", "step", "-o", "step.json")[0] == 0
    assert run(capsys, "recheck", "step.json", "--spec", target)[0] == 0
    assert run(capsys, "recheck", "step.json", "--spec", "torch:factories:three")[0] != 0
    assert run(capsys, "recommend", target, "--steps", "1", "--momentum", "0", "--time-limit", "20")[0] == 0
    code, _, err = run(capsys, "explain", target)
    assert (code, f"dagverify init net.toml --module {target}" in err) == (2, True)


@pytest.mark.parametrize("kind", ["classical", "imported"])
def test_the_newcomers_path(kind: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code_of = NEWCOMER
    if kind == "imported":
        code_of = code_of.replace('"half-squared-error"', "nn.HuberLoss(delta=9.0)").replace("nn.Tanh()", "nn.GELU()")
        code_of = code_of.replace("Monitor(optimizer, net, x, y)", "Monitor(optimizer, net, x, y, loss=loss)")
        code_of = code_of.replace("net, x, y, _, optimizer =", "net, x, y, loss, optimizer =")
        code_of = code_of.replace("(0.5 * ((net(x) - y) ** 2).sum() / len(x))", "loss(net(x), y)")
    assert len(code_of.splitlines()) <= 15
    (folder / "newcomer.py").write_text(code_of)
    code, out, _ = run(capsys, "check", "torch:newcomer:factory")
    assert code in (1, 3)
    remedy = re.search(r"use lr <= (\S+) with momentum=0\.9", " ".join(out.split()))
    assert remedy is not None
    (folder / "obeyed.py").write_text(code_of.replace("lr=2.0", f"lr={remedy[1]}"))
    code, out, _ = run(capsys, "check", "torch:obeyed:factory")
    assert code == 0, out
    import obeyed

    reports = obeyed.train()
    assert {report.verdict.name for report in reports} <= {"PROVED", "REFUTED"}
    assert [report.multiple for report in reports] == [1] * 10
