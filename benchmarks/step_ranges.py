"""Falsify the ranges of one step on random networks: every point taken is decided rigorously.

    python benchmarks/step_ranges.py --problems 20

prints how many points were tried inside the rays, the lines and the range for any previous step, how many raised the
error, and how near the limits of rays and lines are to the first rise that was found.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np

from verify import InputError, Problem, decide_decrease, one_step_ranges
from verify.analysis.any_direction import any_direction
from verify.analysis.step_result import StepRanges
from verify.campaign.networks import random_problem
from verify.training.momentum import adaptive_momentum, adaptive_step

RAY_PARTS = (1e-7, 1e-4, 0.01, 0.3, 0.7, 0.95, 0.999, 1.0)
LINE_PARTS = (0.02, 0.5, 0.98)
SPLITS = ((0.51, 0.489), (0.75, 0.249))


def points_of_step(problem: Problem, w: np.ndarray, previous: np.ndarray, found: StepRanges) -> Iterator[np.ndarray]:
    """Yield stored weights on the rays and lines."""
    gradient = problem.gradient(w)
    push = adaptive_momentum(gradient, w - previous, 1.0, found.norm, problem.architecture)
    for ray in found.rays:
        if ray.stored is not None and ray.ratio is not None:
            low, high = ray.stored
            sizes = (low, 3 * low, *(part * high for part in RAY_PARTS))
            yield from (w + t * (ray.ratio * push - gradient) for t in sizes if low <= t <= high)
    for line in found.lines:
        if line.tau_min is not None and line.tau_max is not None:
            width = line.tau_max - line.tau_min
            base = w - line.eta * gradient
            yield from (base + (line.tau_min + part * width) * push for part in LINE_PARTS)


def points_of_any_direction(problem: Problem, w: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield steps that use up the range for any previous step."""
    gradient = problem.gradient(w)
    limit = any_direction(problem, w, bounds=1).eta_max
    for previous in (gradient, -gradient, *rng.standard_normal((4, w.size))):
        for eta, tau in SPLITS:
            yield w + adaptive_step(gradient, previous, eta * limit, tau * limit, "vertex", problem.architecture)


def main() -> None:
    """Run the falsification."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1000)
    arguments = parser.parse_args()
    signs: list[int | None] = []
    tightness: list[float] = []
    refused = 0
    for seed in range(arguments.seed, arguments.seed + arguments.problems):
        problem, rng = random_problem(seed), np.random.default_rng(seed)
        w = problem.initial_weights + 0.3 * rng.standard_normal(problem.architecture.size)
        previous = w + 0.05 * rng.standard_normal(w.size)
        try:
            found = one_step_ranges(problem, w, previous, norm="vertex" if seed % 2 else "global", ratios=(0.5, 2.0))
            points = [*points_of_step(problem, w, previous, found), *points_of_any_direction(problem, w, rng)]
        except InputError:
            refused += 1
            continue
        tightness += [row.tightness for row in (*found.rays, *found.lines) if row.tightness is not None]
        signs += [decide_decrease(problem, w, point).sign for point in points]
    print(f"problems {arguments.problems} (refused {refused}), points {len(signs)}, rises {signs.count(1)}, ", end="")
    print(f"undecided {signs.count(None)}")
    if tightness:
        near = sum(each > 0.9 for each in tightness)
        print(f"limit / first rise found: median {np.median(tightness):.4f}, least {min(tightness):.4f}, ", end="")
        print(f"above 0.9 in {near} of {len(tightness)}")


if __name__ == "__main__":
    main()
