"""Enclosures of functions on a whole half-line: what proves limits and bounds at infinity.

With ``y = |x| >= a``, a `Tail` stands for all functions ``p(y) + c(y) w(y)``, where ``p`` is a polynomial,
``w(y) = y**m exp(-r y)`` and ``c(y)`` lies in an interval ``[low, high]``. All operations are valid: functions of the
operands give functions of the result. A tail with constant ``p`` and bounded ``w`` bounds its functions; one with
``p = 0`` and ``low >= 0`` proves a sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

from verify.activations.arb_numbers import rational_ball
from verify.arithmetic.arb import Arb, lower_float
from verify.outcomes import DagverifyError

HIGHEST_DEGREE = 16


class TailUnknownError(DagverifyError):
    """The behaviour at infinity is outside of what tails can express or decide."""


class Span(NamedTuple):
    """An interval with exact ends."""

    low: Any
    high: Any

    def plus(self, other: Span) -> Span:
        """Return the sum."""
        return Span((self.low + other.low).lower(), (self.high + other.high).upper())

    def times(self, other: Span) -> Span:
        """Return the product."""
        products = [a * b for a in self for b in other]
        return span_of(*products)

    @property
    def is_zero(self) -> bool:
        """Whether both ends are zero."""
        return bool(self.low == 0 and self.high == 0)


def span_of(*balls: Any) -> Span:
    """Return the hull of some balls."""
    low, high = balls[0].lower(), balls[0].upper()
    for ball in balls[1:]:
        low, high = low.min(ball.lower()), high.max(ball.upper())
    if not (low.is_finite() and high.is_finite()):
        raise TailUnknownError("a coefficient of the tail is not finite")
    return Span(low.lower(), high.upper())


ZERO = Span(Arb(0), Arb(0))


def weight_peak(degree: Fraction, rate: Fraction, start: Any) -> Any:
    """Return an upper bound of ``y**degree exp(-rate y)`` over ``y >= start > 0``.

    Raises
    ------
    TailUnknownError
        If there is none.
    """
    if rate < 0 or (rate == 0 and degree > 0):
        raise TailUnknownError("unbounded at infinity")
    at = start
    if degree > 0 and rational_ball(degree / rate) > start:
        at = rational_ball(degree / rate)
    elif degree > 0 and not rational_ball(degree / rate) <= start:
        raise TailUnknownError("undecided where the weight is largest")
    return (at ** rational_ball(degree) * (-rational_ball(rate) * at).exp()).upper()


@dataclass(frozen=True)
class Tail:
    """Functions ``p(y) + c(y) y**degree exp(-rate y)`` on ``y >= start``; see the module.

    Parameters
    ----------
    start : flint.arb
        Positive and exact.
    head : tuple of Fraction or flint.arb
        Coefficients of ``p``, the constant first; the last one is not the exact zero. Rational ones stay exact, so that
        an exponential of a linear function has its own rate, not one rounded down.
    span : Span
        Where ``c(y)`` lies.
    degree, rate : Fraction
        Of the weight.
    """

    start: Any
    head: tuple[Any, ...] = ()
    span: Span = ZERO
    degree: Fraction = Fraction(0)
    rate: Fraction = Fraction(0)

    @property
    def limit(self) -> Any:
        """The constant ``p``.

        Raises
        ------
        TailUnknownError
            If ``p`` is not constant.
        """
        if len(self.head) > 1:
            raise TailUnknownError("the tail grows")
        return ball_of(self.head[0]) if self.head else Arb(0)

    def peak(self) -> Any:
        """Return an upper bound of the weight."""
        return Arb(0) if self.span.is_zero else weight_peak(self.degree, self.rate, self.start)

    def rest(self) -> Span:
        """Return bounds of ``c w``."""
        return span_of(Arb(0), self.span.low * self.peak(), self.span.high * self.peak())

    def without_head(self) -> Tail:
        """Return the tail with the polynomial moved into the weighted part."""
        if not self.head:
            return self
        top = len(self.head) - 1
        span = ZERO
        for power, coefficient in enumerate(map(ball_of, self.head)):
            size = coefficient * self.start ** (power - top)
            span = span.plus(span_of(coefficient) if power == top else span_of(Arb(0), size))
        moved = Tail(self.start, (), span, Fraction(top))
        return moved.plus(Tail(self.start, (), self.span, self.degree, self.rate))

    def dominated(self, degree: Fraction, rate: Fraction) -> Span:
        """Return the span with respect to a weight that decreases more slowly."""
        if (degree, rate) == (self.degree, self.rate) or self.span.is_zero:
            return self.span
        ratio = weight_peak(self.degree - degree, self.rate - rate, self.start)
        return span_of(Arb(0), self.span.low * ratio, self.span.high * ratio)

    def plus(self, other: Tail) -> Tail:
        """Return the sum."""
        size = max(len(self.head), len(other.head))
        head: list[Any] = [Fraction(0)] * size
        for part in (self.head, other.head):
            for power, coefficient in enumerate(part):
                head[power] = _sum(head[power], coefficient)
        slow, fast = self, other
        if slow.span.is_zero or (not fast.span.is_zero and (fast.rate, -fast.degree) < (slow.rate, -slow.degree)):
            slow, fast = fast, slow
        span = slow.span.plus(fast.dominated(slow.degree, slow.rate))
        return Tail(self.start, _trimmed(head), span, slow.degree, slow.rate)

    def times(self, other: Tail) -> Tail:
        """Return the product."""
        for one, pure in ((self, other), (other, self)):
            if one.head and not pure.head:  # in one piece, which keeps the sign of the polynomial
                whole = one.without_head()
                span = whole.span.times(pure.span)
                return Tail(self.start, (), span, whole.degree + pure.degree, whole.rate + pure.rate)
        head: list[Any] = [Fraction(0)] * max(len(self.head) + len(other.head) - 1, 0)
        if len(head) > HIGHEST_DEGREE + 1:
            raise TailUnknownError("the degree at infinity is too high")
        for i, a in enumerate(self.head):
            for j, b in enumerate(other.head):
                head[i + j] = _sum(head[i + j], _product(a, b))
        result = Tail(self.start, _trimmed(head))
        for polynomial, weighted in ((self, other), (other, self)):
            for power, coefficient in enumerate(polynomial.head):
                span = weighted.span.times(span_of(ball_of(coefficient)))
                result = result.plus(Tail(self.start, (), span, weighted.degree + power, weighted.rate))
        span = self.span.times(other.span)
        return result.plus(Tail(self.start, (), span, self.degree + other.degree, self.rate + other.rate))

    def scaled(self, span: Span) -> Tail:
        """Return the product of the weighted part with numbers of an interval."""
        return Tail(self.start, (), self.span.times(span), self.degree, self.rate)

    def bounds(self) -> tuple[Any, Any]:
        """Return two exact balls that all values lie between; an end is infinite where the tail grows to that side.

        Raises
        ------
        TailUnknownError
            If no bound is known.
        """
        limit, none = self.limit, Arb(0)
        try:
            peak = self.peak()
        except TailUnknownError:
            if self.span.low < 0 < self.span.high:
                raise
            below = limit.lower() if self.span.low >= 0 else Arb.neg_inf()
            return below, limit.upper() if self.span.high <= 0 else Arb.pos_inf()
        rest = span_of(none, self.span.low * peak, self.span.high * peak)
        return (limit + rest.low).lower(), (limit + rest.high).upper()

    def sign(self) -> int:
        """Return 1 if no value is negative, -1 if none is positive, 0 if that is not decided."""
        for ends in (self.bounds, lambda: self.without_head().span):
            try:
                low, high = ends()
            except TailUnknownError:
                continue
            if low >= 0 or high <= 0:
                return 1 if low >= 0 else -1
        return 0

    def grows(self) -> bool:
        """Return whether it is proved that the absolute value tends to infinity."""
        try:
            pure = self.without_head()
        except TailUnknownError:
            return False
        away = pure.span.low > 0 or pure.span.high < 0
        return bool(away and (pure.rate < 0 or (pure.rate == 0 and pure.degree > 0)))


def ball_of(coefficient: Any) -> Any:
    """Return a coefficient of a head as a ball, at the current precision."""
    return rational_ball(coefficient) if isinstance(coefficient, Fraction) else coefficient


def _sum(a: Any, b: Any) -> Any:
    return a + b if isinstance(a, Fraction) and isinstance(b, Fraction) else ball_of(a) + ball_of(b)


def _product(a: Any, b: Any) -> Any:
    return a * b if isinstance(a, Fraction) and isinstance(b, Fraction) else ball_of(a) * ball_of(b)


def _trimmed(head: list[Any]) -> tuple[Any, ...]:
    while head and head[-1] == 0:
        head.pop()
    return tuple(head)


def constant_tail(start: Any, value: Any) -> Tail:
    """Return a constant as a tail."""
    return Tail(start, _trimmed([value]))


def exact_rate(ball: Any) -> Fraction:
    """Return a float64 number not above the ball, as a fraction.

    Raises
    ------
    TailUnknownError
        If the ball has no such number.
    """
    below = lower_float(ball)
    if not abs(below) < float("inf"):
        raise TailUnknownError("a rate of the tail is not finite")
    return Fraction(below)
