"""Certified steps and the monitor in PyTorch, on a residual network and a convolutional one for scikit-learn's digits.

    OPENBLAS_NUM_THREADS=1 python benchmarks/torch_training.py [--steps 100 --samples 600] [--out benchmarks/torch.md]

Needs the extra `torch`. Full batch, half the mean squared error to one-hot labels. SGD(momentum=0.9) gets the best of
five learning rates. The overhead of a check is the time that the monitor's hooks take, over the time of the forward
pass that the training loop makes anyway; both are measured at every step of one run, on one thread, and medians are
shown.
The edge is the largest learning rate, by bisection, with which the monitor proves a decrease at every step.
"""

from __future__ import annotations

import argparse
import logging
import math
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from verify import Verdict
from verify.torch import CertifiedMomentum, Monitor, Residual

RATES = [float(rate) for rate in np.geomspace(0.01, 1.0, 5)]
MOMENTUM = 0.9
WATCHED_STEPS, EDGE_STEPS, BISECTIONS = 150, 40, 7


@dataclass(frozen=True)
class Case:
    """A module and its data."""

    name: str
    make: Callable[[], nn.Module]
    x: torch.Tensor
    y: torch.Tensor

    def loss_of(self, output: torch.Tensor) -> torch.Tensor:
        return 0.5 * ((output - self.y) ** 2).sum() / len(self.x)

    def loss(self, module: nn.Module) -> torch.Tensor:
        return self.loss_of(module(self.x))

    def final_loss(self, module: nn.Module) -> float:
        with torch.no_grad():
            return float(self.loss(module))


def residual_mlp() -> nn.Module:
    torch.manual_seed(0)
    blocks = [Residual(nn.Linear(128, 128), nn.Tanh()), Residual(nn.Linear(128, 128), nn.Tanh())]
    return nn.Sequential(nn.Linear(64, 128), nn.Tanh(), *blocks, nn.Linear(128, 10)).double()


def residual_cnn() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.Tanh(),
        Residual(nn.Conv2d(4, 4, 3, padding=1), nn.Tanh()),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(64, 10),
    ).double()


def cases(samples: int) -> list[Case]:
    x, labels = load_digits(return_X_y=True)
    flat, y = torch.from_numpy(x[:samples] / 16.0), torch.from_numpy(np.eye(10)[labels[:samples]])
    images = flat.reshape(-1, 1, 8, 8)
    return [Case("residual MLP", residual_mlp, flat, y), Case("residual CNN", residual_cnn, images, y)]


