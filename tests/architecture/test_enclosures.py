"""The enclosing methods of every map contain the exact result, decided in rational arithmetic."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from verify.architecture import LinearMap
from verify.arithmetic.intervals import Interval

if TYPE_CHECKING:
    from tests.architecture.conftest import Exact


def members(interval: Interval, rng: np.random.Generator) -> np.ndarray:
    """Rational members of an interval array: ends and inner points, at random."""
    share = rng.integers(-8, 9, size=interval.shape)
    values = [
        Fraction(float(mid)) + Fraction(float(rad)) * int(part) / 8
        for mid, rad, part in zip(interval.mid.flat, interval.rad.flat, share.flat, strict=True)
    ]
    return np.array(values, dtype=object).reshape(interval.shape)


def holds(enclosure: Interval, values: Iterable[Fraction]) -> bool:
    exact = list(values)
    assert len(exact) == enclosure.size
    return all(
        abs(value - Fraction(float(mid))) <= Fraction(float(rad))
        for mid, rad, value in zip(enclosure.mid.flat, enclosure.rad.flat, exact, strict=True)
    )


def flat(rows: Any) -> list[Fraction]:
    return [value for row in rows for value in row]


def intervals(rng: np.random.Generator, radius: float, *shape: int) -> Interval:
    scale = 10.0 ** rng.integers(-6, 7, size=shape)
    return Interval.from_midrad(rng.normal(size=shape) * scale, rng.uniform(0, radius, size=shape) * scale)


@pytest.mark.parametrize("radius", [0.0, 1e-9, 0.5])
@pytest.mark.parametrize("exact_weights", [True, False])
def test_exact_results_are_enclosed(
    linear: LinearMap, exact: Exact, rng: np.random.Generator, radius: float, exact_weights: bool
) -> None:
    for _ in range(5):
        theta: Any = None
        if linear.parameter_count:
            theta = intervals(rng, 0.0 if exact_weights else radius, *linear.parameter_shape)
        h, delta = intervals(rng, radius, 3, linear.in_width), intervals(rng, radius, 3, linear.out_width)
        given = theta.mid if exact_weights and theta is not None else theta
        weights = None if theta is None else members(theta, rng)
        inputs, adjoints = members(h, rng), members(delta, rng)
        assert holds(linear.enclose(given, h), flat(exact.apply(weights, inputs)))
        assert holds(linear.enclose_transpose(given, delta), flat(exact.transpose(weights, adjoints)))
        assert holds(linear.enclose_parameter_gradient(h, delta), exact.parameter_gradient(inputs, adjoints))
        assert holds(linear.enclose_matrix(given), flat(exact.matrix(weights)))


def test_enclosures_of_numbers_are_as_narrow_as_rounding_allows(linear: LinearMap, rng: np.random.Generator) -> None:
    theta = rng.normal(size=linear.parameter_shape) if linear.parameter_count else None
    h, delta = rng.normal(size=(3, linear.in_width)), rng.normal(size=(3, linear.out_width))
    size = 1.0 + linear.in_width * np.abs(h).max() * (1.0 if theta is None else np.abs(theta).max())
    size += 3 * linear.out_width * np.abs(delta).max() * np.abs(h).max()
    for enclosure in (
        linear.enclose(theta, Interval.point(h)),
        linear.enclose_transpose(theta, Interval.point(delta)),
        linear.enclose_parameter_gradient(Interval.point(h), Interval.point(delta)),
    ):
        assert np.all(enclosure.rad <= 1e-13 * size)


def test_selections_of_exact_numbers_stay_exact(selection: LinearMap, rng: np.random.Generator) -> None:
    h = Interval.point(rng.normal(size=(2, selection.in_width)))
    delta = Interval.point(rng.normal(size=(2, selection.out_width)))
    assert selection.enclose(None, h).is_exact
    assert selection.enclose_transpose(None, delta).is_exact


def test_an_unbounded_input_leaves_no_finite_claim_about_what_sees_it(linear: LinearMap) -> None:
    radius = np.zeros((1, linear.in_width))
    radius[0, 0] = np.inf
    theta = np.ones(linear.parameter_shape) if linear.parameter_count else None
    result = linear.enclose(theta, Interval.from_midrad(np.ones((1, linear.in_width)), radius))
    terms = linear.terms()
    seeing = terms.out[terms.input == 0]
    assert np.all(np.isinf(result.rad[0, seeing]))
