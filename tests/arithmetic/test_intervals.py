"""Interval operations hold the exact results: rational arithmetic decides, no slack."""

from __future__ import annotations

import operator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.arithmetic.blocks import BLOCK
from verify.arithmetic.interval_joins import concatenate, stack
from verify.arithmetic.intervals import Interval, interval
from verify.arithmetic.rounding import FLOOR, ArithmeticDomainError, UndecidedComparisonError

U = 2.0**-53
FINITE = st.floats(allow_nan=False, allow_infinity=False, width=64)
RADII = st.one_of(st.just(0.0), st.floats(min_value=0.0, allow_nan=False, allow_infinity=False))
MODERATE = st.floats(min_value=-1e6, max_value=1e6)
SHARES = st.sampled_from([Fraction(-1), Fraction(1), Fraction(0), Fraction(1, 3), Fraction(-2, 7)])
EXACT = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}


def inside(enclosure: Interval, value: Fraction) -> bool:
    rad = float(enclosure.rad)
    return rad == np.inf or abs(Fraction(float(enclosure.mid)) - value) <= Fraction(rad)


def member(mid: float, rad: float, share: Fraction) -> Fraction:
    return Fraction(mid) + share * Fraction(rad)


@given(FINITE, RADII, FINITE, RADII, SHARES, SHARES, st.sampled_from("+-*/"))
def test_operations_hold_all_results(x, r, y, s, share_x, share_y, sign):
    a, b = member(x, r, share_x), member(y, s, share_y)
    if sign == "/" and b == 0:
        b = member(y, s, Fraction(1, 2)) or Fraction(1)
        if abs(b - Fraction(y)) > Fraction(s):
            return
    first, second = Interval.from_midrad(x, r), Interval.from_midrad(y, s)
    assert inside(EXACT[sign](first, second), EXACT[sign](a, b))
    if share_x == 0:
        assert inside(EXACT[sign](x, second), EXACT[sign](Fraction(x), b))
    if share_y == 0 and not (sign == "/" and y == 0):
        assert inside(EXACT[sign](first, y), EXACT[sign](a, Fraction(y)))
        assert (
            inside(EXACT[sign](Interval.point(x), Interval.point(y)), EXACT[sign](Fraction(x), Fraction(y))) or share_x
        )


@given(FINITE, RADII, SHARES)
def test_functions_of_one_interval_hold_all_results(x, r, share):
    a, enclosure = member(x, r, share), Interval.from_midrad(x, r)
    assert inside(-enclosure, -a)
    assert inside(abs(enclosure), abs(a))
    assert inside(enclosure.square(), a * a)
    assert Fraction(float(enclosure.lower)) <= a if np.isfinite(enclosure.lower) else True
    assert Fraction(float(enclosure.upper)) >= a if np.isfinite(enclosure.upper) else True
    assert not np.isfinite(enclosure.max_abs()) or Fraction(float(enclosure.max_abs())) >= abs(a)
    assert Fraction(float(enclosure.min_abs())) <= abs(a)
    if a >= 0:
        root = enclosure.sqrt()
        low, high = float(root.lower), float(root.upper)
        assert low <= 0 or Fraction(low) ** 2 <= a
        assert high == np.inf or Fraction(high) ** 2 >= a


@given(st.lists(st.tuples(MODERATE, st.floats(0, 10)), min_size=1, max_size=12), SHARES)
def test_reductions_hold_all_results(pairs, share):
    x = Interval.from_midrad(*(np.array(column) for column in zip(*pairs, strict=True)))
    values = [member(mid, rad, share) for mid, rad in pairs]
    assert inside(x.sum(), sum(values, Fraction(0)))
    assert inside(x.dot(x.mid), sum((v * Fraction(m) for v, (m, _) in zip(values, pairs, strict=True)), Fraction(0)))
    square = sum((v * v for v in values), Fraction(0))
    norm = x.norm()
    assert Fraction(max(float(norm.lower), 0.0)) ** 2 <= square <= Fraction(float(norm.upper)) ** 2


