"""Matrix products hold the exact ones: rational arithmetic decides, for several numbers of threads."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from verify.arithmetic import upward
from verify.arithmetic.intervals import Interval, matmul
from verify.arithmetic.rounding import FLOOR, ArithmeticDomainError, gamma

SCALES = [1.0, 1e-160, 1e150, 2.0**-537, 5e-324]


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Exact product of matrices of fractions, by way of integers over a common denominator."""
    common_a, common_b = (max(v.denominator for v in m.ravel()) for m in (a, b))
    whole_a = np.array([int(v * common_a) for v in a.ravel()], dtype=object).reshape(a.shape)
    whole_b = np.array([int(v * common_b) for v in b.ravel()], dtype=object).reshape(b.shape)
    exact = whole_a @ whole_b
    return np.array([Fraction(v, common_a * common_b) for v in exact.ravel()], dtype=object).reshape(exact.shape)


def operands(seed: int, shape: tuple[int, int, int], scale: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    m, k, n = shape
    spread = 10.0 ** rng.uniform(-3, 3, size=(k,))
    return rng.normal(size=(m, k)) * spread * scale, rng.normal(size=(k, n)) / spread[:, None]


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("shape", [(1, 1, 1), (7, 200, 5), (70, 65, 80)])
@pytest.mark.parametrize("scale", SCALES)
def test_products_of_exact_matrices(threads, shape, scale, rational, missed):
    a, b = operands(1, shape, scale)
    exact = product(rational(a), rational(b))
    with threadpool_limits(threads):
        assert missed(Interval.point(a) @ b, exact) == 0
        assert missed(a @ Interval.point(b), exact) == 0


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("scale", SCALES)
def test_products_of_interval_matrices(threads, scale, rational, missed):
    a, b = operands(2, (12, 40, 9), scale)
    rng = np.random.default_rng(3)
    r, s = np.abs(a) * rng.uniform(0, 0.5, a.shape), np.abs(b) * rng.uniform(0, 0.5, b.shape)
    x, y = Interval.from_midrad(a, r), Interval.from_midrad(b, s)
    with threadpool_limits(threads):
        both, left, right = x @ y, x @ b, matmul(a, y)
    for _ in range(6):
        # ends of the entries' intervals, where the product is largest, and inner points
        p, q = rng.choice([-1, 0, 1], a.shape), rng.choice([-1, 0, 1], b.shape)
        member_a, member_b = rational(a) + rational(p) * rational(r), rational(b) + rational(q) * rational(s)
        assert missed(both, product(member_a, member_b)) == 0
        assert missed(left, product(member_a, rational(b))) == 0
        assert missed(right, product(rational(a), member_b)) == 0
    # the extreme member of one entry
    row, column = 0, 0
    p = np.sign(b[:, column]).astype(int)
    extreme = [Fraction(a[row, k]) + int(p[k]) * Fraction(r[row, k]) for k in range(len(p))]
    value = sum((e * Fraction(b[k, column]) for k, e in enumerate(extreme)), Fraction(0))
    assert abs(Fraction(left.mid[row, column]) - value) <= Fraction(left.rad[row, column])


def test_stacks_and_vectors(rational, missed):
    rng = np.random.default_rng(4)
    a, b, v = rng.normal(size=(5, 6, 7)), rng.normal(size=(5, 7, 3)), rng.normal(size=7)
    stacked, vectors = Interval.from_midrad(a, 0.01) @ b, Interval.point(a) @ v
    assert stacked.shape == (5, 6, 3)
    assert vectors.shape == (5, 6)
    for i in range(5):
        assert missed(stacked[i], product(rational(a[i]), rational(b[i]))) == 0
        assert missed(vectors[i].reshape(6, 1), product(rational(a[i]), rational(v[:, None]))) == 0
    inner = Interval.point(v) @ v
    assert inner.shape == ()
    assert missed(inner.reshape(1, 1), product(rational(v[None]), rational(v[:, None]))) == 0
    assert (Interval.point(a) @ b[0]).shape == (5, 6, 3)


def test_exact_zeros_stay_exact():
    a = np.zeros((4, 6))
    a[1] = 1.0
    result = Interval.point(a) @ np.ones((6, 3))
    assert np.all(result.rad[[0, 2, 3]] == 0)
    assert np.all(result.rad[1] > 0)


def test_radius_is_near_the_bound_of_the_rounding_error():
    a, b = operands(5, (50, 300, 40), 1.0)
    result = Interval.point(a) @ b
    assert np.all(result.rad <= 1.001 * float(gamma(300)) * (np.abs(a) @ np.abs(b)))


def test_overflow_and_long_sums():
    huge = np.full((3, 3), 1e200)
    signs = np.array([[1.0, -1.0, 1.0]] * 3)
    for result in (
        Interval.point(huge) @ huge,
        Interval.point(huge * signs) @ huge,
        Interval.from_midrad(huge, np.inf) @ huge,
    ):
        assert np.all(np.isinf(result.rad))
        assert np.all(np.isfinite(result.mid))
    zeros = Interval.from_midrad(huge, np.inf) @ np.zeros((3, 3))
    assert np.all(np.isinf(zeros.rad))
    with pytest.raises(ArithmeticDomainError, match="too long"):
        _ = Interval.point(np.ones(2**21 + 1)) @ np.ones(2**21 + 1)


def test_a_product_without_its_rounding_term_is_detected(rational, missed):
    a, b = operands(6, (20, 60, 20), 1.0)
    exact = product(rational(a), rational(b))
    computed = a @ b
    assert missed(Interval(computed, np.zeros_like(computed)), exact) > 200
    r = np.abs(a) * 0.1
    extreme = product(rational(a) + rational(r) * rational(np.sign(np.ones_like(a))), rational(b))
    assert (
        missed(Interval(computed, 0.9 * (r @ np.abs(b))), product(rational(a) + rational(r), rational(np.abs(b)))) > 0
    )
    assert missed(Interval.from_midrad(a, r) @ b, extreme) == 0


def test_underflow_without_the_floor_is_detected(rational, missed):
    a, b = np.full((1, 8), 2.0**-540), np.full((8, 1), 2.0**-540)
    exact = product(rational(a), rational(b))
    assert missed(Interval(a @ b, upward.matmul(a, b) * 0.0), exact) == 1
    result = Interval.point(a) @ b
    assert missed(result, exact) == 0
    assert result.rad[0, 0] <= 4 * FLOOR
