"""SafeRate with autobound: gradient descent, every step's length from a quadratic bound along -g before it is taken.

M. Streeter and J. V. Dillon, Automatically Bounding the Taylor Remainder Series, arXiv:2212.11429, section 6. The bound
E(w - t g) <= E - |g|^2 t + c2 t^2 holds for t in [0, T]; the step is its minimum there. T doubles after a step of
length T and halves after one below T/2, so that one bound a step is enough. `training.py` runs this file in an
environment of its own, see `segment.py`.
"""

from __future__ import annotations

import json
import math
import sys
import time
from pathlib import Path

import autobound.jax as autobound
import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_enable_x64", True)

SIGMOID = jax.nn.sigmoid
ACTIVATIONS = {"sigmoid": SIGMOID, "tanh": lambda z: 2 * SIGMOID(2 * z) - 1, "identity": lambda z: z}
"""autobound has no rule for tanh; this is the same function."""


def split(w, vertices):
    """Return the parameters of every vertex's edges, then its bias, in the order of the weight vector."""
    parts, position = [], 0
    for vertex in vertices:
        for shape in vertex["parameters"]:
            size = math.prod(shape)
            parts.append(w[position : position + size].reshape(shape))
            position += size
    return parts


def apply(edge, remaining, h):
    kind = edge["kind"]
    if kind == "dense":
        return h @ next(remaining).T
    if kind == "conv2d":
        images = h.reshape(-1, *edge["in_shape"])
        padding = [(zeros, zeros) for zeros in edge["padding"]]
        out = jax.lax.conv_general_dilated(images, next(remaining), edge["stride"], padding)
        return out.reshape(len(h), -1)
    if kind == "avgpool2d":
        (channels, height, width), (rows, columns) = edge["in_shape"], edge["kernel"]
        windows = h.reshape(-1, channels, height // rows, rows, width // columns, columns)
        return (windows.sum((3, 5)) / (rows * columns)).reshape(len(h), -1)
    return h


def error(parts, vertices, x, y):
    outputs, remaining = {"x": x}, iter(parts)
    for vertex in vertices:
        z = 0.0
        for edge in vertex["edges"]:
            z = z + apply(edge, remaining, outputs[edge["source"]])
        if vertex["bias"]:
            bias = next(remaining)
            z = z + (jnp.repeat(bias, z.shape[1] // len(bias)) if vertex["bias"] == "channel" else bias)
        outputs[vertex["name"]] = ACTIVATIONS[vertex["activation"]](z)
    return 0.5 * jnp.sum((outputs[vertices[-1]["name"]] - y) ** 2) / x.shape[0]


def train(w, vertices, x, y, steps):
    """Return the errors before every step and after the last, seconds per step and seconds per gradient."""

    @jax.jit
    def curvature(parts, directions, T):
        def along(t):
            return error([a + t * b for a, b in zip(parts, directions, strict=True)], vertices, x, y)

        return autobound.taylor_bounds(along, max_degree=2)(0.0, (0.0, T)).coefficients[2][1]

    gradient = jax.jit(jax.value_and_grad(lambda parts: error(parts, vertices, x, y)))
    parts, trust, errors = split(jnp.array(w), vertices), 1.0, []
    jax.block_until_ready((gradient(parts), curvature(parts, parts, trust)))
    start = time.process_time()
    for _ in range(steps):
        value, slope = gradient(parts)
        errors.append(float(value))
        directions = [-part for part in slope]
        squared = sum(float(jnp.vdot(part, part)) for part in slope)
        c2 = float(curvature(parts, directions, trust))
        t = min(trust, squared / (2 * c2)) if c2 > 0 else trust
        parts = [a + t * b for a, b in zip(parts, directions, strict=True)]
        trust *= 2.0 if t == trust else 0.5 if t < trust / 2 else 1.0
    seconds = (time.process_time() - start) / steps
    errors.append(float(gradient(parts)[0]))
    return {"errors": errors, "gradients_per_step": seconds / seconds_per_gradient(gradient, parts)}


def seconds_per_gradient(gradient, parts, repeats: int = 40) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        jax.block_until_ready(gradient(parts))
        times.append(time.process_time() - start)
    return float(np.median(times))


def main(folder: Path) -> None:
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    data = np.load(folder / "task.npz", allow_pickle=False)
    x, y = jnp.array(data["x"]), jnp.array(data["y"])
    json.dump([train(w, task["vertices"], x, y, task["steps"]) for w in data["w"]], sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
