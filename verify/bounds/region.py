"""What a region of weight space is: decided membership, the way to its boundary, points of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from verify.arithmetic import rational
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import float64_array
from verify.arithmetic.intervals import Interval
from verify.bounds.exact_ball import point_within, scale_within, squared_distance, within
from verify.outcomes import InputError, Verdict

Weights = NDArray[np.float64]

_BOUNDARY_SHARE = 0.25


class Region(ABC):
    """A product of Euclidean balls in disjoint blocks of weights; one ball of all weights is the usual case.

    A region is immutable. Weights are float64 arrays of shape (P,).
    """

    @abstractmethod
    def balls(self, size: int) -> Iterator[tuple[slice, Weights, float]]:
        """Yield block, centre of the block and radius, which together cover `size` weights."""

    @property
    @abstractmethod
    def size(self) -> int | None:
        """Number P of weights; None for a region that has no dimension of its own."""

    @abstractmethod
    def to_data(self) -> dict[str, Any]:
        """Return the region as in a specification file, without its centre."""

    @certified_environment(products=False)
    def contains(self, w: ArrayLike) -> Verdict:
        """Decide whether weights are in the region: PROVED or REFUTED, never undecided.

        Parameters
        ----------
        w : array_like, shape (P,)

        Returns
        -------
        Verdict

        Raises
        ------
        InputError
            If the weights have another shape or are not finite.

        Examples
        --------
        >>> from verify.bounds.regions import Ball
        >>> Ball([0.0, 0.0], 5.0).contains([3.0, 4.0])
        <Verdict.PROVED: 'PROVED'>
        """
        weights = self._fitting(w)
        inside = all(within(weights[b], center, radius) for b, center, radius in self.balls(weights.size))
        return Verdict.PROVED if inside else Verdict.REFUTED

    @certified_environment(products=False)
    def contains_box(self, box: Interval) -> bool:
        """Return whether all weights of a box are proved to be in the region; False means "not proved".

        Parameters
        ----------
        box : Interval, shape (P,)
        """
        return all(
            bool(float((box[b] - Interval.point(center)).norm().upper) <= radius)
            for b, center, radius in self.balls(box.shape[0])
        )

    @certified_environment(products=False)
    def check_start(self, w: ArrayLike) -> None:
        """Refuse weights outside: what is proved in the region then says nothing of a training that starts from them.

        Parameters
        ----------
        w : array_like, shape (P,)

        Raises
        ------
        InputError
            Its remedy names a radius with which the region holds the weights.

        Examples
        --------
        >>> from verify.bounds.regions import BoundedWeights
        >>> BoundedWeights(4.0).check_start([3.0, 4.0])
        Traceback (most recent call last):
        ...
        verify.outcomes.InputError: the weights that training starts from are not in the region: distance=5.0,
        radius=4.0; use a radius of at least 5.0
        """
        weights = self._fitting(w)
        for block, center, radius in self.balls(weights.size):
            if not within(weights[block], center, radius):
                distance = rational.round_up(rational.sqrt_up(squared_distance(weights[block], center)))
                raise InputError(
                    "the weights that training starts from are not in the region",
                    distance=distance,
                    radius=radius,
                    remedy=f"use a radius of at least {distance!r}",
                )

    @certified_environment(products=False)
    def largest_scale(self, w: ArrayLike, step: ArrayLike) -> float:
        """Return the largest t in [0, 1], rounded down, such that w + t step is in the region in exact reals.

        Parameters
        ----------
        w : array_like, shape (P,)
            Weights in the region.
        step : array_like, shape (P,)

        Returns
        -------
        float
            The sum rounded to float64 can still fall outside by its rounding: `contains` decides that.

        Raises
        ------
        InputError
            If `w` is not in the region, or a shape is wrong.

        Examples
        --------
        >>> from verify.bounds.regions import Ball
        >>> Ball([0.0, 0.0], 1.0).largest_scale([0.5, 0.0], [2.0, 0.0])
        0.25
        """
        weights, direction = self._fitting(w), self._fitting(step, "step")
        if self.contains(weights) is not Verdict.PROVED:
            raise InputError(
                "the step does not start in the region",
                remedy="start from weights inside it",
                region=self,
            )
        scale = min(
            scale_within(weights[b], direction[b], center, radius) for b, center, radius in self.balls(weights.size)
        )
        return rational.round_down(scale)

    @certified_environment(products=False)
    def room(self, w: ArrayLike) -> float:
        """Return the radius of the largest ball around weights that is inside the region, rounded down.

        Parameters
        ----------
        w : array_like, shape (P,)

        Returns
        -------
        float
            Negative if the weights are outside.

        Examples
        --------
        >>> from verify.bounds.regions import BoundedWeights
        >>> BoundedWeights(6.0).room([3.0, 4.0])
        1.0
        """
        weights = self._fitting(w)
        return rational.round_down(
            min(
                Fraction(radius) - rational.sqrt_up(squared_distance(weights[b], center))
                for b, center, radius in self.balls(weights.size)
            )
        )

    @certified_environment(products=False)
    def farthest(self, w: ArrayLike) -> float:
        """Return an upper bound of the distance from weights to any point of the region.

        Parameters
        ----------
        w : array_like, shape (P,)

        Examples
        --------
        >>> from verify.bounds.regions import BoundedWeights
        >>> BoundedWeights(6.0).farthest([3.0, 4.0])
        11.0
        """
        weights = self._fitting(w)
        total = sum(
            (rational.sqrt_up(squared_distance(weights[b], center)) + Fraction(radius)) ** 2
            for b, center, radius in self.balls(weights.size)
        )
        return rational.round_up(rational.sqrt_up(Fraction(total)))

    @certified_environment(products=False)
    def point(self, direction: ArrayLike, distance: float) -> Weights:
        """Return the point of the region in a direction from its centre.

        Parameters
        ----------
        direction : array_like, shape (P,)
            Every block of it is scaled by itself to the radius of the block.
        distance : float
            How far, as a part of the radius: 0 is the centre, 1 the boundary.

        Returns
        -------
        array, shape (P,)
            Proved to be inside; up to rounding it is where it was asked.

        Raises
        ------
        InputError
            If the distance is not in [0, 1] or the direction does not fit.

        Examples
        --------
        >>> from verify.bounds.regions import Ball
        >>> Ball([1.0, 1.0], 0.5).point([0.0, 7.0], 1.0)
        array([1. , 1.5])
        """
        if not 0 <= distance <= 1:
            raise InputError(
                "distance must be a part of the radius, in [0, 1]",
                distance=distance,
                remedy="give 0 for the centre, 1 for the edge",
            )
        towards = self._fitting(direction, "direction")
        result = np.empty_like(towards)
        for block, center, radius in self.balls(towards.size):
            result[block] = point_within(center, radius, towards[block], float(distance))
        return result

    def sample(self, rng: np.random.Generator, size: int | None = None) -> Weights:
        """Return a random point: uniform direction; a quarter on the boundary, else distance uniform in [0, 1].

        Parameters
        ----------
        rng : numpy.random.Generator
        size : int, optional
            Number P of weights, needed when the region has no dimension of its own.

        Returns
        -------
        array, shape (P,)
            Proved to be inside.
        """
        dimension = self.size if size is None else size
        if dimension is None:
            raise InputError(
                "this region has no dimension of its own", remedy="give the number of weights as size", size=size
            )
        distance = 1.0 if rng.random() < _BOUNDARY_SHARE else float(rng.random())
        return self.point(rng.standard_normal(dimension), distance)

    def _fitting(self, values: ArrayLike, name: str = "w") -> Weights:
        array = finite_vector(values, name)
        if self.size not in (None, array.size):
            raise InputError(
                "does not fit the region",
                where=name,
                size=array.size,
                region_size=self.size,
                remedy=f"give {self.size} numbers",
            )
        return array


def finite_vector(values: ArrayLike, where: str) -> Weights:
    """Return values as a float64 vector, not necessarily a copy.

    Raises
    ------
    InputError
        If they are no vector of finite numbers, or an entry equals no float64.
    """
    array = float64_array(values, where)
    if array.ndim != 1 or array.size == 0:
        raise InputError("must be a vector of weights", where=where, shape=array.shape, remedy="give one vector")
    if not np.isfinite(array).all():
        index = int(np.flatnonzero(~np.isfinite(array))[0])
        raise InputError("must be finite", where=f"{where}[{index}]", value=float(array[index]), remedy="correct it")
    return array
