"""Mills' ratio: contained in Arb without slack, with an error of a few units; a planted fault."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from verify.arithmetic import arb, elementary
from verify.arithmetic.intervals import Interval
from verify.arithmetic.kernels import mills


def _exact(y: float) -> object:
    at = arb.exact(y)
    return (at * at / 2).exp() * (at / arb.Arb(2).sqrt()).erfc() * (arb.Arb.pi() / 2).sqrt()


def _points() -> np.ndarray:
    cells = np.arange(3.5, 40.0, 1 / 64)
    edges = np.concatenate([cells, np.nextafter(cells, np.inf), np.nextafter(cells, -np.inf)])
    return np.concatenate([edges, np.random.default_rng(0).uniform(3.5, 45.0, 1000), [1e3, 1e300]])


def _is_contained() -> bool:
    y = _points()
    value, error = mills.mills_ratio(y)
    assert np.all(np.isinf(error[y < 3.5]))
    with arb.precision(3000):
        return all(
            abs(_exact(at) - arb.exact(mid)) <= arb.exact(rad)
            for at, mid, rad in zip(y, value, error, strict=True)
            if 3.5 <= at <= 1e3
        )


def test_contained() -> None:
    assert _is_contained()


def test_the_error_is_that_of_float64() -> None:
    value, error = mills.mills_ratio(np.linspace(3.5, 40.0, 4000))
    assert np.max(error / value) <= 4 * 2.0**-53


def test_beyond_the_table_the_enclosure_holds_what_is_below_the_reciprocal() -> None:
    value, error = mills.mills_ratio(np.array([41.0, 1e3, 1e300]))
    assert np.all(value - error <= 0)
    assert np.all(value + error >= 1 / np.array([41.0, 1e3, 1e300]))


def test_intervals() -> None:
    found = elementary.mills_ratio(Interval.from_bounds([4.0, 39.9], [5.0, 50.0]))
    with arb.precision(3000):
        for ends, low, high in zip(((4.0, 5.0), (39.9, 50.0)), found.lower, found.upper, strict=True):
            assert all(arb.exact(low) <= _exact(end) <= arb.exact(high) for end in ends)


def test_a_wrong_remainder_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    table = mills._table()
    coefficients = list(table.coefficients)
    coefficients[3] = coefficients[3] * (1 + 1e-6)
    monkeypatch.setattr(mills, "_table", lambda: replace(table, coefficients=tuple(coefficients)))
    assert not _is_contained()
