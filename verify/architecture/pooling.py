"""Average pooling: every unit of the target is the mean of a window of the source, channel by channel."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from verify.architecture.columns import gather, with_zeros
from verify.architecture.fields import known_keys, optional, pair, required
from verify.architecture.images import check_target, image_of, images
from verify.architecture.linear_map import FloatArray, IndexArray, LinearMap, Terms
from verify.architecture.rounding import sqrt_upward
from verify.architecture.windows import PlaneWindows, across_planes
from verify.arithmetic import upward
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.spectral import norm_upper

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from verify.architecture.vertex import Vertex
    from verify.arithmetic.intervals import Interval

_LARGEST_LINE = 512


@final
@dataclass(frozen=True)
class AvgPool2d(LinearMap):
    """Means of the windows of an image, without padding; rows and columns that fill no window are left out.

    Parameters
    ----------
    in_shape : tuple of three int
        Channels, height and width of the source.
    kernel, stride : tuple of two int
        Vertical and horizontal.

    Examples
    --------
    >>> AvgPool2d((1, 2, 2), kernel=(2, 2), stride=(2, 2)).apply(None, np.array([[1.0, 2.0, 3.0, 6.0]]))
    array([[3.]])
    """

    in_shape: tuple[int, int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    windows: PlaneWindows = field(init=False, repr=False, compare=False)
    kind: ClassVar[str] = "avgpool2d"

    def __post_init__(self) -> None:
        object.__setattr__(self, "in_shape", images(self.in_shape, "in_shape"))
        object.__setattr__(self, "kernel", pair(self.kernel, "kernel", minimum=1))
        object.__setattr__(self, "stride", pair(self.stride, "stride", minimum=1))
        plane = (self.in_shape[1], self.in_shape[2])
        object.__setattr__(self, "windows", PlaneWindows(plane, self.kernel, self.stride))
        self.windows.check_table(self.in_shape[0])

    @classmethod
    def between(cls, source: Vertex, target: Vertex, options: Mapping[str, Any]) -> Self:
        known_keys(options, ("from", "kind", "kernel", "stride"))
        kernel = required(options, "kernel")
        pooling = cls(image_of(source), kernel, optional(options, "stride", kernel))
        check_target(target, pooling.out_shape)
        return pooling

    @property
    def out_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the target."""
        return (self.in_shape[0], *self.windows.grid)

    @property
    def in_width(self) -> int:
        return self.in_shape[0] * self.windows.pixels

    @property
    def out_width(self) -> int:
        return self.in_shape[0] * self.windows.count

    def to_data(self) -> dict[str, Any]:
        return {"kind": self.kind, "kernel": list(self.kernel), "stride": list(self.stride)}

    def terms(self) -> Terms:
        out = np.repeat(np.arange(self.out_width), self.windows.places)
        return Terms(out, np.full(out.size, -1), self._inputs.T.ravel(), Fraction(1, self.windows.places))

    @certified_environment()
    def gain(self, theta: FloatArray | Interval | None) -> float:
        """Upper bound of the spectral norm: the smaller of up to two.

        With m the largest number of windows that see one pixel and k the places of a window, the square of the
        norm is at most the largest row sum, 1, times the largest column sum, at most ``m / k``; windows that do
        not overlap attain it. And the matrix is a Kronecker product of one matrix for each axis, whose norms
        multiply.
        """
        return self._gain

    @functools.cached_property
    def _gain(self) -> float:
        bound = sqrt_upward(Fraction(self.windows.multiplicity, self.windows.places))
        if self.windows.multiplicity == 1 or max(self.windows.size) > _LARGEST_LINE:
            return bound
        vertical, horizontal = (norm_upper(self.windows.sight(axis)) for axis in (0, 1))
        return min(bound, float(upward.div(upward.mul(vertical, horizontal), float(self.windows.places))))

    @functools.cached_property
    def _inputs(self) -> IndexArray:
        table = across_planes(self.windows.pixel_of, self.in_shape[0], self.windows.pixels)
        return table.transpose(2, 1, 0).reshape(self.windows.places, self.out_width)

    @functools.cached_property
    def _outputs(self) -> IndexArray:
        table = across_planes(self.windows.window_of, self.in_shape[0], self.windows.count)
        return table.transpose(2, 1, 0).reshape(self.windows.places, self.in_width)

    def _apply(self, theta: Any, h: Any) -> Any:
        return gather(h, self._inputs).sum(axis=-2) / float(self.windows.places)

    def _transpose(self, theta: Any, delta: Any) -> Any:
        return with_zeros(delta, 0, 1)[..., self._outputs].sum(axis=-2) / float(self.windows.places)
