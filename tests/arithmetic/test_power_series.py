"""Power series that something cut short are refused, made whole or not a number, never read as zero."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import flint
import pytest

from verify.arithmetic import arb
from verify.arithmetic.kernels import mills, taylor
from verify.arithmetic.rounding import ArithmeticDomainError
from verify.certificates.checker.functions import Function


@pytest.fixture(params=[0, 1, 2, 40])
def cap(request: pytest.FixtureRequest) -> Iterator[int]:
    """As a program that uses python-flint beside this one may leave it."""
    before = flint.ctx.cap
    flint.ctx.cap = request.param
    yield request.param
    flint.ctx.cap = before


def _cut(series: Any) -> Any:
    flint.ctx.cap = 1
    return series.exp()


def _same(found: list[Any], expected: list[Any]) -> bool:
    return all(a.overlaps(b) and a != 0 for a, b in zip(found, expected, strict=True))


def test_coefficients_at_any_setting(cap: int) -> None:
    found = arb.taylor_coefficients(lambda x: x.exp(), arb.exact(0.0), 8)
    factorials = [1, 1, 2, 6, 24, 120, 720, 5040]
    assert _same(found, [arb.Arb(1) / factor for factor in factorials])
    assert flint.ctx.cap == cap


def test_coefficients_that_were_cut_are_refused() -> None:
    with pytest.raises(ArithmeticDomainError, match="cut short: terms=1, needed=3"):
        arb.taylor_coefficients(_cut, arb.exact(0.0), 3)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "gelu", "silu", "erf", "sin", "arctan"])
def test_the_checkers_derivatives_are_whole_or_not_numbers(name: str, cap: int) -> None:
    found = Function(name, "here").derivatives(arb.exact(0.5), 3)
    flint.ctx.cap = 10
    expected = Function(name, "here").derivatives(arb.exact(0.5), 3)
    assert _same([d for d in found if not d.is_nan()], expected[: min(cap, 4)])
    assert all(d.is_finite() for d in expected)


def test_tables_at_any_setting(cap: int) -> None:
    expected = mills._table()
    found = taylor.tabulate(mills._series, mills.FIRST, mills.LAST, mills.CELLS, mills.DEGREE)
    assert (found.relative_error == expected.relative_error).all()
