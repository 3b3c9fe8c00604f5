"""Modules as practitioners write them: imported, gradients, guarded, watched and certified steps, ranges, costs.

    OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 python benchmarks/zoo.py [--only NAME,NAME] [--fresh]

Needs the extra `torch`. The modules are those of tests/zoo. A module that is done is added to benchmarks/zoo.jsonl, and
a run that was interrupted goes on with those that are left (`--fresh` starts again); benchmarks/zoo.md is made of it.

- *gradient*: the verdict of `check_gradient` on the imported gradient, which the import compares with PyTorch's own.
- *watched*: steps of `torch.optim.SGD(lr=0.05, momentum=0.9)` on all data under a `Monitor`; every one is decided
  (PROVED: the error fell; REFUTED: it is proved to have risen) or UNDECIDED.
- *guarded*, *certified*: `train` with these rules, at most 20 and 5 steps, and how far the error came. A guarded step
  holds several proposals of L-BFGS: most of these tiny networks are at the bottom, up to rounding, long before the
  20th.
- *range*: a proved bound L of the Hessian's norm on a ball around the module's weights, of radius 0.01, or of a smaller
  one where there is none within 120 seconds of processor time (or as many as the row says); lr < 2/L is the range
  without momentum. A bound is coarse where half of them did not suffice for what is exact at the weights. Or the reason
  why there is none.
- The last three columns are processor time in units of one gradient by PyTorch in float64 on the same data, on one
  thread. Import is in seconds. The modules are tiny, so that fixed costs of both sides dominate.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
import verify
from tests.zoo.modules import ZOO, Entry
from verify import budget
from verify.importers.torch.criteria import NamedLoss
from verify.importers.torch.problem import Imported, import_module
from verify.outcomes import DagverifyError
from verify.torch import Monitor

COLUMNS = {
    "module": "module", "weights": "weights", "gradient": "gradient", "watched": "watched", "guarded": "guarded",
    "certified": "certified", "range": "range", "import_seconds": "import, s", "watched_cost": "monitor",
    "guarded_cost": "guarded step", "certified_cost": "certified step",
}  # fmt: skip
STEPS, CERTIFIED_STEPS, REPEATS = 20, 5, 7
RADII = (1e-2, 1e-3, 1e-5)
BOUND_SECONDS = 120.0
RESULTS = Path(__file__).with_name("zoo.jsonl")


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


def trained(problem: Any, rule: Any, steps: int) -> tuple[str, float]:
    """Train; return how many steps are proved and how far the error came, and the time of one step."""
    verify.train(problem, steps=1, rule=rule)  # what is computed once a process does not count
    start = time.process_time()
    run = verify.train(problem, steps=steps, rule=rule)
    spent = time.process_time() - start
    names = [verdict.name for verdict in run.verdicts]
    ended = "" if len(names) == steps else f"; {run.stopped}"
    words = f"{names.count('PROVED')} of {len(names)} PROVED, E {run.errors[0]:.2g} to {run.errors[-1]:.2g}{ended}"
    return words, spent / max(1, len(names))


def watched(entry: Entry) -> tuple[str, float]:
    """Return the verdicts of a monitor on SGD's steps, and the median processor time that it adds to one."""
    module = entry.module
    loss = entry.loss if callable(entry.loss) else NamedLoss(entry.loss)
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.05, momentum=0.9)
    inputs = entry.inputs if isinstance(entry.inputs, tuple) else (entry.inputs,)

    def step() -> float:
        optimizer.zero_grad()
        loss(module(*inputs), entry.targets).backward()
        return seconds(optimizer.step)

    state, motion = {name: value.clone() for name, value in module.state_dict().items()}, optimizer.state_dict()
    step()
    plain = statistics.median(step() for _ in range(REPEATS))
    module.load_state_dict(state)
    optimizer.load_state_dict(motion)
    with Monitor(optimizer, module, entry.inputs, entry.targets, loss=entry.loss) as monitor:
        cost = statistics.median(step() for _ in range(STEPS)) - plain
    counted = Counter(report.verdict.name for report in monitor.reports)
    return ", ".join(f"{count} {name}" for name, count in sorted(counted.items())), cost


def admissible(problem: Any) -> str:
    """Return a bound of the Hessian on a ball around the weights, or the reason why there is none."""
    reason = ""
    for radius in RADII:
        try:
            with budget.time_limit(BOUND_SECONDS, "the Hessian"):
                bound = verify.hessian_bound(problem, verify.Ball(problem.initial_weights, radius))
        except DagverifyError as error:
            reason = reason or " ".join(str(error).split()).split("; ")[0].replace("|", "/")
            continue
        return f"L = {bound.value:.4g} for radius {radius:g}{', coarse' if bound.method == 'norms' else ''}"
    return f"none: {reason}"


def measured(name: str) -> dict[str, Any]:
    """Return what is found of a module."""
    entry = ZOO[name]()
    start = time.process_time()
    try:
        found = import_module(entry.module, entry.inputs, entry.targets, entry.loss)
    except DagverifyError as error:
        return {"module": name, "gradient": f"not imported: {error}"}
    imported, problem = time.process_time() - start, found.problem
    unit = torch_gradient(found)
    guarded, guarded_cost = trained(problem, "guarded", STEPS)
    certified, certified_cost = "has kinks: guarded steps", None
    if entry.smooth:
        certified, certified_cost = trained(problem, "certified", CERTIFIED_STEPS)
    gradient = str(verify.check_gradient(problem).numbers["outcome"])
    ranged = admissible(problem)
    seen, watched_cost = watched(entry)
    return {
        "module": name, "weights": problem.size, "gradient": gradient, "watched": seen, "guarded": guarded,
        "certified": certified, "range": ranged, "import_seconds": imported, "watched_cost": watched_cost / unit,
        "guarded_cost": guarded_cost / unit, "certified_cost": certified_cost and certified_cost / unit,
        "torch": torch.__version__,
    }  # fmt: skip


def written(results: dict[str, dict[str, Any]]) -> str:
    """Return the page."""
    rows = ["| " + " | ".join(COLUMNS.values()) + " |", "|" + "---|" * len(COLUMNS)]
    for name in ZOO:
        if name in results:
            rows.append("| " + " | ".join(_cell(results[name].get(key)) for key in COLUMNS) + " |")
    head, _, notes = (__doc__ or "").partition("\n\n")[2].partition("\n\n")
    versions = sorted({found["torch"] for found in results.values() if "torch" in found})
    return f"# The zoo\n\n{head}\n\n{notes}\nPyTorch {', '.join(versions)}.\n\n" + "\n".join(rows) + "\n"


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return "" if value is None else str(value).replace("_", " ")


def main() -> None:
    """Measure what is left and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda text: text.split(","), default=list(ZOO))
    parser.add_argument("--fresh", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.fresh:
        RESULTS.unlink(missing_ok=True)
    lines = RESULTS.read_text(encoding="utf-8").splitlines() if RESULTS.exists() else []
    results = {found["module"]: found for found in map(json.loads, lines)}
    for name in arguments.only:
        if name not in results:
            results[name] = measured(name)
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(results[name]) + "\n")
            print(results[name], file=sys.stderr, flush=True)
    RESULTS.with_suffix(".md").write_text(written(results), encoding="utf-8")


if __name__ == "__main__":
    main()
