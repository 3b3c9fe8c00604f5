"""Inside the child process: from the bytes of a file to plain data, every size checked before an array is made."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import checker, helper, inliner, numpy_helper

from verify.outcomes import InputError

OLDEST_OPSET = 13
MOST_NODES = 100_000
MOST_FUNCTIONS = 1000
MOST_NUMBERS = 2**28
"""Entries of all tensors of a file together: two gigabytes as float64."""
Proto = Any


def parse(content: bytes) -> Proto:
    """Return the model, parsed and nothing more.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        model = onnx.load_model_from_string(content)
    except Exception:
        model = None
    if model is None or not model.ir_version or not model.HasField("graph"):
        raise InputError("not an ONNX model", bytes=len(content), remedy="export the network as an .onnx file")
    _check_sizes(model)
    return model


def external_files(model: Proto) -> list[str]:
    """Return the names of the files in which the model keeps numbers, each once."""
    names = [_external(tensor).get("location", "") for tensor in _tensors(model) if _is_external(tensor)]
    return list(dict.fromkeys(names))


def fill_external(model: Proto, files: dict[str, np.ndarray]) -> None:
    """Put the numbers of other files into the model.

    Raises
    ------
    InputError
        If a file does not hold them.
    """
    for tensor in _tensors(model):
        if not _is_external(tensor):
            continue
        entry = _external(tensor)
        content = files[entry.get("location", "")]
        start = int(entry.get("offset", "0"))
        length = int(entry.get("length", str(len(content) - start)))
        if not 0 <= start <= start + length <= len(content):
            raise InputError(
                "the other file is too short",
                where=entry.get("location"),
                offset=start,
                length=length,
                remedy="copy it again",
            )
        tensor.ClearField("external_data")
        tensor.data_location = onnx.TensorProto.DEFAULT
        tensor.raw_data = content[start : start + length].tobytes()
    _check_sizes(model)


def checked(model: Proto) -> Proto:
    """Return the model as onnx's checker accepts it, with its own functions written out.

    Raises
    ------
    InputError
        If it is not valid, or of another version.
    """
    opset = _opset(model)
    newest = onnx.defs.onnx_opset_version()
    if not OLDEST_OPSET <= opset <= newest:
        raise InputError(
            "an opset that is not read",
            opset=opset,
            oldest=OLDEST_OPSET,
            newest=newest,
            remedy="convert it with onnx.version_converter" if opset < OLDEST_OPSET else "update the onnx package",
        )
    try:
        checker.check_model(model)
    except Exception as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise InputError("not a valid ONNX model", reason=reason, remedy="export it again") from None
    if not model.functions:
        return model
    _check_written_out(model)
    return inliner.inline_local_functions(model)


def _check_written_out(model: Proto) -> None:
    """Refuse functions that call functions until there are too many nodes; the checker found no cycle."""
    bodies = {(function.domain, function.name): function.node for function in model.functions}
    counts: dict[tuple[str, str], int] = {}

    def count(nodes: Proto) -> int:
        return sum(counts.get((node.domain, node.op_type), 1) for node in nodes)

    if len(bodies) > MOST_FUNCTIONS:
        raise InputError("too many functions", functions=len(bodies), limit=MOST_FUNCTIONS, remedy="write them out")
    for _ in bodies:  # as many rounds as the longest chain of calls
        before, counts = counts, {name: min(count(nodes), MOST_NODES + 1) for name, nodes in bodies.items()}
        if count(model.graph.node) > MOST_NODES:
            raise InputError("too many nodes, functions written out", limit=MOST_NODES, remedy="use a smaller network")
        if counts == before:
            break


