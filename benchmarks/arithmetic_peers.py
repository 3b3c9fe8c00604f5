"""The package's interval arithmetic beside libraries of interval arrays: containment, widths, costs in one run.

    pip install crival precise-numpy
    python benchmarks/arithmetic_peers.py --out benchmarks/arithmetic_peers.md

Every library encloses the same points as `benchmarks/arithmetic.py`, and Arb decides what is missed. Costs are the best
of several runs, relative to the package's own; a library that is not installed is left out, and the table says so.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import flint
import numpy as np

from benchmarks.arithmetic import ENTRIES, ORDER, ULP, best, points
from verify.arithmetic import elementary, midrad
from verify.arithmetic.containment import REFERENCES, violations
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.intervals import Interval

Bounds = tuple[np.ndarray, np.ndarray]
"""Midpoints and radii."""
SMALLEST_PRODUCT = 2.0**-600
"""Its square is far below the smallest subnormal number: a product of two is zero in float64, but not exactly."""

CRIVAL_NAMES = {"arctan": "atan"} | {
    name: name for name in ("exp", "expm1", "log", "log1p", "tanh", "erf", "sin", "cos")
}
PRECISE_NAMES = {name: name for name in ("exp", "log", "sin", "cos")}


@dataclass(frozen=True)
class Library:
    """A library of interval arrays: how it encloses functions, products of entries and of matrices at exact numbers."""

    distribution: str
    function: Callable[[str, np.ndarray], Callable[[], object] | None]
    bounds: Callable[[object], Bounds]
    product: Callable[[np.ndarray, np.ndarray], Callable[[], object]]
    matrix_product: Callable[[np.ndarray, np.ndarray], Callable[[], object]] | None

    @property
    def title(self) -> str:
        """Its name and version."""
        return f"{self.distribution} {version(self.distribution)}"


def own() -> Library:
    """Return the package's arithmetic."""

    def function(name: str, x: np.ndarray) -> Callable[[], object]:
        X = Interval.point(x)
        return lambda: getattr(elementary, name)(X)

    def product(a: np.ndarray, b: np.ndarray) -> Callable[[], object]:
        A = Interval.point(a)
        return lambda: A * b

    def matrix_product(a: np.ndarray, b: np.ndarray) -> Callable[[], object]:
        A = Interval.point(a)
        return lambda: A @ b

    return Library("dagverify", function, lambda y: (y.mid, y.rad), product, matrix_product)  # type: ignore[attr-defined]


def crival() -> Library:
    """Return the correctly rounded functions of CORE-MATH: endpoints, without products of matrices."""
    ival = importlib.import_module("ival")

    def function(name: str, x: np.ndarray) -> Callable[[], object] | None:
        if name not in CRIVAL_NAMES:
            return None
        X, enclose = ival.Interval(x, x), getattr(ival, CRIVAL_NAMES[name])
        return lambda: enclose(X)

    def product(a: np.ndarray, b: np.ndarray) -> Callable[[], object]:
        A, B = ival.Interval(a, a), ival.Interval(b, b)
        return lambda: A * B

    return Library("crival", function, lambda y: midrad.from_ends(y.inf, y.sup), product, None)  # type: ignore[attr-defined]


def precise_numpy() -> Library:
    """Return intervals of midpoints and radii, made in Rust."""
    pnp = importlib.import_module("precise_numpy")

    def function(name: str, x: np.ndarray) -> Callable[[], object] | None:
        if name not in PRECISE_NAMES:
            return None
        X, enclose = pnp.from_numpy(x, 0.0), getattr(np, name)
        return lambda: enclose(X)

    def product(a: np.ndarray, b: np.ndarray) -> Callable[[], object]:
        A, B = pnp.from_numpy(a, 0.0), pnp.from_numpy(b, 0.0)
        return lambda: A * B

    def matrix_product(a: np.ndarray, b: np.ndarray) -> Callable[[], object]:
        A, B = pnp.from_numpy(a, 0.0), pnp.from_numpy(b, 0.0)
        return lambda: A @ B

    def bounds(y: object) -> Bounds:
        shape = y.shape  # type: ignore[attr-defined]
        mids, rads = np.asarray(y.values()), np.asarray(y.radii())  # type: ignore[attr-defined]
        return mids.reshape(shape), rads.reshape(shape)

    return Library("precise-numpy", function, bounds, product, matrix_product)


