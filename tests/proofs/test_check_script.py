"""``check.sh`` refuses unfinished and uncompiled proofs before it needs Coq."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def copy(proofs_folder: Path, tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns("*.vo*", "*.glob", "*.aux", ".*", "Makefile.coq*")
    return Path(shutil.copytree(proofs_folder, tmp_path / "proofs", ignore=ignored))


def check(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the script where every later command fails, so that only its own checks can answer."""
    for name in ("coqc", "coq_makefile", "apt-get"):
        program = folder / name
        program.write_text("#!/bin/sh\necho reached >&2\nexit 9\n", encoding="utf-8")
        program.chmod(0o755)
    return subprocess.run(
        [folder / "check.sh"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": f"{folder}:/usr/bin:/bin"},
    )


def test_the_proofs_pass_these_checks(copy):
    done = check(copy)
    assert done.returncode == 9
    assert "reached" in done.stderr
    assert "unfinished" not in done.stderr


@pytest.mark.parametrize(
    "text",
    [
        "Lemma wish : False.\nAdmitted.",
        "Lemma wish : False.\nProof. admit. Qed.",
        "Lemma wish : False.\nProof. give_up. Qed.",
        "Axiom wish : False.",
        "Axioms wish hope : False.",
        "Parameter wish : False.",
        "Conjecture wish : False.",
        "Unset Guard Checking.",
    ],
)
def test_unfinished_proofs_are_refused(copy, text):
    file = copy / "coq" / "Sums.v"
    with file.open("a", encoding="utf-8") as stream:
        stream.write(text + "\n")
    done = check(copy)
    assert done.returncode == 1
    assert "./Sums.v:" in done.stdout
    assert "unfinished or assumed" in done.stderr
    assert "reached" not in done.stderr


def test_a_file_that_is_not_compiled_is_refused(copy):
    (copy / "coq" / "Forgotten.v").write_text("Theorem t : 1 = 1. Proof. reflexivity. Qed.\n", encoding="utf-8")
    done = check(copy)
    assert done.returncode == 1
    assert "not compiled: file=Forgotten.v" in done.stderr


def test_coq_is_installed_when_missing(copy):
    programs = copy / "programs"
    programs.mkdir()
    for name in ("bash", "sed", "grep", "dirname"):
        (programs / name).symlink_to(str(shutil.which(name)))
    for name, script in (("apt-get", f"echo $* >> {copy}/log"), ("coq_makefile", "exit 9")):
        (programs / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    done = subprocess.run(
        [copy / "check.sh"], check=False, capture_output=True, text=True, timeout=60, env={"PATH": str(programs)}
    )
    assert done.returncode == 9
    assert "Coq is missing: installing" in done.stderr
    assert (copy / "log").read_text(encoding="utf-8").splitlines() == [
        "update -q",
        "install -y -q coq libcoq-coquelicot libcoq-interval",
    ]
