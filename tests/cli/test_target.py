"""What a command line names: without PyTorch a target of its kind is one line with the remedy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from verify import InputError
from verify.cli.target import load


@pytest.mark.parametrize("command", ["check", "range", "train", "test", "gradients"])
def test_without_torch_the_remedy_is_told(command: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['torch'] = None\n")
    (tmp_path / "net.py").write_text("raise SystemExit('this code must not run')\n")
    options = ["--out", "run"] if command == "train" else []
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import sitecustomize; from verify.cli.app import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), command, "torch:net:factory", *options],
        cwd=tmp_path, env={"PYTHONPATH": f"{tmp_path}:{Path.cwd()}"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr
        == "error: torch:net:factory: PyTorch is not installed: missing='torch'; pip install 'dagverify[torch]'\n"
    )


def test_a_file_is_a_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"torch\.toml"):
        load(tmp_path / "torch.toml")
