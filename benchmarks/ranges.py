"""The admissible ranges: how wide they are, an adversarial search against each, and executed steps inside.

python benchmarks/ranges.py table                     largest tau/eta of each theorem
python benchmarks/ranges.py examples                  largest tau at eta = 0.01 on the examples
python benchmarks/ranges.py search                    10,000 random smooth problems inside each range, then outside
python benchmarks/ranges.py steps                     executed steps of random networks, each decided rigorously
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

import verify
from verify.theorems.numbers import LEAST_CURVATURE
from verify.theorems.ranges import RANGES
from verify.training.downhill import DownhillProof
from verify.training.evaluation import error_range
from verify.training.momentum import adaptive_step, heavy_ball_step
from verify.training.rules import DOWNHILL
from verify.training.session import Session
from verify.training.train import make_rule

RATES = (1.0, 0.5, 0.1, 0.01, 0.001)
ADAPTIVE = ("triangle", "sharp", "from_rest", "restart")
SEARCHED = ("from_rest", "restart", "nesterov")
FACTORS = (1.0001, 1.01, 1.1, 1.25, 1.5, 2.0, 3.0)
ACTIVATIONS = ("tanh", "sigmoid", "softplus", "arctan", "sin", "silu")
MARGIN = 2.0**-20
"""Share of the largest momentum that executed steps leave."""
_ROUNDING = 1e-11
"""Relative to the terms of E: far above the rounding of float64 cosines and sums of a dozen terms, about 1e-14."""


def table() -> None:
    """Print the largest momentum of each theorem, L = 1."""
    print("| L eta | " + " | ".join(f"`{name}` tau/eta" for name in ADAPTIVE) + " | `heavy_ball` mu | `nesterov` mu |")
    print("|---" * (len(ADAPTIVE) + 3) + "|")
    for rate in RATES:
        ratios = [f"{RANGES[name].momentum_limit(1.0, rate) / rate:.4g}" for name in ADAPTIVE if fits(name, rate)]
        ratios += ["-"] * (len(ADAPTIVE) - len(ratios))
        coefficients = [f"{RANGES[name].momentum_limit(1.0, rate):.4g}" for name in ("heavy_ball", "nesterov")]
        print(f"| {rate:g} | " + " | ".join(ratios + coefficients) + " |")


def fits(name: str, rate: float) -> bool:
    """Whether a learning rate is in a range at all, L = 1."""
    return rate <= RANGES[name].eta_limit(1.0)


def examples(eta: float = 0.01) -> None:
    """Print the largest tau at one learning rate on the examples that are smooth and have a region."""
    print("| example | L | before: `sharp` | now, from rest: the wider of `sharp`, `from_rest` | `restart` |")
    print("|---|---|---|---|---|")
    for path in sorted(Path("examples").glob("*.toml")):
        problem = verify.load_problem(path)
        try:
            L = max(verify.hessian_bound(problem, problem.region).value, LEAST_CURVATURE)
        except verify.DagverifyError as error:
            print(f"| {path.stem} | none: {error} | | | |")
            continue
        sharp, from_rest, restart = (
            RANGES[name].momentum_limit(L, eta) if eta <= RANGES[name].eta_limit(L) else 0.0
            for name in ("sharp", "from_rest", "restart")
        )
        now = max(sharp, from_rest)
        print(f"| {path.stem} | {L:.4g} | {sharp:.4g} | {now:.4g} | {restart:.4g} |", flush=True)


class Problems:
    """E(w) = sum_i a_i w_i^2/2 + sum_j b_j cos(u_j.w + c_j) in three weights, a stack of them, each with L <= 1.

    max |a_i| + sum_j |b_j| |u_j|^2 bounds the Hessian's norm and is at most 1 - 1e-12.
    """

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.a = rng.uniform(-1, 1, (size, 3))
        self.a[: size // 2] = np.abs(self.a[: size // 2]) ** rng.integers(1, 6, (size // 2, 3))
        self.b = rng.standard_normal((size, 2)) * (rng.random((size, 1)) < 0.7)
        self.u, self.c = rng.standard_normal((size, 2, 3)), rng.uniform(-np.pi, np.pi, (size, 2))
        self.start = rng.standard_normal((size, 3)) * 10.0 ** rng.uniform(-1, 1, (size, 3))
        self.kick = rng.standard_normal((size, 3))
        self._scale()

    def _scale(self) -> None:
        bound = np.max(np.abs(self.a), axis=1) + np.sum(np.abs(self.b) * np.sum(self.u**2, axis=2), axis=1)
        factor = (1 - 1e-12) / np.maximum(bound, 1e-3)[:, None]
        self.a, self.b = self.a * factor, self.b * factor

    def mutated(self, rng: np.random.Generator, chosen: np.ndarray) -> Problems:
        """Return descendants of the chosen ones, one parent each."""
        child = object.__new__(Problems)
        for name in ("a", "b", "u", "c", "start", "kick"):
            parent = getattr(self, name)[chosen]
            size = 10.0 ** rng.uniform(-3, 0, (len(chosen), *[1] * (parent.ndim - 1)))
            setattr(child, name, parent + size * rng.standard_normal(parent.shape) * (np.abs(parent) + 0.1))
        child._scale()
        return child

    def gradient(self, w: np.ndarray) -> np.ndarray:
        """Return grad E at one w for each problem."""
        angle = np.einsum("pji,pi->pj", self.u, w) + self.c
        return self.a * w - np.einsum("pj,pji->pi", self.b * np.sin(angle), self.u)

    def change(self, w: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return E(w + step) - E(w) without cancellation, and the size of its terms."""
        turn = np.einsum("pji,pi->pj", self.u, step)
        middle = np.einsum("pji,pi->pj", self.u, w) + self.c + turn / 2
        terms = np.concatenate(
            [self.a * step * (w + step / 2), -2 * self.b * np.sin(middle) * np.sin(turn / 2)], axis=1
        )
        return terms.sum(axis=1), np.abs(terms).sum(axis=1)


