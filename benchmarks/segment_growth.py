"""How the segment bound's time grows with width, depth and samples; time and memory for 1,000,000 weights."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from segment_cases import Case, Network, autoencoder, newton_length, peer_answers

import verify
from verify.bounds.segment import segment_bound

SWEEPS = {
    "width": [(width, 3, 500) for width in (32, 64, 128, 256, 512)],
    "depth": [(32, depth, 500) for depth in (2, 4, 8, 16)],
    "samples": [(32, 3, samples) for samples in (500, 1000, 2000, 4000, 8000)],
}
COLUMNS = {"width": 0, "depth": 1, "samples": 2}
DEEPEST_FOR_PEER = 8
"""Compiling autobound's bound takes minutes for deeper networks."""
REPETITIONS = 7


def medians(calls: dict[str, Callable[[], object]], repetitions: int) -> dict[str, float]:
    """Median seconds of each call, taken in turns so that the machine's load falls on all alike."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repetitions + 1):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - begin)
    return {name: float(np.median(values[1:])) for name, values in times.items()}


def slope(sizes: list[float], seconds: list[float]) -> float:
    """Slope of the least-squares line through the logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def measured(python: str | None) -> dict[str, dict[str, list[float]]]:
    """Per sweep the sizes, the seconds of a gradient and of the bound, and autobound's, NaN where it was left out."""
    result = {}
    for name, settings in SWEEPS.items():
        tested = []
        row: dict[str, list[float]] = {"size": [], "gradient": [], "bound": []}
        for setting in settings:
            problem = autoencoder(*setting)
            w = problem.initial_weights
            D = -problem.gradient(w)
            T = newton_length(problem, w, D)
            calls = {
                "gradient": lambda p=problem, w=w: p.error_and_gradient(w),
                "bound": lambda p=problem, w=w, D=D, T=T: segment_bound(p, w, D, T),
            }
            times = medians(calls, REPETITIONS)
            row["size"].append(setting[COLUMNS[name]])
            for key, value in times.items():
                row[key].append(value)
            if setting[1] <= DEEPEST_FOR_PEER:
                tested.append(Network(name, problem, [Case(str(setting), w, D, T)]))
        seconds = [answers[0].get("seconds", np.nan) for answers in peer_answers(python, tested, REPETITIONS)]
        row["autobound"] = seconds + [np.nan] * (len(settings) - len(seconds))
        result[name] = row
    return result


def large_problem() -> verify.Problem:
    """1,036,176 weights, a skip connection, 1000 synthetic samples."""
    nodes = {"x": {"width": 784}}
    for name, width, sources in (
        ("h1", 512, ["x"]),
        ("h2", 128, ["h1", "x"]),
        ("h3", 512, ["h2"]),
        ("y", 784, ["h3"]),
    ):
        nodes[name] = {"width": width, "activation": "sigmoid", "inputs": sources}
    x = np.random.default_rng(0).random((1000, 784))
    return verify.Problem(verify.Architecture.from_data(nodes, output="y"), x, x)


def large() -> dict[str, float]:
    """Weights, seconds and peak memory (MB) of the large network, in a process of its own."""
    command = [sys.executable, Path(__file__)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peak_memory() -> float:
    """Peak memory of this process in MB; Linux's `getrusage` counts that of the parent before the start too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return float(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    problem = large_problem()
    w = problem.initial_weights
    D = -problem.gradient(w)
    T = newton_length(problem, w, D)
    calls = {
        "gradient": lambda: problem.error_and_gradient(w),
        "bound": lambda: segment_bound(problem, w, D, T),
        "float32": lambda: segment_bound(problem, w, D, T, precision="float32"),
    }
    peak = peak_memory()
    answer = {"weights": w.size, "decrease": segment_bound(problem, w, D, T).decrease, **medians(calls, 3)}
    answer["gradient_peak"], answer["peak"] = peak, peak_memory()
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
