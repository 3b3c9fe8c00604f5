"""Balls hold exact results: sums, products and rearrangements of every number inside, in fractions, without slack."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import verify.arithmetic.ball_arrays as ball_arrays
from verify.arithmetic.ball_arrays import BallArray, uses_of
from verify.arithmetic.intervals import Interval
from verify.arithmetic.matrix_powers import norm_by_squaring

SHAPES = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (3, 2)), ((2, 3, 2), (3, 1))]
MATRICES = [((3, 4), (4, 2)), ((2, 3, 4), (2, 4, 3)), ((2, 3, 4), (4, 3)), ((3, 4), (2, 4, 3))]


def fractions(array: np.ndarray) -> np.ndarray:
    exact = np.empty(np.shape(array), dtype=object)
    exact.reshape(-1)[:] = [Fraction(float(x)) for x in np.asarray(array).reshape(-1)]
    return exact


def holds(result: BallArray, exact: np.ndarray) -> bool:
    differences = np.asarray(np.asarray(exact, dtype=object) - fractions(result.value), dtype=object).reshape(-1)
    return sum((d * d for d in differences), Fraction(0)) <= Fraction(result.ball) ** 2


def ball_of(shape, seed: int, radius: float, scale: float = 1.0):
    """A ball and exact points in it: its middle, and its edge in three directions."""
    rng = np.random.default_rng(seed)
    value = scale * rng.normal(size=shape)
    points = [fractions(value)]
    for direction in (rng.normal(size=shape), np.ones(shape), (np.arange(value.size) == 0).reshape(shape) * 1.0):
        step = radius * (1 - 1e-12) * direction / np.linalg.norm(np.atleast_1d(direction).reshape(-1))
        points.append(fractions(value) + fractions(step))
    return BallArray(value, radius), points


@pytest.mark.parametrize("radius", [0.0, 1e-3])
@pytest.mark.parametrize("scale", [1.0, 1e-170])
@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__mul__"])
@pytest.mark.parametrize("shapes", SHAPES)
def test_entrywise_operations(operation, shapes, scale, radius):
    a, points = ball_of(shapes[0], 1, radius, scale)
    b, others = ball_of(shapes[1], 2, radius, scale)
    result = getattr(a, operation)(b)
    for p, q in zip(points, others, strict=True):
        plain = {"__add__": p + q, "__sub__": p - q, "__mul__": p * q}
        assert holds(result, plain[operation])


@pytest.mark.parametrize("radius", [0.0, 1e-3])
@pytest.mark.parametrize("shapes", MATRICES)
def test_matrix_products(shapes, radius):
    a, points = ball_of(shapes[0], 1, radius)
    b, others = ball_of(shapes[1], 2, radius)
    for p, q in zip(points, others, strict=True):
        assert holds(a @ b, p @ q)


@pytest.mark.parametrize("radius", [0.0, 1e-3])
def test_sums_and_rearrangements(radius):
    a, points = ball_of((3, 4), 3, radius)
    picked = [2, 0, 2, 2]
    for p in points:
        assert holds(a.sum(axis=1), p.sum(axis=1))
        assert holds(a.sum(), np.asarray(p.sum(), dtype=object))
        assert holds(a / 3.0, p / 3)
        assert holds(a.broadcast_to((5, 3, 4)), np.broadcast_to(p, (5, 3, 4)))
        assert holds(a.rearranged(lambda x: x[picked]), p[picked])
        assert holds(a.accumulated(lambda x: np.cumsum(x, axis=1), 4), np.cumsum(p, axis=1))
        assert holds(a.accumulated(lambda x: np.cumsum(x, axis=1), 4, 4), np.cumsum(p, axis=1))


def test_uses_are_counted_and_padding_is_not():
    assert uses_of(lambda x: x[[2, 0, 2, 2]], (3, 4)) == 3
    assert uses_of(lambda x: np.pad(x, 5), (3,)) == 1
    assert uses_of(lambda x: x[:0], (3,)) == 1


@np.errstate(all="ignore")
def test_what_is_unknown_stays_unknown():
    unknown = BallArray.of(Interval(np.zeros(2), np.array([0.0, np.inf])))
    huge = BallArray(np.array([1e200, 1.0]))
    for result in (unknown * 0.0, unknown + 1.0, huge * huge * 0.0, (huge * huge).sum(), unknown[:1], unknown / 2.0):
        assert result.ball == np.inf
        assert np.all(np.isinf(result.interval.rad))


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (7, 4), (4, 7), (30, 30)])
@pytest.mark.parametrize("scale", [1.0, 1e-160, 1e150])
def test_norms_by_squaring_are_upper_bounds(shape, scale):
    matrix = np.random.default_rng(5).normal(size=shape) * scale
    bound = norm_by_squaring(matrix)
    top = np.linalg.svd(matrix)[2][0]
    stretched, unit = fractions(matrix) @ fractions(top), fractions(top)
    assert Fraction(bound) ** 2 * sum(x * x for x in unit) >= sum(x * x for x in stretched)
    assert bound <= np.linalg.norm(matrix, 2) * (1.04 + 1e-9)
    assert norm_by_squaring(np.zeros(shape)) < 1e-70


@pytest.mark.parametrize(
    ("check", "owner", "function", "plant"),
    [
        (test_entrywise_operations, ball_arrays, "UNIT", lambda right: 0.0),
        (test_entrywise_operations, ball_arrays, "_repeats", lambda right: lambda shape, part: 1.0),
        (test_matrix_products, ball_arrays, "gamma", lambda right: lambda n: 0.0),
        (test_matrix_products, BallArray, "norm", lambda right: property(lambda self: 0.2 * right.fget(self))),
    ],
    ids=["no rounding", "no repeats", "no rounding of products", "a fifth of a norm"],
)
def test_a_planted_fault_is_caught(check, owner, function, plant, monkeypatch):
    monkeypatch.setattr(owner, function, plant(getattr(owner, function)))
    with pytest.raises(AssertionError):
        for radius in (0.0, 1e-3):
            for shapes in SHAPES if check is test_entrywise_operations else MATRICES:
                if check is test_entrywise_operations:
                    for operation in ("__add__", "__sub__", "__mul__"):
                        check(operation, shapes, 1.0, radius)
                else:
                    check(shapes, radius)
