"""Functions of single numbers: activations by name or formula, powers, the logarithm."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

from flint import arb

from verify.certificates.checker.functions import BUILTIN_FORMULAS, Function, rational
from verify.certificates.checker.operations.rule import (
    Entries,
    Move,
    Options,
    Place,
    Reader,
    Shape,
    Single,
    fraction,
    require,
    text,
    whole,
)
from verify.certificates.document import ReadError

_LARGEST_EXPONENT = 2**20
_HIGHEST_ORDER = 16


class _Function(Single):
    """The facts are the first and second derivatives at every entry: nan where there are none."""

    def push(self, at: Place, moves: list[Move]) -> Entries:
        return [first * move for (first, _), move in zip(at.facts, moves[0] or [], strict=True)]

    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        return [[first * a for (first, _), a in zip(at.facts, adjoint, strict=True)]]

    def bend(self, at: Place, moves: list[Move], adjoint: Entries) -> list[Move]:
        triples = zip(at.facts, moves[0] or [], adjoint, strict=True)
        return [[second * move * a for (_, second), move, a in triples]]


class Elementwise(_Function):
    """A function's derivative of some order; order 0 is the function."""

    name = "elementwise"
    options: ClassVar[dict[str, Reader]] = {"spec": text, "order": whole}

    def of(self, o: Options, shape: Shape) -> Shape:
        require(o["order"] <= _HIGHEST_ORDER, self.name, shape)
        self._function(o)
        return shape

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        function, order = self._function(o), o["order"]
        return [function.derivatives(entry, order)[order] for entry in values[0]]

    def facts(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> list[Any]:
        function, order = self._function(o), o["order"]
        try:
            return [function.derivatives(entry, order + 2)[order + 1 :] for entry in values[0]]
        except ReadError:  # a kink
            return [(arb("nan"), arb("nan"))] * len(values[0])

    def _function(self, o: Options) -> Function:
        spec = o["spec"]
        return Function(spec if spec in BUILTIN_FORMULAS else {"expr": spec}, "operation elementwise")


class Power(_Function):
    """x to a multiple of 1/2; nan where that is not defined."""

    name = "power"
    options: ClassVar[dict[str, Reader]] = {"exponent": fraction}

    def of(self, o: Options, shape: Shape) -> Shape:
        exponent = o["exponent"]
        if exponent.denominator not in (1, 2) or abs(exponent) > _LARGEST_EXPONENT:
            raise ReadError("an exponent is a multiple of 1/2", exponent=str(exponent))
        return shape

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        return [_power(entry, o["exponent"]) for entry in values[0]]

    def facts(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> list[Any]:
        e = o["exponent"]
        factors = ((e, e - 1), (e * (e - 1), e - 2))
        return [[rational(f) * _power(x, p) if f else arb(0) for f, p in factors] for x in values[0]]


class Logarithm(_Function):
    """The natural logarithm of positive numbers."""

    name = "logarithm"

    def of(self, o: Options, shape: Shape) -> Shape:
        return shape

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        return [entry.log() if entry > 0 else arb("nan") for entry in values[0]]

    def facts(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> list[Any]:
        return [(1 / x, -1 / (x * x)) if x > 0 else (arb("nan"), arb("nan")) for x in values[0]]


def _power(x: Any, exponent: Fraction) -> Any:
    if exponent.denominator == 2 and not x >= 0:
        return arb("nan")
    base = x if exponent.denominator == 1 else x.sqrt()
    whole_power, left = arb(1), abs(exponent.numerator)
    while left:
        whole_power, base, left = (whole_power * base if left & 1 else whole_power), base * base, left >> 1
    if exponent >= 0:
        return whole_power
    return arb("nan") if whole_power.contains(0) else 1 / whole_power
