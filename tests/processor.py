"""Put this thread's floating-point unit into another state, for tests of what must notice it; x86-64 alone."""

from __future__ import annotations

import ctypes
import mmap
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import pytest

STATES = {
    "upward": 0x4000,
    "downward": 0x2000,
    "toward zero": 0x6000,
    "flush to zero": 0x8000,
    "denormals are zero": 0x0040,
    "both": 0x8040,
}
_READ = bytes.fromhex("50 0fae1c24 58 c3")  # push rax; stmxcsr [rsp]; pop rax; ret
_WRITE = bytes.fromhex("57 0fae1424 5f c3")  # push rdi; ldmxcsr [rsp]; pop rdi; ret


class Unit:
    """The control and status register MXCSR of the thread that asks."""

    def __init__(self) -> None:
        self._code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self._code.write(_READ.ljust(16, b"\xc3") + _WRITE)
        start = ctypes.addressof(ctypes.c_char.from_buffer(self._code))
        self.read = ctypes.CFUNCTYPE(ctypes.c_uint32)(start)
        self._write = ctypes.CFUNCTYPE(None, ctypes.c_uint32)(start + 16)
        self.usual = self.read()

    def enter(self, state: str) -> None:
        """Round or flush as the state says."""
        self._write(self.usual | STATES[state])

    def leave(self) -> None:
        """Go back to the state at the start."""
        self._write(self.usual)


@cache
def unit() -> Unit:
    """Return the thread's unit, or skip the test."""
    if platform.machine() not in ("x86_64", "AMD64"):
        pytest.skip("knows the state of x86-64 processors alone")
    return Unit()


@contextmanager
def hostile(state: str) -> Iterator[None]:
    """Compute in a state of `STATES` inside the block."""
    processor = unit()
    processor.enter(state)
    try:
        yield
    finally:
        processor.leave()