def worst(problems: Problems, theorem: str, eta: float, momentum: float, steps: int) -> np.ndarray:
    """Return for each problem the largest change met, of E or of the energy, over the squared gradient."""
    w, size = problems.start.copy(), len(problems.start)
    previous = np.zeros_like(w) if theorem == "from_rest" else problems.kick * 0.3
    found = np.full(size, -np.inf)
    for _ in range(steps):
        at = w + momentum * previous if theorem == "nesterov" else w
        g = problems.gradient(at)
        length, before = np.linalg.norm(g, axis=1, keepdims=True), np.linalg.norm(previous, axis=1, keepdims=True)
        if theorem == "nesterov":
            step = momentum * previous - eta * g
        else:
            scale = np.where(before > 0, momentum * length / np.where(before > 0, before, 1.0), 0.0)
            if theorem == "restart":
                scale = scale * (np.sum(g * previous, axis=1, keepdims=True) <= 0)
            step = scale * previous - eta * g
        change, terms = problems.change(w, step)
        if theorem == "nesterov":
            kinetic = np.sum((step - previous) * (step + previous), axis=1) / (2 * eta)
            change, terms = change + kinetic, terms + (np.sum(step**2, axis=1) + before[:, 0] ** 2) / (2 * eta)
        decided = np.abs(change) > _ROUNDING * terms
        squared = np.maximum(length[:, 0] ** 2, 1e-300)
        found = np.maximum(found, np.where(decided, change, -np.inf) / squared)
        w, previous = w + step, step
    return found


