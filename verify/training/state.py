"""What a session saved, read back: every value is checked before anything goes on from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verify.outcomes import InputError

LARGEST_COUNT = 10**12
_REMEDY = "go on from a state that was saved by the same rule, or start again"


@dataclass(frozen=True)
class SavedState:
    """Arrays by name, as `Session.state` returned them.

    Parameters
    ----------
    content : mapping of str to array
    size : int
        Number P of weights.
    steps : int
        Taken before it was saved.

    Examples
    --------
    >>> SavedState({"turn": np.array(3)}, 2).count("turn")
    3
    """

    content: Mapping[str, Any]
    size: int
    steps: int = 0

    def part(self, prefix: str) -> SavedState:
        """Return the arrays whose names begin with the prefix, without it."""
        named = {name: value for name, value in self.content.items() if name.startswith(prefix)}
        return SavedState({name.removeprefix(prefix): value for name, value in named.items()}, self.size, self.steps)

    def expect(self, needed: Collection[str], history: Collection[str] = (), *, always: bool = True) -> None:
        """Refuse missing and unknown names; the history stands there as a whole, or not at all.

        With `always` it must be there after the first step.

        Raises
        ------
        InputError
            If the names are others.
        """
        found, left = sorted(self.content), set(self.content) - set(needed)
        complete = left == set(history) or (not left and not (always and self.steps))
        if not complete or not set(needed) <= set(found):
            expected = sorted({*needed, *history})
            raise InputError("the saved state has other fields", found=found, expected=expected, remedy=_REMEDY)

    def vector(self, name: str) -> np.ndarray:
        """Return P finite float64 numbers."""
        array = self._array(name, np.dtype(np.float64), (self.size,))
        if not np.all(np.isfinite(array)):
            index = int(np.flatnonzero(~np.isfinite(array))[0])
            raise InputError(
                "a number is not finite", where=f"{name}[{index}]", value=float(array[index]), remedy=_REMEDY
            )
        return array

    def vectors(self, name: str, most: int) -> list[np.ndarray]:
        """Return at least one and at most so many vectors of P finite float64 numbers."""
        rows = np.asarray(self.content[name])
        if not 1 <= (len(rows) if rows.ndim else 0) <= most:
            raise InputError("another number of vectors", where=name, shape=rows.shape, most=most, remedy=_REMEDY)
        return [replace(self, content={name: row}).vector(name) for row in rows]

    def number(self, name: str, most: float = np.inf) -> float:
        """Return a float64 that is not negative, and at most `most`."""
        value = float(self._array(name, np.dtype(np.float64), ()))
        if not 0 <= value <= most:
            raise InputError("a number is out of range", where=name, value=value, least=0, most=most, remedy=_REMEDY)
        return value

    def count(self, name: str) -> int:
        """Return a whole number that is not negative."""
        value = int(self._array(name, np.dtype(np.int64), ()))
        if not 0 <= value <= LARGEST_COUNT:
            raise InputError("a count is out of range", where=name, value=value, most=LARGEST_COUNT, remedy=_REMEDY)
        return value

    def flag(self, name: str) -> bool:
        """Return a truth value."""
        return bool(self._array(name, np.dtype(np.bool_), ()))

    def digest(self, name: str) -> bytes:
        """Return a SHA-256."""
        return self._array(name, np.dtype(np.uint8), (32,)).tobytes()

    def _array(self, name: str, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        array = np.asarray(self.content[name])
        if array.dtype != dtype or array.shape != shape:
            raise InputError(
                "the saved state has an array of another form",
                where=name,
                dtype=str(array.dtype),
                shape=array.shape,
                expected=f"{dtype} {shape}",
                remedy=_REMEDY,
            )
        return array
