"""Convolution (cross-correlation, as in common frameworks): one kernel slides over all positions of an image."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from verify.architecture.columns import gather, with_zeros
from verify.architecture.fields import known_keys, optional, pair, required, whole_number
from verify.architecture.images import check_target, image_of, images
from verify.architecture.linear_map import FloatArray, IndexArray, LinearMap, Terms
from verify.architecture.rounding import sqrt_upward
from verify.architecture.sliding import sliding_product
from verify.architecture.windows import PlaneWindows, across_planes
from verify.arithmetic import upward
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.spectral import norm_upper

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from verify.architecture.vertex import Vertex
    from verify.arithmetic.intervals import Interval

_LARGEST_DENSE_MATRIX = 2**20


@final
@dataclass(frozen=True)
class Conv2d(LinearMap):
    """Convolution with a kernel of shape (channels, source channels, kernel height, kernel width).

    Parameters
    ----------
    in_shape : tuple of three int
        Channels, height and width of the source.
    channels : int
        Channels of the target.
    kernel, stride, padding : tuple of two int
        Vertical and horizontal; `padding` counts the zeros put on either side.

    Examples
    --------
    >>> convolution = Conv2d((1, 1, 3), channels=1, kernel=(1, 2))
    >>> convolution.apply(np.array([[[[1.0, 10.0]]]]), np.array([[1.0, 2.0, 3.0]]))
    array([[21., 32.]])
    """

    in_shape: tuple[int, int, int]
    channels: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    windows: PlaneWindows = field(init=False, repr=False, compare=False)
    kind: ClassVar[str] = "conv2d"

    def __post_init__(self) -> None:
        object.__setattr__(self, "in_shape", images(self.in_shape, "in_shape"))
        object.__setattr__(self, "channels", whole_number(self.channels, "channels", minimum=1))
        object.__setattr__(self, "kernel", pair(self.kernel, "kernel", minimum=1))
        object.__setattr__(self, "stride", pair(self.stride, "stride", minimum=1))
        object.__setattr__(self, "padding", pair(self.padding, "padding", minimum=0))
        plane = (self.in_shape[1], self.in_shape[2])
        object.__setattr__(self, "windows", PlaneWindows(plane, self.kernel, self.stride, self.padding))
        self.windows.check_table(max(self.in_shape[0], self.channels))

    @classmethod
    def between(cls, source: Vertex, target: Vertex, options: Mapping[str, Any]) -> Self:
        known_keys(options, ("from", "kind", "channels", "kernel", "stride", "padding"))
        convolution = cls(
            image_of(source),
            required(options, "channels"),
            required(options, "kernel"),
            optional(options, "stride", (1, 1)),
            optional(options, "padding", (0, 0)),
        )
        check_target(target, convolution.out_shape)
        return convolution

    @property
    def out_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the target."""
        return (self.channels, *self.windows.grid)

    @property
    def in_width(self) -> int:
        return self.in_shape[0] * self.windows.pixels

    @property
    def out_width(self) -> int:
        return self.channels * self.windows.count

    @property
    def parameter_shape(self) -> tuple[int, ...]:
        return (self.channels, self.in_shape[0], *self.kernel)

    def to_data(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "channels": self.channels,
            "kernel": list(self.kernel),
            "stride": list(self.stride),
            "padding": list(self.padding),
        }

    def terms(self) -> Terms:
        shape = (self.channels, self.windows.count, self._patch_width)
        channel, window, place = (index.ravel() for index in np.indices(shape))
        source = self._patches[window, place]
        seen = source < self.in_width
        return Terms(
            (channel * self.windows.count + window)[seen],
            (channel * self._patch_width + place)[seen],
            source[seen],
            Fraction(1),
        )

    @property
    def overlap(self) -> float:
        """Square root of the largest number of windows that see one pixel.

        By Cauchy-Schwarz in every window, ``|A(theta) h|^2 <= |theta|^2`` times the sum over the windows of the
        squared norm of what they see, and no pixel is counted in it more often than that.
        """
        return sqrt_upward(Fraction(self.windows.multiplicity))

    @certified_environment()
    def gain(self, theta: FloatArray | Interval | None) -> float:
        """Upper bound of the spectral norm: the smallest of up to three.

        `overlap` times the norm of the kernel as a matrix (channels, source channels x places); the sum over the
        places of the norms of its slices, since picking and shifting pixels lengthens nothing; and the norm of
        the whole matrix where that is small.
        """
        kernel: Any = theta
        slices = kernel.reshape(self.channels, self.in_shape[0], self.windows.places).transpose(2, 0, 1)
        bounds = [
            float(upward.mul(self.overlap, norm_upper(kernel.reshape(self.channels, self._patch_width)))),
            float(upward.sum(norm_upper(slices), axis=0)),
        ]
        if self.in_width * self.out_width <= _LARGEST_DENSE_MATRIX:
            bounds.append(float(norm_upper(self._matrix(kernel))))
        return min(bounds)

    @property
    def _patch_width(self) -> int:
        return self.in_shape[0] * self.windows.places

    @functools.cached_property
    def _patches(self) -> IndexArray:
        """(windows, source channels x places): the unit seen there, ``in_width`` where it is padding."""
        table = across_planes(self.windows.pixel_of, self.in_shape[0], self.windows.pixels)
        return table.reshape(self.windows.count, self._patch_width)

    @functools.cached_property
    def _views(self) -> IndexArray:
        """(pixels, channels x places): the unit of the target that sees the pixel there, ``out_width`` if none."""
        table = across_planes(self.windows.window_of, self.channels, self.windows.count)
        return table.reshape(self.windows.pixels, self.channels * self.windows.places)

    def _apply(self, theta: Any, h: Any) -> Any:
        return sliding_product(theta.reshape(self.channels, self._patch_width), h, self._patches)

    def _transpose(self, theta: Any, delta: Any) -> Any:
        kernel = theta.reshape(self.channels, self.in_shape[0], self.windows.places).transpose(1, 0, 2)
        return sliding_product(kernel.reshape(self.in_shape[0], -1), delta, self._views)

    def _parameter_gradient(self, h: Any, delta: Any) -> Any:
        rows = math.prod(h.shape[:-1])
        patches = gather(with_zeros(h, 0, 1), self._patches).reshape(rows * self.windows.count, self._patch_width)
        by_channel = delta.reshape(rows, self.channels, self.windows.count).transpose(1, 0, 2)
        return (by_channel.reshape(self.channels, rows * self.windows.count) @ patches).reshape(*self.parameter_shape)
