"""Mutate certificates and count which mutants the checker accepts.

    python benchmarks/falsify_certificates.py --mutants 10000 > benchmarks/mutations.md
    python benchmarks/falsify_certificates.py --kind minimum --mutants 1000 > benchmarks/mutations_minimum.md

A false certificate that is accepted, or a harmless change that is rejected, makes the exit code 1.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import verify  # noqa: E402 -- the tests' mutations are found beside this folder
from tests.certificates.mutations import ANOTHER, HARMLESS, MALFORMED, UNPROVED, mutated  # noqa: E402
from verify.analysis.certify import certify  # noqa: E402
from verify.campaign.networks import random_problem  # noqa: E402
from verify.certificates import document  # noqa: E402

KINDS: dict[str, dict[str, Any]] = {
    "region": {},
    "from_rest": {},
    "restart": {},
    "heavy_ball": {"mu": 0.9},
    "nesterov": {"mu": 0.9},
    "step": {},
    "horizon": {"steps": 5},
    "from_rest_horizon": {"steps": 5},
    "weight_decay": {},
    "from_rest_weight_decay": {},
    "minimum": {},
}
CONVERGED = 1e-3
"""Least weight decay of the networks whose minima are certified; where a random network has less, it is set."""
PER_CERTIFICATE = 200
CLASSES = {
    "claims more than is proved": UNPROVED,
    "malformed or contradicts itself": MALFORMED,
    "about another problem than given": ANOTHER,
    "harmless": HARMLESS,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS, help="only certificates of this kind; default: all in turn")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    batches = -(-options.mutants // PER_CERTIFICATE)
    seeds = range(options.seed * 10**6, options.seed * 10**6 + batches)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    total: Counter[tuple[str, str]] = Counter()
    with ProcessPoolExecutor(options.workers) as pool:
        for done, counts in enumerate(pool.map(partial(attack, kind=options.kind), seeds), start=1):
            total.update(counts)
            if sys.stderr.isatty():
                print(f"\r{done} of {batches} certificates", end="", file=sys.stderr)
    sys.exit(report(total, options.kind))


def attack(seed: int, kind: str | None = None) -> Counter[tuple[str, str]]:
    """Mutate one certificate of a random network."""
    rng = random.Random(seed)
    certificate = random_certificate(seed, kind or list(KINDS)[seed % len(KINDS)])
    expected = {name: certificate[name] for name in ("model", "objective", "data", "weights")}
    counts: Counter[tuple[str, str]] = Counter()
    while sum(counts.values()) < PER_CERTIFICATE:
        mutation = rng.choice(rng.choice(list(CLASSES.values())))
        try:
            text = mutated(certificate, mutation, rng)
        except (IndexError, ValueError):
            continue
        if text is not None:
            counts[mutation.__name__, outcome(text, expected if mutation in ANOTHER else None)] += 1
    return counts


def random_certificate(seed: int, kind: str) -> dict[str, Any]:
    """Certify some statement about a small random network."""
    for attempt in range(1000):
        problem = random_problem(1000 * seed + attempt)
        if (
            problem.architecture.size > 60
            or problem.samples < 2
            or (kind.endswith("weight_decay") and not problem.weight_decay)
        ):
            continue
        try:
            if kind == "minimum":
                return minimum_certificate(problem)
            return certify(problem, kind, **KINDS[kind])
        except verify.InputError:
            continue
    raise RuntimeError(f"no network to certify: seed={seed}")


def minimum_certificate(problem: verify.Problem) -> dict[str, Any]:
    """Train a network, with some weight decay, and certify the minimum that is reached."""
    decay = max(problem.weight_decay, CONVERGED)
    curved = verify.Problem(
        problem.architecture, problem.inputs, problem.targets, problem.loss, problem.reduction, decay,
        initial_weights=problem.initial_weights,
    )  # fmt: skip
    return certify(curved, "minimum", weights=verify.converge(curved, time_limit_s=20.0).weights)


def outcome(text: str, expected: dict[str, Any] | None) -> str:
    """How the checker answers: accepted, rejected with a reason, or refused with an error."""
    try:
        answer = verify.check_certificate(document.parse_document(text), expected)
    except verify.DagverifyError:
        return "refused"
    except Exception as error:
        return f"crashed: {type(error).__name__}"
    return "accepted" if answer["verdict"] == "PROVED" else "rejected"


def report(total: Counter[tuple[str, str]], kind: str | None = None) -> int:
    """Print the table and return the exit code."""
    outcomes = sorted({result for _, result in total} | {"accepted", "rejected", "refused"})
    print(f"# Mutated certificates of random networks{'' if kind is None else f', kind {kind}'}\n")
    options, table = (
        ("", "mutations") if kind is None else (f" --kind {kind} --mutants {sum(total.values())}", f"mutations_{kind}")
    )
    print(
        f"`python benchmarks/falsify_certificates.py{options} > benchmarks/{table}.md` prints this table. Rejected: a "
        "reason is"
    )
    print("given; refused: the file is no certificate. Only what is harmless may be accepted.\n")
    print(f"| mutation | class | {' | '.join(outcomes)} |")
    print("|---|---|" + "---|" * len(outcomes))
    wrong = 0
    for kind, mutations in CLASSES.items():
        for mutation in mutations:
            row = {result: total[mutation.__name__, result] for result in outcomes}
            print(f"| {mutation.__name__} | {kind} | {' | '.join(map(str, row.values()))} |")
            accepted = row["accepted"]
            crashed = sum(count for result, count in row.items() if result.startswith("crashed"))
            wrong += crashed + (sum(row.values()) - accepted - crashed if mutations is HARMLESS else accepted)
    print(f"\n{sum(total.values())} mutants, {wrong} answered wrongly.")
    return 1 if wrong else 0


if __name__ == "__main__":
    main()
