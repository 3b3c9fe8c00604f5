"""The numerical methods of the edges against their terms: every kind agrees, every planted mistake is found."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

import numpy as np
import pytest

from verify.architecture import AvgPool2d, Concat, Conv2d, Dense, Flatten, Identity
from verify.calculus.symbolic.maps import map_flaw

MAPS = [
    Dense(3, 4),
    Dense(1, 1),
    Identity(5),
    Flatten(6),
    Concat(2, 5, offset=1),
    AvgPool2d((2, 4, 4), kernel=(2, 2), stride=(2, 2)),
    AvgPool2d((1, 5, 5), kernel=(3, 3), stride=(1, 2)),
]


@pytest.mark.parametrize("linear", MAPS, ids=repr)
def test_every_kind_agrees_with_its_terms(linear):
    assert map_flaw(linear) is None


def test_every_map_of_a_graph_agrees(any_network):
    for edge in any_network.edges:
        assert map_flaw(edge.map) is None


def test_convolution_is_among_them(network):
    assert any(isinstance(edge.map, Conv2d) for edge in network("images").edges)


def planted(linear, **methods):
    """The same map with some methods replaced."""
    wrong = object.__new__(type("Planted", (type(linear),), methods))
    for field in dataclasses.fields(linear):
        object.__setattr__(wrong, field.name, getattr(linear, field.name))
    return wrong


def shifted(self):
    terms = Dense(3, 3).terms()
    return dataclasses.replace(terms, input=np.roll(terms.input, 1))


MISTAKES = {
    "transposed apply": (Dense(3, 3), {"_apply": lambda self, theta, h: h @ theta}, "apply"),
    "transposed transpose": (Dense(3, 3), {"_transpose": lambda self, theta, d: d @ theta.T}, "transpose"),
    "transposed gradient": (Dense(3, 3), {"_parameter_gradient": lambda self, h, d: h.T @ d}, "parameter_gradient"),
    "first sample only": (
        Dense(2, 3),
        {"_parameter_gradient": lambda self, h, d: d[:1].T @ h[:1]},
        "parameter_gradient",
    ),
    "wrong shape": (Dense(2, 3), {"_parameter_gradient": lambda self, h, d: h.T @ d}, "parameter_gradient has shape"),
    "lost transpose": (Identity(4), {"_transpose": lambda self, theta, d: 0 * d}, "transpose"),
    "doubled": (Identity(4), {"_apply": lambda self, theta, h: 2 * h}, "apply"),
    "nan": (Identity(4), {"_apply": lambda self, theta, h: h * np.nan}, "apply gives a value that is not finite"),
    "sum, not mean": (
        AvgPool2d((1, 4, 4), (2, 2), (2, 2)),
        {"_apply": lambda self, theta, h: h[..., self._inputs].sum(axis=-1)},
        "apply",
    ),
    "mean of eight": (
        AvgPool2d((1, 3, 3), (3, 3), (3, 3)),
        {"_apply": lambda self, theta, h: h[..., self._inputs].sum(axis=-1) / 8.0},
        "apply",
    ),
    "rounded mean": (
        AvgPool2d((1, 3, 3), (3, 3), (3, 3)),
        {"_apply": lambda self, theta, h: (h[..., self._inputs].sum(axis=-1) / 9.0).astype(np.float32)},
        "apply",
    ),
    "shifted terms": (Dense(3, 3), {"terms": shifted}, "apply"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_planted_mistake_is_found(mistake):
    linear, methods, where = MISTAKES[mistake]
    assert map_flaw(linear) is None
    assert map_flaw(planted(linear, **methods)).startswith(where)


def test_malformed_terms_are_found():
    terms = Dense(2, 2).terms()
    beyond = dataclasses.replace(terms, input=terms.input + 1)
    twice = dataclasses.replace(terms, input=0 * terms.input)
    assert "outside" in map_flaw(planted(Dense(2, 2), terms=lambda self: beyond))
    assert "twice" in map_flaw(planted(Dense(2, 2), terms=lambda self: twice))
    scaled = dataclasses.replace(terms, coefficient=Fraction(2))
    assert map_flaw(planted(Dense(2, 2), terms=lambda self: scaled)).startswith("apply")
