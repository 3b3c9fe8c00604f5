"""Arrays that live elsewhere than NumPy's: on an accelerator, or in another library's memory.

The formulas of this folder call NumPy's functions by name. An array that is no NumPy array answers them itself, by
NumPy's own protocols (``__array_ufunc__`` and ``__array_function__``, NEP 13 and 18): so every bound is written once,
for all arrays. `DeviceArray` is what such an array must be; `verify.torch` has one. The core knows no library of them.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray


class DeviceArray(np.lib.mixins.NDArrayOperatorsMixin):
    """An array of float64, int64 or boolean numbers whose operations NumPy's functions find by its protocols.

    Subclasses promise: entrywise operations are those of IEEE 754 in round to nearest with gradual underflow, and a sum
    of n products, or of n terms, is a float64 computation with at most one rounding for every product and n - 1 of
    additions, in any order; see `verify.arithmetic.rounding`.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    block: int | None = None
    """How many entries elementwise work is cut into, to stay in a cache; None: all at once."""
    is_contiguous: bool
    """Whether its entries lie in memory in their order."""

    def on_host(self) -> NDArray[Any]:
        """Return the same numbers as a NumPy array."""
        raise NotImplementedError

    def placed(self, array: NDArray[Any]) -> Self:
        """Return a NumPy array's numbers as an array where this one lives."""
        raise NotImplementedError


def as_array(x: Any) -> Any:
    """Return a device array as it is, anything else as `numpy.asarray` does.

    Examples
    --------
    >>> as_array(1.0)
    array(1.)
    """
    return x if isinstance(x, DeviceArray) else np.asarray(x)
