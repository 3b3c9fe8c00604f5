"""Inside the child process: a model run by onnx's reference evaluator, its real numbers in float64.

Weights of lower precision are float64 numbers too, so the same function is evaluated, with smaller roundings.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from verify.importers.onnx.evaluated import IN_FLOAT64

Proto = Any
_REAL = frozenset(
    (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16, onnx.TensorProto.BFLOAT16, onnx.TensorProto.DOUBLE)
)


def evaluate(
    model: Proto, message: dict[str, Any], arrays: list[np.ndarray]
) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Return an output for several values of some initialisers.

    Parameters
    ----------
    model : ModelProto
    message : dict
        ``output``, the names of ``inputs`` and of numbers in the file that are ``set``, the number of ``points``.
    arrays : list of array
        The inputs, then those numbers for each point.

    Returns
    -------
    dict, list of array
        Whether a result on the way was not float64 (``narrow``), and the output at every point.
    """
    names, count = message["set"], len(message["inputs"])
    graph = _needed(model, message["output"], frozenset(names))
    evaluator = ReferenceEvaluator(graph, new_ops=IN_FLOAT64)
    feeds = dict(zip(message["inputs"], arrays[:count], strict=True))
    found, narrow = [], False
    for point in range(message["points"]):
        first = count + point * len(names)
        given = dict(zip(names, arrays[first : first + len(names)], strict=True))
        with np.errstate(all="ignore"):
            results: Any = evaluator.run(None, feeds | given, intermediate=True)
        narrow = narrow or any(getattr(value, "dtype", None) == np.float32 for value in results.values())
        found.append(np.asarray(results[message["output"]]).astype(np.float64))
    return {"narrow": narrow}, found


def _needed(model: Proto, output: str, given: frozenset[str]) -> Proto:
    """Return a model of the nodes that an output needs besides given values, in float64."""
    maker = {name: node for node in model.graph.node for name in node.output if name and name not in given}
    waiting, needed = [output], set()
    while waiting:
        name = waiting.pop()
        node = maker.get(name)
        if node is not None and id(node) not in needed:
            needed.add(id(node))
            waiting.extend(node.input)
    nodes = [_in_double(node) for node in model.graph.node if id(node) in needed]
    read = {name for node in nodes for name in node.input} | {output}
    graph = helper.make_graph(
        nodes,
        "part",
        [value for value in model.graph.input if value.name in read],
        [helper.make_tensor_value_info(output, onnx.TensorProto.DOUBLE, None)],
        [_tensor_in_double(tensor) for tensor in model.graph.initializer if tensor.name in read],
    )
    return helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)


def _in_double(node: Proto) -> Proto:
    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    for attribute in copy.attribute:
        if attribute.type == onnx.AttributeProto.TENSOR:
            attribute.t.CopyFrom(_tensor_in_double(attribute.t))
        elif attribute.name in ("to", "dtype") and attribute.i in _REAL:
            attribute.i = onnx.TensorProto.DOUBLE
        elif node.op_type == "Constant" and attribute.name in ("value_float", "value_floats"):
            numbers = attribute.f if attribute.name == "value_float" else list(attribute.floats)
            tensor = numpy_helper.from_array(np.array(numbers, dtype=np.float64))
            attribute.CopyFrom(helper.make_attribute("value", tensor))
    if node.op_type == "GroupNormalization":  # its mean and variance are float32 unless another format is named
        kept = [attribute for attribute in copy.attribute if attribute.name != "stash_type"]
        del copy.attribute[:]
        copy.attribute.extend([*kept, helper.make_attribute("stash_type", onnx.TensorProto.DOUBLE)])
    return copy


def _tensor_in_double(tensor: Proto) -> Proto:
    if tensor.data_type not in _REAL:
        return tensor
    return numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name)
