"""The walk of a graph over a region of weights: where every result can be, and how it bends there.

`verify.arithmetic.movement` says what a movement holds. Values are enclosed over the region twice: by the operation on
boxes, and by the mean value theorem from the centre, ``|f(w) - f(centre)| <= |w - centre| sup |f'|``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from verify.arithmetic import upward
from verify.arithmetic.intervals import Interval
from verify.arithmetic.movement import Derivatives, Movement
from verify.arithmetic.sizes import Sizes, total
from verify.bounds.hessian_result import UndecidedHessianError
from verify.bounds.regions import Region
from verify.budget import check_time
from verify.graph.evaluation import INTERVAL, evaluate
from verify.graph.graph import Graph, Node
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder
from verify.operations.elementwise import Elementwise
from verify.operations.leaves import Constant, Filled, Leaf, Parameter
from verify.operations.operation import LinearOperation, OutsideDomainError, Shape
from verify.outcomes import InputError


@dataclass(frozen=True)
class ShrunkRegion:
    """A region shrunk towards its centre, as the parameters of a network see it.

    Parameters
    ----------
    centre : array, shape (P,)
    radius : float
        No point is farther from the centre.
    reaches : dict of str to Sizes
        Of every parameter's movement, by label.
    """

    centre: np.ndarray
    radius: float
    reaches: dict[str, Sizes]

    @staticmethod
    def of(problem: GraphProblem, region: Region, part: float = 1.0) -> ShrunkRegion:
        """Return a place that holds ``centre + part (w - centre)`` for all w of the region.

        Parameters
        ----------
        problem : GraphProblem
        region : Region
        part : float
            In [0, 1].

        Raises
        ------
        InputError
            If the region does not fit the problem.
        """
        if region.size not in (None, problem.size):
            raise InputError(
                "the region does not fit",
                where="region",
                size=region.size,
                weights=problem.size,
                remedy="give a region around weights of this problem",
            )
        size = problem.size
        centre, radii, squares = np.zeros(size), np.zeros(size), []
        members = [(block, float(upward.mul(radius, part))) for block, _, radius in region.balls(size)]
        for (block, radius), (_, at, _) in zip(members, region.balls(size), strict=True):
            centre[block], radii[block] = at, radius
            squares.append(upward.mul(radius, radius))
        reaches = {}
        for parameter in problem.blocks:
            inside = [
                upward.mul(radius, radius) for place, radius in members if _meet(range(size)[place], parameter.place)
            ]
            reaches[parameter.label] = Sizes.of(
                radii[parameter.place].reshape(parameter.shape), whole=float(upward.sqrt(upward.add(0.0, *inside)))
            )
        return ShrunkRegion(problem.check_weights(centre), float(upward.sqrt(upward.add(0.0, *squares))), reaches)


def _meet(first: range, second: slice) -> bool:
    return max(first.start, second.start) < min(first.stop, second.stop)


class MovementWalk:
    """One evaluation of a graph over a place.

    Parameters
    ----------
    problem : GraphProblem
        Whose parameters and constants the leaves are.
    graph : Graph
    place : ShrunkRegion
    orders : sequence of int
        Up to which order, 1 to 3, the derivatives of each node are bounded.
    known : sequence of Derivatives, optional
        Bounds of every node's derivatives over a part of the place.
    distance : float
        Such that no point of the place is farther from that part.
    """

    def __init__(
        self,
        problem: GraphProblem,
        graph: Graph,
        place: ShrunkRegion,
        orders: Sequence[int],
        known: Sequence[Derivatives] | None = None,
        distance: float = 0.0,
    ) -> None:
        self.problem = problem
        self.graph = graph
        self.place = place
        self.orders = orders
        self.known = known
        self.distance = distance
        self._values = problem.values(place.centre)
        self._numbers = {block.label: k for k, block in enumerate(problem.blocks)}

    def run(self) -> list[Movement]:
        """Return the movements of all nodes.

        Raises
        ------
        UndecidedHessianError
            If a result or its first derivative has no bound; it names the operation and the place.
        """
        results: list[Movement] = []
        with np.errstate(all="ignore"):
            for position, node in enumerate(self.graph.nodes):
                check_time()
                known = () if self.known is None else self.known[position]
                arguments = [results[argument] for argument in node.arguments]
                results.append(self._moved(node, arguments, self.orders[position], known))
        return results

    def _moved(self, node: Node, arguments: list[Movement], orders: int, known: Derivatives) -> Movement:
        operation = node.operation
        if isinstance(operation, Parameter):
            unit = Sizes.ball(node.shape)
            reach = self.place.reaches[operation.label]
            centre = Interval.point(self._values[operation])
            return Movement(centre, reach, (unit, *(None,) * (orders - 1)), frozenset({self._numbers[operation.label]}))
        if isinstance(operation, Constant | Filled):
            value = self._values[operation] if isinstance(operation, Leaf) else np.full(node.shape, operation.value)
            return Movement(Interval.point(value), None, (None,) * orders, frozenset())
        try:
            return self._result(node, arguments, orders, known)
        except OutsideDomainError:
            raise undecided(node, "may leave its domain in the region", "use a smaller region") from None
        except UndecidedHessianError:
            raise
        except InputError as error:
            raise undecided(node, f"has no bound of its derivatives: {error.what}", error.remedy) from None

    def _result(self, node: Node, arguments: list[Movement], orders: int, known: Derivatives) -> Movement:
        operation = node.operation
        if np.prod(node.shape) and not any(np.prod(a.shape) for a in arguments):
            return Movement(Interval.zeros(node.shape), None, (None,) * orders, frozenset())
        centre = _interval(operation.evaluate(*(a.centre for a in arguments)))
        support = frozenset().union(*(a.support for a in arguments))
        if not any(a.moves for a in arguments):
            return self._checked(node, Movement(centre, None, (None,) * orders, support))
        derivatives = grown(derivatives_of_node(node, arguments, orders), known, self.distance)
        if derivatives[0] is None:
            return self._checked(node, Movement(centre, None, derivatives, support))
        reach = derivatives[0].times(self.place.radius)
        try:
            direct = _interval(operation.evaluate(*(a.box for a in arguments)))
            reach = reach.least(Sizes.of((direct - centre).max_abs()))
        except OutsideDomainError:
            pass
        return self._checked(node, Movement(centre, reach, derivatives, support))

    @staticmethod
    def _checked(node: Node, found: Movement) -> Movement:
        finite = np.all(np.isfinite(found.centre.max_abs())) and (found.reach is None or found.reach.is_finite)
        first = found.derivatives[0]
        if not finite or not (first is None or first.is_finite):
            raise undecided(node)
        return found


def derivatives_of_node(node: Node, arguments: Sequence[Movement], orders: int) -> Derivatives:
    """Return bounds of the derivatives of a node's result from what its arguments hold."""
    cut = [Movement(a.centre, a.reach, _padded(a.derivatives, orders), a.support) for a in arguments]
    if isinstance(node.operation, LinearOperation):
        return tuple(_linear(node.operation, [a.derivatives[k] for a in cut], cut) for k in range(orders))
    return node.operation.derivatives(cut, orders)


