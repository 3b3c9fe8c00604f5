"""The proofs compile, and wrong constants do not."""

from __future__ import annotations

import shutil
import subprocess

import pytest

pytestmark = [pytest.mark.proofs, pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def compiled(proofs_folder):
    if shutil.which("coqc") is None:
        pytest.skip("Coq is not installed; proofs_notes/check.sh installs it")
    subprocess.run([proofs_folder / "check.sh", "--compile"], check=True, capture_output=True, timeout=600)


def test_axioms_are_those_of_the_reals(proofs_folder):
    done = subprocess.run(
        [proofs_folder / "axioms.sh", ".", "Steps"],
        check=False,
        cwd=proofs_folder / "coq",
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "sig_forall_dec" in done.stdout


def test_other_axioms_are_refused(proofs_folder, tmp_path):
    (tmp_path / "Wishful.v").write_text("Axiom wish : False.\nTheorem anything : 1 = 2.\nProof. destruct wish. Qed.\n")
    subprocess.run(
        ["coqc", "-Q", ".", "Dagverify", "Wishful.v"], cwd=tmp_path, check=True, capture_output=True, timeout=60
    )
    done = subprocess.run(
        [proofs_folder / "axioms.sh", tmp_path, "Wishful"], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode != 0
    assert done.stderr == "axiom outside the allow-list: theorem=anything axiom=Wishful.wish\n"


def test_a_proof_without_axioms_is_listed_as_such(proofs_folder, tmp_path):
    (tmp_path / "Plain.v").write_text("Theorem plain : 1 = 1.\nProof. reflexivity. Qed.\n")
    subprocess.run(["coqc", "-Q", ".", "Dagverify", "Plain.v"], cwd=tmp_path, check=True, timeout=60)
    done = subprocess.run(
        [proofs_folder / "axioms.sh", tmp_path, "Plain"], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.split() == ["plain", "none"]


def test_mutations_are_rejected(proofs_folder):
    done = subprocess.run([proofs_folder / "mutations.sh"], check=False, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("rejected") >= 10
