"""Hessian bounds of networks of the vocabulary against attacks, and of classical networks against their own bound.

    python benchmarks/graph_hessian.py            # the table of benchmarks/graph_hessian.md
    python benchmarks/graph_hessian.py --network lstm

The ratio is bound / attack, the attack being a proved lower bound: 1 would be perfect. Seconds are of the processor.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from verify import Architecture, Problem
from verify.bounds.attack import attack_hessian
from verify.bounds.hessian import hessian_bound
from verify.bounds.regions import Ball
from verify.calculus.objective import Objective
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder, Tensor
from verify.importers.architecture import graph_problem
from verify.layers.attention import attention
from verify.layers.dense import dense
from verify.layers.embedding import embedding
from verify.layers.normalisation import affine, normalise
from verify.losses import loss
from verify.operations.elementwise import Elementwise
from verify.outcomes import InputError

RADII = (0.001, 0.01, 0.1)


def trained(builder: GraphBuilder, logits: Tensor, labels: np.ndarray, constants: dict, seed: int = 0) -> GraphProblem:
    """Return the cross-entropy problem with Glorot weights, scales 1 and shifts 0."""
    criterion = loss("softmax-cross-entropy")
    targets = criterion.read_targets(labels, logits.shape)
    graph = builder.build(criterion.error(logits, builder.constant("targets", targets.shape)))
    rng = np.random.default_rng(seed)
    parts = []
    for leaf in graph.leaves():
        if leaf.name == "parameter":
            shape = leaf.dimensions
            limit = np.sqrt(6 / sum(shape)) if len(shape) > 1 else 0.0
            parts.append(rng.uniform(-limit, limit, shape).ravel() if limit else np.full(shape, leaf.label == "scale"))
    return GraphProblem(graph, constants | {"targets": targets}, np.concatenate(parts, dtype=float))


def digits(samples: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    pooled = images[:samples].reshape(samples, 4, 2, 4, 2).mean((2, 4)).reshape(samples, 16) / 16
    return pooled, labels[:samples]


def mlp(normalised: bool = False) -> GraphProblem:
    """16-12-10 on 60 digits of 4 x 4 pixels, tanh, softmax cross-entropy."""
    x, labels = digits(60)
    builder = GraphBuilder()
    h = dense(builder.constant("x", x.shape), builder.parameter("W1", (12, 16)), builder.parameter("b1", (12,)))
    if normalised:
        scale, shift = builder.parameter("scale", (12,)), builder.parameter("shift", (12,))
        h = affine(normalise(h, [1], 1e-5), scale, shift, -1)
    h = h.apply(Elementwise("tanh"))
    return trained(
        builder, dense(h, builder.parameter("W2", (10, 12)), builder.parameter("b2", (10,))), labels, {"x": x}
    )


def attention_block() -> GraphProblem:
    """One causal block of 2 heads, width 6, with a residual and layer normalisation: the next of 4 tokens of 5."""
    tokens = np.random.default_rng(1).integers(0, 5, (6, 5))
    n, t, d, heads = 6, 4, 6, 2
    builder = GraphBuilder()
    h = embedding(builder.parameter("E", (5, d)), tokens[:, :-1])
    u = affine(normalise(h, [2], 1e-5), builder.parameter("scale", (d,)), builder.parameter("shift", (d,)), -1)
    parts = [
        dense(u, builder.parameter(f"W{name}", (d, d))).reshape((n, t, heads, d // heads)).permute(0, 2, 1, 3)
        for name in "qkv"
    ]
    mixed = attention(*parts, causal=True).permute(0, 2, 1, 3).reshape((n, t, d))
    h = h + dense(mixed, builder.parameter("Wo", (d, d)))
    return trained(builder, dense(h, builder.parameter("U", (5, d))), tokens[:, 1:], {})


def lstm() -> GraphProblem:
    """4 cells over 5 steps of 2 numbers: the sign of their sum."""
    n, steps, d, cells = 12, 5, 2, 4
    x = np.random.default_rng(2).normal(size=(n, steps, d))
    builder = GraphBuilder()
    series = builder.constant("x", x.shape)
    W, U, b = (
        builder.parameter("W", (4 * cells, d)),
        builder.parameter("U", (4 * cells, cells)),
        builder.parameter("b", (4 * cells,)),
    )
    h = c = builder.filled(0, (n, cells))
    for step in range(steps):
        z = dense(series.slice(1, step, step + 1).reshape((n, d)), W, b) + dense(h, U)
        i, f, g, o = (
            z.slice(1, k * cells, (k + 1) * cells).apply(Elementwise("tanh" if k == 2 else "sigmoid")) for k in range(4)
        )
        c = f * c + i * g
        h = o * c.apply(Elementwise("tanh"))
    return trained(builder, dense(h, builder.parameter("V", (2, cells))), (x.sum((1, 2)) > 0).astype(int), {"x": x})


def classical() -> Problem:
    """Return a tanh network 13-6-3 with a skip on 40 standardised wines, half squared error."""
    from sklearn.datasets import load_wine

    inputs, labels = load_wine(return_X_y=True)
    inputs, labels = inputs[::4], labels[::4]
    inputs = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0) / np.sqrt(inputs.shape[1])
    nodes = {
        "x": {"width": 13},
        "h": {"width": 6, "activation": "tanh", "inputs": ["x"]},
        "y": {"width": 3, "activation": "sigmoid", "inputs": ["h", "x"]},
    }
    return Problem(Architecture.from_data(nodes, output="y"), inputs, np.eye(3)[labels])


NETWORKS: dict[str, Callable[[], Sequence[tuple[str, Objective]]]] = {
    "mlp": lambda: [("MLP, cross-entropy", mlp())],
    "layernorm": lambda: [("MLP with LayerNorm", mlp(normalised=True))],
    "attention": lambda: [("attention block", attention_block())],
    "lstm": lambda: [("LSTM, 5 steps", lstm())],
    "classical": lambda: [("classical, its bound", classical()), ("classical, as a graph", graph_problem(classical()))],
}


def rows(name: str) -> list[str]:
    """Return the lines of the table for a network."""
    lines = []
    for words, problem in NETWORKS[name]():
        for radius in RADII:
            region = Ball(problem.initial_weights, radius)
            started = time.process_time()
            try:
                bound = hessian_bound(problem, region)
                found, method = bound.value, bound.method
            except InputError as error:
                found, method = np.inf, f"{error.where}: {error.what}"
            seconds = time.process_time() - started
            attack = attack_hessian(problem, region, points=2, ascents=10).value
            ratio = f"{float(Fraction(found) / Fraction(attack)):.3g}" if np.isfinite(found) else "-"
            figures = f"{radius:g} | {found:.4g} | {method} | {attack:.4g} | {ratio} | {seconds:.1f}"
            lines.append(f"| {words} | {problem.size} | {figures} |")
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=list(NETWORKS), action="append")
    names = parser.parse_args().network or list(NETWORKS)
    print("| network | weights | radius | bound | method | attack | ratio | seconds |")
    print("|---|---:|---:|---:|---|---:|---:|---:|")
    for name in names:
        for line in rows(name):
            print(line, flush=True)


if __name__ == "__main__":
    main()
