"""The notebooks of the gallery hold no outputs; one that fails or complains when it is executed stops the build.

`make docs` executes the gallery itself.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from docs.notebooks import FOLDER, text_of
from tests.docs.blocks import ROOT

NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PROGRAM = "import sys; from pathlib import Path; from docs.notebooks import page_of; print(page_of(Path(sys.argv[1])))"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    codes = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    assert codes and not any(cell["outputs"] or cell["execution_count"] for cell in codes)
    assert len({cell["id"] for cell in content["cells"]}) == len(content["cells"])
    assert text_of(path).startswith("# ")
    code = "\n".join("".join(cell["source"]) for cell in codes)
    assert "from sklearn.datasets import load_" in code, "a notebook of the gallery shows real data"
    assert "torch" not in code and "http" not in code


def test_the_gallery_lists_them() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert NOTEBOOKS and all(f"]({path.name})" in text for path in NOTEBOOKS)


def executed(folder: Path, *sources: str) -> subprocess.CompletedProcess[str]:
    """Execute a notebook of these cells; in another process, for a warning of Jupyter's libraries is an error here."""
    cells = [
        {"cell_type": "code", "id": f"c{n}", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
        for n, source in enumerate(sources)
    ]
    path = folder / "a.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)], check=False, cwd=ROOT, capture_output=True, text=True
    )


needs_jupyter = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("nbconvert", "ipykernel"))), reason="nbconvert or ipykernel is not installed"
)


@needs_jupyter
def test_what_cells_show_is_on_the_page(tmp_path: Path) -> None:
    table = "class A:\n    _repr_html_ = lambda self: '<b>seven</b>'\nA()"
    done = executed(tmp_path, "import os\nprint(40 + 2, os.listdir())", table)
    assert done.returncode == 0, done.stderr
    assert "42 []" in done.stdout and "<b>seven</b>" in done.stdout


@needs_jupyter
@pytest.mark.parametrize(
    "source, fault", [("1 / 0", "ZeroDivisionError"), ("import sys; sys.stderr.write('ahem')", "ahem")]
)
def test_a_cell_that_fails_or_complains_stops_the_build(source: str, fault: str, tmp_path: Path) -> None:
    done = executed(tmp_path, source)
    assert done.returncode != 0 and "NotebookError" in done.stderr and fault in done.stderr
