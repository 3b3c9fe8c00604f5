"""Whether the pullback of an operation is the transpose of its derivative: decided on symbols.

The result is computed from an array of opaque symbols for every argument, by the operation's own `evaluate`; with a
symbol lambda_o for every entry of the adjoint, the derivatives of ``sum over o of lambda_o result_o`` in the symbols of
the arguments are the entries of ``J^T lambda``. They must equal what `pullback`, evaluated on the same symbols,
returns: an identity of functions, for all values of the entries, at the shapes in question
(`verify.graph.symbolic.ring`; proofs_notes, note backpropagation, has every operation for all lengths).

The shapes are the graph's own where that is not too much work, else those of `Operation.shortened`: the same formula
with fewer entries along axes of whose length it is independent, indices and masks cut with them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

import numpy as np

from verify.arithmetic.arrays import Array
from verify.budget import check_time
from verify.graph.evaluation import Arithmetic, evaluate
from verify.graph.graph import Graph
from verify.graph.symbolic.ring import NotPositiveError, Ring, Symbolic, TooLargeError
from verify.graph.tensor import GraphBuilder
from verify.operations.contraction import Contraction
from verify.operations.elementwise import Elementwise
from verify.operations.leaves import Constant, Leaf
from verify.operations.maximum import LargestIndicator, Maximum
from verify.operations.operation import Operation, Shape
from verify.outcomes import InputError

MOST_AT_OWN_SHAPES, MOST_TERMS = 2_000, 100_000
"""How many entries and products an operation may have to be tried on symbols, at some ten microseconds each: at the
graph's own shapes, and at shortened ones."""
MOST_WORK = 2_000_000
"""How many monomials may be handled for one rule."""


@dataclass(frozen=True)
class Proved:
    """A rule that is proved.

    Parameters
    ----------
    own_shapes : bool
        At the graph's own shapes; else at shortened ones.
    positive : bool
        For positive arguments; else for all for which the formulas are defined.
    """

    own_shapes: bool
    positive: bool


@dataclass(frozen=True)
class Unproved:
    """A rule that is not.

    Parameters
    ----------
    why : str
    wrong : bool
        Whether the identity fails; else it was too large to be decided.
    """

    why: str
    wrong: bool


def prove_rule(operation: Operation, shapes: Sequence[Shape], slots: Sequence[int]) -> Proved | Unproved:
    """Decide whether `pullback` returns the transposed derivatives times the adjoint.

    Parameters
    ----------
    operation : Operation
    shapes : sequence of tuple of int
        Of the arguments.
    slots : sequence of int
        Which arguments are asked about.

    Examples
    --------
    >>> from verify.operations.contraction import Contraction
    >>> prove_rule(Contraction("nd", "hd", "nh"), [(4, 3), (2, 3)], [0, 1])
    Proved(own_shapes=True, positive=False)
    """
    short, fewer = operation.shortened(*shapes)
    tries = [(operation, tuple(shapes), MOST_AT_OWN_SHAPES), (short, fewer, MOST_TERMS)]
    for is_short, (tried, used, most) in enumerate(tries):
        check_time()
        if _terms(tried, used) > most:
            continue
        try:
            flaw, positive = _flaw(tried, used, slots)
        except TooLargeError:
            continue
        except (ArithmeticError, AttributeError, TypeError) as error:
            return Unproved(f"it cannot be evaluated on symbols: {error}", wrong=False)
        if flaw is not None:
            return Unproved(flaw, wrong=True)
        return Proved(not is_short, positive)
    return Unproved(f"too many entries to be proved, arguments of shapes {list(map(list, fewer))}", wrong=False)


def _terms(operation: Operation, shapes: Sequence[Shape]) -> int:
    """Count the entries that an operation reads and returns, and the products that a contraction adds up."""
    if isinstance(operation, Contraction):
        letters = dict(zip(operation.left + operation.right, itertools.chain(*shapes), strict=True))
        return math.prod(letters.values())
    return sum(math.prod(shape) for shape in (*shapes, operation.shape(*shapes)))


def _flaw(operation: Operation, shapes: Sequence[Shape], slots: Sequence[int]) -> tuple[str | None, bool]:
    """Return why the pullback is not the transposed derivative, None if it is; and whether for positive numbers."""
    try:
        graph = _pullback_graph(operation, shapes)
    except InputError as error:
        return f"its pullback cannot be applied: {error}", False
    positive = False
    for largest in range(shapes[0][-1]) if isinstance(operation, Maximum | LargestIndicator) else (None,):
        try:
            flaw = _compared(Ring(MOST_WORK), graph, shapes, slots, largest)
        except NotPositiveError:  # then its domain are the positive numbers
            flaw, positive = _compared(Ring(MOST_WORK, roots=True), graph, shapes, slots, largest), True
        if flaw is not None:
            return flaw, positive
    return None, positive


