"""Proof-carrying steps in Coq: a network with 20 hidden units on 20 samples, one row per activation.

python benchmarks/coq_step.py [tanh sigmoid softplus]
"""

from __future__ import annotations

import resource
import sys

import numpy as np

import verify
from verify.certificates.coq import compile_proof, export_step

HIDDEN, SAMPLES = 20, 20


def make_certificate(activation: str) -> dict[str, object]:
    """One step of plain descent; two inputs, a skip connection to the linear output."""
    nodes = {
        "x": {"width": 2},
        "h": {"width": HIDDEN, "activation": activation, "inputs": ["x"]},
        "y": {"width": 1, "activation": "identity", "inputs": ["h", "x"]},
    }
    rng = np.random.default_rng(1)
    architecture = verify.Architecture.from_data(nodes, output="y")
    problem = verify.Problem(architecture, rng.normal(size=(SAMPLES, 2)), rng.normal(size=(SAMPLES, 1)))
    w = problem.initial_weights
    return verify.certify(problem, "step", weights=w, next_weights=w - 0.05 * problem.gradient(w))


def main(activations: list[str]) -> None:
    print("| hidden units | samples | activation | bytes | verdict | CPU s | wall s | peak MB |")
    print("|---|---|---|---|---|---|---|---|")
    for activation in activations:
        text = export_step(make_certificate(activation))
        start = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        outcome = compile_proof(text)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(
            f"| {HIDDEN} | {SAMPLES} | {activation} | {len(text)} | {outcome.verdict.value} | "
            f"{used.ru_utime - start:.0f} | {outcome.seconds:.0f} | {used.ru_maxrss / 1024:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:] or ["tanh", "sigmoid", "softplus"])
