"""Tightness and cost of the Hessian bound, and a campaign that attacks it.

    python benchmarks/hessian.py                    # two networks, at the start and after 300 gradient steps
    python benchmarks/hessian.py --network breast_cancer --states start
    python benchmarks/hessian.py --campaign 2000    # random networks; the exit code is 1 if a bound is below its attack

The ratio is bound / attack, the attack being a proved lower bound: 1 would be perfect. Costs are in gradients of the
same problem, timed in the same run. "centre" is what the ball of radius 0 would have.
"""

from __future__ import annotations

import argparse
import sys
import time
import timeit
from pathlib import Path

import numpy as np

from verify import Problem, load_problem
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


NETWORKS = {"digits": digits, "breast_cancer": breast_cancer}


def weights_after(problem: Problem, steps: int, rate: float) -> np.ndarray:
    """Return the weights after plain gradient descent."""
    weights = problem.initial_weights
    for _ in range(steps):
        weights = weights - rate * problem.gradient(weights)
    return weights


def report(name: str, state: str, points: int, cells: int) -> bool:
    """Print the rows of one network in one state; return whether every bound is above its attack."""
    problem, rate = NETWORKS[name]()
    weights = weights_after(problem, GRADIENT_STEPS if state == "trained" else 0, rate)
    gradient = min(timeit.repeat(lambda: problem.gradient(weights), number=3, repeat=5)) / 3
    sound = True
    for radius in RADII:
        region = Ball(weights, radius)
        started = time.perf_counter()
        bound = hessian_bound(problem, region, cells=cells)
        spent = time.perf_counter() - started
        started = time.perf_counter()
        attack = attack_hessian(problem, region, points=points)
        searched = time.perf_counter() - started
        sound &= bound.value >= attack.value
        terms = "  ".join(f"{key} {value:.4g}" for key, value in bound.terms.items())
        found = f"{attack.value:10.4f} {bound.value:11.4f} {bound.value / attack.value:8.3f}"
        costs = f"{spent / gradient:9.0f} {searched / gradient:9.0f}"
        print(f"{name:14s} {state:8s} {radius:5g} {found} {costs}  {bound.method:9s} {terms}", flush=True)
    return sound


def main() -> int:
    parser = argparse.ArgumentParser(description="Tightness and cost of the Hessian bound")
    parser.add_argument("--network", choices=sorted(NETWORKS), action="append")
    parser.add_argument("--states", choices=("start", "trained"), action="append")
    parser.add_argument("--points", type=int, default=2, help="starting points of the attack")
    parser.add_argument("--cells", type=int, default=50, help="parts of the ball for the norm products")
    parser.add_argument("--campaign", type=int, default=0, help="random networks to attack instead")
    parser.add_argument("--seed", type=int, default=0, help="of the campaign")
    options = parser.parse_args()
    if options.campaign:
        outcome = hessian_campaign(options.campaign, seed=options.seed)
        print(outcome)
        return 1 if outcome.violations else 0
    print("network        state    radius     attack       bound    ratio   bound/g  attack/g  method    terms")
    rows = [
        report(name, state, options.points, options.cells)
        for name in options.network or sorted(NETWORKS)
        for state in options.states or ("start", "trained")
    ]
    return 0 if all(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