@given(FINITE, FINITE)
def test_bounds_are_kept_and_lower_and_upper_are_the_nearest(a, b):
    low, high = min(a, b), max(a, b)
    x = Interval.from_bounds(low, high)
    assert x.lower <= low
    assert x.upper >= high
    with np.errstate(over="ignore"):
        inner_low, inner_high = np.nextafter(x.lower, np.inf), np.nextafter(x.upper, -np.inf)
    mid, rad = Fraction(float(x.mid)), float(x.rad)
    if np.isfinite(rad):
        assert not np.isfinite(inner_low) or Fraction(float(inner_low)) > mid - Fraction(rad)
        assert not np.isfinite(inner_high) or Fraction(float(inner_high)) < mid + Fraction(rad)


@given(FINITE, RADII, FINITE)
def test_contains_is_exact(x, r, value):
    enclosure = Interval.from_midrad(x, r)
    assert enclosure.contains(value) == (abs(Fraction(x) - Fraction(value)) <= Fraction(r))
    assert not enclosure.contains(np.inf)


@given(MODERATE, st.floats(0, 1e6), MODERATE, st.floats(0, 1e6))
def test_product_is_the_hull_up_to_rounding(x, r, y, s):
    a, b = Interval.from_midrad(x, r), Interval.from_midrad(y, s)
    ends = [member(x, r, Fraction(p)) * member(y, s, Fraction(q)) for p in (-1, 1) for q in (-1, 1)]
    width = max(ends) - min(ends)
    rounding = Fraction(64 * U) * max(map(abs, ends)) + Fraction(32 * FLOOR)
    assert 2 * Fraction(float((a * b).rad)) <= width + rounding


@given(MODERATE, st.floats(0, 1e6))
def test_square_is_tight(x, r):
    square = Interval.from_midrad(x, r).square()
    most = (abs(Fraction(x)) + Fraction(r)) ** 2
    least = max(abs(Fraction(x)) - Fraction(r), Fraction(0)) ** 2
    assert 2 * Fraction(float(square.rad)) <= most - least + Fraction(32 * U) * most + Fraction(32 * FLOOR)


def test_exact_operations_stay_narrow():
    one = Interval.point([1.0, 2.0, -3.0])
    assert one.is_exact
    assert np.all((one + one).rad <= U * 6)
    assert np.all((one * one).rad <= U * 9)
    assert (one * 0.0).rad.tolist() == [0.0, 0.0, 0.0]
    assert np.array_equal(one.lower, one.mid)


def test_nan_is_refused_everywhere():
    nan = [1.0, np.nan]
    for build in (
        lambda: Interval.point(nan),
        lambda: Interval.from_bounds(nan, [2.0, 2.0]),
        lambda: Interval.from_midrad(nan, 0.0),
        lambda: Interval.from_midrad(0.0, nan),
        lambda: Interval.zeros(2) + np.array(nan),
        lambda: Interval.zeros(2).contains(nan),
        lambda: np.array(nan) @ Interval.zeros(2),
    ):
        with pytest.raises(ArithmeticDomainError, match=r"not a number|infinite"):
            build()


def test_impossible_intervals_are_refused():
    with pytest.raises(ArithmeticDomainError, match="reversed"):
        Interval.from_bounds(2.0, 1.0)
    with pytest.raises(ArithmeticDomainError, match="negative radius"):
        Interval.from_midrad(0.0, -1.0)
    with pytest.raises(ArithmeticDomainError, match="infinite"):
        Interval.point(np.inf)
    with pytest.raises(ArithmeticDomainError, match="not exactly a float64"):
        Interval.point(np.array([2**60 + 1]))
    with pytest.raises(ArithmeticDomainError, match="not an array of numbers"):
        Interval.point(np.array(["1"]))
    with pytest.raises(ArithmeticDomainError, match="empty"):
        Interval.point(1.0).intersect(2.0)
    with pytest.raises(ArithmeticDomainError, match="square root"):
        Interval.point(-1.0).sqrt()
    with pytest.raises(ArithmeticDomainError, match="shapes"):
        Interval.zeros(2).dot(Interval.zeros(3))


