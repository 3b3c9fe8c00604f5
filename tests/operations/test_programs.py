"""What programs of a precision may compute: results in float32, in float64, in other orders lie inside."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.operations.samples import SAMPLES, arguments, identifier
from verify.arithmetic.intervals import Interval
from verify.arithmetic.precision import Precision
from verify.operations.add import Add
from verify.operations.broadcast import SumOver
from verify.operations.contraction import Contraction
from verify.operations.cumulative_sum import CumulativeSum
from verify.operations.elementwise import Elementwise
from verify.operations.linear_recurrence import LinearRecurrence
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.power import Logarithm, Power
from verify.operations.softmax import Softmax

SINGLE, DOUBLE = Precision.of(np.float32), Precision.of(np.float64)


def inside(numbers, intervals: Interval) -> bool:
    given = np.asarray(numbers, dtype=np.float64)
    return bool(np.all((intervals.lower <= given) & (given <= intervals.upper)))


@pytest.mark.parametrize("sample", SAMPLES, ids=identifier)
def test_results_in_both_formats_lie_inside(sample):
    operation, _ = sample
    for seed in range(5):
        numbers = arguments(sample, seed)
        for precision, dtype in ((SINGLE, np.float32), (DOUBLE, np.float64)):
            held = operation.programmed(precision, *(precision.entered(x) for x in numbers))
            assert inside(operation.evaluate(*(x.astype(dtype) for x in numbers)), held)
            exact = operation.evaluate(*(Interval.point(x) for x in numbers))
            assert inside(exact.lower, held) and inside(exact.upper, held)


@pytest.mark.parametrize("sample", SAMPLES, ids=identifier)
def test_results_of_any_numbers_in_the_arguments_lie_inside(sample):
    operation, _ = sample
    rng = np.random.default_rng(0)
    numbers = arguments(sample, 0)
    around = [Interval.from_midrad(x, 1e-3 * np.abs(x)) for x in numbers]
    held = operation.programmed(SINGLE, *around)
    for _ in range(5):
        moved = [(x * (1 + rng.uniform(-0.99e-3, 0.99e-3, x.shape))).astype(np.float32) for x in numbers]
        assert inside(operation.evaluate(*moved), held)


@pytest.mark.parametrize("sample", SAMPLES, ids=identifier)
def test_it_is_no_wider_than_some_hundred_roundings(sample):
    operation, _ = sample
    if operation.name == "elementwise" and operation.order > 0:
        return
    numbers = arguments(sample, 0)
    if isinstance(operation, LinearRecurrence):  # scans in other orders multiply what underflowed: nothing is claimed
        assert np.all(np.isinf(operation.programmed(DOUBLE, *(Interval.point(x) for x in numbers)).rad))
        return
    held = operation.programmed(DOUBLE, *(Interval.point(x) for x in numbers))
    largest = max(1.0, *(float(np.max(x)) for x in numbers)) ** 2
    assert np.all(held.rad <= 300 * 2.0**-53 * np.maximum(np.abs(held.mid), largest))
    if operation.rounds and operation != SumOver(()) and "factor=Fraction(-1, 1)" not in repr(operation):
        assert np.any(held.rad > operation.evaluate(*(Interval.point(x) for x in numbers)).rad) or operation in (
            Power(Fraction(0)),
            Elementwise("relu"),
        )


def test_sums_in_any_order_lie_inside():
    rng = np.random.default_rng(1)
    x = rng.normal(size=200) * np.exp(3 * rng.normal(size=200))
    held = SumOver((0,)).programmed(SINGLE, SINGLE.entered(x))
    parts = Add().programmed(SINGLE, *(SINGLE.entered(number) for number in x))
    for _ in range(50):
        total = np.float32(0)
        for number in rng.permutation(x.astype(np.float32)):
            total = np.float32(total + number)
        assert inside(total, held)
        assert inside(total, parts)


def test_other_ways_to_write_a_softmax_lie_inside():
    rng = np.random.default_rng(2)
    for size in (1.0, 10.0, 40.0, 80.0):
        z = (size * rng.normal(size=(8, 10))).clip(-85, 85).astype(np.float32)
        held = Softmax().programmed(SINGLE, SINGLE.entered(z))
        total = LogSumExp().programmed(SINGLE, SINGLE.entered(z))
        with np.errstate(all="ignore"):
            plain = np.exp(z)
            shifted = np.exp(z - z.max(-1, keepdims=True))
            logarithm = np.log(shifted.sum(-1, keepdims=True)) + z.max(-1, keepdims=True)
            ways = [
                plain / plain.sum(-1, keepdims=True),
                shifted / shifted.sum(-1, keepdims=True),
                np.exp(z - logarithm),
            ]
            sums = [np.log(plain.sum(-1)), logarithm[..., 0]]
        for way in ways:
            assert way.dtype == np.float32
            finite = np.isfinite(way)
            assert np.all((way >= held.lower) & (way <= held.upper) | ~finite)
        for way in sums:
            assert np.all((way >= total.lower) & (way <= total.upper) | ~np.isfinite(way))


def test_powers_by_other_means_lie_inside():
    x = np.exp(np.random.default_rng(3).normal(size=100)).astype(np.float32)
    held = Power(Fraction(-3, 2)).programmed(SINGLE, SINGLE.entered(x))
    for way in (x ** np.float32(-1.5), 1 / (x * np.sqrt(x)), (1 / x) * (1 / np.sqrt(x)), 1 / np.sqrt(x) ** 3):
        assert inside(way, held)
    held = Logarithm().programmed(SINGLE, SINGLE.entered(x))
    assert inside(np.log(x), held)
    assert inside(np.log2(x) * np.float32(np.log(2)), held)


def test_a_jump_within_reach_is_unknown():
    slope = Elementwise("abs(x)", 1)
    held = slope.programmed(SINGLE, Interval.from_midrad([0.0, 1e-9, 1.0], [0.0, 1e-8, 0.0]))
    assert np.isinf(held.rad).tolist() == [True, True, False]
    relu = Elementwise("relu", 1).programmed(SINGLE, Interval.from_midrad([0.0, 1.0], [1e-8, 0.0]))
    assert (relu.lower.tolist(), relu.upper.tolist()) == ([0.0, 1.0], [1.0, 1.0])


def test_an_operation_that_says_nothing_is_unknown(monkeypatch):
    monkeypatch.delattr(CumulativeSum, "programmed")
    assert np.all(np.isinf(CumulativeSum().programmed(DOUBLE, Interval.point([1.0, 2.0])).rad))


def test_a_long_product_in_half_precision_is_unknown():
    half = Precision.of(np.float16)
    a = Interval.point(np.ones((1, 2000)))
    assert np.all(np.isinf(Contraction("nd", "hd", "nh").programmed(half, a, a).rad))


@pytest.mark.parametrize("k", [1, 3, 1000, 2**20])
def test_gamma_is_an_upper_bound(k):
    for precision in (SINGLE, DOUBLE):
        u = Fraction(precision.roundoff)
        assert Fraction(float(precision.gamma(k))) >= k * u / (1 - k * u)
        assert float(precision.gamma(k)) <= 1.001 * float(k * u / (1 - k * u))
    assert np.isinf(SINGLE.gamma(2**23))


def test_formats():
    assert Precision.of(np.int64) == Precision.of(np.longdouble) == DOUBLE
    assert SINGLE.roundoff == 2.0**-24
    read = SINGLE.entered(np.array([1.0, 0.1, 2.0**-20, 1 + 2.0**-24, 1e-42, 0.0]))
    assert (read.rad > 0).tolist() == [False, True, False, True, True, False]
    assert inside(np.float32(0.1), SINGLE.entered(np.array(0.1)))
