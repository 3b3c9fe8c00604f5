"""Local roundings and perturbations of every operation, held against exact arithmetic without slack."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tests.operations.samples import KINKED, MULTILINEAR, NONLINEAR, SAMPLES, arguments, identifier
from verify.arithmetic import arb
from verify.arithmetic.perturbation import Perturbation, Perturbed
from verify.graph.evaluation import ARB
from verify.operations.elementwise import Elementwise
from verify.operations.maximum import LargestIndicator
from verify.operations.operation import Operation
from verify.operations.power import Logarithm, Power

SEEDS = range(3)
BITS = 300
VALUED = [*MULTILINEAR, *NONLINEAR, *KINKED[:2], (Elementwise("gelu"), ((3, 4),)), (Elementwise("silu", 1), ((3, 4),))]


def exact(operation: Operation, numbers) -> np.ndarray:
    with arb.precision(BITS):
        return np.asarray(operation.evaluate(*(x if x.dtype == object else ARB.enter(x) for x in numbers)))


def check_rounded(sample, seed: int, scale: float = 1.0) -> None:
    """The result of `rounded` is as near to the exact one as it says."""
    operation, _ = sample
    numbers = [scale * x for x in arguments(sample, seed)]
    value, error = operation.rounded(*map(Perturbed, numbers))
    truth = exact(operation, numbers)
    assert value.shape == truth.shape
    bound = np.zeros(value.shape) if error is None else np.broadcast_to(error, value.shape)
    with arb.precision(BITS):
        for at in np.ndindex(value.shape):
            assert abs(truth[at] - arb.Arb(float(value[at]))) <= arb.Arb(float(bound[at]))


@pytest.mark.parametrize("sample", VALUED, ids=identifier)
@pytest.mark.parametrize("seed", SEEDS)
def test_roundings_are_bounded(sample, seed):
    check_rounded(sample, seed)


@pytest.mark.parametrize("sample", VALUED, ids=identifier)
@pytest.mark.parametrize("scale", [2.0**-40, 2.0**-300, 2.0**6])
def test_roundings_of_small_and_large_numbers_are_bounded(sample, scale):
    if isinstance(sample[0], Power) and scale < 2.0**-100:
        scale = 2.0**-100
    check_rounded(sample, 3, scale)


def directions(operation: Operation, numbers, size: float):
    """Unit directions of all arguments together in which the result moves most, by differences in exact numbers."""
    sizes = [x.size for x in numbers]
    columns = []
    step = 2.0**-20 * size
    base = exact(operation, numbers)
    for k in range(sum(sizes)):
        moved = shifted(numbers, np.eye(sum(sizes))[k] * step)
        with arb.precision(BITS):
            change = np.asarray((exact(operation, moved) - base) / step, dtype=object)
        columns.append([float(c) for c in change.reshape(-1)])
    _, _, right = np.linalg.svd(np.array(columns).T)
    return right[:2]


def shifted(numbers, flat: np.ndarray) -> list[np.ndarray]:
    """The numbers plus a float64 shift, exactly."""
    ends = np.cumsum([x.size for x in numbers])
    parts = np.split(flat, ends[:-1])
    with arb.precision(BITS):
        return [ARB.enter(x) + ARB.enter(part.reshape(x.shape)) for x, part in zip(numbers, parts, strict=True)]


def held(change: np.ndarray, perturbation: Perturbation) -> bool:
    """Whether exact changes are a part within the box and one within the ball: what exceeds the box has to fit."""
    box = np.zeros(change.shape) if perturbation.box is None else np.broadcast_to(perturbation.box, change.shape)
    with arb.precision(BITS):
        rest = arb.Arb(0)
        for at in np.ndindex(change.shape):
            over = abs(change[at]) - arb.Arb(float(box[at]))
            if over > 0:
                rest += over * over
        return bool(rest <= arb.Arb(perturbation.ball) ** 2)


def check_perturbed(sample, seed: int, size: float, with_box: bool) -> None:
    """All results of moved arguments are held, those in the worst directions and at the corners of the box too."""
    operation, _ = sample
    numbers = arguments(sample, seed)
    rng = np.random.default_rng(seed)
    sizes = [x.size for x in numbers]
    boxes = [size * rng.random(x.shape) if with_box else None for x in numbers]
    for direction in [*directions(operation, numbers, size), rng.normal(size=sum(sizes))]:
        unit = direction / (np.linalg.norm(direction) * (1 + 1e-12))
        parts = np.split(unit, np.cumsum(sizes)[:-1])
        balls = [size * float(np.linalg.norm(part)) * (1 + 1e-15) for part in parts]
        given = [Perturbed(x, Perturbation(b, box)) for x, b, box in zip(numbers, balls, boxes, strict=True)]
        value, error = operation.rounded(*given)
        moved = operation.perturbed(value, *given)
        total = moved + Perturbation(0.0, None if error is None else np.broadcast_to(error, value.shape).copy())
        for sign in (1.0, -1.0):
            shift = sign * size * unit
            if with_box:
                corner = np.concatenate([box.reshape(-1) for box in boxes])
                shift = shift + np.copysign(corner, shift) * (1 - 1e-15)
            truth = exact(operation, shifted(numbers, shift))
            with arb.precision(BITS):
                assert held(np.asarray(truth - ARB.enter(value), dtype=object), total)


@pytest.mark.parametrize("sample", [*MULTILINEAR, *NONLINEAR, *KINKED[:2]], ids=identifier)
@pytest.mark.parametrize("with_box", [False, True])
@pytest.mark.parametrize("size", [2.0**-30, 2.0**-4])
def test_perturbations_are_held(sample, size, with_box):
    if isinstance(sample[0], Logarithm | Power) and size > 2.0**-10:
        size = 2.0**-8
    for seed in range(2):
        check_perturbed(sample, seed, size, with_box)


@pytest.mark.parametrize("sample", SAMPLES, ids=identifier)
def test_the_default_holds_what_the_operation_says_of_itself(sample):
    operation, _ = sample
    given = [Perturbed(x, Perturbation(0.0, 0.001 * x)) for x in arguments(sample, 0)]
    value, _ = operation.rounded(*given)
    general = Operation.perturbed(operation, value, *given)
    assert general.ball == 0.0
    assert np.all(np.isfinite(general.box))


@pytest.mark.parametrize("name", ["relu", "max(x-1,0)", "abs(x)", "x*(max(x+3,0)-max(x-3,0))/6"])
def test_slopes_near_a_kink_are_held(name):
    operation = Elementwise(name, 1)
    kinks = [float(k) for k in operation.function.kinks]
    x = np.array([k + d for k in kinks for d in (-0.5, -1e-6, 0.0, 1e-6, 0.5)])
    given = Perturbed(x, Perturbation(2e-6))
    value, _ = operation.rounded(given)
    moved = operation.perturbed(value, given)
    assert moved.box is not None and np.all(moved.box[::5] < 0.5), "only what is near may jump"
    for shift in (-1e-6 * 1.5, 1e-6 * 1.5, 0.0):
        for at in range(len(x)):
            near = exact(operation, shifted([x], shift * np.eye(len(x))[at]))
            with arb.precision(BITS):
                difference = near - ARB.enter(value)
                known = np.array([d if d.is_finite() else arb.Arb(0) for d in difference], dtype=object)
                assert held(known, moved)


def test_the_largest_entry_may_change_where_two_are_near():
    z = Perturbed(np.array([[1.0, 1.0 + 1e-9, 0.5], [1.0, 0.0, 0.5]]), Perturbation(1e-8))
    value, error = LargestIndicator().rounded(z)
    assert error is None
    assert np.array_equal(LargestIndicator().perturbed(value, z).box, [[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert LargestIndicator().perturbed(value, Perturbed(z.value, Perturbation(1e-12))).box is None


def test_a_power_that_may_leave_its_domain_has_no_bound():
    x = Perturbed(np.array([1e-3]), Perturbation(1e-2))
    with pytest.raises(ArithmeticError):
        raise_if_open(Power(Fraction(-1, 2)).perturbed, np.array([31.6]), x)


def raise_if_open(perturbed, value, x):
    """An error of the domain is an `InputError`; an infinite bound says the same."""
    from verify.operations.operation import OutsideDomainError

    try:
        if not np.isfinite(perturbed(value, x).length):
            raise ArithmeticError
    except OutsideDomainError as error:
        raise ArithmeticError from error
