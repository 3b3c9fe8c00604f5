"""Sliding windows over an image plane: which pixels a window sees, and which windows see a pixel."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from verify.architecture.linear_map import FloatArray, IndexArray
from verify.outcomes import InputError

LARGEST_TABLE = 2**26
"""Largest number of pairs of a window and a place, over all channels: half a gibibyte of indices."""


@dataclass(frozen=True)
class PlaneWindows:
    """The windows of a convolution or a pooling over one plane of an image.

    Window ``(p, q)`` sees at place ``(i, j)`` the pixel ``(p stride - padding + i, q stride - padding + j)``;
    what lies outside of the plane is zero. Trailing rows and columns that fill no window are left out.

    Parameters
    ----------
    size, kernel, stride, padding : tuple of two int
        Vertical and horizontal.
    """

    size: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        for size, kernel, padding in zip(self.size, self.kernel, self.padding, strict=True):
            if padding >= kernel:
                raise InputError(
                    "padding must be less than the kernel, or some windows would see nothing",
                    padding=self.padding,
                    kernel=self.kernel,
                    remedy="use a smaller padding or a larger kernel",
                )
            if size + 2 * padding < kernel:
                raise InputError(
                    "the kernel is larger than the padded image",
                    kernel=self.kernel,
                    image=self.size,
                    padding=self.padding,
                    remedy="use a smaller kernel or more padding",
                )

    def check_table(self, planes: int) -> None:
        """Refuse windows whose index tables, repeated for so many planes, would exhaust the memory."""
        entries = max(self.count, self.pixels) * self.places * planes
        if entries > LARGEST_TABLE:
            raise InputError(
                f"the windows see too many pixels, at most {LARGEST_TABLE} are supported",
                pixels_seen=entries,
                kernel=self.kernel,
                image=self.size,
                channels=planes,
                remedy="take a smaller kernel or image",
            )

    @property
    def grid(self) -> tuple[int, int]:
        """Numbers of windows, vertically and horizontally."""
        vertical, horizontal = (
            (size + 2 * padding - kernel) // stride + 1
            for size, kernel, stride, padding in zip(self.size, self.kernel, self.stride, self.padding, strict=True)
        )
        return vertical, horizontal

    @property
    def count(self) -> int:
        """Number of windows."""
        return self.grid[0] * self.grid[1]

    @property
    def pixels(self) -> int:
        """Number of pixels of the plane."""
        return self.size[0] * self.size[1]

    @property
    def places(self) -> int:
        """Number of places of the kernel."""
        return self.kernel[0] * self.kernel[1]

    @functools.cached_property
    def pixel_of(self) -> IndexArray:
        """(windows, places): the pixel seen there, `pixels` where it is padding."""
        rows, columns = (self._pixels_along(axis) for axis in (0, 1))
        return _combine(rows, columns, self.size[1], absent=self.pixels)

    @functools.cached_property
    def window_of(self) -> IndexArray:
        """(pixels, places): the window that sees the pixel at that place, `count` where there is none."""
        rows, columns = (self._windows_along(axis) for axis in (0, 1))
        return _combine(rows, columns, self.grid[1], absent=self.count)

    @property
    def multiplicity(self) -> int:
        """Largest number of windows that see one pixel."""
        rows, columns = (self._multiplicity_along(axis) for axis in (0, 1))
        return rows * columns

    def sight(self, axis: int) -> FloatArray:
        """Return the matrix (windows, pixels) along one axis: one where the window sees the pixel, else zero."""
        pixels = self._pixels_along(axis)
        windows, places = np.nonzero(pixels >= 0)
        matrix = np.zeros((self.grid[axis], self.size[axis]))
        matrix[windows, pixels[windows, places]] = 1.0
        return matrix

    def _multiplicity_along(self, axis: int) -> int:
        places = np.arange(self.size[axis]) + self.padding[axis]
        last = np.minimum(places // self.stride[axis], self.grid[axis] - 1)
        first = np.maximum(-((self.kernel[axis] - 1 - places) // self.stride[axis]), 0)
        return int((last - first + 1).max())

    def _pixels_along(self, axis: int) -> IndexArray:
        starts = np.arange(self.grid[axis]) * self.stride[axis] - self.padding[axis]
        pixels = starts[:, None] + np.arange(self.kernel[axis])
        return np.where((pixels >= 0) & (pixels < self.size[axis]), pixels, -1)

    def _windows_along(self, axis: int) -> IndexArray:
        starts = np.arange(self.size[axis])[:, None] + self.padding[axis] - np.arange(self.kernel[axis])
        windows, rest = np.divmod(starts, self.stride[axis])
        return np.where((rest == 0) & (windows >= 0) & (windows < self.grid[axis]), windows, -1)


def across_planes(table: IndexArray, planes: int, plane_size: int) -> IndexArray:
    """Repeat an index table (rows, places) for every plane: (rows, planes, places) into the planes laid end to end.

    An entry equal to `plane_size`, for what is absent, becomes ``planes * plane_size``.
    """
    starts = np.arange(planes)[:, None] * plane_size
    return np.where(table[:, None, :] == plane_size, planes * plane_size, table[:, None, :] + starts)


def _combine(rows: IndexArray, columns: IndexArray, row_length: int, *, absent: int) -> IndexArray:
    row = rows[:, None, :, None]
    column = columns[None, :, None, :]
    flat = np.where((row < 0) | (column < 0), absent, row * row_length + column)
    return flat.reshape(rows.shape[0] * columns.shape[0], rows.shape[1] * columns.shape[1])
