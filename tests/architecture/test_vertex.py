"""A vertex holds together: width and shape, activation and bias."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import pytest

from verify.architecture import Vertex
from verify.architecture.fields import MAX_WIDTH
from verify.outcomes import InputError


def test_the_bias_has_one_entry_for_each_unit_or_channel() -> None:
    assert Vertex("h", 12, "tanh", "unit", (3, 2, 2)).bias_shape == (12,)
    assert Vertex("h", 12, "tanh", "channel", (3, 2, 2)).bias_shape == (3,)
    assert Vertex("h", 12, "tanh").bias_shape is None


def test_a_vertex_without_activation_is_an_input() -> None:
    vertex = Vertex("x", 3)
    assert vertex.is_input
    assert vertex.activation is None


def test_the_activation_is_the_one_that_is_named() -> None:
    activation = Vertex("h", 3, "tanh").activation
    assert activation is not None
    assert activation.name == "tanh"
    assert Vertex("g", 1, "tanh").activation is activation
    formula = Vertex("h", 3, {"expr": "x*tanh(x)"}).activation
    assert formula is not None
    assert formula.value(0.0) == 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("h", 0), "width must be at least 1: width=0"),
        (("h", -3), "width must be at least 1: width=-3"),
        (("h", MAX_WIDTH + 1), f"width is too large: width={MAX_WIDTH + 1}; use at most {MAX_WIDTH}"),
        (("h", 2.0), "width must be a whole number: type='float', width=2.0"),
        (("h", True), "width must be a whole number: type='bool', width=True"),
        (("h", "3"), "width must be a whole number: type='str', width='3'"),
        (("h", 4, "tanh", None, (1, 2, 3)), "width and shape disagree: width=4, shape=(1, 2, 3)"),
        (("h", 4, "tanh", None, (2, 2)), "shape must be a list of 3 whole numbers: shape=(2, 2)"),
        (("h", 0, "tanh", None, (0, 2, 2)), "width must be at least 1"),
        (("h", 4, "tanh", None, (1, 4, 0)), "shape[2] must be at least 1: shape[2]=0"),
        (("h", 4, "tanh", None, (2**10, 2**10, 2**10)), "shape has too many units"),
        (("h", 4, "tanh", "both"), """bias must be "unit", "channel" or None: bias='both'"""),
        (("h", 4, "tanh", True), """bias must be "unit", "channel" or None: bias=True"""),
        (("h", 4, "tanh", "channel"), "a bias per channel needs an image: bias='channel'; give shape = "),
        (("x", 4, None, "unit"), "an input vertex has no bias: bias='unit'"),
        (("h", 4, 3), "activation must be a name or a formula: activation=3, type='int'; write activation = "),
        (("h", 4, {"expr": "x", "a": 1}), "activation must be a name or a formula"),
        (("h", 4, {"expr": 1}), "activation must be a name or a formula"),
        (("h 1", 4), "a vertex name consists of letters"),
    ],
)
def test_contradictions_are_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(InputError) as refusal:
        Vertex(*arguments)
    assert message in str(refusal.value)


def test_a_vertex_is_immutable_and_survives_pickling() -> None:
    vertex = Vertex("h", 12, {"expr": "x*tanh(x)"}, "channel", (3, 2, 2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        vertex.width = 3  # type: ignore[misc]
    again = pickle.loads(pickle.dumps(vertex))  # noqa: S301 -- bytes made on the spot
    assert again == vertex
    assert hash(again) == hash(vertex)


def test_a_formula_cannot_be_changed_from_outside() -> None:
    spec = {"expr": "x"}
    vertex = Vertex("h", 1, spec)
    spec["expr"] = "x*x"
    assert vertex.activation_spec == {"expr": "x"}
