"""Error after 100 and 300 steps, increases and cost of proved training against SafeRate and a tuned heavy ball.

    OPENBLAS_NUM_THREADS=1 python benchmarks/training.py [--problems autoencoder wine ...] [--peer PYTHON] [--out FILE]

Errors are medians over the seeds of the initial weights; increases (a step after which E in float64 is larger) and
proved steps, of those taken until nothing more can be proved, are counted over all seeds. The heavy ball (momentum 0.9)
gets, for each problem, the learning rate of ten with the least median of final errors, and no proof. SafeRate
bounds each step along -g with autobound, which neglects rounding. One g is the time of one gradient, measured in turns
with the training; SafeRate's are jax's. A table in FILE of a problem that is not run again stays as it was.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from segment_cases import peer_python

from verify import Architecture, Problem, Verdict, load_problem, train

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent / "examples"
MOMENTUM = 0.9
LEARNING_RATES = [float(rate) for rate in np.geomspace(0.02, 40.0, 10)]


def wine() -> Problem:
    from sklearn.datasets import load_wine

    x, labels = load_wine(return_X_y=True)
    nodes = {
        "x": {"width": 13},
        "h1": {"width": 8, "activation": "tanh", "inputs": ["x"]},
        "h2": {"width": 8, "activation": "tanh", "inputs": ["h1", {"from": "h1", "kind": "identity"}]},
        "y": {"width": 3, "activation": "sigmoid", "inputs": ["h2", "x"]},
    }
    return Problem(Architecture.from_data(nodes, output="y"), (x - x.mean(0)) / x.std(0), np.eye(3)[labels])


PROBLEMS: dict[str, tuple[Callable[[], Problem], int]] = {
    "digits autoencoder": (lambda: load_problem(EXAMPLES / "digits_autoencoder.toml"), 4),
    "breast cancer, residual": (lambda: load_problem(EXAMPLES / "breast_cancer_residual.toml"), 4),
    "wine, residual and skip": (wine, 4),
    "digits, residual convolution": (lambda: load_problem(EXAMPLES / "digits_convolution.toml"), 1),
}
"""How to make a problem, and how many seeds it is trained from."""


class Run(NamedTuple):
    """Errors (steps + 1,), cost per step in gradients, steps proved to decrease the error of those taken."""

    errors: np.ndarray
    cost: float
    proved: int | None = None
    taken: int = 0


def proved_run(problem: Problem, w: np.ndarray, rule: Any, steps: int) -> Run:
    gradient_times: list[float] = []

    def interleave(index: int, error: float, record: Any) -> None:
        if index % 10 == 1:
            start = time.process_time()
            problem.error_and_gradient(w)
            gradient_times.append(time.process_time() - start)

    start = time.process_time()
    run = train(problem, w, steps=steps, rule=rule, callback=interleave)
    spent = time.process_time() - start - sum(gradient_times)
    cost = spent / max(1, len(run.steps)) / float(np.median(gradient_times))
    errors = np.append(run.errors, np.full(steps + 1 - len(run.errors), run.errors[-1]))
    return Run(errors, cost, sum(verdict is Verdict.PROVED for verdict in run.verdicts), len(run.steps))


def heavy_ball(problem: Problem, w: np.ndarray, rate: float, steps: int) -> Run:
    step, errors = np.zeros_like(w), []
    with np.errstate(all="ignore"):
        for _ in range(steps):
            error, gradient = problem.error_and_gradient(w)
            errors.append(error)
            step = MOMENTUM * step - rate * gradient
            if not (np.isfinite(error) and np.all(np.isfinite(w + step))):
                return Run(np.array([*errors, *[np.inf] * (steps + 1 - len(errors))]), 1.0)
            w = w + step
        errors.append(problem.error(w))
    return Run(np.array(errors), 1.0)


def safe_rate(python: str, problem: Problem, starts: list[np.ndarray], steps: int) -> list[Run]:
    architecture = problem.architecture
    vertices = [
        {
            "name": name,
            "activation": architecture.vertices[name].activation.name,
            "bias": architecture.vertices[name].bias,
            "parameters": [architecture.layout.shapes[key] for key in vertex_keys(architecture, name)],
            "edges": [
                {"source": edge.source, "in_shape": architecture.vertices[edge.source].shape, **edge.map.to_data()}
                | {"kind": edge.kind}
                for edge in architecture.in_edges(name)
            ],
        }
        for name in architecture.vertices
        if not architecture.vertices[name].is_input
    ]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "task.json").write_text(json.dumps({"vertices": vertices, "steps": steps}), encoding="utf-8")
        np.savez(folder / "task.npz", x=problem.inputs, y=problem.targets, w=np.array(starts))
        one_thread = {**os.environ, "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"}
        command = [python, str(HERE / "training_peer.py"), str(folder)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=one_thread)
    return [Run(np.array(run["errors"]), run["gradients_per_step"]) for run in json.loads(done.stdout)]


def vertex_keys(architecture: Architecture, name: str) -> list[Any]:
    """Keys of the vertex's parameters, in the order of the weight vector."""
    keys: list[Any] = [edge.key for edge in architecture.in_edges(name) if edge.map.parameter_shape]
    return [*keys, name] if architecture.vertices[name].bias else keys


