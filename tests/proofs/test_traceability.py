"""Every theorem that the package names has a note and a machine-checked proof, and no note is an orphan."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from verify.certificates.document import KINDS, statement
from verify.theorems.ranges import RANGES

THEOREMS = {
    "triangle",
    "sharp",
    "star_shape",
    "blockwise_momentum",
    "direction_aware",
    "executed_steps",
    "horizon",
    "weight_decay",
    "convergence",
    "single_limit",
    "heavy_ball",
    "from_rest",
    "restart",
    "nesterov",
    "local_minimum",
    "pl_limit",
    "weight_decay_sublevel",
    "epoch",
    "descent_lemma",
    "second_derivative_descent",
    "aligned_data",
    "backpropagation",
    "second_derivative",
    "total_decrease",
    "any_direction",
    "segment_bound",
}


def named_in(folder: Path) -> set[str]:
    """Theorems that the code names: in a docstring, as the theorem of a finding, or in a certificate."""
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        names |= set(re.findall(r"[Tt]heorem\s+``?(\w+)`", text))
        names |= set(re.findall(r"\btheorem=\"(\w+)\"", text))
    return names | {str(statement(kind)["theorem"]) for kind in KINDS if statement(kind)["theorem"]}


def test_code_names_theorems(package_folder):
    found = named_in(package_folder)
    assert {"sharp", "triangle", "heavy_ball", "horizon", "weight_decay", "convergence"} <= found


def test_every_theorem_named_in_code_has_a_note(package_folder, notes):
    assert named_in(package_folder) | set(RANGES) <= set(notes)


def test_every_module_that_computes_a_range_names_its_theorem(package_folder, notes):
    for path in (package_folder / "theorems").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.stem in notes:
            assert text.startswith(f'"""Theorem `{path.stem}`:')
        else:
            assert path.stem in {"__init__", "admissible_range", "downhill", "numbers", "optimizers", "ranges"}


def test_no_theorem_is_an_orphan(package_folder, proofs_folder, notes):
    """Each is named by the code or used in the proof of another."""
    proofs = "".join(path.read_text(encoding="utf-8") for path in (proofs_folder / "coq").glob("*.v"))
    used = {name for name in notes if re.search(rf"\b(apply|exact|destruct|pose proof|eapply) \(?{name}\b", proofs)}
    assert set(notes) <= named_in(package_folder) | used


def test_notes_are_the_theorems_and_nothing_else(notes):
    assert set(notes) == THEOREMS


@pytest.mark.parametrize("name", sorted(THEOREMS))
def test_note_names_its_own_proof(name, notes, coq_theorems):
    header = notes[name].header
    assert header["theorem"] == name
    assert coq_theorems[name] == header["coq"]


@pytest.mark.parametrize("name", sorted(THEOREMS))
def test_note_has_statement_proof_and_picture(name, notes):
    text = notes[name].text
    assert "**Statement.**" in text
    assert "**Proof" in text
    assert "```" in text or "![" in text or name == "second_derivative_descent"


@pytest.mark.parametrize("name", sorted(THEOREMS))
def test_note_names_its_source_and_what_is_weaker(name, notes):
    text = notes[name].text
    assert "**Source.**" in text
    assert re.search(r"\*\*[^*]*(weaker|Weaker|added)[^*]*\*\*", text)


def test_names_in_notes_exist(notes, coq_theorems, proofs_folder):
    """A backquoted word with an underscore is a theorem or a definition of the Coq files."""
    sources = "".join(path.read_text(encoding="utf-8") for path in (proofs_folder / "coq").glob("*.v"))
    definitions = set(re.findall(r"(?:Definition|Fixpoint|Inductive) +([\w']+)", sources))
    known = definitions | set(coq_theorems)
    for name, note in notes.items():
        for word in re.findall(r"`([a-z]{3,}(?:_[a-z]+)+)`", note.text):
            assert word in known, f"note={name} word={word}"


def test_links_lead_somewhere(proofs_folder):
    for path in proofs_folder.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"note={path.name} link={target}"


def test_reading_path_leads_to_every_note(notes, proofs_folder):
    linked = re.findall(r"\]\((\w+)\.md\)", (proofs_folder / "README.md").read_text(encoding="utf-8"))
    assert set(linked) == set(notes)


def test_every_coq_file_is_compiled(proofs_folder):
    listed = re.findall(
        r"^(\w+\.v)$", (proofs_folder / "coq" / "_CoqProject").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(path.name for path in (proofs_folder / "coq").glob("*.v"))


def test_picture_is_what_its_script_draws(proofs_folder):
    pictures = proofs_folder / "pictures"
    script = runpy.run_path(str(pictures / "draw.py"))
    assert (pictures / "ranges.svg").read_text(encoding="utf-8") == script["drawing"]()
