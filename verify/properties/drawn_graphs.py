"""Random networks of the whole vocabulary: operations, functions, layers and losses as their registries hold them.

Every class says itself how it is drawn (`Operation.drawn`), or its fields do (`drawn_options`). Beside the graph an
enclosure of every result is carried, over a box around the first weights: what may leave the domain of an operation, or
grows beyond `LARGEST_VALUE`, is not added.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from verify.arithmetic.intervals import Interval
from verify.bounds.regions import Ball
from verify.graph.evaluation import INTERVAL
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder, Tensor
from verify.layers import LAYERS, Layer
from verify.losses import LOSSES, Loss
from verify.operations import OPERATIONS, Operation
from verify.operations.choices import Choices
from verify.operations.elementwise import Elementwise
from verify.operations.gather import Indices
from verify.operations.leaves import Filled, Leaf, Parameter
from verify.operations.slices import Concatenate
from verify.outcomes import InputError
from verify.properties.drawn_options import drawn_options

LARGEST = 30
"""Entries of an array that is added to the graph."""
MOST_AXES = 5
LARGEST_VALUE = 64.0
REACH = 2.0**-6
"""Of every weight, around its first value, inside of which every operation is defined."""
GRID = 64
"""Numbers are whole multiples of 1/64: short fractions."""
_TRIES, _OPTIONS = 12, 4


@dataclass(frozen=True)
class Vocabulary:
    """What graphs are drawn of; by default all that is registered.

    Parameters
    ----------
    operations, layers, losses : sequence of classes
        Each of the last two may be empty: then there are no layers, or weighted sums stand for the loss.
    smooth : bool
        Whether operations and losses without two continuous derivatives are left out.
    """

    operations: Sequence[type[Operation]] = field(default_factory=lambda: tuple(OPERATIONS.values()))
    layers: Sequence[type[Layer]] = field(default_factory=lambda: tuple(LAYERS.values()))
    losses: Sequence[type[Loss]] = field(default_factory=lambda: tuple(LOSSES.values()))
    smooth: bool = False

    def allows(self, operation: Operation) -> bool:
        """Whether a graph may hold the operation."""
        if not self.smooth:
            return True
        return operation.is_smooth if isinstance(operation, Elementwise) else operation.smooth


def drawn_problem(
    choices: Choices, vocabulary: Vocabulary | None = None, *, most_steps: int = 6, radius: float = REACH / 2
) -> GraphProblem:
    """Return a random problem: its graph, data, first weights, weight decay and a ball around them as its region.

    Parameters
    ----------
    choices : Choices
    vocabulary : Vocabulary, optional
    most_steps : int
        Operations and layers, beside those that join what nothing reads and the loss.
    radius : float
        Of the ball.

    Examples
    --------
    >>> from verify.operations.choices import RandomChoices
    >>> problem = drawn_problem(RandomChoices(1))
    >>> bool(np.isfinite(problem.error(problem.initial_weights)))
    True
    """
    return _Maker(choices, Vocabulary() if vocabulary is None else vocabulary).problem(most_steps, radius)


class _Maker:
    """A graph in the making; the parameters of its layers are drawn here too (`verify.layers.layer.Parameters`)."""

    def __init__(self, choices: Choices, vocabulary: Vocabulary) -> None:
        self.choices = choices
        self.vocabulary = vocabulary
        self.builder = GraphBuilder()
        self.numbers: dict[str, np.ndarray] = {}
        self.results: list[Interval | None] = []
        self.pool: list[Tensor] = []

    def problem(self, most_steps: int, radius: float) -> GraphProblem:
        samples = self.choices.whole(1, 3)
        self.pool.append(self.leaf("x", (samples, *self.lengths(1, 3)), trained=False))
        self.pool.append(self.leaf("w", self.lengths(0, 3)))
        if self.choices.happens(50):
            self.pool.append(self.leaf("v", self.lengths(0, 2)))
        for _ in range(self.choices.whole(1, most_steps)):
            self.step()
        graph = self.builder.build(self.loss())
        labels = [leaf.label for leaf in graph.leaves(Parameter)]
        constants = {leaf.label: self.numbers[leaf.label] for leaf in graph.leaves() if leaf.name == "constant"}
        weights = np.concatenate([self.numbers[label].reshape(-1) for label in labels])
        decay = dict.fromkeys(labels[: self.choices.whole(0, 1)], 0.125)
        return GraphProblem(graph, constants, weights, decay, region=Ball(weights, radius), name="drawn")

    def lengths(self, least: int, most: int) -> tuple[int, ...]:
        found = tuple(self.choices.wholes(self.choices.whole(least, most), 1, 3))
        return found if math.prod(found) <= LARGEST // 3 else found[:2]

    def leaf(self, label: str, shape: tuple[int, ...], start: float = 0.0, *, trained: bool = True) -> Tensor:
        count = math.prod(shape)
        drawn = self.choices.wholes(count, -GRID, GRID)
        self.numbers[label] = start + np.array(drawn, dtype=np.float64).reshape(shape) / GRID
        return self.builder.parameter(label, shape) if trained else self.builder.constant(label, shape)

    def parameter(
        self, name: str, shape: tuple[int, ...], *, fans: tuple[int, int] | None = None, start: float = 0.0
    ) -> Tensor:
        """Return a parameter of a layer: a new one, or one of this shape that is used already."""
        if math.prod(shape) > LARGEST:
            raise InputError("too large", shape=shape)
        nodes = enumerate(self.builder.nodes)
        alike = [k for k, n in nodes if isinstance(n.operation, Parameter) and n.shape == tuple(shape)]
        if alike and self.choices.happens(30):
            return Tensor(self.builder, self.choices.one_of(alike))
        return self.leaf(f"{name}{len(self.numbers)}", tuple(shape), start)

    # steps

    def step(self) -> None:
        """Add an operation or a layer, if one of some that are drawn fits."""
        for _ in range(_TRIES):
            if self.vocabulary.layers and self.choices.happens(50):
                made = self.fitted(self.choices.one_of(self.vocabulary.layers))
            else:
                made = self.operation(self.choices.one_of(self.vocabulary.operations))
            if made is not None:
                self.pool.append(made)
                return

    def fitted(self, kind: type[Layer]) -> Tensor | None:
        """Return the layer with the first options and inputs, of some, that fit together."""
        found = (self.kept(lambda: self.layer(kind)) for _ in range(_OPTIONS))
        return next((made for made in found if made is not None), None)

    def operation(self, kind: type[Operation]) -> Tensor | None:
        found = kind.drawn(self.choices, [tensor.shape for tensor in self.newest()])
        if found is None:
            return None
        operation, places = found
        arguments = [self.newest()[place] for place in places]
        made = self.kept(lambda: self.builder.add(operation, *arguments))
        if made is not None:
            return made
        return self.kept(lambda: self.builder.add(operation, *(a.square() + 0.25 for a in arguments)))

    def layer(self, kind: type[Layer]) -> Tensor:
        layer = kind(**drawn_options(self.choices, kind))
        count = self.choices.whole(layer.least, layer.least + 1 if layer.most is None else layer.most)
        if layer.reads_integers:
            return layer.apply(self, Indices(np.reshape(self.choices.wholes(4, 0, 2), (2, 2))))
        fitting = [tensor for tensor in self.newest() if len(tensor.shape) > 1 and 0 not in tensor.shape]
        if not fitting:
            raise InputError("no vertex", layer=kind.name)
        return layer.apply(self, *(self.choices.one_of(fitting) for _ in range(count)))

    def newest(self) -> list[Tensor]:
        return self.pool[::-1]

    def kept(self, make: Callable[[], Tensor]) -> Tensor | None:
        """Return what is made, if it is small and defined around the first weights; None otherwise."""
        first = len(self.builder.nodes)
        try:
            made = make()
        except InputError:
            return None
        added = self.builder.nodes[first:]
        if not all(self.vocabulary.allows(node.operation) for node in added):
            return None
        small = math.prod(made.shape) <= LARGEST and len(made.shape) <= MOST_AXES
        return made if small and self.value(made) is not None else None

    def value(self, tensor: Tensor) -> Interval | None:
        """Return an enclosure of a result over the box around the first weights; None if there is no good one."""
        for position in range(len(self.results), tensor.position + 1):
            self.results.append(self.enclosed(position))
        return self.results[tensor.position]

    def enclosed(self, position: int) -> Interval | None:
        node = self.builder.nodes[position]
        match node.operation:
            case Leaf(label=label):
                reach = REACH if isinstance(node.operation, Parameter) else 0.0
                return Interval(self.numbers[label], np.full(node.shape, reach))
            case Filled(value=value):
                return INTERVAL.enter(np.full(node.shape, float(value)))
        arguments = [self.results[argument] for argument in node.arguments]
        if any(argument is None for argument in arguments):
            return None
        try:
            found = node.operation.evaluate(*arguments)
        except InputError:
            return None
        return found if bool(np.all(found.max_abs() <= LARGEST_VALUE)) else None

    # the error

    def loss(self) -> Tensor:
        """Return a loss of everything that nothing reads, so that no part of the graph is without effect."""
        read = {argument for tensor in self.pool for argument in self.below(tensor)}
        ends = [tensor for tensor in self.pool if tensor.position not in read and 0 not in tensor.shape]
        weights = self.pool[1]
        if not any(weights.position in {*self.below(tensor), tensor.position} for tensor in ends):
            ends.append(weights)
        flat = [tensor.reshape((math.prod(tensor.shape),)) for tensor in ends]
        joined = flat[0] if len(flat) == 1 else flat[0].apply(Concatenate(0), *flat)
        count = joined.shape[0]
        if not self.vocabulary.losses:
            return (joined * self.leaf("u", (count,), trained=False)).sum()
        rows = self.choices.one_of([n for n in (1, 2, 3, count) if count % n == 0])
        outputs = ends[0] if len(ends) == 1 and len(ends[0].shape) > 1 else joined.reshape((rows, count // rows))
        for _ in range(_TRIES):
            made = self.kept(lambda: self.drawn_loss(outputs))
            if made is not None:
                return made
        return outputs.square().sum()

    def below(self, tensor: Tensor) -> set[int]:
        """Return the positions that a tensor is made of, itself left out."""
        found: set[int] = set()
        waiting = list(self.builder.nodes[tensor.position].arguments)
        while waiting:
            position = waiting.pop()
            if position not in found:
                found.add(position)
                waiting += self.builder.nodes[position].arguments
        return found

    def drawn_loss(self, outputs: Tensor) -> Tensor:
        kind = self.choices.one_of(self.vocabulary.losses)
        if self.vocabulary.smooth and not kind.smooth:
            raise InputError("not smooth", loss=kind.name)
        loss = kind(**drawn_options(self.choices, kind))
        targets = self.targets(loss, outputs.shape)
        label = f"y{len(self.numbers)}"
        self.numbers[label] = targets
        constant = self.builder.constant(label, targets.shape)
        return loss.error(outputs, constant, self.choices.one_of(("mean", "sum")))

    def targets(self, loss: Loss, shape: tuple[int, ...]) -> np.ndarray:
        """Return targets that the loss takes: numbers of both signs, positive ones, whole ones, or classes."""
        numbers = np.array(self.choices.wholes(math.prod(shape), -GRID, GRID)).reshape(shape)
        forms = [numbers / GRID, np.abs(numbers) / GRID, np.abs(numbers) % 3]
        if loss.takes_classes:
            forms.insert(0, np.abs(numbers[..., 0]) % shape[-1])
        for form in forms[self.choices.whole(0, len(forms) - 1) :] + forms:
            try:
                return loss.read_targets(form, shape)
            except InputError:
                continue
        raise InputError("no targets", loss=loss.name)
