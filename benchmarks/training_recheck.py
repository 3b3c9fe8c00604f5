"""Every step of certified runs rechecked by the independent Arb checker.

    OPENBLAS_NUM_THREADS=1 python benchmarks/training_recheck.py [--specs SPEC ...] [--steps 300] [--out FILE]

`dagverify train --rule certified --certificates steps`, then `dagverify recheck` of the run's folder. The decrease that
is claimed for one step is then doubled, and the checker has to object. Seconds of processor time.
"""

from __future__ import annotations

import argparse
import json
import resource
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SPECS = ("breast_cancer_residual.toml", "digits_autoencoder.toml")


def dagverify(*arguments: Any) -> tuple[dict[str, Any], float]:
    """Return the answer of a command and its processor time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = "from verify.cli import main; main()"
    command = [sys.executable, "-c", start, *map(str, arguments), "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode not in (0, 1, 3):
        raise SystemExit(done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return json.loads(done.stdout), after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def spoil(run: Path) -> None:
    """Double the decrease that the first certificate claims for its step in the middle."""
    path = min((run / "certificates").glob("0*.json"))
    certificate = json.loads(path.read_text(encoding="utf-8"))
    decreases = certificate["claim"]["decreases"]
    middle = len(decreases) // 2
    decreases[middle] = (2 * float.fromhex(decreases[middle])).hex()
    path.write_text(json.dumps(certificate), encoding="utf-8")


def row(spec: Path, steps: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        answer, trained = dagverify("train", spec, "--steps", steps, "--certificates", "steps", "--out", run)
        checked, spent = dagverify("recheck", run)
        spoil(run)
        spoilt, _ = dagverify("recheck", run)
    proved = f"{answer['verdicts']['PROVED']}/{answer['steps']}"
    verdicts = f"{checked['verdict']} | {spoilt['verdict']}"
    return f"| {answer['name']} | {proved} | {answer['error']:.4g} | {verdicts} | {trained:.0f} | {spent:.0f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--specs", nargs="*", type=Path, default=[EXAMPLES / name for name in SPECS])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    table = [
        "| run | steps proved | E at the end | checker | checker, one claim doubled | training (s) | checking (s) |",
        "|---" * 7 + "|",
    ]
    for spec in options.specs:
        table.append(row(spec, options.steps))
        print(table[-1], flush=True)
    if options.out:
        command = f"OPENBLAS_NUM_THREADS=1 python {shlex.join(sys.argv)}"
        content = ["# Rechecked runs", "", f"    {command}", "", str(__doc__).split("\n\n")[2], *table]
        options.out.write_text("\n".join(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
