"""The proof of the gradient of one graph of operations, as a finding."""

from __future__ import annotations

from typing import Any

from verify.arithmetic.environment import certified_environment
from verify.calculus.symbolic.prove import NEEDED_FOR
from verify.graph.graph import Graph, Node
from verify.graph.problem import GraphProblem
from verify.graph.symbolic.induction import Induction, Instance, walked
from verify.graph.symbolic.rules import Proved, Unproved, prove_rule
from verify.operations.elementwise import Elementwise
from verify.operations.operation import Operation
from verify.operations.power import Power
from verify.outcomes import Finding, Verdict


@certified_environment(products=False)
def prove_graph_gradients(problem: GraphProblem) -> Finding:
    """Prove that backpropagation through this graph computes dE/dw.

    An induction along the graph composes the rules of its operations, and every node of the gradient's graph is
    compared with it; the rule of every operation is proved on symbols: its pullback is the transpose of its derivative,
    as an identity of real functions. Where the graph's own shapes are too large for that, the identity is proved for
    the same operation with fewer entries along axes of whose length its formula is independent, indices and masks cut
    with them.

    Parameters
    ----------
    problem : GraphProblem

    Returns
    -------
    Finding
        ``"gradients"``: PROVED; UNDECIDED if a step of the proof is rejected, or, and then it is not counted, if the
        rule of an operation is too large to be proved.

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> graph = builder.build((builder.parameter("w", (3,)) * builder.constant("x", (4, 3))).square().mean())
    >>> finding = prove_graph_gradients(GraphProblem(graph, {"x": [[1.0] * 3] * 4}, [1.0, 2.0, 3.0]))
    >>> finding.verdict.value, list(finding.numbers["rules"])
    ('PROVED', ['scale', 'sum', 'contraction'])
    """
    walk = walked(problem.graph, problem.gradient_graph)
    decided = {
        instance: prove_rule(operation, shapes, slots)
        for instance, slots in walk.rules.items()
        for operation, shapes in [instance]
    }
    flaws = [] if walk.flaw is None else [walk.flaw]
    flaws += [f"operation {i[0].name}: {r.why}" for i, r in decided.items() if isinstance(r, Unproved) and r.wrong]
    open_rules = {i[0].name: r.why for i, r in decided.items() if isinstance(r, Unproved) and not r.wrong}
    numbers = _numbers(problem.graph, problem.size, walk, decided)
    if flaws:
        return Finding(
            id="gradients",
            verdict=Verdict.UNDECIDED,
            statement=f"the proof that backpropagation computes dE/dw was rejected: {flaws[0]}",
            numbers={**numbers, "flaws": flaws},
            arithmetic="symbolic",
            needed_for=NEEDED_FOR,
            remedy="report this: the proof of a supported graph should be accepted",
        )
    if open_rules:
        reasons = "; ".join(f"{name}: {why}" for name, why in open_rules.items())
        return Finding(
            id="gradients",
            verdict=Verdict.UNDECIDED,
            statement=f"backpropagation computes dE/dw if these operations' rules are right, which is open: {reasons}",
            numbers=numbers,
            arithmetic="symbolic",
            needed_for="that the steps of a program are along the gradient; what is proved is about the exact gradient",
            counted=False,
            remedy="let the operation say how it is shortened (`Operation.shortened`)",
        )
    return Finding(
        id="gradients",
        verdict=Verdict.PROVED,
        statement=_statement(problem.graph, walk, decided),
        numbers=numbers,
        theorem="backpropagation",
        arithmetic="symbolic: exact, for all real weights and data",
        needed_for=NEEDED_FOR,
    )


def _numbers(graph: Graph, size: int, walk: Induction, decided: dict[Instance, Proved | Unproved]) -> dict[str, Any]:
    proved = [rule for rule in decided.values() if isinstance(rule, Proved)]
    return {
        "parameters": size,
        "nodes": len(graph.nodes),
        "steps": len(walk.steps),
        "uses": sum(len(step.uses) for step in walk.steps),
        "rules": walk.rules_in_words,
        "proved_at_own_shapes": sum(rule.own_shapes for rule in proved),
        "proved_at_shorter_axes": sum(not rule.own_shapes for rule in proved),
        "nodes_with_kinks": [_named(graph, p) for p in _kinked(graph, walk)],
    }


def _statement(graph: Graph, walk: Induction, decided: dict[Instance, Proved | Unproved]) -> str:
    kinked = list(dict.fromkeys(_named(graph, p) for p in _kinked(graph, walk)))
    where = "at every w where E is defined"
    if kinked:
        where += f" and no argument of {', '.join(kinked)} meets a kink"
    positive = [i[0] for i, rule in decided.items() if isinstance(rule, Proved) and rule.positive]
    if positive:
        where += f", the arguments of {', '.join(dict.fromkeys(map(_with_exponent, positive)))} being positive"
    own = sum(isinstance(rule, Proved) and rule.own_shapes for rule in decided.values())
    shapes = "this graph's own shapes" if own == len(decided) else f"this graph's own shapes ({own} of {len(decided)})"
    if own < len(decided):
        shapes += (
            " or for fewer entries, indices and mask entries along axes of whose length the formula is independent"
        )
    return (
        f"the backpropagation of this graph equals dE/dw {where}: {len(walk.steps)} steps over all "
        f"{sum(len(step.uses) for step in walk.steps)} uses of its results, compared with every node of the gradient's "
        f"graph; the rules of {len(walk.rules_in_words)} kinds of operations are proved on symbols, for {shapes}"
    )


def _with_exponent(operation: Operation) -> str:
    return f"power {operation.exponent}" if isinstance(operation, Power) else operation.name


def _kinked(graph: Graph, walk: Induction) -> list[int]:
    """Return the nodes of the proof that have no derivative somewhere."""
    return [step.node for step in reversed(walk.steps) if _has_kinks(graph.nodes[step.node])]


def _has_kinks(node: Node) -> bool:
    operation = node.operation
    if isinstance(operation, Elementwise):
        return any(jump <= operation.order + 1 for _, jump in operation.function.jumps)
    return not operation.smooth


def _named(graph: Graph, position: int) -> str:
    node = graph.nodes[position]
    what = node.operation.spec if isinstance(node.operation, Elementwise) else node.operation.name
    return f"{what} ({node.place})" if node.place else what
