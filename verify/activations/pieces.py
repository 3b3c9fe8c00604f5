"""Kinks: where an activation made with max, min, abs or relu changes its formula, and how smooth it is there."""

from __future__ import annotations

import itertools
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


def _crossings(choice: sympy.Expr) -> list[Fraction]:
    points = []
    for a, b in itertools.combinations(_alternatives(choice), 2):
        difference = sympy.expand(a - b)
        slope = sympy.diff(difference, X)
        level = difference.subs(X, 0)
        if not (slope.is_Rational and level.is_Rational):
            raise InputError(
                "arguments of relu and abs, and differences in max and min, must be linear in x with rational numbers",
                where="formula",
                part=str(choice),
            )
        if slope != 0:
            root = -level / slope
            points.append(Fraction(int(root.p), int(root.q)))
    return points


def _samples(breaks: tuple[Fraction, ...]) -> list[Fraction]:
    if not breaks:
        return [Fraction(0)]
    between = [(a + b) / 2 for a, b in itertools.pairwise(breaks)]
    return [breaks[0] - 1, *between, breaks[-1] + 1]


def _resolved(expression: sympy.Expr, choices: set[sympy.Expr], sample: Fraction) -> sympy.Expr:
    at = sympy.Rational(sample.numerator, sample.denominator)
    chosen = {}
    for choice in choices:
        alternatives = _alternatives(choice)
        heights = [sympy.expand(a - alternatives[0]).subs(X, at) for a in alternatives]
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
