"""Random graphs of the whole vocabulary: small arrays, every operation with random options, shared nodes."""

from __future__ import annotations

import math
import string
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder, Tensor
from verify.operations.broadcast import Broadcast
from verify.operations.choices import RandomChoices
from verify.operations.contraction import Contraction
from verify.operations.cumulative_sum import CumulativeSum
from verify.operations.elementwise import Elementwise
from verify.operations.gather import Gather, Indices, ScatterAdd
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.maximum import Maximum
from verify.operations.power import Logarithm, Power
from verify.operations.slices import Concatenate, Pad
from verify.operations.softmax import Softmax
from verify.operations.windows import Fold, Windows
from verify.properties.drawn_graphs import Vocabulary, drawn_problem

KINDS = ("rational", "smooth", "kinked", "extreme")
LARGEST = 30
"""Entries of an array."""
SMOOTH = ("tanh", "sigmoid", "sin", "softplus", "silu", "gelu", "arctan", "exp(x)", "x*tanh(log(1+exp(x)))")
KINKED = ("relu", "max(x-1,0)", "abs(x)", "x*(max(x+3,0)-max(x-3,0))/6")
EXTREMES = (0.0, 5e-324, -1e-310, 1e-200, -1e154, 1.4e154, 1e300, -1e308, 745.0, -710.0)


@dataclass(frozen=True)
class Case:
    """A random problem, two directions, and what kind of graph it is."""

    seed: int
    kind: str
    problem: GraphProblem
    directions: tuple[np.ndarray, np.ndarray]


def random_case(seed: int) -> Case:
    """Return the case of a seed; kinds take turns."""
    kind = KINDS[seed % len(KINDS)]
    maker = _Maker(np.random.default_rng(seed), kind)
    problem = maker.problem()
    directions = tuple(maker.numbers((problem.size,), spread=1.0) for _ in range(2))
    return Case(seed, kind, problem, directions)


def drawn_case(seed: int) -> Case:
    """Return a graph of all that is registered, layers and losses included (`verify.properties.drawn_graphs`)."""
    problem = drawn_problem(RandomChoices([seed, 8]))
    rng = np.random.default_rng([seed, 9])
    smooth = all(Vocabulary(smooth=True).allows(node.operation) for node in problem.graph.nodes)
    directions = tuple(np.round(rng.normal(size=problem.size) * 64) / 64 for _ in range(2))
    return Case(seed, "smooth" if smooth else "kinked", problem, directions)


