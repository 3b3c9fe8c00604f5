"""Kill training runs at random moments, resume them each time, and compare their ends with uninterrupted runs.

    OPENBLAS_NUM_THREADS=1 python benchmarks/training_kills.py [--kills 100] [--seed 0] [--out FILE]

A checkpoint is written after every step, so that kills also meet its writing: those are counted by the temporary file
that they leave. After every kill the folder must hold a checkpoint that can be read and lines up to it; in the end the
result and every byte of the lines must be those of a run that was never killed.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

SPEC = Path(__file__).parents[1] / "examples" / "xor_skip.toml"
RULES = {"fixed": ["--eta", "0.1", "--tau", "0.05"], "certified": [], "guarded": []}
STEPS_PER_KILL = {"fixed": 40, "certified": 30, "guarded": 5}
"""So few that a guarded run is not over, with nothing left to prove, before its last kill."""


class Count(NamedTuple):
    """Kills, and those that left a half-written checkpoint."""

    kills: int = 0
    while_writing: int = 0


def command(out: Path, rule: str, steps: int, *more: str) -> list[str]:
    start = "from verify.cli import main; main()"
    options = ["--steps", str(steps), "--rule", rule, *RULES[rule], "--checkpoint-every", "1"]
    return [sys.executable, "-c", start, "train", str(SPEC), *options, "--out", str(out), "--json", *more]


def kill_once(out: Path, rule: str, steps: int, rng: random.Random) -> Count | None:
    """Start or resume the run and kill it; None when it had ended before."""
    more = ("--resume",) if (out / "run.json").exists() else ()
    lines, unfinished = out / "steps.jsonl", out / ".checkpoint.npz.tmp"
    before = lines.stat().st_size if lines.exists() else 0
    process = subprocess.Popen(command(out, rule, steps, *more), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while process.poll() is None and not (lines.exists() and lines.stat().st_size > before):
        time.sleep(0.0005)
    time.sleep(rng.uniform(0.0, 0.03))
    ended = process.poll() is not None
    if not ended:
        os.kill(process.pid, signal.SIGKILL)
    _, errors = process.communicate()
    if ended:
        if process.returncode != 0:
            raise SystemExit(f"a run failed: {errors.decode()}")
        return None
    with np.load(out / "checkpoint.npz", allow_pickle=False) as checkpoint:
        length = int(checkpoint["lines"])
    if lines.stat().st_size < length:
        raise SystemExit(f"{lines} is shorter than its checkpoint says")
    return Count(1, int(unfinished.exists()))


def compare(rule: str, kills: int, rng: random.Random) -> str:
    """Return the table's row of one rule; exits if the killed run ends differently."""
    steps = STEPS_PER_KILL[rule] * kills
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder) / "whole", Path(folder) / "killed"
        expected = json.loads(subprocess.run(command(whole, rule, steps), check=True, capture_output=True).stdout)
        count = Count()
        while count.kills < kills and (one := kill_once(killed, rule, steps, rng)) is not None:
            count = Count(count.kills + one.kills, count.while_writing + one.while_writing)
        resumed = subprocess.run(command(killed, rule, steps, "--resume"), check=True, capture_output=True)
        found = json.loads(resumed.stdout)
        same_lines = (killed / "steps.jsonl").read_bytes() == (whole / "steps.jsonl").read_bytes()
    for answer in (expected, found):
        del answer["run"], answer["recorded_steps"]
    row = f"| {rule} | {count.kills} | {count.while_writing} | {found['steps']} | {found == expected} | {same_lines} |"
    print(row, flush=True)
    if not (same_lines and found == expected):
        raise SystemExit(1)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="in all; a third for each rule")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    table = ["| rule | kills | while a checkpoint was written | steps | same result | same lines |", "|---" * 6 + "|"]
    for index, rule in enumerate(RULES):
        table.append(compare(rule, (options.kills + index) // len(RULES), rng))
    if options.out:
        command_line = f"OPENBLAS_NUM_THREADS=1 python {shlex.join(sys.argv)}"
        content = ["# Kills of training runs", "", f"    {command_line}", "", str(__doc__).split("\n\n")[2], *table]
        options.out.write_text("\n".join(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
