"""Messages between a process and its child: a line of JSON, then the bytes of arrays. No code is ever unpickled."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import numpy as np

HEADER_LIMIT = 2**28
"""Bytes of the line of JSON: the nodes of a model, without its numbers."""
ARRAYS_LIMIT = 2**32
"""Bytes of the arrays of one message."""
DTYPES = {name: np.dtype(name) for name in ("float32", "float64", "int64", "bool", "uint8")}


def packed(message: Any, arrays: Sequence[np.ndarray]) -> list[bytes]:
    """Return the pieces of a message, in order.

    Examples
    --------
    >>> import io
    >>> stream = io.BytesIO(b"".join(packed({"a": 1}, [np.arange(3)])))
    >>> received(lambda count: stream.read(count), stream.readline)
    ({'a': 1}, [array([0, 1, 2])])
    """
    parts = [np.ascontiguousarray(array) for array in arrays]
    kinds = [[part.dtype.name, list(array.shape)] for part, array in zip(parts, arrays, strict=True)]
    line = json.dumps({"message": message, "arrays": kinds}).encode()
    return [line + b"\n", *(part.tobytes() for part in parts if part.size)]


def received(read: Callable[[int], bytes], readline: Callable[[int], bytes]) -> tuple[Any, list[np.ndarray]]:
    """Return a message and its arrays.

    Parameters
    ----------
    read, readline : callable
        Of a stream; fewer bytes than asked for mean that it has ended.

    Raises
    ------
    EOFError
        If there is no message any more.
    ValueError
        If it is none of ours.
    """
    line = readline(HEADER_LIMIT)
    if not line.endswith(b"\n"):
        raise EOFError
    content = json.loads(line)
    shapes = [(DTYPES[name], tuple(int(n) for n in shape)) for name, shape in content["arrays"]]
    if sum(dtype.itemsize * math.prod(shape) for dtype, shape in shapes) > ARRAYS_LIMIT:
        raise ValueError("arrays too large")
    arrays = []
    for dtype, shape in shapes:
        count = dtype.itemsize * math.prod(shape)
        piece = read(count) if count else b""
        if len(piece) != count:
            raise EOFError
        arrays.append(np.frombuffer(piece, dtype).reshape(shape))
    return content["message"], arrays


def write(stream: BinaryIO, message: Any, arrays: Sequence[np.ndarray] = ()) -> None:
    """Write a message to a stream."""
    for piece in packed(message, arrays):
        stream.write(piece)
    stream.flush()
