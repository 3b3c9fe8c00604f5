"""Containment at scale, widths and costs of the rigorous arithmetic.

    python benchmarks/arithmetic.py                    # a million points for each function, then the costs
    python benchmarks/arithmetic.py --points 20000     # quick
    python benchmarks/arithmetic.py --only tanh exp

A failure is an enclosure that misses the exact value; the exit code is 1 if there is any. Radii are in units of
2**-53 of the value. Costs are ratios to NumPy's plain operation, the best of several runs.
"""

from __future__ import annotations

import argparse
import sys
import timeit
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from verify.arithmetic import elementary, spectral
from verify.arithmetic.containment import REFERENCES, violations
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval

UNIT = 2.0**-53
ORDER = 500
ENTRIES = 10**6


@dataclass(frozen=True)
class Containment:
    """What the check of one function gave."""

    name: str
    points: int
    missed: int
    undecided: int
    median_radius: float
    largest_radius: float


def points(name: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return numbers of moderate size, of all exponents, and near the cells' borders of the kernels."""
    quarter = count // 4
    parts = [
        rng.normal(size=count - 3 * quarter) * 2.0,
        rng.normal(size=quarter) * 30.0,
        np.exp(rng.uniform(-745.0, 709.0, quarter)) * rng.choice([-1.0, 1.0], quarter),
        (rng.integers(-6000, 6000, quarter) + 0.5) / 256.0 + rng.integers(-3, 4, quarter) * 2.0**-50,
    ]
    x = np.concatenate(parts)
    if name in ("sin", "cos"):
        # beyond 2**17 Arb answers one by one: a hundredth of the points is enough there
        x = x[(np.abs(x) <= 2.0**17) | (rng.uniform(size=x.size) < 0.01)]
    return x[x > {"log": 0.0, "log1p": -1.0}.get(name, -np.inf)]


def check(name: str, count: int, rng: np.random.Generator) -> Containment:
    """Check points until `count` of them lie in the domain of the function."""
    x = np.empty(0)
    while x.size < count:
        x = np.concatenate([x, points(name, count, rng)])[:count]
    y = getattr(elementary, name)(Interval.point(x))
    found = violations(REFERENCES[name], x, y.mid, y.rad)
    for position in found.missed[:5]:
        print(f"  MISSED {name}({x[position].hex()}): {y.mid[position].hex()} ± {y.rad[position].hex()}")
    usual = (np.abs(y.mid) > 1e-280) & np.isfinite(y.rad)
    radius = y.rad[usual] / np.abs(y.mid[usual]) / UNIT
    return Containment(
        name,
        x.size,
        len(found.missed),
        len(found.undecided),
        float(np.median(radius)),
        float(np.quantile(radius, 0.999)),
    )


def best(call: Callable[[], object], repeat: int = 9) -> float:
    """Return the best time of several runs, in milliseconds."""
    call()
    return min(timeit.repeat(call, number=1, repeat=repeat)) * 1e3


def by_endpoints(low: np.ndarray, high: np.ndarray, B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multiply intervals by an exact matrix as endpoint storage would, rounding not even bounded."""
    positive, negative = np.maximum(B, 0.0), np.minimum(B, 0.0)
    return low @ positive + high @ negative, high @ positive + low @ negative


def cost_of_functions(names: list[str], rng: np.random.Generator) -> None:
    """Print what a million values cost, against numpy's tanh."""
    x = rng.normal(size=ENTRIES) * 3.0
    plain = best(lambda: np.tanh(x), 30)
    print(f"\ncost of {ENTRIES} values as a multiple of numpy's tanh ({plain:.2f} ms)")
    print(f"{'function':18s} {'points':>8s} {'intervals':>10s}")
    for name in names:
        argument = np.abs(x) if name == "log" else x * 0.3 if name == "log1p" else x
        argument = np.maximum(argument, -0.9) if name == "log1p" else argument
        function = getattr(elementary, name)
        exact, wide = Interval.point(argument), Interval.from_midrad(argument, np.abs(argument) * 1e-3)
        costs = [best(partial(function, argument)) / plain for argument in (exact, wide)]
        print(f"{name:18s} {costs[0]:8.1f} {costs[1]:10.1f}")


def cost_of_operations(rng: np.random.Generator) -> None:
    """Print ratios of interval operations to the plain ones."""
    a, b = rng.normal(size=(2, ENTRIES))
    x, y = Interval.from_midrad(a, np.abs(a) * 0.01), Interval.from_midrad(b, np.abs(b) * 0.01)
    print(f"\ncost of {ENTRIES} entries as a multiple of numpy's operation")
    pairs: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        ("interval + interval", lambda: x + y, lambda: a + b),
        ("interval * array", lambda: x * b, lambda: a * b),
        ("interval * interval", lambda: x * y, lambda: a * b),
        ("interval / array", lambda: x / b, lambda: a / b),
        ("square", x.square, lambda: a * a),
        ("sum", x.sum, a.sum),
    ]
    for name, enclosed, plain in pairs:
        print(f"{name:28s} {best(enclosed) / best(plain, 30):6.1f}")
    A, B = rng.normal(size=(2, ORDER, ORDER))
    X, Y = Interval.from_midrad(A, np.abs(A) * 1e-6), Interval.from_midrad(B, np.abs(B) * 1e-6)
    low, high = X.lower, X.upper
    plain_product = best(lambda: A @ B, 40)
    print(f"\ncost of products of order {ORDER} as a multiple of the plain one ({plain_product:.2f} ms)")
    for name, product in (
        ("exact @ exact", lambda: Interval(A) @ B),
        ("interval @ exact", lambda: X @ B),
        ("interval @ interval", lambda: X @ Y),
        ("endpoints @ exact, unrounded", lambda: by_endpoints(low, high, B)),
    ):
        print(f"{name:28s} {best(product, 40) / plain_product:6.2f}")


def cost_of_spectra(rng: np.random.Generator) -> None:
    """Print ratios of proved spectral bounds to LAPACK's unproved eigenvalues, and how far above they are."""
    print("\nproved bounds against LAPACK (eigvalsh; of the Gram matrix for norms)")
    print(f"{'what':28s} {'ratio':>6s} {'above':>9s}")
    for n in (30, 100, 300):
        H = rng.normal(size=(n, n))
        H = H + H.T
        excess = float(spectral.largest_eigenvalue_upper(H)) / float(np.linalg.eigvalsh(H)[-1]) - 1
        ratio = best(partial(spectral.largest_eigenvalue_upper, H)) / best(partial(np.linalg.eigvalsh, H))
        print(f"{f'largest eigenvalue, n = {n}':28s} {ratio:6.1f} {excess:9.1e}")
        norm = float(spectral.norm_upper(H)) / float(np.linalg.norm(H, 2)) - 1
        ratio = best(partial(spectral.norm_upper, H)) / best(partial(np.linalg.eigvalsh, H.T @ H))
        print(f"{f'norm, n = {n}':28s} {ratio:6.1f} {norm:9.1e}")


def main() -> int:
    """Run the checks and the timings."""
    parser = argparse.ArgumentParser(description="Containment, widths and costs of the rigorous arithmetic.")
    parser.add_argument("--points", type=int, default=10**6, help="points checked for each function")
    parser.add_argument("--only", nargs="*", choices=sorted(REFERENCES), default=sorted(REFERENCES))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    failures = 0
    with certified_environment():
        print("containment of exact arguments, decided in Arb; radius in units of 2**-53 of the value")
        print(f"{'function':18s} {'points':>9s} {'missed':>7s} {'undecided':>10s} {'median':>7s} {'99.9%':>7s}")
        for name in options.only:
            result = check(name, options.points, rng)
            failures += result.missed + result.undecided
            print(
                f"{name:18s} {result.points:9d} {result.missed:7d} {result.undecided:10d} "
                f"{result.median_radius:7.2f} {result.largest_radius:7.2f}",
                flush=True,
            )
        cost_of_functions(options.only, rng)
        cost_of_operations(rng)
        cost_of_spectra(rng)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
