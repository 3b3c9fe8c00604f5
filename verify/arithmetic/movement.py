"""Arrays that depend on weights: where they are while the weights are in a region, and how they bend there.

A `Movement` *holds* a function f of the weights if for all weights w of the region, all directions v with |v| <= 1 and
every order k that it carries

    f(w) is within ``reach`` of f(centre), and the k-th derivative of f(w + s v) at s = 0 is within ``derivatives[k]``.

A rule of an operation is *valid* if its result holds the operation applied to all functions that its arguments hold.
Derivatives along one repeated direction are enough: a symmetric multilinear form is largest on such (Banach).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.intervals import Interval
from verify.arithmetic.sizes import Sizes, total
from verify.arithmetic.taylor_model import TaylorModel

Derivatives = tuple[Sizes | None, ...]
"""Bounds of the derivatives of orders 1, 2, ...; None is zero."""

SCALE = 2.0**-30
"""Length of the directions that Taylor models move along: their ranges are hardly wider than the region's, and scaling
by a power of two is exact."""
TWO_THIRDS = float(np.nextafter(2 / np.sqrt(3), 2))
"""``sup of 3 x^2 y`` on the unit circle, at x^2 = 2/3."""


@dataclass(frozen=True)
class Movement:
    """See the module.

    Parameters
    ----------
    centre : Interval
        Holds f at the region's centre.
    reach : Sizes or None
        Of f(w) - f(centre); None if f does not move.
    derivatives : tuple of Sizes or None
    support : frozenset of int
        Numbers of the parameters that f depends on; the derivative of order k is at most its bound times the k-th power
        of the norm of v's part in them.
    """

    centre: Interval
    reach: Sizes | None
    derivatives: Derivatives
    support: frozenset[int]

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.centre.shape

    @property
    def moves(self) -> bool:
        """Whether f depends on the weights at all."""
        return any(bound is not None for bound in self.derivatives)

    @property
    def box(self) -> Interval:
        """Entrywise range over the region."""
        return self.centre if self.reach is None else self.centre + self.reach.within()

    @property
    def value(self) -> Sizes:
        """Bounds of f(w) itself."""
        at_centre = Sizes.of(self.centre.max_abs())
        if self.reach is None:
            return at_centre
        return at_centre.each(upward.add, self.reach)

    def upto(self, order: int) -> Movement:
        """Return the movement with the derivatives above an order set to zero."""
        kept = tuple(bound if k <= order else None for k, bound in enumerate(self.derivatives, 1))
        return Movement(self.centre, self.reach, kept, self.support)

    def model(self) -> TaylorModel:
        """Return a Taylor model that holds ``s -> sum over k of SCALE^k f^(k) s^k / k!`` for all w and v."""
        coefficients: list[Interval | None] = [self.box]
        for k, bound in enumerate(self.derivatives, 1):
            coefficients.append(None if bound is None else _over_factorial(bound.times(SCALE**k), k).within())
        return TaylorModel(coefficients[:-1], coefficients[-1])


def _over_factorial(bound: Sizes, k: int) -> Sizes:
    return bound.each(lambda a: upward.div(a, float(factorial(k))))


def derivatives_of(model: TaylorModel, orders: int) -> Derivatives:
    """Return the derivatives at s = 0 of all functions that a Taylor model of the scaled directions holds.

    Theorem: let the arguments of an operation F be a_j(s), with derivatives inside the arguments' bounds. The
    polynomials p_j of degree d that agree with a_j at s = 0 up to order d are held by `Movement.model`, and by the
    chain rule F(p) and F(a) have the same derivatives up to order d. The model says F(p)(s) = c_0 + ... + r(s) s^d;
    where r is bounded, c_k is the derivative of order k over k!, and as s goes to 0, r tends to that of order d over
    d!. Where r has no bound nothing is known of any order.
    """
    unknown = None if model.remainder is None else ~np.isfinite(model.remainder.max_abs())
    found: list[Sizes | None] = []
    for k, part in enumerate((*model.coefficients[1:], model.remainder), 1):
        sizes = np.zeros(model.shape) if part is None else part.max_abs()
        if unknown is not None and np.any(unknown):
            sizes = np.where(unknown, np.inf, sizes)
        elif part is None:
            found.append(None)
            continue
        found.append(Sizes.of(upward.mul(sizes, SCALE**-k * factorial(k))))
    return tuple(found[:orders])


def of_product(order: int, parts: Sequence[Sizes | None], disjoint: bool) -> Sizes | None:
    """Bound the derivative of an order k of a product of two arrays.

    Parameters
    ----------
    order : int
        1, 2 or 3.
    parts : sequence of Sizes or None
        ``parts[j]`` bounds the product of the derivative of order j of the first and of order k - j of the second.
    disjoint : bool
        Whether the factors depend on disjoint sets of parameters. Their parts x and y of the direction's norm satisfy
        x^2 + y^2 <= 1 then, and the bound is the largest value of ``sum over j of binomial(k, j) parts[j] x^j y^(k-j)``
        (for k = 2 exact; for k = 3 by ``3 x y (B x + C y) <= 3/2 |(B, C)|`` and ``3 x^2 y <= 2/sqrt 3``); else the sum
        of these terms.
    """
    present = next((part for part in parts if part is not None), None)
    if present is None:
        return None
    binomials = (1.0, 1.0) if order == 1 else (1.0, 2.0, 1.0) if order == 2 else (1.0, 3.0, 3.0, 1.0)
    if not disjoint:
        return total([p if p is None else p.times(n) for p, n in zip(parts, binomials, strict=True)])
    zero = Sizes.of(np.zeros(present.shape))
    filled = [zero if part is None else part for part in parts]
    return filled[0].each((_first, _second, _third)[order - 1], *filled[1:])


def _first(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return _length(a, b)


def _second(a: np.ndarray, mixed: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The largest eigenvalue of [[a, m], [m, b]], ``(a + b)/2 + |((a - b)/2, m)|``."""
    with np.errstate(invalid="ignore"):
        apart = (np.maximum(a, b) - np.minimum(a, b)) * (1 + 2.0**-50)
    apart = np.where(np.isnan(apart), np.inf, apart)
    return upward.add(upward.mul(0.5, a), upward.mul(0.5, b), _length(upward.mul(0.5, apart), mixed))