def row(rule: str, runs: list[Run], steps: int) -> str:
    errors = np.array([run.errors for run in runs])
    middle, last = np.median(errors[:, min(100, steps)]), np.median(errors[:, -1])
    rises = int(np.sum(~(np.diff(errors, axis=1) <= 0)))
    taken = sum(run.taken for run in runs)
    proved = "-" if runs[0].proved is None else f"{sum(run.proved or 0 for run in runs)}/{taken}"
    cost = float(np.median([run.cost for run in runs]))
    return f"| {rule} | {len(runs)} | {middle:.4g} | {last:.4g} | {rises} | {proved} | {cost:.1f} |"


def rows(problem: Problem, seeds: int, steps: int, python: str | None) -> list[str]:
    starts = [problem.architecture.initial_weights("glorot", seed) for seed in range(seeds)]
    lines = [
        row(rule, [proved_run(problem, w, rule, steps) for w in starts], steps) for rule in ("certified", "guarded")
    ]
    if python:
        lines.append(row("SafeRate (autobound)", safe_rate(python, problem, starts, steps), steps))
    runs = {rate: [heavy_ball(problem, w, rate, steps) for w in starts] for rate in LEARNING_RATES}
    best = min(runs, key=lambda rate: float(np.median([run.errors[-1] for run in runs[rate]])))
    lines.append(row(f"heavy ball, eta {best:.3g}", runs[best], steps))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--problems", nargs="*", default=list(PROBLEMS), help="parts of their names")
    parser.add_argument("--peer", help="an interpreter with autobound, or 'make', see segment.py")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    head = [
        f"| rule | seeds | E after 100 | E after {options.steps} | increases | proved | cost per step (g) |",
        "|---" * 7 + "|",
    ]
    arguments = ["make" if argument == options.peer else argument for argument in sys.argv]
    command = f"    OPENBLAS_NUM_THREADS=1 python {shlex.join(arguments)}"
    with tempfile.TemporaryDirectory() as folder:
        python = peer_python(options.peer, Path(folder)) if options.peer else None
        for name, (make, seeds) in PROBLEMS.items():
            if any(part in name for part in options.problems):
                lines = [command, "", *head, *rows(make(), seeds, options.steps, python)]
                print("\n".join([name, *lines[2:]]), flush=True)
                if options.out:
                    store(options.out, name, lines)


def store(path: Path, name: str, lines: list[str]) -> None:
    """Write the section of a problem; the others stay."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    sections = dict(re.findall(r"^## (.*?)\n\n(.*?)(?=\n\n## |\n*\Z)", text, re.DOTALL | re.MULTILINE))
    sections[name] = "\n".join(lines)
    content = ["# Proved training against SafeRate and a tuned heavy ball", str(__doc__).split("\n\n")[2].strip()]
    content += [f"## {each}\n\n{sections[each]}" for each in PROBLEMS if each in sections]
    path.write_text("\n\n".join(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
