"""Modules as practitioners write them: imported, gradients, guarded and certified steps, ranges, and what they cost.

    OPENBLAS_NUM_THREADS=1 python benchmarks/zoo.py [--only NAME] [--steps 20] [--out benchmarks/zoo.md]

Needs the extra `torch`. The modules are those of tests/zoo. Costs are processor time over that of one gradient by
PyTorch in float64 on the same data, on one thread; the modules are tiny, so that fixed costs of both sides dominate.
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
import verify
from tests.zoo.modules import ZOO, Entry
from verify import budget
from verify.importers.torch.criteria import NamedLoss
from verify.importers.torch.problem import Imported, import_module
from verify.outcomes import DagverifyError
from verify.torch import Monitor

COLUMNS = (
    "module", "weights", "gradient", "guarded", "certified", "L on a ball of 0.01", "import, seconds", "guarded step",
    "certified step", "monitor",
)  # fmt: skip
CERTIFIED_STEPS, WATCHED_STEPS, REPEATS = 5, 3, 7
BOUND_SECONDS = 20.0


def seconds(call: Callable[[], Any]) -> float:
    """Return the processor time of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def torch_gradient(found: Imported) -> float:
    """Return the median processor time of PyTorch's gradient, in seconds."""
    parameters = [p for p in found.objective.module.parameters() if p.requires_grad]

    def gradient() -> None:
        torch.autograd.grad(found.objective(*found.arguments), parameters, allow_unused=True)

    gradient()
    return statistics.median(seconds(gradient) for _ in range(REPEATS))


def proved(problem: Any, rule: Any, steps: int) -> tuple[str, float]:
    """Train; return how many steps are proved, and the time of one."""
    start = time.process_time()
    run = verify.train(problem, steps=steps, rule=rule)
    spent = time.process_time() - start
    names = [verdict.name for verdict in run.verdicts]
    ended = "" if len(names) == steps else f" ({run.stopped})"
    return f"{names.count('PROVED')} of {len(names)} PROVED{ended}", spent / max(1, len(names))


def watched(entry: Entry) -> float:
    """Return the median processor time that a monitor adds to a step."""
    module = entry.module
    loss = entry.loss if callable(entry.loss) else NamedLoss(entry.loss)
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=1e-4, momentum=0.9)
    inputs = entry.inputs if isinstance(entry.inputs, tuple) else (entry.inputs,)

    def step() -> float:
        optimizer.zero_grad()
        loss(module(*inputs), entry.targets).backward()
        return seconds(optimizer.step)

    step()
    plain = statistics.median(step() for _ in range(WATCHED_STEPS))
    with Monitor(optimizer, module, entry.inputs, entry.targets, loss=entry.loss):
        step()
        return statistics.median(step() for _ in range(WATCHED_STEPS)) - plain


def bound(problem: Any) -> str:
    """Return a bound of the Hessian on a small ball with what an attack reached, or the reason why there is none."""
    try:
        with budget.time_limit(BOUND_SECONDS, "the Hessian"):
            found = verify.hessian_bound(problem, verify.Ball(problem.initial_weights, 0.01))
    except DagverifyError as error:
        return " ".join(str(error).split())[:120].replace("|", "/")
    return f"{found.value:.4g}" if np.isfinite(found.value) else "no bound"


def row(name: str, steps: int) -> list[str]:
    """Return a module's row."""
    entry = ZOO[name]()
    start = time.process_time()
    try:
        found = import_module(entry.module, entry.inputs, entry.targets, entry.loss)
    except DagverifyError as error:
        return [name, "", f"not imported: {error}", *[""] * (len(COLUMNS) - 3)]
    imported, problem = time.process_time() - start, found.problem
    unit = torch_gradient(found)
    outcome = str(verify.check_gradient(problem).numbers["outcome"])
    guarded, guarded_cost = proved(problem, "guarded", steps)
    certified, certified_cost = proved(problem, "certified", CERTIFIED_STEPS) if entry.smooth else ("has kinks", None)
    costs = [guarded_cost, certified_cost, watched(entry)]
    shown = [f"{imported:.2g}", *("" if cost is None else f"{cost / unit:.3g}" for cost in costs)]
    return [name.replace("_", " "), str(problem.size), outcome, guarded, certified, bound(problem), *shown]


def main() -> None:
    """Print the table or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    for name in ZOO if arguments.only is None else [arguments.only]:
        rows.append("| " + " | ".join(row(name, arguments.steps)) + " |")
        print(rows[-1], file=sys.stderr, flush=True)
    text = "\n".join(rows) + "\n"
    if arguments.out is None:
        print(text)
        return
    command = shlex.join(["python", "benchmarks/zoo.py", "--steps", str(arguments.steps), "--out", str(arguments.out)])
    head = f"# The zoo\n\n    {command}\n\n{(__doc__ or '').split(chr(10) * 2)[2].strip()}\n"
    arguments.out.write_text(f"{head}The last three columns are in these units; PyTorch {torch.__version__}.\n\n{text}")


if __name__ == "__main__":
    main()
