"""Every operation once more, entry by entry, from its definition: an oracle that shares nothing with the operations.

Entries are fractions or Arb balls. Functions of one variable are written with Arb's own functions.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from math import factorial
from operator import methodcaller, mul
from typing import Any

import numpy as np
from flint import arb_series, ctx

from verify.arithmetic.arb import Arb
from verify.graph.graph import Graph
from verify.operations.leaves import Filled, Leaf

Objects = np.ndarray
Reference = Callable[..., Objects]

REFERENCES: dict[str, Reference] = {}


def reference(name: str) -> Callable[[Reference], Reference]:
    """Register the definition of an operation."""

    def register(function: Reference) -> Reference:
        REFERENCES[name] = function
        return function

    return register


def evaluate_by_definition(graph: Graph, values: dict[Leaf, Objects], zero: Any) -> list[Objects]:
    """Return the outputs of a graph; `zero` is one of the numbers that the leaves hold."""
    results: list[Objects] = []
    for node in graph.nodes:
        operation = node.operation
        if isinstance(operation, Leaf):
            results.append(values[operation])
        elif isinstance(operation, Filled):
            results.append(filled(node.shape, lambda at, value=operation.value: zero + value))
        else:
            arguments = [results[argument] for argument in node.arguments]
            result = REFERENCES[operation.name](operation, zero, *arguments)
            assert result.shape == node.shape, (operation, result.shape, node.shape)
            results.append(result)
    return [results[output] for output in graph.outputs]


def filled(shape: tuple[int, ...], entry: Callable[[tuple[int, ...]], Any]) -> Objects:
    """Return an array of objects from a function of the position."""
    result = np.empty(shape, dtype=object)
    for at in np.ndindex(*shape):
        result[at] = entry(at)
    return result


@reference("reshape")
def reshape(operation, zero, x):
    entries = list(itertools.chain(x.flat))
    lengths = operation.target
    return filled(lengths, lambda at: entries[sum(i * int(np.prod(lengths[k + 1 :])) for k, i in enumerate(at))])


@reference("permute")
def permute(operation, zero, x):
    def entry(at):
        source = [0] * len(at)
        for k, axis in enumerate(operation.axes):
            source[axis] = at[k]
        return x[tuple(source)]

    return filled(tuple(x.shape[axis] for axis in operation.axes), entry)


@reference("broadcast")
def broadcast(operation, zero, x):
    lead = len(operation.target) - x.ndim
    return filled(
        operation.target,
        lambda at: x[tuple(0 if x.shape[k] == 1 else at[lead + k] for k in range(x.ndim))],
    )


@reference("sum")
def total(operation, zero, x):
    kept = [axis for axis in range(x.ndim) if axis not in operation.axes]
    result = filled(tuple(x.shape[axis] for axis in kept), lambda at: zero)
    for at in np.ndindex(*x.shape):
        result[tuple(at[axis] for axis in kept)] += x[at]
    return result


@reference("add")
def add(operation, zero, *arrays):
    return filled(arrays[0].shape, lambda at: sum((a[at] for a in arrays), start=zero))


@reference("scale")
def scale(operation, zero, x):
    up, down = operation.factor.numerator, operation.factor.denominator
    return filled(x.shape, lambda at: x[at] * up / down)


@reference("contraction")
def contraction(operation, zero, a, b):
    lengths = dict(zip(operation.left, a.shape, strict=True)) | dict(zip(operation.right, b.shape, strict=True))
    letters = sorted(lengths)
    result = filled(tuple(lengths[c] for c in operation.out), lambda at: zero)
    for places in np.ndindex(*(lengths[c] for c in letters)):
        at = dict(zip(letters, places, strict=True))
        left, right, out = (tuple(at[c] for c in names) for names in (operation.left, operation.right, operation.out))
        result[out] += a[left] * b[right]
    return result


@reference("gather")
def gather(operation, zero, x):
    found, axis = operation.indices.values, operation.axis

    def entry(at):
        index = int(found[at[axis : axis + found.ndim]])
        return zero if index == -1 else x[(*at[:axis], index, *at[axis + found.ndim :])]

    return filled((*x.shape[:axis], *found.shape, *x.shape[axis + 1 :]), entry)


@reference("scatter_add")
def scatter_add(operation, zero, x):
    found, axis = operation.indices.values, operation.axis
    result = filled((*x.shape[:axis], operation.length, *x.shape[axis + found.ndim :]), lambda at: zero)
    for at in np.ndindex(*x.shape):
        index = int(found[at[axis : axis + found.ndim]])
        if index != -1:
            result[(*at[:axis], index, *at[axis + found.ndim :])] += x[at]
    return result


@reference("slice")
def cut(operation, zero, x):
    axis = operation.axis
    places = list(range(operation.start, operation.stop, operation.step))
    shape = (*x.shape[:axis], len(places), *x.shape[axis + 1 :])
    return filled(shape, lambda at: x[(*at[:axis], places[at[axis]], *at[axis + 1 :])])


@reference("pad")
def pad(operation, zero, x):
    axis = operation.axis
    result = filled((*x.shape[:axis], operation.length, *x.shape[axis + 1 :]), lambda at: zero)
    for at in np.ndindex(*x.shape):
        result[(*at[:axis], operation.start + at[axis] * operation.step, *at[axis + 1 :])] = x[at]
    return result


@reference("concatenate")
def concatenate(operation, zero, *arrays):
    axis = operation.axis
    rows = [(a, k) for a in arrays for k in range(a.shape[axis])]
    shape = (*arrays[0].shape[:axis], len(rows), *arrays[0].shape[axis + 1 :])

    def entry(at):
        source, k = rows[at[axis]]
        return source[(*at[:axis], k, *at[axis + 1 :])]

    return filled(shape, entry)


def _windows(operation, lengths):
    """All (position, place in the window, place in the array)."""
    reach = [(k - 1) * d for k, d in zip(operation.kernel, operation.dilation, strict=True)]
    positions = [range(0, n - r, s) for n, r, s in zip(lengths, reach, operation.stride, strict=True)]
    for start in itertools.product(*positions):
        for place in np.ndindex(*operation.kernel):
            at = tuple(p // s for p, s in zip(start, operation.stride, strict=True))
            yield at, place, tuple(p + k * d for p, k, d in zip(start, place, operation.dilation, strict=True))


@reference("windows")
def windows(operation, zero, x):
    dimensions = len(operation.kernel)
    lead, lengths = x.shape[:-dimensions], x.shape[-dimensions:]
    seen = list(_windows(operation, lengths))
    grid = tuple(max(at[k] for at, _, _ in seen) + 1 for k in range(dimensions))
    result = filled((*lead, *grid, *operation.kernel), lambda at: zero)
    for first in np.ndindex(*lead):
        for at, place, source in seen:
            result[(*first, *at, *place)] = x[(*first, *source)]
    return result


@reference("fold")
def fold(operation, zero, x):
    lead = x.shape[: -2 * len(operation.kernel)]
    result = filled((*lead, *operation.lengths), lambda at: zero)
    for first in np.ndindex(*lead):
        for at, place, target in _windows(operation, operation.lengths):
            result[(*first, *target)] += x[(*first, *at, *place)]
    return result


@reference("linear_recurrence")
def linear_recurrence(operation, zero, a, b):
    """Every state as the sum of all summands before it, each times the factors that came after."""

    def entry(at):
        lead, t = at[:-1], at[-1]
        return sum(
            (reduce(mul, (a[(*lead, k)] for k in range(j + 1, t + 1)), b[(*lead, j)]) for j in range(t + 1)), start=zero
        )

    return filled(b.shape, entry)


@reference("cumulative_sum")
def cumulative_sum(operation, zero, x):
    return filled(x.shape, lambda at: sum(x[at[:-1]][: at[-1] + 1], start=zero))


@reference("maximum")
def maximum(operation, zero, x):
    larger = max if isinstance(zero, Fraction) else lambda a, b: a.max(b)
    return filled(x.shape[:-1], lambda at: reduce(larger, x[at]))


@reference("power")
def power(operation, zero, x):
    p = operation.exponent
    if p.denominator == 1:
        factors = filled(x.shape, lambda at: reduce(mul, [x[at]] * abs(int(p)), zero + 1))
        return factors if p >= 0 else filled(x.shape, lambda at: 1 / factors[at])
    return filled(x.shape, lambda at: (x[at].log() * p.numerator / p.denominator).exp())


@reference("logarithm")
def logarithm(operation, zero, x):
    return filled(x.shape, lambda at: x[at].log())


def _exponentials(operation, x):
    """Exponentials of the differences to the largest entry that takes part, and that entry, along the last axis."""
    taken = np.ones(x.shape) if operation.mask is None else np.broadcast_to(operation.mask.values, x.shape)
    largest = filled(x.shape[:-1], lambda at: reduce(lambda a, b: a.max(b), x[at][taken[at] == 1]))
    return filled(x.shape, lambda at: (x[at] - largest[at[:-1]]).exp() if taken[at] else Arb(0)), largest


@reference("softmax")
def softmax(operation, zero, x):
    e, _ = _exponentials(operation, x)
    return filled(x.shape, lambda at: e[at] / sum(e[at[:-1]], start=zero))


@reference("logsumexp")
def logsumexp(operation, zero, x):
    e, largest = _exponentials(operation, x)
    return filled(x.shape[:-1], lambda at: sum(e[at], start=zero).log() + largest[at])


def _positive_part(x: Arb) -> Arb:
    return x.max(Arb(0))


def _sigmoid(x: Arb) -> Arb:
    return 1 / (1 + (-x).exp())


FUNCTIONS: dict[tuple[str, int], Callable[[Arb], Arb]] = {
    ("tanh", 0): lambda x: x.tanh(),
    ("tanh", 1): lambda x: 1 - x.tanh() ** 2,
    ("sigmoid", 0): _sigmoid,
    ("sin", 0): lambda x: x.sin(),
    ("softplus", 0): lambda x: (1 + x.exp()).log(),
    ("silu", 0): lambda x: x * _sigmoid(x),
    ("gelu", 0): lambda x: x * (1 + (x / Arb(2).sqrt()).erf()) / 2,
    ("arctan", 0): lambda x: x.atan(),
    ("exp(x)", 0): lambda x: x.exp(),
    ("x*tanh(log(1+exp(x)))", 0): lambda x: x * (1 + x.exp()).log().tanh(),
    ("x*tanh(log(1+exp(x)))", 1): lambda x: (y := (1 + x.exp()).log()).tanh() + x * (1 - y.tanh() ** 2) * _sigmoid(x),
    ("relu", 0): _positive_part,
    ("max(x-1,0)", 0): lambda x: _positive_part(x - 1),
    ("abs(x)", 0): abs,
    ("x*(max(x+3,0)-max(x-3,0))/6", 0): lambda x: x * (_positive_part(x + 3) - _positive_part(x - 3)) / 6,
}


BUILTIN_TEXTS = {
    "erf": "erf(x)",
    "identity": "x",
    "leaky_relu": "max(x,x/100)",
    "arctan": "atan(x)",
    **{name: f"{name}(x)" for name in ("tanh", "sigmoid", "sin", "softplus", "silu", "gelu", "relu")},
}


def _series_max(a: Any, b: Any) -> Any:
    """The larger of two series by their first terms; sign decided, or the ball of both."""
    a, b = (x if isinstance(x, arb_series) else arb_series([x]) for x in (a, b))
    return arb_series([a[0].max(b[0])]) if a[0].overlaps(b[0]) else a if a[0] > b[0] else b


def _tanh(x: Any) -> Any:
    y = (-2 * x).exp()
    return (1 - y) / (1 + y)


def _called(name: str) -> Callable[[Any], Any]:
    method = methodcaller(name)
    return lambda x: method(Arb(x) if isinstance(x, int) else x)


NAMES: dict[str, Any] = {
    **{name: _called(name) for name in ("exp", "log", "sqrt", "sin", "atan", "erf")},
    "tanh": _tanh,
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "softplus": lambda x: (1 + x.exp()).log(),
    "silu": lambda x: x / (1 + (-x).exp()),
    "gelu": lambda x: x * (1 + (x / Arb(2).sqrt()).erf()) / 2,
    "relu": lambda x: _series_max(x, 0),
    "max": _series_max,
    "abs": lambda x: _series_max(x, -x),
}


def by_series(spec: str, order: int) -> Callable[[Arb], Arb]:
    """The derivative of a formula, read by Python and developed by Arb's own power series."""
    text = compile(
        re.sub(r"(?<![\w.])(\d*\.\d+|\d+\.\d*)", r"q('\1')", BUILTIN_TEXTS.get(spec, spec)), "formula", "eval"
    )

    def number(decimal: str) -> Arb:
        found = Fraction(decimal)
        return Arb(found.numerator) / found.denominator

    def function(x: Arb) -> Arb:
        before, ctx.cap = ctx.cap, order + 1
        try:
            series = eval(text, {"__builtins__": {}, **NAMES, "q": number, "x": arb_series([x, 1])})  # noqa: S307 -- ours
        finally:
            ctx.cap = before
        return (series[order] if isinstance(series, arb_series) else series) * factorial(order)

    return function


@reference("elementwise")
def elementwise(operation, zero, x):
    key = operation.spec, operation.order
    function = FUNCTIONS.get(key) or by_series(*key)
    return filled(x.shape, lambda at: function(x[at]))
