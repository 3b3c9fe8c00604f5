"""Small networks of the vocabulary, written as formulas: what practitioners train, in miniature."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder, Tensor
from verify.layers.attention import attention
from verify.layers.convolution import convolution
from verify.layers.dense import dense
from verify.layers.embedding import embedding
from verify.layers.normalisation import affine, group_normalise, normalise
from verify.layers.pooling import average_pool, max_pool
from verify.layers.transposed_convolution import transposed_convolution
from verify.layers.upsampling import nearest_upsample
from verify.losses import loss
from verify.operations.elementwise import Elementwise


def finish(builder: GraphBuilder, outputs: Tensor, name: str, targets, seed: int = 0, scale: float = 0.5, **options):
    """Return the problem with a loss on the outputs, random data and random weights."""
    criterion = loss(name, **options)
    values = criterion.read_targets(targets, outputs.shape)
    graph = builder.build(criterion.error(outputs, builder.constant("targets", values.shape)))
    rng = np.random.default_rng(seed)
    constants = {leaf.label: rng.normal(size=leaf.dimensions) for leaf in graph.leaves() if leaf.name == "constant"}
    problem = GraphProblem(graph, constants | {"targets": values}, np.zeros(_size(graph)), name=name)
    problem.initial_weights = problem.check_weights(scale * rng.normal(size=problem.size))
    return problem


def _size(graph) -> int:
    return sum(int(np.prod(leaf.dimensions)) for leaf in graph.leaves() if leaf.name == "parameter")


def classifier(activation: str = "tanh", smoothing: float = 0.0) -> GraphProblem:
    builder = GraphBuilder()
    x = builder.constant("x", (6, 4))
    h = dense(x, builder.parameter("W1", (5, 4)), builder.parameter("b1", (5,))).apply(Elementwise(activation))
    z = dense(h, builder.parameter("W2", (3, 5)), builder.parameter("b2", (3,)))
    return finish(builder, z, "softmax-cross-entropy", np.arange(6) % 3, label_smoothing=smoothing)


def transformer() -> GraphProblem:
    builder = GraphBuilder()
    n, t, d, heads = 2, 4, 6, 2
    table = builder.parameter("E", (7, d))
    tokens = np.random.default_rng(1).integers(0, 7, (n, t))
    h = embedding(table, tokens)
    u = affine(normalise(h, [2], 1e-5), builder.parameter("g", (d,)), builder.parameter("s", (d,)), -1)
    parts = [
        dense(u, builder.parameter(f"W{name}", (d, d))).reshape((n, t, heads, d // heads)).permute(0, 2, 1, 3)
        for name in "qkv"
    ]
    mixed = attention(*parts, causal=True).permute(0, 2, 1, 3).reshape((n, t, d))
    h = h + dense(mixed, builder.parameter("Wo", (d, d)))
    z = dense(h, table)
    return finish(builder, z, "softmax-cross-entropy", (tokens + 1) % 7)


def image_network(pool: Callable[..., Tensor] = average_pool, activation: str = "silu") -> GraphProblem:
    builder = GraphBuilder()
    x = builder.constant("x", (3, 2, 6, 6))
    h = convolution(x, builder.parameter("K1", (4, 1, 3, 3)), builder.parameter("b1", (4,)), padding=(1, 1), groups=2)
    h = group_normalise(h, 2, 1e-5).apply(Elementwise(activation))
    h = pool(h, (2, 2))
    h = transposed_convolution(h, builder.parameter("K2", (4, 2, 2, 2)), stride=(2, 2))
    h = nearest_upsample(pool(h, (3, 3)), (2, 2)).mean((2, 3))
    z = dense(h, builder.parameter("W", (1, 2)))
    return finish(builder, z, "sigmoid-cross-entropy", np.array([[0.0], [1.0], [1.0]]))


def recurrent() -> GraphProblem:
    builder = GraphBuilder()
    x = builder.constant("x", (4, 5, 2))
    W, U = builder.parameter("W", (3, 2)), builder.parameter("U", (3, 3))
    h = builder.filled(0, (4, 3))
    for step in range(5):
        h = (dense(x.slice(1, step, step + 1).reshape((4, 2)), W) + dense(h, U)).apply(Elementwise("tanh"))
    return finish(builder, h, "mse", np.ones((4, 3)) / 4)


def robust() -> GraphProblem:
    builder = GraphBuilder()
    x = builder.constant("x", (5, 3))
    z = dense(x, builder.parameter("W", (2, 3))).scale(Fraction(2, 3))
    return finish(builder, z, "huber", np.zeros((5, 2)), delta=0.75)


SMOOTH = {
    "classifier": classifier(),
    "smoothed": classifier("gelu", 0.125),
    "transformer": transformer(),
    "image": image_network(),
    "recurrent": recurrent(),
}
KINKED = {
    "relu": classifier("relu"),
    "max-pool": image_network(max_pool, "relu"),
    "huber": robust(),
}
NETWORKS = SMOOTH | KINKED
