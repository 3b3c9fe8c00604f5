"""How far exact arrays are from computed ones: a ball and, where something is known of single entries, a box.

A `Perturbation` (ball, box) *holds* a real array d if ``d = u + v`` with ``|u_i| <= box_i`` for every entry and
``|v|_2 <= ball``, the Euclidean norm of all entries together. A linear map of norm ``|A|`` takes the ball to
``|A| ball``: balls grow along a network with the norms of its layers, boxes with the far larger sums of absolute
values, so boxes are kept only for what balls cannot say (a kink, where single entries may jump).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, sqrt
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from verify.arithmetic import upward
from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.lengths_upward import length, raised, sum_lengths
from verify.arithmetic.matrix_powers import norm_by_squaring
from verify.arithmetic.rounding import gamma, inflation

Array = NDArray[np.float64]

_SHARP_MATRICES = 2
"""Up to this many matrices of a stack the spectral norm is bounded sharply."""


def largest_norm(stack: Array) -> float:
    """Return an upper bound of the spectral norms of a stack of matrices ``(..., a, b)``.

    Examples
    --------
    >>> 1.0 <= largest_norm(np.eye(3)) < 1.01
    True
    """
    if not stack.size:
        return 0.0
    if not np.all(np.isfinite(stack)):
        return inf
    rows, columns = stack.shape[-2:]
    if 1 in (rows, columns):
        return raised(float(np.max(np.abs(stack) if rows == columns else sum_lengths(stack, (-2, -1)))))
    if stack.size > _SHARP_MATRICES * rows * columns:
        sizes = np.abs(stack)  # the norm of each matrix squared is at most its largest column times its largest row sum
        products = np.max(np.sum(sizes, axis=-2), axis=-1) * np.max(np.sum(sizes, axis=-1), axis=-1)
        return raised(sqrt(float(np.max(products)) * float(inflation(rows + columns))))
    return max(norm_by_squaring(matrix) for matrix in stack.reshape(-1, rows, columns))


def rounded_sum(add: Callable[[Array], Array], terms: int, value: Array) -> tuple[Array, Array | None]:
    """Return sums of at most `terms` entries with a bound of their rounding, in any order of summation.

    Examples
    --------
    >>> total, error = rounded_sum(np.sum, 3, np.array([0.1, 0.2, 0.3]))
    >>> bool(error > 0)
    True
    """
    if terms <= 1:
        return as_array(add(value)), None
    return as_array(add(value)), as_array(add(np.abs(value))) * (gamma(terms - 1) * inflation(terms + 1))


@final
@dataclass(frozen=True)
class Perturbation:
    """See the module.

    Parameters
    ----------
    ball : float
    box : ndarray, optional
        Of the array's shape; None is zero.

    Examples
    --------
    >>> (Perturbation(1.0) + Perturbation(2.0, np.array([0.5]))).box
    array([0.5])
    """

    ball: float = 0.0
    box: Array | None = None

    @property
    def is_zero(self) -> bool:
        """Whether nothing is perturbed."""
        return self.ball == 0.0 and self.box is None

    @property
    def length(self) -> float:
        """Upper bound of the Euclidean norm."""
        return self.ball if self.box is None else raised(self.ball + length(self.box))

    @property
    def entries(self) -> Array:
        """Upper bounds of the entries' absolute values: of the array's shape or a scalar."""
        ball = np.float64(self.ball)
        return as_array(ball) if self.box is None else upward.add(self.box, ball)

    def __add__(self, other: Perturbation) -> Perturbation:
        boxes = [box for box in (self.box, other.box) if box is not None]
        return Perturbation(raised(self.ball + other.ball), upward.add(*boxes) if boxes else None)

    def scaled(self, gain: float) -> Perturbation:
        """Return what holds D d for every diagonal matrix D with entries of at most `gain` in absolute value."""
        ball = raised(self.ball * gain) if self.ball else 0.0
        return Perturbation(ball, None if self.box is None else upward.mul(self.box, np.float64(gain)))

    def rearranged(self, move: Callable[[Array], Array], repeats: int) -> Perturbation:
        """Return what holds moved entries, every one of them used at most `repeats` times."""
        return Perturbation(raised(self.ball * sqrt(repeats)), None if self.box is None else move(self.box))

    def accumulated(self, add: Callable[[Array], Array], terms: int, uses: int = 1) -> Perturbation:
        """Return what holds sums of at most `terms` entries, every entry in at most `uses` of them.

        The norm of a matrix of zeros and ones is at most the root of its largest column and row sums' product.
        """
        box = None if self.box is None else as_array(add(self.box)) * inflation(terms)
        return Perturbation(raised(self.ball * sqrt(terms * uses)), box)


@final
class Perturbed:
    """A computed array and what holds its distance from the exact one.

    Parameters
    ----------
    value : ndarray
    perturbation : Perturbation, optional

    Attributes
    ----------
    known : dict
        What operations found out about the array and may need again.
    """

    __slots__ = ("known", "perturbation", "value")

    def __init__(self, value: Array, perturbation: Perturbation | None = None) -> None:
        self.value = value
        self.perturbation = perturbation or Perturbation()
        self.known: dict[object, Any] = {}

    def norm(self, key: object, stack: Callable[[], Array]) -> float:
        """Return `largest_norm` of the value, arranged by a function that the key stands for."""
        if key not in self.known:
            self.known[key] = largest_norm(stack())
        return float(self.known[key])

    @property
    def ends(self) -> tuple[float, float]:
        """Bounds of all entries of the exact array."""
        entries = self.perturbation.entries
        low, high = np.min(self.value - entries, initial=inf), np.max(self.value + entries, initial=-inf)
        margin = raised(2.0**-52 * max(abs(float(low)), abs(float(high))))
        return float(low) - margin, float(high) + margin


def largest_along_rows(perturbation: Perturbation) -> Perturbation:
    """Return what holds changes, one for each row, of at most the largest change in the row.

    For ``d = u + v``: ``max |d_i| <= max box_i + |v|_2`` in every row, and the rows' norms add up to the ball's square.

    Examples
    --------
    >>> largest_along_rows(Perturbation(1.0, np.array([[0.5, 0.25]])))
    Perturbation(ball=1.0, box=array([0.5]))
    """
    box = perturbation.box
    return Perturbation(perturbation.ball, None if box is None else as_array(np.max(box, axis=-1)))
