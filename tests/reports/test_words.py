"""Words of a spec file that act, in every report: well-formed, and nothing that is obeyed."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ET
from pathlib import PurePath

import pytest

from verify.escaping import github_data, github_property, markdown, mathtext, sarif, shorten, xml
from verify.outcomes import InputError, Verdict
from verify.reports.github import summary
from verify.reports.junit import junit_xml
from verify.reports.rows import FilePlace, Row
from verify.reports.sarif import sarif_text

WORDS = [
    "\x00\x07\x1b[2J\x7f\x85",
    "\ud800\udfff",
    "\u202eDEVORP\u2066\u200b\ufeff",
    "a\u2028b\u2029c\rd\ne",
    "]]><script>&amp;'\"",
    "[x](javascript:y) ![](z) [1]: http://e.org",
    "# h\n===\n- l\n1. n\n| a | b |\n```\n<!-- ~~x~~ $y$ :smile: www.e.org @a",
    "100%0A::error::x,y:z",
    "\ufffe\uffff\U000e0001",
    "k" * 10**6,
]
UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff\ud800-\udfff]"
)
words_that_act = pytest.mark.parametrize("words", WORDS, ids=lambda words: ascii(words)[:20])


def row(words: str) -> Row:
    example = {words: words}
    return Row("A1", Verdict.REFUTED, True, words, (FilePlace(3, words, words),), words, words, example)


@words_that_act
def test_junit(words: str) -> None:
    text = junit_xml(words, words, [row(words), Row("A3", Verdict.REFUTED, False, words)], 0.1, words)
    root = ET.fromstring(text)
    assert not UNSEEN.search(text.replace("\\u", "")) and [case.get("name") for case in root.iter("testcase")]
    (case, *_) = root.iter("testcase")
    assert len(case.get("classname", "")) < 20_000
    failure = case.find("failure")
    assert failure is not None and failure.text is not None and "remedy: " in failure.text


@words_that_act
def test_sarif(words: str) -> None:
    text = sarif_text(PurePath(os.fsdecode(b"a\xff.toml")), [row(words)], FilePlace(1, words))
    assert text.isascii()
    for result in json.loads(text)["runs"][0]["results"]:
        message = result["message"]["text"]
        assert not UNSEEN.search(message) and "](" not in message and len(message) < 10_000
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%FF.toml"


@words_that_act
def test_markdown(words: str) -> None:
    text = summary(words, words, "REFUTED", [row(words)])
    assert not UNSEEN.search(text)
    lines = text.splitlines()
    assert lines[0].startswith("### ") and lines[1] == "" and lines[3] == "" and lines[4].startswith("| question")
    assert lines[6].count("|") == 5
    assert not re.match(r"[-+=#>|~\d*_`]", lines[2])
    for line in (lines[0][4:], lines[2], *lines[7:]):
        assert not re.search(r"[<>`*_\[\]\\@~$]|(?i:\bwww\.)|https?:", line)


@words_that_act
def test_commands_of_github(words: str) -> None:
    for shown in (github_data(words), github_property(words)):
        assert not UNSEEN.search(shown) and "\n" not in shown and len(shown) < 20_000
    assert not re.search("[:,]", github_property(words))


@words_that_act
def test_titles_of_plots(words: str) -> None:
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    figure = Figure()
    figure.suptitle(mathtext(words))
    figure.canvas.draw()


def test_what_is_harmless_stays() -> None:
    words = "vertex h1: L in [0.9399, 2.032], 100 per cent; a.toml"
    assert xml(words) == sarif(words) == mathtext(words) == shorten(words) == words
    assert github_data(words) == words and "h1" in markdown(words)


@pytest.mark.parametrize("part", ["what", "where", "remedy", "value", "name"])
def test_an_error_is_short_however_long_its_parts(part: str) -> None:
    long = "k" * 2 * 10**7
    parts = {
        "what": "wrong",
        "where": "a.toml",
        "remedy": "mend it",
        **({part: long} if part in ("what", "where") else {}),
    }
    parts |= {"remedy": long} if part == "remedy" else {}
    parts |= {"value": long} if part == "value" else {}
    parts |= {long: 1} if part == "name" else {}
    error = InputError(**parts)
    assert (len(str(error)) < 3000 and "characters" in str(error)) or (part == "value" and len(str(error)) < 3000)
    assert error.at("b.toml").remedy == error.remedy


def test_a_number_too_long_for_python_is_named() -> None:
    shown = str(InputError("too large", value=[1 << 10**5], remedy="write it shorter"))
    assert shown == "too large: value=<list with a number too long to show>; write it shorter"
