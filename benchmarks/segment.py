"""Segment bound: tightness and cost, with autobound on the same segments.

Tightness: c2 is the least number with bound(t) <= c1 t + c2 t^2 on [0, T], here max(c2, c2 + c3 T); the best possible
one is the largest (E(w + t D) - E(w) - c1 t)/t^2 over 200 values of t. Cost: medians of interleaved calls, in gradients
(`Problem.error_and_gradient`) of the same run; autobound's in jax's own gradients.

Run: ``python benchmarks/segment.py --out benchmarks/segment.md [--peer PYTHON]``, PYTHON an interpreter with
``autobound==0.1.4 jax==0.4.13 jaxlib==0.4.13 "numpy<2" "scipy<1.12" typing_extensions``; ``--peer make`` builds it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

import numpy as np

import verify
from verify.bounds.segment import segment_bound

PEER = ["autobound==0.1.4", "jax==0.4.13", "jaxlib==0.4.13", "numpy<2", "scipy<1.12", "typing_extensions"]
REPETITIONS = 15
HERE = Path(__file__).resolve().parent


def segments(problem: verify.Problem) -> list[tuple[str, np.ndarray, np.ndarray, float]]:
    """Segments at the start and after 30 and 300 gradient steps with eta 1, along -g and -g + 0.9 D."""
    w, step = problem.initial_weights.copy(), np.zeros(problem.architecture.size)
    result = []
    for index in range(301):
        gradient = problem.gradient(w)
        if index == 0:
            result += [(f"start, -g, {T:g}", w, -gradient, T) for T in (1.0, 1.75, 3.0)]
        if index in (30, 300):
            direction = 0.9 * step - gradient
            result += [(f"after {index}, -g + 0.9 D, {T:g}", w, direction, T) for T in (2.0, 10.0, 30.0)]
        step = -gradient
        w = w + step
    return result


def best_curvature(problem: verify.Problem, w: np.ndarray, D: np.ndarray, T: float) -> float:
    start, gradient = problem.error_and_gradient(w)
    slope = float(gradient @ D)
    times = T * np.arange(1, 201) / 200
    return max((problem.error(w + t * D) - start - slope * t) / t**2 for t in times)


def medians(calls: dict[str, Callable[[], object]], repetitions: int) -> dict[str, float]:
    """Median seconds of each call, taken in turns so that the machine's load falls on all alike."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repetitions + 1):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - begin)
    return {name: float(np.median(values[1:])) for name, values in times.items()}


def peer_python(option: str, folder: Path) -> str:
    if option != "make":
        return option
    venv.create(folder / "peer", with_pip=True)
    python = folder / "peer" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PEER], check=True)
    return str(python)


def peer_answers(option: str | None, problem: verify.Problem, cases: list) -> list[dict[str, float]]:
    if option is None:
        return [{} for _ in cases]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        columns = {key: np.array([case[i] for case in cases]) for i, key in ((1, "w"), (2, "D"), (3, "T"))}
        np.savez(folder / "cases.npz", x=problem.inputs, **columns)
        command = [peer_python(option, folder), HERE / "segment_peer.py", folder / "cases.npz", str(REPETITIONS)]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def wide_problem() -> verify.Problem:
    """1,036,176 weights, a skip connection, 1000 synthetic samples."""
    nodes = {"x": {"width": 784}}
    for name, width, sources in (
        ("h1", 512, ["x"]),
        ("h2", 128, ["h1", "x"]),
        ("h3", 512, ["h2"]),
        ("y", 784, ["h3"]),
    ):
        nodes[name] = {"width": width, "activation": "sigmoid", "inputs": sources}
    rng = np.random.default_rng(0)
    x = rng.random((1000, 784))
    return verify.Problem(verify.Architecture.from_data(nodes, output="y"), x, x)


def cost(problem: verify.Problem, w: np.ndarray, D: np.ndarray, T: float, repetitions: int) -> tuple[float, float]:
    """Median seconds of a gradient and of a segment bound."""
    times = medians(
        {"g": lambda: problem.error_and_gradient(w), "bound": lambda: segment_bound(problem, w, D, T)}, repetitions
    )
    return times["g"], times["bound"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--peer")
    options = parser.parse_args()
    problem = verify.load_problem(HERE.parent / "examples" / "digits_autoencoder.toml")
    cases = segments(problem)
    lines = [
        "# Segment bound",
        "",
        f"`python benchmarks/segment.py --out benchmarks/segment.md{' --peer make' if options.peer else ''}`, "
        f"numpy {np.__version__}, OPENBLAS_NUM_THREADS={os.environ.get('OPENBLAS_NUM_THREADS', 'unset')}, "
        f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors. "
        "Digits autoencoder, 6,280 weights; g = one gradient.",
        "",
        "| state, direction, T | best c2 | ours / best | autobound / best | ours, g | autobound, jax g |",
        "|---|---|---|---|---|---|",
    ]
    for (name, w, D, T), peer in zip(cases, peer_answers(options.peer, problem, cases), strict=True):
        best = best_curvature(problem, w, D, T)
        _, c2, c3 = segment_bound(problem, w, D, T).polynomial
        gradient, bound = cost(problem, w, D, T, REPETITIONS)
        theirs = [f"{peer['c2'] / best:.2f}", f"{peer['seconds'] / peer['gradient_seconds']:.1f}"] if peer else ["", ""]
        ours = max(c2, c2 + c3 * T) / best
        lines.append(f"| {name} | {best:.4g} | {ours:.2f} | {theirs[0]} | {bound / gradient:.2f} | {theirs[1]} |")
    wide = wide_problem()
    w = wide.initial_weights
    gradient, bound = cost(wide, w, -wide.gradient(w), 1.0, 3)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    lines += [
        "",
        f"{wide.architecture.size:,} weights, 1000 samples: gradient {gradient:.2f} s, segment bound {bound:.2f} s "
        f"({bound / gradient:.1f} g), peak memory {peak:.0f} MB.",
        "",
    ]
    text = "\n".join(lines)
    if options.out:
        options.out.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
