"""Expressions of one variable as a graph in which every common subexpression is stored once.

Differentiation works on the graph: the derivative of a node is made of the derivatives of its operands, each stored
once, so that the fourth derivative of a nested formula stays small where the expanded tree has millions of terms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import sympy


class ExpressionNode(NamedTuple):
    """One operation.

    Parameters
    ----------
    operation : str
        ``"x"``, ``"constant"``, ``"add"``, ``"multiply"``, ``"power"`` or the name of a primitive.
    operands : tuple of int
        Earlier nodes.
    data : sympy.Expr or int or None
        The constant, or the exponent (at least 2).
    """

    operation: str
    operands: tuple[int, ...] = ()
    data: sympy.Expr | int | None = None


class ExpressionGraph:
    """Nodes in topological order; methods return the index of the node that holds the result.

    Examples
    --------
    >>> graph = ExpressionGraph()
    >>> graph.add(graph.x, graph.constant(0)) == graph.x
    True
    >>> graph.multiply(graph.x, graph.constant(2)) == graph.add(graph.x, graph.x)
    True
    """

    def __init__(self) -> None:
        self.nodes: list[ExpressionNode] = []
        self._index: dict[ExpressionNode, int] = {}
        self._derivatives: dict[int, int] = {}
        self.x = self._stored(ExpressionNode("x"))

    def _stored(self, node: ExpressionNode) -> int:
        if node not in self._index:
            self._index[node] = len(self.nodes)
            self.nodes.append(node)
        return self._index[node]

    def constant_of(self, index: int) -> sympy.Expr | None:
        """Return the value of a constant node, None for any other."""
        data = self.nodes[index].data
        return data if isinstance(data, sympy.Expr) else None

    def is_zero(self, index: int) -> bool:
        """Return whether the node is the constant zero."""
        return self.nodes[index] == ExpressionNode("constant", (), sympy.S.Zero)

    def constant(self, value: sympy.Expr | int) -> int:
        """Return the node of a constant."""
        return self._stored(ExpressionNode("constant", (), sympy.Integer(value) if isinstance(value, int) else value))

    def add(self, a: int, b: int) -> int:
        """Return the node of a sum."""
        left, right = self.constant_of(a), self.constant_of(b)
        if left is not None and right is not None:
            return self.constant(left + right)
        if right is not None or (left is None and b < a):
            a, b, left = b, a, right
        if left is not None and left.is_zero:
            return b
        if a == b:
            return self.multiply(self.constant(2), a)
        return self._stored(ExpressionNode("add", (a, b)))

    def multiply(self, a: int, b: int) -> int:
        """Return the node of a product."""
        left, right = self.constant_of(a), self.constant_of(b)
        if left is not None and right is not None:
            return self.constant(left * right)
        if right is not None or (left is None and b < a):
            a, b, left = b, a, right
        if left is not None:
            if left.is_zero or left == 1:
                return a if left.is_zero else b
            inner = self.nodes[b]
            if inner.operation == "multiply" and (factor := self.constant_of(inner.operands[0])) is not None:
                return self.multiply(self.constant(left * factor), inner.operands[1])
        if a == b:
            return self.power(a, 2)
        return self._stored(ExpressionNode("multiply", (a, b)))

    def power(self, a: int, exponent: int) -> int:
        """Return the node of a whole power."""
        if exponent < 0:
            return self.power(self.call("recip", a), -exponent)
        if exponent < 2:
            return a if exponent else self.constant(1)
        value = self.constant_of(a)
        if value is not None:
            return self.constant(value**exponent)
        node = self.nodes[a]
        if node.operation == "power" and isinstance(node.data, int):
            return self.power(node.operands[0], exponent * node.data)
        return self._stored(ExpressionNode("power", (a,), exponent))

    def call(self, primitive: str, a: int) -> int:
        """Return the node of a primitive of another node."""
        return self._stored(ExpressionNode(primitive, (a,)))

    def derivative(self, index: int, rule: Callable[[ExpressionGraph, str, int], int]) -> int:
        """Return the node of the derivative by x.

        Parameters
        ----------
        index : int
            What is differentiated.
        rule : callable
            ``rule(graph, primitive, a)`` is the node of the primitive's derivative at node ``a``.
        """
        for position in self.needed([index]):
            if position not in self._derivatives:
                self._derivatives[position] = self._chain(position, rule)
        return self._derivatives[index]

    def _chain(self, index: int, rule: Callable[[ExpressionGraph, str, int], int]) -> int:
        operation, operands, data = self.nodes[index]
        if not operands:
            return self.constant(1 if operation == "x" else 0)
        slopes = [self._derivatives[operand] for operand in operands]
        if operation == "add":
            return self.add(*slopes)
        if operation == "multiply":
            a, b = operands
            return self.add(self.multiply(slopes[0], b), self.multiply(a, slopes[1]))
        if operation == "power" and isinstance(data, int):
            outer = self.multiply(self.constant(data), self.power(operands[0], data - 1))
        else:
            outer = rule(self, operation, operands[0])
        return self.multiply(outer, slopes[0])

    def needed(self, outputs: list[int]) -> list[int]:
        """Return, in topological order, the nodes that the outputs are made of."""
        found: set[int] = set()
        waiting = list(outputs)
        while waiting:
            index = waiting.pop()
            if index not in found:
                found.add(index)
                waiting.extend(self.nodes[index].operands)
        return sorted(found)
