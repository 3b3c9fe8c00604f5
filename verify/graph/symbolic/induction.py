"""The induction along a graph that makes rules of operations into a proof of its gradient, checked node by node.

Let ``z_0, ..., z_m`` be the results of the nodes, z_m the error, and ``lambda_k = dE/dz_k`` its derivative when the
nodes after k are computed and z_k varies freely. Then ``lambda_m = 1``, and for k < m the nodes that read z_k, with
index j > k, are all through which it enters the error, so by the chain rule

    lambda_k = sum over the uses (j, slot) of z_k of  J_(j, slot)^T lambda_j,

J being the derivative of operation j in that argument. `walked` writes this sum down with each operation's `pullback`
for J^T and compares it with the graph that `verify.graph.reverse` made: the outputs must be the same nodes. What is
left to prove is the rule of every operation that was used (`verify.graph.symbolic.rules`). The induction is
theorem `backpropagation` of proofs_notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from verify.graph.graph import Graph
from verify.graph.reverse import depending
from verify.graph.tensor import GraphBuilder, Tensor
from verify.operations.add import Add
from verify.operations.leaves import Parameter
from verify.operations.operation import Operation, Shape

Use = tuple[int, int]
"""The position of the node that reads, and which of its arguments it is."""
Instance = tuple[Operation, tuple[Shape, ...]]
"""An operation and the shapes of its arguments."""


@dataclass(frozen=True)
class InductionStep:
    """What is established of one node: its adjoint is what its uses send back.

    Parameters
    ----------
    node : int
    uses : tuple of Use
        Those that send something back, the latest reader first.
    """

    node: int
    uses: tuple[Use, ...]


@dataclass(frozen=True)
class Induction:
    """The induction along a graph.

    Parameters
    ----------
    steps : tuple of InductionStep
        From the error down to the parameters.
    rules : mapping of Instance to tuple of int
        The operations whose rules are used, and in which arguments.
    flaw : str or None
        Where the graph of the gradient is not the one that the induction prescribes.
    """

    steps: tuple[InductionStep, ...]
    rules: dict[Instance, tuple[int, ...]]
    flaw: str | None

    @property
    def rules_in_words(self) -> dict[str, str]:
        """The rule of every kind of operation that is used, by the operation's name."""
        return {operation.name: operation.rule for operation, _ in self.rules}


def walked(graph: Graph, gradient: Graph) -> Induction:
    """Go through the induction for a graph with one scalar output and the graph of its error and gradient.

    Examples
    --------
    >>> from verify.graph.reverse import gradient_graph
    >>> builder = GraphBuilder()
    >>> w = builder.parameter("w", (2,))
    >>> graph = builder.build((w * w).sum())
    >>> walk = walked(graph, gradient_graph(graph))
    >>> walk.flaw, [len(step.uses) for step in walk.steps]
    (None, [0, 1, 2])
    """
    builder = GraphBuilder()
    given = builder.include(gradient)
    own = builder.include(graph)
    (error,) = graph.outputs
    wanted = [isinstance(node.operation, Parameter) for node in graph.nodes]
    moving = depending(graph, wanted)
    readers = _readers(graph)
    adjoints: dict[int, Tensor] = {}
    sent: dict[int, Sequence[Tensor | None]] = {}
    steps: list[InductionStep] = []
    for position in reversed(range(len(graph.nodes))):
        node = graph.nodes[position]
        if not moving[position]:
            continue
        uses = tuple((j, slot) for j, slot in readers[position] if j in sent and sent[j][slot] is not None)
        parts = [part for j, slot in uses if (part := sent[j][slot]) is not None]
        if position == error:
            parts.insert(0, builder.filled(1))
        if not parts:
            continue
        adjoints[position] = parts[0] if len(parts) == 1 else parts[0].apply(Add(), *parts)
        steps.append(InductionStep(position, uses))
        if node.arguments:
            arguments = [own[argument] for argument in node.arguments]
            sent[position] = node.operation.pullback(arguments, own[position], adjoints[position])
    expected = [own[error], *(adjoints.get(p, own[p].zeros()) for p, is_wanted in enumerate(wanted) if is_wanted)]
    flaw = _difference([given[output].position for output in gradient.outputs], [x.position for x in expected])
    return Induction(tuple(steps), _rules(graph, sent, moving), flaw)


def _readers(graph: Graph) -> list[list[Use]]:
    readers: list[list[Use]] = [[] for _ in graph.nodes]
    for position in reversed(range(len(graph.nodes))):
        for slot, argument in enumerate(graph.nodes[position].arguments):
            readers[argument].append((position, slot))
    return readers


def _rules(
    graph: Graph, sent: dict[int, Sequence[Tensor | None]], moving: list[bool]
) -> dict[Instance, tuple[int, ...]]:
    """Collect what is used of every operation; where nothing was sent back, that this is right is a rule too."""
    found: dict[Instance, set[int]] = {}
    for position in sent:
        node = graph.nodes[position]
        shapes = tuple(graph.nodes[argument].shape for argument in node.arguments)
        slots = {slot for slot, argument in enumerate(node.arguments) if moving[argument]}
        found.setdefault((node.operation, shapes), set()).update(slots)
    return {instance: tuple(sorted(slots)) for instance, slots in found.items()}


def _difference(given: list[int], expected: list[int]) -> str | None:
    if len(given) != len(expected):
        return f"the graph of the gradient has {len(given)} outputs, not {len(expected)}"
    for k, (one, other) in enumerate(zip(given, expected, strict=True)):
        if one != other:
            return f"output {k} of the graph of the gradient is not the sum over all uses that the induction prescribes"
    return None
