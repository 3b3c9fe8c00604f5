"""Faults planted into every operation and every loss, one at a time: which test of it sees each.

    python benchmarks/planted_faults.py > benchmarks/planted_faults.md

The faults and the tests are those of `tests/operations/faults.py` and `tests/losses/faults.py`; what is registered is
found, so that a new operation or loss adds a row.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.losses import faults as of_losses
from tests.operations import faults as of_operations
from tests.operations.samples import SAMPLES
from verify.losses import LOSSES
from verify.operations import OPERATIONS

SIGNS = {"caught": "", "missed": "**missed**", "none": "."}


def main() -> None:
    """Plant every fault and print the tables."""
    start = time.process_time()
    sampled = {operation.name for operation, _ in SAMPLES}
    print(
        "# Planted faults\n\n`python benchmarks/planted_faults.py` prints this. Every cell is one fault in one class;"
    )
    print("it names the test that saw it; `.` stands where the fault changes no answer (nothing is rounded, the second")
    print("derivative is zero, ...).\n")
    counts: Counter[str] = Counter()
    counts += table("operation", {n: OPERATIONS[n] for n in sorted(OPERATIONS) if n in sampled}, of_operations)
    counts += table("loss", dict(sorted(LOSSES.items())), of_losses)
    print(f"{counts['caught']} caught, {counts['missed']} missed, {counts['none']} without effect;", end=" ")
    print(f"{time.process_time() - start:.0f} s of processor time.")


def table(title: str, kinds: dict[str, Any], faults: Any) -> Counter[str]:
    """Print one row a class and return how many faults had which outcome."""
    counts: Counter[str] = Counter()
    print(f"| {title} | " + " | ".join(faults.FAULTS) + " |\n|---|" + "---|" * len(faults.FAULTS))
    for name, kind in kinds.items():
        outcomes = [faults.hunted(kind, fault) for fault in faults.FAULTS]
        counts.update(outcome.word for outcome in outcomes)
        print(f"| {name} | " + " | ".join(o.seen_by or SIGNS[o.word] for o in outcomes) + " |", flush=True)
    print()
    return counts


if __name__ == "__main__":
    main()
