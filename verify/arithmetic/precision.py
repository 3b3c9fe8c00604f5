"""What a program of some precision may compute: somebody else's rounding, in any order of evaluation.

`verify.arithmetic.intervals` encloses exact numbers; its radii bound the rounding of this package's own float64. Here
they are made to hold what *any* program computes that rounds to nearest, or within a few units in the last place where
elementary functions are concerned, in a format with unit roundoff u, and whose sums may run in any order, with or
without fused multiply-add: k roundings of parts that add up to `sizes` in absolute value change a result by at most
``gamma(k) sizes``, ``gamma(k) = k u/(1 - k u)`` (Higham, Accuracy and Stability of Numerical Algorithms, 3.1), and by k
of the smallest normal numbers where something underflows, flushed to zero or not. Where they may overflow nothing is
known: an infinite intermediate number may leave a finite result.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from verify.arithmetic import upward
from verify.arithmetic.intervals import Interval

LIBRARY = 8
"""Roundings of an elementary function: four units in the last place, the most that vector libraries allow."""


@dataclass(frozen=True)
class Precision:
    """A floating-point format.

    Parameters
    ----------
    roundoff : float
        Its unit roundoff, a power of two.
    tiny : float
        Its smallest normal number.
    largest : float
        Its largest number.

    Examples
    --------
    >>> single = Precision.of(np.float32)
    >>> single.roundoff == 2.0**-24, single.entered(np.array([0.1, 0.5])).rad > 0
    (True, array([ True, False]))
    """

    roundoff: float
    tiny: float
    largest: float

    @staticmethod
    def of(dtype: DTypeLike) -> Precision:
        """Return that of a floating-point type; float64 for types that are at least as precise, and for integers."""
        kind = np.dtype(dtype)
        info = np.finfo(kind if kind.kind == "f" and kind.itemsize < 8 else np.float64)
        return Precision(float(info.eps) / 2, float(info.tiny), float(info.max))

    @staticmethod
    def with_roundoff(roundoff: float) -> Precision:
        """Return that of the floating-point type with a unit roundoff; bfloat16 ends where float32 does.

        Examples
        --------
        >>> Precision.with_roundoff(2.0**-24) == Precision.of(np.float32)
        True
        """
        info = np.finfo(np.float64 if roundoff <= 2.0**-53 else np.float16 if roundoff == 2.0**-11 else np.float32)
        return Precision(roundoff, float(info.tiny), float(info.max))

    def gamma(self, roundings: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Return an upper bound of the relative error of so many roundings; infinite if they may reach one half."""
        lost = upward.mul(np.asarray(roundings, dtype=np.float64), self.roundoff)
        return np.where(lost < 0.5, upward.div(lost, np.maximum(np.nextafter(1.0 - lost, 0.0), 0.25)), np.inf)

    def entered(self, numbers: Any) -> Interval:
        """Return float64 numbers as a program reads them: rounded once where the format does not hold them."""
        values = np.asarray(numbers, dtype=np.float64)
        mantissas = np.frexp(values)[0] / self.roundoff
        rounded = (mantissas != np.rint(mantissas)) | ((np.abs(values) < self.tiny) & (values != 0))
        error = upward.add(upward.mul(np.abs(values), self.roundoff), self.tiny)
        error = np.where(np.abs(values) <= self.largest, np.where(rounded, error, 0.0), np.inf)
        return Interval.from_midrad(values, error)

    def widened(self, enclosure: Interval, roundings: Any, sizes: Any, floor: Any = 0.0) -> Interval:
        """Return an enclosure with what roundings may do to it.

        Parameters
        ----------
        enclosure : Interval
        roundings : int or array
        sizes : array
            Upper bounds of the sums of absolute values of what is rounded.
        floor : array, optional
            How much one rounding of a tiny number may do beyond the smallest normal number.
        """
        lost = upward.mul(np.asarray(roundings, dtype=np.float64), np.maximum(floor, self.tiny))
        relative = upward.mul(self.gamma(roundings), sizes)
        fits = upward.add(sizes, relative, lost) <= self.largest
        error = np.broadcast_to(np.where(fits, upward.add(relative, lost), np.inf), enclosure.shape)
        return Interval.from_midrad(enclosure.mid, upward.add(np.broadcast_to(enclosure.rad, enclosure.shape), error))


def unknown(shape: tuple[int, ...]) -> Interval:
    """Return the whole line in every entry."""
    return Interval(np.zeros(shape), np.full(shape, np.inf))
