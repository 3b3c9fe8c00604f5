"""Every command and program in the pages is run, and prints what its page shows."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, blocks, page_blocks, pages
from tests.docs.output import agrees
from tests.docs.run_page import Page, PageError


def run_page(page: str, folder: Path, *options: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    environment.pop("COLUMNS", None)  # which a worker of pytest-xdist may have; the pages show what a file would hold
    command = [sys.executable, "-m", "tests.docs.run_page", page, *options]
    done = subprocess.run(command, check=False, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def runnable(page: str) -> bool:
    return any(
        block.language in ("console", "sh", "python", "text") and not block.needs_torch and not block.slow
        for block in page_blocks(page)
    )


@pytest.mark.parametrize("page", [page for page in pages() if runnable(page)])
def test_blocks_do_what_the_page_says(page: str, tmp_path: Path) -> None:
    run_page(page, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in pages() if any(block.slow for block in page_blocks(page))])
def test_long_blocks_do_what_the_page_says(page: str, tmp_path: Path) -> None:
    run_page(page, tmp_path, "--slow")


WORDS_A_MINUTE = 238
"""Of adults who read a text to themselves: Brysbaert, Journal of Memory and Language 109 (2019)."""


def test_the_readme_is_read_in_three_minutes() -> None:
    text = re.sub(r"^```.*?^```", "", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.M | re.S)
    words = re.findall(r"[^\W\d_][\w'.-]*", re.sub(r"\]\([^)]*\)", "]", text))
    assert 100 < len(words) <= 3 * WORDS_A_MINUTE


def test_extras_that_the_pages_install_exist() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for page in (*pages(), "examples/ci/README.md"):
        for names in re.findall(r"dagverify\[([a-z,]+)\]", (ROOT / page).read_text(encoding="utf-8")):
            assert set(names.split(",")) <= set(extras), page


def test_every_command_that_is_shown_is_run() -> None:
    """No line starts with a prompt or a command's name but in a block that is run; blocks start in the first column."""
    for page in pages():
        text = (ROOT / page).read_text(encoding="utf-8")
        assert not re.search(r"^ +```", text, re.M), page
        for block in blocks(text):
            if block.language in ("console", "sh", "python") or block.file:
                text = text.replace(block.text, "")
        assert not re.search(r"^(    )?(\$ |dagverify |python |pip )", text, re.M), page


def faults_of_excerpt(text: str) -> list[str]:
    """Return what a block in ``py``, an excerpt that is not run, says of this package that is not so."""
    found, classes = [], {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("verify"):
            source = ROOT / f"{str(node.module).replace('.', '/')}.py"
            defined = ast.parse(source.read_text(encoding="utf-8")).body if source.is_file() else []
            known = {each.name: each for each in defined if isinstance(each, ast.ClassDef)}
            found += [f"{node.module} has no {each.name}" for each in node.names if each.name not in known]
            classes |= known
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in classes:
            body = classes[node.func.id].body
            makes = next(each for each in body if isinstance(each, ast.FunctionDef) and each.name == "__init__")
            names = {each.arg for each in (*makes.args.args, *makes.args.kwonlyargs)}
            found += [f"{node.func.id} has no {each.arg}" for each in node.keywords if each.arg not in names]
    return found


def test_excerpts_name_what_exists() -> None:
    excerpts = [block for page in pages() for block in page_blocks(page) if block.language == "py"]
    assert excerpts and [fault for block in excerpts for fault in faults_of_excerpt(block.text)] == []
    right = "from verify.torch.lightning import LightningMonitor\nLightningMonitor(x, y, loss='mse')\n"
    assert faults_of_excerpt(right) == []
    assert faults_of_excerpt(right.replace("loss", "los")) == ["LightningMonitor has no los"]
    assert faults_of_excerpt(right.replace("import L", "import N")) == [
        "verify.torch.lightning has no NightningMonitor"
    ]


PLANTED = {
    "a command that fails": ("console", "$ false\n"),
    "another exit code": ("console", "$ false\n$ echo $?\n0\n"),
    "another output": ("console", "$ echo PROVED\nREFUTED\n"),
    "output that is missing": ("console", "$ true\nPROVED\n"),
    "a script that fails": ("sh", "false\ntrue\n"),
    "a script that was to fail": ("sh", "true  # red: it does not\n"),
    "a program that fails": ("python", "raise ValueError\n"),
    "a doctest that fails": ("python", ">>> 1 + 1\n3\n"),
}


@pytest.mark.parametrize("language, text", PLANTED.values(), ids=PLANTED)
def test_planted_faults_are_seen(language: str, text: str) -> None:
    (block,) = blocks(f"```{language}\n{text}```\n")
    with pytest.raises((PageError, ValueError)):
        Page("planted").run(block)


RIGHT = """
```console
$ echo a 1.2345 b
a 1.23 ...
$ false
$ echo $?
1
```
```sh
false  # red
true
```
```python
x = 2
print(x)
```
```text title="prints"
2
```
```python
>>> x
2
```
"""


def test_what_is_right_passes() -> None:
    page = Page("right")
    for block in blocks(RIGHT):
        page.run(block)
    assert page.printed == "2\n"


def test_an_excerpt_of_a_file_is_held_against_it() -> None:
    (block,) = blocks('```python title="tests/docs/blocks.py"\nNEEDS_TORCH = "needs PyTorch"\n```\n')
    Page("planted").run(block)
    (block,) = blocks('```python title="tests/docs/blocks.py"\nNEEDS_TORCH = "needs tensors"\n```\n')
    with pytest.raises(PageError, match="has no line"):
        Page("planted").run(block)


@pytest.mark.parametrize(
    "shown, printed, same",
    [
        ("PROVED", "PROVED", True),
        ("PROVED", "PROVED more", False),
        ("PROVED ...", "PROVED more", True),
        ("... tail", "head tail", True),
        ("a ... b ... c", "a x c b c", True),
        ("a ... b", "a c", False),
        ("eta <= 0.33", "eta <= 0.3322", True),
        ("eta <= 0.33", "eta <= 0.36", False),
        ("20 steps", "21 steps", False),
        ("... 20", "more 20", True),
        ("... 20", "more 120", False),
        ("by ...: PROVED", "by 0.1: PROVED", True),
        ("... tail", "tail", True),
    ],
)
def test_outputs_are_compared(shown: str, printed: str, same: bool) -> None:
    assert agrees(shown, printed) is same
