"""Mutate certificates of random graphs of the whole vocabulary and count which mutants the checker confirms.

    python benchmarks/falsify_graph_certificates.py --mutants 10000 > benchmarks/graph_mutations.md
    python benchmarks/falsify_graph_certificates.py --kind minimum > benchmarks/graph_mutations_minimum.md

The hash of mutated data is written anew nine times of ten. A mutant that is confirmed is evaluated by the prover,
of what the file says now: a step in 4000 bits, a minimum by the theorem, the prover's gradient and eigenvalues on the
ball. A false one makes the exit code 1, and so does an error that is not one line.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import verify  # noqa: E402 -- the tests' mutations are found beside this folder
from tests.certificates.mutations import HARMLESS, UNPROVED  # noqa: E402
from tests.certificates.mutations import mutated as aimed  # noqa: E402
from tests.certificates.test_graph_checker import mutated, true_of_the_prover  # noqa: E402
from tests.certificates.test_graph_minimum import true_minimum  # noqa: E402
from tests.graph.random_graphs import random_case  # noqa: E402
from verify.analysis.certify import UnconfirmedError, certify  # noqa: E402
from verify.certificates import document  # noqa: E402
from verify.graph.problem import GraphProblem  # noqa: E402
from verify.outcomes import InputError  # noqa: E402

PER_CERTIFICATE = 100
DECAY, SECONDS, MOST_WEIGHTS = 0.05, 10.0, 25
"""Of the random graphs whose minima are certified."""
TRUE = {"step": true_of_the_prover, "minimum": true_minimum}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, help="default: 10,000, of minima 1,000")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=list(TRUE), default="step")
    options = parser.parse_args()
    wanted = options.mutants or {"step": 10_000, "minimum": 1000}[options.kind]
    total: Counter[str] = Counter()
    operations: Counter[str] = Counter()
    started, seed = time.process_time(), options.seed
    while sum(total.values()) < wanted:
        certificate = random_certificate(seed, options.kind)
        if certificate is not None:
            operations.update({node["operation"] for node in certificate["model"]["graph"]["nodes"]})
            total.update(attack(certificate, seed, options.kind))
        seed += 1
    print(f"# Mutated certificates of graphs, kind {options.kind}\n")
    kind = "" if options.kind == "step" else f" --kind {options.kind}"
    command = f"python benchmarks/falsify_graph_certificates.py{kind} --mutants {wanted} --seed {options.seed}"
    print(f"`{command}` prints this.\n")
    print("| the checker | mutants |\n|---|---:|")
    for outcome, count in sorted(total.items()):
        print(f"| {outcome} | {count} |")
    print(
        "\nGraphs that hold an operation: " + ", ".join(f"{name} {n}" for name, n in sorted(operations.items())) + "."
    )
    print(f"\n{time.process_time() - started:.0f} s of processor time.")
    sys.exit(any("FALSE" in outcome or "ERROR" in outcome for outcome in total))


def random_certificate(seed: int, kind: str = "step") -> dict[str, Any] | None:
    """Certify a step or the minimum of a random graph; None where none is proved."""
    problem = random_case(seed).problem
    try:
        if kind == "step":
            return dict(json.loads(json.dumps(certify(problem, "step"))))
        if problem.size > MOST_WEIGHTS:
            return None
        curved = GraphProblem(problem.network, problem.constants, problem.initial_weights, DECAY)
        found = verify.converge(curved, time_limit_s=SECONDS)
        if found.verdict is not verify.Verdict.PROVED:
            return None
        return dict(json.loads(json.dumps(certify(curved, "minimum", weights=found.weights))))
    except (UnconfirmedError, InputError):
        return None


def attack(certificate: dict[str, Any], seed: int, kind: str = "step") -> Counter[str]:
    """Mutate one certificate; of a minimum half of the mutants are aimed at its claim, or harmless."""
    rng, counts = random.Random(seed), Counter[str]()
    while sum(counts.values()) < PER_CERTIFICATE:
        if kind == "minimum" and rng.random() < 0.5:
            mutation = rng.choice([*UNPROVED, *HARMLESS])
            text = aimed(certificate, mutation, rng)
            if text is None:
                continue
            found = outcome(document.parse_document(text), seed, kind)
            harmless = mutation in HARMLESS
            if harmless and not found.startswith("confirms, and"):
                found = f"ERROR harmless: {found}"
            counts[f"{'harmless' if harmless else 'stronger'}: {found}"] += 1
        else:
            counts[outcome(mutated(certificate, rng), seed, kind)] += 1
    return counts


def outcome(changed: dict[str, Any], seed: int, kind: str) -> str:
    """What the checker answers, and whether that is right."""
    try:
        answer = verify.check_certificate(changed)
    except InputError as error:
        return "refuses, in one line" if "\n" not in str(error) else "ERROR of several lines"
    except Exception as error:
        print(f"seed {seed}: {error!r}", file=sys.stderr)
        return f"ERROR {type(error).__name__}"
    if answer["verdict"] != "PROVED":
        return "does not confirm"
    if TRUE[kind](changed):
        return "confirms, and it is true of what the file says now"
    print(f"seed {seed}: FALSE {json.dumps(changed)}", file=sys.stderr)
    return "confirms what is FALSE"


if __name__ == "__main__":
    main()
