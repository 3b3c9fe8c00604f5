"""Arrays that move along a segment: polynomials in s with an enclosed remainder.

A `TaylorModel` of degree d stands for array-valued functions f of s in [0, 1]. It *holds* f if for every s there is a
real array r(s) in its remainder with

    f(s) = c_0 + c_1 s + ... + c_(d-1) s^(d-1) + r(s) s^d

for real arrays c_k, the same for all s, in its coefficients. An operation is *valid* if its result holds the operation
applied to all functions that its operands hold. Everything here is valid, rounding included: coefficients and remainder
are intervals. A missing coefficient, or remainder, is exactly zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import factorial
from operator import matmul, mul
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import intervals, upward
from verify.arithmetic.intervals import Interval, interval

Array = NDArray[np.float64]
Coefficient = Interval | None
Derivatives = Callable[[Interval, tuple[int, ...]], Sequence[Interval]]

_WIDE = 0.125
"""A range of the highest derivative with a radius above this share of its supremum is looked up: that costs more."""


@final
class TaylorModel:
    """See the module.

    Parameters
    ----------
    coefficients : sequence of Interval or None
        c_0, ..., c_(d-1), of one shape; the first is present.
    remainder : Interval, optional

    Examples
    --------
    >>> s = TaylorModel([Interval.point([1.0]), Interval.point([1.0])])
    >>> product = s * s
    >>> [c.contains([k]) for c, k in zip(product.coefficients, (1.0, 2.0))], product.remainder.contains([1.0])
    ([True, True], True)
    """

    __slots__ = ("coefficients", "remainder")
    __array_ufunc__ = None

    def __init__(self, coefficients: Sequence[Coefficient], remainder: Coefficient = None) -> None:
        self.coefficients = tuple(coefficients)
        self.remainder = remainder

    @staticmethod
    def constant(value: Interval, degree: int) -> TaylorModel:
        """Return what does not move."""
        return TaylorModel([value, *(None,) * (degree - 1)])

    @property
    def degree(self) -> int:
        """Order d of the remainder."""
        return len(self.coefficients)

    @property
    def start(self) -> Interval:
        """The value at s = 0."""
        first = self.coefficients[0]
        if first is None:
            raise ValueError("a Taylor model has a first coefficient")
        return first

    @property
    def is_constant(self) -> bool:
        """Whether it is known not to move."""
        return self.remainder is None and all(c is None for c in self.coefficients[1:])

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.start.shape

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.start.ndim

    def tail(self, order: int) -> Coefficient:
        """Return the range over s of ``sum over k >= order of c_k s^(k - order) + r s^(d - order)``; None for zero."""
        return _range([*self.coefficients[order:], self.remainder])

    def range(self) -> Interval:
        """Return the range over s in [0, 1]."""
        return _present(self.tail(0))

    def moved(self) -> TaylorModel:
        """Return the difference from the start: the same model with c_0 = 0."""
        return TaylorModel([Interval.zeros(self.shape), *self.coefficients[1:]], self.remainder)

    # linear

    def _each(self, function: Callable[[Interval], Interval]) -> TaylorModel:
        """Apply a linear function without constant part to all coefficients and the remainder."""
        return TaylorModel(
            [None if c is None else function(c) for c in self.coefficients],
            None if self.remainder is None else function(self.remainder),
        )

    def rearranged(self, move: Callable[[Array], Array]) -> TaylorModel:
        """As `Interval.rearranged`."""
        return self._each(lambda c: c.rearranged(move))

    def accumulated(self, add: Callable[[Array], Array], terms: int) -> TaylorModel:
        """As `Interval.accumulated`."""
        return self._each(lambda c: c.accumulated(add, terms))

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
            return TaylorModel([self.start + other, *self.coefficients[1:]], self.remainder)._spread()
        pairs = zip(self.coefficients, other.coefficients, strict=True)
        return TaylorModel([_plus(a, b) for a, b in pairs], _plus(self.remainder, other.remainder))._spread()

    __radd__ = __add__

    def __sub__(self, other: Any) -> TaylorModel:
        return self + (-other)

    def __rsub__(self, other: Any) -> TaylorModel:
        return (-self) + other

    def _spread(self) -> TaylorModel:
        """Give all parts the shape of the first, which a sum of repeated arrays leaves to it alone."""
        shape = self.start.shape
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
        return self.composed(lambda x, orders: [factorial(k) * (-1.0) ** k / _whole_power(x, k + 1) for k in orders])

    # functions

    def composed(self, derivatives: Derivatives, suprema: Sequence[float] = ()) -> TaylorModel:
        """Return g(f), entry by entry, for a function g that is d times continuously differentiable on the range.

        With u = f - c_0 the theorem of Taylor says g(c_0 + u) = sum over k < d of g^(k)(c_0)/k! u^k + q u^d with q in
        the range of g^(d)/d!. The sum is worked out by Horner's scheme in powers of s, u being s times a model of
        degree d - 1.

        Parameters
        ----------
        derivatives : callable
            Takes intervals and orders and returns enclosures of these derivatives of g over them.
        suprema : sequence of two float, optional
            Upper bounds of |g^(d)| and |g^(d+1)| on the whole line; with finite ones the range of g^(d) is found from
            its values at c_0 where that is nearly as good.
        """
        degree = self.degree
        if self.is_constant:
            return TaylorModel.constant(derivatives(self.start, (0,))[0], degree)
        *values, highest = self._derivatives(derivatives, suprema)
        a = self.coefficients[1:]
        tails = [self.tail(order) for order in range(1, degree + 1)]
        polynomial: list[Coefficient] = []
        rest: Coefficient = highest / float(factorial(degree))
        for order in reversed(range(degree)):
            n = degree - 1 - order
            products = _cauchy(mul, a[:n], polynomial)
            rest = _plus(
                _range(products[n:]),
                _plus(_times(mul, rest, tails[0]), _times(mul, tails[n], _range(polynomial)) if n else None),
            )
            value = values[order] if order < 2 else values[order] / float(factorial(order))
            polynomial = [value, *_padded(products[:n], n)]
        return TaylorModel(polynomial, rest)

    def _derivatives(self, derivatives: Derivatives, suprema: Sequence[float]) -> list[Interval]:
        """Return derivatives of orders below d at c_0, and that of order d over the range."""
        orders = tuple(range(self.degree + 1))
        if not (suprema and np.all(np.isfinite(suprema))):
            return [*derivatives(self.start, orders[:-1]), derivatives(self.range(), orders[-1:])[0]]
        *values, at_start = derivatives(self.start, orders)
        top, growth = suprema
        reach = _present(self.tail(1)).shrunk().max_abs()
        highest = at_start + Interval(np.zeros(reach.shape), upward.mul(reach, growth))
        wide = highest.rad > _WIDE * top
        if np.any(wide):
            low, high = np.array(np.maximum(highest.lower, -top)), np.array(np.minimum(highest.upper, top))
            found = derivatives(self.range()[wide], orders[-1:])[0]
            low[wide], high[wide] = np.maximum(low[wide], found.lower), np.minimum(high[wide], found.upper)
            highest = Interval.from_bounds(low, high)
        return [*values, highest]

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

    def joined(members: Iterator[Coefficient]) -> Coefficient:
        found = list(members)
        if all(member is None for member in found):
            return None
        return intervals.concatenate(
            [Interval.zeros(m.shape) if c is None else c for c, m in zip(found, models, strict=True)], axis
        )

    coefficients = [joined(m.coefficients[k] for m in models) for k in range(degree)]
    return TaylorModel(coefficients, joined(m.remainder for m in models))


def _product(f: Callable[[Any, Any], Any], a: TaylorModel, b: Any) -> TaylorModel:
    """Return f(a, b) for a product f that is linear in each operand."""
    if not isinstance(b, TaylorModel):
        return a._each(lambda c: f(c, b))
    if b.is_constant:
        return a._each(lambda c: f(c, b.start))
    if a.is_constant:
        return b._each(lambda c: f(a.start, c))
    degree = a.degree
    products = _cauchy(f, a.coefficients, b.coefficients)
    high = _range(products[degree:])
    by_a = _times(f, a.remainder, b.tail(0) if a.remainder is not None else None)
    by_b = _times(f, _range(a.coefficients) if b.remainder is not None else None, b.remainder)
    return TaylorModel(products[:degree], _plus(high, _plus(by_a, by_b)))


def _cauchy(f: Callable[[Any, Any], Any], a: Sequence[Coefficient], b: Sequence[Coefficient]) -> list[Coefficient]:
    """Return the coefficients of the product of two polynomials."""
    out: list[Coefficient] = [None] * max(len(a) + len(b) - 1, 0)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            out[i + j] = _plus(out[i + j], _times(f, x, y))
    return out


def _range(coefficients: Sequence[Coefficient]) -> Coefficient:
    """Return the range over s in [0, 1] of a polynomial with interval coefficients, by Horner's scheme."""
    total: Coefficient = None
    for c in reversed(coefficients):
        if total is not None:
            total = total.shrunk()
        total = _plus(c, total)
    return total


def _plus(a: Coefficient, b: Coefficient) -> Coefficient:
    return b if a is None else a if b is None else a + b


def _times(f: Callable[[Any, Any], Any], a: Coefficient, b: Coefficient) -> Coefficient:
    return None if a is None or b is None else f(a, b)


def _padded(coefficients: Sequence[Coefficient], length: int) -> list[Coefficient]:
    return [*coefficients, *(None,) * (length - len(coefficients))]


def _whole_power(x: Interval, exponent: int) -> Interval:
    result = x
    for _ in range(exponent - 1):
        result = result * x
    return result


def _present(x: Coefficient) -> Interval:
    if x is None:
        raise ValueError("a Taylor model has a first coefficient")
    return x
