"""A loss that takes logits is refused probabilities: it would be another error than the user means."""

from __future__ import annotations

import numpy as np

from verify.escaping import visible
from verify.graph.evaluation import FLOAT64, evaluate
from verify.graph.graph import Graph
from verify.graph.problem import GraphProblem
from verify.importers.onnx.model import Model
from verify.importers.onnx.trainable import MOVES
from verify.losses import Loss
from verify.outcomes import InputError

_TAKES = {"softmax-cross-entropy": "Softmax", "sigmoid-cross-entropy": "Sigmoid"}
"""Losses of logits, and the function of logits that each holds already."""


def refuse_probabilities(model: Model, output: str, loss: Loss) -> None:
    """Refuse a loss that takes logits where probabilities go into it."""
    node = model.makers.get(output)
    while node is not None and node.op in MOVES and node.inputs:
        node = model.makers.get(node.inputs[0])
    if node is not None and node.op == _TAKES.get(loss.name):
        raise InputError(
            "the loss takes logits, the output is probabilities already",
            where=node.place,
            loss=loss.name,
            remedy=f"name what goes into the {node.op}: output={visible(node.inputs[0])!r}",
        )


def refuse_distributions(problem: GraphProblem, outputs: Graph, loss: Loss) -> None:
    """Refuse the same where the file holds no such node: every row is a distribution, also at other weights."""
    if loss.name not in _TAKES:
        return
    w = problem.initial_weights
    moved = w + 0.1 * np.random.default_rng(0).normal(size=w.shape) * (np.abs(w) + 0.1)
    for point in (w, moved):
        with np.errstate(all="ignore"):
            (z,) = evaluate(outputs, problem.values(point), FLOAT64)
        rows = np.asarray(z)
        inside = np.all((rows >= 0) & (rows <= 1))
        if rows.ndim < 2 or rows.shape[-1] < 2 or not (inside and np.all(np.abs(rows.sum(axis=-1) - 1) <= 1e-6)):
            return
    raise InputError(
        "the loss takes logits, every row of the output is probabilities already",
        loss=loss.name,
        remedy="name what goes into the function that makes them: output=...",
    )
