"""Elementary functions: containment decided in Arb, without any slack; widths; domains; planted faults."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from verify.arithmetic import elementary
from verify.arithmetic.containment import REFERENCES, holds, violations
from verify.arithmetic.intervals import Interval
from verify.arithmetic.kernels import saturating
from verify.arithmetic.kernels.taylor import TaylorTable, tabulate
from verify.arithmetic.rounding import FLOOR, ArithmeticDomainError

NAMES = sorted(REFERENCES)
U = 2.0**-53
WHOLE_LINE = np.finfo(np.float64).max
POINTS = 20_000
PACKAGE = Path(np.__file__).parent
DATA = next(path for core in ("_core", "core") if (path := PACKAGE / core / "tests" / "data").is_dir())

CORNERS = [
    *(
        0.0,
        -0.0,
        5e-324,
        -5e-324,
        1e-310,
        -1e-310,
        2.0**-1022,
        -(2.0**-1022),
        2.0**-1000,
        2.0**-600,
        2.0**-54,
        2.0**-26,
    ),
    *(WHOLE_LINE, -WHOLE_LINE, 1e300, 2.0**17, 2.0**17 + 1, 22.0, 1e22, 6381956970095103.0 * 2.0**797),
    *(
        1.0,
        -1.0,
        0.5,
        6.0,
        20.0,
        37.4,
        40.0,
        -40.0,
        -700.0,
        709.5,
        709.78,
        -745.13,
        -745.2,
        np.pi,
        np.pi / 2,
        np.pi / 4,
    ),
    *(1 / 512, -1 / 512, 3 / 512, 181 / 256 - 1, 362 / 256 - 1, np.log(2) / 256, -np.log(2) / 256),
]


def with_neighbours(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.concatenate([x, np.nextafter(x, np.inf), np.nextafter(x, -np.inf)])


def in_domain(name: str, x: np.ndarray) -> np.ndarray:
    x = x[np.isfinite(x)]
    least = {"log": 0.0, "log1p": -1.0}.get(name, -np.inf)
    return x[x > least]


def sample(name: str, n: int, seed: int) -> np.ndarray:
    """Points of all sizes, signs and exponents, near the switches of the kernels too."""
    rng = np.random.default_rng(seed)
    parts = [rng.normal(size=n // 4) * scale for scale in (0.01, 2.0, 30.0)]
    parts.append(np.exp(rng.uniform(-745.0, 709.0, n // 4)) * rng.choice([-1.0, 1.0], n // 4))
    return in_domain(name, np.concatenate([*parts, with_neighbours(np.array(CORNERS))]))


def validation_inputs() -> np.ndarray:
    """Return the inputs of all of NumPy's own validation sets, float32 ones as float64."""
    inputs: list[np.ndarray] = []
    for file in sorted(DATA.glob("umath-validation-set-*.csv")):
        with file.open() as lines:
            for row in csv.reader(line for line in lines if not line.startswith(("#", "dtype"))):
                if row and row[0] == "np.float64":
                    inputs.append(np.array([int(row[1], 16)], dtype=np.uint64).view(np.float64))
                elif row and row[0] == "np.float32":
                    with np.errstate(invalid="ignore"):
                        inputs.append(np.array([int(row[1], 16)], dtype=np.uint32).view(np.float32).astype(np.float64))
    x = np.concatenate(inputs)
    return np.unique(x[np.isfinite(x)])


def function(name: str):
    return getattr(elementary, name)


@pytest.mark.parametrize("name", NAMES)
def test_points_of_all_sizes_are_enclosed(name):
    x = sample(name, POINTS, seed=NAMES.index(name))
    y = function(name)(Interval.point(x))
    assert not violations(REFERENCES[name], x, y.mid, y.rad)


def test_the_validation_sets_are_there():
    assert validation_inputs().size > 10_000


