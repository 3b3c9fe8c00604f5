"""Where the arrays of a walk through a graph live, and where its operations are computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from verify.arithmetic.arrays import Array
from verify.operations.operation import Operation

R = TypeVar("R")


class Place:
    """The memory that NumPy computes in. Another place, a device with its own arrays, overrides all of it.

    What a place is asked for is the same numbers, or bounds of the same numbers: a walk does not depend on it.
    """

    def enter(self, array: np.ndarray) -> Array:
        """Return float64 numbers as an array of this place."""
        return np.asarray(array, dtype=np.float64)

    def moved(self, x: Any) -> Any:
        """Return an interval array or a Taylor model with its arrays in this place."""
        return x

    def call(self, operation: Operation, method: Callable[..., R], *arguments: Any) -> R:
        """Return what a method of an operation answers, its arrays in this place."""
        return method(*arguments)


HOST = Place()
