"""Kill training runs at random moments, resume them each time, and compare their ends with uninterrupted runs.

    OPENBLAS_NUM_THREADS=1 python benchmarks/training_kills.py [--kills 200] [--seed 0] [--out FILE]

A checkpoint is written after every step, and a certificate of every five, so that kills also meet their writing: these
are counted by the temporary file that they leave. After every kill the folder must hold no run yet, or one with a
checkpoint that can be read and lines up to it; in the end every byte of every file must be that of a run that was never
killed, and the chain of certificates must be confirmed.
"""

from __future__ import annotations

import argparse
import random
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from forked import Command, import_everything

from verify.certificates.run_checker import check_run

SPEC = Path(__file__).parents[1] / "examples" / "xor_skip.toml"
RULES = {"fixed": ["--eta", "0.1", "--tau", "0.05"], "certified": [], "guarded": []}
STEPS_PER_KILL = {"fixed": 8, "certified": 6, "guarded": 5}
"""So few that a guarded run is not over, with nothing left to prove, before its last kill."""


class Count(NamedTuple):
    """Kills, those before the run had begun, and those that left a half-written file."""

    kills: int = 0
    before_the_run: int = 0
    while_writing: int = 0


def arguments(out: Path, rule: str, steps: int, *more: str) -> list[str]:
    options = ["--steps", str(steps), "--rule", rule, *RULES[rule], "--checkpoint-every", "1"]
    certificates = ["--certificates", "steps", "--certify-every", "5"]
    return ["train", str(SPEC), *options, *certificates, "--out", str(out), "--json", *more]


def kill_once(out: Path, rule: str, steps: int, rng: random.Random) -> Count | None:
    """Start or resume the run and kill it; None when it had ended before."""
    had_begun = (out / "run.json").exists()
    lines = out / "steps.jsonl"
    before = lines.stat().st_size if had_begun else 0
    process = Command(arguments(out, rule, steps, *(["--resume"] if had_begun else [])), out.with_name("output"))
    while rng.random() < 0.999 and process.poll() is None and not (lines.exists() and lines.stat().st_size > before):
        time.sleep(0.0005)
    time.sleep(rng.uniform(0.0, 0.03))
    if not process.kill():
        if process.wait() != 0:
            raise SystemExit(f"a run failed: {process.errors.read_text()}")
        return None
    unfinished = [path for folder in (out, out / "certificates") for path in folder.glob(".*.tmp")]
    if (out / "run.json").exists():
        with np.load(out / "checkpoint.npz", allow_pickle=False) as checkpoint:
            length = int(checkpoint["lines"])
        if lines.stat().st_size < length:
            raise SystemExit(f"{lines} is shorter than its checkpoint says")
    return Count(1, int(not (out / "run.json").exists()), int(bool(unfinished)))


def compare(rule: str, kills: int, rng: random.Random, folder: Path) -> str:
    """Return the table's row of one rule; exits if the killed run ends differently."""
    steps = STEPS_PER_KILL[rule] * kills
    whole, killed = folder / f"whole {rule}", folder / f"killed {rule}"
    if Command(arguments(whole, rule, steps), folder / "output").wait() != 0:
        raise SystemExit((folder / "output.err").read_text())
    count = Count()
    while count.kills < kills and (one := kill_once(killed, rule, steps, rng)) is not None:
        count = Count(*map(sum, zip(count, one, strict=True)))
    last = Command(
        arguments(killed, rule, steps, *(["--resume"] if (killed / "run.json").exists() else [])), folder / "last"
    )
    if last.wait() != 0:
        raise SystemExit(last.errors.read_text())
    expected, found = (
        {path.relative_to(run): path.read_bytes() for path in run.rglob("*") if path.is_file()}
        for run in (whole, killed)
    )
    taken = len(found[Path("steps.jsonl")].splitlines())
    verdict = check_run(killed)["verdict"]
    damaged = sum(found.get(name) != expected.get(name) for name in set(found) | set(expected))
    counts = " | ".join(map(str, count))
    row = f"| {rule} | {counts} | {taken} | {len(found)} | {damaged} | {verdict} |"
    print(row, flush=True)
    if damaged or verdict != "PROVED":
        raise SystemExit(1)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="in all; a third for each rule")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    heads = ("rule", "kills", "before the run had begun", "while a file was written", "steps", "files", "damaged files")
    table = [f"| {' | '.join(heads)} | recheck |", "|---" * 8 + "|"]
    with tempfile.TemporaryDirectory() as name:
        import_everything(*(arguments(Path(name) / f"first {rule}", rule, 6) for rule in RULES))
        for index, rule in enumerate(RULES):
            table.append(compare(rule, (options.kills + index) // len(RULES), rng, Path(name)))
    if options.out:
        command_line = f"OPENBLAS_NUM_THREADS=1 python {shlex.join(sys.argv)}"
        content = ["# Kills of training runs", "", f"    {command_line}", "", str(__doc__).split("\n\n")[2], *table]
        options.out.write_text("\n".join(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
