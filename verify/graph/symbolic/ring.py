"""Exact algebra on opaque symbols: sums of products of variables and named functions, and their derivatives.

A `Symbolic` number is a sum of monomials with rational coefficients in *generators*:

- a variable x, free over the reals, or over the positive ones, when it is the square of a generator r = sqrt(x);
- a function of another number u: exp(u), log(u), or a function of one variable of which nothing is known but that its
  derivative of order k + 1 is the derivative of its derivative of order k;
- a number u whose reciprocal is asked for, which stands in monomials to negative powers alone.

Numbers of this kind are only added, multiplied and divided, so code that runs on them computes what it says *for all
values of the variables*: it cannot look at them. What is used of analysis is the derivative of a sum, a product, a
quotient and a composition, and of exp, log and the square root. Two numbers are equal as functions where all
reciprocals are defined if their difference, multiplied by the denominators, has no monomial left (`is_zero`).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from verify.outcomes import DagverifyError

Monomial = tuple[tuple[int, int], ...]
"""Pairs of a generator and its exponent, ordered; no exponent is 0."""
Terms = dict[Monomial, Fraction]
ONE: Monomial = ()


class TooLargeError(DagverifyError):
    """More monomials would be handled than the ring allows."""


class NotPositiveError(DagverifyError):
    """A square root of what is not the square of a positive generator."""


@dataclass(frozen=True)
class _Generator:
    """What a generator stands for: its kind, and the number that a function is applied to."""

    kind: Hashable
    argument: Symbolic | None = None


@dataclass
class Ring:
    """The generators that numbers share, and how much has been computed with them.

    Parameters
    ----------
    allowed : int
        How many monomials may be handled.
    roots : bool
        Whether variables are squares of positive generators: they are positive then, and have square roots.

    Examples
    --------
    >>> ring = Ring(1000)
    >>> x, y = ring.variable(), ring.variable()
    >>> slope = (x * x * y).derivatives()[x.key]
    >>> (slope - 2 * x * y).is_zero()
    True
    """

    allowed: int
    roots: bool = False
    leading: set[Hashable] = field(default_factory=set)
    """Variables that are assumed to be larger than those that they are compared with."""
    _generators: list[_Generator] = field(default_factory=list)
    _known: dict[Hashable, int] = field(default_factory=dict)
    _slopes: dict[int, dict[int, Terms]] = field(default_factory=dict)

    def variable(self) -> Symbolic:
        """Return a new variable."""
        self.allowed -= 1
        self._generators.append(_Generator("root" if self.roots else "variable"))
        return Symbolic(self, {((len(self._generators) - 1, 2 if self.roots else 1),): Fraction(1)})

    def weight(self) -> Symbolic:
        """Return a new number that nothing is differentiated in."""
        self.allowed -= 1
        self._generators.append(_Generator("weight"))
        return Symbolic(self, {((len(self._generators) - 1, 1),): Fraction(1)})

    def number(self, value: float | Fraction) -> Symbolic:
        """Return a rational number; a float64 number is meant exactly."""
        self.allowed -= 1
        exact = Fraction(value)
        return Symbolic(self, {ONE: exact} if exact else {})

    def read(self, value: Any) -> Symbolic:
        """Return a number of the ring: itself, or a rational one."""
        return value if isinstance(value, Symbolic) else self.number(value)

    def function(self, kind: Hashable, argument: Symbolic, power: int = 1) -> Symbolic:
        """Return a power of a function of a number; the same function of the same number is one generator."""
        key = (kind, argument.key)
        if key not in self._known:
            self._generators.append(_Generator(kind, argument))
            self._known[key] = len(self._generators) - 1
        return Symbolic(self, {((self._known[key], power),): Fraction(1)})

    def kind(self, generator: int) -> Hashable:
        """Return what a generator stands for."""
        return self._generators[generator].kind

    def argument(self, generator: int) -> Symbolic:
        """Return the number that a generator is a function of."""
        argument = self._generators[generator].argument
        if argument is None:
            raise ValueError(f"generator {generator} is no function")
        return argument

    def affords(self, monomials: int) -> bool:
        """Count work, and say whether it is still allowed; if not, numbers are meaningless from here on.

        Nothing is raised, because loops of NumPy, which ask for sums, do not always let an exception through.
        """
        self.allowed -= monomials
        return self.allowed >= 0

    def check_work(self) -> None:
        """Refuse to say anything where too much was computed.

        Raises
        ------
        TooLargeError
            If more was asked for than is allowed.
        """
        if self.allowed < 0:
            raise TooLargeError("too many terms for a symbolic proof")

    def slopes(self, generator: int) -> dict[int, Terms]:
        """Return the derivatives of a generator in the variables that it depends on, by their generators."""
        if generator not in self._slopes:
            self._slopes[generator] = self._differentiated(generator)
        return self._slopes[generator]

    def _differentiated(self, generator: int) -> dict[int, Terms]:
        kind = self.kind(generator)
        if kind == "weight":
            return {}
        if kind == "variable":
            return {generator: {ONE: Fraction(1)}}
        if kind == "root":  # x = r^2
            return {generator: {((generator, -1),): Fraction(1, 2)}}
        u = self.argument(generator)
        return {variable: (self._outer(generator) * slope).terms for variable, slope in u._slopes().items()}

    def _outer(self, generator: int) -> Symbolic:
        """Return the derivative of a function in its argument."""
        kind, u = self.kind(generator), self.argument(generator)
        if kind == "reciprocal":  # the generator is u itself; its powers are negative
            return self.number(1)
        if kind == "exp":
            return self.function("exp", u)
        if kind == "log":
            return 1 / u
        if isinstance(kind, tuple):
            name, order = kind
            return self.function((name, order + 1), u)
        raise ValueError(f"no derivative of {kind!r}")


class Symbolic:
    """A sum of monomials of a ring, immutable."""

    __slots__ = ("ring", "terms")

    def __init__(self, ring: Ring, terms: Terms) -> None:
        self.ring = ring
        self.terms = terms

    def __repr__(self) -> str:
        return f"Symbolic({self.terms})"

    @property
    def key(self) -> Hashable:
        """What is equal for numbers that are written in the same monomials."""
        return frozenset(self.terms.items())

    def __add__(self, other: Any) -> Symbolic:
        other = self.ring.read(other)
        if not self.ring.affords(len(self.terms) + len(other.terms)):
            return self
        total = dict(self.terms)
        _accumulate(total, other.terms.items())
        return Symbolic(self.ring, total)

    __radd__ = __add__

    def __neg__(self) -> Symbolic:
        return Symbolic(self.ring, {monomial: -c for monomial, c in self.terms.items()})

    def __sub__(self, other: Any) -> Symbolic:
        return self + -self.ring.read(other)

    def __rsub__(self, other: Any) -> Symbolic:
        return self.ring.read(other) + -self

    def __mul__(self, other: Any) -> Symbolic:
        other = self.ring.read(other)
        if not self.ring.affords(len(self.terms) * len(other.terms)):
            return self
        product: Terms = {}
        _accumulate(product, _products(self.terms, other.terms))
        return Symbolic(self.ring, product)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Symbolic:
        return self * self.ring.read(other).reciprocal()

    def __rtruediv__(self, other: Any) -> Symbolic:
        return self.ring.read(other) * self.reciprocal()

    def reciprocal(self) -> Symbolic:
        """Return 1/u."""
        if not self.terms:
            self.ring.check_work()
            raise ZeroDivisionError("the reciprocal of zero")
        if len(self.terms) == 1:
            ((monomial, c),) = self.terms.items()
            return Symbolic(self.ring, {tuple((g, -e) for g, e in monomial): 1 / c})
        return self.ring.function("reciprocal", self, -1)

    # what exact arithmetic asks of a number

    def exp(self) -> Symbolic:
        """Return the exponential."""
        return self.ring.function("exp", self)

    def log(self) -> Symbolic:
        """Return the natural logarithm, of what is positive."""
        return self.ring.function("log", self)

    def sqrt(self) -> Symbolic:
        """Return the square root of a square of positive generators.

        Raises
        ------
        NotPositiveError
            If it is not known to be one.
        """
        if len(self.terms) == 1:
            ((monomial, c),) = self.terms.items()
            if c == 1 and all(e % 2 == 0 and self.ring.kind(g) == "root" for g, e in monomial):
                return Symbolic(self.ring, {tuple((g, e // 2) for g, e in monomial): c})
        raise NotPositiveError("a square root of a number of unknown sign")

    def mid(self) -> Symbolic:
        """Return the shift of functions that do not depend on one: zero."""
        return self.ring.number(0)

    def is_finite(self) -> bool:
        """Whether it is a number: always."""
        return True

    def __gt__(self, other: Any) -> bool:
        difference = (self - other).terms
        if set(difference) - {ONE}:
            raise TypeError("symbols have no order")
        return difference.get(ONE, 0) > 0

    def max(self, other: Symbolic) -> Symbolic:
        """Return the one that is assumed to be larger."""
        if (self.key in self.ring.leading) == (other.key in self.ring.leading):
            return self
        return self if self.key in self.ring.leading else other

    # derivatives and equality

    def _slopes(self) -> dict[int, Symbolic]:
        found: dict[int, Terms] = {}
        for monomial, c in self.terms.items():
            for place, (generator, exponent) in enumerate(monomial):
                lowered = ((generator, exponent - 1),) if exponent != 1 else ()
                rest = {monomial[:place] + lowered + monomial[place + 1 :]: c * exponent}
                for variable, slope in self.ring.slopes(generator).items():
                    if not self.ring.affords(len(slope)):
                        return {}
                    _accumulate(found.setdefault(variable, {}), _products(rest, slope))
        return {variable: Symbolic(self.ring, terms) for variable, terms in found.items()}

    def derivatives(self) -> dict[Hashable, Symbolic]:
        """Return the derivatives in the variables that it depends on, by the variables' keys."""
        exponent = 2 if self.ring.roots else 1
        return {frozenset([(((g, exponent),), Fraction(1))]): slope for g, slope in self._slopes().items()}

    def is_zero(self) -> bool:
        """Whether no monomial is left once the denominators are cleared.

        Raises
        ------
        TooLargeError
            If more was computed than is allowed.
        """
        number = self
        while number.terms:
            self.ring.check_work()
            denominators = number._denominators()
            if not denominators:
                return False
            generator, power = next(iter(denominators.items()))
            number = number._times(generator, power)
        self.ring.check_work()
        return True

    def _denominators(self) -> Mapping[int, int]:
        """Return the highest power of every reciprocal that occurs, the latest first: those may hold earlier ones."""
        powers: dict[int, int] = {}
        for monomial in self.terms:
            for generator, exponent in monomial:
                if self.ring.kind(generator) == "reciprocal":
                    powers[generator] = max(powers.get(generator, 0), -exponent)
        return dict(sorted(powers.items(), reverse=True))

    def _times(self, generator: int, power: int) -> Symbolic:
        """Return the number times a power of a denominator, which is gone then."""
        by_power: dict[int, Terms] = {}
        for monomial, c in self.terms.items():
            own = -dict(monomial).get(generator, 0)
            rest = tuple(pair for pair in monomial if pair[0] != generator)
            by_power.setdefault(power - own, {})[rest] = c
        u = self.ring.argument(generator)
        powers = [self.ring.number(1)]
        for _ in range(max(by_power)):
            powers.append(powers[-1] * u)
        parts = (Symbolic(self.ring, terms) * powers[k] for k, terms in by_power.items())
        return sum(parts, start=self.ring.number(0))


def _accumulate(total: Terms, terms: Any) -> None:
    for monomial, c in terms:
        found = total.get(monomial, 0) + c
        if found:
            total[monomial] = found
        else:
            total.pop(monomial, None)


def _products(left: Terms, right: Terms) -> Iterator[tuple[Monomial, Fraction]]:
    for first, c in left.items():
        for second, d in right.items():
            yield _joined(first, second), c * d


def _joined(first: Monomial, second: Monomial) -> Monomial:
    if not first or not second:
        return first or second
    powers = dict(first)
    for generator, exponent in second:
        powers[generator] = powers.get(generator, 0) + exponent
    return tuple(sorted((g, e) for g, e in powers.items() if e))
