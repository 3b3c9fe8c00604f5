"""A part of a graph laid out as a list of steps, to be run in any arithmetic."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Any

import sympy

from verify.activations.graph import ExpressionGraph


class FormulaArithmetic(ABC):
    """What a program needs of the numbers that it runs on."""

    @abstractmethod
    def constant(self, value: sympy.Expr) -> Any:
        """Return a real constant; called once for each program and context."""

    @abstractmethod
    def add(self, a: Any, b: Any) -> Any:
        """Return ``a + b``."""

    @abstractmethod
    def multiply(self, a: Any, b: Any) -> Any:
        """Return ``a b``."""

    @abstractmethod
    def power(self, a: Any, exponent: int) -> Any:
        """Return ``a**exponent``, the exponent at least 2."""

    @abstractmethod
    def call(self, primitive: str, a: Any) -> Any:
        """Return a primitive of ``a``."""

    def context(self) -> Hashable | None:
        """Return what the constants depend on besides the class, or None if they cannot be kept."""
        return 0

    def spread(self, constant: Any, x: Any) -> Any:
        """Return a constant result in the shape of ``x``."""
        return constant


class Program:
    """The steps that compute some nodes of a graph.

    Parameters
    ----------
    graph : ExpressionGraph
    outputs : list of int
        Nodes of the results.
    """

    def __init__(self, graph: ExpressionGraph, outputs: list[int]) -> None:
        needed = graph.needed(outputs)
        place = {index: position for position, index in enumerate(needed)}
        self._steps = [
            (
                graph.nodes[index].operation,
                tuple(place[a] for a in graph.nodes[index].operands),
                graph.nodes[index].data,
            )
            for index in needed
        ]
        self._outputs = [place[index] for index in outputs]
        self._constants: dict[Any, dict[int, Any]] = {}

    def __len__(self) -> int:
        return len(self._steps)

    def run(self, arithmetic: FormulaArithmetic, x: Any) -> tuple[Any, ...]:
        """Return the results at ``x``.

        Parameters
        ----------
        arithmetic : Arithmetic
        x : Any
            A number of that arithmetic.
        """
        values: list[Any] = [None] * len(self._steps)
        context = arithmetic.context()
        kept: dict[int, Any] = {}
        constants = kept if context is None else self._constants.setdefault((type(arithmetic), context), kept)
        for position, (operation, operands, data) in enumerate(self._steps):
            if operation == "x":
                values[position] = x
            elif operation == "constant":
                if position not in constants:
                    constants[position] = arithmetic.constant(data)
                values[position] = constants[position]
            elif operation == "add":
                values[position] = arithmetic.add(values[operands[0]], values[operands[1]])
            elif operation == "multiply":
                values[position] = arithmetic.multiply(values[operands[0]], values[operands[1]])
            elif isinstance(data, int):
                values[position] = arithmetic.power(values[operands[0]], data)
            else:
                values[position] = arithmetic.call(operation, values[operands[0]])
        return tuple(
            arithmetic.spread(values[position], x) if position in constants else values[position]
            for position in self._outputs
        )
