"""What Coq says about step files: true statements compile, false ones do not; any doubt is UNDECIDED."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from tests.proofs.steps import AXIOMS, claimed, install_coqc, make_certificate, make_problem, true_decrease
from verify.certificates.coq import compile_proof, export_step
from verify.certificates.coq.compiler import ALLOWED_AXIOMS
from verify.certificates.coq.network import FORMULAS
from verify.outcomes import Verdict


@pytest.fixture
def coqc_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that puts a coqc in the path which runs a shell script."""

    return lambda script: install_coqc(script, tmp_path, monkeypatch)


def test_allowed_axioms_are_those_of_the_proofs(proofs_folder):
    script = (proofs_folder / "axioms.sh").read_text(encoding="utf-8")
    assert set(script.split("allowed=(")[1].split(")")[0].split()) == ALLOWED_AXIOMS


def test_without_coq_it_is_undecided(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    outcome = compile_proof("")
    assert (outcome.verdict, outcome.seconds) == (Verdict.UNDECIDED, 0.0)
    assert "coqc is not installed" in outcome.reason


def test_only_the_axioms_of_the_reals_are_accepted(coqc_that):
    coqc_that(f"cat <<END\n{AXIOMS}END")
    assert compile_proof("").verdict is Verdict.PROVED
    coqc_that(f"cat <<END\n{AXIOMS}PrimFloat.of_int63 : Type\nEND")
    outcome = compile_proof("")
    assert outcome.verdict is Verdict.UNDECIDED
    assert outcome.reason == "the proof uses other axioms: PrimFloat.of_int63"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("exit 0", "did not print the axioms"),
        ("echo Axioms:", "did not print the axioms"),
        ("echo 'Error: Cannot find witness.' >&2; exit 1", "refused the file: Error: Cannot find witness."),
        (f"cat <<END\n{AXIOMS}END\nexit 1", "refused the file"),
        ("exec sleep 30", "did not finish"),
    ],
)
def test_every_other_answer_is_undecided(coqc_that, script, reason):
    coqc_that(script)
    outcome = compile_proof("", longest=0.5 if "sleep" in script else 30)
    assert outcome.verdict is Verdict.UNDECIDED
    assert reason in outcome.reason


@pytest.mark.proofs
@pytest.mark.slow
@pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")
class TestCompiled:
    @pytest.mark.parametrize("hidden", sorted(FORMULAS))
    def test_true_claim(self, hidden):
        outcome = compile_proof(export_step(make_certificate(make_problem(hidden, samples=1, weight_decay=0.01))))
        assert outcome.verdict is Verdict.PROVED, outcome.reason

    @pytest.mark.parametrize(
        ("size", "hidden"),
        [(1e6, "tanh"), (1e6, "sigmoid"), (1e6, "softplus"), (1e-200, "tanh"), (1e-200, "sigmoid")],
    )
    def test_extreme_weights(self, size, hidden):
        """From weights far away, where tanh and sigmoid are flat, or from weights next to zero."""
        certificate = make_certificate(make_problem(hidden, samples=1))
        certificate["weights"] = [size.hex()] * len(certificate["weights"])
        certificate["claim"]["decrease"] = "0"
        outcome = compile_proof(export_step(certificate))
        assert outcome.verdict is Verdict.PROVED, outcome.reason

    @pytest.mark.parametrize("hidden", ["tanh", "sigmoid", "softplus"])
    def test_one_percent_too_much(self, hidden):
        problem = make_problem(hidden, samples=1)
        text = export_step(make_certificate(problem))
        wrong = true_decrease(problem) * Fraction(101, 100)
        forged = text.replace(f"error - ({claimed(text)})", f"error - ({wrong.numerator} / {wrong.denominator})")
        assert forged != text
        outcome = compile_proof(forged)
        assert outcome.verdict is Verdict.UNDECIDED
        assert "Cannot find witness" in outcome.reason

    def test_a_forged_bound(self):
        """The bounds written into the file are claims too: Coq proves each of them anew."""
        text = export_step(make_certificate(make_problem(samples=1)))
        forged = re.sub(
            r"Lemma After_error : (\S+ / \S+|\S+) <= (AfterNetwork\.error) <= [^.]+\.",
            r"Lemma After_error : \1 <= \2 <= \1.",
            text,
        )
        assert forged != text
        outcome = compile_proof(forged)
        assert outcome.verdict is Verdict.UNDECIDED
        assert "Numerical evaluation failed" in outcome.reason

    def test_an_assumed_bound(self):
        """A lemma that is only assumed makes the file compile, and shows among the axioms."""
        text = export_step(make_certificate(make_problem(samples=1)))
        start = text.index("Lemma After_error")
        proof = text.index("Proof.", start)
        forged = text[:proof] + "Admitted." + text[text.index("Qed.", proof) + 4 :]
        outcome = compile_proof(forged)
        assert outcome.verdict is Verdict.UNDECIDED
        assert outcome.reason == "the proof uses other axioms: After_error"
