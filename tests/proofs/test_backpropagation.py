"""Gradient and Hessian of the package are what `Graph.v` and `SecondDerivative.v` prove of the same operations."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import verify

NODES = {
    "x": {"width": 2},
    "h": {"width": 2, "activation": "tanh", "inputs": ["x"]},
    "k": {"width": 2, "activation": "tanh", "inputs": ["h", "x"]},
    "y": {"width": 2, "activation": "tanh", "inputs": ["k", "h"]},
}
DECAY = 0.25


class Operation:
    """``Apply``: the result at a state, the rows of its derivative there, its second derivative along d (``bend``)."""

    def __init__(self, value: Callable, rows: Callable, bend: Callable) -> None:
        self.value, self.rows, self.bend = value, rows, bend


class Network:
    """A list of operations on a growing state: the new results stand in front, as `Graph.v` has them."""

    def __init__(self, weights: int) -> None:
        self.size, self.operations = weights, []

    def place(self, name: int, size: int) -> int:
        """Return where, in a state of this size, the number stands that was the `name`-th to come."""
        return size - 1 - name

    def affine(self, constants: list[float], terms: list[dict[int, float]]) -> list[int]:
        A = np.zeros((len(terms), self.size))
        for row, term in zip(A, terms, strict=True):
            for name, factor in term.items():
                row[self.place(name, self.size)] += factor
        return self._add(len(terms), lambda x: constants + A @ x, lambda x: A, lambda x, d: np.zeros(len(terms)))

    def tanh(self, names: list[int]) -> list[int]:
        k = [self.place(name, self.size) for name in names]
        first = lambda z: 1 - math.tanh(z) ** 2  # noqa: E731 -- g' and g'' beside each other
        second = lambda z: -2 * math.tanh(z) * first(z)  # noqa: E731
        return self._add(
            len(k),
            lambda x: np.array([math.tanh(x[i]) for i in k]),
            lambda x: np.array([first(x[i]) * self.unit(i, len(x)) for i in k]),
            lambda x, d: np.array([second(x[i]) * d[i] * d[i] for i in k]),
        )

    def products(self, pairs: list[tuple[int, int]]) -> list[int]:
        at = [(self.place(a, self.size), self.place(b, self.size)) for a, b in pairs]
        return self._add(
            len(at),
            lambda x: np.array([x[a] * x[b] for a, b in at]),
            lambda x: np.array([x[b] * self.unit(a, len(x)) + x[a] * self.unit(b, len(x)) for a, b in at]),
            lambda x, d: np.array([2 * d[a] * d[b] for a, b in at]),
        )

    @staticmethod
    def unit(k: int, size: int) -> np.ndarray:
        return np.eye(size)[k]

    def _add(self, count: int, *parts: Callable) -> list[int]:
        names = [self.size + count - 1 - i for i in range(count)]
        self.operations.append(Operation(*parts))
        self.size += count
        return names

    def error(self, x: np.ndarray) -> float:
        for operation in self.operations:
            x = np.concatenate([operation.value(x), x])
        return float(x[0])

    def backward(self, x: np.ndarray, d: np.ndarray, position: int = 0) -> tuple[np.ndarray, float]:
        """Return ``backward`` at a state, and ``elementary_form`` along d."""
        if position == len(self.operations):
            return self.unit(0, len(x)), 0.0
        f = self.operations[position]
        rows = f.rows(x)
        lam, q = self.backward(np.concatenate([f.value(x), x]), np.concatenate([rows @ d, d]), position + 1)
        newest, older = lam[: len(rows)], lam[len(rows) :]
        return rows.T @ newest + older, float(newest @ f.bend(x, d)) + q


def as_operations(architecture: verify.Architecture, inputs: np.ndarray, targets: np.ndarray) -> Network:
    """Write a network with its data, the mean of half the squared errors, and weight decay as such a list."""
    size = architecture.size
    network = Network(size)
    number = architecture.unflatten(np.arange(size))  # a state of weights alone is the vector, the first in front
    weight = lambda index: size - 1 - int(index)  # noqa: E731 -- the place of the first is the last to come
    residuals = []
    for x, y in zip(inputs, targets, strict=True):
        values: dict[str, list[int]] = {"x": network.affine(list(x), [{} for _ in x])}
        for name in list(NODES)[1:]:
            uses = [
                [(weight(number[source, name][o, i]), h) for source in NODES[name]["inputs"]
                 for i, h in enumerate(values[source])]
                for o in range(NODES[name]["width"])
            ]  # fmt: skip
            flat = iter(network.products([pair for row in uses for pair in row]))
            sums = [dict.fromkeys((next(flat) for _ in row), 1.0) for row in uses]
            for o, term in enumerate(sums):
                term[weight(number[name][o])] = 1.0
            values[name] = network.tanh(network.affine([0.0] * len(sums), sums))
        residuals += network.affine(list(-y), [{h: 1.0} for h in values["y"]])
    squares = network.products([(r, r) for r in residuals])
    decays = network.products([(w, w) for w in range(size)])
    half = dict.fromkeys(squares, 0.5 / len(inputs)) | dict.fromkeys(decays, DECAY / 2)
    network.affine([0.0], [half])
    return network


@pytest.mark.parametrize("seed", range(2))
def test_gradient_and_hessian_of_the_package_are_what_coq_proves(seed):
    rng = np.random.default_rng(seed)
    architecture = verify.Architecture.from_data(NODES, output="y")
    inputs, targets = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    w, d = rng.normal(size=(2, architecture.size))
    problem = verify.Problem(architecture, inputs, targets, weight_decay=DECAY)
    network = as_operations(architecture, inputs, targets)
    gradient, second = network.backward(w, d)
    assert network.error(w) == pytest.approx(problem.error(w), rel=1e-13)
    assert gradient == pytest.approx(problem.gradient(w), rel=1e-11, abs=1e-13)
    assert second == pytest.approx(float(d @ problem.hessian_vector(w, d)), rel=1e-11)
