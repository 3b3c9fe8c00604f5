"""Error after 100 and 300 steps, increases and cost of proved training against tuned heavy ball.

    OPENBLAS_NUM_THREADS=1 python benchmarks/training.py [--problems digits wine ...] [--out benchmarks/training.md]

The heavy ball (momentum 0.9) gets the best of ten learning rates per problem and nothing is proved of it; an increase
is a step after which E in float64 is larger. One g is the time of one gradient, measured in the same run.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path

import numpy as np

from verify import Architecture, Problem, Verdict, load_problem, train

EXAMPLES = Path(__file__).parents[1] / "examples"
MOMENTUM = 0.9
LEARNING_RATES = [float(rate) for rate in np.geomspace(0.003, 3.0, 10)]


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


PROBLEMS = {
    "digits autoencoder": lambda: load_problem(EXAMPLES / "digits_autoencoder.toml"),
    "breast cancer, residual": lambda: load_problem(EXAMPLES / "breast_cancer_residual.toml"),
    "wine, skip": wine,
    "digits, convolution": lambda: load_problem(EXAMPLES / "digits_convolution.toml"),
}


def heavy_ball(problem: Problem, rate: float, steps: int) -> np.ndarray:
    w, step, errors = problem.initial_weights, np.zeros(problem.architecture.size), []
    with np.errstate(all="ignore"):
        for _ in range(steps):
            error, gradient = problem.error_and_gradient(w)
            errors.append(error)
            step = MOMENTUM * step - rate * gradient
            if not (np.isfinite(error) and np.all(np.isfinite(w + step))):
                return np.array([*errors, *[np.inf] * (steps + 1 - len(errors))])
            w = w + step
        errors.append(problem.error(w))
    return np.array(errors)


def seconds_per_gradient(problem: Problem, repeats: int = 15) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        problem.error_and_gradient(problem.initial_weights)
        times.append(time.process_time() - start)
    return float(np.median(times))


def row(problem: str, rule: str, errors: np.ndarray, cost: float, proved: str) -> str:
    rises = int(np.sum(~(np.diff(errors) <= 0)))
    middle = errors[min(100, len(errors) - 1)]
    return f"| {problem} | {rule} | {middle:.4g} | {errors[-1]:.4g} | {rises} | {proved} | {cost:.1f} |"


def rows(name: str, problem: Problem, steps: int) -> list[str]:
    lines = []
    for rule in ("certified", "guarded"):
        gradient = seconds_per_gradient(problem)
        start = time.process_time()
        run = train(problem, steps=steps, rule=rule)
        cost = (time.process_time() - start) / max(1, len(run.steps)) / gradient
        proved = f"{sum(verdict is Verdict.PROVED for verdict in run.verdicts)}/{len(run.steps)}"
        lines.append(row(name, rule, run.errors, cost, proved))
    runs = {rate: heavy_ball(problem, rate, steps) for rate in LEARNING_RATES}
    best = min(runs, key=lambda rate: runs[rate][-1])
    lines.append(row(name, f"heavy ball, eta {best:.3g}", runs[best], 1.0, "-"))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--problems", nargs="*", default=list(PROBLEMS), help="parts of their names")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    table = [
        f"| problem | rule | E after 100 | E after {options.steps} | increases | proved | cost per step (g) |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, make in PROBLEMS.items():
        if any(part in name for part in options.problems):
            table += rows(name, make(), options.steps)
            print("\n".join(table[-3:]), flush=True)
    if options.out:
        command = f"OPENBLAS_NUM_THREADS=1 python {shlex.join(sys.argv)}"
        head = f"# Proved training against tuned heavy ball\n\n    {command}\n\n{__doc__.split(chr(10) * 2)[2]}"
        options.out.write_text(head + "\n" + "\n".join(table) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
