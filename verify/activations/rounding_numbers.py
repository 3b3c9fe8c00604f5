"""Programs on float64 arrays with a bound of how far a correctly rounded evaluation of the formula may be off.

`error_numbers` bounds the error of one program on this machine; here the evaluation is somebody else's: any order of
summation, brackets expanded or not, in a given precision. Beside value and error every number carries

- `size`, its value with every sum replaced by the sum of absolute values. The terms of every way to expand and to order
  a sum of products add up to at most it, so n terms lose at most n u size, u the unit roundoff;
- `terms`, a bound of that n: of a sum the terms of both, of a product the factors of both.

A primitive is charged `PRIMITIVE_ROUNDOFFS` of its value, and of 1 where common formulas only have an absolute error
(``1 - 2/(exp(2 x) + 1)`` for tanh, ``log(1 + exp(x))`` for softplus), plus all that the error of its argument can do:
the range over the interval around it.

Every operation may lose the smallest normal number besides, where the format flushes or denormal numbers lose digits;
where a size is beyond the largest number nothing is known.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
import sympy
from numpy.typing import NDArray

from verify.activations.arb_numbers import constant_ball
from verify.activations.float_numbers import FLOAT
from verify.activations.interval_numbers import INTERVAL
from verify.activations.program import FormulaArithmetic
from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval

PRIMITIVE_ROUNDOFFS = 8
"""Four units in the last place, the most that the vector libraries of compilers allow themselves, are eight u."""

_ABSOLUTE = frozenset({"tanh", "sigmoid", "softplus", "erf", "atan", "sin", "cos"})
_POSITIVE = frozenset({"log", "sqrt"})

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Rounded:
    """Numbers, how far an evaluation of them may be off, and the sizes that its roundings are proportional to."""

    value: Any
    error: Any
    size: Any
    terms: int = 1


@final
class RoundingArithmetic(FormulaArithmetic):
    """See the module.

    Parameters
    ----------
    roundoff : float
        Unit roundoff of the evaluation.
    tiny, largest : float
        Smallest normal and largest number of its format.
    """

    def __init__(self, roundoff: float, tiny: float = 0.0, largest: float = np.inf) -> None:
        self.roundoff, self.tiny, self.largest = roundoff, tiny, largest

    def context(self) -> Hashable:
        return self.roundoff, self.tiny, self.largest

    def _computed(self, value: Any, error: Any, size: Any, terms: int = 1) -> Rounded:
        return Rounded(value, np.where(size <= self.largest, error + terms * self.tiny, np.inf), size, terms)

    def constant(self, value: sympy.Expr) -> Rounded:
        with arb.precision(80):
            number = float(constant_ball(value))
        error = 0.0 if value.is_Integer and abs(number) < 1 / self.roundoff else self.roundoff * abs(number)
        if 0 < abs(number) < self.tiny:
            error += self.tiny
        return Rounded(number, error if abs(number) <= self.largest else np.inf, abs(number))

    def add(self, a: Rounded, b: Rounded) -> Rounded:
        terms, size = a.terms + b.terms, a.size + b.size
        return self._computed(a.value + b.value, a.error + b.error + terms * self.roundoff * size, size, terms)

    def multiply(self, a: Rounded, b: Rounded) -> Rounded:
        size = a.size * b.size
        error = a.error * (np.abs(b.value) + b.error) + b.error * np.abs(a.value) + self.roundoff * size
        return self._computed(a.value * b.value, error, size, a.terms + b.terms)

    def power(self, a: Rounded, exponent: int) -> Rounded:
        size = a.size**exponent
        error = exponent * (np.abs(a.value) + a.error) ** (exponent - 1) * a.error + exponent * self.roundoff * size
        return self._computed(a.value**exponent, error, size, exponent * a.terms)

    def call(self, primitive: str, a: Rounded) -> Rounded:
        value, radius = np.asarray(a.value, dtype=np.float64), np.asarray(a.error, dtype=np.float64)
        value, radius = np.broadcast_arrays(value, radius)
        known = np.isfinite(value) & np.isfinite(radius)
        if primitive in _POSITIVE:
            known = known & (value > radius)
        if primitive == "recip":
            known = known & (np.abs(value) > radius)
        centre = np.where(known, value, 1.0)
        image = INTERVAL.call(primitive, Interval.from_midrad(centre, np.where(known, radius, 0.0)))
        result = np.asarray(FLOAT.call(primitive, centre))
        own = PRIMITIVE_ROUNDOFFS * self.roundoff * (np.abs(result) + (primitive in _ABSOLUTE))
        moved = np.maximum(image.upper - result, result - image.lower)
        error = np.where(known, own + moved, np.inf)
        return self._computed(result, error, np.abs(result) + error)

    def spread(self, constant: Rounded, x: Rounded) -> Rounded:
        shape = np.shape(x.value)
        value, error, size = (np.broadcast_to(part, shape) for part in (constant.value, constant.error, constant.size))
        return Rounded(value, error, size)