@pytest.mark.parametrize("name", NAMES)
def test_validation_sets_of_numpy_are_enclosed(name):
    x = in_domain(name, validation_inputs())
    x = x if name not in ("sin", "cos") else np.concatenate([x[np.abs(x) < 1e6], x[np.abs(x) >= 1e6][::5]])
    y = function(name)(Interval.point(x))
    assert not violations(REFERENCES[name], x, y.mid, y.rad)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("relative_width", [1e-16, 1e-9, 1e-2, 3.0])
def test_intervals_hold_the_values_inside(name, relative_width):
    rng = np.random.default_rng(7)
    centre = sample(name, 800, seed=3)
    with np.errstate(over="ignore"):
        radius = np.minimum(np.abs(centre) * relative_width * rng.uniform(size=centre.size), WHOLE_LINE / 4)
    x = Interval.from_midrad(np.clip(centre, -WHOLE_LINE / 4, WHOLE_LINE / 4), radius)
    if name in ("log", "log1p"):
        x = x[x.upper > (0.0 if name == "log" else -1.0)]
    y = function(name)(x)
    # the outermost float64 numbers inside, the centre, and random ones
    inner_low, inner_high = np.nextafter(x.lower, np.inf), np.nextafter(x.upper, -np.inf)
    for share in (None, 0.0, 1.0, *rng.uniform(size=3)):
        inside = (
            x.mid if share is None else np.clip(inner_low + share * (inner_high - inner_low), inner_low, inner_high)
        )
        keep = (inner_low <= inside) & (inside <= inner_high)
        if name in ("log", "log1p"):
            keep &= inside > (0.0 if name == "log" else -1.0)
        assert np.count_nonzero(keep) > keep.size // 4
        assert not violations(REFERENCES[name], inside[keep], y.mid[keep], y.rad[keep])


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_extrema_inside_an_interval_are_found(name):
    quarter = np.arange(-40, 41) * (np.pi / 2)
    x = Interval.from_midrad(quarter, 1e-3)
    y = function(name)(x)
    extreme = np.rint(np.abs(getattr(np, name)(quarter))) == 1
    assert np.all(y.max_abs()[extreme] >= 1)
    assert np.all(y.max_abs()[extreme] < 1 + 4 * U)
    assert np.all(y.max_abs()[~extreme] < 2e-3)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        *(("tanh", -1.0, 1.0), ("erf", -1.0, 1.0), ("sigmoid", 0.0, 1.0), ("sin", -1.0, 1.0), ("cos", -1.0, 1.0)),
        *(("arctan", -np.pi / 2, np.pi / 2), ("gaussian_density", 0.0, 0.3989422804014327)),
    ],
)
def test_the_whole_line_is_mapped_to_the_range(name, least, most):
    y = function(name)(Interval.from_bounds([-np.inf], [np.inf]))
    assert np.all(y.lower <= least)
    assert np.all(y.upper >= most)
    assert np.all(y.rad <= (most - least) / 2 + 2e-15)


@pytest.mark.parametrize("name", ["exp", "expm1", "softplus", "log", "log1p"])
def test_unbounded_functions_map_the_whole_line_to_the_whole_line(name):
    y = function(name)(Interval.from_bounds([-np.inf], [np.inf]))
    assert np.all(np.isinf(y.rad))
    assert np.all(np.isfinite(y.mid))


@pytest.mark.parametrize("name", ["expm1", "log1p", "tanh", "arctan", "erf", "sin"])
def test_relative_accuracy_near_zero_and_exact_zero(name):
    x = np.concatenate([10.0 ** -np.arange(1.0, 270.0, 7.0), -(10.0 ** -np.arange(1.0, 270.0, 7.0))])
    y = function(name)(Interval.point(x))
    assert np.all(y.rad <= 5 * U * np.abs(y.mid))
    zero = function(name)(Interval.point([0.0, -0.0]))
    assert np.all(zero.mid == 0)
    assert np.all(zero.rad == 0)
    tiny = function(name)(Interval.point([5e-324, -1e-310]))
    assert np.all(tiny.rad <= FLOOR)


