"""Arrays under another shape: what an array with a function for moved entries gets from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic.device_arrays import as_array

Array = NDArray[np.float64]


class Movable:
    """What has a `shape` and a method `rearranged`."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        raise NotImplementedError

    def rearranged(self, function: Callable[[Array], Array]) -> Self:
        """Return the array that a function makes which only moves, repeats or leaves out entries, or puts in zeros."""
        raise NotImplementedError

    def __getitem__(self, index: Any) -> Self:
        return self.rearranged(lambda a: as_array(a[index]))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    def __iter__(self) -> Iterator[Self]:
        return (self[i] for i in range(len(self)))

    @property
    def T(self) -> Self:  # noqa: N802 -- as in NumPy
        """Transposed array."""
        return self.rearranged(np.transpose)

    def reshape(self, *shape: Any) -> Self:
        """Return the same entries in another shape."""
        return self.rearranged(lambda a: a.reshape(*shape))

    def transpose(self, *axes: Any) -> Self:
        """Return the array with permuted axes."""
        return self.rearranged(lambda a: a.transpose(*axes))

    def swapaxes(self, first: int, second: int) -> Self:
        """Return the array with two axes exchanged."""
        return self.rearranged(lambda a: a.swapaxes(first, second))

    def broadcast_to(self, shape: tuple[int, ...]) -> Self:
        """Return the array repeated to a larger shape (read-only)."""
        return self.rearranged(lambda a: np.broadcast_to(a, shape))
