"""Containment at scale, widths and costs of the rigorous arithmetic.

    python benchmarks/arithmetic.py --out benchmarks/arithmetic.md     # a million points for each function, then costs
    python benchmarks/arithmetic.py --points 20000                     # quick
    python benchmarks/arithmetic.py --only tanh exp

Checked are the elementary functions, and every activation with its first three derivatives, at random points of all
sizes, at corners (signed zeros, subnormal and huge numbers, where the kernels change) and over half-lines that reach to
infinity. The exact value is Arb's, at a precision that rises until there is an answer; that of the derivatives is the
certificate checker's truncated power series, which shares no code with what is tested. A failure is an enclosure that
misses the exact value, or an open question; the exit code is 1 if there is any. Costs are ratios to NumPy's plain
operation, the best of several runs.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import timeit
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from verify.activations import BUILTIN_NAMES, activation
from verify.arithmetic import arb, elementary, spectral
from verify.arithmetic.containment import FIRST_PRECISION, LAST_PRECISION, REFERENCES, violations
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval
from verify.certificates.checker.functions import Function

ULP = 2.0**-52
HIGHEST_ORDER = 3
CHUNK = 5000
HALF_LINES = 2000
ORDINARY = 1e6
LARGEST = float(np.finfo(np.float64).max)
CORNERS = [
    *(0.0, 5e-324, 1e-310, 2.0**-1022, 2.0**-600, 2.0**-54, 2.0**-26, 1 / 512, 3 / 512, 0.5, np.log(2) / 256, 1.0),
    *(np.pi / 4, np.pi / 2, np.pi, 6.0, 20.0, 22.0, 37.4, 40.0, 700.0, 709.78, 745.13, 745.2, 2.0**17, 1e22, 1e300),
    LARGEST,
]
ORDER = 500
ENTRIES = 10**6


@dataclass(frozen=True)
class Containment:
    """What the check of one function gave; widths are in units in the last place of the value."""

    name: str
    points: int
    missed: int
    undecided: int
    median_width: float
    largest_width: float
    largest_absolute_width: float

    def row(self) -> str:
        """Return the row of the table."""
        counts = f"{self.points} | {self.missed} | {self.undecided}"
        widths = f"{self.median_width:.2f} | {self.largest_width:.3g} | {self.largest_absolute_width:.1f}"
        return f"| {self.name} | {counts} | {widths} |"


TITLE = """# Rigorous arithmetic

Output of `{command}`. A prime is a derivative. Widths are those at arguments up to 1e6, in units in the last place of
the value, and of max(1, value): where a derivative all but vanishes, its enclosure has the absolute accuracy of the
terms that cancel. Costs are ratios of processor time on one thread.

## Containment and widths
"""
HEAD = """| function | checked | missed | undecided | median width | widest | widest, of max(1, value) |
|---|---:|---:|---:|---:|---:|---:|"""


def corners() -> np.ndarray:
    """Return corners of both signs with their neighbours."""
    x = np.array(CORNERS)
    with np.errstate(over="ignore"):
        x = np.concatenate([x, np.nextafter(x, np.inf), np.nextafter(x, 0.0)])
    return np.concatenate([x[np.isfinite(x)], -x[np.isfinite(x)]])


def points(name: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return numbers of moderate size, of all exponents, and near the cells' borders of the kernels."""
    quarter = count // 4
    parts = [
        rng.normal(size=count - 3 * quarter) * 2.0,
        rng.normal(size=quarter) * 30.0,
        np.exp(rng.uniform(-745.0, 709.0, quarter)) * rng.choice([-1.0, 1.0], quarter),
        (rng.integers(-6000, 6000, quarter) + 0.5) / 256.0 + rng.integers(-3, 4, quarter) * 2.0**-50,
    ]
    x = np.concatenate([corners(), *parts])
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
    lines, open_lines = half_lines(name, np.random.default_rng(1))
    counts = (x.size + HALF_LINES, len(found.missed) + lines, len(found.undecided) + open_lines)
    return summary(name, x, y, counts)


def half_lines(name: str, rng: np.random.Generator) -> tuple[int, int]:
    """Check values inside intervals that reach to infinity; return how many are missed and how many open."""
    starts = points(name, HALF_LINES, rng)[-HALF_LINES:]
    with np.errstate(over="ignore"):
        inside = np.minimum(starts + np.abs(starts) * np.exp(rng.uniform(-40.0, 5.0, starts.size)), LARGEST)
    y = getattr(elementary, name)(Interval.from_bounds(starts, np.full(starts.size, np.inf)))
    found = violations(REFERENCES[name], inside, y.mid, y.rad)
    return len(found.missed), len(found.undecided)


