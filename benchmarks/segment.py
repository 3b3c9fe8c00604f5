"""Segment bound: tightness, cost and growth, with autobound on the same segments.

Tightness: c2 of a bound is the least number with bound(t) <= c1 t + c2 t^2 on [0, T]; the best possible one is the
largest (E(w + t D) - E(w) - c1 t)/t^2, both over 200 values of t and the limit at 0. Cost: medians of interleaved
calls, in gradients (`Problem.error_and_gradient`) of the same run; autobound's in jax's own gradients.

Run: ``python benchmarks/segment.py --out benchmarks/segment.md [--peer PYTHON]``, PYTHON an interpreter with
``autobound==0.1.4 jax==0.4.13 jaxlib==0.4.13 "numpy<2" "scipy<1.12" typing_extensions``; ``--peer make`` builds it.
The plots are written beside the table.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from segment_cases import Case, networks, peer_answers, peer_python
from segment_growth import large, measured, medians, slope
from segment_plot import plot_growth, plot_tightness

import verify
from verify.bounds.segment import segment_bound
from verify.bounds.segment_result import SegmentBound
from verify.bounds.start import StartPass

REPETITIONS = 11
PRECISIONS = ("mixed", "float32")


@dataclass(frozen=True)
class Row:
    """What one segment gave; NaN where there is no peer."""

    network: str
    label: str
    best: float
    ratios: dict[str, float]
    decrease: float
    costs: dict[str, float]
    peer_ratio: float
    peer_cost: float

    def line(self) -> str:
        """The row of the table."""
        cells = [f"{self.ratios[p]:.3g}" for p in PRECISIONS]
        cells += [_shown(self.peer_ratio, ".3g"), f"{100 * self.decrease:.1f}%"]
        cells += [f"{self.costs[key]:.2f}" for key in ("mixed", "shared", "float32")]
        return f"| {self.label} | {self.best:.3g} | {' | '.join(cells)} | {_shown(self.peer_cost, '.1f')} |"


def _shown(value: float, form: str) -> str:
    return format(value, form) if np.isfinite(value) else ""


def curvature(bound: SegmentBound, T: float) -> float:
    """c2 of the better of the bound's polynomials."""
    times = np.linspace(0.0, T, 201)
    return min(float(np.max(np.polyval(p[:0:-1], times))) for p in bound.polynomials)


def row(network: str, problem: verify.Problem, case: Case, peer: dict[str, float]) -> Row:
    w, D, T = case.w, case.D, case.T
    start, gradient = problem.error_and_gradient(w)
    c1 = float(gradient @ D)
    times = np.linspace(0.0, T, 201)[1:]
    changes = np.array([problem.error(w + t * D) - start for t in times])
    best = max(float(np.max((changes - c1 * times) / times**2)), 0.5 * float(D @ problem.hessian_vector(w, D)))
    bounds = {p: segment_bound(problem, w, D, T, precision=p) for p in PRECISIONS}
    shared = StartPass(problem)
    shared.error_and_gradient(w)
    calls = {
        "gradient": lambda: problem.error_and_gradient(w),
        "mixed": lambda: segment_bound(problem, w, D, T),
        "shared": lambda: segment_bound(problem, w, D, T, shared),
        "float32": lambda: segment_bound(problem, w, D, T, precision="float32"),
    }
    seconds = medians(calls, REPETITIONS)
    return Row(
        network,
        case.label,
        best,
        {p: curvature(bound, T) / best for p, bound in bounds.items()},
        bounds["mixed"].decrease / -float(np.min(changes)),
        {key: value / seconds["gradient"] for key, value in seconds.items()},
        peer["c2"] / best if peer else np.nan,
        peer["seconds"] / peer["gradient_seconds"] if peer and "convolution" not in network else np.nan,
    )


