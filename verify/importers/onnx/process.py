"""The child process that reads ONNX files: its limits, and what it says when it ends without an answer.

The parser and the checker of the onnx package are C++ that a damaged file can crash; they never run in our process.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Any

import numpy as np

from verify.escaping import visible
from verify.importers.onnx import frames
from verify.outcomes import InputError

SECONDS = 300
"""Of processor time that a child may take, and of waiting for one answer, twice as long."""

_BOOT = """
import json, sys
sys.path[:] = json.loads(sys.stdin.buffer.readline())
from verify.importers.onnx.child import serve
serve()
"""
_PIECE = 2**20
_SINGLE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Child:
    """A process that answers questions about one ONNX file; it ends with the block.

    Parameters
    ----------
    where : str
        The file, for messages.
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self._pending = bytearray()

    def __enter__(self) -> Child:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _BOOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_SINGLE_THREAD},
            start_new_session=True,  # Ctrl-C is left to this process, which kills its child
        )
        path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 -- "" is the folder we are in
        self._write([json.dumps(path).encode() + b"\n"])
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            try:
                _given(stream).close()
            except OSError:
                continue
        self._process.wait()

    def ask(self, message: Any, arrays: Sequence[np.ndarray] = ()) -> tuple[Any, list[np.ndarray]]:
        """Return the answer to a question.

        Raises
        ------
        InputError
            If the child refuses, ends or takes too long.
        """
        self._write(frames.packed(message, arrays))
        self._until = time.monotonic() + 2 * SECONDS
        try:
            answer, found = frames.received(self._read, self._readline)
        except EOFError:
            raise self._ended() from None
        if "error" in answer:
            refusal = answer["error"]
            raise InputError(
                refusal["what"],
                where=f"{self.where}: {visible(refusal['where'])}" if refusal["where"] else self.where,
                remedy=refusal["remedy"],
                **refusal["values"],
            )
        return answer, found

    def _write(self, pieces: Sequence[bytes]) -> None:
        stream = _given(self._process.stdin)
        try:
            for piece in pieces:
                stream.write(piece)
            stream.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def _fill(self) -> bool:
        stream = _given(self._process.stdout)
        if not select.select([stream], [], [], max(0.0, self._until - time.monotonic()))[0]:
            raise InputError(
                "reading the model takes too long", where=self.where, seconds=2 * SECONDS, remedy="use a smaller one"
            )
        piece = os.read(stream.fileno(), _PIECE)
        self._pending += piece
        return bool(piece)

    def _read(self, count: int) -> bytes:
        while len(self._pending) < count and self._fill():
            pass
        return self._taken(count)

    def _readline(self, limit: int) -> bytes:
        looked = 0
        while (end := self._pending.find(b"\n", looked)) < 0 and (looked := len(self._pending)) < limit:
            if not self._fill():
                break
        return self._taken(end + 1 if end >= 0 else len(self._pending))

    def _taken(self, count: int) -> bytes:
        piece = bytes(self._pending[:count])
        del self._pending[:count]
        return piece

    def _ended(self) -> InputError:
        try:
            code = self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            code = 0
        if code == -signal.SIGXCPU:
            return InputError(
                "reading the model takes too long", where=self.where, seconds=SECONDS, remedy="use a smaller one"
            )
        reason = signal.Signals(-code).name if code < 0 else code
        return InputError(
            "the parser of ONNX files ended without an answer",
            where=self.where,
            reason=reason,
            remedy="check the file with onnx.checker.check_model, or use a smaller one",
        )


def _given(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("a process without pipes")
    return stream
