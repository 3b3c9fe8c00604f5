"""Attacks on theorem `epoch`: epochs of mini-batches inside its range, in every order, and increases outside it.

    python benchmarks/epoch_ranges.py quadratics [--problems 2000 --seed 0]   in rationals, adversarial pushes
    python benchmarks/epoch_ranges.py networks [--problems 2000 --seed 0]     random networks, ends decided rigorously

Quadratics: four batch errors on R^2 with curvatures in [-1, 1], adversarial starting momentum and, for tau, pushes of
full size along or against each gradient or across it; all 24 orders. Everything is rational, norms are bounded by
rationals, so that every increase would be one.

Networks: those of the campaign (`verify.campaign.networks`), their samples cut into at most 4 batches, all orders, or
50 random ones of more batches; L is the bound by norms of every batch's error. Epochs are executed in float64 and their
ends decided against the start by enclosures, by Arb where these overlap. An executed step is not exact: an undecided or
increasing end at the very edge would have to be looked at; none was seen.
"""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from flint import fmpq

import verify
from verify.analysis.epoch_range import _share
from verify.arithmetic.rational import sqrt_down, sqrt_up
from verify.bounds.hessian import hessian_bound
from verify.bounds.hessian_result import UndecidedHessianError
from verify.calculus.batches import batches_of
from verify.calculus.problem import Problem
from verify.campaign.networks import random_problem
from verify.outcomes import InputError, Verdict
from verify.theorems.epoch import Epoch
from verify.theorems.numbers import LEAST_CURVATURE
from verify.training.evaluation import decide_by_errors, error_range

FACTORS = (1, 4, 16, 64)
OF_NETWORKS = (1, 64, 4096)
"""Bounds by norms are far from the edge: an increase has to be looked for far outside."""
ROTATIONS = ((3, 4, 5), (5, 12, 13), (8, 15, 17), (1, 0, 1), (0, 1, 1))
MOST_ORDERS = 50
Vector = tuple[Any, Any]
"""Exact rationals of FLINT, which are faster than Python's."""


def dot(u: Vector, v: Vector) -> Any:
    """Return the inner product."""
    return u[0] * v[0] + u[1] * v[1]


def along(a: Any, u: Vector, v: Vector) -> Vector:
    """Return a u + v."""
    return a * u[0] + v[0], a * u[1] + v[1]


def rational(number: Fraction) -> Any:
    """Return a number for FLINT."""
    return fmpq(number.numerator, number.denominator)


def fraction(number: Any) -> Fraction:
    """Return a number of FLINT for Python."""
    return Fraction(int(number.p), int(number.q))