@pytest.mark.parametrize("sign", "+-*/")
def test_overflow_gives_the_whole_line_and_never_nan(sign):
    huge = np.array([1e308, -1e308, 1.7e308, 0.0, 5e-324])
    for x in (Interval.point(huge), Interval.from_midrad(huge, 1e308), Interval.from_midrad(huge, np.inf)):
        for y in (Interval.point(huge[::-1].copy()), Interval.from_midrad(huge, np.inf), Interval.zeros(5)):
            result = EXACT[sign](x, y)
            assert np.all(np.isfinite(result.mid))
            assert not np.any(np.isnan(result.rad))
            for unary in (result.square(), abs(result), result.sum(), result.norm(), -result):
                assert np.all(np.isfinite(unary.mid))
                assert not np.any(np.isnan(unary.rad))
    assert np.isinf((Interval.point(1e308) * 10.0).rad)
    assert np.isinf((Interval.point(1.0) / 0.0).rad)
    assert np.isinf((Interval.point(0.0) / 0.0).rad)
    assert np.isinf((Interval.point(1.0) / Interval.from_bounds(-1.0, 1.0)).rad)


ROWWISE = {
    "sum": lambda x: x.sum(axis=-1),
    "sums": lambda x: x[None].sum(axis=(0, -1)),
    "accumulated": lambda x: x.accumulated(lambda a: a.sum(axis=-1), 3),
    "matrix product": lambda x: x @ np.array([[0.3], [0.7], [1e10]]),
    "product of two": lambda x: x @ Interval.from_midrad(np.full((3, 1), 0.3), 0.1),
    "square": lambda x: x.square(),
    "quotient": lambda x: 0.1 / x,
    "of": lambda x: x / 1e-10,
    "plus": lambda x: x + np.array([0.1, 0.2, 1.7e308]),
    "shrunk": lambda x: x.shrunk(),
}


@pytest.mark.parametrize("function", ROWWISE.values(), ids=list(ROWWISE))
@pytest.mark.parametrize("rad", [0.0, 0.5])
def test_an_overflow_leaves_the_bounds_of_other_entries_as_wide(function, rad):
    usual, huge = np.array([0.1, 0.2, 0.4]), np.array([1e308, 1e308, 1.7e308])
    alone = function(Interval.from_midrad(usual[None], rad))
    beside = function(Interval.from_midrad(np.stack([usual, huge]), rad))
    assert np.all(beside.rad[0] >= 0.5 * alone.rad[0])  # the order of a sum may differ between the two


def test_infinite_bounds_are_the_whole_line():
    x = Interval.from_bounds([-np.inf, 0.0], [0.0, np.inf])
    assert np.all(np.isinf(x.rad))
    assert x.contains([1e308, -1e308])


def test_comparisons_are_decided_or_raise():
    x = Interval.from_bounds([0.0, 1.0], [1.0, 2.0])
    assert np.all(x < 3.0)
    assert np.all(x <= 2.0)
    assert np.all(x > -1.0)
    assert np.all(x >= 0.0)
    assert not np.any(x > 2.0)
    assert (x[:1] < Interval.from_bounds([1.5], [2.0])).tolist() == [True]
    for undecided in (lambda: x < 1.5, lambda: x <= 0.5, lambda: x > 1.0, lambda: x >= 1.5, lambda: x < x):
        with pytest.raises(UndecidedComparisonError, match="overlap"):
            undecided()
    with pytest.raises(TypeError, match="truth value"):
        bool(x)
    with pytest.raises(TypeError, match="no =="):
        _ = x == x


