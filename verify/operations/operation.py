"""What a node of a network's graph computes: one abstract class, one file for each final subclass.

An operation takes arrays and returns one array. `evaluate` is its only formula for values: it is written with the
operators of `verify.arithmetic.arrays` and so holds in float64, for intervals and for exact numbers alike; that formula
in exact arithmetic *is* the definition of the operation. `pullback` says, in operations again, how an adjoint of the
result becomes adjoints of the arguments: the gradient of a network is therefore a graph of the same vocabulary, and
every arithmetic that evaluates a network evaluates its gradient (`verify.graph.reverse`) and its Hessian-vector
products (`verify.graph.tangent`).

How an operation rounds and how it spreads perturbations (`rounded`, `perturbed`: what a deep network's error bound is
made of, `verify.graph.rounding`) follows from its enclosures; an operation overrides them where it knows better.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.arrays import Array
from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.intervals import Interval
from verify.arithmetic.movement import Derivatives, Movement, derivatives_of
from verify.arithmetic.perturbation import Perturbation, Perturbed
from verify.arithmetic.precision import Precision, unknown
from verify.arithmetic.sizes import Array as Numbers
from verify.arithmetic.sizes import Sizes
from verify.operations.choices import Choices, Shape
from verify.outcomes import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from verify.graph.tensor import Tensor

Drawn = tuple["Operation", tuple[int, ...]]
"""An operation, and the positions of its arguments among arrays that it was offered."""

SHORT = 2
"""Entries left of an axis that an operation treats index by index, where its rule is proved on a shorter array."""
FEW = 3
"""Entries left of an axis that it couples, by a formula that does not depend on the length."""


class OutsideDomainError(InputError):
    """An argument may lie where the operation is not defined: nothing is known of what depends on it.

    An infinite interval would say less: a bounded function of it is bounded again, but not a number.
    """


OPERATIONS: dict[str, type[Operation]] = {}
"""Every final operation by its name: filled by the classes themselves."""


@dataclass(frozen=True)
class Operation(abc.ABC):
    """An array-valued function of arrays, immutable; its options are the fields of the dataclass.

    Subclasses are final. They are found by `name`, which files and certificates use.
    """

    name: ClassVar[str] = ""
    rule: ClassVar[str] = ""
    """How an adjoint of the result is pulled back, in words; `verify.graph.symbolic` proves `pullback`."""
    smooth: ClassVar[bool] = True
    """Whether the operation is analytic wherever it is defined."""
    rounds: ClassVar[bool] = True
    """Whether `evaluate` computes; False: it only moves entries, or finds one of them, exactly."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.name:
            if cls.name in OPERATIONS:
                raise TypeError(f"two operations are called {cls.name!r}")
            OPERATIONS[cls.name] = cls

    @abc.abstractmethod
    def shape(self, *arguments: Shape) -> Shape:
        """Return the shape of the result.

        Raises
        ------
        InputError
            If the operation does not take arguments of these shapes.
        """

    @classmethod
    def drawn(cls, choices: Choices, shapes: Sequence[Shape]) -> Drawn | None:
        """Return an operation of this class for some of the arrays of these shapes, its options drawn at random.

        Random graphs (`verify.properties.drawn_graphs`) are made so. An operation with options overrides it; one
        without takes one array.

        Returns
        -------
        (Operation, tuple of int) or None
            The positions of its arguments; None where no array fits.
        """
        if fields(cls):
            return None
        position = choices.argument(shapes, cls().takes)
        return None if position is None else (cls(), (position,))

    def takes(self, *arguments: Shape) -> bool:
        """Whether the operation takes arguments of these shapes."""
        try:
            self.shape(*arguments)
        except InputError:
            return False
        return True

    @abc.abstractmethod
    def evaluate(self, *arguments: Array) -> Array:
        """Return the result: rounded to nearest, enclosed or exact, as the arguments are."""

    @abc.abstractmethod
    def pullback(self, arguments: Sequence[Tensor], result: Tensor, adjoint: Tensor) -> Sequence[Tensor | None]:
        """Return ``J_k^T adjoint`` for every argument k, J_k being the derivative of the result in it; None is zero."""

    @abc.abstractmethod
    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        """Return ``sum of J_k tangent_k``; a tangent that is None is zero, and so is a result that is None."""

    def shortened(self, *shapes: Shape) -> tuple[Operation, tuple[Shape, ...]]:
        """Return the same operation for shorter axes: where its rule is proved if these arguments are too large.

        What may be cut are axes of whose length the formula is independent, and indices and masks along them; what
        makes a difference to a rule must be left: entries that are used twice, not at all or masked out. The default
        cuts nothing.
        """
        return self, shapes

    def derivatives(self, arguments: Sequence[Movement], orders: int) -> Derivatives:
        """Return bounds of the result's derivatives of orders 1, ..., `orders` (at most 3) over a region of weights.

        The default works them out entry by entry, from the definition itself in Taylor models; an operation that knows
        more of norms overrides it.
        """
        return derivatives_of(self.evaluate(*(argument.model() for argument in arguments)), orders)

    def bending(self, adjoint: Movement, arguments: Sequence[Movement], order: int) -> float:
        """Bound ``<adjoint, d^k result>`` where the derivatives of order k of the arguments are zero.

        Parameters
        ----------
        adjoint : Movement
            Of the derivative of the error in the result.
        arguments : sequence of Movement
        order : int
            k, 2 or 3.
        """
        bound = self.derivatives([argument.upto(order - 1) for argument in arguments], order)[order - 1]
        return 0.0 if bound is None else adjoint.value.products(bound)

    @property
    def is_continuous(self) -> bool:
        """Whether the result never jumps: then it is locally Lipschitz inside its domain, as everything here is."""
        return True

    def rounded(self, *arguments: Perturbed) -> tuple[np.ndarray, np.ndarray | None]:
        """Return a float64 result and a bound of how far its entries are from the exact result of the values.

        The bound may be of any shape that is repeated to the result's; None is zero.
        """
        if not self.rounds:
            return as_array(self.evaluate(*(x.value for x in arguments))), None
        enclosure = self.evaluate(*(Interval(x.value) for x in arguments))
        return enclosure.mid, None if enclosure.is_exact else enclosure.rad

    def perturbed(self, result: np.ndarray, *arguments: Perturbed) -> Perturbation:
        """Return what holds the difference between the exact results at exact and at computed arguments.

        The exact arguments are all that the perturbations allow; the result is what `rounded` returned, whose own
        rounding may be left out.
        """
        around = [Interval(x.value, np.broadcast_to(x.perturbation.entries, x.value.shape)) for x in arguments]
        enclosure = self.evaluate(*around)
        return Perturbation(0.0, upward.add(np.abs(enclosure.mid - result), enclosure.rad))

    def programmed(self, precision: Precision, *arguments: Interval) -> Interval:
        """Return what holds the exact result and all that programs compute, from any numbers in the arguments.

        Programs of a precision, with sums in any order. By default nothing is known of an operation that rounds.
        """
        if self.rounds:
            return unknown(self.shape(*(argument.shape for argument in arguments)))
        return self.evaluate(*arguments)

    def programmed_sum(self, precision: Precision, terms: int, *arguments: Interval) -> Interval:
        """Return it for an operation whose results are sums of so many arguments, or products of them.

        Two more roundings than such a sum needs are granted, for a product with a constant before or after it.
        """
        sizes = self.evaluate(*(Interval(argument.max_abs()) for argument in arguments)).max_abs()
        return precision.widened(self.evaluate(*arguments), terms + 2, sizes)

    def refuse(self, what: str, *shapes: Shape) -> InputError:
        """Return the error for arguments that do not fit."""
        return InputError(
            what,
            where=f"operation {self.name}",
            shapes=shapes,
            options=repr(self),
            remedy="reshape them, or correct the options",
        )


