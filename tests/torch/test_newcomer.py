"""The newcomer's path with the program that ``pip install`` puts there, each command a process of its own.

`tests.torch.test_target` goes the same way inside one process, in a fraction of the time.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("setuptools", minversion="77")

from tests.sources import ROOT
from tests.torch.test_target import NEWCOMER

PACKAGED = ("verify", "dagverify_pytest", "pyproject.toml", "README.md", "LICENSE", "MANIFEST.in")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that pip installed a wheel of the sources into; what it depends on is there already."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    for name in PACKAGED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--no-compile", "--disable-pip-version-check"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *options, "--target", str(site), str(source)]
    subprocess.run(pip, check=True, capture_output=True, timeout=300)
    return site


def run(installed: Path, folder: Path, *command: str) -> tuple[int, str]:
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.mark.slow
def test_red_then_green_then_watched(installed: Path, tmp_path: Path) -> None:
    module, check = tmp_path / "newcomer.py", (str(installed / "bin/dagverify"), "check", "torch:newcomer:factory")
    module.write_text(NEWCOMER, encoding="utf-8")
    assert len(NEWCOMER.splitlines()) <= 15
    code, out = run(installed, tmp_path, *check)
    assert code in (1, 3), out
    remedy = re.search(r"use lr <= (\S+) with momentum=0\.9", " ".join(out.split()))
    assert remedy is not None, out
    module.write_text(NEWCOMER.replace("lr=2.0", f"lr={remedy[1]}"), encoding="utf-8")
    code, out = run(installed, tmp_path, *check)
    assert code == 0, out
    shown = "import newcomer, verify; print(verify.__file__, *(report.verdict.name for report in newcomer.train()))"
    code, out = run(installed, tmp_path, sys.executable, "-c", shown)
    where, *verdicts = out.split()
    assert code == 0 and Path(where).is_relative_to(installed)
    assert len(verdicts) == 10 and set(verdicts) <= {"PROVED", "REFUTED"}
