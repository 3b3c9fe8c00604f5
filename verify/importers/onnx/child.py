"""What runs in the child process: questions are answered until there are none.

It reads its standard input alone, opens no file for writing, and may take so much time and memory.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from verify.importers.onnx import frames
from verify.importers.onnx.process import SECONDS
from verify.outcomes import InputError

MEMORY = 2**32
"""Bytes of addresses, besides twice those of the file."""

Answer = tuple[dict[str, Any], list[np.ndarray]]


def serve() -> None:
    """Answer the questions that come in by the standard input."""
    stream = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 -- a device
        os.dup2(nowhere.fileno(), 1)  # what libraries print is no answer
    _limit()
    source, handler = sys.stdin.buffer, _Handler()
    while True:
        try:
            message, arrays = frames.received(source.read, source.readline)
        except EOFError:
            return
        frames.write(stream, *_answered(handler, message, arrays))


def _answered(handler: _Handler, message: dict[str, Any], arrays: list[np.ndarray]) -> Answer:
    try:
        return handler.tasks[message["task"]](message, arrays)
    except InputError as error:
        return _refusal(error), []
    except MemoryError:
        return _refusal(InputError("the model takes too much memory", limit=MEMORY, remedy="use a smaller one")), []
    except Exception as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        return _refusal(InputError(handler.failed, reason=reason, remedy="export it again")), []


class _Handler:
    """The model under way, and the tasks."""

    def __init__(self) -> None:
        self.failed = "not an ONNX model"
        self.model: Any = None
        self.flat: Any = None
        self.tasks: dict[str, Callable[[dict[str, Any], list[np.ndarray]], Answer]] = {
            "read": self._read,
            "evaluate": self._evaluate,
            "write": self._write,
        }

    def _read(self, message: dict[str, Any], arrays: list[np.ndarray]) -> Answer:
        try:
            from verify.importers.onnx import reading
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] not in ("onnx", "google", "ml_dtypes"):
                raise
            raise InputError(
                "ONNX files need onnx", module=error.name, remedy="pip install 'dagverify[onnx]'"
            ) from None
        if "external" in message:
            reading.fill_external(self.model, dict(zip(message["external"], arrays, strict=True)))
        else:
            self.model = reading.parse(arrays[0].tobytes())
        missing = reading.external_files(self.model)
        if missing:
            return {"external": missing}, []
        self.flat = reading.checked(self.model)
        return reading.described(self.flat)

    def _evaluate(self, message: dict[str, Any], arrays: list[np.ndarray]) -> Answer:
        from verify.importers.onnx import evaluation

        self.failed = "onnx's reference evaluator cannot run the model"
        return evaluation.evaluate(self.flat, message, arrays)

    def _write(self, message: dict[str, Any], arrays: list[np.ndarray]) -> Answer:
        from verify.importers.onnx import replacing

        return {}, [replacing.replaced(self.model, message["names"], arrays)]


def _refusal(error: InputError) -> dict[str, Any]:
    values = {
        name: value if isinstance(value, int | float | str) else repr(value) for name, value in error.values.items()
    }
    return {"error": {"what": error.what, "where": error.where, "remedy": error.remedy, "values": values}}


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (allowed, hard))
