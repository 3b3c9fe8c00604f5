"""Random graphs of the whole vocabulary against definitions written entry by entry, in fractions and in Arb.

    python benchmarks/vocabulary_fuzz.py --graphs 3000 > benchmarks/vocabulary_fuzz.md
    python benchmarks/vocabulary_fuzz.py --drawn --graphs 300

With ``--drawn`` graphs are those of `verify.properties.drawn_graphs`, which hold layers and losses too.

Every graph is made from its seed. What is found is printed with the seed; `tests/graph/random_graphs.py` makes the
graph of a seed, `tests/graph/oracles.py` holds the checks.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.graph.oracles import check_case
from tests.graph.random_graphs import KINDS, drawn_case, random_case


def main() -> None:
    """Check the graphs of consecutive seeds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--graphs", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--drawn", action="store_true")
    options = parser.parse_args()
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
    operations: Counter[str] = Counter()
    found: list[str] = []
    start = time.monotonic()
    for seed in range(options.seed, options.seed + options.graphs):
        case = drawn_case(seed) if options.drawn else random_case(seed)
        counts[case.kind]["graphs"] += 1
        operations.update({node.operation.name for node in case.problem.graph.nodes})
        try:
            counts[case.kind].update(check_case(case))
        except Exception as error:
            found.append(f"seed {seed} ({case.kind}): {type(error).__name__}: {error}")
            print(found[-1], file=sys.stderr)
    print("# Random graphs of the vocabulary\n")
    command = f"python benchmarks/vocabulary_fuzz.py --graphs {options.graphs} --seed {options.seed}"
    command += " --drawn" * options.drawn
    what = "1 to 6 operations and layers and a loss" if options.drawn else "4 to 10 operations"
    print(f"`{command}` prints this. A graph has {what} on arrays of at most 30")
    print(
        "entries, axes of length 0 and 1 among them. What is compared is in `tests/graph/oracles.py`; *extreme* graphs"
    )
    print("have weights up to 1e308, subnormal ones and zeros.\n")
    rows = list(dict.fromkeys(row for kind in KINDS for row in counts[kind]))
    print("| compared | " + " | ".join(KINDS) + " |\n|---|" + "---:|" * len(KINDS))
    for row in rows:
        print(f"| {row} | " + " | ".join(str(counts[kind][row]) for kind in KINDS) + " |")
    print(
        "\nGraphs that hold an operation: " + ", ".join(f"{name} {n}" for name, n in sorted(operations.items())) + ".\n"
    )
    print(f"{len(found)} false; {time.monotonic() - start:.0f} s.")
    for line in found:
        print(f"- {line}")


if __name__ == "__main__":
    main()
