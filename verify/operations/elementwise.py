"""A function of one variable applied to every entry; its formula carries everything else (`verify.activation`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from verify.activations import BUILTIN_NAMES, Activation, activation
from verify.activations.symbols import Smoothness
from verify.arithmetic import arb
from verify.arithmetic.arrays import Array, is_exact_kind
from verify.arithmetic.intervals import Interval
from verify.arithmetic.movement import Derivatives, Movement, of_function
from verify.arithmetic.taylor_model import TaylorModel
from verify.operations.operation import Operation, Shape

if TYPE_CHECKING:
    from verify.graph.tensor import Tensor

HIGHEST_ORDER = 16
"""Of a derivative: a network has 0, its gradient 1, its Hessian-vector product 2; formulas grow with the order."""


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

    def shape(self, *arguments: Shape) -> Shape:
        if len(arguments) != 1:
            raise self.refuse("takes one argument", *arguments)
        return arguments[0]

    def evaluate(self, *arguments: Array) -> Array:
        (x,) = arguments
        if isinstance(x, Interval):
            return self.function.enclosure(x, self.order)
        if isinstance(x, TaylorModel):
            suprema = [self.function.supremum(self.order + x.degree + k) for k in (0, 1)]
            return x.composed(self._derivatives, suprema)
        if is_exact_kind(x):
            return arb.elementwise(lambda ball: self.function.arb(ball, self.order))(x)
        return self.function.value(np.asarray(x), self.order)

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

    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        return (adjoint * result.apply(self.derivative(), *arguments),)

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        (tangent,) = tangents
        return None if tangent is None else tangent * result.apply(self.derivative(), *arguments)


def _function(spec: str) -> Activation:
    return activation(spec if spec in BUILTIN_NAMES else {"expr": spec})
