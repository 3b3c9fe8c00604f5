"""Mutate step certificates of random graphs of the whole vocabulary and count which mutants the checker confirms.

    python benchmarks/falsify_graph_certificates.py --mutants 10000 > benchmarks/graph_mutations.md

The hash of mutated data is written anew nine times of ten. A mutant that is confirmed is evaluated by the prover, in
4000 bits, of what the file says now: a false one makes the exit code 1, and so does an error that is not one line.
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
from tests.certificates.test_graph_checker import mutated, true_of_the_prover  # noqa: E402
from tests.graph.random_graphs import random_case  # noqa: E402
from verify.analysis.certify import UnconfirmedError, certify  # noqa: E402
from verify.outcomes import InputError  # noqa: E402

PER_CERTIFICATE = 100


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    total: Counter[str] = Counter()
    operations: Counter[str] = Counter()
    started, seed = time.process_time(), options.seed
    while sum(total.values()) < options.mutants:
        certificate = random_certificate(seed)
        if certificate is not None:
            operations.update({node["operation"] for node in certificate["model"]["graph"]["nodes"]})
            total.update(attack(certificate, seed))
        seed += 1
    print("# Mutated step certificates of graphs\n")
    command = f"python benchmarks/falsify_graph_certificates.py --mutants {options.mutants} --seed {options.seed}"
    print(f"`{command}` prints this.\n")
    print("| the checker | mutants |\n|---|---:|")
    for outcome, count in sorted(total.items()):
        print(f"| {outcome} | {count} |")
    print(
        "\nGraphs that hold an operation: " + ", ".join(f"{name} {n}" for name, n in sorted(operations.items())) + "."
    )
    print(f"\n{time.process_time() - started:.0f} s of processor time.")
    sys.exit(any("FALSE" in outcome or "ERROR" in outcome for outcome in total))


def random_certificate(seed: int) -> dict[str, Any] | None:
    """Certify a step of a random graph; None where no step is proved to decrease the error."""
    try:
        return dict(json.loads(json.dumps(certify(random_case(seed).problem, "step"))))
    except (UnconfirmedError, InputError):
        return None


def attack(certificate: dict[str, Any], seed: int) -> Counter[str]:
    """Mutate one certificate."""
    rng, counts = random.Random(seed), Counter[str]()
    for _ in range(PER_CERTIFICATE):
        changed = mutated(certificate, rng)
        try:
            answer = verify.check_certificate(changed)
        except InputError as error:
            counts["refuses, in one line" if "\n" not in str(error) else "ERROR of several lines"] += 1
            continue
        except Exception as error:
            print(f"seed {seed}: {error!r}", file=sys.stderr)
            counts[f"ERROR {type(error).__name__}"] += 1
            continue
        if answer["verdict"] != "PROVED":
            counts["does not confirm"] += 1
        elif true_of_the_prover(changed):
            counts["confirms, and it is true of what the file says now"] += 1
        else:
            print(f"seed {seed}: FALSE {json.dumps(changed)}", file=sys.stderr)
            counts["confirms what is FALSE"] += 1
    return counts


if __name__ == "__main__":
    main()
