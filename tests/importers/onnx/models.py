"""Small ONNX models written as text, and the child process's part run in this one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, parser

from verify.importers.onnx.child import _answered, _Handler
from verify.outcomes import InputError

FILES = Path(__file__).with_name("files")
KINDS = {"f": "float", "i": "int64", "b": "bool"}


class InProcess:
    """Stands for `process.Child` where many files are read: no process is started."""

    def __init__(self, where: str) -> None:
        self.where, self._handler = where, _Handler()

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def ask(self, message, arrays=()):
        answer, found = _answered(self._handler, message, list(arrays))
        if "error" in answer:
            refusal = answer["error"]
            raise InputError(refusal["what"], where=refusal["where"], remedy=refusal["remedy"], **refusal["values"])
        return answer, found


def model(
    body: str,
    inputs: dict[str, np.ndarray],
    numbers: dict[str, np.ndarray] | None = None,
    opset: int = 21,
    outputs: str = "float y",
) -> onnx.ModelProto:
    """Return a model of nodes in onnx's text form; the first axis of every input is symbolic."""
    declared = ", ".join(
        f"{KINDS[array.dtype.kind]}[{', '.join(['n', *map(str, array.shape[1:])])}] {name}"
        for name, array in inputs.items()
    )
    text = f'<ir_version: 8, opset_import: ["" : {opset}]> net ({declared}) => ({outputs}) {{ {body} }}'
    made = parser.parse_model(text)
    for name, array in (numbers or {}).items():
        kept = array.astype(np.float32) if array.dtype.kind == "f" else array
        made.graph.initializer.append(numpy_helper.from_array(kept, name))
    return made


def saved(made: onnx.ModelProto, folder: Path, name: str = "net.onnx") -> Path:
    """Write a model into a folder."""
    path = folder / name
    path.write_bytes(made.SerializeToString())
    return path
