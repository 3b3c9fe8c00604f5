"""From the nodes of a model to a graph of operations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from verify.budget import check_memory
from verify.escaping import visible
from verify.graph.tensor import GraphBuilder, Tensor
from verify.importers.lowering.softmax import Masked
from verify.importers.onnx import rules as _rules  # noqa: F401 -- importing registers them
from verify.importers.onnx.model import Model, OnnxNode
from verify.importers.onnx.registry import RULES, Known, OnnxScope, UnsuitableError, Value
from verify.importers.onnx.trainable import stored_numbers
from verify.outcomes import InputError

COPIES = 4
"""Arrays of the size of a result that its evaluation in intervals needs at once."""
REMEDY = "export without it, or name an earlier output"


def translate(
    model: Model, builder: GraphBuilder, output: str, inputs: Mapping[str, np.ndarray], trained: Sequence[str]
) -> tuple[Tensor, OnnxScope]:
    """Return an output as a tensor of the builder, with the constants it needs.

    Parameters
    ----------
    model : Model
    builder : GraphBuilder
    output : str
    inputs : mapping of str to array
        Float64 where the model takes reals, else whole numbers or truth values.
    trained : sequence of str
        Names of the numbers that become parameters.

    Raises
    ------
    InputError
        If an operation has no rule, or its rule does not take what it is given: name and operation of the node are
        told.
    """
    labels = parameter_labels(trained)
    scope = OnnxScope(builder, model.opset, labels.values())
    numbers = stored_numbers(model)
    values: dict[str, Value] = {}
    for name, array in model.initialisers.items():
        if array is not None:
            values[name] = Known(visible(name), array.astype(np.float64)) if array.dtype.kind == "f" else array
    for name, array in inputs.items():
        values[name] = Known(visible(name), array) if array.dtype.kind == "f" else array
    values |= {name: builder.parameter(labels[name], numbers[name].shape) for name in trained}
    needed = model.needed_for(output)
    for node in model.nodes:
        if not needed.isdisjoint(node.outputs) and node.outputs[0] not in trained:
            _follow(node, values, scope)
    builder.place = ""
    found = values.get(output)
    if not isinstance(found, Tensor):
        raise InputError(
            "the output is no array of reals that depends on parameters",
            where=visible(output),
            outputs=[visible(name) for name in model.outputs],
            remedy='name another one: output="..."',
        )
    return found, scope


def parameter_labels(trained: Sequence[str]) -> dict[str, str]:
    """Return the labels of parameters: their names, made visible.

    Raises
    ------
    InputError
        If two look the same.
    """
    labels = {name: visible(name) for name in trained}
    if len(set(labels.values())) < len(labels):
        raise InputError("names that look the same", names=len(labels), remedy="give the tensors other names")
    return labels


def _follow(node: OnnxNode, values: dict[str, Value], scope: OnnxScope) -> None:
    """Compute the results of a node."""
    scope.builder.place = node.place
    key = f"{node.domain}.{node.op}" if node.domain else node.op
    if key not in RULES:
        raise InputError(
            "no rule for this operation", where=node.place, operation=visible(key), opset=scope.opset, remedy=REMEDY
        )
    rule = RULES[key]
    arguments = [_argument(node, name, values) for name in node.inputs]
    if not rule.takes_masked and any(isinstance(each, Masked) for each in arguments):
        raise InputError(
            "numbers that are minus infinity", where=node.place, opset=scope.opset, remedy="let a softmax follow next"
        )
    first = len(scope.builder.nodes)
    try:
        results = rule.function(scope, node, *arguments)
        for made in scope.builder.nodes[first:]:
            check_memory(COPIES * math.prod(made.shape), "an array", "use fewer samples", shape=made.shape)
    except InputError as error:
        known = error.where or ""
        raise (error if known.startswith(node.place) else error.at(node.place)) from None
    except UnsuitableError as error:
        remedy = error.remedy or REMEDY
        raise InputError(error.what, where=node.place, remedy=remedy, opset=scope.opset, **error.values) from None
    except MemoryError:
        raise InputError(
            "an array is too large", where=node.place, opset=scope.opset, remedy="use fewer samples"
        ) from None
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise InputError(
            "the rule does not take these arguments or options",
            where=node.place,
            opset=scope.opset,
            reason=str(error),
            remedy=REMEDY,
        ) from error
    for name, value in zip(node.outputs, results if isinstance(results, tuple) else (results,), strict=False):
        values[name] = np.asarray(value) if isinstance(value, np.generic) else value


def _argument(node: OnnxNode, name: str, values: Mapping[str, Value]) -> Any:
    if not name:
        return None
    if name not in values:
        raise InputError(
            "an argument that nothing computed before",
            where=node.place,
            argument=visible(name),
            remedy="sort the nodes, without a cycle",
        )
    return values[name]
