"""Bounds of autobound for segments in an .npz file; `segment.py` runs it in an environment of its own."""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path

import autobound.jax as autobound
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

SHAPES = [
    ("h1", [("x", 32, 64)]),
    ("h2", [("h1", 8, 32), ("x", 8, 64)]),
    ("h3", [("h2", 32, 8), ("h1", 32, 32)]),
    ("y", [("h3", 64, 32)]),
]
"""The vertices of examples/digits_autoencoder.toml with (source, rows, columns) of their dense edges, then the bias."""


def split(w):
    """Return the matrices (in, out) and biases of a weight vector, in the order of SHAPES."""
    parts, position = [], 0
    for _, edges in SHAPES:
        for _, rows, columns in edges:
            parts.append(w[position : position + rows * columns].reshape(rows, columns).T)
            position += rows * columns
        rows = edges[0][1]
        parts.append(w[position : position + rows])
        position += rows
    return parts


def error(parts, x):
    outputs, remaining = {"x": x}, iter(parts)
    for name, edges in SHAPES:
        z = 0.0
        for source, _, _ in edges:
            z = z + outputs[source] @ next(remaining)
        outputs[name] = jax.nn.sigmoid(z + next(remaining))
    return 0.5 * jnp.sum((outputs["y"] - x) ** 2) / x.shape[0]


def main(path: Path, repetitions: int) -> None:
    data = np.load(path, allow_pickle=False)
    x = jnp.array(data["x"])

    @jax.jit
    def curvature(parts, directions, T):
        def along(t):
            return error([a + t * b for a, b in zip(parts, directions, strict=True)], x)

        return autobound.taylor_bounds(along, max_degree=2)(0.0, (0.0, T)).coefficients[2][1]

    gradient = jax.jit(jax.value_and_grad(error))
    answers = []
    for w, D, T in zip(data["w"], data["D"], data["T"], strict=True):
        parts, directions = split(jnp.array(w)), split(jnp.array(D))
        answers.append(
            {
                "c2": float(curvature(parts, directions, T)),
                "seconds": seconds(partial(curvature, parts, directions, T), repetitions),
                "gradient_seconds": seconds(partial(gradient, parts, x), repetitions),
            }
        )
    json.dump(answers, sys.stdout)


def seconds(call, repetitions: int) -> float:
    times = []
    jax.block_until_ready(call())
    for _ in range(repetitions):
        start = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - start)
    return float(np.median(times))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