def search(count: int = 10_000, generations: int = 20, seed: int = 0) -> None:
    """Evolve problems towards an increase, inside each range at its edge, then outside."""
    print("| theorem | L eta | problems inside | increases | least decrease / proved | first factor that increases |")
    print("|---|---|---|---|---|---|")
    for theorem in SEARCHED:
        for rate in (0.5, 0.1, 0.01):
            rng = np.random.default_rng(seed)
            limit = RANGES[theorem].momentum_limit(1.0, rate)
            gain = float(RANGES[theorem].exact_gain(Fraction(1), Fraction(rate), Fraction(limit)))
            inside = evolved(rng, theorem, rate, limit, count, generations)
            least = f"{-float(np.max(inside)) / gain:.4g}" if gain > 1e-9 * rate else "nothing is proved on the edge"
            outside = next(
                (f for f in FACTORS if np.max(evolved(rng, theorem, rate, f * limit, count // 4, generations)) > 0),
                None,
            )
            shown = "none up to 3" if outside is None else f"{outside:g}"
            increases = int(np.sum(inside > 0))
            print(f"| `{theorem}` | {rate:g} | {len(inside)} | {increases} | {least} | {shown} |", flush=True)


def evolved(
    rng: np.random.Generator, theorem: str, eta: float, momentum: float, count: int, generations: int
) -> np.ndarray:
    """Return the worst changes of all problems of an evolution."""
    size = count // generations
    population = Problems(rng, size)
    values = worst(population, theorem, eta, momentum, 25)
    everything = [values]
    for _ in range(generations - 1):
        best = np.argsort(-values)[: max(1, size // 5)]
        population = population.mutated(rng, rng.choice(best, size))
        values = worst(population, theorem, eta, momentum, 25)
        everything.append(values)
    return np.concatenate(everything)


def small_problem(seed: int) -> Any:
    """Return a random network of one or two hidden vertices with a skip connection, and a ball of radius 1."""
    rng = np.random.default_rng(seed)
    hidden = [f"h{i}" for i in range(int(rng.integers(1, 3)))]
    nodes: dict[str, Any] = {"x": {"width": int(rng.integers(1, 4))}}
    for name, sources in zip(hidden, [["x"], ["x", "h0"]], strict=False):
        activation = str(rng.choice(ACTIVATIONS))
        nodes[name] = {"width": int(rng.integers(1, 5)), "activation": activation, "inputs": sources}
    nodes["y"] = {"width": int(rng.integers(1, 3)), "activation": "identity", "inputs": [hidden[-1], "x"]}
    architecture = verify.Architecture.from_data(nodes, "y")
    samples = int(rng.integers(1, 9))
    start = architecture.initial_weights("glorot", seed=seed)
    return verify.Problem(
        architecture,
        rng.standard_normal((samples, architecture.input_dimension)),
        rng.uniform(-1, 1, (samples, architecture.output_dimension)),
        weight_decay=float(rng.choice([0.0, 0.01])),
        initial_weights=start,
        region=verify.Ball(start, 1.0),
    )


def steps(wanted: int, each: int, seed: int) -> None:
    """Take steps of random networks inside each range and decide every one rigorously, until there are enough."""
    counts: dict[str, Counter[str]] = {theorem: Counter() for theorem in SEARCHED}
    index = seed
    while missing := [theorem for theorem in SEARCHED if counts[theorem]["steps"] < wanted]:
        problem = small_problem(index)
        found = verify.hessian_bound(problem, problem.region, method="norms", cells=8)
        proof = DownhillProof(found.value, problem.region)
        for theorem in missing:
            rng = np.random.default_rng([index, SEARCHED.index(theorem)])
            eta = RANGES[theorem].eta_limit(proof.L) * 10.0 ** rng.uniform(-4, -0.05)
            momentum = RANGES[theorem].momentum_limit(proof.L, eta) * (1 - MARGIN)
            walk = from_rest_steps if theorem == "from_rest" else other_steps
            taken = walk(problem, proof, theorem, eta, momentum, each)
            taken["networks"], taken["steps"] = 1, taken["decrease"] + taken["increase"] + taken["undecided"]
            counts[theorem] += taken
        index += 1
        print(index, {theorem: dict(c) for theorem, c in counts.items()}, file=sys.stderr, flush=True)
    print("| range | networks | steps in the region | proved by the slope alone | no increase | increase | undecided |")
    print("|---|---|---|---|---|---|---|")
    for theorem, c in counts.items():
        slope = c["slope"] if theorem == "from_rest" else "-"
        numbers = f"{c['networks']} | {c['steps']:,} | {slope} | {c['decrease']:,}"
        print(f"| `{theorem}` | {numbers} | {c['increase']} | {c['undecided']} |")


def from_rest_steps(
    problem: Any, proof: DownhillProof, theorem: str, eta: float, tau: float, each: int
) -> Counter[str]:
    """Run rule fixed from rest; every step is decided by evaluation too."""
    session = Session(problem, make_rule("fixed", eta, tau))
    session.rule.proof = proof  # type: ignore[attr-defined]
    signs, found = Signs(problem, session.weights), Counter[str]()
    for _ in range(each):
        before = session.weights
        record = session.step()
        if record is None or not inside(proof, session.weights) or is_rounded(before, session.weights):
            break
        found["slope"] += record.evidence == DOWNHILL
        found[signs.at(session.weights)] += 1
    return found


def other_steps(
    problem: Any, proof: DownhillProof, theorem: str, eta: float, momentum: float, each: int
) -> Counter[str]:
    """Take steps of Nesterov's variant, deciding its energy, or of adaptive momentum with restarts."""
    w, previous, found = problem.initial_weights, np.zeros(problem.architecture.size), Counter[str]()
    signs = Signs(problem, w)
    for _ in range(each):
        at = w + momentum * previous if theorem == "nesterov" else w
        if not inside(proof, at):
            break
        g = problem.gradient(at)
        if theorem == "nesterov":
            step = heavy_ball_step(g, previous, eta, momentum)
        else:
            step = adaptive_step(g, previous if g @ previous <= 0 else np.zeros_like(w), eta, momentum)
        w_next = w + step
        if not inside(proof, w_next) or is_rounded(w, w_next):
            break
        stored = w_next - w
        plus = kinetic(stored, eta) - kinetic(previous, eta) if theorem == "nesterov" else Fraction(0)
        found[signs.at(w_next, plus)] += 1
        w, previous = w_next, stored
    return found


class Signs:
    """Decide change after change along a path of stored weights: by ranges of E, else as `verify.decide_decrease`."""

    def __init__(self, problem: Any, w: np.ndarray) -> None:
        self.problem, self.w, self.range = problem, w, error_range(problem, w)

    def at(self, w: np.ndarray, plus: Fraction = Fraction(0)) -> str:
        """Go on to w: what happened to E plus a number that changed by `plus`; no change is no increase."""
        before, after, start = self.range, error_range(self.problem, w), self.w
        self.w, self.range = w, after
        if np.all(np.isfinite([before, after])):
            if Fraction(after[1]) - Fraction(before[0]) + plus <= 0:
                return "decrease"
            if Fraction(after[0]) - Fraction(before[1]) + plus > 0:
                return "increase"
        sign = verify.decide_decrease(self.problem, start, w, plus=plus).sign
        return "undecided" if sign is None else ("increase" if sign > 0 else "decrease")


def kinetic(step: np.ndarray, eta: float) -> Fraction:
    """Return |D|^2/(2 eta) of a stored step, exactly."""
    return sum((Fraction(x) ** 2 for x in step.tolist()), Fraction(0)) / (2 * Fraction(eta))


def is_rounded(w: np.ndarray, w_next: np.ndarray) -> bool:
    """Whether rounding the weights takes more of a step than the margin: then it is no step of the rule."""
    return float(np.linalg.norm(w_next - w)) * MARGIN <= float(np.linalg.norm(np.spacing(np.abs(w_next))))


def inside(proof: DownhillProof, w: np.ndarray) -> bool:
    """Whether weights are finite and in the region."""
    return bool(np.all(np.isfinite(w))) and proof.region.contains(w) is verify.Verdict.PROVED


def main() -> None:
    """Run one of the four."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["table", "examples", "search", "steps"])
    parser.add_argument("--steps", type=int, default=1000, help="least number of steps inside each range")
    parser.add_argument("--each", type=int, default=60, help="most steps of one network inside one range")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    match arguments.what:
        case "table":
            table()
        case "examples":
            examples()
        case "search":
            search(seed=arguments.seed)
        case "steps":
            steps(arguments.steps, arguments.each, arguments.seed)


if __name__ == "__main__":
    main()
