"""The one walk through a graph: from the leaves to the outputs, in any arithmetic.

An arithmetic says only how a float64 array enters it; the operations do the rest with the operators of its arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from verify.arithmetic import arb
from verify.arithmetic.arrays import Array
from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.floats import exact_array
from verify.arithmetic.intervals import Interval
from verify.arithmetic.taylor_model import TaylorModel
from verify.graph.graph import Graph
from verify.graph.places import HOST, Place
from verify.operations.leaves import Filled, Leaf
from verify.operations.operation import Operation, OutsideDomainError, Shape
from verify.outcomes import InputError

Values = Mapping[Leaf, np.ndarray | Array]


@dataclass(frozen=True)
class Arithmetic:
    """What numbers a graph is evaluated in.

    Parameters
    ----------
    name : str
    enter : callable
        Turns an array of float64 numbers into an array of these numbers, exactly where they are exact or enclose.
    unknown : callable, optional
        Makes an array of a shape of which nothing is known: the answer where an operation may leave its domain.
    apply : callable, optional
        From an operation and its arguments to the result: its `evaluate` by default.
    """

    name: str
    enter: Callable[[np.ndarray], Array]
    unknown: Callable[[Shape], Array] | None = None
    apply: Callable[[Operation, list[Array]], Array] | None = None


def _as_float64(array: np.ndarray) -> np.ndarray:
    return np.asarray(array, dtype=np.float64)


def _as_float32(array: np.ndarray) -> np.ndarray:
    return np.asarray(array, dtype=np.float32)


def _as_fractions(array: np.ndarray) -> np.ndarray:
    numbers = np.empty(array.shape, dtype=object)
    numbers.reshape(-1)[:] = [Fraction(float(x)) for x in np.asarray(array).reshape(-1)]
    return numbers


def _as_balls(array: np.ndarray) -> np.ndarray:
    return np.asarray(arb.exact(array), dtype=object)


FLOAT64 = Arithmetic("float64", _as_float64)
FLOAT32 = Arithmetic("float32", _as_float32)


def _whole_line(shape: Shape) -> Interval:
    return Interval(np.zeros(shape), np.full(shape, np.inf))


def intervals_in(place: Place) -> Arithmetic:
    """Return the arithmetic of interval arrays of a place."""
    return Arithmetic("intervals", lambda array: Interval(place.enter(exact_array(array))), _whole_line, _in(place))


def _in(place: Place) -> Callable[[Operation, list[Array]], Array]:
    return lambda operation, arguments: place.call(operation, operation.evaluate, *arguments)


INTERVAL = Arithmetic("intervals", Interval.point, _whole_line)
ARB = Arithmetic("Arb balls", _as_balls)
RATIONAL = Arithmetic("fractions", _as_fractions)


def taylor_models(degree: int, place: Place = HOST) -> Arithmetic:
    """Return the arithmetic of Taylor models of a degree, in a place; what enters does not move."""
    enter = intervals_in(place).enter
    return Arithmetic(
        "Taylor models",
        lambda array: TaylorModel.constant(enter(array), degree),
        lambda shape: TaylorModel([_whole_line(shape)] * degree, _whole_line(shape)),
        _in(place),
    )


def evaluate(graph: Graph, values: Values, arithmetic: Arithmetic = FLOAT64) -> list[Array]:
    """Return the graph's outputs.

    Parameters
    ----------
    graph : Graph
    values : mapping of Leaf to array
        Numbers of every leaf: float64 arrays, or arrays of the arithmetic already.
    arithmetic : Arithmetic

    Returns
    -------
    list of array
        One for each output. Where an operation may leave its domain, nothing is known of any of them.

    Raises
    ------
    InputError
        If a leaf has no value or one of another shape.

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> w = builder.parameter("w", (2,))
    >>> graph = builder.build((w * w).sum())
    >>> leaf = next(graph.leaves())
    >>> float(evaluate(graph, {leaf: np.array([3.0, 4.0])})[0])
    25.0
    """
    try:
        return _walked(graph, values, arithmetic)
    except OutsideDomainError:
        if arithmetic.unknown is None:
            raise
        return [arithmetic.unknown(graph.nodes[output].shape) for output in graph.outputs]


def _walked(graph: Graph, values: Values, arithmetic: Arithmetic) -> list[Array]:
    results: list[Array] = [None] * len(graph.nodes)
    last = graph.last_use
    with np.errstate(all="ignore"):
        for position, node in enumerate(graph.nodes):
            operation = node.operation
            if isinstance(operation, Leaf):
                results[position] = _entered(operation, values, arithmetic)
            elif isinstance(operation, Filled):
                results[position] = arithmetic.enter(np.full(node.shape, float(operation.value)))
            else:
                result = _result(operation, [results[argument] for argument in node.arguments], node.shape, arithmetic)
                results[position] = result if isinstance(result, Interval | TaylorModel) else as_array(result)
            for argument in {*node.arguments, position}:
                if last[argument] <= position:
                    results[argument] = None
    return [results[output] for output in graph.outputs]


def _result(operation: Operation, arguments: list[Array], shape: Shape, arithmetic: Arithmetic) -> Array:
    """Return the result of an operation; what arrays without entries add up to is zero, in these numbers."""
    if math.prod(shape) and all(not math.prod(argument.shape) for argument in arguments):
        return arithmetic.enter(np.zeros(shape))
    return operation.evaluate(*arguments) if arithmetic.apply is None else arithmetic.apply(operation, arguments)


def _entered(leaf: Leaf, values: Values, arithmetic: Arithmetic) -> Array:
    if leaf not in values:
        raise InputError("a leaf has no value", leaf=leaf.label, remedy="give a value for it")
    value = values[leaf]
    if tuple(value.shape) != leaf.dimensions:
        raise InputError(
            "a leaf's value has the wrong shape",
            leaf=leaf.label,
            shape=value.shape,
            expected=leaf.dimensions,
            remedy="give it in the shape expected",
        )
    if isinstance(value, Interval | TaylorModel) or value.dtype == object:
        return value
    return arithmetic.enter(np.asarray(value))
