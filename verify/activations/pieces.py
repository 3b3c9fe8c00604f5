"""Kinks: where an activation made with max, min, abs or relu changes its formula, and how smooth it is there."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

import sympy

from verify.activations.arb_numbers import constant_ball
from verify.activations.symbols import Smoothness, X
from verify.arithmetic.arb import precision
from verify.outcomes import InputError

_CLASSES = {1: Smoothness.C0, 2: Smoothness.C1, 3: Smoothness.C2}
_NO_JUMP = 4


@dataclass(frozen=True)
class Pieces:
    """An activation as smooth formulas between break points.

    Parameters
    ----------
    breaks : tuple of Fraction
        Increasing; at most one formula on each side of each.
    formulas : tuple of sympy.Expr
        One more than breaks, each smooth on its closed interval.
    jumps : tuple of int
        For each break the lowest order whose derivative may jump (at most 4).
    """

    breaks: tuple[Fraction, ...]
    formulas: tuple[sympy.Expr, ...]
    jumps: tuple[int, ...]

    @property
    def smoothness(self) -> Smoothness:
        """Class on the whole line."""
        return _CLASSES.get(min(self.jumps), Smoothness.C2) if self.jumps else Smoothness.ANALYTIC

    @property
    def kinks(self) -> tuple[Fraction, ...]:
        """Where the first derivative jumps."""
        return tuple(point for point, jump in zip(self.breaks, self.jumps, strict=True) if jump == 1)


def split(expression: sympy.Expr) -> Pieces:
    """Split an activation at its break points.

    Raises
    ------
    InputError
        If alternatives of max, min, abs or relu do not cross at a single rational point.

    Examples
    --------
    >>> split(sympy.Max(X, 0)).kinks
    (Fraction(0, 1),)
    >>> split(sympy.Max(X, 0) ** 3).smoothness
    <Smoothness.C2: 'C2'>
    """
    choices = expression.atoms(sympy.Max, sympy.Min, sympy.Abs)
    breaks = tuple(sorted({point for choice in choices for point in _crossings(choice)}))
    formulas = tuple(_resolved(expression, choices, sample) for sample in _samples(breaks))
    jumps = tuple(_jump(formulas[i], formulas[i + 1], point) for i, point in enumerate(breaks))
    return Pieces(breaks, formulas, jumps)


def _alternatives(choice: sympy.Expr) -> tuple[sympy.Expr, ...]:
    return (choice.args[0], -choice.args[0]) if isinstance(choice, sympy.Abs) else choice.args


def affine(expression: sympy.Expr) -> tuple[Fraction, Fraction] | None:
    """Return slope and level of a linear function of x with rational coefficients, None for any other expression.

    Examples
    --------
    >>> affine(3 * X - sympy.Rational(1, 2)), affine(X**2)
    ((Fraction(3, 1), Fraction(-1, 2)), None)
    """
    if expression == X:
        return Fraction(1), Fraction(0)
    if expression.is_Rational:
        return Fraction(0), Fraction(int(expression.p), int(expression.q))
    parts = [affine(part) for part in expression.args] if isinstance(expression, sympy.Add | sympy.Mul) else [None]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if isinstance(expression, sympy.Add):
        return sum((a for a, _ in known), Fraction(0)), sum((b for _, b in known), Fraction(0))
    factor = math.prod((level for slope, level in known if not slope), start=Fraction(1))
    linear = [part for part in known if part[0]]
    return (linear[0][0] * factor, linear[0][1] * factor) if len(linear) == 1 else None


def _difference(a: sympy.Expr, b: sympy.Expr, choice: sympy.Expr) -> tuple[Fraction, Fraction]:
    found = affine(a - b)
    if found is None:
        raise InputError(
            "arguments of relu and abs, and differences in max and min, must be linear in x with rational numbers",
            where="formula",
            part=str(choice),
            remedy="use a smooth function such as softplus there",
        )
    return found


def _crossings(choice: sympy.Expr) -> list[Fraction]:
    pairs = itertools.combinations(_alternatives(choice), 2)
    lines = [_difference(a, b, choice) for a, b in pairs]
    return [-level / slope for slope, level in lines if slope]


def _samples(breaks: tuple[Fraction, ...]) -> list[Fraction]:
    if not breaks:
        return [Fraction(0)]
    between = [(a + b) / 2 for a, b in itertools.pairwise(breaks)]
    return [breaks[0] - 1, *between, breaks[-1] + 1]


def _resolved(expression: sympy.Expr, choices: set[sympy.Expr], sample: Fraction) -> sympy.Expr:
    chosen = {}
    for choice in choices:
        alternatives = _alternatives(choice)
        lines = [_difference(a, alternatives[0], choice) for a in alternatives]
        heights = [slope * sample + level for slope, level in lines]
        best = min(heights) if isinstance(choice, sympy.Min) else max(heights)
        chosen[choice] = alternatives[heights.index(best)]
    return expression.xreplace(chosen)


def _jump(left: sympy.Expr, right: sympy.Expr, point: Fraction) -> int:
    """Lowest order whose derivative may jump: a difference counts as none only if sympy reduces it to zero."""
    at = sympy.Rational(point.numerator, point.denominator)
    difference = left - right
    for order in range(1, _NO_JUMP):
        difference = sympy.diff(difference, X)
        value = difference.subs(X, at)
        with precision(120):
            if not constant_ball(value).contains(0):
                return order
        if sympy.simplify(value) != 0:
            return order
    return _NO_JUMP
