"""Programs in Arb: the image of a ball, and rigorous constants."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, final

import flint
import sympy

from verify.activations.program import FormulaArithmetic
from verify.arithmetic.arb import Arb
from verify.outcomes import InputError


def rational_ball(value: Fraction) -> Any:
    """Return a ball that holds a rational number, at the current precision."""
    return Arb(flint.fmpq(value.numerator, value.denominator))


def constant_ball(value: sympy.Expr) -> Any:
    """Return a ball that holds a real constant, at the current precision.

    Raises
    ------
    InputError
        If the constant is not a real number built of supported functions.

    Examples
    --------
    >>> constant_ball(sympy.sqrt(2)) ** 2 - 2 < 1e-12
    True
    """
    if value.is_Rational:
        return rational_ball(Fraction(int(value.p), int(value.q)))
    if value == sympy.pi:
        return Arb.pi()
    if value == sympy.E:
        return Arb.const_e()
    if isinstance(value, sympy.Add):
        return sum((constant_ball(part) for part in value.args), Arb(0))
    if isinstance(value, sympy.Mul):
        product = Arb(1)
        for part in value.args:
            product *= constant_ball(part)
        return product
    if isinstance(value, sympy.Pow):
        return _constant_power(*value.args)
    if isinstance(value, sympy.Max | sympy.Min):
        balls = [constant_ball(part) for part in value.args]
        for ball in balls[1:]:
            balls[0] = balls[0].max(ball) if isinstance(value, sympy.Max) else balls[0].min(ball)
        return balls[0]
    name = type(value).__name__.lower()
    if len(value.args) == 1 and name in _CONSTANT_FUNCTIONS:
        return call(name, constant_ball(value.args[0]))
    raise InputError(
        "formula holds a constant that is not supported", part=str(value), remedy="write it with decimal numbers and x"
    )


def _constant_power(base: sympy.Expr, exponent: sympy.Expr) -> Any:
    if base == sympy.E:
        return constant_ball(exponent).exp()
    if exponent.is_Rational and exponent.q in (1, 2):
        root = constant_ball(base) if exponent.q == 1 else constant_ball(base).sqrt()
        return root ** int(exponent.p)
    if (ball := constant_ball(base)) > 0:
        return (constant_ball(exponent) * ball.log()).exp()
    raise InputError(
        "formula holds a constant that is not supported",
        part=str(base**exponent),
        remedy="write it with decimal numbers and x",
    )


def _increasing(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Tight image of a ball under an increasing function: the hull of the images of the ends."""

    def image(ball: Any) -> Any:
        if ball.is_exact() or not ball.is_finite():
            return function(ball)
        return function(ball.lower()).union(function(ball.upper()))

    return image


def _sigmoid(ball: Any) -> Any:
    return 1 / (1 + (-ball).exp()) if ball.is_finite() else Arb(0).union(Arb(1))


def _softplus(ball: Any) -> Any:
    return ball.exp().log1p() if ball < 0 else ball + (-ball).exp().log1p()


def _step(ball: Any) -> Any:
    if ball > 0:
        return Arb(1)
    return Arb(0) if ball < 0 else Arb(0).union(Arb(1))


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "exp": _increasing(lambda t: t.exp()),
    "log": _increasing(lambda t: t.log()),
    "sqrt": _increasing(lambda t: t.sqrt()),
    "sin": lambda t: t.sin(),
    "cos": lambda t: t.cos(),
    "atan": _increasing(lambda t: t.atan()),
    "erf": _increasing(lambda t: t.erf()),
    "tanh": _increasing(lambda t: t.tanh()),
    "sigmoid": _increasing(_sigmoid),
    "softplus": _increasing(_softplus),
    "relu": _increasing(lambda t: t.max(Arb(0))),
    "step": _step,
    "recip": lambda t: 1 / t if t.contains(0) else -_increasing(lambda s: -1 / s)(t),
}
_CONSTANT_FUNCTIONS = {"exp", "log", "sin", "cos", "atan", "erf", "tanh"}


def call(primitive: str, ball: Any) -> Any:
    """Return a ball that holds the primitive of every number in ``ball``; not finite where it is undefined."""
    return _FUNCTIONS[primitive](ball)


@final
class ArbArithmetic(FormulaArithmetic):
    """Balls at the current precision of Arb."""

    def context(self) -> int:
        return int(flint.ctx.prec)

    def constant(self, value: sympy.Expr) -> Any:
        return constant_ball(value)

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def multiply(self, a: Any, b: Any) -> Any:
        return a * b

    def power(self, a: Any, exponent: int) -> Any:
        if a.is_exact() or not a.is_finite():
            return a**exponent
        if exponent % 2 == 0 and a.contains(0):
            return Arb(0).union(a.abs_upper() ** exponent)
        return (a.lower() ** exponent).union(a.upper() ** exponent)

    def call(self, primitive: str, a: Any) -> Any:
        return call(primitive, a)


ARB = ArbArithmetic()
