"""What a sliding window sees, and its transpose: convolutions and pools of any dimension are built of these.

A convolution pads, takes windows and contracts them with its kernel; a pool sums them or takes their largest entry; a
transposed convolution contracts first and folds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from verify.arithmetic.arrays import Array, accumulated, rearranged, zeros
from verify.arithmetic.intervals import Interval
from verify.arithmetic.perturbation import Perturbation, Perturbed, rounded_sum
from verify.arithmetic.precision import Precision
from verify.operations.choices import Choices
from verify.operations.operation import Drawn, LinearOperation, Operation, Shape, cut

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor

Places = tuple[int, ...]


@final
@dataclass(frozen=True)
class Windows(LinearOperation):
    """Result ``[..., p, k] = argument[..., p * stride + k * dilation]``: positions p first, then places k in the
    window.

    The last ``len(kernel)`` axes are slid over.

    Parameters
    ----------
    kernel, stride, dilation : tuple of int
        One number for each of these axes.
    """

    kernel: Places
    stride: Places
    dilation: Places
    name: ClassVar[str] = "windows"
    rule: ClassVar[str] = "every entry gets the sum of the adjoint over the windows and places that saw it"
    rounds: ClassVar[bool] = False

    def shape(self, *arguments: Shape) -> Shape:
        dimensions = len(self.kernel)
        if (
            len(arguments) != 1
            or len(arguments[0]) < dimensions
            or not _consistent(self.kernel, self.stride, self.dilation)
        ):
            raise self.refuse("takes one array with an axis for every length of the kernel", *arguments)
        grid = self.grid(arguments[0][-dimensions:])
        if min(grid) < 1:
            raise self.refuse("the window is larger than the array", *arguments)
        return (*arguments[0][:-dimensions], *grid, *self.kernel)

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes, lambda shape: len(shape) > 0 and min(shape) > 0)
        return None if position is None else (cls(*_drawn_options(choices, shapes[position])), (position,))

    def grid(self, lengths: Shape) -> Shape:
        """Return the numbers of positions."""
        return tuple(
            (n - (k - 1) * d - 1) // s + 1
            for n, k, s, d in zip(lengths, self.kernel, self.stride, self.dilation, strict=True)
        )

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        (shape,) = shapes
        lead = len(shape) - len(self.kernel)
        return self, ((*cut(shape[:lead]), *self.fewer(shape[lead:])),)

    def fewer(self, lengths: Shape) -> Shape:
        """Return shorter axes that leave as many entries at their ends unseen; windows still share entries if they did.

        The nearest that do are ``dilation / gcd(stride, dilation)`` apart; one window more is left.
        """
        axes = zip(lengths, self.grid(lengths), self.kernel, self.stride, self.dilation, strict=True)
        return tuple(n - max(count - max(k + 1, d // math.gcd(s, d) + 2), 0) * s for n, count, k, s, d in axes)

    def keeps_rows(self, *arguments: Shape) -> bool:
        return len(arguments[0]) > len(self.kernel)

    def evaluate(self, *arguments: Array) -> Array:
        return rearranged(self._views, arguments[0], self._uses)

    @property
    def _uses(self) -> int:
        """An upper bound of how many windows see an entry: along an axis at most one for each place of the kernel.

        Without dilation two of them are `stride` apart.
        """
        axes = zip(self.kernel, self.stride, self.dilation, strict=True)
        return math.prod(-(-k // s) if d == 1 else k for k, s, d in axes)

    def _views(self, a: np.ndarray) -> np.ndarray:
        dimensions = len(self.kernel)
        spans = tuple((k - 1) * d + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        seen = np.lib.stride_tricks.sliding_window_view(a, spans, axis=tuple(range(a.ndim - dimensions, a.ndim)))
        steps: list[Any] = [slice(None, None, step) for step in (*self.stride, *self.dilation)]
        return seen[(..., *steps)]

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return arguments[0].perturbation.rearranged(self._views, self._uses)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        lengths = arguments[0].shape[-len(self.kernel) :]
        return (adjoint.apply(Fold(self.kernel, self.stride, self.dilation, lengths), adjoint),)


@final
@dataclass(frozen=True)
class Fold(LinearOperation):
    """The transpose of `Windows`: every window's entries are added to the places that they were seen at."""

    kernel: Places
    stride: Places
    dilation: Places
    lengths: Shape
    name: ClassVar[str] = "fold"
    rule: ClassVar[str] = "every window gets the adjoint of the places that it was added to"

    def shape(self, *arguments: Shape) -> Shape:
        dimensions = len(self.kernel)
        windows = Windows(self.kernel, self.stride, self.dilation)
        if len(arguments) != 1 or arguments[0][-2 * dimensions :] != (*windows.grid(self.lengths), *self.kernel):
            raise self.refuse("the argument does not hold the windows of such an array", *arguments)
        return (*arguments[0][: -2 * dimensions], *self.lengths)

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        windows = Windows(self.kernel, self.stride, self.dilation)
        lengths = windows.fewer(self.lengths)
        lead = cut(shapes[0][: -2 * len(self.kernel)])
        fold = Fold(self.kernel, self.stride, self.dilation, lengths)
        return fold, ((*lead, *windows.grid(lengths), *self.kernel),)

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes, lambda shape: len(shape) > 1 and min(shape) > 0)
        if position is None:
            return None
        dimensions = choices.whole(1, min(2, len(shapes[position]) // 2))
        grid, kernel = shapes[position][-2 * dimensions : -dimensions], shapes[position][-dimensions:]
        stride, dilation = (tuple(choices.wholes(dimensions, 1, 2)) for _ in range(2))
        axes = zip(grid, kernel, stride, dilation, strict=True)
        lengths = tuple((g - 1) * s + (k - 1) * d + 1 + choices.whole(0, s - 1) for g, k, s, d in axes)
        return cls(kernel, stride, dilation, lengths), (position,)

    def keeps_rows(self, *arguments: Shape) -> bool:
        return len(arguments[0]) > 2 * len(self.kernel)

    def evaluate(self, *arguments: Array) -> Array:
        return accumulated(self._add, math.prod(self.kernel), arguments[0], 1)

    def _add(self, a: np.ndarray) -> np.ndarray:
        dimensions = len(self.kernel)
        grid = a.shape[-2 * dimensions : -dimensions]
        result = zeros((*a.shape[: -2 * dimensions], *self.lengths), a)
        everywhere: list[Any] = [slice(None)] * dimensions
        for place, where in self._places(grid):
            result[(..., *where)] += a[(..., *everywhere, *place)]
        return result

    def _places(self, grid: Shape) -> Iterator[tuple[Places, tuple[Any, ...]]]:
        for place in itertools.product(*(range(k) for k in self.kernel)):
            starts = [k * d for k, d in zip(place, self.dilation, strict=True)]
            yield (
                place,
                tuple(
                    slice(start, start + (n - 1) * step + 1, step)
                    for start, n, step in zip(starts, grid, self.stride, strict=True)
                ),
            )

    def rounded(self, *arguments: Perturbed) -> tuple[np.ndarray, np.ndarray | None]:
        return rounded_sum(self._add, math.prod(self.kernel), arguments[0].value)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return arguments[0].perturbation.accumulated(self._add, math.prod(self.kernel))

    def programmed(self, precision: Precision, *arguments: Interval) -> Interval:
        return self.programmed_sum(precision, math.prod(self.kernel), *arguments)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return (adjoint.apply(Windows(self.kernel, self.stride, self.dilation), adjoint),)


def _consistent(*options: Places) -> bool:
    dimensions = {len(option) for option in options}
    return len(dimensions) == 1 and 0 not in dimensions and all(n >= 1 for option in options for n in option)


def _drawn_options(choices: Choices, shape: Shape) -> tuple[Places, Places, Places]:
    """Return kernel, stride and dilation for the last one or two axes."""
    lengths = shape[-choices.whole(1, min(2, len(shape))) :]
    kernel = tuple(choices.whole(1, n) for n in lengths)
    stride = tuple(choices.wholes(len(lengths), 1, 3))
    most = [(n - 1) // (k - 1) if k > 1 else 2 for n, k in zip(lengths, kernel, strict=True)]
    return kernel, stride, tuple(choices.whole(1, d) for d in most)