def grown(found: Derivatives, known: Derivatives, distance: float) -> Derivatives:
    """Sharpen bounds over a place by those over a part of it: the next derivative says how far they change."""
    sharp = list(found)
    for k in reversed(range(min(len(found), len(known)))):
        here, before = sharp[k], known[k]
        following = [] if distance == 0 or k + 1 == len(sharp) else [sharp[k + 1]]
        if here is None or (distance > 0 and not following):
            continue
        change = total([before, *(part if part is None else part.times(distance) for part in following)])
        sharp[k] = None if change is None else here.least(change)
    return tuple(sharp)


def undecided(node: Node, what: str | None = None, remedy: str | None = None) -> UndecidedHessianError:
    """Return the error that names a node, by default with what is known of its operation."""
    operation = node.operation
    where = f"operation {operation.name}" + (f" at {node.place}" if node.place else "")
    if what is None:
        what, remedy = "has no finite bound of its derivatives in the region", "use a smaller region"
        if isinstance(operation, Elementwise):
            where = f"{operation.spec}" + (f" at {node.place}" if node.place else "")
            if not operation.is_smooth:
                what, remedy = "has a kink that the region reaches", f"{_SMOOTH}, or a smaller region"
        elif not operation.smooth:
            what, remedy = "changes in the region which entry is the largest", "use averages, or a smaller region"
    return UndecidedHessianError(what, where=where, remedy=remedy)