def table(rows: list[Row]) -> list[str]:
    lines = []
    for name in dict.fromkeys(r.network for r in rows):
        lines += [
            f"## {name}",
            "",
            "| state, direction, T | best c2 | mixed | float32 | autobound | decrease | mixed, g | shared, g |"
            " float32, g | autobound, jax g |",
            "|---|---|---|---|---|---|---|---|---|---|",
            *(r.line() for r in rows if r.network == name),
            "",
        ]
    return lines


def growth_lines(sweeps: dict[str, dict[str, list[float]]]) -> list[str]:
    lines = [
        "## Growth",
        "",
        "Log-log slopes of the time at the start along -g, T the Newton length; autoencoders of 64 columns, every "
        "layer reading the two before it.",
        "",
        "| grows | gradient | bound | autobound | bound, g, smallest to largest |",
        "|---|---|---|---|---|",
    ]
    for name, values in sweeps.items():
        sizes = values["size"]
        slopes = [f"{slope(sizes, values[key]):.2f}" for key in ("gradient", "bound")]
        known = np.isfinite(values["autobound"])
        theirs = ""
        if np.sum(known) > 1:
            theirs = f"{slope(list(np.array(sizes)[known]), list(np.array(values['autobound'])[known])):.2f}"
        in_gradients = [b / g for b, g in zip(values["bound"], values["gradient"], strict=True)]
        ends = f"{in_gradients[0]:.2f} to {in_gradients[-1]:.2f}"
        lines.append(f"| {name}, {sizes[0]} to {sizes[-1]} | {' | '.join(slopes)} | {theirs} | {ends} |")
    return [*lines, "", "![growth](segment_growth.svg)", ""]


def large_lines(answer: dict[str, float]) -> list[str]:
    gradient, bound, single = answer["gradient"], answer["bound"], answer["float32"]
    return [
        "## A large network",
        "",
        f"784-512-128-512-784 with a skip, {answer['weights']:,.0f} weights, 1000 samples, T the Newton length: "
        f"gradient {gradient:.2f} s, segment bound {bound:.2f} s ({bound / gradient:.1f} g), in float32 {single:.2f} s "
        f"({single / gradient:.1f} g); peak memory {answer['peak']:.0f} MB, {answer['gradient_peak']:.0f} MB before "
        f"the bound. Proved decrease {answer['decrease']:.3g}.",
        "",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--peer")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        python = peer_python(options.peer, Path(folder)) if options.peer else None
        tested = networks()
        answers = peer_answers(python, tested, REPETITIONS)
        rows = [
            row(network.name, network.problem, case, peer)
            for network, peers in zip(tested, answers, strict=True)
            for case, peer in zip(network.cases, peers, strict=True)
        ]
        sweeps = measured(python)
    lines = [
        "# Segment bound",
        "",
        f"`python benchmarks/segment.py --out benchmarks/segment.md{' --peer make' if options.peer else ''}`, "
        f"numpy {np.__version__}, OPENBLAS_NUM_THREADS={os.environ.get('OPENBLAS_NUM_THREADS', 'unset')}, "
        f"load of the machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors.",
        "",
        'c2 of the bound over the best possible: "mixed" (the default), "float32" throughout, and autobound. '
        '"decrease": the decrease that the bound proves, of the largest one on the segment. g = one gradient; '
        '"shared": with the forward pass of the gradient (`StartPass`). t_N: the Newton length. autobound gets '
        "convolutions as dense matrices, so its cost there is left out.",
        "",
        *table(rows),
        "![tightness](segment_tightness.svg)",
        "",
        *growth_lines(sweeps),
        *large_lines(large()),
    ]
    text = "\n".join(lines)
    if options.out:
        options.out.write_text(text)
        labels = [f"{r.network}: {r.label}" for r in rows]
        columns = {p: [r.ratios[p] for r in rows] for p in PRECISIONS}
        columns["autobound"] = [r.peer_ratio for r in rows]
        plot_tightness(options.out.with_name("segment_tightness.svg"), labels, columns)
        plot_growth(options.out.with_name("segment_growth.svg"), sweeps)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
