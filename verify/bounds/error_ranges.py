"""Range of the error from outputs whose rounding is bounded."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from verify.arithmetic.intervals import Interval
from verify.arithmetic.rounding import FLOOR, UNIT, gamma
from verify.bounds.taylor_rounding import enlarged, largest_entry
from verify.calculus import passes
from verify.calculus.algebra import FLOAT
from verify.calculus.enclosures import weight_decay_error

if TYPE_CHECKING:
    from verify.architecture import Architecture
    from verify.bounds.forward_errors import Values
    from verify.calculus.problem import Problem


def squared_residuals(architecture: Architecture, values: Values, y: np.ndarray) -> tuple[float, float]:
    """Return the sum of a chunk's squared residuals and a bound of its error.

    With residuals r, each off by at most e, the sum is off by at most 2 e |r|_1 + n e^2, |r|_1 <= sqrt(n) |r|_2;
    the floor stands for squares that underflow.

    Parameters
    ----------
    architecture : Architecture
    values : Values
        What `forward_errors.propagate` returned for the chunk.
    y : array, shape (n, output dimension)
        Its targets.
    """
    total, lost = 0.0, 0.0
    computed = {name: values[name][0].value for name in architecture.outputs}
    for name, residual in passes.residuals(FLOAT, architecture, computed, y).items():
        error = enlarged(values[name][0].error + 2 * UNIT * largest_entry(residual))
        squared = float(np.vdot(residual, residual))
        reduction = 2 * float(gamma(residual.size)) * squared
        absolute = sqrt(residual.size * (squared + reduction + residual.size * FLOOR))
        lost += enlarged(reduction + error * (2 * absolute + residual.size * error) + 4 * UNIT * (total + squared))
        total += squared
    return total, enlarged(lost)


def range_of(problem: Problem, w: np.ndarray, squares: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return float64 numbers lo <= E(w) <= hi, given every chunk's sum of squared residuals with a bound of its error.

    The sums are exact; only the two ends are rounded. They are ``(0, inf)`` where float64 overflows.

    Parameters
    ----------
    problem : Problem
    w : array, shape (P,)
    squares : sequence of (float, float)
        What `squared_residuals` returned, all of them finite.
    """
    try:
        total, lost = (sum(map(Fraction, each)) for each in zip(*squares, strict=True))
        decay = weight_decay_error(problem, Interval.point(w))
        low, high = (
            float((total + sign * lost) / (2 * problem.sample_divisor) + Fraction(float(end)))
            for sign, end in ((-1, decay.lower), (1, decay.upper))
        )
    except OverflowError:
        return 0.0, np.inf
    return max(0.0, float(np.nextafter(low, -np.inf))), float(np.nextafter(high, np.inf))
