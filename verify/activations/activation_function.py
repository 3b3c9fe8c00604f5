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
from verify.activations.points import enclose_near, enclose_points
from verify.activations.profile import Piece, Profile, profile
from verify.activations.ranges import Ranges
from verify.activations.symbols import Smoothness
from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval

Array = NDArray[np.float64]
_NARROW = 2.0**-27
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
        self._whole = Piece(expression)
        self._pieces = split(expression)
        self._smooth = tuple(Piece(formula) for formula in self._pieces.formulas)
        self._profiles: dict[int, Profile] = {}
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
        with np.errstate(all="ignore"):
            results = self._whole.program(*orders).run(FLOAT, x)
            separate = [
                np.array(r) if r is x or any(r is earlier for earlier in results[:i]) else np.asarray(r)
                for i, r in enumerate(results)
            ]
            return tuple(self._repaired(r, x, order) for r, order in zip(separate, orders, strict=True))

    def _repaired(self, result: NDArray[Any], x: NDArray[Any], order: int) -> NDArray[Any]:
        """Recompute in Arb what overflowed on the way."""
        if np.isfinite(np.sum(result, dtype=np.float64)):
            return result
        lost = ~np.isfinite(result) & np.isfinite(x)
        if np.any(lost):
            result = np.array(result)
            with arb.precision(_REPAIR_BITS):
                result[lost] = [float(self.arb(arb.Arb(float(entry)), order).mid()) for entry in x[lost]]
        return result

    # enclosures

    def arb(self, z: Any, order: int = 0) -> Any:
        """Return a ball that holds the derivative at every point of the ball `z`, at the current precision.

        Where the derivative jumps the ball holds both sides; where it does not exist, because a lower one jumps, and
        where it is unbounded, the ball is not finite.
        """
        met = 0
        for point, jump in self._breaks():
            at = rational_ball(point)
            if z > at:
                met += 1
            elif not z < at:
                return arb.Arb(0, np.inf) if order > jump else self._whole.program(order).run(ARB, z)[0]
        return self._smooth[met].program(order).run(ARB, z)[0]

    def one_sided(self, point: Any, order: int) -> tuple[Any, Any]:
        """Return the derivative from the left and from the right at an exact ball, the same where there is no kink."""
        below = sum(1 for at in self._pieces.breaks if rational_ball(at) < point)
        upto = sum(1 for at in self._pieces.breaks if not rational_ball(at) > point)
        left, right = (self._smooth[i].program(order).run(ARB, point)[0] for i in (below, upto))
        return left, right

    def _breaks(self) -> zip[tuple[Fraction, int]]:
        return zip(self._pieces.breaks, self._pieces.jumps, strict=True)

    def enclosure(self, z: Interval, order: int = 0) -> Interval:
        """Return an enclosure of a derivative over intervals."""
        return self._enclosed(z, (order,))[0]

    def enclosures(self, z: Interval, order: int) -> tuple[Interval, ...]:
        """Return enclosures of the derivatives of orders 0 to `order` over intervals."""
        return self._enclosed(z, tuple(range(order + 1)))

    def _enclosed(self, z: Interval, orders: tuple[int, ...]) -> tuple[Interval, ...]:
        if z.is_exact:
            return self._at(z.mid, orders)
        wide = ~(z.rad <= _NARROW * np.maximum(1.0, np.abs(z.mid)))
        if self._pieces.breaks or np.all(wide):
            return tuple(Interval.from_bounds(*self.range(order, z.lower, z.upper)) for order in orders)
        computed = tuple(sorted({*orders, *(order + 1 for order in orders)}))
        bends = [self.supremum(order + 2) for order in orders]
        results = enclose_near(self._whole.program(*computed), z, orders, bends, self._is_bounded(computed))
        return tuple(self._redone(r, z, wide, order) for r, order in zip(results, orders, strict=True))

    def _redone(self, near: Interval, z: Interval, wide: NDArray[np.bool_], order: int) -> Interval:
        """Replace the enclosures over wide intervals, and the ones without a bound, by ranges."""
        redo = wide | ~np.isfinite(near.rad)
        if not np.any(redo):
            return near
        lower, upper = near.lower, near.upper
        lower[redo], upper[redo] = self.range(order, z.lower[redo], z.upper[redo])
        return Interval.from_bounds(lower, upper)

    def _at(self, z: Array, orders: tuple[int, ...]) -> tuple[Interval, ...]:
        """Enclose derivatives at float64 points."""
        results = enclose_points(self._whole.program(*orders), z, self._is_bounded(orders))
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

    def _is_bounded(self, orders: tuple[int, ...]) -> bool:
        return all(np.isfinite(self.supremum(order)) for order in orders if order)

    # proved constants

    def profile(self, order: int) -> Profile:
        """Return where the derivative can have extrema, and its bounds on the line; computed once."""
        if order not in self._profiles:
            self._profiles[order] = profile(self._pieces, self._smooth, order)
        return self._profiles[order]

    def supremum(self, order: int) -> float:
        """Return an upper bound of the absolute value of a derivative on the whole line; ``inf`` if none is proved."""
        found = self.profile(order)
        return max(abs(found.low), abs(found.high))

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
        below, above = np.broadcast_arrays(np.asarray(lower, dtype=np.float64), np.asarray(upper, dtype=np.float64))
        Interval.from_bounds(below, above)
        if order not in self._ranges:
            program = self._whole.program(order)
            self._ranges[order] = Ranges(
                self.profile(order),
                lambda z: self._at(z, (order,))[0],
                None if self._pieces.breaks else lambda z: program.run(INTERVAL, z)[0],
            )
        return self._ranges[order].range(below, above)
