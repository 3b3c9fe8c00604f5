"""An activation: its formula, fast values, rigorous enclosures, and proved constants."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, final

import numpy as np
import sympy
from numpy.typing import ArrayLike, NDArray

from verify.activations.arb_numbers import ARB, rational_ball
from verify.activations.float_numbers import FLOAT
from verify.activations.interval_numbers import INTERVAL
from verify.activations.pieces import split
from verify.activations.points import approximate_points, enclose_near, enclose_points
from verify.activations.profile import FormulaPiece, Profile, profile
from verify.activations.ranges import Ranges
from verify.activations.rounding_numbers import Rounded, RoundingArithmetic
from verify.activations.saturation import sharpened
from verify.activations.symbols import Smoothness
from verify.arithmetic import arb
from verify.arithmetic.blocks import BLOCK
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import float64_array
from verify.arithmetic.intervals import Interval
from verify.outcomes import InputError

Array = NDArray[np.float64]
_NARROW = 2.0**-27
_LARGEST = float(np.finfo(np.float64).max)
_REPAIR_BITS = 2500


@final
class Activation:
    """A function of one variable, applied to every unit of a layer; build it with `verify.activation`.

    Parameters
    ----------
    name : str
        Name of a built-in, or the text of the formula.
    spec : str or mapping
        What `verify.activation` was given.
    expression : sympy.Expr
        The formula in `verify.activations.X`.

    Examples
    --------
    >>> from verify import activation
    >>> g = activation("tanh")
    >>> g.supremum(0), round(g.supremum(2), 6)
    (1.0, 0.7698)
    >>> g.range(1, [-1.0, 2.0], [1.0, 3.0])[1].round(6)
    array([1.      , 0.070651])
    """

    def __init__(self, name: str, spec: str | Mapping[str, str], expression: sympy.Expr) -> None:
        self.name = name
        self.spec = spec
        self.expression = expression
        self._whole = FormulaPiece(expression)
        self._pieces = split(expression)
        self._smooth = tuple(FormulaPiece(formula) for formula in self._pieces.formulas)
        self._profiles: dict[int, Profile] = {}
        self._suprema: dict[int, float] = {}
        self._ranges: dict[int, Ranges] = {}

    def __repr__(self) -> str:
        return f"activation({self.spec!r})"

    def __reduce__(self) -> Any:
        from verify.activations import activation

        return activation, (self.spec,)

    @property
    def smoothness(self) -> Smoothness:
        """How often it can be differentiated, decided from the formula."""
        return self._pieces.smoothness

    @property
    def kinks(self) -> tuple[Fraction, ...]:
        """Points where the first derivative jumps."""
        return self._pieces.kinks

    @property
    def jumps(self) -> tuple[tuple[Fraction, int], ...]:
        """Points where a derivative may jump, each with the lowest order that may."""
        return tuple(self._breaks())

    def symbolic_derivative(self, order: int) -> sympy.Expr:
        """Return a derivative as a sympy expression in `verify.activations.X`, not simplified.

        It is read off the graph, so that common parts are shared in memory; writing it out may take very long for a
        deeply nested formula.
        """
        return self._whole.expression(order)

    # values without a statement on the error

    def value(self, z: ArrayLike, order: int = 0) -> NDArray[Any]:
        """Return a derivative (order 0: the function) in NumPy, in the precision of `z`; at a kink that of one side."""
        return self._run(z, order)[0]

    def values(self, z: ArrayLike, order: int) -> tuple[NDArray[Any], ...]:
        """Return the derivatives of orders 0 to `order`; see `value`."""
        return self._run(z, *range(order + 1))

    def _run(self, z: ArrayLike, *orders: int) -> tuple[NDArray[Any], ...]:
        x = np.asarray(z)
        if x.dtype not in (np.float32, np.float64):
            x = x.astype(np.float64)
        program, flat = self._whole.program(*orders), np.ascontiguousarray(x).reshape(-1)
        results = [np.empty_like(flat) for _ in orders]
        with np.errstate(all="ignore"):
            for start in range(0, flat.size, BLOCK):
                part = slice(start, start + BLOCK)
                for result, piece in zip(results, program.run(FLOAT, flat[part]), strict=True):
                    result[part] = piece
            return tuple(
                self._repaired(result, flat, order).reshape(x.shape)
                for result, order in zip(results, orders, strict=True)
            )

    def _repaired(self, result: NDArray[Any], x: NDArray[Any], order: int) -> NDArray[Any]:
        """Recompute in Arb what overflowed on the way."""
        if not np.isfinite(np.sum(result, dtype=np.float64)):
            with arb.precision(_REPAIR_BITS):
                for i in np.flatnonzero(~np.isfinite(result) & np.isfinite(x)):
                    result[i] = float(self.arb(arb.Arb(float(x[i])), order).mid())
        return result

    def rounding_errors(
        self, z: Array, error: Array, roundoff: float, tiny: float = 0.0, largest: float = np.inf
    ) -> tuple[Array, Array]:
        """Return how far g and g', evaluated at numbers within `error` of `z`, may be from their values at exact `z`.

        Parameters
        ----------
        z : array
        error : array
            Of the argument, not negative.
        roundoff : float
            Unit roundoff of the evaluation, which may be any that `verify.activations.rounding_numbers` describes.
        tiny, largest : float
            Smallest normal and largest number of its format; by default nothing underflows or overflows.

        Returns
        -------
        (array, array)
            For g and for g'; infinite where nothing is known.

        Examples
        --------
        The cosine of a small angle is 1 but for a tiny number, which the subtraction loses:

        >>> from verify import activation
        >>> z = np.array([0.01])
        >>> [bool(activation({"expr": f"1000*({f})"}).rounding_errors(z, 0 * z, 2.0**-53)[0] > 1e-13) for f in
        ...  ("cos(x)-1", "x*x")]
        [True, False]
        """
        arithmetic = RoundingArithmetic(roundoff, tiny, largest)
        with np.errstate(all="ignore"):
            runs = [
                program.run(arithmetic, Rounded(z, error, np.abs(z) + error))
                for program in self._whole.programs_with_slope()
            ]
            value, slope = (np.maximum(first.error, second.error) for first, second in zip(*runs, strict=True))
        value, slope = (np.broadcast_to(np.where(np.isnan(bound), np.inf, bound), z.shape) for bound in (value, slope))
        return value, slope

    @certified_environment(products=False)
    def rounded(self, z: Array, orders: tuple[int, ...]) -> tuple[tuple[Array, Array], ...]:
        """Return derivatives at exact points, each with a bound of its absolute error: cheaper than enclosures.

        Raises
        ------
        InputError
            If the function has break points, whose sides are not told apart here, or a point is not finite.

        Examples
        --------
        >>> from verify import activation
        >>> value, error = activation("tanh").rounded(np.array([0.5]), (0,))[0]
        >>> bool(abs(value[0] - 0.46211715726000976) <= error[0] < 1e-15)
        True
        """
        if self._pieces.breaks:
            raise InputError("a function with break points", remedy="use enclosures", function=self.name)
        points = float64_array(z, "points")
        if not np.all(np.isfinite(points)):
            raise InputError("points must be finite", function=self.name, remedy="give finite points")
        results = approximate_points(self._whole.program(*orders), np.ascontiguousarray(points).reshape(-1))
        return tuple((value.reshape(points.shape), error.reshape(points.shape)) for value, error in results)

    # enclosures

    @certified_environment(products=False)
    def arb(self, z: Any, order: int = 0) -> Any:
        """Return a ball that holds the derivative at every point of the ball `z`, at the current precision.

        Where the derivative jumps the ball holds both sides; where it does not exist, because a lower one jumps, and
        where it is unbounded, the ball is not finite.
        """
        return self._balls(z, (order,))[0]

    @certified_environment(products=False)
    def arb_values(self, z: NDArray[np.object_], orders: tuple[int, ...]) -> tuple[NDArray[np.object_], ...]:
        """Return derivatives of several orders at every ball of an array, see `arb`: cheaper than one by one.

        Examples
        --------
        >>> from verify import activation
        >>> value, slope = activation("sigmoid").arb_values(arb.exact([0.0]), (0, 1))
        >>> value[0] == 0.5, slope[0] == 0.25
        (True, True)
        """
        results = tuple(np.empty(z.shape, dtype=object) for _ in orders)
        for position in np.ndindex(z.shape):
            for result, ball in zip(results, self._balls(z[position], orders), strict=True):
                result[position] = ball
        return results

    def _balls(self, z: Any, orders: tuple[int, ...]) -> tuple[Any, ...]:
        met = 0
        for point, jump in self._breaks():
            at = rational_ball(point)
            if z > at:
                met += 1
            elif not z < at:
                return tuple(
                    arb.Arb(0, np.inf) if order > jump else self._whole.program(order).run(ARB, z)[0]
                    for order in orders
                )
        return self._smooth[met].program(*orders).run(ARB, z)

    @certified_environment(products=False)
    def one_sided(self, point: Any, order: int) -> tuple[Any, Any]:
        """Return the derivative from the left and from the right at an exact ball, the same where there is no kink."""
        below = sum(1 for at in self._pieces.breaks if rational_ball(at) < point)
        upto = sum(1 for at in self._pieces.breaks if not rational_ball(at) > point)
        left, right = (self._smooth[i].program(order).run(ARB, point)[0] for i in (below, upto))
        return left, right

    def _breaks(self) -> zip[tuple[Fraction, int]]:
        return zip(self._pieces.breaks, self._pieces.jumps, strict=True)

    @certified_environment(products=False)
    def enclosure(self, z: Interval, order: int = 0) -> Interval:
        """Return an enclosure of a derivative over intervals."""
        return self._enclosed(z, (order,))[0]

    @certified_environment(products=False)
    def enclosures(self, z: Interval, order: int) -> tuple[Interval, ...]:
        """Return enclosures of the derivatives of orders 0 to `order` over intervals."""
        return self._enclosed(z, tuple(range(order + 1)))

    def _enclosed(self, z: Interval, orders: tuple[int, ...]) -> tuple[Interval, ...]:
        if z.ndim != 1:
            return tuple(result.reshape(z.shape) for result in self._enclosed(z.reshape(-1), orders))
        if z.is_exact:
            return self._at(z.mid, orders)
        wide = ~(z.rad <= _NARROW)
        if self._pieces.breaks or np.all(wide):
            return tuple(Interval.from_bounds(*bounds) for bounds in self._over(orders, z.lower, z.upper))
        computed = tuple(sorted({*orders, *(order + 1 for order in orders)}))
        bends = [self.supremum(order + 2) for order in orders]
        results = enclose_near(self._whole.program(*computed), z, orders, bends)
        results = sharpened(self.expression, z, orders, results)
        redo = wide | np.any([~np.isfinite(result.rad) for result in results], axis=0)
        return self._redone(results, z, redo, orders) if np.any(redo) else results

    def _redone(
        self, near: tuple[Interval, ...], z: Interval, redo: NDArray[np.bool_], orders: tuple[int, ...]
    ) -> tuple[Interval, ...]:
        """Replace the enclosures over wide intervals, and the ones without a bound, by ranges."""
        results = []
        ranges = self._over(orders, z.lower[redo], z.upper[redo])
        for result, bounds in zip(near, ranges, strict=True):
            lower, upper = result.lower, result.upper
            lower[redo], upper[redo] = bounds
            results.append(Interval.from_bounds(lower, upper))
        return tuple(results)

    def _at(self, z: Array, orders: tuple[int, ...]) -> tuple[Interval, ...]:
        """Enclose derivatives at float64 points."""
        results = sharpened(self.expression, Interval(z), orders, enclose_points(self._whole.program(*orders), z))
        return tuple(self._limited(r, z, order) for r, order in zip(results, orders, strict=True))

    def _limited(self, result: Interval, z: Array, order: int) -> Interval:
        """Open the enclosure at breaks where a lower derivative jumps, and bound what overflowed."""
        for point, jump in self._breaks():
            if order > jump and Fraction(float(point)) == point and np.any(at := z == float(point)):
                result = Interval(result.mid, np.where(at, np.inf, result.rad))
        if np.all(np.isfinite(result.rad)):
            return result
        bounds = self.profile(order)
        return Interval.from_bounds(np.maximum(result.lower, bounds.low), np.minimum(result.upper, bounds.high))

    # proved constants

    @certified_environment(products=False)
    def profile(self, order: int) -> Profile:
        """Return where the derivative can have extrema, and its bounds on the line; computed once."""
        if order not in self._profiles:
            self._profiles[order] = profile(self._pieces, self._smooth, order)
        return self._profiles[order]

    @certified_environment(products=False)
    def supremum(self, order: int) -> float:
        """Return an upper bound of the absolute value of a derivative on the whole line; ``inf`` if none is proved."""
        if order not in self._suprema:
            found = self.profile(order)
            self._suprema[order] = max(abs(found.low), abs(found.high))
        return self._suprema[order]

    @certified_environment(products=False)
    def range(self, order: int, lower: ArrayLike, upper: ArrayLike) -> tuple[Array, Array]:
        """Return bounds of a derivative over the intervals ``[lower, upper]``, elementwise; ends may be infinite.

        Parameters
        ----------
        order : int
        lower, upper : array_like

        Returns
        -------
        low, high : ndarray
            With ``low <= g^(order)(x) <= high`` for all x of the interval; infinite where no bound is known.

        Raises
        ------
        ArithmeticDomainError
            If an end is NaN or an interval reversed.
        """
        below, above = np.broadcast_arrays(float64_array(lower, "lower"), float64_array(upper, "upper"))
        Interval.from_bounds(below, above)
        low, high = self._over((order,), below.reshape(-1), above.reshape(-1))[0]
        return low.reshape(below.shape), high.reshape(below.shape)

    def _over(self, orders: tuple[int, ...], lower: Array, upper: Array) -> list[tuple[Array, Array]]:
        """Ranges of several derivatives over intervals given by arrays of one axis."""
        at_lower = self._at(np.clip(lower, -_LARGEST, _LARGEST), orders)
        at_upper = self._at(np.clip(upper, -_LARGEST, _LARGEST), orders)
        return [
            self._range_finder(order).range(lower, upper, left, right)
            for order, left, right in zip(orders, at_lower, at_upper, strict=True)
        ]

    def _range_finder(self, order: int) -> Ranges:
        if order not in self._ranges:
            program = self._whole.program(order)
            natural = None if self._pieces.breaks else lambda z: program.run(INTERVAL, z)[0]
            self._ranges[order] = Ranges(self.profile(order), natural)
        return self._ranges[order]
