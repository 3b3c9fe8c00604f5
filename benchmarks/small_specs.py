"""Small files that describe much work: how long and how much memory `lint` and `check` take with their own limits.

    OPENBLAS_NUM_THREADS=1 python benchmarks/small_specs.py --out benchmarks/small_specs.md

Wanted of each: at most 60 seconds of processor time and 4 GB of memory, the interpreter's included; what stays open
names what is too large, and the remedy. The exit code is 1 if any takes more.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

LONGEST, LARGEST = 60.0, 4e9
HEAD = """# Small files that describe much work

    OPENBLAS_NUM_THREADS=1 python benchmarks/small_specs.py --out benchmarks/small_specs.md

One process each, with the limits that the commands have by default; seconds are those of the processor, the memory is
the largest resident set. Wanted: at most 60 s and 4 GB.

| case | bytes | lint (s) | check (s) | check (MB) | verdict | open |
|---|---|---|---|---|---|---|
"""


def node(name: str, width: int, activation: str, inputs: list[str]) -> str:
    """Return a vertex as TOML."""
    return f"[nodes.{name}]\nwidth = {width}\nactivation = {activation}\ninputs = {json.dumps(inputs)}\n"


def spec(nodes: list[str], output: str, inputs: int = 1, data: str = "") -> str:
    """Return a spec file; without data given, two samples."""
    x = [[round(0.1 + 0.4 * row + 0.01 * column, 2) for column in range(inputs)] for row in range(2)]
    given = data or f"{{x = {x}, y = [[0.1], [0.2]]}}"
    head = f'output = "{output}"\ndata = {given}\nregion = {{kind = "ball", radius = 0.1}}\n'
    return head + f"[nodes.x]\nwidth = {inputs}\n" + "".join(nodes)


def chain(layers: int, width: int = 1, *, skips: bool = False) -> str:
    """Layers one behind the other; with skips each also reads the last but one."""
    nodes = []
    for index in range(layers):
        sources = [f"v{index - 1}" if index else "x"] + ([f"v{index - 2}"] if skips and index > 1 else [])
        nodes.append(node(f"v{index}", width if index < layers - 1 else 1, '"tanh"', sources))
    return spec(nodes, f"v{layers - 1}")


def ladder(steps: int) -> str:
    """Two ways between each two vertices."""
    nodes = []
    for index in range(steps):
        sources = [f"a{index - 1}", f"b{index - 1}"] if index else ["x"]
        nodes += [node(f"{letter}{index}", 1, '"tanh"', sources) for letter in "ab"]
    nodes.append(node("y", 1, '"tanh"', [f"a{steps - 1}", f"b{steps - 1}"]))
    return spec(nodes, "y")


def every_edge(vertices: int) -> str:
    """Each vertex reads all before it."""
    names = [f"v{index}" for index in range(vertices)]
    nodes = [node(name, 1, '"tanh"', ["x", *names[:index]]) for index, name in enumerate(names)]
    return spec(nodes, names[-1])


def nested(depth: int) -> str:
    """A formula in a formula in a formula."""
    formula = "sigmoid(" * depth + "x" + ")" * depth
    return spec([node("h", 2, f'{{expr = "{formula}"}}', ["x"]), node("y", 1, '"tanh"', ["h"])], "y")


def one_sample(columns: int, folder: Path) -> str:
    """A wide sample in a file beside the spec."""
    np.savez(folder / "wide.npz", x=np.random.default_rng(0).normal(size=(1, columns)), y=np.ones((1, 1)))
    nodes = [node("h", 10, '"tanh"', ["x"]), node("y", 1, '"tanh"', ["h"])]
    return spec(nodes, "y", columns, '{source = "npz:wide.npz"}')


def wide(width: int) -> str:
    """Two hidden layers of many units."""
    names = ["x", "h1", "h2"]
    nodes = [node(name, width, '"tanh"', [before]) for before, name in itertools.pairwise(names)]
    return spec([*nodes, node("y", 1, '"tanh"', ["h2"])], "y", 10)


CASES: dict[str, Callable[[Path], str]] = {
    "two ways forty times": lambda folder: ladder(40),
    "sixty vertices, every edge": lambda folder: every_edge(60),
    "200 layers of 8": lambda folder: chain(200, 8),
    "400 layers with skips": lambda folder: chain(400, skips=True),
    "23 sigmoids in one formula": lambda folder: nested(23),
    "one sample of 10^4 columns": lambda folder: one_sample(10**4, folder),
    "one sample of 10^5 columns": lambda folder: one_sample(10**5, folder),
    "two layers of 2000": lambda folder: wide(2000),
    "10^4 layers": lambda folder: chain(10**4),
    "10^5 layers": lambda folder: chain(10**5),
}


def run(arguments: list[str], folder: Path) -> tuple[float, float, int, str]:
    """Return seconds, bytes, exit code and stdout of a command."""
    with (folder / "out").open("w+b") as out, (folder / "err").open("w+b") as err:
        command = [sys.executable, "-c", "from verify.cli import main; main()", *arguments]
        process = subprocess.Popen(command, stdout=out, stderr=err, cwd=folder)
        _, status, used = os.wait4(process.pid, 0)
        code = process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        words = out.read().decode() or err.read().decode()
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024.0, code, words


def open_parts(report: dict[str, object]) -> str:
    """Return what is undecided of a report though it counts, with its remedy."""
    gradients = report["gradients"]
    if not isinstance(gradients, dict):
        raise SystemExit("no report")
    findings = [gradients["proof"], gradients["check"]] if gradients["verdict"] != "PROVED" else []
    assumptions = report["assumptions"]
    findings += [each for each in assumptions if each["counted"]] if isinstance(assumptions, list) else []
    said = [each for each in findings if each["verdict"] == "UNDECIDED"]
    return "; ".join(f"{each['id']}: {each['statement']}; remedy: {each['remedy']}" for each in said)


def measured(name: str, folder: Path) -> tuple[str, bool]:
    """Return the row of a case, and whether it keeps to its limits."""
    text = CASES[name](folder)
    (folder / "net.toml").write_text(text)
    lint_seconds, _, lint_code, _ = run(["lint", "net.toml"], folder)
    seconds, memory, code, words = run(["check", "net.toml", "--json"], folder)
    if code in (0, 1, 3):
        report = json.loads(words)
        verdict, said = report["verdict"], open_parts(report)
    else:
        verdict, said = f"exit code {code}", words.strip()
    said = re.sub(r"\d{40,}", "(a number of many digits)", said).replace("|", "\\|").replace("\n", " ")
    row = (
        f"| {name} | {len(text)} | {lint_seconds:.1f} | {seconds:.1f} | {memory / 1e6:.0f} | {verdict} | {said[:600]} |"
    )
    keeps = max(lint_seconds, seconds) <= LONGEST and memory <= LARGEST and lint_code == 0 and code in (0, 3)
    return row, keeps


def main() -> int:
    """Measure the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--case", action="append", choices=CASES, help="only this one; may be repeated")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    rows, kept = [], True
    for name in asked.case or CASES:
        with tempfile.TemporaryDirectory() as folder:
            row, keeps = measured(name, Path(folder))
        print(row, flush=True)
        rows.append(row)
        kept &= keeps
    if asked.out:
        asked.out.write_text(HEAD + "\n".join(rows) + "\n")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
