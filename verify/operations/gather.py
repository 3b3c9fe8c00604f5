"""Rows picked out of an array (embedding, indexing, upsampling), and the transpose: rows added up at their places."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import upward
from verify.arithmetic.arrays import Array, accumulated, rearranged, zeros
from verify.arithmetic.intervals import Interval
from verify.arithmetic.perturbation import Perturbation, Perturbed, rounded_sum
from verify.arithmetic.precision import Precision
from verify.arithmetic.sizes import Array as Numbers
from verify.arithmetic.sizes import Sizes
from verify.operations.choices import Choices
from verify.operations.operation import Drawn, LinearOperation, Operation, Shape, cut

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor


@final
class Indices:
    """Whole numbers that an operation carries: an immutable array with the equality of its contents.

    Examples
    --------
    >>> Indices([0, 2]) == Indices([0, 2]), Indices([0, 2]) == Indices([[0, 2]])
    (True, False)
    """

    def __init__(self, values: Any) -> None:
        self.values: NDArray[np.int64] = np.array(values, dtype=np.int64)
        self.values.flags.writeable = False
        content = repr(self.values.shape).encode() + self.values.tobytes()
        self._digest = hashlib.blake2b(content, digest_size=16).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Indices) and self._digest == other._digest

    def __hash__(self) -> int:
        return hash(self._digest)

    def __repr__(self) -> str:
        return f"Indices(shape={self.values.shape}, digest={self._digest[:8]})"


@final
@dataclass(frozen=True)
class Gather(LinearOperation):
    """The entries at `indices` along `axis`, which is replaced by the axes of `indices`.

    An index of -1 stands for a zero.
    """

    axis: int
    indices: Indices
    name: ClassVar[str] = "gather"
    rule: ClassVar[str] = "every entry gets the sum of the adjoint over the places that it was picked for"
    rounds: ClassVar[bool] = False

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1 or not 0 <= self.axis < len(arguments[0]):
            raise self.refuse("no such axis", *arguments)
        shape, found = arguments[0], self.indices.values
        if found.size and not (found.min() >= -1 and found.max() < shape[self.axis]):
            raise self.refuse("index out of range", *arguments)
        return (*shape[: self.axis], *found.shape, *shape[self.axis + 1 :])

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        found, length = _fewer(self.indices)
        shape = cut(shapes[0])
        return Gather(self.axis, found), ((*shape[: self.axis], length, *shape[self.axis + 1 :]),)

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        found = choices.axis(shapes)
        if found is None:
            return None
        position, axis = found
        picked = choices.wholes(choices.whole(1, 4), -1, shapes[position][axis] - 1)
        lengths = (2, 2) if len(picked) == 4 and choices.happens(30) else (len(picked),)
        return cls(axis, Indices(np.reshape(picked, lengths))), (position,)

    def keeps_rows(self, *arguments: Shape) -> bool:
        return self.axis > 0

    def rows(self, arguments: Sequence[Sizes]) -> Numbers | None:
        if self.axis or not self.indices.values.ndim:
            return None
        found = upward.norm(self._pick(arguments[0].rows), axis=tuple(range(1, self.indices.values.ndim)))
        counts = [np.unique(row[row >= 0], return_counts=True)[1].max(initial=1) for row in self._first()]
        repeats = max(counts, default=1)
        return np.minimum(found, upward.mul(arguments[0].whole, upward.sqrt(float(repeats))))

    def _first(self) -> NDArray[np.int64]:
        return self.indices.values.reshape(len(self.indices.values), -1)

    def evaluate(self, *arguments: Array) -> Array:
        return rearranged(self._pick, arguments[0], self._uses)

    @cached_property
    def _uses(self) -> int:
        """The largest number of times that an entry is picked."""
        found = self.indices.values
        return int(np.max(np.bincount(found[found >= 0]), initial=1))

    def _pick(self, a: np.ndarray) -> np.ndarray:
        found = self.indices.values
        if not found.size or found.min() >= 0:
            return np.take(a, found, axis=self.axis)
        extended = np.concatenate([a, zeros((*a.shape[: self.axis], 1, *a.shape[self.axis + 1 :]), a)], axis=self.axis)
        return np.take(extended, found, axis=self.axis, mode="wrap")

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return arguments[0].perturbation.rearranged(self._pick, self._uses)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        length = arguments[0].shape[self.axis]
        return (adjoint.apply(ScatterAdd(self.axis, self.indices, length), adjoint),)


@final
@dataclass(frozen=True)
class ScatterAdd(LinearOperation):
    """The transpose of `Gather`: entry i of the result's `axis` is the sum of what stands where `indices` says i."""

    axis: int
    indices: Indices
    length: int
    name: ClassVar[str] = "scatter_add"
    rule: ClassVar[str] = "every summand gets the adjoint of the place that it was added to"

    def shape(self, *arguments: Shape) -> Shape:
        found = self.indices.values
        axes, last = found.shape, self.axis + found.ndim
        if len(arguments) != 1 or not 0 <= self.axis <= last <= len(arguments[0]):
            raise self.refuse("no such axes", *arguments)
        if arguments[0][self.axis : last] != axes:
            raise self.refuse("the argument does not have the axes of the indices", *arguments)
        if self.length < 0 or (found.size and not (found.min() >= -1 and found.max() < self.length)):
            raise self.refuse("index out of range", *arguments)
        return (*arguments[0][: self.axis], self.length, *arguments[0][self.axis + len(axes) :])

    @cached_property
    def _sorted(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Positions that count, ordered by their index; where each index's run starts; the indices that occur."""
        flat = self.indices.values.reshape(-1)
        order = np.argsort(flat, kind="stable")
        order = order[flat[order] >= 0]
        present, starts = np.unique(flat[order], return_index=True)
        return order, starts, present

    @cached_property
    def _terms(self) -> int:
        """The largest number of entries that are added up in one place."""
        order, starts, _ = self._sorted
        return int(np.max(np.diff([*starts, len(order)]), initial=1))

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        found, length = _fewer(self.indices)
        shape, last = cut(shapes[0]), self.axis + self.indices.values.ndim
        short = (*shape[: self.axis], *found.values.shape, *shape[last:])
        return ScatterAdd(self.axis, found, length), (short,)

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes)
        if position is None:
            return None
        shape = shapes[position]
        axis = choices.whole(0, len(shape))
        count, length = choices.whole(0, min(len(shape) - axis, 2)), choices.whole(1, 4)
        lengths = shape[axis : axis + count]
        places = choices.wholes(int(np.prod(lengths)), -1, length - 1)
        return cls(axis, Indices(np.reshape(places, lengths)), length), (position,)

    def keeps_rows(self, *arguments: Shape) -> bool:
        return self.axis > 0

    def evaluate(self, *arguments: Array) -> Array:
        return accumulated(self._add, self._terms, arguments[0], 1)

    def _add(self, a: np.ndarray) -> np.ndarray:
        order, starts, present = self._sorted
        count = self.indices.values.ndim
        flat = a.reshape(*a.shape[: self.axis], self.indices.values.size, *a.shape[self.axis + count :])
        result = zeros((*flat.shape[: self.axis], self.length, *flat.shape[self.axis + 1 :]), a)
        if len(order):
            where: tuple[Any, ...] = (slice(None),) * self.axis
            result[(*where, present)] = np.add.reduceat(np.take(flat, order, axis=self.axis), starts, axis=self.axis)
        return result

    def rounded(self, *arguments: Perturbed) -> tuple[np.ndarray, np.ndarray | None]:
        return rounded_sum(self._add, self._terms, arguments[0].value)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        return arguments[0].perturbation.accumulated(self._add, self._terms)

    def programmed(self, precision: Precision, *arguments: Interval) -> Interval:
        return self.programmed_sum(precision, self._terms, *arguments)

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return (adjoint.apply(Gather(self.axis, self.indices), adjoint),)


_FEW_INDICES = 8


def _fewer(indices: Indices) -> tuple[Indices, int]:
    """Return the first indices along every axis, renumbered without gaps, and a length that leaves one unused.

    If an index is repeated, or is -1, then so is one that is left.
    """
    found = np.array(indices.values[(slice(_FEW_INDICES),) * indices.values.ndim])
    picked = indices.values[indices.values >= 0]
    if np.unique(picked).size < picked.size:
        found.flat[0] = found.flat[-1] = picked[0]
    if picked.size < indices.values.size and found.min() >= 0:
        found.flat[found.size // 2] = -1
    used = np.unique(found[found >= 0])
    return Indices(np.where(found >= 0, np.searchsorted(used, found), -1)), len(used) + 1