def test_sets():
    x, y = Interval.from_bounds([0.0], [2.0]), Interval.from_bounds([1.0], [3.0])
    assert x.intersect(y).lower <= 1
    assert x.intersect(y).upper >= 2
    assert x.hull(y).contains([0.0])
    assert x.hull(y).contains([3.0])


def test_shapes_follow_numpy():
    x = Interval.from_midrad(np.arange(6.0).reshape(2, 3), 0.5)
    a = x.mid
    assert x.T.shape == (3, 2)
    assert x[1].shape == (3,)
    assert x[:, 0].mid.tolist() == [0.0, 3.0]
    assert x.reshape(-1).shape == (6,)
    assert x.reshape(3, 2).shape == (3, 2)
    assert x.transpose(1, 0).shape == (3, 2)
    assert x.swapaxes(0, 1).shape == (3, 2)
    assert x.broadcast_to((4, 2, 3)).shape == (4, 2, 3)
    assert (x.ndim, x.size, len(x)) == (2, 6, 2)
    assert [row.shape for row in x] == [(3,), (3,)]
    assert concatenate([x, a], axis=1).shape == (2, 6)
    assert concatenate([a, a]).is_exact
    assert stack([x, x]).shape == (2, 2, 3)
    assert x.sum(axis=0).shape == (3,)
    assert x.sum(axis=(0, 1)).shape == ()
    assert (np.ones(3) * x).shape == (2, 3)
    assert isinstance(a + x, Interval)
    assert isinstance(a @ x.T, Interval)
    assert isinstance(1.0 - x, Interval)
    assert isinstance(1.0 / (x + 1), Interval)
    assert interval(x) is x


def test_empty_arrays():
    empty = Interval.zeros((0, 3))
    assert (empty + 1.0).shape == (0, 3)
    assert (empty * empty).square().shape == (0, 3)
    assert empty.sum().mid == 0
    assert empty.sum(axis=0).shape == (3,)
    assert empty.norm().upper == 0
    assert (empty.T @ np.zeros((0, 2))).mid.tolist() == np.zeros((3, 2)).tolist()


def test_points_are_copied():
    a = np.ones(2)
    x = Interval.point(a)
    a[:] = 5.0
    assert x.mid.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("sign", "+-*/")
def test_blocks_give_what_small_arrays_give(sign, rational, missed):
    rng = np.random.default_rng(0)
    n = 5 * BLOCK + 3
    x = Interval.from_midrad(rng.normal(size=(n, 2)), 0.1 * rng.uniform(size=(n, 2)))
    y = Interval.from_midrad(rng.normal(size=(n, 2)), 0.01)
    row = Interval.from_midrad(rng.normal(size=2), 0.01)
    for other in (y, row, Interval(y.mid.T.copy().T)):
        whole = EXACT[sign](x, other)
        tail = EXACT[sign](x[-50:], other[-50:] if other.shape == x.shape else other)
        assert np.array_equal(whole.mid[-50:], tail.mid)
        assert np.array_equal(whole.rad[-50:], tail.rad)
        exact = EXACT[sign](rational(x.mid[-50:]), rational(np.broadcast_to(other.mid, x.shape)[-50:]))
        assert missed(whole[-50:], exact) == 0


def test_a_dropped_rounding_error_is_detected(rational, missed):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=500), rng.normal(size=500)
    for exact, computed in ((rational(x) + rational(y), x + y), (rational(x) * rational(y), x * y)):
        assert missed(Interval(computed, np.zeros(500)), exact) > 100
        assert missed(Interval(computed, np.abs(computed) * U / 4), exact) > 10
    scaled = Interval.from_midrad(x, np.abs(y))
    ends = rational(x) + rational(np.abs(y))
    careless_mid = (scaled.lower + scaled.upper) / 2
    careless = Interval(
        careless_mid, np.maximum(scaled.upper - careless_mid, careless_mid - scaled.lower) * (1 - 2 * U)
    )
    assert missed(careless, ends) > 10