def descend(case: Case, module: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> float:
    for _ in range(steps):
        optimizer.zero_grad()
        loss = case.loss(module)
        if not math.isfinite(float(loss.detach())):
            return math.inf
        loss.backward()
        optimizer.step()
    return case.final_loss(module)


def tuned(case: Case, steps: int) -> tuple[float, float]:
    """Best final loss of SGD(momentum=0.9) and its learning rate."""
    found = []
    for rate in RATES:
        module = case.make()
        optimizer = torch.optim.SGD(module.parameters(), lr=rate, momentum=MOMENTUM)
        found.append((descend(case, module, optimizer, steps), rate))
    return min(found)


def certified(case: Case, rule: str, steps: int) -> tuple[float, int, float]:
    """Final loss, steps proved to decrease the error, seconds."""
    module = case.make()
    begin = time.perf_counter()
    optimizer = CertifiedMomentum(module, case.x, case.y, rule=rule)
    for _ in range(steps):
        optimizer.step()
    seconds = time.perf_counter() - begin
    return case.final_loss(module), sum(r.verdict is Verdict.PROVED for r in optimizer.records), seconds


def overhead(case: Case, make: Callable[[Any], torch.optim.Optimizer], steps: int) -> tuple[float, dict[str, int]]:
    """Median time of a check over the median time of a forward pass, and the verdicts."""
    module = case.make()
    optimizer = make(module.parameters())
    ticks: list[float] = []
    optimizer.register_step_pre_hook(lambda *_: ticks.append(time.perf_counter()))
    optimizer.register_step_post_hook(lambda *_: ticks.append(time.perf_counter()))
    monitor = Monitor(optimizer, module, case.x, case.y)
    optimizer.register_step_pre_hook(lambda *_: ticks.append(time.perf_counter()))
    optimizer.register_step_post_hook(lambda *_: ticks.append(time.perf_counter()))
    checks, forwards = [], []
    for _ in range(steps):
        optimizer.zero_grad()
        begin = time.perf_counter()
        output = module(case.x)
        forwards.append(time.perf_counter() - begin)
        case.loss_of(output).backward()
        ticks.clear()
        optimizer.step()
        before, moved, stepped, after = ticks
        checks.append((moved - before) + (after - stepped))
    verdicts = [report.verdict.value for report in monitor.reports]
    return float(np.median(checks) / np.median(forwards)), {
        name: verdicts.count(name) for name in sorted(set(verdicts))
    }


def first_increase(case: Case, rate: float) -> Any:
    module = case.make()
    optimizer = torch.optim.SGD(module.parameters(), lr=rate, momentum=MOMENTUM)
    with Monitor(optimizer, module, case.x, case.y) as monitor:
        for _ in range(EDGE_STEPS):
            optimizer.zero_grad()
            case.loss(module).backward()
            optimizer.step()
            if monitor.reports[-1].verdict is not Verdict.PROVED:
                return monitor.reports[-1]
    return None


def edge(case: Case) -> float:
    """Largest learning rate found with which every step is proved to decrease the error."""
    low, high = RATES[0] / 10, RATES[-1]
    for _ in range(BISECTIONS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if first_increase(case, middle) is None else (low, middle)
    return low


OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "SGD(momentum=0.9)": lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.9),
    "SGD(momentum=0.9, nesterov=True)": lambda p: torch.optim.SGD(p, lr=0.03, momentum=0.9, nesterov=True),
    "Adam": lambda p: torch.optim.Adam(p, lr=0.002),
}


def report(steps: int, samples: int) -> list[str]:
    all_cases = cases(samples)
    lines = [
        f"## E after {steps} steps",
        "",
        "| network | optimiser | E | proved decreases | time |",
        "|---|---|---|---|---|",
    ]
    for case in all_cases:
        begin = time.perf_counter()
        loss, rate = tuned(case, steps)
        each = (time.perf_counter() - begin) / len(RATES)
        lines.append(f"| {case.name} | SGD(momentum=0.9), best lr of five: {rate:.3g} | {loss:.5f} | - | 1 |")
        for rule in ("certified", "guarded"):
            found, proved, seconds = certified(case, rule, steps)
            shown = f"{found:.5f} | {proved} of {steps} | {seconds / each:.1f}"
            lines.append(f"| {case.name} | CertifiedMomentum, {rule} | {shown} |")
            assert found < loss, f"{case.name}, {rule}: {found} is not below {loss}"
    lines += [
        "",
        "## The monitor's cost",
        "",
        f"| network | optimiser | check / forward pass | verdicts of {WATCHED_STEPS} steps |",
        "|---|---|---|---|",
    ]
    for case in all_cases:
        for name, make in OPTIMIZERS.items():
            ratio, verdicts = overhead(case, make, WATCHED_STEPS)
            shown = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
            lines.append(f"| {case.name} | {name} | {ratio:.2f} | {shown} |")
    lines += ["", "## Past the edge", "", "SGD(momentum=0.9); the edge is taken over 40 steps.", ""]
    lines += ["| network | edge of lr | first increase with twice that | by at least |", "|---|---|---|---|"]
    for case in all_cases:
        rate = edge(case)
        found = first_increase(case, 2 * rate)
        flagged = "none | -" if found is None else f"step {found.index}: {found.verdict.value} | {found.change[0]:.3g}"
        lines.append(f"| {case.name} | {rate:.4f} | {flagged} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--samples", type=int, default=600)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.getLogger("verify.torch").setLevel(logging.ERROR)
    lines = ["# PyTorch", "", f"`python {shlex.join(['benchmarks/torch_training.py', *sys.argv[1:]])}`", ""]
    text = "\n".join([*lines, *report(options.steps, options.samples)]) + "\n"
    print(text)
    if options.out is not None:
        options.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