def _third(a: np.ndarray, low: np.ndarray, high: np.ndarray, b: np.ndarray) -> np.ndarray:
    mixed = np.minimum(upward.mul(1.5, _length(low, high)), upward.mul(TWO_THIRDS, upward.add(low, high)))
    return upward.add(np.maximum(a, b), mixed)


def _length(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return upward.norm(np.stack([a, b]), axis=0)


def of_sum(parts: Sequence[Movement], order: int) -> Sizes | None:
    """Bound the derivative of an order of the sum of arrays; those of disjoint supports share the direction's norm."""
    found: Sizes | None = None
    support: frozenset[int] = frozenset()
    for part in parts:
        bound = part.derivatives[order - 1]
        if found is None or bound is None:
            found = bound if found is None else found
        elif support & part.support:
            found = total([found, bound])
        else:
            found = found.each(_length if order == 1 else np.maximum, bound)
        support |= part.support
    return found


def of_function(arguments: Movement, suprema: Sequence[np.ndarray], orders: int) -> Derivatives:
    """Bound the derivatives of ``g(f)``, entry by entry (Faa di Bruno's formula up to order 3).

    Parameters
    ----------
    arguments : Movement
    suprema : sequence of array
        Bounds of the absolute values of g', g'', ... over the range of every entry.
    orders : int
    """
    first, second, third = (*arguments.derivatives[:orders], None, None)[:3]
    found = [None if first is None else first.weighted(suprema[0])]
    if orders > 1:
        bent = None if first is None else _squares(first, suprema[1], first)
        found.append(total([bent, None if second is None else second.weighted(suprema[0])]))
    if orders > 2:
        cubic = None if first is None else _squares(first, upward.mul(suprema[2], first.entries), first)
        mixed = None if first is None or second is None else _squares(first, suprema[1], second).times(3.0)
        found.append(total([cubic, mixed, None if third is None else third.weighted(suprema[0])]))
    return tuple(found)


def _squares(x: Sizes, factors: np.ndarray, y: Sizes) -> Sizes:
    """Bound ``factors * x * y``, entry by entry."""
    if not factors.size:
        return x
    found = x.weighted(upward.mul(factors, y.entries)).least(y.weighted(upward.mul(factors, x.entries)))
    return Sizes.of(found.entries, found.rows, found.whole, float(upward.mul(factors.max(), x.products(y))))
