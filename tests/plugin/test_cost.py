"""A run that does not use the plugin pays next to nothing for it."""

from __future__ import annotations

import subprocess
import sys

LIMIT_SECONDS = 0.05

LOADED = """\
import sys, time
import pytest, tomllib

start = time.perf_counter()
import dagverify_pytest.plugin
print(time.perf_counter() - start)
"""

RUN = """\
import sys, pathlib, pytest
pathlib.Path("test_own.py").write_text("def test_own(): pass")
assert pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]) == 0
assert "dagverify_pytest.plugin" in sys.modules
print("LOADED", sorted(name for name in sys.modules if name.split(".")[0] in {heavy!r}))
"""

HEAVY = ("sympy", "networkx", "numpy", "scipy", "flint", "sklearn", "pydantic", "hypothesis", "verify")


def _output(code: str, folder: object) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], cwd=str(folder), capture_output=True, text=True, check=True
    ).stdout


def test_a_run_without_spec_files_imports_nothing_heavy(tmp_path):
    assert _output(RUN.format(heavy=HEAVY), tmp_path).splitlines()[-1] == "LOADED []"


def test_the_import_is_fast(tmp_path):
    assert min(float(_output(LOADED, tmp_path)) for _ in range(5)) < LIMIT_SECONDS