class _Maker:
    def __init__(self, rng: np.random.Generator, kind: str) -> None:
        self.rng = rng
        self.kind = kind
        self.builder = GraphBuilder()
        self.pool: list[Tensor] = []
        self.products = 0

    def problem(self) -> GraphProblem:
        for k in range(self.rng.integers(1, 4)):
            self.pool.append(self.builder.parameter(f"p{k}", self.shape()))
        for k in range(self.rng.integers(0, 3)):
            self.pool.append(self.builder.constant(f"c{k}", self.shape()))
        if not math.prod(self.pool[0].shape):
            self.pool.append(self.builder.parameter("p", (2,)))
        steps, tried = int(self.rng.integers(4, 11)), 0
        while steps and tried < 200:
            tried += 1
            made = self.pick(self.moves())(self.tensor())
            if made is not None and math.prod(made.shape) <= LARGEST and len(made.shape) <= 5:
                self.pool.append(made)
                steps -= 1
        graph = self.builder.build(self.loss())
        constants = {leaf.label: self.numbers(leaf.dimensions) for leaf in graph.leaves() if leaf.name == "constant"}
        size = sum(math.prod(leaf.dimensions) for leaf in graph.leaves() if leaf.name == "parameter")
        weights = self.numbers((size,))
        if self.kind == "extreme":
            where = self.rng.random(size) < 0.4
            weights[where] = self.rng.choice(EXTREMES, int(where.sum()))
        decay = float(self.pick([0.0, 0.0, 0.125]))
        return GraphProblem(graph, constants, weights, decay)

    def loss(self) -> Tensor:
        """Weight and sum every array that nothing reads, so that no part is without effect."""
        read = {argument for node in self.builder.nodes for argument in node.arguments}
        total = None
        for position in range(len(self.builder.nodes)):
            if position not in read or position < 3:
                part = Tensor(self.builder, position)
                weights = self.builder.constant(f"u{position}", part.shape)
                term = (part * weights).sum()
                total = term if total is None else total + term
        assert total is not None
        return total

    def moves(self) -> list[Callable[[Tensor], Tensor | None]]:
        linear = [
            self.reshape, self.permute, self.broadcast, self.sum, self.add, self.scale, self.gather, self.scatter,
            self.slice, self.pad, self.concatenate, self.windows, self.fold, self.repeated_sum,
            self.cumulate,
        ]  # fmt: skip
        products = [self.multiply, self.contract, self.contract] if self.products < 4 else []
        if self.kind == "rational":
            return [*linear, *products]
        smooth = [self.function, self.function, self.power, self.logarithm, self.softmax, self.logsumexp, self.divide]
        kinked = [self.maximum, self.kink, self.kink] if self.kind in ("kinked", "extreme") else []
        return [*linear, *products, *smooth, *smooth, *kinked, *kinked]

    # choices

    def pick(self, choices):
        return choices[int(self.rng.integers(len(choices)))]

    def tensor(self) -> Tensor:
        """A tensor of the pool, late ones more often."""
        return self.pool[int(len(self.pool) * self.rng.random() ** 0.5)]

    def shape(self) -> tuple[int, ...]:
        rank = int(self.rng.choice([0, 1, 2, 3], p=[0.1, 0.3, 0.4, 0.2]))
        lengths = self.rng.choice([0, 1, 2, 3, 4], size=rank, p=[0.02, 0.28, 0.3, 0.25, 0.15])
        return tuple(int(n) for n in lengths) if math.prod(lengths) <= LARGEST else self.shape()

    def numbers(self, shape, spread: float = 1.5) -> np.ndarray:
        """Numbers with six binary places: short fractions."""
        return np.round(self.rng.normal(size=shape) * spread * 64) / 64

    def axis(self, x: Tensor) -> int | None:
        return int(self.rng.integers(len(x.shape))) if x.shape else None

    # linear

    def reshape(self, x):
        size, shape = math.prod(x.shape), []
        if not size:
            return x.reshape(x.shape[::-1])
        while size > 1 and len(shape) < 3:
            factor = int(self.pick([d for d in range(1, size + 1) if size % d == 0]))
            shape.append(factor)
            size //= factor
        return x.reshape((*shape, size))

    def permute(self, x):
        return x.permute(*(int(k) for k in self.rng.permutation(len(x.shape))))

    def broadcast(self, x):
        lead = tuple(int(n) for n in self.rng.integers(1, 3, size=self.rng.integers(0, 2)))
        inner = tuple(int(self.rng.integers(1, 4)) if n == 1 else n for n in x.shape)
        return x.apply(Broadcast((*lead, *inner)))

    def sum(self, x):
        axes = [axis for axis in range(len(x.shape)) if self.rng.random() < 0.5]
        return x.sum(axes, keep=bool(self.rng.random() < 0.3))

    def repeated_sum(self, x):
        return x + x.scale(Fraction(1, 2)) + x

    def add(self, x):
        fits = [y for y in self.pool if _fit(x.shape, y.shape)]
        y = self.pick(fits)
        return x - y if self.rng.random() < 0.5 else x + y

    def scale(self, x):
        return x.scale(Fraction(int(self.rng.integers(-7, 8)) or 1, int(self.rng.integers(1, 12))))

    def gather(self, x):
        axis = self.axis(x)
        if axis is None or not x.shape[axis]:
            return None
        shape = tuple(int(n) for n in self.rng.integers(1, 4, size=self.rng.integers(0, 3)))
        return x.apply(Gather(axis, Indices(self.rng.integers(-1, x.shape[axis], size=shape))))

    def scatter(self, x):
        axis = int(self.rng.integers(len(x.shape) + 1))
        count = int(self.rng.integers(len(x.shape) - axis + 1))
        length = int(self.rng.integers(1, 5))
        found = self.rng.integers(-1, length, size=x.shape[axis : axis + count])
        return x.apply(ScatterAdd(axis, Indices(found), length))

    def cumulate(self, x):
        return x.apply(CumulativeSum()) if x.shape else None

    def slice(self, x):
        axis = self.axis(x)
        if axis is None:
            return None
        start, stop = sorted(int(k) for k in self.rng.integers(0, x.shape[axis] + 1, size=2))
        return x.slice(axis, start, stop, int(self.rng.integers(1, 4)))

    def pad(self, x):
        axis = self.axis(x)
        if axis is None:
            return None
        start, step = int(self.rng.integers(0, 3)), int(self.rng.integers(1, 4))
        last = start + (max(x.shape[axis], 1) - 1) * step
        return x.apply(Pad(axis, start, last + 1 + int(self.rng.integers(0, 3)), step))

    def concatenate(self, x):
        axis = self.axis(x)
        if axis is None:
            return None
        fits = [
            y for y in self.pool
            if len(y.shape) == len(x.shape) and _without(y.shape, axis) == _without(x.shape, axis)
        ]  # fmt: skip
        return x.apply(Concatenate(axis), x, self.pick(fits), *([x] if self.rng.random() < 0.2 else []))

    def options(self, x):
        if not x.shape:
            return None
        dimensions = int(self.rng.integers(1, min(2, len(x.shape)) + 1))
        lengths = x.shape[-dimensions:]
        if min(lengths) < 1:
            return None
        kernel = tuple(int(self.rng.integers(1, n + 1)) for n in lengths)
        stride = tuple(int(k) for k in self.rng.integers(1, 4, size=dimensions))
        most = [(n - 1) // (k - 1) if k > 1 else 2 for n, k in zip(lengths, kernel, strict=True)]
        dilation = tuple(int(self.rng.integers(1, d + 1)) for d in most)
        return kernel, stride, dilation, lengths

    def windows(self, x):
        options = self.options(x)
        return None if options is None else x.apply(Windows(*options[:3]))

    def fold(self, x):
        options = self.options(x)
        if options is None:
            return None
        seen = x.apply(Windows(*options[:3]))
        if math.prod(seen.shape) > 2 * LARGEST:
            return None
        weights = self.builder.constant(f"f{seen.position}", seen.shape)
        return (seen * weights).apply(Fold(*options))

    # products

    def multiply(self, x):
        self.products += 1
        return x * self.pick([y for y in self.pool if _fit(x.shape, y.shape)])

    def contract(self, x):
        y = self.tensor()
        letters = iter(string.ascii_lowercase)
        left = [next(letters) for _ in x.shape]
        free = list(zip(left, x.shape, strict=True))
        right = []
        for n in y.shape:
            match = [(c, m) for c, m in free if m == n]
            if match and self.rng.random() < 0.75:
                chosen = self.pick(match)
                free.remove(chosen)
                right.append(chosen[0])
            else:
                right.append(next(letters))
        shared = set(left) & set(right)
        out = [c for c in dict.fromkeys([*left, *right]) if c not in shared or self.rng.random() < 0.4]
        order = [out[int(k)] for k in self.rng.permutation(len(out))]
        lengths = dict(zip(left, x.shape, strict=True)) | dict(zip(right, y.shape, strict=True))
        if math.prod(lengths[c] for c in order) > LARGEST:
            return None
        self.products += 1
        return x.apply(Contraction("".join(left), "".join(right), "".join(order)), x, y)

    # functions

    def positive(self, x):
        return x.square() + Fraction(int(self.rng.integers(1, 9)), 4)

    def function(self, x):
        return x.scale(Fraction(1, 2)).apply(Elementwise(self.pick(SMOOTH)))

    def kink(self, x):
        return x.apply(Elementwise(self.pick(KINKED)))

    def power(self, x):
        if self.rng.random() < 0.3:
            return x.apply(Power(Fraction(int(self.rng.integers(0, 4)))))
        exponent = Fraction(self.pick([-3, -2, -1, 1, 3]), 2)
        return self.positive(x).apply(Power(exponent))

    def logarithm(self, x):
        return self.positive(x).apply(Logarithm())

    def divide(self, x):
        y = self.pick([y for y in self.pool if _fit(x.shape, y.shape)])
        return x / self.positive(y)

    def mask(self, x):
        if self.rng.random() < 0.5:
            return None
        shape = x.shape[int(self.rng.integers(len(x.shape))) :]
        values = self.rng.integers(0, 2, size=shape)
        values[..., int(self.rng.integers(shape[-1]))] = 1
        return Indices(values)

    def softmax(self, x):
        return x.apply(Softmax(self.mask(x))) if x.shape and x.shape[-1] else None

    def logsumexp(self, x):
        return x.apply(LogSumExp(self.mask(x))) if x.shape and x.shape[-1] else None

    def maximum(self, x):
        return x.apply(Maximum()) if x.shape and x.shape[-1] else None


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


def _fit(left: tuple[int, ...], right: tuple[int, ...]) -> bool:
    try:
        return math.prod(np.broadcast_shapes(left, right)) <= LARGEST
    except ValueError:
        return False