def described(model: Proto) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Return the graph as plain data, its numbers in arrays that the data name by position."""
    arrays: list[np.ndarray] = []
    graph = model.graph
    initialisers = {tensor.name: _placed(_array(tensor), arrays) for tensor in graph.initializer}
    nodes = [
        {
            "name": node.name,
            "op": node.op_type,
            "domain": node.domain,
            "inputs": list(node.input),
            "outputs": list(node.output),
            "attributes": {attribute.name: _attribute(attribute, arrays) for attribute in node.attribute},
        }
        for node in graph.node
    ]
    described = {
        "opset": _opset(model),
        "nodes": nodes,
        "initialisers": initialisers,
        "inputs": [_declared(value) for value in graph.input if value.name not in initialisers],
        "outputs": [value.name for value in graph.output],
    }
    return described, arrays


def _opset(model: Proto) -> int:
    return max((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), default=0)


def _declared(value: Proto) -> dict[str, Any]:
    """Return name, kind of numbers and shape of an input; a length that is not a number is None."""
    kind = value.type.tensor_type
    known = helper.tensor_dtype_to_np_dtype(kind.elem_type) if kind.elem_type else None
    letter = "" if known is None else "f" if kind.elem_type == onnx.TensorProto.BFLOAT16 else known.kind
    shape = None
    if kind.HasField("shape"):
        shape = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
    return {"name": value.name, "kind": letter, "shape": shape}


def _attribute(attribute: Proto, arrays: list[np.ndarray]) -> dict[str, Any]:
    """Return a value with what it is: a number, a text, a list of them, an array; others are named alone."""
    value = helper.get_attribute_value(attribute)
    match attribute.type:
        case onnx.AttributeProto.INT | onnx.AttributeProto.FLOAT:
            return {"value": value}
        case onnx.AttributeProto.INTS | onnx.AttributeProto.FLOATS:
            return {"value": list(value)}
        case onnx.AttributeProto.STRING:
            return {"value": value.decode("utf-8", "replace")}
        case onnx.AttributeProto.STRINGS:
            return {"value": [each.decode("utf-8", "replace") for each in value]}
        case onnx.AttributeProto.TENSOR:
            return {"array": _placed(_array(value), arrays)}
        case _:
            return {"unread": onnx.AttributeProto.AttributeType.Name(attribute.type)}


def _placed(array: np.ndarray | None, arrays: list[np.ndarray]) -> int | None:
    if array is None:
        return None
    arrays.append(array)
    return len(arrays) - 1


def _array(tensor: Proto) -> np.ndarray | None:
    """Return the numbers of a tensor: real ones of any precision exactly, whole ones, or truth values; else None.

    Raises
    ------
    InputError
        If it does not hold as many as it declares.
    """
    if tensor.data_type in (onnx.TensorProto.STRING, onnx.TensorProto.COMPLEX64, onnx.TensorProto.COMPLEX128):
        return None
    try:
        array = numpy_helper.to_array(tensor)
    except Exception:
        raise InputError(
            "a tensor does not hold the numbers that it declares",
            where=tensor.name,
            dims=list(tensor.dims),
            remedy="export the network again",
        ) from None
    if array.dtype.kind == "b" or array.dtype in (np.float32, np.float64, np.int64):
        return array
    if array.dtype.kind == "u" and array.size and int(array.max()) >= 2**63:
        raise InputError("whole numbers beyond 64 bits", where=tensor.name, format=str(array.dtype), remedy="use int64")
    return array.astype(np.int64 if array.dtype.kind in "iu" else np.float64)


def _check_sizes(model: Proto) -> None:
    """Refuse sizes before anything of that size is made."""
    total = 0
    nodes = sum(len(body.node) for body in (model.graph, *model.functions))
    if nodes > MOST_NODES:
        raise InputError("too many nodes", nodes=nodes, limit=MOST_NODES, remedy="use a smaller network")
    if model.graph.sparse_initializer:
        raise InputError(
            "sparse initialisers", count=len(model.graph.sparse_initializer), remedy="store them as dense tensors"
        )
    for tensor in _tensors(model):
        if any(n < 0 for n in tensor.dims):
            raise InputError("a negative length", where=tensor.name, dims=list(tensor.dims), remedy="export it again")
        total += math.prod(tensor.dims)
        if total > MOST_NUMBERS:
            raise InputError(
                "too many numbers", where=tensor.name, dims=list(tensor.dims)[:8], limit=MOST_NUMBERS,
                remedy="use a smaller network",
            )  # fmt: skip


def _tensors(model: Proto) -> Iterator[Proto]:
    """Yield every tensor of the graph and of the attributes of its nodes, and of the model's functions."""
    yield from model.graph.initializer
    for body in (model.graph, *model.functions):
        for node in body.node:
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.TENSOR:
                    yield attribute.t


def _is_external(tensor: Proto) -> bool:
    return bool(tensor.data_location == onnx.TensorProto.EXTERNAL)


def _external(tensor: Proto) -> dict[str, str]:
    return {entry.key: entry.value for entry in tensor.external_data}
