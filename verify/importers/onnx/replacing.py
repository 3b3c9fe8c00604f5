"""Inside the child process: a copy of a model with other numbers in some of its tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from verify.outcomes import InputError

Proto = Any
SOURCE = "write into the file that was imported"
SMALLER = "write smaller weights"


def replaced(model: Proto, names: list[str], arrays: list[np.ndarray]) -> np.ndarray:
    """Return the bytes of the copy, the numbers rounded to the format that each tensor had.

    Raises
    ------
    InputError
        If the model has no such tensor, or one of another shape.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    tensors = {tensor.name: tensor for tensor in copy.graph.initializer}
    for node in copy.graph.node:
        if node.op_type == "Constant":
            tensors.update((node.output[0], part.t) for part in node.attribute if part.name == "value")
    for name, array in zip(names, arrays, strict=True):
        if name not in tensors:
            raise InputError("no such tensor", where=name, name=name, remedy=SOURCE)
        tensor = tensors[name]
        if tuple(tensor.dims) != array.shape:
            raise InputError(
                "a tensor of another shape", where=name, shape=tuple(tensor.dims), weights=array.shape, remedy=SOURCE
            )
        kept = tensor.name
        with np.errstate(over="ignore"):
            rounded = array.astype(helper.tensor_dtype_to_np_dtype(tensor.data_type))
        if not np.all(np.isfinite(rounded.astype(np.float64))):
            raise InputError(
                "weights overflow the format of the file", where=name, format=str(rounded.dtype), remedy=SMALLER
            )
        tensor.CopyFrom(numpy_helper.from_array(rounded, kept))
    return np.frombuffer(copy.SerializeToString(), np.uint8)
