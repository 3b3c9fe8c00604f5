"""Upper bounds are not below the exact values, in float64 and float32, and not far above."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from verify.arithmetic import upward
from verify.arithmetic.rounding import ArithmeticDomainError, floor, unit_roundoff


def nonnegative(dtype: type) -> st.SearchStrategy:
    width = 64 if dtype is np.float64 else 32
    return st.floats(min_value=0, allow_infinity=False, allow_nan=False, width=width)


def vectors(dtype: type) -> st.SearchStrategy:
    return arrays(dtype, st.integers(1, 12), elements=nonnegative(dtype))


DTYPES = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def exact(x) -> Fraction:
    return Fraction(float(x))


def bounds(bound, value: Fraction, roundings: int) -> bool:
    """Whether `bound` has the right format, is not below `value`, and exceeds it only by roundings and the floor."""
    u, smallest = exact(unit_roundoff(bound.dtype)), exact(floor(bound.dtype))
    if np.isinf(bound):
        return value * (1 + 16 * roundings * u) > exact(np.finfo(bound.dtype).max)
    return value <= exact(bound) <= value * (1 + 16 * roundings * u) + 4 * smallest


@DTYPES
@given(data=st.data())
def test_elementwise_operations(dtype, data):
    a, b = (dtype(data.draw(nonnegative(dtype))) for _ in range(2))
    for bound, value in ((upward.add(a, b), exact(a) + exact(b)), (upward.mul(a, b), exact(a) * exact(b))):
        assert bound.dtype == dtype
        assert bounds(bound, value, 2)
    quotient = upward.div(a, b)
    assert np.isinf(quotient) if b == 0 else bounds(quotient, exact(a) / exact(b), 2)
    root = upward.sqrt(a)
    assert exact(root) ** 2 >= exact(a)
    assert exact(root) ** 2 <= exact(a) * (1 + 20 * exact(unit_roundoff(dtype)))


@DTYPES
@given(data=st.data())
def test_reductions(dtype, data):
    a = data.draw(vectors(dtype))
    b = data.draw(arrays(dtype, len(a), elements=nonnegative(dtype)))
    n = len(a)
    values_a, values_b = [exact(v) for v in a], [exact(v) for v in b]
    products = sum(p * q for p, q in zip(values_a, values_b, strict=True))
    assert bounds(upward.sum(a), sum(values_a), n)
    assert bounds(upward.matmul(a, b), products, n + 1)
    inner = upward.inner(a, b)
    assert np.isinf(inner) or exact(inner) >= products
    norm, square = upward.norm(a), sum(v * v for v in values_a)
    assert np.isinf(norm) or exact(norm) ** 2 >= square
    if np.isinf(norm):
        assert square * (1 + 32 * n * exact(unit_roundoff(dtype))) > exact(np.finfo(dtype).max) ** 2
    else:
        slack = 32 * (n + 2) * exact(unit_roundoff(dtype))
        assert exact(norm) ** 2 <= square * (1 + slack) + (8 * n * exact(floor(dtype))) ** 2 + 8 * n * exact(
            floor(dtype)
        )


def test_axes():
    a = np.arange(24.0).reshape(2, 3, 4)
    assert upward.sum(a, axis=(0, 2)).shape == (3,)
    assert upward.norm(a, axis=1).shape == (2, 4)
    assert np.all(upward.norm(a, axis=-1) >= np.sqrt((a**2).sum(-1)))
    assert upward.inner(a, a, axis=0).shape == (3, 4)
    assert upward.maximum(a, axis=(1, 2)).tolist() == [11.0, 23.0]
    assert upward.matmul(a, np.ones((4, 2))).shape == (2, 3, 2)


def test_signs_of_the_entries_do_not_matter_to_a_norm():
    assert upward.norm([-3.0, 4.0]) == upward.norm([3.0, -4.0])
    assert 5.0 <= upward.norm([-3.0, 4.0]) < 5.00000000000001


def test_underflow_is_lifted_and_zero_stays_zero():
    assert upward.mul(5e-324, 0.1) > 0
    assert upward.mul(1e-200, 1e-200) == floor()
    assert upward.mul(0.0, 1e-300) == 0
    assert upward.div(5e-324, 1e10) > 0
    assert upward.div(0.0, 2.0) == 0
    assert upward.matmul([1e-200, 0.0], [1e-200, 1.0]) >= floor()
    assert upward.matmul([0.0, 0.0], [1.0, 1.0]) == 0
    assert upward.norm([1e-320]) >= 1e-320
    assert upward.norm([0.0, 0.0]) == 0


def test_infinity_stays_infinite():
    assert upward.mul(0.0, np.inf) == np.inf
    assert upward.add(1e308, 1e308) == np.inf
    assert upward.mul(1e200, 1e200) == np.inf
    assert upward.matmul([0.0, 1.0], [np.inf, 1.0]) == np.inf
    assert upward.norm([np.inf, 1.0]) == np.inf
    assert upward.sum([np.inf, 1.0]) == np.inf
    assert upward.div(np.inf, np.inf) == np.inf
    assert upward.div(1.0, np.inf) <= floor()


@pytest.mark.parametrize("bad", [np.nan, -1.0, -5e-324])
def test_nan_and_negative_numbers_are_refused(bad):
    for call in (
        lambda: upward.add(bad, 1.0),
        lambda: upward.mul([1.0, bad], 1.0),
        lambda: upward.div(1.0, bad),
        lambda: upward.sqrt(bad),
        lambda: upward.sum([bad]),
        lambda: upward.matmul([bad], [1.0]),
    ):
        with pytest.raises(ArithmeticDomainError, match="not >= 0"):
            call()
    if np.isnan(bad):
        with pytest.raises(ArithmeticDomainError):
            upward.norm([bad])


def test_other_kinds_of_numbers():
    assert upward.add(1, 2) >= 3
    with pytest.raises(ArithmeticDomainError, match="too large"):
        upward.add(2**60 + 1, 0)
    with pytest.raises(ArithmeticDomainError, match="not a number array"):
        upward.add(1j, 0)
    with pytest.raises(ArithmeticDomainError, match="no entries"):
        upward.maximum([])
    assert upward.sum([]) == 0
    assert upward.add(np.float32(1), np.float64(2.0**-50)).dtype == np.float64


def test_a_bound_that_forgets_its_rounding_is_detected():
    rng = np.random.default_rng(0)
    a, b = rng.uniform(size=(2, 200))
    careless = [bounds(np.float64(p * q), exact(p) * exact(q), 2) for p, q in zip(a, b, strict=True)]
    careful = [bounds(upward.mul(p, q), exact(p) * exact(q), 2) for p, q in zip(a, b, strict=True)]
    assert not all(careless)
    assert all(careful)
