"""Which combination of the gradient with the previous direction serves certified and guarded steps best.

    OPENBLAS_NUM_THREADS=1 python benchmarks/training_directions.py [--seeds 4] [--out FILE]

E after 300 steps, medians over the seeds of the initial weights, for each factor beta of d = -g + beta d_previous. With
y = g - g_previous: PR+ = max(0, g.y/|g_previous|^2), HS+ = max(0, g.y/(d.y)), DY = |g|^2/(d.y), DY/HS = max(0, min(HS,
DY)), HZ that of Hager and Zhang; none is gradient descent.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

import numpy as np
from training import PROBLEMS

from verify import Problem
from verify.training.directions import ConjugateDirections, Factor, hager_zhang, polak_ribiere
from verify.training.rules import CertifiedRule, GuardedRule, Rule
from verify.training.session import Session


def hestenes_stiefel(gradient: np.ndarray, previous: np.ndarray, direction: np.ndarray) -> float:
    change = gradient - previous
    bend = float(direction @ change)
    return max(0.0, float(gradient @ change) / bend) if bend > 0 else 0.0


def dai_yuan(gradient: np.ndarray, previous: np.ndarray, direction: np.ndarray) -> float:
    bend = float(direction @ (gradient - previous))
    return float(gradient @ gradient) / bend if bend > 0 else 0.0


def hybrid(gradient: np.ndarray, previous: np.ndarray, direction: np.ndarray) -> float:
    factors = (hestenes_stiefel(gradient, previous, direction), dai_yuan(gradient, previous, direction))
    return max(0.0, min(factors))


FACTORS: dict[str, Factor] = {
    "PR+": polak_ribiere,
    "HS+": hestenes_stiefel,
    "DY": dai_yuan,
    "DY/HS": hybrid,
    "HZ": hager_zhang,
    "none": lambda gradient, previous, direction: 0.0,
}
RULES: tuple[type[CertifiedRule | GuardedRule], ...] = (CertifiedRule, GuardedRule)


def final_error(problem: Problem, rule: Rule, seed: int, steps: int) -> float:
    session = Session(problem, rule, problem.architecture.initial_weights("glorot", seed))
    while session.index < steps and session.step() is not None:
        pass
    return problem.error(session.weights)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--problems", nargs="*", default=["autoencoder", "breast", "wine"], help="parts of their names")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    table = [f"| problem | rule | {' | '.join(FACTORS)} |", "|---" * (2 + len(FACTORS)) + "|"]
    for name, (make, _) in PROBLEMS.items():
        if not any(part in name for part in options.problems):
            continue
        problem = make()
        for rule in RULES:
            medians = []
            for factor in FACTORS.values():
                rules = [rule(directions=ConjugateDirections(factor)) for _ in range(options.seeds)]
                errors = [final_error(problem, made, seed, options.steps) for seed, made in enumerate(rules)]
                medians.append(float(np.median(errors)))
            table.append(f"| {name} | {rule.name} | {' | '.join(f'{median:.4g}' for median in medians)} |")
            print(table[-1], flush=True)
    if options.out:
        command = f"OPENBLAS_NUM_THREADS=1 python {shlex.join(sys.argv)}"
        content = ["# Directions of proved training", "", f"    {command}", "", str(__doc__).split("\n\n")[2], *table]
        options.out.write_text("\n".join(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
