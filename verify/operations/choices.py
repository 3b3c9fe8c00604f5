"""Where the options of a random operation come from: whole numbers in a range, and what is made of them.

A campaign draws them by a seed (`RandomChoices`), property tests by Hypothesis, which shrinks them
(`verify.strategies`); the least number is the simplest choice.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TypeVar, final

import numpy as np

Shape = tuple[int, ...]
T = TypeVar("T")


class Choices(abc.ABC):
    """A source of choices."""

    @abc.abstractmethod
    def wholes(self, count: int, least: int, most: int) -> list[int]:
        """Return whole numbers from `least` to `most`, both included."""

    def whole(self, least: int, most: int) -> int:
        """Return a whole number from `least` to `most`, both included."""
        return self.wholes(1, least, most)[0]

    def one_of(self, things: Sequence[T]) -> T:
        """Return one of several things, the first being the simplest."""
        return things[self.whole(0, len(things) - 1)]

    def happens(self, percent: int) -> bool:
        """Return True in so many of a hundred cases; False is simpler."""
        return self.whole(0, 99) >= 100 - percent

    def order(self, count: int) -> tuple[int, ...]:
        """Return a permutation of ``0, ..., count - 1``."""
        left = list(range(count))
        return tuple(left.pop(self.whole(0, len(left) - 1)) for _ in range(count))

    def fraction(self) -> Fraction:
        """Return a fraction of small whole numbers, not zero."""
        return Fraction(self.one_of((1, -1, 2, -2, 3, -5, 7)), self.one_of((1, 2, 3, 4, 7, 10)))

    def argument(self, shapes: Sequence[Shape], fits: Callable[[Shape], bool] = lambda shape: True) -> int | None:
        """Return the position of a shape that fits, early ones more often; None if there is none."""
        positions = [k for k, shape in enumerate(shapes) if fits(shape)]
        return positions[self.whole(0, self.whole(0, len(positions) - 1))] if positions else None

    def axis(self, shapes: Sequence[Shape]) -> tuple[int, int] | None:
        """Return the position of a shape with axes and one of its axes; None if there is none."""
        position = self.argument(shapes, lambda shape: len(shape) > 0)
        return None if position is None else (position, self.whole(0, len(shapes[position]) - 1))


@final
class RandomChoices(Choices):
    """Choices of a seed.

    Examples
    --------
    >>> one, other = RandomChoices(3), RandomChoices(3)
    >>> one.order(4) == other.order(4)
    True
    """

    def __init__(self, seed: int | Sequence[int]) -> None:
        self._rng = np.random.default_rng(seed)

    def wholes(self, count: int, least: int, most: int) -> list[int]:
        return [int(number) for number in self._rng.integers(least, most + 1, size=count)]
