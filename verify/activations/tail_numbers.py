"""Programs on tails: primitives of functions on a half-line."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, final

import sympy

from verify.activations.arb_numbers import ARB, call, constant_ball, rational_ball
from verify.activations.graph import ExpressionGraph
from verify.activations.lowering import differentiate
from verify.activations.program import FormulaArithmetic, Program
from verify.activations.tails import Span, Tail, TailUnknownError, ball_of, constant_tail, exact_rate, span_of
from verify.arithmetic.arb import Arb

ONE = Arb(1)


@functools.cache
def _slope(primitive: str) -> Program:
    graph = ExpressionGraph()
    return Program(graph, [differentiate(graph, graph.call(primitive, graph.x))])


def near_its_limit(primitive: str, u: Tail) -> Tail:
    """Apply a primitive to functions that stay near a constant, by the mean value theorem."""
    limit, rest = u.limit, u.rest()
    value = call(primitive, limit)
    slope = _slope(primitive).run(ARB, limit + rest.low.union(rest.high))[0]
    if not (value.is_finite() and slope.is_finite()):
        raise TailUnknownError("the formula is not defined, or not smooth, at infinity")
    if u.degree == 0 and u.rate == 0 and not u.span.is_zero:
        image = call(primitive, limit + rest.low.union(rest.high))
        return Tail(u.start, (), span_of(image))
    return constant_tail(u.start, value).plus(u.scaled(span_of(slope)))


def decaying_exponential(u: Tail) -> Tail:
    """Return ``exp(u)`` for functions that tend to minus infinity."""
    if len(u.head) == 2:
        return linear_exponential(u)
    pure = u.without_head()
    degree, growth = rational_ball(pure.degree - 1), rational_ball(-pure.rate)
    # y**degree exp(growth y) does not decrease: its logarithm's derivative is degree/y + growth
    if not (pure.span.high < 0 and growth >= 0 and degree + growth * pure.start >= 0):
        raise TailUnknownError("no exponential bound at infinity")
    rate = exact_rate(-pure.span.high * pure.start**degree * (growth * pure.start).exp())
    return Tail(u.start, (), Span(Arb(0), ONE), Fraction(0), rate)


def linear_exponential(u: Tail) -> Tail:
    """Return ``exp(c0 + c1 y + rest)``, decaying or growing."""
    level, slope, rest = ball_of(u.head[0]), u.head[1], u.rest()
    rate = -slope if isinstance(slope, Fraction) else exact_rate(-slope)
    excess = Arb(0) if isinstance(slope, Fraction) else slope + rational_ball(rate)
    span = span_of((level + rest.low).exp(), (level + rest.high).exp())
    if not excess.is_zero():
        span = span_of(Arb(0), span.high)
    return Tail(u.start, (), span, Fraction(0), rate)


def reciprocal(u: Tail) -> Tail:
    """Return ``1/u``."""
    if len(u.head) == 1 and not u.grows():
        return near_its_limit("recip", u)
    pure = u.without_head()
    if not (pure.span.low > 0 or pure.span.high < 0):
        raise TailUnknownError("a divisor may vanish at infinity")
    return Tail(u.start, (), span_of(1 / pure.span.low, 1 / pure.span.high), -pure.degree, -pure.rate)


def square_root(u: Tail) -> Tail:
    """Return ``sqrt(u)`` for growing or decaying positive functions."""
    pure = u.without_head()
    if not pure.span.low >= 0:
        raise TailUnknownError("the argument of a square root may be negative at infinity")
    return Tail(u.start, (), span_of(pure.span.low.sqrt(), pure.span.high.sqrt()), pure.degree / 2, pure.rate / 2)


@dataclass(frozen=True)
class LogarithmOfTail:
    """``factor * log(u)`` for growing or decaying positive functions u: no tail itself, but its exponential is one."""

    of: Tail
    factor: Fraction


def rational_power(u: Tail, exponent: Fraction) -> Tail:
    """Return ``u**exponent`` for growing or decaying positive functions."""
    pure = u.without_head()
    if not pure.span.low > 0:
        raise TailUnknownError("the base of a power may vanish at infinity")
    power = rational_ball(exponent)
    span = span_of(pure.span.low**power, pure.span.high**power)
    return Tail(u.start, (), span, pure.degree * exponent, pure.rate * exponent)


def _saturating(primitive: str, u: Tail, rising: bool) -> Tail:
    """Apply tanh, sigmoid, softplus or erf to functions that tend to plus or minus infinity."""
    away = u if not rising else u.times(constant_tail(u.start, Arb(-1)))
    one = constant_tail(u.start, ONE)
    if primitive == "erf":
        # 1 - erf(t) <= exp(-t^2) <= exp(-least t) for t >= least >= 0
        least = Arb(lower_bound(away.times(constant_tail(u.start, Arb(-1)))))
        if not least > 0:
            raise TailUnknownError("undecided sign at infinity")
        small = decaying_exponential(away.times(constant_tail(u.start, least)))
        erf = one.plus(small.scaled(Span(-ONE, Arb(0))))
        return erf if rising else erf.times(constant_tail(u.start, Arb(-1)))
    if primitive == "tanh":
        # 1 - tanh(t) = 2 e/(1 + e), e = exp(-2 t)
        twice = _between(decaying_exponential(away.times(constant_tail(u.start, Arb(2)))))
        tanh = one.plus(twice.scaled(Span(Arb(-2), Arb(-2))))
        return tanh if rising else tanh.times(constant_tail(u.start, Arb(-1)))
    part = _between(decaying_exponential(away))
    if primitive == "sigmoid":
        return one.plus(part.scaled(Span(-ONE, -ONE))) if rising else part
    return u.plus(part) if rising else part


def _between(small: Tail) -> Tail:
    """Return functions between e/(1 + max e) and e >= 0, such as e/(1 + e) and log(1 + e)."""
    return small.scaled(span_of(1 / (1 + small.rest().high), ONE))


def lower_bound(u: Tail) -> Any:
    """Return an exact lower bound of positive growing functions."""
    pure = u.without_head()
    if not (pure.span.low > 0 and pure.rate <= 0 and pure.degree >= 0):
        raise TailUnknownError("no lower bound at infinity")
    return (
        pure.span.low * pure.start ** rational_ball(pure.degree) * (-rational_ball(pure.rate) * pure.start).exp()
    ).lower()


def _tail(a: Any) -> Tail:
    if not isinstance(a, Tail):
        raise TailUnknownError("a logarithm at infinity is only expressed within a power")
    return a


@final
class TailArithmetic(FormulaArithmetic):
    """Functions on ``y >= start``.

    Parameters
    ----------
    start : flint.arb
        Exact and positive.
    """

    def __init__(self, start: Any) -> None:
        self.start = start

    def context(self) -> None:
        return None

    def variable(self, side: int) -> Tail:
        """Return ``x = side * y``."""
        return Tail(self.start, (Fraction(0), Fraction(side)))

    def constant(self, value: sympy.Expr) -> Tail:
        exact = Fraction(int(value.p), int(value.q)) if value.is_Rational else constant_ball(value)
        return constant_tail(self.start, exact)

    def add(self, a: Tail, b: Tail) -> Tail:
        return _tail(a).plus(_tail(b))

    def multiply(self, a: Any, b: Any) -> Any:
        for factor, other in ((a, b), (b, a)):
            if isinstance(other, LogarithmOfTail) and isinstance(factor, Tail):
                exact = factor.head[0] if len(factor.head) == 1 and factor.span.is_zero else None
                if isinstance(exact, Fraction):
                    return LogarithmOfTail(other.of, other.factor * exact)
        return _tail(a).times(_tail(b))

    def power(self, a: Tail, exponent: int) -> Tail:
        result = a = _tail(a)
        for _ in range(exponent - 1):
            result = result.times(a)
        if exponent % 2 == 0 and not result.head and not result.span.low >= 0:
            return Tail(a.start, (), Span(Arb(0), result.span.high.max(Arb(0))), result.degree, result.rate)
        return result

    def call(self, primitive: str, a: Any) -> Any:
        if isinstance(a, LogarithmOfTail):
            if primitive == "exp":
                return rational_power(a.of, a.factor)
            raise TailUnknownError("a logarithm at infinity is only expressed within a power")
        if primitive == "recip":
            return reciprocal(a)
        if not a.grows():
            if primitive == "sqrt" and not a.head:
                return square_root(a)
            if primitive == "log" and not a.head:
                return LogarithmOfTail(a, Fraction(1))
            return near_its_limit(primitive, a)
        rising = a.sign() > 0
        if primitive == "exp":
            return linear_exponential(a) if len(a.head) == 2 else self._exponential(a, rising)
        if primitive == "sqrt" and rising:
            return square_root(a)
        if primitive == "log" and rising:
            return LogarithmOfTail(a, Fraction(1))
        if primitive in ("sin", "cos"):
            return Tail(self.start, (), Span(-ONE, ONE))
        if primitive == "atan":
            half_turn = constant_tail(self.start, (Arb.pi() if rising else -Arb.pi()) / 2)
            return half_turn.plus(near_its_limit("atan", reciprocal(a)).times(constant_tail(self.start, Arb(-1))))
        if primitive in ("tanh", "sigmoid", "softplus", "erf"):
            return _saturating(primitive, a, rising)
        raise TailUnknownError("the growth at infinity is outside of what tails express")

    def _exponential(self, a: Tail, rising: bool) -> Tail:
        if rising:
            raise TailUnknownError("grows faster than exponentially")
        return decaying_exponential(a)