_SMOOTH = "use a smooth function such as softplus or gelu"


def _padded(derivatives: Derivatives, orders: int) -> Derivatives:
    if len(derivatives) < orders:
        raise ValueError("a node asks for more orders than its arguments carry")
    return derivatives[:orders]


def _interval(value: Interval) -> Interval:
    return value if isinstance(value, Interval) else Interval(np.asarray(value, dtype=np.float64))


def _linear(operation: LinearOperation, bounds: Sequence[Sizes | None], arguments: Sequence[Movement]) -> Sizes | None:
    """Bound the result of a linear operation: its matrix has the norm ``sqrt(row sums x column sums)`` at most (Schur).

    Where it keeps rows apart the same holds of every row.
    """
    if all(bound is None for bound in bounds):
        return None
    present = [
        Sizes.of(np.zeros(argument.shape)) if bound is None else bound
        for bound, argument in zip(bounds, arguments, strict=True)
    ]
    entries = _interval(operation.evaluate(*(sizes.within() for sizes in present))).max_abs()
    gain, columns, row_gains = _gains(operation, tuple(sizes.shape for sizes in present))
    whole = float(upward.mul(gain, upward.norm(np.array([sizes.whole for sizes in present]))))
    rows: np.ndarray | float = np.inf
    if row_gains is not None:
        rows = upward.mul(row_gains, upward.norm(np.stack([sizes.rows for sizes in present]), axis=0))
    known = operation.rows(present)
    absolute = float(upward.mul(columns, upward.add(0.0, *(sizes.absolute for sizes in present))))
    return Sizes.of(entries, rows if known is None else np.minimum(rows, known), whole, absolute)


@lru_cache(maxsize=4096)
def _gains(operation: LinearOperation, shapes: tuple[Shape, ...]) -> tuple[float, float, np.ndarray | None]:
    """Bound the norm of a linear operation's matrix, its column sums, and the norm for every row if kept apart."""
    builder = GraphBuilder()
    leaves = [builder.constant(f"x{k}", shape) for k, shape in enumerate(shapes)]
    result = leaves[0].apply(operation, *leaves)
    adjoint = builder.constant("y", result.shape)
    parts = operation.pullback(leaves, result, adjoint)
    ones = {f"x{k}": Interval(np.zeros(s), np.ones(s)) for k, s in enumerate(shapes)}
    ones["y"] = Interval(np.zeros(result.shape), np.ones(result.shape))
    back = [leaf.zeros() if part is None else part for leaf, part in zip(leaves, parts, strict=True)]
    graph = builder.build(result, *back)
    values = {leaf: ones[leaf.label] for leaf in graph.leaves(Constant)}
    across, *sums = (_interval(found).max_abs() for found in evaluate(graph, values, INTERVAL))
    columns = max(float(np.max(part, initial=0.0)) for part in sums)
    gain = float(upward.sqrt(upward.mul(float(np.max(across, initial=0.0)), columns)))
    if not operation.keeps_rows(*shapes):
        return gain, columns, None
    most = np.max([_rowwise(part) for part in sums], axis=0)
    return gain, columns, upward.sqrt(upward.mul(_rowwise(across), most))


def _rowwise(sums: np.ndarray) -> np.ndarray:
    return np.max(sums, axis=tuple(range(1, sums.ndim)), initial=0.0)
