"""How well rounding weighted by adjoints encloses the error of deep networks, beside intervals, and what it decides.

    OPENBLAS_NUM_THREADS=1 python benchmarks/graph_rounding.py [--steps 100] [--out benchmarks/graph_rounding.md]

Residual networks ``h + scale * g(W h + b)`` with Gaussian weights of variance 1/width under a softmax cross-entropy.
Steps go along minus the gradient with lengths such that E falls by 1e-10 E and more; their decrease is decided by the
two enclosures alone. g is the cost of one gradient in the same run.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from timing import seconds_of

from verify import GraphBuilder, GraphProblem
from verify.graph.evaluation import INTERVAL, evaluate
from verify.graph.rounding import error_bound, weighted_graph
from verify.layers.dense import dense
from verify.losses import loss
from verify.operations.elementwise import Elementwise
from verify.training.evaluation import decide_by_ranges

CLASSES = 3


@dataclass(frozen=True)
class Network:
    """A residual network."""

    activation: str
    layers: int
    width: int
    scale: Fraction
    samples: int = 20

    def problem(self) -> GraphProblem:
        rng = np.random.default_rng(0)
        builder = GraphBuilder()
        h = builder.constant("x", (self.samples, self.width))
        for k in range(self.layers):
            weights, bias = (
                builder.parameter(f"W{k}", (self.width, self.width)),
                builder.parameter(f"b{k}", (self.width,)),
            )
            h = h + dense(h, weights, bias).apply(Elementwise(self.activation)).scale(self.scale)
        y = dense(h, builder.parameter("out", (CLASSES, self.width)), builder.parameter("c", (CLASSES,)))
        criterion = loss("softmax-cross-entropy")
        targets = criterion.read_targets(rng.integers(CLASSES, size=self.samples), y.shape)
        graph = builder.build(criterion.error(y, builder.constant("targets", targets.shape)))
        data = {"x": rng.normal(size=(self.samples, self.width)), "targets": targets}
        size = self.layers * self.width * (self.width + 1) + CLASSES * (self.width + 1)
        return GraphProblem(graph, data, rng.normal(size=size) / np.sqrt(self.width))


NETWORKS = [
    Network("tanh", 10, 20, Fraction(1, 2)),
    Network("tanh", 50, 20, Fraction(1, 8)),
    Network("tanh", 50, 20, Fraction(1, 4)),
    Network("relu", 50, 20, Fraction(1, 4)),
    Network("tanh", 50, 20, Fraction(1, 2)),
]


def undecided(problem: GraphProblem, steps: int) -> tuple[int, int]:
    """Return the steps that fall by more than 1e-10 E, and how many of them the enclosures leave open."""
    rng = np.random.default_rng(1)
    w, falling, still = problem.initial_weights, 0, 0
    error, gradient = problem.error_and_gradient(w)
    before = problem.error_enclosure(w)
    squared = float(gradient @ gradient)
    for _ in range(steps):
        share = 10.0 ** rng.uniform(-9.9, -4)
        following = w - share * error / squared * gradient
        if not problem.error(following) < error * (1 - 1e-10):
            continue
        falling += 1
        decision = decide_by_ranges(before, problem.error_enclosure(following))
        still += decision is None or decision.sign != -1
    return falling, still


def row(network: Network, steps: int) -> str:
    problem = network.problem()
    values = problem.values(problem.initial_weights)
    points = [problem.initial_weights, 1.0001 * problem.initial_weights]
    weighted = weighted_graph(problem.graph)
    unit = seconds_of(lambda: [problem.error_and_gradient(w) for w in points], 5) / 2
    found, spread = error_bound(weighted, values), evaluate(problem.graph, values, INTERVAL)[0]
    costs = [
        seconds_of(lambda: error_bound(weighted, values), 5) / unit,
        seconds_of(lambda: evaluate(problem.graph, values, INTERVAL), 5) / unit,
    ]
    falling, still = undecided(problem, steps)
    return (
        f"| {network.activation}, {network.layers} x {network.width}, scale {network.scale} | {found.value:.3f} "
        f"| {found.distance:.1e} | {float(spread.rad):.1e} | {costs[0]:.1f} | {costs[1]:.1f} "
        f"| {still} of {falling} | {1e3 * unit:.0f} ms |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    rows = [row(network, arguments.steps) for network in NETWORKS]
    text = f"""# Rounding weighted by adjoints

`{shlex.join(["python", *sys.argv])}`

Distance of the computed E from the exact one, proved, by adjoint-weighted rounding and by intervals; cost in gradients;
of {arguments.steps} steps that lower E by 1e-10 E to 1e-4 E, how many the two enclosures leave undecided.

| network | E | weighted | intervals | cost | cost of intervals | undecided | g |
|---|---|---|---|---|---|---|---|
{chr(10).join(rows)}

The weighted distance has a part of second order that grows with the product of the layers' norms: the last network,
with ``1 + scale |W|`` of about 2 in every one of 50 layers, is beyond it; there intervals are asked as well.
"""
    if arguments.out:
        arguments.out.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
