"""Hessian bounds over balls of deep networks, with and without what is gained from data that point in many directions.

    python benchmarks/deep_balls.py --network residual --network deep --out benchmarks/deep_balls.md
    python benchmarks/deep_balls.py --network residual --radius 0.01

All columns of a row come from one run: the attack (Lanczos on exact Hessian-vector products, then ascent from several
starts; its value is proved), the bound as sums of norms sample by sample and edge by edge, and the bound as it is. The
ratio is bound / attack, 1 would be perfect. Exit code 1 if a bound is below its attack.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np

from verify import Architecture, Problem, load_problem
from verify.bounds.attack import attack_hessian
from verify.bounds.hessian import hessian_bound
from verify.bounds.regions import Ball

EXAMPLE = Path(__file__).parent.parent / "examples" / "breast_cancer_residual.toml"
RADII = (0.01, 0.1, 1.0)
ALIGNING = ("majorant.center", "majorant.trajectory", "hessian_norms")


def residual() -> Problem:
    """Return the example on standardised inputs of mean square norm 1 and targets +-1."""
    problem = load_problem(EXAMPLE)
    inputs = np.asarray(problem.inputs) / np.sqrt(problem.architecture.input_dimension)
    return Problem(problem.architecture, inputs, 2.0 * np.asarray(problem.targets) - 1.0)


def deep() -> Problem:
    """Return four tanh layers of 20 units, each but the first one with an identity skip, on standardised inputs."""
    problem = load_problem(EXAMPLE)
    nodes: dict[str, dict] = {"x": {"width": 30}, "h1": {"width": 20, "activation": "tanh", "inputs": ["x"]}}
    for layer in (2, 3, 4):
        before = f"h{layer - 1}"
        skip = {"from": before, "kind": "identity"}
        nodes[f"h{layer}"] = {"width": 20, "activation": "tanh", "inputs": [before, skip]}
    nodes["y"] = {"width": 1, "activation": "identity", "inputs": ["h4"]}
    targets = 2.0 * np.asarray(problem.targets) - 1.0
    return Problem(Architecture.from_data(nodes, output="y"), np.asarray(problem.inputs), targets)


def example() -> Problem:
    """Return the example as its file has it."""
    return load_problem(EXAMPLE)


NETWORKS = {"residual": residual, "deep": deep, "example": example}


@contextlib.contextmanager
def sums_of_norms() -> Iterator[None]:
    """Take every sample and every edge at its worst."""
    with contextlib.ExitStack() as stack:
        for module in ALIGNING:
            stack.enter_context(mock.patch(f"verify.bounds.{module}.aligned_data", lambda *_: {}))
        stack.enter_context(mock.patch("verify.bounds.hessian_center.together", lambda _, __, apart: apart))
        yield


def row(name: str, radius: float) -> str:
    """Measure one ball; the problem is made anew for each bound, so that neither finds facts of the other."""
    problem = NETWORKS[name]()
    region = Ball(problem.initial_weights, radius)
    attack = attack_hessian(problem, region).value
    with sums_of_norms():
        before = hessian_bound(problem, region).value
    problem, started = NETWORKS[name](), time.process_time()
    bound = hessian_bound(problem, region)
    spent = time.process_time() - started
    direct = bound.terms.get("direct", np.nan)
    line = (
        f"| {name} | {radius:g} | {attack:.4g} | {before:.4g} | {before / attack:.3g} | {bound.value:.4g} | "
        f"{bound.value / attack:.3g} | {direct:.4g} | {bound.terms['norms']:.4g} | {spent:.0f} |"
    )
    return line if bound.value >= attack else f"VIOLATION: {line}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Hessian bounds over balls of deep networks")
    parser.add_argument("--network", choices=sorted(NETWORKS), action="append")
    parser.add_argument("--radius", type=float, action="append")
    parser.add_argument("--out", type=Path, help="write the table there, row by row")
    parser.add_argument("--append", action="store_true", help="add the rows to the file's table")
    options = parser.parse_args()
    command = " ".join(["python", "benchmarks/deep_balls.py", *sys.argv[1:]])
    columns = "network | r | attack | sums of norms | ratio | bound | ratio | direct | norms | bound, s"
    head = [
        "# Hessian bounds of deep networks",
        "",
        f"`{command}`: see its text.",
        "",
        f"| {columns} |",
        "|---" * 10 + "|",
    ]
    lines = options.out.read_text().splitlines() if options.out and options.append else head
    for name in options.network or list(NETWORKS):
        for radius in options.radius or RADII:
            lines.append(row(name, radius))
            print(lines[-1], flush=True)
            if options.out:
                options.out.write_text("\n".join([*lines, ""]))
    return 1 if any(line.startswith("VIOLATION") for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
