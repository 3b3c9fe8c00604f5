"""Guarded training, every step proved, beside Adam and PyTorch's L-BFGS at equal cost, for networks of the vocabulary.

    OPENBLAS_NUM_THREADS=1 python benchmarks/graph_training.py [--out benchmarks/graph_training.md]

Needs the extra `torch`. Full batch, float64, one thread. The cost is processor time over that of one gradient, g, each
in its own framework and measured in the same run: proofs, line searches and updates are in it. Shown is the lowest loss
reached within a budget: of the rule "guarded", of the best of four Adams (learning rates 0.1 to 0.0001), of L-BFGS with
strong Wolfe conditions and ten pairs.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from graph_networks import CASES, Case, cross_entropy
from timing import seconds_of

from verify import Verdict, from_torch
from verify.training.session import Session
from verify.training.train import make_rule

BUDGETS = (125, 250, 500, 1000)
RATES = (1e-1, 1e-2, 1e-3, 1e-4)
Curve = list[tuple[float, float]]
"""Cost in gradients and loss, after every step."""


def lowest(curve: Curve, budget: float) -> float:
    """Return the lowest loss within a budget."""
    return min(loss for cost, loss in curve if cost <= budget)


def backward(case: Case) -> float:
    """One gradient in PyTorch."""
    case.module.zero_grad()
    loss = case.loss()
    loss.backward()
    return float(loss.detach())


def adam(make: Callable[[], Case], rate: float, budget: float) -> Curve:
    """Train by Adam."""
    case = make()
    unit = seconds_of(lambda: backward(case))
    optimiser = torch.optim.Adam(case.module.parameters(), lr=rate)
    curve, start = [], time.process_time()
    while not curve or curve[-1][0] < budget:
        loss = backward(case)
        curve.append(((time.process_time() - start) / unit, loss))
        optimiser.step()
    return curve


def limited_memory(make: Callable[[], Case], budget: float) -> Curve:
    """Train by PyTorch's L-BFGS; it is started again where it stops."""
    case = make()
    unit = seconds_of(lambda: backward(case))
    curve: Curve = []
    start = time.process_time()

    def closure() -> torch.Tensor:
        case.module.zero_grad()
        loss = case.loss()
        loss.backward()
        curve.append(((time.process_time() - start) / unit, float(loss.detach())))
        return loss

    while not curve or curve[-1][0] < budget:
        evaluations = len(curve)
        left = int(budget - (curve[-1][0] if curve else 0.0)) + 1
        optimiser = torch.optim.LBFGS(
            case.module.parameters(), max_iter=2 * left, max_eval=left, history_size=10,
            tolerance_grad=0.0, tolerance_change=0.0, line_search_fn="strong_wolfe",
        )  # fmt: skip
        optimiser.step(closure)
        if len(curve) - evaluations < 3:
            break
    return curve


def guarded(make: Callable[[], Case], budget: float) -> tuple[Curve, float, dict[Verdict, int], str]:
    """Train by the rule "guarded"; return the curve, seconds of a gradient, verdicts and why it stopped, if it did."""
    case = make()
    problem = from_torch(case.module, case.inputs, case.targets, cross_entropy)

    points = itertools.cycle([problem.initial_weights, 1.0001 * problem.initial_weights])  # the last one is remembered
    unit = seconds_of(lambda: problem.error_and_gradient(next(points)))
    session = Session(problem, make_rule("guarded", None, None, "global", problem))
    verdicts: dict[Verdict, int] = {}
    curve, spent = [(0.0, problem.error(session.weights))], 0.0
    while spent < budget * unit:
        start = time.process_time()
        record = session.step()
        spent += time.process_time() - start
        if record is None:
            break
        verdicts[record.verdict] = verdicts.get(record.verdict, 0) + 1
        curve.append((spent / unit, problem.error(session.weights)))
    return curve, unit, verdicts, session.stopped or ""


def tables(names: list[str]) -> Iterator[str]:
    """Train one network after the other and give the table so far."""
    lines = [
        "| network | weights | "
        + " | ".join(f"{b} g: guarded / Adam / L-BFGS" for b in BUDGETS)
        + " | steps proved | g |",
        "|---|---|" + "---|" * (len(BUDGETS) + 2),
    ]
    for name in names:
        make = CASES[name]
        curve, unit, verdicts, stopped = guarded(make, BUDGETS[-1])
        adams = [adam(make, rate, BUDGETS[-1]) for rate in RATES]
        others = limited_memory(make, BUDGETS[-1])
        cells = []
        for budget in BUDGETS:
            found = [lowest(curve, budget), min(lowest(a, budget) for a in adams), lowest(others, budget)]
            shown = [f"{loss:.2g}" for loss in found]
            shown[0] = f"**{shown[0]}**" if found[0] <= min(found[1:]) else shown[0]
            cells.append(" / ".join(shown))
        size = sum(p.numel() for p in make().module.parameters())
        proved = f"{verdicts.get(Verdict.PROVED, 0)} of {sum(verdicts.values())}"
        end = f", then: {stopped}" if stopped else ""
        lines.append(f"| {name} | {size} | {' | '.join(cells)} | {proved}{end} | {unit * 1e3:.1f} ms |")
        yield "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="networks whose name holds this")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    names = [name for name in CASES if arguments.only is None or arguments.only in name]
    for table in tables(names):
        text = describe(table)
        if arguments.out:
            arguments.out.write_text(text)
        else:
            print(text, flush=True)


def describe(table: str) -> str:
    """Return the page around a table."""
    return f"""# Training with every step proved, beside Adam and L-BFGS

`{shlex.join(["python", *sys.argv])}`, {platform.processor() or platform.machine()}, one thread.

Lowest loss within a budget; g is one gradient, each in its own framework. Adam: the best of the rates
{", ".join(f"{rate:g}" for rate in RATES)}. A bold loss of the guarded rule is at or below both others.

{table}

A step is the way that several proposals of L-BFGS went, and is proved as a whole: the error at its end is below that at
its start, for the exact network of the stored weights. Losses below 1e-13 are rounding of the evaluation in float64.
"""


if __name__ == "__main__":
    main()
