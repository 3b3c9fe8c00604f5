"""The pages of ideas say what the proofs say: the same ranges, and names that Coq knows."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT
from verify.theorems.ranges import RANGES

IDEAS = sorted((ROOT / "docs" / "ideas").glob("*.md"))
NOTES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "proofs_notes").glob("*.md")}
COQ = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "proofs_notes" / "coq").glob("*.v")))
THEOREMS = {*RANGES, "epoch", "horizon", "weight_decay", "local_minimum"}


def sections() -> dict[str, str]:
    """Return the sections of all pages by their titles."""
    found = {}
    for path in IDEAS:
        for section in re.split(r"^## ", path.read_text(encoding="utf-8"), flags=re.M)[1:]:
            title, _, text = section.partition("\n")
            found[title] = text
    return found


@pytest.mark.parametrize("name", sorted(THEOREMS))
def test_every_theorem_has_a_section_with_range_hypotheses_and_proof(name: str) -> None:
    text = sections()[name]
    header = re.search(r"^range: (.+)$", NOTES[name], re.M)
    if header:
        assert f"`{header[1]}`" in text
    for part in ("**Needs:**", "**Gives:**", "**Proof:**", f"proofs_notes/{name}.md"):
        assert part in text


@pytest.mark.parametrize("name", ["triangle", "sharp"])
def test_gains_are_those_of_the_notes(name: str) -> None:
    assert f"`{re.search(r'^gain: (.+)$', NOTES[name], re.M)[1]}`" in sections()[name]


def test_the_bound_of_the_gradients_is_that_of_its_note() -> None:
    assert f"`{re.search(r'^bound: (.+)$', NOTES['convergence'], re.M)[1]}`" in sections()["Gradients vanish"]


@pytest.mark.parametrize("page", IDEAS, ids=lambda page: page.stem)
def test_names_beside_in_coq_are_theorems_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for names in re.findall(r"in Coq\s+((?:`\w+`(?:,\s+)?)+)", text):
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"^(Theorem|Lemma|Corollary) {name}\b", COQ, re.M), name


def test_pictures_are_as_their_program_draws_them() -> None:
    folder = ROOT / "docs" / "ideas" / "pictures"
    drawn = runpy.run_path(str(folder / "draw.py"))["drawings"]()
    assert {path.name for path in folder.glob("*.svg")} == set(drawn)
    for name, text in drawn.items():
        assert (folder / name).read_text(encoding="utf-8") == text
        assert len(text) < 20_000 and "href" not in text
