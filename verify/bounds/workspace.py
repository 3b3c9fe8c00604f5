"""Arrays that are written anew for every chunk of samples: fresh memory costs more than the arithmetic done in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.architecture.dense import Dense

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from verify.architecture import LinearMap


MOST_BYTES = 2**26
MOST_VIEWS = 2**12
"""What an idle workspace may hold: bytes, and arrays with a name and a shape."""


class Workspace:
    """Named arrays, kept between chunks.

    Examples
    --------
    >>> workspace = Workspace()
    >>> a = workspace.take("a", (2, 3))
    >>> workspace.take("a", (1, 3)).base is a.base
    True
    """

    def __init__(self) -> None:
        self._arrays: dict[Any, np.ndarray] = {}
        self._views: dict[Any, Any] = {}

    @property
    def is_small(self) -> bool:
        """Whether it is worth keeping while idle."""
        return sum(array.nbytes for array in self._arrays.values()) <= MOST_BYTES and len(self._views) <= MOST_VIEWS

    def take(self, key: Any, shape: tuple[int, ...], dtype: DTypeLike = np.float64) -> np.ndarray:
        """Return the array of that name, with arbitrary contents, in the given shape (rows, width)."""
        view = self._views.get((key, shape, dtype))
        if view is None:
            view = self._views[key, shape, dtype] = self._new_view(key, shape, np.dtype(dtype))
        return view

    def _new_view(self, key: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        rows, width = shape
        name = (key, width, dtype)
        array = self._arrays.get(name)
        if array is None or len(array) < rows:
            array = self._arrays[name] = np.empty((rows + 1, width), dtype)  # later chunks may have a row more
        return array[:rows]

    def scratch(self, shape: tuple[int, ...], count: int, dtype: DTypeLike = np.float64) -> list[np.ndarray]:
        """Return arrays for intermediate results; a later call may overwrite them."""
        views = self._views.get((count, shape, dtype))
        if views is None:
            views = self._views[count, shape, dtype] = [self.take(("scratch", i), shape, dtype) for i in range(count)]
        return views


_IDLE = threading.local()


@contextmanager
def borrowed_workspace() -> Iterator[Workspace]:
    """Lend this thread's idle workspace, a new one if that is lent already.

    Examples
    --------
    >>> with borrowed_workspace() as first, borrowed_workspace() as second:
    ...     first is second
    False
    """
    workspace = getattr(_IDLE, "workspace", None) or Workspace()
    _IDLE.workspace = None
    try:
        yield workspace
    finally:
        _IDLE.workspace = workspace if workspace.is_small else None


def applied(linear: LinearMap, theta: np.ndarray | None, h: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Return A(theta) h for every sample, (n, out), in the format of theta and h: written into `room`, or h itself."""
    if isinstance(linear, Dense) and theta is not None:
        return np.matmul(h, theta.T, out=room)
    return linear.apply(theta, h)


def apply_into(linear: LinearMap, theta: np.ndarray | None, h: np.ndarray, out: np.ndarray) -> None:
    """Write A(theta) h for every sample into `out` (n, out), in the format of theta and h."""
    result = applied(linear, theta, h, out)
    if result is not out:
        np.copyto(out, result, casting="same_kind")
