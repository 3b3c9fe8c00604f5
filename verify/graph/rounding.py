"""The error of a network and a proved bound of all rounding in it, weighted by adjoints: it survives depth.

Let ``z^_k = f_k(z^) + e_k`` be the computed results of the nodes and e_k their local roundings, of which only bounds
are known; E is the exact scalar, E^ the computed one. For t in [0, 1] let z(t) solve ``z_k = f_k(z) + t e_k``: z(0) are
the exact results, z(1) the computed ones.

Theorem. Let every f_k be locally Lipschitz and piecewise continuously differentiable where the z(t) are. Then

    E^ - E = integral over t in [0, 1] of  sum over k of  <lambda_k(t), e_k>,

lambda(t) being the adjoints of the exact network's operations at z(t). Proof. z and E are Lipschitz functions of t, and
by the chain rule dE/dt is that sum wherever all operations are differentiable along z(t). Where z(t) stays on a kink
for a set of t of positive measure, its velocity across the kink is 0 for almost all of them, so that the slope of
either side gives the same. QED

A `Perturbation` of every node holds all z_k(t) - z^_k, and of every node of the adjoints' graph, kinks' slopes
included, all lambda_k(t) - lambda^_k (`Operation.perturbed`, to which the node's own rounding is added). What it adds
is of second order, so its growth with depth, by the norms of the layers, does no harm until it meets 1/u:

    |E^ - E|  <=  sum over k of  <|lambda^_k| + box_k, |e_k|> + ball_k |e_k|_2.

Where an operation that jumps may jump, or anything is not finite, there is no bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.device_arrays import as_array
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.lengths_upward import length, raised, weighted_sum
from verify.arithmetic.perturbation import Perturbation, Perturbed
from verify.arithmetic.rounding import ArithmeticDomainError
from verify.graph.evaluation import Values
from verify.graph.graph import Graph, Node
from verify.graph.places import HOST, Place
from verify.graph.reverse import AdjointGraph, adjoint_graph
from verify.operations.leaves import Filled, Leaf
from verify.operations.operation import OutsideDomainError, Shape


@dataclass(frozen=True)
class ErrorBound:
    """A computed scalar and how far the exact one may be from it; infinite where nothing is known."""

    value: float
    distance: float


def weighted_graph(graph: Graph) -> AdjointGraph:
    """Return the graph that `error_bound` walks: adjoints of every node that is rounded.

    Parameters
    ----------
    graph : Graph
        With one output of shape ``()``.
    """
    return adjoint_graph(graph, [_rounds(node) for node in graph.nodes])


@certified_environment()
def error_bound(weighted: AdjointGraph, values: Values, place: Place = HOST) -> ErrorBound:
    """Return the scalar of a graph with a bound of all rounding; see the module.

    Parameters
    ----------
    weighted : AdjointGraph
        What `weighted_graph` returns.
    values : mapping of Leaf to array
        Exact float64 numbers of every leaf.
    place : Place
        Where it is computed.

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> w = builder.parameter("w", (2,))
    >>> graph = builder.build((w * w).sum())
    >>> found = error_bound(weighted_graph(graph), {next(graph.leaves()): np.array([3.0, 4.0])})
    >>> found.value, 0 < found.distance < 1e-14
    (25.0, True)
    """
    with np.errstate(all="ignore"):
        try:
            return _Walk(weighted, place).bound(values)
        except (OutsideDomainError, ArithmeticError):
            return ErrorBound(0.0, inf)


def _rounds(node: Node) -> bool:
    return node.operation.rounds and not isinstance(node.operation, Leaf | Filled)


class _Walk:
    """One walk through the nodes and then their adjoints, which are weights as soon as they are known."""

    def __init__(self, weighted: AdjointGraph, place: Place) -> None:
        self.place = place
        self.graph = weighted.graph
        self.weighted = weighted
        self.weighs: dict[int, list[int]] = {adjoint: [] for adjoint in weighted.adjoints.values()}
        for position, adjoint in weighted.adjoints.items():
            self.weighs[adjoint].append(position)
        self.roundings: dict[int, np.ndarray] = {}
        self.results: list[Perturbed | None] = [None] * len(self.graph.nodes)
        self.distance = 0.0

    def bound(self, values: Values) -> ErrorBound:
        scalar, last = self.graph.outputs[0], _last_reads(self.graph)
        for position, node in enumerate(self.graph.nodes):
            self.results[position] = self._result(position, node, values)
            for weighed in self.weighs.get(position, ()):
                self._weigh(weighed, position)
            for argument in {*node.arguments, position}:
                if last[argument] <= position and argument != scalar:
                    self.results[argument] = None
        found = self.results[scalar]
        if found is None:
            raise ArithmeticDomainError("the scalar was not kept", where="rounding")
        value = float(found.value)
        distance = min(raised(self.distance), found.perturbation.length)
        return ErrorBound(value, distance) if isfinite(value) and isfinite(distance) else ErrorBound(0.0, inf)

    def _result(self, position: int, node: Node, values: Values) -> Perturbed:
        operation = node.operation
        if isinstance(operation, Leaf):
            return Perturbed(self.place.enter(values[operation]), Perturbation())
        if isinstance(operation, Filled):
            return Perturbed(self.place.enter(np.full(node.shape, float(operation.value))), Perturbation())
        arguments = self._read(node.arguments)
        if math.prod(node.shape) and not any(argument.value.size for argument in arguments):
            return Perturbed(self.place.enter(np.zeros(node.shape)), Perturbation())
        computed, rounding = self.place.call(operation, operation.rounded, *arguments)
        value, moved = as_array(computed), Perturbation()
        if not all(argument.perturbation.is_zero for argument in arguments):
            moved = self.place.call(operation, operation.perturbed, value, *arguments)
        if position < self.weighted.size:
            if not operation.is_continuous and moved.box is not None:
                raise OutsideDomainError(
                    "an operation may jump",
                    where=f"operation {operation.name}",
                    position=position,
                    remedy="use weights away from the jump",
                )
            if rounding is not None and position in self.weighted.adjoints:
                self.roundings[position] = rounding
        if rounding is not None:
            own = _whole_length(rounding, value.shape)
            if not isfinite(own):
                raise ArithmeticDomainError("float64 overflows", where=f"operation {operation.name}")
            moved = moved + Perturbation(own)
        return Perturbed(value, moved)

    def _read(self, positions: Sequence[int]) -> list[Perturbed]:
        found = [self.results[position] for position in positions]
        return [result for result in found if result is not None]

    def _weigh(self, position: int, adjoint: int) -> None:
        """Add what the rounding of a node does to the scalar."""
        rounding = self.roundings.pop(position, None)
        if rounding is None:
            return
        (weight,) = self._read((adjoint,))
        moved = weight.perturbation
        sizes = np.abs(weight.value) if moved.box is None else upward.add(np.abs(weight.value), moved.box)
        self.distance = (
            raised(self.distance)
            + weighted_sum(sizes, rounding)
            + moved.ball * _whole_length(rounding, weight.value.shape)
        )


def _whole_length(rounding: np.ndarray, shape: Shape) -> float:
    """Return the Euclidean norm of a bound that is repeated to a shape."""
    repeats = math.prod(shape) / max(rounding.size, 1)
    return raised(length(rounding) * math.sqrt(repeats))


def _last_reads(graph: Graph) -> list[int]:
    """Return for every node the position of the last one that reads it."""
    last = list(range(len(graph.nodes)))
    for position, node in enumerate(graph.nodes):
        for argument in node.arguments:
            last[argument] = position
    return last
