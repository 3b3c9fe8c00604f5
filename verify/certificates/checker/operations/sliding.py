"""What a sliding window sees, and its transpose: position p and place k meet entry p stride + k dilation."""

from __future__ import annotations

from typing import ClassVar

from verify.certificates.checker.operations.placing import Accumulating, Rearranging
from verify.certificates.checker.operations.rule import Options, Reader, Shape, lengths, require

_WINDOW: dict[str, Reader] = {"kernel": lengths, "stride": lengths, "dilation": lengths}


def _grid(o: Options, over: Shape) -> Shape | None:
    """Return the numbers of positions of the window over axes of these lengths; None if it does not fit."""
    options = (o["kernel"], o["stride"], o["dilation"])
    if not over or any(len(option) != len(over) or min(option) < 1 for option in options):
        return None
    axes = zip(over, *options, strict=True)
    found = tuple((n - (k - 1) * d - 1) // s + 1 if n > (k - 1) * d else 0 for n, k, s, d in axes)
    return found if min(found) >= 1 else None


def _met(o: Options, positions: Shape, places: Shape) -> Shape:
    axes = zip(positions, o["stride"], places, o["dilation"], strict=True)
    return tuple(p * s + k * d for p, s, k, d in axes)


class Windows(Rearranging):
    """The last axes become positions, then places."""

    name = "windows"
    options: ClassVar[dict[str, Reader]] = _WINDOW

    def of(self, o: Options, shape: Shape) -> Shape:
        count = len(o["kernel"])
        grid = _grid(o, shape[len(shape) - count :]) if 0 < count <= len(shape) else None
        require(grid is not None, self.name, shape)
        return (*shape[: len(shape) - count], *(grid or ()), *o["kernel"])

    def source(self, o: Options, shape: Shape, index: Shape) -> Shape:
        count = len(o["kernel"])
        first = len(index) - 2 * count
        return (*index[:first], *_met(o, index[first : first + count], index[first + count :]))


class Fold(Accumulating):
    """Positions and places are added up where they meet."""

    name = "fold"
    options: ClassVar[dict[str, Reader]] = {**_WINDOW, "lengths": lengths}

    def of(self, o: Options, shape: Shape) -> Shape:
        count = len(o["kernel"])
        grid = _grid(o, o["lengths"])
        require(grid is not None and shape[len(shape) - 2 * count :] == (*(grid or ()), *o["kernel"]), self.name, shape)
        return (*shape[: len(shape) - 2 * count], *o["lengths"])

    def target(self, o: Options, shape: Shape, index: Shape) -> Shape:
        count = len(o["kernel"])
        first = len(index) - 2 * count
        return (*index[:first], *_met(o, index[first : first + count], index[first + count :]))
