"""Bad places of every kind for a file, and system calls that fail at the n-th time."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PRECIOUS = b"the only copy, no newline"


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(path))


def _link(path: Path) -> None:
    target = path.with_name("elsewhere")
    target.write_bytes(PRECIOUS)
    path.symlink_to(target)


SPECIAL: dict[str, Callable[[Path], object]] = {
    "named pipe": os.mkfifo,
    "socket": _socket,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "directory": lambda path: path.mkdir(),
}
"""What no file is read from; an input may be a link, here to a device."""

BAD_TARGETS: dict[str, Callable[[Path], object]] = {
    **SPECIAL,
    "link": _link,
    "dangling link": lambda path: path.symlink_to(path.with_name("nowhere")),
    "foreign file": lambda path: path.write_bytes(PRECIOUS),
    "foreign lines": lambda path: path.write_bytes(b"line 1\n" + PRECIOUS),
}
"""What no file is written over."""


def state_of(folder: Path) -> dict[str, tuple[int, bytes | str]]:
    """What stands in a folder: kinds, contents, where links lead."""
    found: dict[str, tuple[int, bytes | str]] = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        content: bytes | str = b""
        if path.is_symlink():
            content = str(path.readlink())
        elif path.is_file():
            content = path.read_bytes()
        found[str(path.relative_to(folder))] = (mode, content)
    return found


def names_in(folder: Path) -> list[str]:
    """Names of what stands in a folder."""
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def nobody() -> Iterator[Path]:
    """A folder of one's own, in which a process of root has no more rights than others."""
    folder = Path(tempfile.mkdtemp())
    before = os.geteuid()
    if before == 0:
        os.chown(folder, 65534, -1)
        os.seteuid(65534)
    try:
        yield folder
    finally:
        os.seteuid(before)
        for path in folder.rglob("*"):
            if path.is_dir():
                path.chmod(0o700)
        shutil.rmtree(folder)


def one_line(text: str) -> str:
    """Return the line of an error message; fails if there are more."""
    assert text.startswith("error: ") and text.count("\n") == 1 and text.endswith("\n"), text
    return text


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Fail when the body hangs, whatever it makes of being interrupted."""
    hung = False

    def stop(*_: Any) -> None:
        nonlocal hung
        hung = True
        raise TimeoutError(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if hung:
            pytest.fail(f"it hung for {seconds} s")


class FailingCalls:
    """System calls by which files are changed, one of which fails at its n-th call.

    Parameters
    ----------
    monkeypatch : MonkeyPatch
    name : str
        Of the function of `os`; a failing ``write`` has written half of its bytes before.
    number : int
        From 1.
    code : int
        The error.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, number: int, code: int = errno.ENOSPC) -> None:
        self.name, self.number, self.code, self.calls = name, number, code, 0
        self.original = getattr(os, name)
        monkeypatch.setattr(os, name, self)

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.calls += 1
        if self.calls < self.number:
            return self.original(*arguments, **options)
        if self.name == "write":
            if self.calls > self.number:
                raise OSError(self.code, os.strerror(self.code))
            descriptor, content = arguments
            return self.original(descriptor, memoryview(content)[: (len(content) + 1) // 2])
        if self.calls == self.number:
            raise OSError(self.code, os.strerror(self.code))
        return self.original(*arguments, **options)

    @property
    def happened(self) -> bool:
        """Whether a call failed."""
        return self.calls > self.number if self.name == "write" else self.calls >= self.number
