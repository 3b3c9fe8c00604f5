"""Comparisons of intervals: decided for all numbers inside, or an error."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic.floats import exact_array
from verify.arithmetic.rounding import UndecidedComparisonError

Array = NDArray[np.float64]


class PartiallyOrdered:
    """What has arrays ``lower`` and ``upper``.

    An order that is neither true nor false of all numbers inside raises `UndecidedComparisonError`; there is no ``==``.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    @property
    def lower(self) -> Array:
        """Lower bounds."""
        raise NotImplementedError

    @property
    def upper(self) -> Array:
        """Upper bounds."""
        raise NotImplementedError

    def __lt__(self, other: Any) -> NDArray[np.bool_]:
        low, high = _ends(other)
        return _decided(self.upper < low, self.lower >= high, "<")

    def __le__(self, other: Any) -> NDArray[np.bool_]:
        low, high = _ends(other)
        return _decided(self.upper <= low, self.lower > high, "<=")

    def __gt__(self, other: Any) -> NDArray[np.bool_]:
        low, high = _ends(other)
        return _decided(self.lower > high, self.upper <= low, ">")

    def __ge__(self, other: Any) -> NDArray[np.bool_]:
        low, high = _ends(other)
        return _decided(self.lower >= high, self.upper < low, ">=")

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("intervals have no ==; compare .lower and .upper, or use .contains")

    def __bool__(self) -> NoReturn:
        raise TypeError("an interval has no truth value; compare .lower and .upper")


def _ends(other: Any) -> tuple[Array, Array]:
    if isinstance(other, PartiallyOrdered):
        return other.lower, other.upper
    numbers = exact_array(other)
    return numbers, numbers


def _decided(certain: NDArray[np.bool_], impossible: NDArray[np.bool_], sign: str) -> NDArray[np.bool_]:
    if not np.all(certain | impossible):
        raise UndecidedComparisonError(
            f"intervals overlap: {sign} is neither true nor false; compare .lower and .upper"
        )
    return np.asarray(certain)
