"""What Coq says about a proof file: compiled, with no axiom but those of Coq's classical real numbers."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from verify.certificates.coq.proof_file import THEOREM
from verify.outcomes import Verdict

ALLOWED_AXIOMS = {
    "ClassicalDedekindReals.sig_forall_dec",
    "ClassicalDedekindReals.sig_not_dec",
    "FunctionalExtensionality.functional_extensionality_dep",
    "Classical_Prop.classic",
}
LONGEST_SECONDS = 3600.0


@dataclass(frozen=True)
class Compilation:
    """PROVED when Coq accepted the file, else UNDECIDED with the reason; seconds of wall time."""

    verdict: Verdict
    reason: str
    seconds: float = 0.0


def compile_proof(text: str, *, longest: float = LONGEST_SECONDS) -> Compilation:
    """Compile the text of a proof file in a folder of its own.

    Parameters
    ----------
    text : str
        As `export_step` writes it; its last command prints the theorem's axioms.
    longest : float
        Seconds after which Coq is stopped.

    Returns
    -------
    Compilation
        PROVED only if ``coqc`` exists, succeeds, and names the axioms, all of them among `ALLOWED_AXIOMS`.
    """
    coqc = shutil.which("coqc")
    if coqc is None:
        reason = "not compiled: coqc is not installed (Debian: apt-get install coq libcoq-interval)"
        return Compilation(Verdict.UNDECIDED, reason)
    start = time.monotonic()
    try:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "Step.v").write_text(text, encoding="utf-8")
            done = subprocess.run(
                [coqc, "Step.v"], cwd=folder, check=False, capture_output=True, text=True, timeout=longest
            )
    except (subprocess.TimeoutExpired, OSError) as error:
        return Compilation(Verdict.UNDECIDED, f"coqc did not finish: {error}", time.monotonic() - start)
    seconds = time.monotonic() - start
    if done.returncode:
        message = " ".join((done.stderr or done.stdout).split())
        return Compilation(Verdict.UNDECIDED, f"coqc refused the file: {message[:300]}", seconds)
    return Compilation(*_judge(done.stdout), seconds)


def _judge(output: str) -> tuple[Verdict, str]:
    """Verdict from what `Print Assumptions` printed."""
    _, heading, listed = output.partition("Axioms:\n")
    axioms = set(re.findall(r"^([^\s:]+)", listed, re.MULTILINE))
    if not heading or not axioms:
        return Verdict.UNDECIDED, "coqc did not print the axioms"
    if axioms - ALLOWED_AXIOMS:
        return Verdict.UNDECIDED, f"the proof uses other axioms: {', '.join(sorted(axioms - ALLOWED_AXIOMS))}"
    return Verdict.PROVED, f"theorem {THEOREM}, from the axioms of the real numbers alone"
