"""First and second derivatives of a graph's output by its parameters, over balls of weights: two sweeps for each."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import accumulate
from math import prod
from typing import TYPE_CHECKING, Any

from flint import arb

from verify.certificates.checker.operations.rule import Entries, Move, Place

if TYPE_CHECKING:
    from verify.certificates.checker.graph import Graph


class Derivatives:
    """What holds for every point of the balls of all leaves; nan where a function has no second derivative there.

    Every operation is twice continuously differentiable where value and facts are finite, and then so is the output.

    Parameters
    ----------
    graph : Graph
    leaves : dict of str to list
        Entries of parameters and constants, by label.
    """

    def __init__(self, graph: Graph, leaves: dict[str, Entries]) -> None:
        self._nodes, self._output = graph.nodes, graph.output
        ends = list(accumulate(map(prod, graph.parameters.values())))
        self._starts = dict(zip(graph.parameters, [0, *ends], strict=False))
        self._size = graph.size
        self._places, self._trained = list[Place | None](), list[bool]()
        values = list[Entries]()
        for node in graph.nodes:
            shapes = tuple(graph.nodes[argument].shape for argument in node.arguments)
            given = tuple(values[argument] for argument in node.arguments)
            wanted = tuple(self._trained[argument] for argument in node.arguments)
            is_leaf = node.rule.name in ("parameter", "constant")
            found = (
                leaves[node.options["label"]] if is_leaf else node.rule.value(node.options, shapes, node.shape, *given)
            )
            values.append(found)
            self._trained.append(any(wanted) or node.rule.name == "parameter")
            facts = node.rule.facts(node.options, shapes, node.shape, *given) if any(wanted) else None
            place = Place(node.options, shapes, node.shape, given, wanted, facts)
            self._places.append(place if any(wanted) else None)
        (error,) = values[self._output]
        self._adjoints = self._backward([None] * len(values), [arb(1) if error.is_finite() else arb("nan")])

    def gradient(self) -> Entries:
        """The derivatives by all weights."""
        return self._collected(self._adjoints)

    def column(self, number: int) -> Entries:
        """The derivatives of the gradient by one weight."""
        moves = list[Move]()
        for position, (node, place) in enumerate(zip(self._nodes, self._places, strict=True)):
            own = [moves[argument] for argument in node.arguments]
            if node.rule.name == "parameter":
                start, size = self._starts[node.options["label"]], prod(node.shape)
                inside = start <= number < start + size
                moves.append([arb(int(k == number)) for k in range(start, start + size)] if inside else None)
            else:
                is_moved = place is not None and any(move is not None for move in own)
                moves.append(node.rule.push(place, own) if place is not None and is_moved else None)
            if position == self._output:
                break
        return self._collected(self._backward(moves, None))

    def _backward(self, moves: list[Move], seed: Move) -> list[Move]:
        """Adjoints of all nodes for that of the output; with moves, how the adjoints that are known move with them."""
        found: list[Move] = [None] * len(self._nodes)
        found[self._output] = seed
        for position in reversed(range(self._output + 1)):
            node, place, own = self._nodes[position], self._places[position], found[position]
            if place is None:
                continue
            given = [moves[argument] for argument in node.arguments]
            parts = [] if own is None else [node.rule.pull(place, own)]
            if seed is None and self._adjoints[position] is not None and any(move is not None for move in given):
                parts.append(node.rule.bend(place, given, self._adjoints[position] or []))
            for adjoints in parts:
                _add(found, ((a, b) for a, b, w in zip(node.arguments, adjoints, place.wanted, strict=True) if w))
        return found

    def _collected(self, adjoints: list[Move]) -> Entries:
        """The entries of all parameters in the order of the weights."""
        zero, found = arb(0), list[Any]()
        for node, own in zip(self._nodes, adjoints, strict=True):
            if node.rule.name == "parameter":
                found += [zero] * prod(node.shape) if own is None else own
        return found


def _add(total: list[Move], parts: Iterable[tuple[int, Move]]) -> None:
    for position, part in parts:
        known = total[position]
        if part is not None:
            total[position] = part if known is None else [a + b for a, b in zip(known, part, strict=True)]
