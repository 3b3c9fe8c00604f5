"""A function of one variable applied to every entry; its formula carries everything else (`verify.activation`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from verify.activations import BUILTIN_NAMES, Activation, activation
from verify.activations.builtin import EXAMPLE_FORMULAS
from verify.activations.symbols import Smoothness
from verify.arithmetic import arb, upward
from verify.arithmetic.arrays import Array, is_exact_kind
from verify.arithmetic.intervals import Interval
from verify.arithmetic.movement import Derivatives, Movement, of_function
from verify.arithmetic.perturbation import Perturbation, Perturbed
from verify.arithmetic.precision import Precision, unknown
from verify.arithmetic.rounding import FLOOR
from verify.arithmetic.taylor_model import BoundedDerivatives, TaylorModel
from verify.operations.choices import Choices
from verify.operations.operation import Drawn, Operation, Shape, cut

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor

HIGHEST_ORDER = 16
"""Of a derivative: a network has 0, its gradient 1, its Hessian-vector product 2; formulas grow with the order."""


_EXACT = ("relu",)
"""Functions whose float64 values and slopes are not rounded: an entry of the argument, or 0 or 1."""


@final
@dataclass(frozen=True)
class Elementwise(Operation):
    """The derivative of the given order (0: the function itself) of an activation, entry by entry.

    Where the function has a kink its derivative is one of the two one-sided ones in float64, and both in an enclosure.

    Parameters
    ----------
    spec : str
        Name of a built-in activation, or a formula in x.
    order : int
    """

    spec: str
    order: int = 0
    name: ClassVar[str] = "elementwise"
    rule: ClassVar[str] = (
        "every entry gets its adjoint times the function's next derivative there, for any such function"
    )

    def __post_init__(self) -> None:
        if not 0 <= self.order <= HIGHEST_ORDER:
            raise self.refuse("the order of the derivative is out of range")
        _function(self.spec)

    @property
    def function(self) -> Activation:
        """The activation."""
        return _function(self.spec)

    @property
    def is_smooth(self) -> bool:
        """Whether the function is twice continuously differentiable."""
        return self.function.smoothness in (Smoothness.ANALYTIC, Smoothness.C2)

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        position = choices.argument(shapes)
        if position is None:
            return None
        operation = cls(choices.one_of((*BUILTIN_NAMES, *EXAMPLE_FORMULAS)))
        slope = operation.is_smooth and choices.happens(15)
        return (operation.derivative() if slope else operation), (position,)

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1:
            raise self.refuse("takes one argument", *arguments)
        return arguments[0]

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        return self, tuple(map(cut, shapes))

    def evaluate(self, *arguments: Array) -> Array:
        (x,) = arguments
        if isinstance(x, Interval):
            return self.function.enclosure(x, self.order)
        if isinstance(x, TaylorModel):
            if self.spec == "relu" and self.order == 0:
                ends = x.range()
                if np.all((ends.lower >= 0) | (ends.upper <= 0)):  # no entry crosses the kink
                    return x.rearranged(lambda a: np.where(ends.lower >= 0, a, 0.0), 1)
            orders = tuple(range(self.order, self.order + x.degree + 1))
            suprema = [0.0, *(self.function.supremum(order + 1) for order in orders)]
            smooth = BoundedDerivatives(lambda at: self.function.rounded(at, orders), suprema)
            return x.composed(self._derivatives, None if self.function.jumps else smooth)
        if is_exact_kind(x):
            return arb.elementwise(lambda ball: self.function.arb(ball, self.order))(x)
        return self.function.value(np.asarray(x), self.order)

    def rounded(self, *arguments: Perturbed) -> tuple[np.ndarray, np.ndarray | None]:
        (x,) = arguments
        if self.spec in _EXACT:
            return self.function.value(x.value, self.order), None
        if self.function.jumps:
            return super().rounded(x)
        key = (self.spec, self.order)
        if key not in x.known:  # the adjoints will ask for the slope, which has the dearest parts in common
            orders = (self.order, self.order + 1)
            found = self.function.rounded(x.value, orders)
            x.known.update({(self.spec, order): pair for order, pair in zip(orders, found, strict=True)})
        value, error = x.known[key]
        return value, error

    @property
    def is_continuous(self) -> bool:
        return all(jump > self.order for _, jump in self.function.jumps)

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        """Take the steepest slope; where a jump is within reach, the range of the function there."""
        (x,) = arguments
        near = np.zeros(x.value.shape, dtype=bool)
        entries = x.perturbation.entries
        for point, jump in self.function.jumps:
            if jump <= self.order:
                at = float(point)
                margin = 2.0 * entries + (2.0**-50 * abs(at) + FLOOR)
                near |= ~(np.abs(x.value - at) > margin)
        moved = x.perturbation.scaled(self._steepest(x))
        if not np.any(near):
            return moved
        around = Interval(x.value[near], np.broadcast_to(entries, x.value.shape)[near])
        enclosure = self.function.enclosure(around, self.order)
        box = np.zeros(x.value.shape) if moved.box is None else np.array(moved.box)
        box[near] = upward.add(np.abs(enclosure.mid - result[near]), enclosure.rad)
        return Perturbation(moved.ball, box)

    def _steepest(self, x: Perturbed) -> float:
        """Return an upper bound of the next derivative's absolute value, away from where this one jumps."""
        everywhere = _steepest_between_jumps(self.spec, self.order, -np.inf, np.inf)
        if np.isfinite(everywhere):
            return everywhere
        low, high = x.ends
        return _steepest_between_jumps(self.spec, self.order, low, high) if np.isfinite(high - low) else np.inf

    def _derivatives(self, x: Interval, orders: tuple[int, ...]) -> list[Interval]:
        if len(orders) == 1:
            return [self.function.enclosure(x, self.order + orders[0])]
        enclosures = self.function.enclosures(x, self.order + max(orders))
        return [enclosures[self.order + k] for k in orders]

    def derivatives(self, arguments: Sequence[Movement], orders: int) -> Derivatives:
        (x,) = arguments
        found = self.function.enclosures(x.box, self.order + orders)
        return of_function(x, [found[self.order + k].max_abs() for k in range(1, orders + 1)], orders)

    def derivative(self) -> Elementwise:
        """Return the operation of the next order."""
        return Elementwise(self.spec, self.order + 1)

    def programmed(self, precision: Precision, *arguments: Interval) -> Interval:
        """Follow a program through the formula, in any order; nothing is known where a jump is within reach."""
        (x,) = arguments
        exact = self.evaluate(x)
        if self.spec in _EXACT:
            return exact
        if self.order > 1 or not np.all(np.isfinite(x.rad)):
            return unknown(x.shape)
        rad = np.array(np.broadcast_to(x.rad, x.shape))
        format_ends = precision.roundoff, precision.tiny, precision.largest
        error = np.array(self.function.rounding_errors(x.mid, rad, *format_ends)[self.order])
        for point, jump in self.function.jumps:
            if jump <= self.order:
                at = float(point)
                error[np.abs(x.mid - at) <= rad + 2 * precision.roundoff * abs(at) + precision.tiny] = np.inf
        value = self.function.value(x.mid, self.order)
        known = np.isfinite(value) & np.isfinite(error)
        bound = np.where(known, 2.0 * error + precision.tiny * 2.0**10, np.inf)
        return exact.hull(Interval.from_midrad(np.where(known, value, 0.0), bound))

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return (adjoint * result.apply(self.derivative(), *arguments),)

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        (tangent,) = tangents
        return None if tangent is None else tangent * result.apply(self.derivative(), *arguments)


def _function(spec: str) -> Activation:
    return activation(spec if spec in BUILTIN_NAMES else {"expr": spec})


@lru_cache(maxsize=256)
def _steepest_between_jumps(spec: str, order: int, low: float, high: float) -> float:
    """Return an upper bound of the derivative after that of an order, on all floats between two but where it jumps."""
    function = _function(spec)
    everywhere = function.supremum(order + 1)
    if np.isfinite(everywhere):
        return everywhere
    breaks = [float(point) for point, jump in function.jumps if jump <= order and low < float(point) < high]
    lower = [low, *(float(np.nextafter(b, np.inf)) for b in breaks)]
    upper = [*(float(np.nextafter(b, -np.inf)) for b in breaks), high]
    return float(np.max(np.abs(function.range(order + 1, lower, upper))))
