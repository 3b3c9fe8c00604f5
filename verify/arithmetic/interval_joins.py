"""Interval arrays joined: along an axis, or stacked along a new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from verify.arithmetic.intervals import Array, Interval, Operand, interval


def concatenate(parts: Sequence[Operand], axis: int = 0) -> Interval:
    """Return the arrays joined along an axis.

    Examples
    --------
    >>> concatenate([Interval.zeros(2), np.ones(1)]).shape
    (3,)
    """
    return _joined(np.concatenate, parts, axis)


def stack(parts: Sequence[Operand], axis: int = 0) -> Interval:
    """Return the arrays stacked along a new axis."""
    return _joined(np.stack, parts, axis)


def _joined(function: Callable[..., Array], parts: Sequence[Operand], axis: int) -> Interval:
    members = [interval(part) for part in parts]
    mid = function([member.mid for member in members], axis=axis)
    if all(member.is_exact for member in members):
        return Interval(mid)
    return Interval(mid, function([member.rad for member in members], axis=axis))