@pytest.mark.parametrize(
    ("name", "units"),
    [
        *(("exp", 1.1), ("tanh", 1.4), ("sigmoid", 2.7), ("softplus", 2.3), ("arctan", 2.0), ("erf", 1.4)),
        *(("expm1", 4.0), ("log1p", 1.9), ("log", 1.9), ("sin", 1.8), ("cos", 1.8), ("gaussian_density", 5.1)),
    ],
)
def test_median_radius_is_near_the_unit_roundoff(name, units):
    x = in_domain(name, np.random.default_rng(1).normal(size=20_000) * 2)
    y = function(name)(Interval.point(x))
    assert np.median(y.rad / np.abs(y.mid)) <= units * U


@pytest.mark.parametrize("name", NAMES)
def test_large_arrays_and_all_shapes_give_what_single_numbers_give(name):
    x = np.abs(np.random.default_rng(5).normal(size=(3, 7, 1111))) + 0.5
    whole = function(name)(Interval.from_midrad(x, 1e-3))
    strided = function(name)(Interval.from_midrad(x, 1e-3).transpose(2, 0, 1))
    single = function(name)(Interval.from_midrad(x[1, 2, 3], 1e-3))
    assert whole.shape == x.shape
    assert np.array_equal(whole.mid.transpose(2, 0, 1), strided.mid)
    assert np.array_equal(whole.rad.transpose(2, 0, 1), strided.rad)
    assert (single.mid, single.rad) == (whole.mid[1, 2, 3], whole.rad[1, 2, 3])
    assert function(name)(Interval.zeros((0, 3)) + 1.0).shape == (0, 3)


def test_logarithms_outside_their_domain_are_refused():
    with pytest.raises(ArithmeticDomainError, match="not positive"):
        elementary.log(Interval.point([1.0, 0.0]))
    with pytest.raises(ArithmeticDomainError, match="not above -1"):
        elementary.log1p(Interval.point([-1.0]))
    assert np.isinf(elementary.log(Interval.from_bounds([-1.0], [1.0])).rad)
    assert np.isinf(elementary.log1p(Interval.from_bounds([-1.0], [1.0])).rad)


# the checker finds what it is there to find


@pytest.mark.parametrize("name", NAMES)
def test_checker_rejects_radii_of_zero_and_a_lost_rounding(name):
    x = in_domain(name, np.random.default_rng(2).normal(size=400) * 2)
    y = function(name)(Interval.point(x))
    assert violations(REFERENCES[name], x, y.mid, np.zeros(x.size)).missed
    shifted = np.nextafter(y.mid + y.rad, np.inf)
    assert len(violations(REFERENCES[name], x, shifted, y.rad).missed) > 0.9 * x.size


def test_checker_rejects_a_table_with_one_coefficient_off_by_two_units():
    table = saturating._tanh_table()
    cell = 300
    constants = table.coefficients[0].copy()
    constants[cell] += 4 * U * constants[cell]
    faulty: TaylorTable = replace(table, coefficients=(constants, *table.coefficients[1:]))
    x = (cell + np.linspace(-0.49, 0.49, 200)) / table.cells_per_unit
    good, good_relative = table(x)
    bad, bad_relative = faulty(x)
    assert not violations(REFERENCES["tanh"], x, good, good * good_relative)
    assert violations(REFERENCES["tanh"], x, bad, bad * bad_relative).missed


def test_checker_says_when_it_cannot_decide():
    assert holds(lambda t: t * 0, 1.0, 0.0, 0.0) is True
    assert holds(lambda t: (t.sqrt() ** 2 - t) + 1, 2.0, 1.0, 0.0) is None


def test_a_table_with_a_zero_that_was_not_declared_is_refused():
    with pytest.raises(ArithmeticDomainError, match="relative error"):
        tabulate(lambda y: y.atan(), 0, 1, 64, 7)
