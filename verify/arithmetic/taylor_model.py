"""Arrays that move along a segment: polynomials in s with an enclosed remainder.

A `TaylorModel` of degree d stands for array-valued functions f of s in [0, 1]. It *holds* f if for every s there is a
real array r(s) in its remainder with

    f(s) = c_0 + c_1 s + ... + c_(d-1) s^(d-1) + r(s) s^d

for real arrays c_k, the same for all s, in its coefficients. An operation is *valid* if its result holds the operation
applied to all functions that its operands hold. Everything here is valid, rounding included: coefficients are balls,
known but for rounding, the remainder is an interval array. A missing coefficient, or remainder, is exactly zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import factorial
from operator import matmul, mul
from typing import Any, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import interval_joins, midrad
from verify.arithmetic.ball_arrays import BallArray, uses_of
from verify.arithmetic.intervals import Interval, interval
from verify.arithmetic.lengths_upward import length, raised
from verify.arithmetic.rounding import FLOOR
from verify.arithmetic.taylor_parts import ROOM, cauchy, largest, padded, plus, present, tails_of, times, whole_power

Array = NDArray[np.float64]
T = TypeVar("T")
Derivatives = Callable[[Interval, tuple[int, ...]], Sequence[Interval]]

_WIDE = 0.5
"""A range of the highest derivative with a radius above this share of its supremum is looked up: that costs more."""


@dataclass(frozen=True)
class BoundedDerivatives:
    """A function with bounded derivatives.

    Parameters
    ----------
    at : callable
        Takes float64 numbers and returns derivatives of the orders 0 to d there, each with a bound of absolute errors.
    suprema : sequence of float
        Upper bounds of the absolute values of the derivatives of orders 0 to d + 1 on the whole line; that of order 0
        is not used.
    """

    at: Callable[[Array], Sequence[tuple[Array, Array]]]
    suprema: Sequence[float]


@final
class TaylorModel:
    """See the module.

    Parameters
    ----------
    coefficients : sequence of BallArray, Interval or None
        c_0, ..., c_(d-1), of one shape; the first is present.
    remainder : Interval, optional

    Examples
    --------
    >>> s = TaylorModel([Interval.point([1.0]), Interval.point([1.0])])
    >>> product = s * s
    >>> [c.contains([k]) for c, k in zip(product.coefficients, (1.0, 2.0))], product.remainder.contains([1.0])
    ([True, True], True)
    """

    __slots__ = ("parts", "remainder")
    __array_ufunc__ = None

    def __init__(self, coefficients: Sequence[BallArray | Interval | None], remainder: Interval | None = None) -> None:
        self.parts = tuple(None if c is None else BallArray.of(c) for c in coefficients)
        self.remainder = remainder

    @property
    def coefficients(self) -> tuple[Interval | None, ...]:
        """The coefficients as intervals."""
        return tuple(None if c is None else c.interval for c in self.parts)

    @staticmethod
    def constant(value: Interval, degree: int) -> TaylorModel:
        """Return what does not move."""
        return TaylorModel([value, *(None,) * (degree - 1)])

    @property
    def degree(self) -> int:
        """Order d of the remainder."""
        return len(self.parts)

    @property
    def first(self) -> BallArray:
        """The value at s = 0."""
        return present(self.parts[0])

    @property
    def start(self) -> Interval:
        """The value at s = 0, as intervals."""
        return self.first.interval

    @property
    def is_constant(self) -> bool:
        """Whether it is known not to move."""
        return self.remainder is None and all(c is None for c in self.parts[1:])

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.first.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.first.ndim

    def tails(self) -> list[Interval | None]:
        """Return the ranges of ``sum over k >= order of c_k s^(k - order) + r s^(d - order)`` for orders up to d."""
        return tails_of(self.parts, self.remainder)

    def range(self) -> Interval:
        """Return the range over s in [0, 1]."""
        return present(self.tails()[0])

    def moved(self) -> TaylorModel:
        """Return the difference from the start: the same model with c_0 = 0."""
        return TaylorModel([BallArray(np.zeros_like(self.first.value)), *self.parts[1:]], self.remainder)

    # linear

    def _each(self, function: Callable[[Any], Any], rest: Callable[[Interval], Interval] | None = None) -> TaylorModel:
        """Apply a linear function without constant part to all coefficients and, in its own form, the remainder."""
        return TaylorModel(
            [None if c is None else function(c) for c in self.parts],
            None if self.remainder is None else (rest or function)(self.remainder),
        )

    def rearranged(self, move: Callable[[Array], Array], repeats: int | None = None) -> TaylorModel:
        """As `BallArray.rearranged`."""
        counted = uses_of(move, self.shape) if repeats is None else repeats
        return self._each(lambda c: c.rearranged(move, counted), lambda c: c.rearranged(move))

    def accumulated(self, add: Callable[[Array], Array], terms: int, uses: int | None = None) -> TaylorModel:
        """As `BallArray.accumulated`."""
        return self._each(lambda c: c.accumulated(add, terms, uses), lambda c: c.accumulated(add, terms))

    def __getitem__(self, index: Any) -> TaylorModel:
        return self._each(lambda c: c[index])

    def reshape(self, *shape: Any) -> TaylorModel:
        """Return the same entries in another shape."""
        return self._each(lambda c: c.reshape(*shape))

    def transpose(self, *axes: Any) -> TaylorModel:
        """Return the array with permuted axes."""
        return self._each(lambda c: c.transpose(*axes))

    def sum(self, axis: int | tuple[int, ...] | None = None) -> TaylorModel:
        """Return the sum over axes."""
        return self._each(lambda c: c.sum(axis=axis))

    def __neg__(self) -> TaylorModel:
        return self._each(lambda c: -c)

    def __add__(self, other: Any) -> TaylorModel:
        if not isinstance(other, TaylorModel):
            return TaylorModel([self.first + BallArray.of(other), *self.parts[1:]], self.remainder)._spread()
        pairs = zip(self.parts, other.parts, strict=True)
        return TaylorModel([plus(a, b) for a, b in pairs], plus(self.remainder, other.remainder))._spread()

    __radd__ = __add__

    def __sub__(self, other: Any) -> TaylorModel:
        return self + (-other)

    def __rsub__(self, other: Any) -> TaylorModel:
        return (-self) + other

    def _spread(self) -> TaylorModel:
        """Give all parts the shape of the first, which a sum of repeated arrays leaves to it alone."""
        shape = self.first.shape
        return self._each(lambda c: c if c.shape == shape else c.broadcast_to(shape))

    # products

    def __mul__(self, other: Any) -> TaylorModel:
        return _product(mul, self, other)

    __rmul__ = __mul__

    def __matmul__(self, other: Any) -> TaylorModel:
        return _product(matmul, self, other)

    def __rmatmul__(self, other: Any) -> TaylorModel:
        return _product(lambda b, a: matmul(a, b), self, other)

    def __truediv__(self, other: Any) -> TaylorModel:
        if not isinstance(other, TaylorModel):
            return self._each(lambda c: c / other)
        return self * other.reciprocal()

    def __rtruediv__(self, other: Any) -> TaylorModel:
        return self.reciprocal() * other

    def square(self) -> TaylorModel:
        """Return the squares."""
        return self * self

    def reciprocal(self) -> TaylorModel:
        """Return 1/f; unbounded where the range holds zero."""
        return self.composed(lambda x, orders: [factorial(k) * (-1.0) ** k / whole_power(x, k + 1) for k in orders])

    # functions

    def composed(self, derivatives: Derivatives, smooth: BoundedDerivatives | None = None) -> TaylorModel:
        """Return g(f), entry by entry, for a function g that is d times continuously differentiable on the range.

        With u = f - c_0 the theorem of Taylor says g(c_0 + u) = sum over k < d of g^(k)(c_0)/k! u^k + q u^d with q in
        the range of g^(d)/d!. The sum is worked out by Horner's scheme in powers of s, u being s times a model of
        degree d - 1.

        Parameters
        ----------
        derivatives : callable
            Takes intervals and orders and returns enclosures of these derivatives of g over them.
        smooth : BoundedDerivatives, optional
            Cheaper where all derivatives are bounded on the whole line: the range of g^(d) is found from its values at
            c_0 where that is nearly as good.
        """
        degree = self.degree
        if self.is_constant:
            return TaylorModel.constant(derivatives(self.start, (0,))[0], degree)
        tails = self.tails()
        values, highest = self._derivatives(derivatives, smooth, tails)
        a = self.parts[1:]
        polynomial: list[BallArray | None] = []
        rest: Interval | None = highest / float(factorial(degree))
        for order in reversed(range(degree)):
            n = degree - 1 - order
            products = cauchy(mul, a[:n], polynomial)
            rest = plus(
                tails_of(products[n:], None)[0],
                plus(
                    times(mul, rest, tails[1]),
                    times(mul, tails[n + 1], tails_of(polynomial, None)[0]) if n else None,
                ),
            )
            value = values[order] if order < 2 else values[order] / float(factorial(order))
            polynomial = [value, *padded(products[:n], n)]
        return TaylorModel(polynomial, rest)

    def _derivatives(
        self, derivatives: Derivatives, smooth: BoundedDerivatives | None, tails: list[Interval | None]
    ) -> tuple[list[BallArray], Interval]:
        """Return derivatives of orders below d at c_0, and that of order d over the range."""
        orders = tuple(range(self.degree + 1))
        if smooth is None or not np.all(np.isfinite([self.first.ball, *smooth.suprema])):
            at_start = [BallArray.of(found) for found in derivatives(self.start, orders[:-1])]
            return at_start, derivatives(present(tails[0]), orders[-1:])[0]
        centre = self.first
        values = []
        for (value, error), growth in zip(smooth.at(centre.value), smooth.suprema[1:], strict=True):
            values.append((value, error, raised(growth * centre.ball) if centre.ball else 0.0))
        top, growth = smooth.suprema[-2:]
        value, error, moved = values.pop()
        reach = largest(present(tails[1])) * growth
        mid, rad = midrad.guarded(value, (error + moved + reach) * ROOM + FLOOR)
        wide = rad > _WIDE * top
        if np.any(wide):
            near, over = Interval(mid[wide], rad[wide]), derivatives(present(tails[0])[wide], orders[-1:])[0]
            low = np.maximum(np.maximum(near.lower, -top), over.lower)
            high = np.minimum(np.minimum(near.upper, top), over.upper)
            found = Interval.from_bounds(low, high)
            mid, rad = np.array(mid), np.array(rad)
            mid[wide], rad[wide] = found.mid, found.rad
        highest = Interval(mid, rad)
        return [BallArray(value, raised(length(error) + moved)) for value, error, moved in values], highest

    def __repr__(self) -> str:
        return f"TaylorModel(degree={self.degree}, shape={self.shape})"


def concatenate(parts: Sequence[Any], axis: int) -> TaylorModel:
    """Join arrays along an axis; those that are no models do not move.

    Examples
    --------
    >>> still = TaylorModel.constant(Interval.zeros(2), 3)
    >>> concatenate([still, Interval.zeros(1)], 0).shape
    (3,)
    """
    degree = next(part.degree for part in parts if isinstance(part, TaylorModel))
    models = [p if isinstance(p, TaylorModel) else TaylorModel.constant(interval(p), degree) for p in parts]

    def joined(members: Iterator[Interval | None]) -> Interval | None:
        found = list(members)
        if all(member is None for member in found):
            return None
        return interval_joins.concatenate(
            [Interval.zeros(m.shape) if c is None else c for c, m in zip(found, models, strict=True)], axis
        )

    coefficients = [joined(m.coefficients[k] for m in models) for k in range(degree)]
    return TaylorModel(coefficients, joined(m.remainder for m in models))


def _product(f: Callable[[Any, Any], Any], a: TaylorModel, b: Any) -> TaylorModel:
    """Return f(a, b) for a product f that is linear in each operand."""
    if not isinstance(b, TaylorModel) or b.is_constant:
        still = b.first if isinstance(b, TaylorModel) else BallArray.of(b)
        return a._each(lambda c: f(c, still), lambda c: f(c, still.interval))
    if a.is_constant:
        return b._each(lambda c: f(a.first, c), lambda c: f(a.start, c))
    degree = a.degree
    products = cauchy(f, a.parts, b.parts)
    high = tails_of(products[degree:], None)[0]
    by_a = times(f, a.remainder, b.range() if a.remainder is not None else None)
    by_b = times(f, tails_of(a.parts, None)[0] if b.remainder is not None else None, b.remainder)
    return TaylorModel(products[:degree], plus(high, plus(by_a, by_b)))