def summary(name: str, x: np.ndarray, y: Interval, counts: tuple[int, int, int]) -> Containment:
    """Return the figures of one function: points checked, missed and undecided, and the widths at ordinary points."""
    ordinary = (np.abs(x) <= ORDINARY) & np.isfinite(y.rad)
    mid, width = np.abs(y.mid[ordinary]), 2.0 * y.rad[ordinary] / ULP
    relative = width[mid > 1e-280] / mid[mid > 1e-280] if np.any(mid > 1e-280) else np.zeros(1)
    widest = float(np.max(width / np.maximum(1.0, mid)))
    return Containment(name, *counts, float(np.median(relative)), float(np.max(relative)), widest)


def check_activation(name: str, count: int, rng: np.random.Generator, pool: Executor) -> list[Containment]:
    """Check an activation and its derivatives."""
    x = points(name, count, rng)
    x = x[(x != 0.0) | (len(activation(name).kinks) == 0)][:count]
    parts = [x[start : start + CHUNK] for start in range(0, count, CHUNK)]
    missed, undecided = np.zeros((2, HIGHEST_ORDER + 1), dtype=int)
    for part_missed, part_undecided in pool.map(partial(check_derivatives, name), parts):
        missed += part_missed
        undecided += part_undecided
    results = activation(name).enclosures(Interval.point(x), HIGHEST_ORDER)
    return [
        summary(name + "'" * order, x, y, (x.size, int(missed[order]), int(undecided[order])))
        for order, y in enumerate(results)
    ]


def check_derivatives(name: str, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count, by order, the enclosures that miss the exact value and those left open."""
    results = activation(name).enclosures(Interval.point(x), HIGHEST_ORDER)
    ends = [(y.mid.tolist(), y.rad.tolist()) for y in results]
    function = Function(name, "benchmark")
    missed, undecided = np.zeros((2, HIGHEST_ORDER + 1), dtype=int)
    for index, argument in enumerate(x.tolist()):
        waiting = {order for order, (_, rad) in enumerate(ends) if rad[index] != np.inf}
        bits = FIRST_PRECISION
        while waiting and bits <= LAST_PRECISION:
            with arb.precision(bits):
                exact = function.derivatives(arb.Arb(argument), HIGHEST_ORDER)
                for order in sorted(waiting):
                    mid, rad = arb.Arb(ends[order][0][index]), arb.Arb(ends[order][1][index])
                    low, high = mid - rad, mid + rad
                    if low <= exact[order] <= high:
                        waiting.discard(order)
                    elif exact[order] < low or exact[order] > high:
                        waiting.discard(order)
                        missed[order] += 1
                        print(f"  MISSED {name}, order {order}, at {argument.hex()}")
            bits *= 4
        for order in waiting:
            undecided[order] += 1
    return missed, undecided


def best(call: Callable[[], object], repeat: int = 9) -> float:
    """Return the best processor time of several runs, in milliseconds."""
    call()
    return min(timeit.repeat(call, number=1, repeat=repeat, timer=time.process_time)) * 1e3


def by_endpoints(low: np.ndarray, high: np.ndarray, B: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multiply intervals by an exact matrix as endpoint storage would, rounding not even bounded."""
    positive, negative = np.maximum(B, 0.0), np.minimum(B, 0.0)
    return low @ positive + high @ negative, high @ positive + low @ negative


class Report:
    """The report, printed and kept."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, text: str) -> None:
        print(text, flush=True)
        self.lines.append(text)


def cost_of_functions(emit: Report, names: list[str], rng: np.random.Generator) -> None:
    """Print what a million values cost, against numpy's tanh."""
    x = rng.normal(size=ENTRIES) * 3.0
    plain = best(lambda: np.tanh(x), 30)
    emit(f"\n## Cost of {ENTRIES} values, as a multiple of numpy's tanh ({plain:.2f} ms)\n")
    emit("| function | points | intervals |\n|---|---:|---:|")
    for name in names:
        argument = np.abs(x) if name == "log" else x * 0.3 if name == "log1p" else x
        argument = np.maximum(argument, -0.9) if name == "log1p" else argument
        function = getattr(elementary, name)
        exact, wide = Interval.point(argument), Interval.from_midrad(argument, np.abs(argument) * 1e-3)
        costs = [best(partial(function, argument)) / plain for argument in (exact, wide)]
        emit(f"| {name} | {costs[0]:.1f} | {costs[1]:.1f} |")


def cost_of_operations(emit: Report, rng: np.random.Generator) -> None:
    """Print ratios of interval operations to the plain ones."""
    a, b = rng.normal(size=(2, ENTRIES))
    x, y = Interval.from_midrad(a, np.abs(a) * 0.01), Interval.from_midrad(b, np.abs(b) * 0.01)
    emit(f"\n## Cost of {ENTRIES} entries, as a multiple of numpy's operation\n\n| operation | ratio |\n|---|---:|")
    pairs: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        ("interval + interval", lambda: x + y, lambda: a + b),
        ("interval * array", lambda: x * b, lambda: a * b),
        ("interval * interval", lambda: x * y, lambda: a * b),
        ("interval / array", lambda: x / b, lambda: a / b),
        ("square", x.square, lambda: a * a),
        ("sum", x.sum, a.sum),
    ]
    for name, enclosed, plain in pairs:
        emit(f"| {name} | {best(enclosed) / best(plain, 30):.1f} |")
    A, B = rng.normal(size=(2, ORDER, ORDER))
    X, Y = Interval.from_midrad(A, np.abs(A) * 1e-6), Interval.from_midrad(B, np.abs(B) * 1e-6)
    low, high = X.lower, X.upper
    plain_product = best(lambda: A @ B, 40)
    emit(f"\n## Products of order {ORDER}, as a multiple of the plain one ({plain_product:.2f} ms)\n")
    emit("| product | ratio |\n|---|---:|")
    for name, product in (
        ("exact @ exact", lambda: Interval(A) @ B),
        ("interval @ exact", lambda: X @ B),
        ("interval @ interval", lambda: X @ Y),
        ("endpoints @ exact, unrounded", lambda: by_endpoints(low, high, B)),
    ):
        emit(f"| {name} | {best(product, 40) / plain_product:.2f} |")


