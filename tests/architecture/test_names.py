"""Which names are accepted, and which names a reader would mix up."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.architecture.names import MAX_NAME_LENGTH, check_distinct, check_name, skeleton
from verify.outcomes import InputError


@pytest.mark.parametrize("name", ["x", "h1", "_", "encoder.block-1:conv_2", "0", "Größe", "слой", "層1", "x" * 200])
def test_usual_names_are_accepted(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "a vertex name must not be empty: name=''"),
        ("a b", "consists of letters, digits and _ - . :"),
        ("-x", "starts with a letter, a digit or _"),
        (".x", "starts with a letter, a digit or _"),
        ("a\nb", r"name='a\nb'"),
        ("a\x1b[31m", r"name='a\x1b[31m'"),
        ("a\u200bb", r"name='a\u200bb'"),
        ("a\u202eb", r"name='a\u202eb'"),
        ("\u3164", r"name='\u3164'"),
        ("e\u0301", r"name='e\u0301'"),
        ("a/b", "consists of letters, digits"),
        ("<script>", "consists of letters, digits"),
        ("x" * (MAX_NAME_LENGTH + 1), "a vertex name has at most 200 characters"),
        (1, "a vertex name must be a string: name=1, type='int'; rename it, with networkx by nx.relabel_nodes"),
        (("a", 1), "a vertex name must be a string: name=('a', 1), type='tuple'"),
        (None, "a vertex name must be a string: name=None, type='NoneType'"),
    ],
)
def test_other_names_are_refused_and_shown_escaped(name: Any, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        check_name(name)
    assert message in str(refusal.value)
    assert str(refusal.value).isprintable()


@given(st.text(max_size=30))
def test_an_accepted_name_is_printable_and_has_no_blank(name: str) -> None:
    try:
        check_name(name)
    except InputError as refusal:
        assert str(refusal).isprintable()
    else:
        assert name.isprintable()
        assert not any(character.isspace() or character in "<>&\"'/\\" for character in name)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("c1", "\N{CYRILLIC SMALL LETTER ES}1"),
        ("H", "\N{GREEK CAPITAL LETTER ETA}"),
        ("h", "\N{FULLWIDTH LATIN SMALL LETTER H}"),
        ("x2", "x\N{SUPERSCRIPT TWO}"),
        ("fi", "\N{LATIN SMALL LIGATURE FI}"),
    ],
)
def test_look_alike_names_are_refused(first: str, second: str) -> None:
    assert check_name(second)
    with pytest.raises(InputError, match="two vertices bear names that look alike") as refusal:
        check_distinct([first, "other", second])
    assert f"second={second!a}" in str(refusal.value)


def test_case_distinguishes_names() -> None:
    check_distinct(["h", "H", "h1", "hl", "x"])


def test_equal_names_are_refused() -> None:
    with pytest.raises(InputError, match="two vertices bear the same name: name='x'; rename one"):
        check_distinct(["x", "y", "x"])


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_plain_names_look_like_nothing_but_themselves(name: str) -> None:
    assert skeleton(name) == name
