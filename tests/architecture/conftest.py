"""Edges of every kind, and their definition evaluated in exact rational arithmetic."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from verify.architecture import AvgPool2d, Concat, Conv2d, Dense, Flatten, Identity, LinearMap

MAPS: tuple[LinearMap, ...] = (
    Dense(3, 4),
    Dense(1, 1),
    Identity(3),
    Flatten(6),
    Concat(2, 5, offset=0),
    Concat(2, 5, offset=3),
    Concat(3, 3, offset=0),
    AvgPool2d((1, 2, 2), (2, 2), (2, 2)),
    AvgPool2d((2, 4, 5), (2, 3), (1, 2)),
    AvgPool2d((1, 5, 5), (3, 3), (1, 1)),
    AvgPool2d((1, 5, 4), (2, 1), (3, 3)),
    Conv2d((1, 3, 3), 1, (1, 1)),
    Conv2d((2, 4, 3), 3, (2, 2)),
    Conv2d((2, 5, 4), 2, (3, 2), (2, 1), (1, 0)),
    Conv2d((1, 4, 6), 2, (3, 3), (1, 2), (2, 1)),
    Conv2d((3, 3, 3), 1, (2, 2), (3, 3), (1, 1)),
    Conv2d((2, 2, 2), 2, (2, 2), (1, 1), (1, 1)),
)


class Exact:
    """The bilinear form of `terms`, summed term by term without rounding."""

    def __init__(self, linear: LinearMap) -> None:
        self.linear = linear
        terms = linear.terms()
        self.terms = [
            (int(out), int(parameter), int(source))
            for out, parameter, source in zip(terms.out, terms.parameter, terms.input, strict=True)
        ]
        self.coefficient = terms.coefficient

    def apply(self, theta: Any, h: Any) -> list[list[Fraction]]:
        result = [[Fraction(0)] * self.linear.out_width for _ in h]
        for row, values in zip(result, rationals(h), strict=True):
            for factor, out, source in self._factors(theta):
                row[out] += factor * values[source]
        return result

    def transpose(self, theta: Any, delta: Any) -> list[list[Fraction]]:
        result = [[Fraction(0)] * self.linear.in_width for _ in delta]
        for row, values in zip(result, rationals(delta), strict=True):
            for factor, out, source in self._factors(theta):
                row[source] += factor * values[out]
        return result

    def parameter_gradient(self, h: Any, delta: Any) -> list[Fraction]:
        result = [Fraction(0)] * self.linear.parameter_count
        for left, right in zip(rationals(delta), rationals(h), strict=True):
            for out, parameter, source in self.terms:
                if parameter >= 0:
                    result[parameter] += self.coefficient * left[out] * right[source]
        return result

    def matrix(self, theta: Any) -> list[list[Fraction]]:
        result = [[Fraction(0)] * self.linear.in_width for _ in range(self.linear.out_width)]
        for factor, out, source in self._factors(theta):
            result[out][source] += factor
        return result

    def _factors(self, theta: Any) -> list[tuple[Fraction, int, int]]:
        flat = [] if theta is None else rationals([np.ravel(theta)])[0]
        return [
            (self.coefficient * (flat[parameter] if parameter >= 0 else 1), out, source)
            for out, parameter, source in self.terms
        ]


def rationals(rows: Any) -> list[list[Fraction]]:
    """Rows of numbers as exact rationals; a Fraction stays what it is."""
    return [[value if isinstance(value, Fraction) else Fraction(float(value)) for value in row] for row in rows]


@pytest.fixture(params=MAPS, ids=repr)
def linear(request: pytest.FixtureRequest) -> LinearMap:
    return request.param


TRAINABLE = tuple(edge_map for edge_map in MAPS if edge_map.parameter_count)
SELECTIONS = tuple(edge_map for edge_map in MAPS if edge_map.kind in ("identity", "flatten", "concat"))


@pytest.fixture(params=TRAINABLE, ids=repr)
def trainable(request: pytest.FixtureRequest) -> LinearMap:
    return request.param


@pytest.fixture(params=SELECTIONS, ids=repr)
def selection(request: pytest.FixtureRequest) -> LinearMap:
    return request.param


@pytest.fixture
def exact(linear: LinearMap) -> Exact:
    return Exact(linear)


@pytest.fixture
def exact_form() -> type[Exact]:
    return Exact


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def network() -> dict[str, dict[str, Any]]:
    """Nodes table of an autoencoder with two dense skips, to vary."""
    return {
        "x": {"width": 6},
        "h1": {"width": 4, "activation": "sigmoid", "inputs": ["x"]},
        "h2": {"width": 2, "activation": "sigmoid", "inputs": ["h1", "x"]},
        "h3": {"width": 4, "activation": "sigmoid", "inputs": ["h2", "h1"]},
        "y": {"width": 6, "activation": "sigmoid", "inputs": ["h3"]},
    }
