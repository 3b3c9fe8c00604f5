"""The guard of epochs beside plain training: a small CNN on scikit-learn's digits, cross-entropy, batches of 32.

    OPENBLAS_NUM_THREADS=1 python benchmarks/epoch_guard.py [--epochs 20] [--out benchmarks/epoch_guard.md]

Needs the extra `torch`. 1,500 samples to train, 297 to test, float32, one thread; every run starts from the same seeds,
so that a guarded run in which nothing is taken back makes the steps of the plain one. Overhead is processor time spent
in the guard, its start (capture and checks) apart, over that of the training loop. Plain runs have the same number of
epochs, without a guard; the runs with a learning rate ten times too large are guarded and plain too.
"""

from __future__ import annotations

import argparse
import itertools
import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from verify.torch import EpochGuard

TRAINED = 1500
RATES = {"SGD, momentum 0.9": 0.1, "Adam": 0.003}


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """Return images and classes in a fixed random order."""
    x, y = load_digits(return_X_y=True)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    return torch.tensor(x / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)[order], torch.tensor(y)[order]


def network() -> nn.Module:
    """Return a network with 4,378 weights."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(256, 10),
    )


@dataclass(frozen=True)
class Outcome:
    """What one run came to."""

    error: float
    accuracy: float
    seconds: float
    guard_seconds: float = 0.0
    start_seconds: float = 0.0
    accepted: int = 0
    rejected: int = 0
    smallest_fall: float = 0.0
    factor: float = 1.0


class Run:
    """One training."""

    def __init__(self, name: str, lr: float) -> None:
        self.module = network()
        self.x, self.y = digits()
        data = TensorDataset(self.x[:TRAINED], self.y[:TRAINED])
        self.loader = DataLoader(data, batch_size=32, shuffle=True, generator=torch.Generator().manual_seed(1))
        parameters: Any = self.module.parameters()
        adam = name == "Adam"
        self.optimizer = (
            torch.optim.Adam(parameters, lr=lr) if adam else torch.optim.SGD(parameters, lr=lr, momentum=0.9)
        )
        self.seconds = 0.0

    def epoch(self) -> None:
        started = time.process_time()
        for x, y in self.loader:
            self.optimizer.zero_grad()
            nn.functional.cross_entropy(self.module(x), y).backward()
            self.optimizer.step()
        self.seconds += time.process_time() - started

    def measured(self) -> tuple[float, float]:
        """Return the error on the training data and the accuracy on the others."""
        with torch.no_grad():
            error = float(nn.functional.cross_entropy(self.module(self.x[:TRAINED]), self.y[:TRAINED]))
            right = (self.module(self.x[TRAINED:]).argmax(1) == self.y[TRAINED:]).double().mean()
        return error, float(right)

    def plain(self, epochs: int) -> Outcome:
        for _ in range(epochs):
            self.epoch()
        return Outcome(*self.measured(), self.seconds)

    def guarded(self, epochs: int) -> Outcome:
        started = time.process_time()
        guard = EpochGuard(self.optimizer, self.module, self.loader, "cross_entropy")
        start, judged, before = time.process_time() - started, 0.0, guard.error
        bounds = [before]
        while guard.accepted < epochs:
            self.epoch()
            started = time.process_time()
            report = guard.judge()
            judged += time.process_time() - started
            bounds += [guard.error] if report.accepted else []
        falls = [report for report in guard.reports if report.accepted]
        if any(later[1] >= earlier[0] for earlier, later in itertools.pairwise(bounds)):
            raise RuntimeError("an accepted epoch did not provably lower the error")
        return Outcome(
            *self.measured(),
            self.seconds,
            judged,
            start,
            len(falls),
            len(guard.reports) - len(falls),
            min(-report.change[1] for report in falls),
            guard.factor,
        )


def row(name: str, lr: float, kind: str, found: Outcome) -> str:
    """Return one line of the table."""
    guarded = kind == "guarded"
    cost = f"{found.guard_seconds / found.seconds:.2f}" if guarded else "-"
    epochs = f"{found.accepted} + {found.rejected}" if guarded else "-"
    fall = f"{found.smallest_fall:.2g}" if guarded else "-"
    last = f"{lr * found.factor:.3g}" if guarded else f"{lr:g}"
    return (
        f"| {name} | {lr:g} | {kind} | {epochs} | {fall} | {last} | {found.error:.3g} | {found.accuracy:.4f} | "
        f"{found.seconds:.1f} s | {cost} | {found.start_seconds:.1f} s |"
    )


def main() -> None:
    """Run everything and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    weights = sum(parameter.numel() for parameter in network().parameters())
    lines = [
        "# The guard of epochs beside plain training",
        "",
        f"`python {shlex.join(sys.argv)}` (PyTorch {torch.__version__}): a CNN with {weights:,} weights, {TRAINED} "
        f"digits, cross-entropy, batches of 32, {given.epochs} epochs. Accepted + taken back: every accepted epoch is "
        "proved to have lowered the error of all training data (the smallest proved fall is shown); one that is taken "
        "back halves the learning rate. Cost: processor time in the guard over that of the training loop; the start is "
        "capture and checks, once.",
        "",
        "| optimiser | lr | run | accepted + taken back | smallest fall | last lr | error | test accuracy | loop | cost"
        " | start |",
        "|---" * 11 + "|",
    ]
    print("\n".join(lines), flush=True)
    for name, lr in RATES.items():
        for factor in (1, 10):
            for kind in ("plain", "guarded"):
                run = Run(name, lr * factor)
                found = run.plain(given.epochs) if kind == "plain" else run.guarded(given.epochs)
                lines.append(row(name, lr * factor, kind, found))
                print(lines[-1], flush=True)
    if given.out is not None:
        given.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
