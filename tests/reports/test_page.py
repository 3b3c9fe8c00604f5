"""The page of a report: whole, quiet, readable; its words claim what was decided and no more."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import verify
from tests.reports.pages import KINDS, evidence, folder, page
from tests.reports.reading import Element, active_parts, read_page
from verify.reports.page.glossary import TERMS, marked, term_id
from verify.reports.page.words import sentence_of

EVERY = pytest.mark.parametrize("kind", KINDS)
SECTIONS = {
    "answer",
    "duties",
    "basis",
    "network-section",
    "settings",
    "curvature",
    "assurance",
    "recheck",
    "glossary",
}


def section(kind: str, name: str) -> Element:
    return next(each for each in read_page(page(kind)).walk() if each.attributes.get("id") == name)


@EVERY
def test_nothing_runs_loads_or_leads_away(kind: str) -> None:
    text = page(kind)
    assert active_parts(read_page(text)) == []
    policy = read_page(text).find("meta", http_equiv="Content-Security-Policy")[0].attributes["content"]
    assert policy.startswith("default-src 'none';") and "script" not in policy
    assert len(text.encode("utf-8")) < 5 * 2**20


@EVERY
def test_sections_landmarks_and_names(kind: str) -> None:
    root = read_page(page(kind))
    ids = [each.attributes["id"] for each in root.walk() if "id" in each.attributes]
    assert len(ids) == len(set(ids)) and set(ids) >= SECTIONS
    assert ("run" in ids) == (evidence(kind).run is not None)
    assert ("certificates" in ids) == bool(evidence(kind).certificates)
    assert ("test" in ids) == (evidence(kind).examples > 0)
    for landmark in ("header", "nav", "main", "footer", "h1"):
        assert len(root.find(landmark)) == 1, landmark
    assert len(root.find("head")[0].find("title")) == 1
    targets = {each.attributes["href"][1:] for each in root.find("a")}
    assert targets <= set(ids)
    for part in root.find("section"):
        labels = part.attributes.get("aria-labelledby")
        assert part.attributes.get("aria-label") or labels in ids


@EVERY
def test_pictures_speak(kind: str) -> None:
    root = read_page(page(kind))
    ids = {each.attributes["id"] for each in root.walk() if "id" in each.attributes}
    for picture in root.find("svg"):
        if picture.attributes.get("aria-hidden") == "true":
            continue
        assert picture.attributes["role"] in ("img", "group")
        assert picture.attributes["aria-labelledby"] in ids and picture.children[0].text
    assert "nan" not in page(kind).lower().replace("nanometre", "") or kind == "hostile"


@EVERY
def test_verdicts_have_a_word_and_a_sign(kind: str) -> None:
    badges = read_page(page(kind)).find("span", class_="badge")
    assert badges
    for badge in badges:
        assert badge.text in ("PROVED", "REFUTED", "UNDECIDED", "AGREES", "RECORDED")
        assert badge.children[0].attributes["class"] == "sign"


@EVERY
def test_the_same_verdicts_as_check(kind: str) -> None:
    answer = evidence(kind).answer
    assert section(kind, "answer").find("h2")[0].text == answer.verdict.value
    rows = section(kind, "basis").find("tbody")[0].children
    shown = [row.find("span", class_="badge")[0].text for row in rows]
    outcome = answer.gradients.comparison.numbers["outcome"]
    expected = [each.verdict.value for each in answer.assumptions] + [answer.gradients.proof.verdict.value]
    assert shown == [*expected, outcome if outcome == "AGREES" else answer.gradients.comparison.verdict.value]
    ranges = section(kind, "settings").find("tbody")[0].children
    assert [row.find("span", class_="badge")[0].text for row in ranges[:-1]] == [
        row.verdict.value for row in answer.ranges
    ]


def test_what_each_answer_says() -> None:
    words = {kind: sentence_of(evidence(kind).answer) for kind in KINDS}
    assert words["proved"] == (
        "The first step, and every later one that stays within 0.1 of the start, decreases the error."
    )
    assert words["undecided"].startswith("It is not decided whether every step") and words["undecided"].endswith("A4.")
    assert "A1 is refuted" in words["refuted"] and words["refuted"].startswith("It is not shown")
    assert words["increasing"].startswith("Not every step decreases the error: one with this setting")
    assert words["graph"].startswith("Every step that stays within 0.1")
    assert "if the gradient is exact" not in read_page(page("graph")).text
    assert "V = E + mu/(2 eta) |D|^2, not E itself" in words["heavy ball"]
    for kind, sentence in words.items():
        assert sentence in section(kind, "answer").text


def test_a_test_that_took_no_step_does_not_speak_of_steps() -> None:
    assert evidence("refuted").test.monotone is None
    text = section("refuted", "test").text
    assert "No step inside a range was taken." in text and "no bound L" in text
    assert "were taken from random weights" not in text and "Increases" not in text and "was tried" not in text
    assert "Steps taken" in section("proved", "test").text


def test_only_a_refuted_a4_is_told_as_an_increase() -> None:
    assert evidence("refuted").answer.verdict is verify.Verdict.REFUTED
    assert "increase" not in section("refuted", "answer").text
    increasing = evidence("increasing").answer
    assert [each.id for each in increasing.assumptions if each.verdict is verify.Verdict.REFUTED] == ["A4"]
    assert "What replays it" in section("increasing", "basis").text


def test_the_annex_claims_nothing_that_is_not_proved() -> None:
    def stability(kind: str) -> str:
        rows = section(kind, "assurance").find("tr")
        return next(row for row in rows if row.text.startswith("LM-11")).text

    assert "in part" in stability("proved")
    for kind in ("undecided", "refuted", "increasing"):
        assert "does not" in stability(kind) and "supports nothing" in stability(kind)


def test_a_run_without_certificates_is_recorded_not_proved() -> None:
    run = evidence("undecided").run
    assert run is not None and run.recheck is None and run.verdict is verify.Verdict.UNDECIDED
    assert section("undecided", "run").find("span", class_="badge")[0].text == "RECORDED"
    confirmed = evidence("proved").run
    assert confirmed is not None and confirmed.verdict is verify.Verdict.PROVED
    assert section("proved", "run").find("span", class_="badge")[0].text == "PROVED"
    assert "5 steps, each decreases the error" in section("proved", "run").text


def test_without_a_bound_there_is_no_picture_of_it() -> None:
    assert section("refuted", "curvature").find("figure") == [] and section("refuted", "settings").find("figure") == []
    assert len(section("proved", "settings").find("figure")) == 2 and section("proved", "curvature").find("figure")


def test_hostile_texts_are_shown_and_inert() -> None:
    root = read_page(page("hostile"))
    assert "<script>alert(1)</script>" in root.find("h1")[0].text
    assert "{{ 7*7 }}" in root.find("h1")[0].text and "49" not in root.find("h1")[0].text
    assert "\u202e" not in page("hostile") and "\\u202e" in root.find("h1")[0].text
    assert "onclick=alert(1)" in section("hostile", "recheck").text
    assert "<script>alert(1)</script>" in section("hostile", "run").text
    assert root.find("b") == [] and root.find("img") == []


def test_commands_are_words_of_a_shell() -> None:
    import shlex

    lines = [code.text for code in section("hostile", "recheck").find("code")]
    commands = [shlex.split(line) for line in lines if line.startswith(("dagverify", "sha256sum"))]
    assert [command[:2] for command in commands[1:2]] == [["dagverify", "check"]]
    assert commands[0] == ["sha256sum", str(evidence("hostile").specification.path)]


@EVERY
def test_every_symbol_of_the_glossary_can_be_reached(kind: str) -> None:
    root = read_page(page(kind))
    entries = {each.attributes["id"] for each in section(kind, "glossary").find("div") if "id" in each.attributes}
    assert entries == {term_id(word) for word in TERMS}
    for tooltip in root.find("a", class_="term"):
        assert (
            tooltip.attributes["data-tip"] == TERMS[tooltip.attributes["href"].removeprefix("#term-").replace("-", " ")]
        )


ENGLISH = {"a", "A", "s"}
VERTICES = {"x", "h", "g", "y"}
ARGUMENTS = {"u"}
"""Of functions, as in relu(u)."""


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "hostile"])
def test_the_glossary_has_every_symbol(kind: str) -> None:
    def words(element: Element) -> Iterator[str]:
        for part in element.parts:
            if isinstance(part, str):
                yield part
            elif part.tag not in ("style", "code", "pre", "svg") and part.attributes.get("id") != "glossary":
                yield from words(part)

    symbols = set(re.findall(r"(?<![\w.'])([A-Za-z])(?:_\w+|0)?(?!['\w])", " ".join(words(read_page(page(kind))))))
    assert {"E", "L"} <= symbols and symbols - ENGLISH - VERTICES - ARGUMENTS <= set(TERMS)


def test_names_of_vertices_are_no_symbols() -> None:
    assert "term" not in marked("vertex g is linear, as vertex L") and "term-g" in marked("vertex g: |g| <= 1")


def test_hashes_are_those_of_the_files() -> None:
    import hashlib

    spec = folder() / "proved.toml"
    text = section("proved", "recheck").text
    assert hashlib.sha256(spec.read_bytes()).hexdigest() in text
    assert hashlib.sha256(spec.with_suffix(".json").read_bytes()).hexdigest() in section("proved", "certificates").text
    assert re.search(r"last weights of the run ?[0-9a-f]{64}", text)


def test_a_few_steps_that_stay_are_not_all_steps() -> None:
    """Theorem horizon proves A2 for one step of this spec: the duty of watching the weights is not done by that."""
    bounded = next(each for each in evidence("proved").answer.assumptions if each.id == "A2")
    assert bounded.verdict is verify.Verdict.PROVED and bounded.statement == "the first step stays in the region"
    duty = section("proved", "duties").find("li")[2]
    assert duty.find("span", class_="badge")[0].text != "PROVED"
    assert "Nothing is said of steps that leave the region" in read_page(page("proved")).text
