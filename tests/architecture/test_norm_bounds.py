"""Attacks on `overlap` and `gain`, decided in rational arithmetic, and how close the attacks come."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from verify.architecture import AvgPool2d, Conv2d, Dense, LinearMap, convolution
from verify.architecture.rounding import sqrt_upward
from verify.arithmetic.intervals import Interval

if TYPE_CHECKING:
    from tests.architecture.conftest import Exact


def square(values: Any) -> Fraction:
    return sum((Fraction(float(value)) ** 2 for value in np.ravel(values)), Fraction(0))


def exact_square(rows: list[list[Fraction]]) -> Fraction:
    return sum((value**2 for row in rows for value in row), Fraction(0))


def worst_direction(matrix: np.ndarray) -> np.ndarray:
    return np.linalg.svd(matrix)[2][0]


def by_parameter(linear: LinearMap, h: np.ndarray) -> np.ndarray:
    """Matrix (out, parameters) of ``theta -> A(theta) h``."""
    terms = linear.terms()
    matrix = np.zeros((linear.out_width, linear.parameter_count))
    np.add.at(matrix, (terms.out, terms.parameter), h[terms.input])
    return matrix


def test_no_weights_and_inputs_exceed_the_overlap(
    trainable: LinearMap, exact_form: type[Exact], rng: np.random.Generator
) -> None:
    exact = exact_form(trainable)
    limit = Fraction(trainable.overlap) ** 2
    for _ in range(5):
        h = rng.normal(size=trainable.in_width)
        for _ in range(10):
            theta = worst_direction(by_parameter(trainable, h)).reshape(trainable.parameter_shape)
            h = worst_direction(trainable.matrix(theta))
        assert exact_square(exact.apply(theta, h[None])) <= limit * square(theta) * square(h)


def test_overlap_is_nearly_reached_where_there_is_room() -> None:
    row = Conv2d((1, 1, 200), 1, (1, 3))
    theta, h = np.ones(row.parameter_shape), np.ones((1, 200))
    reached = np.linalg.norm(row.apply(theta, h)) / (np.linalg.norm(theta) * np.linalg.norm(h))
    assert reached > 0.99 * row.overlap
    dense = Dense(2, 2)
    assert np.linalg.norm(dense.matrix(np.diag([1.0, 0.0])), 2) == dense.overlap


def test_no_input_exceeds_the_gain(linear: LinearMap, exact: Exact, rng: np.random.Generator) -> None:
    for _ in range(5):
        theta = rng.normal(size=linear.parameter_shape) if linear.parameter_count else None
        limit = Fraction(linear.gain(theta)) ** 2
        h = worst_direction(linear.matrix(theta))
        for attack in (h, rng.normal(size=linear.in_width)):
            assert exact_square(exact.apply(theta, attack[None])) <= limit * square(attack)


def test_gain_of_an_interval_holds_for_its_members(
    trainable: LinearMap, exact_form: type[Exact], rng: np.random.Generator
) -> None:
    shape = trainable.parameter_shape
    theta = Interval.from_midrad(rng.integers(-3, 4, size=shape) / 4, np.full(shape, 0.25))
    limit = Fraction(trainable.gain(theta)) ** 2
    exact = exact_form(trainable)
    for _ in range(20):
        member = theta.mid + rng.choice([-0.25, 0.25], size=shape)
        attack = worst_direction(trainable.matrix(member))
        assert exact_square(exact.apply(member, attack[None])) <= limit * square(attack)


def test_gain_is_tight(linear: LinearMap, rng: np.random.Generator) -> None:
    theta = rng.normal(size=linear.parameter_shape) if linear.parameter_count else None
    norm = np.linalg.norm(linear.matrix(theta), 2)
    assert linear.gain(theta) <= (1 + 1e-9) * norm


def test_gain_of_a_convolution_too_large_for_its_matrix(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(convolution, "_LARGEST_DENSE_MATRIX", 0)
    for linear in (
        Conv2d((2, 5, 5), 3, (3, 3), (1, 1), (1, 1)),
        Conv2d((1, 6, 6), 2, (2, 2), (2, 2)),
        Conv2d((2, 4, 4), 2, (1, 1)),
        Conv2d((1, 7, 3), 4, (3, 2), (2, 1), (1, 0)),
    ):
        for _ in range(10):
            theta = rng.normal(size=linear.parameter_shape)
            norm = np.linalg.norm(linear.matrix(theta), 2)
            assert norm <= linear.gain(theta) <= 3.5 * norm
    same_everywhere = Conv2d((1, 30, 30), 1, (3, 3))
    ones = np.ones(same_everywhere.parameter_shape)
    assert same_everywhere.gain(ones) < 1.03 * np.linalg.norm(same_everywhere.matrix(ones), 2)


def test_gain_of_pooling_without_overlap_is_the_least_float_above_the_norm() -> None:
    assert AvgPool2d((3, 4, 4), (2, 2), (2, 2)).gain(None) == 0.5
    assert Fraction(AvgPool2d((1, 3, 3), (3, 1), (3, 1)).gain(None)) ** 2 >= Fraction(1, 3)


@pytest.mark.parametrize("value", [Fraction(0), Fraction(1, 9), Fraction(2), Fraction(7, 3), Fraction(16)])
def test_square_root_is_the_least_float_not_below(value: Fraction) -> None:
    root = sqrt_upward(value)
    assert Fraction(root) ** 2 >= value
    assert root == 0 or Fraction(float(np.nextafter(root, 0))) ** 2 < value
