"""On which line of a TOML text each key, table and array item stands."""

from __future__ import annotations

import re
from collections.abc import Iterator

KeyPath = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\n,]|#[^\n]*)*+")
_SPACE = re.compile(r"[ \t]*+")
_KEY = re.compile(r"""[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'""")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+"{3,5}' + r"|'''(?:[^']|'(?!''))*+'{3,5}" + r"""|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+'""",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}\n#]*+")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))")
_ESCAPED = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r"}


class LineMap:
    """Line numbers of the keys of a valid TOML text, found by one pass over it.

    Parameters
    ----------
    text : str
        Text that a TOML reader has accepted; of any other text the lines are a guess.

    Examples
    --------
    >>> lines = LineMap('name = "n"\\n[nodes.h]\\nwidth = 3\\ninputs = [\\n  "x",\\n  {from = "g"},\\n]')
    >>> lines.line(("nodes", "h")), lines.line(("nodes", "h", "inputs", 1, "from"))
    (2, 6)
    >>> lines.line(("nodes", "h", "bias"))
    2
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines: dict[KeyPath, int] | None = None

    def line(self, path: KeyPath) -> int | None:
        """Return the line of `path`, else of the closest table or key around it, else None."""
        if self._lines is None:
            self._lines = {path: line for path, line in reversed(list(_places(self._text))) if path}
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return None

    def paths(self) -> Iterator[KeyPath]:
        """Iterate over every path that has a line."""
        self.line(())
        return iter(self._lines or ())


def _places(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Yield (path, line) in the order of the text."""
    scanner = _Scanner(text)
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    while scanner.skip(_BLANK) < len(text):
        line = scanner.line()
        if scanner.take("[["):
            name = _absolute(scanner.key(), counts)
            counts[name] = counts.get(name, -1) + 1
            yield name, line
            table = (*name, counts[name])
            yield table, line
        elif scanner.take("["):
            table = _absolute(scanner.key(), counts)
            yield table, line
        else:
            yield from scanner.pair(table)
            continue
        scanner.skip(_SCALAR)
        scanner.take("]]")
        scanner.take("]")


def _absolute(name: KeyPath, counts: dict[KeyPath, int]) -> KeyPath:
    """Put the index of the last item after each part of a table name that is an array of tables."""
    path: KeyPath = ()
    for part in name:
        if path in counts:
            path = (*path, counts[path])
        path = (*path, part)
    return path


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._counted = 0
        self._line = 1

    def line(self) -> int:
        self._line += self.text.count("\n", self._counted, self.position)
        self._counted = self.position
        return self._line

    def skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.position)
        if match:
            self.position = match.end()
        return self.position

    def take(self, mark: str) -> bool:
        found = self.text.startswith(mark, self.position)
        if found:
            self.position += len(mark)
        return found

    def key(self) -> KeyPath:
        parts: list[str] = []
        while True:
            self.skip(_SPACE)
            match = _KEY.match(self.text, self.position)
            if not match:
                self.position += 1  # not TOML after all: step over it
                return tuple(parts)
            self.position = match.end()
            parts.append(_unquoted(match[0]))
            self.skip(_SPACE)
            if not self.take("."):
                return tuple(parts)

    def pair(self, table: KeyPath) -> Iterator[tuple[KeyPath, int]]:
        line = self.line()
        name = self.key()
        for length in range(1, len(name) + 1):
            yield (*table, *name[:length]), line
        self.take("=")
        self.skip(_SPACE)
        yield from self.value((*table, *name))

    def value(self, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
        if self.take("["):
            index = 0
            while self.skip(_BLANK) < len(self.text) and not self.take("]"):
                yield (*path, index), self.line()
                yield from self.value((*path, index))
                index += 1
        elif self.take("{"):
            while self.skip(_BLANK) < len(self.text) and not self.take("}"):
                yield from self.pair(path)
        elif _STRING.match(self.text, self.position):
            self.skip(_STRING)
        else:
            start = self.position
            if self.skip(_SCALAR) == start:
                self.position += 1


def _unquoted(key: str) -> str:
    if key[0] == "'":
        return key[1:-1]
    if key[0] != '"':
        return key
    return _ESCAPE.sub(
        lambda match: chr(int(match[1] or match[2], 16)) if match[1] or match[2] else _ESCAPED.get(match[3], match[3]),
        key[1:-1],
    )