def cost_of_spectra(emit: Report, rng: np.random.Generator) -> None:
    """Print ratios of proved spectral bounds to LAPACK's unproved eigenvalues, and how far above they are."""
    emit("\n## Proved spectral bounds, as a multiple of LAPACK's eigvalsh (of the Gram matrix for norms)\n")
    emit("| bound | cost | above the true value by |\n|---|---:|---:|")
    for n in (30, 100, 300):
        H = rng.normal(size=(n, n))
        H = H + H.T
        excess = float(spectral.largest_eigenvalue_upper(H)) / float(np.linalg.eigvalsh(H)[-1]) - 1
        ratio = best(partial(spectral.largest_eigenvalue_upper, H)) / best(partial(np.linalg.eigvalsh, H))
        emit(f"| largest eigenvalue, n = {n} | {ratio:.1f} | {excess:.1e} |")
        norm = float(spectral.norm_upper(H)) / float(np.linalg.norm(H, 2)) - 1
        ratio = best(partial(spectral.norm_upper, H)) / best(partial(np.linalg.eigvalsh, H.T @ H))
        emit(f"| norm, n = {n} | {ratio:.1f} | {norm:.1e} |")


def main() -> int:
    """Run the checks and the timings."""
    parser = argparse.ArgumentParser(description="Containment, widths and costs of the rigorous arithmetic.")
    parser.add_argument("--points", type=int, default=10**6, help="points checked for each function")
    parser.add_argument("--only", nargs="*", choices=[*sorted(REFERENCES), *BUILTIN_NAMES])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="file for the report")
    options = parser.parse_args()
    chosen = options.only or [*sorted(REFERENCES), *BUILTIN_NAMES]
    functions, activations = (
        [name for name in names if name in chosen] for names in (sorted(REFERENCES), BUILTIN_NAMES)
    )
    rng = np.random.default_rng(options.seed)
    emit, failures = Report(), 0
    command = f"python benchmarks/arithmetic.py{'' if options.points == 10**6 else f' --points {options.points}'}"
    emit(TITLE.format(command=command))
    with certified_environment():
        emit(HEAD)
        for name in functions:
            result = check(name, options.points, rng)
            failures += result.missed + result.undecided
            emit(result.row())
        with ProcessPoolExecutor() as pool:
            for name in activations:
                for result in check_activation(name, options.points, rng, pool):
                    failures += result.missed + result.undecided
                    emit(result.row())
        emit(f"\n{failures} failures")
        cost_of_functions(emit, functions, rng)
        cost_of_operations(emit, rng)
        cost_of_spectra(emit, rng)
    if options.out is not None:
        options.out.write_text("\n".join(emit.lines) + "\n", encoding="utf-8")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