LIBRARIES = {"dagverify": own, "crival": crival, "precise-numpy": precise_numpy}
TITLE = """# Interval arithmetic of others

Output of `python benchmarks/arithmetic_peers.py{arguments}`: {libraries}.{absent}
Containment is decided by Arb. Widths are medians, in units in the last place of the value. Costs are processor time on
one thread, relative to the package's own in the same run.
"""
WEIGHED = """
## What follows

- crival holds everywhere it was asked, and each end is the nearest number that can be one; in cost neither it nor the
  package is ahead throughout. It has no sigmoid, softplus or Gaussian density, no products of matrices, and it comes as
  a compiled library for three platforms. The package's own functions need NumPy alone and are proved in their text, so
  they stay; crival is a second, independent reference of their tests (`tests/arithmetic/test_correctly_rounded.py`).
- precise-numpy loses the part of a product that underflows: an interval of radius zero around a wrong number. It has
  neither tanh nor erf. Not used.
- numpy-flint-arb 1.0.0 holds no arithmetic: its one module is the example function of a template. Not used.
"""


def functions(libraries: list[Library], count: int, emit: Callable[[str], None], seed: int) -> None:
    """Print what each library misses at the points, its widths and costs."""
    emit("## Functions\n\n| function | library | points | missed | undecided | median width | cost |")
    emit("|---|---|---:|---:|---:|---:|---:|")
    for name in sorted(REFERENCES):
        x = points(name, count, np.random.default_rng(seed))
        ordinary = np.abs(x) <= 2.0**17
        timed, base = np.resize(x[ordinary & (np.abs(x) > 1e-8)], ENTRIES), None
        for library in libraries:
            call, timing = library.function(name, x), library.function(name, timed)
            if call is None or timing is None:
                continue
            mid, rad = library.bounds(call())
            found = violations(REFERENCES[name], x, mid, rad)
            chosen = ordinary & np.isfinite(rad) & (np.abs(mid) > 1e-280)
            width = float(np.median(2.0 * rad[chosen] / np.abs(mid[chosen]) / ULP))
            cost = best(timing, 5)
            base = cost if base is None else base
            counts = f"{x.size} | {len(found.missed)} | {len(found.undecided)}"
            emit(f"| {name} | {library.distribution} | {counts} | {width:.2f} | {cost / base:.2f} |")


def products(libraries: list[Library], emit: Callable[[str], None], seed: int) -> None:
    """Print what each library misses in products of entries, at ordinary numbers and where they underflow."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 20_000))
    emit("\n## Products of entries\n\n| numbers | library | products | missed | cost |\n|---|---|---:|---:|---:|")
    for kind, scale in (("of size 1", 1.0), ("whose products underflow", SMALLEST_PRODUCT)):
        base = None
        for library in libraries:
            call = library.product(a * scale, b * scale)
            mid, rad = library.bounds(call())
            missed = sum(
                not _holds_product(float(x), float(y), float(m), float(r))
                for x, y, m, r in zip(a * scale, b * scale, mid, rad, strict=True)
            )
            cost = best(call, 20)
            base = cost if base is None else base
            emit(f"| {kind} | {library.distribution} | {a.size} | {missed} | {cost / base:.2f} |")


def _holds_product(x: float, y: float, mid: float, rad: float) -> bool:
    exact, centre = (
        flint.fmpq(*x.as_integer_ratio()) * flint.fmpq(*y.as_integer_ratio()),
        flint.fmpq(*mid.as_integer_ratio()),
    )
    return bool(np.isinf(rad)) or bool(abs(exact - centre) <= flint.fmpq(*rad.as_integer_ratio()))


def matrix_products(libraries: list[Library], emit: Callable[[str], None], seed: int) -> None:
    """Print widths and costs of products of matrices."""
    A, B = np.random.default_rng(seed).normal(size=(2, ORDER, ORDER))
    emit(f"\n## Products of matrices of order {ORDER}\n\n| library | largest radius | cost |\n|---|---:|---:|")
    base = None
    for library in libraries:
        if library.matrix_product is None:
            continue
        call = library.matrix_product(A, B)
        _, rad = library.bounds(call())
        cost = best(call, 10)
        base = cost if base is None else base
        emit(f"| {library.distribution} | {float(np.max(rad)):.1e} | {cost / base:.2f} |")


def installed() -> tuple[list[Library], list[str]]:
    """Return the libraries that can be imported, and the names of the others."""
    found, absent = [], []
    for name, make in LIBRARIES.items():
        try:
            found.append(make())
        except (ModuleNotFoundError, PackageNotFoundError):
            absent.append(name)
    return found, absent


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="The interval arithmetic of others beside the package's own.")
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="file for the table")
    options = parser.parse_args()
    libraries, absent = installed()
    lines: list[str] = []

    def emit(text: str) -> None:
        print(text, flush=True)
        lines.append(text)

    arguments = "" if options.points == 100_000 else f" --points {options.points}"
    missing = f" Not installed: {', '.join(absent)}." if absent else ""
    emit(TITLE.format(arguments=arguments, libraries=", ".join(lib.title for lib in libraries), absent=missing))
    with certified_environment():
        functions(libraries, options.points, emit, options.seed)
        products(libraries, emit, options.seed)
        matrix_products(libraries, emit, options.seed)
    emit(WEIGHED)
    if options.out is not None:
        options.out.write_text("\n".join(lines), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
