"""An import is not trusted: the output of the graph is compared with that of onnx's own reference evaluator."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from verify.graph.evaluation import FLOAT64, INTERVAL, evaluate
from verify.graph.graph import Graph
from verify.graph.problem import GraphProblem
from verify.importers.agreement import allowed_difference, require_agreement
from verify.importers.onnx.process import Child
from verify.operations.operation import OutsideDomainError
from verify.outcomes import InputError

POINTS = 3
"""The weights of the file, and random ones near them, at which two functions that agree by chance differ."""
WIDER = 2.0**29
"""The unit roundoff of float32 in that of float64: where a step of the evaluator is computed in float32 although all
its arguments are float64, its rounding error is at most so many times the one that our radius bounds."""


def check_agreement(
    child: Child,
    problem: GraphProblem,
    outputs: Graph,
    labels: Mapping[str, str],
    output: str,
    inputs: Mapping[str, np.ndarray],
) -> None:
    """Compare an output at the weights of the file and at random ones near them.

    Parameters
    ----------
    child : Child
        Has read the model.
    problem : GraphProblem
    outputs : Graph
        Of the output that goes into the loss.
    labels : mapping of str to str
        Labels of the parameters by their names in the file.
    output : str
    inputs : mapping of str to array

    Raises
    ------
    InputError
        If they differ by more than rounding explains, or cannot be computed.
    """
    w0, rng = problem.initial_weights, np.random.default_rng(0)
    points = [w0, *(w0 + 0.1 * rng.normal(size=w0.shape) * (np.abs(w0) + 0.1) for _ in range(POINTS - 1))]
    names = [name for name, label in labels.items() if any(block.label == label for block in problem.blocks)]
    parts = [problem.unflatten(w)[labels[name]] for w in points for name in names]
    question = {"task": "evaluate", "output": output, "inputs": list(inputs), "set": names, "points": len(points)}
    answer, found = child.ask(question, [*inputs.values(), *parts])
    compared = [
        _compare(problem, outputs, w, theirs, answer["narrow"], k)
        for k, (w, theirs) in enumerate(zip(points, found, strict=True))
    ]
    if not compared[0]:
        raise InputError(
            "the output is not defined at the weights of the file",
            where=child.where,
            output=output,
            remedy="name an earlier output, or train it to weights where no logarithm or root fails",
        )


def _compare(
    problem: GraphProblem, outputs: Graph, w: np.ndarray, theirs: np.ndarray, narrow: bool, point: int
) -> bool:
    """Return whether our output is defined, and compare it."""
    values = problem.values(problem.check_weights(w))
    try:
        (ours,), (plain,) = evaluate(outputs, values, INTERVAL), evaluate(outputs, values, FLOAT64)
    except OutsideDomainError:
        return False
    if theirs.shape != ours.shape:
        raise InputError(
            "the graph's output has another shape than the model's", graph=ours.shape, model=theirs.shape,
            remedy="export it again; if this stays, report it",
        )  # fmt: skip
    flat, numbers = ours.reshape(-1), np.asarray(plain).reshape(-1)
    more = float(np.max(WIDER * allowed_difference(flat, numbers), initial=0.0)) if narrow else 0.0
    require_agreement(
        theirs.reshape(-1),
        flat,
        numbers,
        "the graph's output is not that of onnx's reference evaluator",
        "export it again; if this stays, report it",
        point,
        more,
    )
    return True
