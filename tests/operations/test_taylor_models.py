"""Taylor models of every operation hold the operation along every segment, decided in Arb or in fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.operations.samples import KINKED, MULTILINEAR, NONLINEAR, arguments, identifier
from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval
from verify.arithmetic.taylor_model import TaylorModel
from verify.graph.evaluation import ARB
from verify.operations.elementwise import Elementwise
from verify.operations.power import Power
from verify.outcomes import InputError

TIMES = [Fraction(0), Fraction(1, 8), Fraction(1, 2), Fraction(1)]


def moving(numbers, degree, seed):
    """Models that move by a tenth of their size, with a small remainder, and the functions that they hold."""
    rng = np.random.default_rng(seed)
    models, functions = [], []
    for x in numbers:
        speed, bend = 0.1 * x * rng.uniform(-1, 1, x.shape), 0.05 * x * rng.uniform(-1, 1, x.shape)
        still = degree - 2
        spread = Interval.from_midrad(bend, 0.5 * np.abs(bend))
        models.append(TaylorModel([Interval.point(x), Interval.point(speed), *(None,) * still], spread))
        functions.append((x, speed, bend))
    return models, functions


def at(function, s, degree, inside):
    """The real value at s, for a remainder that is `inside` times half its radius from its midpoint."""
    x, speed, bend = (ARB.enter(part) for part in function)
    ratio = arb.Arb(s.numerator) / s.denominator
    return x + speed * ratio + bend * (ratio**degree) * (1 + arb.Arb(inside) / 2)


def holds(model, value, s):
    total = ARB.enter(np.zeros(value.shape))
    ratio = arb.Arb(s.numerator) / s.denominator
    for k, c in enumerate((*model.coefficients, model.remainder)):
        if c is not None:
            spread = arb.elementwise(lambda r: arb.Arb(0, r))(np.asarray(c.rad, dtype=object))
            total = np.asarray(total + (ARB.enter(c.mid) + spread) * ratio**k)
    return all(t.contains(v) or (t.overlaps(v) and v.rad() > 0) for t, v in zip(total.flat, value.flat, strict=True))


@pytest.mark.parametrize("degree", [2, 3, 4])
@pytest.mark.parametrize("sample", [*MULTILINEAR, *NONLINEAR, KINKED[1]], ids=identifier)
def test_the_model_holds_the_operation(sample, degree):
    operation, _ = sample
    models, functions = moving(arguments(sample, 1), degree, 2)
    result = operation.evaluate(*models)
    assert result.shape == operation.shape(*(m.shape for m in models))
    with arb.precision(300):
        for s in TIMES:
            for inside in (-1, 0, 1):
                value = np.asarray(operation.evaluate(*(at(f, s, degree, inside) for f in functions)))
                assert holds(result, value, s)


@pytest.mark.parametrize("sample", NONLINEAR, ids=identifier)
def test_a_model_that_forgets_its_bend_is_caught(sample):
    operation, _ = sample
    models, functions = moving(arguments(sample, 1), 2, 2)
    straight = operation.evaluate(*models)
    forgetful = TaylorModel(straight.coefficients)
    with arb.precision(300):
        value = np.asarray(operation.evaluate(*(at(f, Fraction(1), 2, 0) for f in functions)))
        assert not holds(forgetful, value, Fraction(1)) or operation == Power(Fraction(0))


def test_a_change_of_the_largest_entry_has_no_bound():
    model = TaylorModel([Interval.point([[1.0, 0.5]]), Interval.point([[-1.0, 0.0]])])
    assert np.isinf(KINKED[1][0].evaluate(model).remainder.rad).all()
    with pytest.raises(InputError, match="jumps"):
        KINKED[2][0].evaluate(model)


def test_relu_is_bounded_off_its_kink_only():
    relu = KINKED[0][0]
    off = TaylorModel([Interval.point([1.0, -1.0]), Interval.point([0.5, 0.5])])
    inside = relu.evaluate(off).range()
    assert 1.5 <= inside.upper[0] < 1.5 + 1e-12
    assert inside.upper[1] == 0
    across = TaylorModel([Interval.point([1.0]), Interval.point([-2.0])])
    assert not np.isfinite(relu.evaluate(across).range().upper).any()


@pytest.mark.parametrize("formula", ["relu", "max(x,0)**2", "max(x,0)**3", "x*abs(x)", "abs(x)**3"])
@pytest.mark.parametrize("degree", [2, 3, 4])
def test_a_kink_on_the_way_is_bounded_or_unbounded_but_never_forgotten(formula, degree):
    across = TaylorModel([Interval.point([-1.0]), Interval.point([2.0]), *(None,) * (degree - 2)])
    operation = Elementwise(formula)
    result = operation.evaluate(across)
    with arb.precision(300):
        for s in (Fraction(0), Fraction(1, 4), Fraction(3, 4), Fraction(1)):
            assert holds(result, operation.evaluate(ARB.enter(np.array([float(2 * s - 1)]))), s)
