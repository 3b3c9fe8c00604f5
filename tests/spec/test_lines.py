"""The line map finds every key of a TOML text, and on its right line."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.spec.lines import LineMap

TRICKY = '''\
# comment with [brackets] and = signs
title = "a # no comment [ { \\" ]" # a comment
'quoted key' = 'single # "quoted"'
"\\u00e9scaped" = 1
dotted.key . deep = 2
long = """
[not.a.table]
key = "no key" \\
"""
raw = \'\'\'
[nor.this]
\'\'\'
matrix = [
  [1, 2], # row
  [3, 4],
]
date = 1979-05-27T07:32:00Z
inline = { a = 1, b = [ { c = "x" } ], d.e = 3 }

[nodes."strange.name"]
width = 3
[ nodes . h ]
inputs = [
  "x",
  {from = "g", kind = "identity"},
]
[[list.of]]
first = 1
[[list.of]]
second = 2
[list.of.sub]
third = 3
[last] # comment ] here
end = true'''


def paths_of(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    items: Any = []
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    found = [path] if path else []
    for key, item in items:
        found += paths_of(item, (*path, key))
    return found


@pytest.mark.parametrize("text", [TRICKY, TRICKY.replace("    ", "\t")])
def test_finds_exactly_the_paths_that_the_toml_reader_finds(text: str) -> None:
    expected = set(paths_of(tomllib.loads(text))) - {("list",), ("nodes",)}
    assert set(LineMap(text).paths()) == expected


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (("title",), "title ="),
        (("quoted key",), "'quoted key'"),
        (("éscaped",), '"\\u00e9scaped"'),
        (("dotted", "key", "deep"), "dotted.key"),
        (("raw",), "raw ="),
        (("matrix", 1), "[3, 4]"),
        (("matrix", 1, 0), "[3, 4]"),
        (("inline", "b", 0, "c"), "inline ="),
        (("nodes", "strange.name"), "strange.name"),
        (("nodes", "h", "inputs", 1, "kind"), "{from"),
        (("list", "of", 0, "first"), "first ="),
        (("list", "of", 1), "[[list.of]]"),
        (("list", "of", 1, "sub", "third"), "third"),
        (("last", "end"), "end ="),
    ],
)
def test_finds_the_line(path: tuple[str | int, ...], shown: str) -> None:
    line = LineMap(TRICKY).line(path)
    assert line is not None
    assert shown in TRICKY.split("\n")[line - 1]


def test_missing_key_is_placed_at_its_table() -> None:
    lines = LineMap(TRICKY)
    assert lines.line(("nodes", "h", "width")) == lines.line(("nodes", "h"))
    assert lines.line(("absent",)) is None


@given(st.text(max_size=200))
def test_any_text_is_scanned_to_its_end(text: str) -> None:
    lines = LineMap(text)
    assert all(1 <= (lines.line(path) or 0) <= text.count("\n") + 1 for path in lines.paths())
