"""Hessian bound: tightness, cost and its growth, a network of a million weights; and a campaign that attacks it.

    python benchmarks/hessian.py --out benchmarks/hessian.md    # everything; --append adds parts to the file
    python benchmarks/hessian.py --full                         # the convolution in every row, longer attacks
    python benchmarks/hessian.py --network breast_cancer --part tightness
    python benchmarks/hessian.py --campaign 2000                # exit code 1 if a bound is below its attack

The ratio is bound / attack, the attack being a proved lower bound: 1 would be perfect. "Sublevel" is the same for the
weights of the ball with E(w) <= E(centre). Costs are in gradients g of the same problem, in processor seconds of the
same run; "centre" is what the ball of radius 0 would have, "nan" that the majorants were not tried. Norm products of
small networks take milliseconds, so that their slopes say little.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from verify import Architecture, Problem, load_problem
from verify.bounds.attack import attack_hessian
from verify.bounds.hessian import hessian_bound
from verify.bounds.hessian_campaign import hessian_campaign
from verify.bounds.regions import Ball

EXAMPLES = Path(__file__).parent.parent / "examples"
RADII = (0.01, 0.1, 1.0)
GRADIENT_STEPS = 300


def digits() -> tuple[Problem, float]:
    """Sigmoid autoencoder 64-32-8-32-64 with skips, and the learning rate of its plain descent."""
    return load_problem(EXAMPLES / "digits_autoencoder.toml"), 1.0


def breast_cancer() -> tuple[Problem, float]:
    """Return the residual tanh network on standardised inputs of mean square norm 1 and targets +-1."""
    problem = load_problem(EXAMPLES / "breast_cancer_residual.toml")
    inputs = np.asarray(problem.inputs) / np.sqrt(problem.architecture.input_dimension)
    return Problem(problem.architecture, inputs, 2.0 * np.asarray(problem.targets) - 1.0), 0.2


def wine() -> tuple[Problem, float]:
    """Return a tanh network 13-12-8-3 with two skips on standardised inputs of mean square norm 1."""
    from sklearn.datasets import load_wine

    inputs, labels = load_wine(return_X_y=True)
    inputs = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0) / np.sqrt(inputs.shape[1])
    nodes = {
        "x": {"width": 13},
        "h1": {"width": 12, "activation": "tanh", "inputs": ["x"]},
        "h2": {"width": 8, "activation": "tanh", "inputs": ["h1", "x"]},
        "y": {"width": 3, "activation": "sigmoid", "inputs": ["h2", "h1"]},
    }
    return Problem(Architecture.from_data(nodes, output="y"), inputs, np.eye(3)[labels]), 1.0


def convolution() -> tuple[Problem, float]:
    """Return the tanh network with a residual block of one convolution, on 8x8 digits."""
    return load_problem(EXAMPLES / "digits_convolution.toml"), 0.5


NETWORKS = {"digits": digits, "breast_cancer": breast_cancer, "wine": wine, "convolution": convolution}


def seconds(call: Callable[[], object]) -> float:
    """Processor seconds of a call."""
    started = time.process_time()
    call()
    return time.process_time() - started


def gradient_seconds(problem: Problem, weights: np.ndarray) -> float:
    return min(seconds(lambda: [problem.gradient(weights) for _ in range(3)]) / 3 for _ in range(5))


def weights_after(problem: Problem, steps: int, rate: float) -> np.ndarray:
    """Return the weights after plain gradient descent."""
    weights = problem.initial_weights
    for _ in range(steps):
        weights = weights - rate * problem.gradient(weights)
    return weights


def tightness(names: list[str], full: bool) -> Iterator[str]:
    """Yield the rows of the table, and a line where a bound is below its attack."""
    names_of_columns = (
        "network | state | r | method | attack | bound | ratio | sublevel attack | sublevel bound | its ratio"
    )
    yield f"| {names_of_columns} | bound, g | centre | integral | direct |"
    yield "|---" * 14 + "|"
    for name in names:
        problem, rate = NETWORKS[name]()
        small = name != "convolution" or full
        for state, steps in (("start", 0), (f"after {GRADIENT_STEPS}", GRADIENT_STEPS))[: 2 if small else 1]:
            weights = weights_after(problem, steps, rate)
            gradient, level = gradient_seconds(problem, weights), problem.error_enclosure(weights)[1]
            for radius in RADII if small else RADII[:1]:
                region = Ball(weights, radius)
                started = time.process_time()
                bound = hessian_bound(problem, region, level=level)
                spent = time.process_time() - started
                points, ascents = (3, 25) if full else (1, 8)
                attack, low = (
                    attack_hessian(problem, region, points=points, ascents=ascents, level=limit).value
                    for limit in (None, level)
                )
                parts = " | ".join(f"{bound.terms.get(key, np.nan):.4g}" for key in ("center", "integral", "direct"))
                yield (
                    f"| {name} | {state} | {radius:g} | {bound.method} | {attack:.4g} | {bound.whole:.4g} | "
                    f"{bound.whole / attack:.3g} | {low:.4g} | {bound.value:.4g} | {bound.value / low:.3g} | "
                    f"{spent / gradient:.0f} | {parts} |"
                )
                if not (bound.whole >= attack and bound.value >= low):
                    yield f"VIOLATION: {name}, {state}, radius {radius:g}"


def layered(width: int, depth: int, samples: int) -> Problem:
    """Return a sigmoid network with a skip over every layer."""
    nodes: dict[str, dict] = {"x": {"width": 8}}
    names = ["x"]
    for index in range(depth):
        nodes[f"h{index}"] = {"width": width, "activation": "sigmoid", "inputs": names[-2:]}
        names.append(f"h{index}")
    nodes["y"] = {"width": 4, "activation": "sigmoid", "inputs": names[-1:]}
    rng = np.random.default_rng(0)
    return Problem(Architecture.from_data(nodes, output="y"), rng.random((samples, 8)), rng.random((samples, 4)))


GROWTH = {
    "width": [(8, 3, 200), (16, 3, 200), (32, 3, 200)],
    "depth": [(12, 2, 200), (12, 4, 200), (12, 8, 200)],
    "samples": [(12, 3, 200), (12, 3, 800), (12, 3, 3200)],
}


def growth() -> Iterator[str]:
    """Yield slopes in log-log scale of cost and value for each quantity that grows."""
    yield "Slopes in log-log scale:"
    yield ""
    yield "| grows | from - to | seconds, norms | seconds, majorant | g, majorant | bound at r = 0.1 |"
    yield "|---|---|---|---|---|---|"
    first = layered(4, 2, 10)  # suprema of activations are computed once
    hessian_bound(first, Ball(first.initial_weights, 0.1), method="majorant", cells=1)
    for quantity, sizes in GROWTH.items():
        column = ["width", "depth", "samples"].index(quantity)
        rows = []
        for size in sizes:
            problem = layered(*size)
            region = Ball(problem.initial_weights, 0.1)
            gradient = gradient_seconds(problem, problem.initial_weights)
            coarse = seconds(lambda: hessian_bound(problem, region, method="norms", cells=1))  # noqa: B023
            started = time.process_time()
            bound = hessian_bound(problem, region, method="majorant", cells=1)
            sharp = time.process_time() - started
            rows.append([coarse, sharp, sharp / gradient, bound.value])
        grown = np.log([size[column] for size in sizes])
        slopes = " | ".join(f"{np.polyfit(grown, figures, 1)[0]:.2f}" for figures in np.log(rows).T)
        yield f"| {quantity} | {sizes[0][column]} - {sizes[-1][column]} | {slopes} |"


def wide_problem() -> Problem:
    """1,036,176 weights, a skip connection, 1000 synthetic samples."""
    nodes: dict[str, dict] = {"x": {"width": 784}}
    layers = (("h1", 512, ["x"]), ("h2", 128, ["h1", "x"]), ("h3", 512, ["h2"]), ("y", 784, ["h3"]))
    for name, width, sources in layers:
        nodes[name] = {"width": width, "activation": "sigmoid", "inputs": sources}
    x = np.random.default_rng(0).random((1000, 784))
    return Problem(Architecture.from_data(nodes, output="y"), x, x)


def wide() -> Iterator[str]:
    """Yield figures of a network of a million weights."""
    problem = wide_problem()
    region = Ball(problem.initial_weights, 0.1)
    gradient = gradient_seconds(problem, region.center)
    started = time.process_time()
    bound = hessian_bound(problem, region)
    spent = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    attack = attack_hessian(problem, region, points=1, ascents=1)
    yield (
        f"{problem.architecture.size:,} weights (784-512-128-512-784 with a skip), {problem.samples} samples, r = 0.1: "
        f"bound {bound.value:.4g} ({bound.method}) in {spent:.0f} s ({spent / gradient:.0f} g), peak memory "
        f"{peak:.0f} MB; attack {attack.value:.4g}, ratio {bound.value / attack.value:.3g}."
    )


PARTS = ("tightness", "growth", "wide")


def main() -> int:
    parser = argparse.ArgumentParser(description="Tightness and cost of the Hessian bound")
    parser.add_argument("--network", choices=sorted(NETWORKS), action="append")
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--full", action="store_true", help="every row, with longer attacks")
    parser.add_argument("--out", type=Path, help="write the report there, row by row")
    parser.add_argument("--append", action="store_true", help="keep what the file holds")
    parser.add_argument("--campaign", type=int, default=0, help="random networks to attack instead")
    parser.add_argument("--seed", type=int, default=0, help="of the campaign")
    options = parser.parse_args()
    if options.campaign:
        outcome = hessian_campaign(options.campaign, seed=options.seed)
        print(outcome)
        return 1 if outcome.violations else 0
    command = " ".join(["python", "benchmarks/hessian.py", *sys.argv[1:]])
    kept = options.out.read_text() if options.out and options.append else "# Hessian bound\n"
    lines = [f"`{command}`: see its text for what the columns mean."]
    parts = {
        "tightness": lambda: tightness(options.network or list(NETWORKS), options.full),
        "growth": growth,
        "wide": wide,
    }
    print(lines[0])
    for part in options.part or PARTS:
        lines.append("")
        for line in parts[part]():
            print(line, flush=True)
            lines.append(line)
            if options.out:
                options.out.write_text("\n".join([kept, *lines, ""]))
    return 1 if any(line.startswith("VIOLATION") for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
