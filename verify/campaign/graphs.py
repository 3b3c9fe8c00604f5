"""Random graphs with skip connections, as the table ``nodes`` of a spec file: of every edge kind and activation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from verify.activations import BUILTIN_NAMES
from verify.activations.builtin import EXAMPLE_FORMULAS

Graph = tuple[dict[str, Any], list[str]]
"""The nodes, and the names of the outputs."""

WITHOUT_HESSIAN = ("relu", "leaky_relu")
"""Their second derivative does not exist, so there is no bound to attack."""
ACTIVATIONS: tuple[Any, ...] = (
    *(name for name in BUILTIN_NAMES if name not in WITHOUT_HESSIAN),
    *({"expr": formula} for formula in EXAMPLE_FORMULAS),
)
FORMULA_SHARE = 0.25

WIDEST = 5
MOST_VERTICES = 5
WIDE = (12, 33)
DEEP = (8, 15)


def random_graph(rng: np.random.Generator) -> Graph:
    """Return a graph of a random kind: usual, wide, deep, of images, or with several inputs."""
    kinds: dict[Callable[[np.random.Generator], Graph], float] = {
        usual: 0.55, several_inputs: 0.1, wide: 0.1, deep: 0.1, images: 0.15,
    }  # fmt: skip
    makers, shares = list(kinds), list(kinds.values())
    return makers[int(rng.choice(len(makers), p=shares))](rng)


def usual(rng: np.random.Generator) -> Graph:
    """Up to `MOST_VERTICES` vertices of width up to `WIDEST`."""
    nodes = {"x": {"width": _width(rng)}}
    return _grown(rng, nodes, [_width(rng) for _ in range(int(rng.integers(1, MOST_VERTICES + 1)))])


def several_inputs(rng: np.random.Generator) -> Graph:
    """Two or three input vertices; those that nothing else reads feed the first hidden vertex."""
    nodes = {f"x{index}": {"width": _width(rng)} for index in range(int(rng.integers(2, 4)))}
    return _grown(rng, nodes, [_width(rng) for _ in range(int(rng.integers(2, MOST_VERTICES + 1)))])


def wide(rng: np.random.Generator) -> Graph:
    """One or two hidden vertices of width 12 to 32."""
    hidden = [int(rng.integers(*WIDE)) for _ in range(int(rng.integers(1, 3)))]
    return _grown(rng, {"x": {"width": _width(rng)}}, [*hidden, _width(rng)])


def deep(rng: np.random.Generator) -> Graph:
    """A stack of 8 to 14 vertices of width up to 3, mostly residual."""
    width = int(rng.integers(1, 4))
    return _grown(rng, {"x": {"width": width}}, [width] * int(rng.integers(*DEEP)), skips=0.1, identities=0.6)


def _grown(
    rng: np.random.Generator,
    nodes: dict[str, Any],
    widths: list[int],
    skips: float = 0.4,
    identities: float = 0.3,
) -> Graph:
    """Add vertices, each fed by the last one and by random earlier ones; make some of them outputs."""
    known = {name: int(node["width"]) for name, node in nodes.items()}
    first = True
    for index, asked in enumerate(widths):
        name = "y" if index == len(widths) - 1 else f"h{index}"
        last, earlier = list(known)[-1], list(known)[:-1]
        width = known[last] if rng.random() < identities else asked
        inputs: list[Any] = [last, *(source for source in earlier if first or rng.random() < skips)]
        inputs += _parameter_free(rng, known, width, identities)
        if name != "y" and _reads(inputs[1:], last) and rng.random() < skips:
            inputs.pop(0)
        nodes[name] = {"width": width, "activation": activation(rng), "inputs": inputs, "bias": rng.random() < 0.8}
        known[name] = width
        first = False
    outputs = [name for name in nodes if name.startswith("h") and rng.random() < 0.1]
    return nodes, [*outputs, "y"]


def _reads(inputs: list[Any], source: str) -> bool:
    return any(isinstance(edge, dict) and edge["from"] == source for edge in inputs)


def _parameter_free(
    rng: np.random.Generator, widths: dict[str, int], width: int, identities: float
) -> list[dict[str, Any]]:
    edges: list[dict[str, Any]] = []
    for source, own in widths.items():
        if own == width and rng.random() < identities:
            edges.append({"from": source, "kind": "identity"})
        elif own < width and rng.random() < identities:
            edges.append({"from": source, "kind": "concat", "offset": int(rng.integers(0, width - own + 1))})
    return edges


def images(rng: np.random.Generator) -> Graph:
    """A convolution, a residual one, pooling, flattening, and a dense output; strides, kernels and padding vary."""
    channels, size = int(rng.integers(1, 3)), int(rng.integers(4, 6))
    kernel, stride = int(rng.integers(1, 4)), int(rng.integers(1, 3))
    padding = int(rng.integers(0, min(kernel, 2)))
    rows = (size + 2 * padding - kernel) // stride + 1
    shape = [channels, rows, rows]
    first = _convolution("x", channels, kernel, stride, padding)
    second = _convolution("c1", channels, 3, 1, 1)
    pooling = min(2, rows)
    pooled = (rows - pooling) // pooling + 1
    width = channels * pooled**2
    bias: Any = "channel" if rng.random() < 0.7 else False
    nodes: dict[str, Any] = {
        "x": {"shape": [int(rng.integers(1, 3)), size, size]},
        "c1": {"shape": shape, "activation": activation(rng), "bias": bias, "inputs": [first]},
        "c2": {
            "shape": shape,
            "activation": activation(rng),
            "bias": bias,
            "inputs": [second, {"from": "c1", "kind": "identity"}],
        },
        "pool": {
            "shape": [channels, pooled, pooled],
            "bias": False,
            "inputs": [{"from": "c2", "kind": "avgpool2d", "kernel": [pooling, pooling], "stride": pooling}],
        },
        "flat": {"width": width, "bias": False, "inputs": [{"from": "pool", "kind": "flatten"}]},
        "wider": {"width": width + 2, "activation": activation(rng), "inputs": ["flat", _placed("flat", 1)]},
        "y": {"width": int(rng.integers(1, 3)), "activation": activation(rng), "inputs": ["wider", "flat"]},
    }
    return nodes, ["y"]


def _convolution(source: str, channels: int, kernel: int, stride: int, padding: int) -> dict[str, Any]:
    return {
        "from": source,
        "kind": "conv2d",
        "channels": channels,
        "kernel": [kernel, kernel],
        "stride": stride,
        "padding": padding,
    }


def _placed(source: str, offset: int) -> dict[str, Any]:
    return {"from": source, "kind": "concat", "offset": offset}


def _width(rng: np.random.Generator) -> int:
    return int(rng.integers(1, WIDEST + 1))


def activation(rng: np.random.Generator) -> Any:
    """Return what `verify.activation` takes: a built-in function, or a formula with the share `FORMULA_SHARE`."""
    formulas = ACTIVATIONS[-len(EXAMPLE_FORMULAS) :]
    among = formulas if rng.random() < FORMULA_SHARE else ACTIVATIONS[: -len(EXAMPLE_FORMULAS)]
    return among[int(rng.integers(len(among)))]
