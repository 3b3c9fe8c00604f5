"""``dagverify init SPEC --module``: files from which the same problem is read, without the module and its code."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from verify import GraphProblem, Problem  # noqa: E402 -- only where torch is installed
from verify.cli.app import main  # noqa: E402
from verify.cli.target import load  # noqa: E402
from verify.spec.stored_question import require_same  # noqa: E402

FACTORIES = """\
import torch, verify
from torch import nn
X, Y = torch.rand(5, 2), torch.rand(5, 1)
def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
def classical():
    module = net()
    return module, X, Y, "half-squared-error", torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.5, nesterov=True)
def decayed():
    module = net()
    return module, X, Y, "mse", torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.5, weight_decay=0.125)
def by_name():
    module = net()
    loss = nn.HuberLoss()
    return {"module": module, "inputs": X, "targets": Y, "loss": loss, "weight_decay": {"0.weight": 0.5},
            "optimizer": torch.optim.AdamW(module.parameters(), lr=0.01), "region": verify.BoundedWeights(9.0)}
def named():
    return {"module": net(), "inputs": X, "targets": Y, "name": "x" * 300}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "stored_nets", raising=False)
    (tmp_path / "stored_nets.py").write_text(FACTORIES)
    return tmp_path


def init(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["init", *arguments])
    return int(left.value.code or 0)


@pytest.mark.parametrize(
    ("name", "kind"), [("classical", Problem), ("decayed", GraphProblem), ("by_name", GraphProblem)]
)
def test_the_files_hold_the_modules_problem(name: str, kind: type, folder: Path) -> None:
    question = load(Path(f"torch:stored_nets:{name}"))
    assert init("net.toml", "--module", f"torch:stored_nets:{name}") == 0
    (folder / "stored_nets.py").unlink()
    read = load(Path("net.toml"))
    assert isinstance(read.problem, kind)
    require_same(question, read, "net.toml")
    assert init("net.toml", "--module", f"torch:stored_nets:{name}") == 2


def test_the_files_are_read_without_torch(folder: Path) -> None:
    assert init("net.toml", "--module", "torch:stored_nets:decayed") == 0
    program = "import sys; sys.modules['torch'] = None; import verify; verify.load_problem('net.toml')"
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("net.toml", "--module", "stored_nets:decayed"), "no module and factory"),
        (("net.toml", "--module", "torch:stored_nets:absent"), "no such factory"),
        (("net.toml", "--module", "torch:stored_nets:decayed", "--hidden", "3"), "an option of --data beside --module"),
        (("net.toml", "--module", "torch:stored_nets:decayed", "--data", "d.npz"), "needs samples, or a module"),
        (("--module", "torch:stored_nets:decayed"), "either SPEC"),
        (("net.toml", "--module", "torch:stored_nets:named"), "net.toml:2"),
    ],
)
def test_what_cannot_be_written_is_one_line_and_leaves_nothing(
    arguments: tuple[str, ...], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert init(*arguments) == 2
    written = capsys.readouterr()
    assert words in written.err
    assert (written.out, len(written.err.splitlines())) == ("", 1)
    assert {path.name for path in folder.iterdir()} - {"__pycache__"} == {"stored_nets.py"}
