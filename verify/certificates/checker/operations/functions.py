"""Functions of single numbers: activations by name or formula, powers, the logarithm."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

from flint import arb

from verify.certificates.checker.functions import BUILTIN_FORMULAS, Function
from verify.certificates.checker.operations.rule import (
    Entries,
    Options,
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


class Elementwise(Single):
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

    def _function(self, o: Options) -> Function:
        spec = o["spec"]
        return Function(spec if spec in BUILTIN_FORMULAS else {"expr": spec}, "operation elementwise")


class Power(Single):
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


class Logarithm(Single):
    """The natural logarithm of positive numbers."""

    name = "logarithm"

    def of(self, o: Options, shape: Shape) -> Shape:
        return shape

    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        return [entry.log() if entry > 0 else arb("nan") for entry in values[0]]


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