@dataclass(frozen=True)
class LinearOperation(Operation):
    """An operation that is linear in its arguments together: its derivative is the operation itself."""

    def bending(self, adjoint: Movement, arguments: Sequence[Movement], order: int) -> float:
        return 0.0

    def keeps_rows(self, *arguments: Shape) -> bool:
        """Whether row k of the result (index k of its first axis) depends on row k of each argument alone."""
        return False

    def rows(self, arguments: Sequence[Sizes]) -> Numbers | None:
        """Return bounds of the norms of the result's rows where more is known than `keeps_rows` says; None if not."""
        return None

    def pushforward(
        self, arguments: Sequence[Tensor], result: Tensor, tangents: Sequence[Tensor | None]
    ) -> Tensor | None:
        if all(tangent is None for tangent in tangents):
            return None
        filled = [a.zeros() if t is None else t for a, t in zip(arguments, tangents, strict=True)]
        return result.apply(self, *filled)


def cut(shape: Shape, *whole: int) -> Shape:
    """Return a shape whose axes are `SHORT` at most, but for those named.

    Examples
    --------
    >>> cut((100, 7, 1), 1)
    (2, 7, 1)
    """
    return tuple(n if axis in whole else min(n, SHORT) for axis, n in enumerate(shape))


def cut_rows(shape: Shape) -> Shape:
    """Return a shape for an operation along the last axis: that one is `FEW` long at most."""
    return (*cut(shape[:-1]), min(shape[-1], FEW))
