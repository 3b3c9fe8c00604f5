"""Gather and its transpose: entries at indices along an axis, and entries added at them; -1 stands for a zero."""

from __future__ import annotations

from typing import ClassVar

from verify.certificates.checker.operations.placing import Accumulating, Rearranging
from verify.certificates.checker.operations.rule import Options, Reader, Shape, require, table, whole


class Gather(Rearranging):
    """The axis is replaced by the axes of the indices."""

    name = "gather"
    options: ClassVar[dict[str, Reader]] = {"axis": whole, "indices": table}

    def of(self, o: Options, shape: Shape) -> Shape:
        axis, found = o["axis"], o["indices"]
        require(axis < len(shape) and all(place < shape[axis] for place in found.values), self.name, shape)
        return (*shape[:axis], *found.shape, *shape[axis + 1 :])

    def source(self, o: Options, shape: Shape, index: Shape) -> Shape | None:
        axis, found = o["axis"], o["indices"]
        end = axis + len(found.shape)
        place = found[index[axis:end]]
        return None if place < 0 else (*index[:axis], place, *index[end:])


class ScatterAdd(Accumulating):
    """Entry i of the axis is the sum of what stands where the indices say i."""

    name = "scatter_add"
    options: ClassVar[dict[str, Reader]] = {"axis": whole, "indices": table, "length": whole}

    def of(self, o: Options, shape: Shape) -> Shape:
        axis, found = o["axis"], o["indices"]
        end = axis + len(found.shape)
        require(end <= len(shape) and shape[axis:end] == found.shape, self.name, shape)
        require(all(place < o["length"] for place in found.values), self.name, shape)
        return (*shape[:axis], o["length"], *shape[end:])

    def target(self, o: Options, shape: Shape, index: Shape) -> Shape | None:
        axis, found = o["axis"], o["indices"]
        end = axis + len(found.shape)
        place = found[index[axis:end]]
        return None if place < 0 else (*index[:axis], place, *index[end:])
