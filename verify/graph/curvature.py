"""Bounds of the second and third derivative of the error over a region, from one walk of its adjoints.

Theorem: let z_n be the results of the nodes at w + s v, l_n the derivatives of E in them at w, and p_n^k the k-th
derivative at s = 0 of node n's operation applied to arguments whose derivatives of order k are set to zero. Then

    d^k/ds^k E(w + s v) = sum over n of <l_n, p_n^k>.

Proof: by the chain rule the k-th derivative of z_n is p_n^k plus the node's derivative applied to the k-th derivatives
of its arguments; unrolled along the graph, p_n^k reaches E through l_n. Linear operations have p^k = 0 for k >= 2. For
k = 2 this is theorem `second_derivative`, which Coq checks.

The term of a node that depends on a set S of parameters is at most c_n |v_S|^k <= c_n times the sum over the parameters
b in S of |v_b|^2, so for |v| <= 1 the sum is at most the largest, over b, of the sum of the c_n with b in S_n.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.movement import Derivatives, Movement
from verify.budget import check_memory
from verify.graph.graph import Node
from verify.graph.movements import MovementWalk, ShrunkRegion
from verify.graph.problem import GraphProblem
from verify.graph.reverse import adjoint_graph
from verify.operations.leaves import Leaf, Parameter

NUMBERS_PER_ENTRY = 6
"""Of a movement: centre and its radius, reach, three derivatives; those of two places stand beside each other."""


@dataclass(frozen=True)
class Shares:
    """What every node adds to a derivative of the error, and what they come to.

    Parameters
    ----------
    by_parameter : array
        For every parameter the sum of the terms of the nodes that depend on it.
    direct : float
        The same derivative bounded forward, from argument to result.
    largest : Node or None
        The node with the largest term: the first without a bound if there is one.
    """

    by_parameter: np.ndarray
    direct: float
    largest: Node | None

    @property
    def value(self) -> float:
        """The bound for |v| <= 1."""
        return min(float(np.max(self.by_parameter, initial=0.0)), self.direct)


class AdjointWalk:
    """The graph of a problem's error with its adjoints; made once, walked over several places.

    Parameters
    ----------
    problem : GraphProblem

    Raises
    ------
    OverBudgetError
        If the arrays of all nodes are too large.
    """

    def __init__(self, problem: GraphProblem) -> None:
        self.problem = problem
        moving = [isinstance(node.operation, Parameter) for node in problem.graph.nodes]
        found = adjoint_graph(problem.graph, moving)
        self.graph, self._primal = found.graph, found.primal
        self._adjoints = {p: found.adjoints[place] for p, place in enumerate(found.primal) if place in found.adjoints}
        last = max(self._primal)
        entries = sum(math.prod(node.shape) for node in self.graph.nodes)
        check_memory(
            2 * NUMBERS_PER_ENTRY * entries,
            "the movement of all results",
            "use fewer samples or units",
            entries=entries,
        )
        self._orders = [3 if position <= last else 2 for position in range(len(self.graph.nodes))]

    def over(
        self, place: ShrunkRegion, known: Sequence[Derivatives] | None = None, distance: float = 0.0
    ) -> list[Movement]:
        """Return the movements of all nodes over a place, see `MovementWalk`.

        Raises
        ------
        UndecidedHessianError
            If a result or its first derivative has no bound.
        """
        return MovementWalk(self.problem, self.graph, place, self._orders, known, distance).run()

    def shares(self, movements: Sequence[Movement], order: int) -> Shares:
        """Return the bounds of the error's derivative of order 2 or 3."""
        terms = np.zeros(len(self.problem.blocks))
        largest, most = None, 0.0
        for position, adjoint in self._adjoints.items():
            node = self.problem.graph.nodes[position]
            if isinstance(node.operation, Leaf):
                continue
            arguments = [movements[self._primal[a]] for a in node.arguments]
            with np.errstate(all="ignore"):
                term = node.operation.bending(movements[adjoint], arguments, order)
            inside = list(movements[self._primal[position]].support)
            terms[inside] = upward.add(terms[inside], term)
            if term > most:
                largest, most = node, term
        whole = movements[self._primal[self.problem.graph.outputs[0]]].derivatives[order - 1]
        return Shares(terms, 0.0 if whole is None else whole.whole, largest)

    def gradient(self) -> list[tuple[int, int]]:
        """Return, for every parameter block, its place in `graph` and that of the error's derivative in it."""
        leaves = [p for p, node in enumerate(self.problem.graph.nodes) if isinstance(node.operation, Parameter)]
        return [(self._primal[p], self._adjoints.get(p, -1)) for p in leaves]
