"""Enclosures of derivatives at float64 points and over narrow intervals, block by block."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from verify.activations.error_numbers import ABSOLUTE, ERROR, LONGEST_PROGRAM, plain
from verify.activations.interval_numbers import INTERVAL
from verify.activations.program import Program
from verify.arithmetic import upward
from verify.arithmetic.blocks import in_blocks
from verify.arithmetic.intervals import Interval

Array = NDArray[np.float64]


def enclose_points(program: Program, z: Array) -> tuple[Interval, ...]:
    """Run a program at exact points, which must be finite."""
    return _paired(in_blocks(lambda mid: _flat(_at(program, mid)), z))


def approximate_points(program: Program, z: Array) -> list[tuple[Array, Array]]:
    """Run a program at exact points, which must be finite; return values and bounds of their absolute errors."""

    def block(mid: Array) -> tuple[Array, ...]:
        if len(program) > LONGEST_PROGRAM:
            return _flat(program.run(INTERVAL, Interval(mid)))
        return _flat([result.interval(mid.shape) for result in program.run(ABSOLUTE, plain(Interval(mid)))])

    arrays = in_blocks(block, z)
    return list(zip(arrays[::2], arrays[1::2], strict=True))


def enclose_near(program: Program, z: Interval, orders: Sequence[int], bends: Sequence[float]) -> tuple[Interval, ...]:
    """Enclose derivatives over intervals by Taylor polynomials of degree 1 at the midpoints.

    Parameters
    ----------
    program : Program
        Computes the derivatives of all `orders` and of the orders one higher, in increasing order without repetition.
    z : Interval
    orders : sequence of int
    bends : sequence of float
        For each of them a bound of the derivative two orders higher.
    """
    computed = sorted({*orders, *(order + 1 for order in orders)})

    def block(mid: Array, rad: Array) -> tuple[Array, ...]:
        centre = dict(zip(computed, _at(program, mid), strict=True))
        half_square = upward.mul(upward.mul(rad, rad), 0.5)
        results = []
        for order, bend in zip(orders, bends, strict=True):
            slope = upward.mul(centre[order + 1].max_abs(), rad)
            total = upward.add(centre[order].rad, slope, upward.mul(half_square, bend))
            results.append(Interval(centre[order].mid, total))
        return _flat(results)

    return _paired(in_blocks(block, z.mid, z.rad))


def _at(program: Program, z: Array) -> tuple[Interval, ...]:
    if len(program) > LONGEST_PROGRAM:
        return program.run(INTERVAL, Interval(z))
    results = program.run(ERROR, plain(Interval(z)))
    return tuple(result.interval(z.shape) for result in results)


def _flat(intervals: Sequence[Interval]) -> tuple[Array, ...]:
    return tuple(part for interval in intervals for part in (interval.mid, interval.rad))


def _paired(arrays: Sequence[Array]) -> tuple[Interval, ...]:
    return tuple(
        Interval(mid, rad if np.any(rad) else None) for mid, rad in zip(arrays[::2], arrays[1::2], strict=True)
    )
