"""Proof that a formula is defined on the whole line: no divisor vanishes, no logarithm or root leaves its domain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sympy

from verify.activations.pieces import split
from verify.activations.profile import FormulaPiece, profile
from verify.activations.signs import always_positive
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.activations.parsing import Formula


def check_defined(formula: Formula) -> None:
    """Raise unless every divisor keeps its sign and every argument of a logarithm or root stays positive.

    Raises
    ------
    InputError
        If that is wrong or not proved; names the part of the formula.
    """
    for expression, text in formula.nonzero:
        if always_positive(expression) or always_positive(-expression):
            continue
        low, high = line_bounds(expression)
        if not (low > 0 or high < 0):
            raise InputError(
                "a divisor is not proved to be nonzero for all x",
                part=text,
                low=low,
                high=high,
                remedy="write the formula so that its divisors stay away from 0, such as 1 + x*x",
            )
    for expression, text in formula.positive:
        if always_positive(expression):
            continue
        low, high = line_bounds(expression)
        if not low > 0:
            remedy = "log(u), sqrt(u) and powers exp(a*log(u)) need u > 0: use for example u = 1 + x*x"
            raise InputError("an argument is not proved to be positive for all x", part=text, low=low, remedy=remedy)


def line_bounds(expression: sympy.Expr) -> tuple[float, float]:
    """Return proved bounds of an expression over all real x."""
    pieces = split(expression)
    found = profile(pieces, tuple(FormulaPiece(part) for part in pieces.formulas), 0)
    return found.low, found.high
