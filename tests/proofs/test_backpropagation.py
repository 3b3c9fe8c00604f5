"""The backward recursion that Coq proves is the one that the package runs, on the same graph."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

import verify
from tests.proofs.coq_formulas import Formula, read_definitions

THEOREM = re.compile(
    r"Theorem derivative_(\w+) .*?\n\s+\((delta_\w+) [\w ]*\* (?:g \((\w+) [\w ]*\)|(\w+))\)\.", re.DOTALL
)
NODES = {
    "x": {"width": 2},
    "h": {"width": 2, "activation": "tanh", "inputs": ["x"]},
    "k": {"width": 2, "activation": "tanh", "inputs": ["h", "x"]},
    "y": {"width": 1, "activation": "tanh", "inputs": ["k", "h"]},
}


def entry(parts: dict, weight: str) -> float:
    """The weight of a name such as wk0x1 (from x1 to k0) or bk0."""
    if weight[0] == "b":
        return float(parts[weight[1]][int(weight[2])])
    return float(parts[weight[3], weight[1]][int(weight[2]), int(weight[4])])


@pytest.mark.parametrize("seed", range(3))
def test_gradient_of_the_package_is_what_coq_proves(seed, proofs_folder):
    file = proofs_folder / "coq" / "Backpropagation.v"
    definitions = read_definitions(file)
    rng = np.random.default_rng(seed)
    architecture = verify.Architecture.from_data(NODES, output="y")
    x, target, w = rng.normal(size=(1, 2)), rng.normal(size=(1, 1)), rng.normal(size=architecture.size)
    problem = verify.Problem(architecture, x, target)
    weights, gradient = architecture.unflatten(w), architecture.unflatten(problem.gradient(w))
    theorems = THEOREM.findall(file.read_text(encoding="utf-8"))
    assert len(theorems) == architecture.size == 21
    values = {"g": math.tanh, "g'": lambda z: 1 - math.tanh(z) ** 2, "target": target[0, 0]}
    values |= {"x0": x[0, 0], "x1": x[0, 1]} | {name: entry(weights, name) for name, *_ in theorems}
    assert Formula("error", values, definitions).value == pytest.approx(problem.error(w), rel=1e-13)
    for name, delta, unit, plain in theorems:
        below = f"g {unit}" if unit else plain
        assert Formula(f"{delta} * {below}", values, definitions).value == pytest.approx(
            entry(gradient, name), rel=1e-12
        )