class Quadratic:
    """p.w + w.H w/2 with the eigenvalues of H in [-1, 1], from w = 0."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.slope: Vector = tuple(fmpq(int(each), 64) for each in (rng.integers(-16, 64), rng.integers(-24, 25)))
        a, b, c = ROTATIONS[rng.integers(len(ROTATIONS))]
        ends = rng.choice([-16, 16]) if rng.random() < 0.5 else rng.integers(-16, 17), rng.integers(-16, 17)
        (first, second), cos, sin = (fmpq(int(each), 16) for each in ends), fmpq(a, c), fmpq(b, c)
        across = (first - second) * cos * sin
        self.rows = (
            (first * cos**2 + second * sin**2, across),
            (across, first * sin**2 + second * cos**2),
        )

    def gradient(self, w: Vector) -> Vector:
        return self.slope[0] + dot(self.rows[0], w), self.slope[1] + dot(self.rows[1], w)

    def error(self, w: Vector) -> Any:
        return dot(self.slope, w) + dot(w, (dot(self.rows[0], w), dot(self.rows[1], w))) / 2


def quadratics(problems: int, seed: int) -> None:
    """Search for increases at multiples of the largest learning rate that is admitted."""
    found: dict[int, Counter[str]] = {factor: Counter() for factor in FACTORS}
    admitted = 0
    for number in range(problems):
        rng = np.random.default_rng((seed, number))
        batches = [Quadratic(rng) for _ in range(4)]
        slope: Vector = sum(b.slope[0] for b in batches), sum(b.slope[1] for b in batches)  # type: ignore[assignment]
        if slope == (0, 0):
            continue
        lengths = tuple(float(sqrt_up(fraction(dot(b.slope, b.slope)))) * (1 + 2**-50) for b in batches)
        gradient = float(sqrt_down(fraction(dot(slope, slope))) / 4) * (1 - 2**-50)
        epoch = Epoch(lengths, gradient, L=1.0, radius=1e9, whole=1.0, kappa=4.0, skew=0.0)
        ratio = Fraction(int(rng.integers(0, 5)), 16) if rng.random() < 0.5 else Fraction(0)
        mu = Fraction(0) if ratio else Fraction(int(rng.integers(0, 6)), 8)
        carried = Fraction(int(rng.integers(0, 4)), 64) if mu else Fraction(0)
        largest = epoch.largest_eta(ratio, mu, carried)
        if largest is None:
            continue
        admitted += 1
        for factor in FACTORS:
            eta = Fraction(largest) * factor
            for order in itertools.permutations(range(4)):
                found[factor]["epochs"] += 1
                end = executed(rng, [batches[each] for each in order], eta, ratio, mu, carried)
                found[factor]["increases"] += sum(b.error(end) for b in batches) > 0
    print(f"{problems} problems, {admitted} with an admitted learning rate")
    print_table(found)


def executed(rng: np.random.Generator, batches: list[Quadratic], eta: Any, ratio: Any, mu: Any, carried: Any) -> Vector:
    """Return where an epoch ends, from a random previous step, with random pushes of full size."""
    eta, ratio, mu, carried = map(rational, (eta, ratio, mu, carried))
    a, b, c = ROTATIONS[rng.integers(len(ROTATIONS))]
    w: Vector = (fmpq(0), fmpq(0))
    step: Vector = eta * carried * a / c * int(rng.choice([-1, 1])), eta * carried * b / c * int(rng.choice([-1, 1]))
    for batch in batches:
        pull = batch.gradient(w)
        a, b, c = ROTATIONS[rng.integers(len(ROTATIONS))]
        size = ratio * eta * int(rng.choice([-1, 1]))
        push: Vector = size * (a * pull[0] - b * pull[1]) / c, size * (b * pull[0] + a * pull[1]) / c
        step = along(mu, step, along(-eta, pull, push))
        w = along(1, w, step)
    return w


def networks(problems: int, seed: int) -> None:
    """Execute epochs of random networks at multiples of the largest learning rate that is admitted."""
    found: dict[int, Counter[str]] = {factor: Counter() for factor in OF_NETWORKS}
    kinds: Counter[str] = Counter()
    for number in range(problems):
        rng = np.random.default_rng((seed, number))
        problem = random_problem(int(rng.integers(2**31)))
        case = measured(problem, rng)
        if isinstance(case, str):
            kinds[case] += 1
            continue
        kinds["attacked"] += 1
        parts, epoch, mu = case
        largest = epoch.largest_eta(0.0, mu)
        if largest is None:
            mu, largest = 0.0, epoch.largest_eta() or 0.0
        w, before = problem.initial_weights, error_range(problem, problem.initial_weights)
        for factor in found:
            for order in orders(rng, len(parts)):
                end, step = w, np.zeros_like(w)
                with np.errstate(all="ignore"):
                    for each in order:
                        step = mu * step - largest * factor * parts[each].gradient(end)
                        end = end + step
                found[factor]["epochs"] += 1
                if not np.all(np.isfinite(end)):
                    found[factor]["overflows"] += 1
                    continue
                decision, _ = decide_by_errors(problem, w, end, before, error_range(problem, end), 400)
                found[factor]["increases"] += decision.decreases is Verdict.REFUTED
                found[factor]["undecided"] += decision.decreases is Verdict.UNDECIDED
    print(", ".join(f"{count} {kind}" for kind, count in kinds.most_common()))
    print_table(found)


def measured(problem: Problem, rng: np.random.Generator) -> tuple[list[Problem], Epoch, float] | str:
    """Return batches, what the theorem is told of them, and a momentum; or why the problem is left out."""
    samples = problem.samples
    if samples < 2:
        return "with one sample"
    parts = list(batches_of(problem, -(-samples // int(rng.integers(2, min(samples, 6) + 1)))))
    room = problem.region.room(problem.initial_weights) if problem.region is not None else 0.0
    if room <= 0:
        return "without room"
    w = problem.initial_weights
    try:
        bounds = [hessian_bound(each, problem.region, method="norms", cells=1).value for each in [problem, *parts]]
    except (UndecidedHessianError, InputError):
        return "without a bound"
    whole, pulls = problem.gradient_enclosure(w), [part.gradient_enclosure(w) for part in parts]
    kappa, skew = _share(reduce(add, pulls), whole)
    least = float(whole.norm().lower)
    if not (least > 0 and kappa > 0 and np.isfinite(skew)):
        return "without a gradient"
    lengths = tuple(float(pull.norm().upper) for pull in pulls)
    L = max(LEAST_CURVATURE, *bounds)
    epoch = Epoch(lengths, least, L, room, max(LEAST_CURVATURE, bounds[0]), kappa, skew)
    if epoch.largest_eta() is None:
        return "whose batches cancel"
    return parts, epoch, float(rng.choice([0.0, 0.0, 0.3, 0.6]))


def orders(rng: np.random.Generator, count: int) -> Iterator[tuple[int, ...]]:
    """Yield all orders of up to four batches, else some."""
    if count <= 4:
        yield from itertools.permutations(range(count))
    else:
        for _ in range(MOST_ORDERS):
            yield tuple(int(each) for each in rng.permutation(count))


def print_table(found: dict[int, Counter[str]]) -> None:
    """Print what was found at each multiple."""
    columns = ("epochs", "increases", "undecided", "overflows")
    print("| lr / largest admitted |" + "".join(f" {name} |" for name in columns))
    print("|---" * (len(columns) + 1) + "|")
    for factor, counts in found.items():
        print(f"| {factor} |" + "".join(f" {counts[name]} |" for name in columns))


def main() -> None:
    """Run the attack that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("attack", choices=["quadratics", "networks"])
    parser.add_argument("--problems", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    command = f"python benchmarks/epoch_ranges.py {given.attack} --problems {given.problems} --seed {given.seed}"
    print(f"`{command}`, dagverify {verify.__version__}\n")
    {"quadratics": quadratics, "networks": networks}[given.attack](given.problems, given.seed)


if __name__ == "__main__":
    main()
