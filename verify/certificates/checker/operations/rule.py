"""What a rule of the checker is: options read strictly, a shape, and the entries of the result in row-major order."""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import prod
from typing import Any, ClassVar

from flint import arb

from verify.certificates.document import ReadError, number

Shape = tuple[int, ...]
Entries = list[Any]
Move = Entries | None
Options = dict[str, Any]
Reader = Callable[[Any, str], Any]
LONGEST = 2**53

RULES: dict[str, Rule] = {}
"""Every rule by the name of its operation."""


@dataclass(frozen=True)
class Place:
    """Where a rule is differentiated: options, shapes, the arguments, which of them weights move, what `facts` found.

    A move of an argument is its derivative along a direction, None where it does not move; an adjoint is the derivative
    of the graph's output by the entries of the result.
    """

    options: Options
    shapes: tuple[Shape, ...]
    result: Shape
    values: tuple[Entries, ...]
    wanted: tuple[bool, ...]
    facts: Any


class Rule(abc.ABC):
    """An operation of the vocabulary: its value, and for minima its first and second derivatives."""

    name: ClassVar[str] = ""
    options: ClassVar[dict[str, Reader]] = {}

    def __init_subclass__(cls) -> None:
        if cls.name:
            RULES[cls.name] = cls()

    @abc.abstractmethod
    def shape(self, o: Options, *shapes: Shape) -> Shape:
        """Return the result's shape for arguments of these shapes, or raise `ReadError`."""

    @abc.abstractmethod
    def value(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Entries:
        """Return the entries of the result: balls that contain the exact ones, nan where nothing is known."""

    def work(self, o: Options, shapes: tuple[Shape, ...], result: Shape) -> int:
        """Return how many products and sums `value` makes, about."""
        return prod(result) + sum(map(prod, shapes))

    def facts(self, o: Options, shapes: tuple[Shape, ...], result: Shape, *values: Entries) -> Any:
        """Return what the derivatives need and every direction shares."""
        return None

    @abc.abstractmethod
    def push(self, at: Place, moves: list[Move]) -> Entries:
        """Return the move of the result for moves of the arguments."""

    @abc.abstractmethod
    def pull(self, at: Place, adjoint: Entries) -> list[Move]:
        """Return the adjoints of the arguments for that of the result: the transpose of `push`."""

    @abc.abstractmethod
    def bend(self, at: Place, moves: list[Move], adjoint: Entries) -> list[Move]:
        """Return how `pull` of a fixed adjoint moves with the arguments."""


class Linear(Rule):
    """A rule whose result is a linear function of all arguments together."""

    def push(self, at: Place, moves: list[Move]) -> Entries:
        filled = ([arb(0)] * prod(s) if move is None else move for s, move in zip(at.shapes, moves, strict=True))
        return self.value(at.options, at.shapes, at.result, *filled)

    def bend(self, at: Place, moves: list[Move], adjoint: Entries) -> list[Move]:
        return [None] * len(moves)


class Single(Rule):
    """A rule with one argument; `fits` says which shapes it takes."""

    def shape(self, o: Options, *shapes: Shape) -> Shape:
        require(len(shapes) == 1, self.name, *shapes)
        return self.of(o, shapes[0])

    @abc.abstractmethod
    def of(self, o: Options, shape: Shape) -> Shape:
        """Return the result's shape."""


@dataclass(frozen=True)
class Table:
    """Whole numbers that an operation carries."""

    shape: Shape
    values: tuple[int, ...]

    def __getitem__(self, index: Shape) -> int:
        return self.values[flat(index, strides(self.shape))]


def indices(shape: Shape) -> Iterator[Shape]:
    """Iterate over all indices of a shape in row-major order."""
    return product(*map(range, shape))


def strides(shape: Shape) -> Shape:
    """Return by how much the row-major position grows with each index."""
    steps = [1]
    for length in reversed(shape[1:]):
        steps.append(steps[-1] * length)
    return tuple(reversed(steps)) if shape else ()


def flat(index: Shape, steps: Shape) -> int:
    """Return the row-major position of an index."""
    return sum(i * step for i, step in zip(index, steps, strict=True))


def require(fits: bool, name: str, *shapes: Shape) -> None:
    """Raise `ReadError` if an operation does not fit its arguments."""
    if not fits:
        raise ReadError("operation does not fit its arguments", operation=name, shapes=shapes)


def whole(value: Any, where: str, least: int = 0) -> int:
    """Read a whole number."""
    if type(value) is not int or not least <= value <= LONGEST:
        raise ReadError("expected a whole number", where=where, value=value)
    return value


def integer(value: Any, where: str) -> int:
    """Read a whole number of any sign that float64 holds exactly."""
    if type(value) is not int or abs(value) >= 2**1024 or int(float(value)) != value:
        raise ReadError("expected a whole number", where=where, value=value)
    return value


def lengths(value: Any, where: str) -> Shape:
    """Read a list of whole numbers."""
    if not isinstance(value, list):
        raise ReadError("expected a list of whole numbers", where=where, value=value)
    return tuple(whole(entry, where) for entry in value)


def text(value: Any, where: str) -> str:
    """Read a text."""
    if not isinstance(value, str) or len(value) > 400:
        raise ReadError("expected a text", where=where, value=value)
    return value


def fraction(value: Any, where: str) -> Fraction:
    """Read an exact number ``"p/q"``."""
    return number(value, where)


def table(value: Any, where: str) -> Table:
    """Read indices: a shape and as many whole numbers, -1 among them."""
    if not isinstance(value, dict) or set(value) != {"shape", "values"} or not isinstance(value["values"], list):
        raise ReadError("expected indices", where=where, value=value)
    shape, values = lengths(value["shape"], where), tuple(whole(entry, where, least=-1) for entry in value["values"])
    if prod(shape) != len(values):
        raise ReadError("indices do not fill their shape", where=where, shape=shape, values=len(values))
    return Table(shape, values)


def mask(value: Any, where: str) -> Table | None:
    """Read a mask of zeros and ones, or none."""
    found = None if value is None else table(value, where)
    if found is not None and not set(found.values) <= {0, 1}:
        raise ReadError("a mask holds 0 and 1", where=where)
    return found
