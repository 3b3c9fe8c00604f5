"""Bounds of autobound for the segments in an .npz file; `segment.py` runs it in an environment of its own.

Every edge comes as a dense matrix (in, out) and its direction: convolutions and poolings too, so that their cost here
says nothing. autobound has no rule for tanh; ``2 sigmoid(2 z) - 1`` is the same function.
"""

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

ACTIVATIONS = {
    "sigmoid": jax.nn.sigmoid,
    "tanh": lambda z: 2 * jax.nn.sigmoid(2 * z) - 1,
    "softplus": jax.nn.softplus,
    "identity": lambda z: z,
}


def error(vertices, parts, x, y):
    outputs, remaining = {"x": x}, iter(parts)
    for vertex in vertices:
        z = sum(outputs[source] @ next(remaining) for source in vertex["sources"])
        if vertex["bias"]:
            z = z + next(remaining)
        outputs[vertex["name"]] = ACTIVATIONS[vertex["activation"]](z)
    return 0.5 * jnp.sum((outputs[vertices[-1]["name"]] - y) ** 2) / x.shape[0]


def answers(vertices, x, y, cases, repetitions):
    @jax.jit
    def curvature(parts, directions, T):
        def along(t):
            return error(vertices, [a + t * b for a, b in zip(parts, directions, strict=True)], x, y)

        return autobound.taylor_bounds(along, max_degree=2)(0.0, (0.0, T)).coefficients[2][1]

    gradient = jax.jit(jax.value_and_grad(partial(error, vertices)))
    for parts, directions, T in cases:
        yield {
            "c2": float(curvature(parts, directions, T)),
            "seconds": seconds(partial(curvature, parts, directions, T), repetitions),
            "gradient_seconds": seconds(partial(gradient, parts, x, y), repetitions),
        }


def seconds(call, repetitions: int) -> float:
    times = []
    jax.block_until_ready(call())
    for _ in range(repetitions):
        start = time.perf_counter()
        jax.block_until_ready(call())
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main(path: Path, repetitions: int) -> None:
    data = np.load(path, allow_pickle=False)
    result = []
    for n, network in enumerate(json.loads(str(data["networks"]))):
        cases = []
        for c, T in enumerate(network["lengths"]):
            arrays = [[jnp.array(data[f"{n}.{c}.{i}.{kind}"]) for i in range(network["parts"])] for kind in "wD"]
            cases.append((*arrays, T))
        x, y = jnp.array(data[f"{n}.x"]), jnp.array(data[f"{n}.y"])
        result.append(list(answers(network["vertices"], x, y, cases, repetitions)))
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