def _pullback_graph(operation: Operation, shapes: Sequence[Shape]) -> Graph:
    """Return the graph of the result and what each argument gets; the leaves are the arguments and an adjoint."""
    builder = GraphBuilder()
    arguments = [builder.constant(f"x{k}", shape) for k, shape in enumerate(shapes)]
    result = builder.add(operation, *arguments)
    adjoint = builder.constant("adjoint", result.shape)
    parts = operation.pullback(arguments, result, adjoint)
    if len(parts) != len(arguments):
        raise ValueError(f"{operation.name} pulls back to {len(parts)} arguments of {len(arguments)}")
    found = [x.zeros() if part is None else part for x, part in zip(arguments, parts, strict=True)]
    return builder.build(result, *found)


def _compared(
    ring: Ring, graph: Graph, shapes: Sequence[Shape], slots: Sequence[int], largest: int | None
) -> str | None:
    """Compare derivatives and pullback; `largest` is the place of every row's largest entry, where that matters."""
    arguments: list[Any] = [_symbols(ring.variable, shape) for shape in shapes]
    if largest is not None:
        ring.leading.update(arguments[0][at].key for at in np.ndindex(arguments[0].shape) if at[-1] == largest)
    values: dict[Leaf, Any] = {Constant(f"x{k}", tuple(x.shape)): x for k, x in enumerate(arguments)}
    adjoint = _symbols(ring.weight, graph.nodes[graph.outputs[0]].shape)
    ring.check_work()
    values[Constant("adjoint", tuple(adjoint.shape))] = adjoint
    result, *parts = evaluate(graph, values, symbols(ring))
    ring.check_work()
    slopes = _transposed(ring, result, adjoint)
    ring.check_work()
    for slot in slots:
        argument, part = arguments[slot], parts[slot]
        if part.shape != argument.shape:
            return f"what argument {slot} gets has the shape {list(part.shape)}, not {list(argument.shape)}"
        for at in np.ndindex(argument.shape):
            if not (slopes.get(argument[at].key, ring.number(0)) - part[at]).is_zero():
                return f"what entry {list(at)} of argument {slot} gets is not the derivative"
    return None


def _transposed(ring: Ring, result: np.ndarray, adjoint: np.ndarray) -> dict[Any, Symbolic]:
    """Return the derivatives of ``sum of adjoint * result`` by the keys of the variables."""
    total: dict[Any, Symbolic] = {}
    for y, weight in zip(result.flat, adjoint.flat, strict=True):
        for key, slope in ring.read(y).derivatives().items():
            total[key] = total.get(key, ring.number(0)) + slope * weight
    return total


def _symbols(new: Callable[[], Symbolic], shape: Shape) -> np.ndarray:
    array = np.empty(shape, dtype=object)
    for at in np.ndindex(shape):
        array[at] = new()
    return array


def symbols(ring: Ring) -> Arithmetic:
    """Return the arithmetic of a ring's numbers."""

    def enter(array: np.ndarray) -> np.ndarray:
        entered = np.empty(array.shape, dtype=object)
        for at in np.ndindex(array.shape):
            entered[at] = ring.number(float(array[at]))
        return entered

    return Arithmetic("symbols", enter, apply=lambda operation, arguments: _applied(operation, ring, arguments))


@singledispatch
def _applied(operation: Operation, ring: Ring, arguments: list[Array]) -> Array:
    return operation.evaluate(*arguments)


@_applied.register
def _differentiated(operation: Elementwise, ring: Ring, arguments: list[Array]) -> Array:
    """Return a function of which nothing is known but that the operation of the next order is its derivative."""
    (x,) = arguments
    result = np.empty(x.shape, dtype=object)
    for at in np.ndindex(x.shape):
        result[at] = ring.function((operation.spec, operation.order), x[at])
    return result


@_applied.register
def _leading(operation: LargestIndicator, ring: Ring, arguments: list[Array]) -> Array:
    """Return 1 at the entry that is assumed to be the largest, 0 elsewhere."""
    (z,) = arguments
    result = np.empty(z.shape, dtype=object)
    for at in np.ndindex(z.shape):
        result[at] = ring.number(int(z[at].key in ring.leading))
    return result
