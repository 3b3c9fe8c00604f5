"""The recursion of one graph of operations as a LaTeX document."""

from __future__ import annotations

import dataclasses

from verify.calculus.symbolic.latex import display, document, latex_escape
from verify.escaping import shorten
from verify.graph.graph import Graph, Node
from verify.graph.problem import GraphProblem
from verify.graph.symbolic.induction import Induction, InductionStep, walked
from verify.operations.leaves import Filled, Leaf, Parameter
from verify.operations.operation import Operation

_NOTATION = r"""$\bar z_k = \partial E/\partial z_k$. $B_{j,a}$ is the transposed derivative of the operation of $z_j$
in its $a$-th argument, at the arguments of the forward pass: the rules below say what it is.
"""


def graph_latex(problem: GraphProblem) -> str:
    """Return a LaTeX document with the forward pass, the backpropagation of a graph and the rules that it rests on.

    Parameters
    ----------
    problem : GraphProblem

    Returns
    -------
    str
        A complete document for pdflatex.

    Examples
    --------
    >>> from verify.graph.tensor import GraphBuilder
    >>> builder = GraphBuilder()
    >>> graph = builder.build(builder.parameter("w", (2,)).square().sum())
    >>> text = graph_latex(GraphProblem(graph, {}, [1.0, 2.0]))
    >>> [line for line in text.splitlines() if "w" in line and "partial" in line]
    ['\\\\frac{\\\\partial E}{\\\\partial \\\\text{w}} &= \\\\bar z_{0}']
    """
    graph = problem.graph
    walk = walked(graph, problem.gradient_graph)
    return document(
        [
            ("Network", _network(problem)),
            ("Forward pass", display(_forward(node, k) for k, node in enumerate(graph.nodes))),
            ("Error", display([f"E(w) &= z_{{{graph.outputs[0]}}}"])),
            ("Backpropagation", _NOTATION + display(_backward(graph, step) for step in walk.steps)),
            ("Gradient", display(_gradient(graph, walk))),
            ("Rules", _rules(walk)),
        ]
    )


def _network(problem: GraphProblem) -> str:
    rows = []
    for block in problem.blocks:
        decay = problem.weight_decay.get(block.label)
        held = "" if decay is None else f", weight decay {decay!r}"
        rows.append(rf"\item {latex_escape(block.label)}: shape {_shape(block.shape)}{held}")
    listed = "\n".join(rows)
    return f"{problem.size} trainable parameters.\n\\begin{{itemize}}\n{listed}\n\\end{{itemize}}\n"


def _shape(shape: tuple[int, ...]) -> str:
    return "$" + (r" \times ".join(map(str, shape)) or "1") + "$"


def _forward(node: Node, position: int) -> str:
    operation = node.operation
    if isinstance(operation, Leaf | Filled):
        value = operation.label if isinstance(operation, Leaf) else operation.value
        return rf"z_{{{position}}} &= \text{{{operation.name} {latex_escape(str(value))}}}"
    arguments = ", ".join(f"z_{{{argument}}}" for argument in node.arguments)
    return rf"z_{{{position}}} &= \text{{{latex_escape(_name(operation))}}}({arguments})"


def _name(operation: Operation) -> str:
    options = [shorten(str(getattr(operation, f.name)), 40) for f in dataclasses.fields(operation)]
    return operation.name.replace("_", " ") + (f" [{'; '.join(options)}]" if options else "")


def _backward(graph: Graph, step: InductionStep) -> str:
    terms = ["1"] if step.node == graph.outputs[0] else []
    terms += [rf"B_{{{reader},{slot}}} \bar z_{{{reader}}}" for reader, slot in step.uses]
    lines = [" + ".join(terms[start : start + 5]) for start in range(0, len(terms), 5)]
    return rf"\bar z_{{{step.node}}} &= " + " \\\\\n&\\quad + ".join(lines)


def _gradient(graph: Graph, walk: Induction) -> list[str]:
    reached = {step.node for step in walk.steps}
    lines = []
    for position, node in enumerate(graph.nodes):
        if isinstance(node.operation, Parameter):
            value = rf"\bar z_{{{position}}}" if position in reached else "0"
            label = latex_escape(node.operation.label)
            lines.append(rf"\frac{{\partial E}}{{\partial \text{{{label}}}}} &= {value}")
    return lines


def _rules(walk: Induction) -> str:
    items = "\n".join(
        rf"\item \emph{{{latex_escape(name)}:}} {latex_escape(rule)}" for name, rule in walk.rules_in_words.items()
    )
    return f"What the operations above send back.\n\\begin{{itemize}}\n{items}\n\\end{{itemize}}\n"
