"""Print the table of horizon and weight-decay certificates; each one is rechecked.

python benchmarks/certificates.py > benchmarks/certificates.md
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import verify
from verify.analysis.certify import certify
from verify.calculus.problem import Problem
from verify.certificates.curvature_claim import CurvatureClaims
from verify.certificates.description import describe

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NAMES = ("xor_skip", "breast_cancer_residual", "digits_autoencoder")
STEPS = (1, 10, 100, 1000)
WEIGHT_DECAYS = (1e-4, 1e-3, 1e-2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", nargs="*", default=NAMES)
    parser.add_argument("--steps", nargs="*", type=int, default=STEPS)
    parser.add_argument("--weight-decays", nargs="*", type=float, default=WEIGHT_DECAYS)
    options = parser.parse_args()
    print("# Horizon and weight-decay certificates\n")
    print(
        "Largest eta found with tau = eta/2, so that K steps provably stay in a ball of the radius given (horizon), or"
    )
    print("recommended eta and tau for all steps (weight decay). Times are the processor's; the first row of a network")
    print("bears what the others share. `python benchmarks/certificates.py` prints this table.\n")
    print("| network | statement | radius | L | eta | tau | proved decrease | prove | recheck | verdict |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in options.names:
        problem = verify.load_problem(EXAMPLES / f"{name}.toml")
        claims = CurvatureClaims(problem, describe(problem, problem.initial_weights))
        for steps in options.steps:
            row(problem, f"{steps} steps", "horizon", steps=steps, claims=claims)
        for penalty in options.weight_decays:
            row(with_weight_decay(problem, penalty), f"all steps, weight decay {penalty:g}", "weight_decay")


def row(problem: Problem, statement: str, kind: str, **settings: Any) -> None:
    """Certify, recheck and print one line."""
    start = time.process_time()
    try:
        certificate = certify(problem, kind, confirm=False, announce=progress, **settings)
    except verify.InputError as error:
        print(f"| {problem.name} | {statement} | | | | | | | | none: {error} |", flush=True)
        return
    middle = time.process_time()
    verdict = verify.check_certificate(certificate)["verdict"]
    end = time.process_time()
    claim = {name: float.fromhex(value) for name, value in certificate["claim"].items() if isinstance(value, str)}
    figures = [float.fromhex(certificate["region"]["radius"]), *(claim[name] for name in ("lipschitz", "eta", "tau"))]
    numbers = " | ".join(f"{figure:.4g}" for figure in figures)
    decrease = f"{claim['decrease']:.3g}" if "decrease" in claim else "every step"
    times = f"{middle - start:.1f} s | {end - middle:.1f} s"
    print(f"| {problem.name} | {statement} | {numbers} | {decrease} | {times} | {verdict} |", flush=True)


def with_weight_decay(problem: Problem, penalty: float) -> Problem:
    """Return the same problem with a penalty on the weights."""
    return Problem(
        problem.architecture,
        problem.inputs,
        problem.targets,
        reduction=problem.reduction,
        weight_decay=penalty,
        initial_weights=problem.initial_weights,
        name=problem.name,
    )


def progress(message: str) -> None:
    if sys.stderr.isatty():
        print(message, file=sys.stderr)


if __name__ == "__main__":
    main()
