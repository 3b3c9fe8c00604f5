"""Certified training with cross-entropy, each step's length proved before it is taken, beside Adam at equal cost.

    OPENBLAS_NUM_THREADS=1 python benchmarks/graph_certified.py --out benchmarks/graph_certified.md

Needs the extra `torch`. Full batch, float64, one thread. The cost is processor time over that of one gradient, g, each
in its own framework and measured in the same run; bounds, line searches and updates are in it. Adam gets the best of
four learning rates and as many gradients as the certified run cost.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
from graph_networks import Case, digits
from graph_training import RATES, adam, lowest
from timing import seconds_of
from torch import nn

from verify import Verdict, from_torch
from verify.training.session import Session
from verify.training.train import make_rule

Make = Callable[[], Case]


class Residual(nn.Module):
    """Convolutions with a skip connection around the second one."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(a, 8, 3, padding=1) for a in (1, 8))
        self.head = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(128, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = torch.tanh(self.first(x))
        return self.head(h + torch.tanh(self.second(h)))


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """The mean of ``log(1 + sum over the classes k other than y of exp(z_k - z_y))``.

    That is logsumexp(z) - z_y. In differences a bound of what the logits do beyond second order is multiplied by the
    probabilities of the other classes, which are small; in the two terms apart it counts in full.
    """
    chosen = torch.nn.functional.one_hot(labels, logits.shape[-1]).to(logits.dtype)
    differences = logits - (logits * chosen).sum(-1, keepdim=True)
    return torch.logsumexp(differences * (1 - chosen), -1).mean()


def perceptron() -> nn.Module:
    """The layers 64-48-10 with tanh."""
    return nn.Sequential(nn.Linear(64, 48), nn.Tanh(), nn.Linear(48, 10))


def case(make: Callable[[], nn.Module], shape: tuple[int, ...], samples: int) -> Make:
    """Return how to make a network and its digits anew."""

    def made() -> Case:
        torch.manual_seed(0)
        return Case(make().double(), *digits(samples, shape))

    return made


def networks(samples: int) -> dict[str, Make]:
    """Return the networks by name."""
    return {
        "MLP 64-48-10, tanh": case(perceptron, (64,), samples),
        "residual convolutions, tanh": case(Residual, (1, 8, 8), samples),
    }


def certified(make: Make, steps: int) -> tuple[float, float, Counter[Verdict], float, str]:
    """Train; return cost in gradients, last loss, verdicts of the steps, proved bound of that loss, why it stopped."""
    made = make()
    problem = from_torch(made.module, made.inputs, made.targets, cross_entropy)
    points = itertools.cycle([problem.initial_weights, 1.0001 * problem.initial_weights])  # the last one is remembered
    unit = seconds_of(lambda: problem.error_and_gradient(next(points)))
    session = Session(problem, make_rule("certified", None, None, "global", problem))
    verdicts: Counter[Verdict] = Counter()
    start = time.process_time()
    while session.index < steps and (record := session.step()) is not None:
        verdicts[record.verdict] += 1
    spent = time.process_time() - start
    return spent / unit, problem.error(session.weights), verdicts, session.error_upper, session.stopped or ""


def row(name: str, make: Make, steps: int) -> str:
    """Return the row of one network."""
    cost, loss, verdicts, upper, stopped = certified(make, steps)
    taken = sum(verdicts.values())
    best = min(lowest(adam(make, rate, cost), cost) for rate in RATES)
    size = sum(parameter.numel() for parameter in make().module.parameters())
    end = f", then: {stopped}" if stopped else ""
    counts = f"{verdicts[Verdict.PROVED]} of {taken}{end} | {verdicts[Verdict.REFUTED]}"
    return f"| {name} | {size} | {counts} | {cost / max(taken, 1):.1f} g | {loss:.3g} | {upper:.3g} | {best:.3g} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--samples", type=int, default=1797)
    parser.add_argument("--only", default="", help="networks whose name holds this")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rates = ", ".join(f"{rate:g}" for rate in RATES)
    lines = [
        "# Certified training with cross-entropy beside Adam",
        "",
        f"`{shlex.join(['python', *sys.argv])}`, {platform.processor() or platform.machine()}, one thread.",
        "",
        f"The first {given.samples} of scikit-learn's digits. The loss is written in differences of logits, the",
        "mean of log(1 + sum over the other classes of exp(z_k - z_y)): the same function, but bounds are tighter.",
        f"Adam: the lowest loss of the rates {rates} within the cost of the certified run, in its own gradients.",
        "",
        "| network | weights | steps proved | increases | a step costs | loss | proved at most | Adam at equal cost |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, make in networks(given.samples).items():
        if given.only in name:
            lines.append(row(name, make, given.steps))
            text = "\n".join(lines) + "\n"
            if given.out is None:
                print(lines[-1], flush=True)
            else:
                given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
