"""Kill a training run at random moments, resume it each time, and compare its end with an uninterrupted run.

python benchmarks/training_kills.py [--kills 100]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SPEC = Path(__file__).parents[1] / "examples" / "xor_skip.toml"
STEPS_PER_KILL = 40


def command(out: Path, steps: int, *more: str) -> list[str]:
    start = "from verify.cli import main; main()"
    options = ["--steps", str(steps), "--rule", "fixed", "--eta", "0.1", "--tau", "0.05", "--checkpoint-every", "1"]
    return [sys.executable, "-c", start, "train", str(SPEC), *options, "--out", str(out), "--json", *more]


def kill_once(out: Path, steps: int, rng: random.Random) -> bool:
    """Start or resume the run and kill it; False when it had ended before."""
    more = ("--resume",) if (out / "run.json").exists() else ()
    lines = out / "steps.jsonl"
    before = lines.stat().st_size if lines.exists() else 0
    process = subprocess.Popen(command(out, steps, *more), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while process.poll() is None and not (lines.exists() and lines.stat().st_size > before):
        time.sleep(0.001)
    time.sleep(rng.uniform(0.0, 0.1))
    ended = process.poll() is not None
    if not ended:
        os.kill(process.pid, signal.SIGKILL)
    _, errors = process.communicate()
    if ended and process.returncode != 0:
        raise SystemExit(f"a run failed: {errors.decode()}")
    return not ended


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    steps = STEPS_PER_KILL * options.kills
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        whole, killed = Path(folder) / "whole", Path(folder) / "killed"
        expected = json.loads(subprocess.run(command(whole, steps), check=True, capture_output=True).stdout)
        kills = 0
        while kills < options.kills and kill_once(killed, steps, rng):
            kills += 1
        resumed = subprocess.run(command(killed, steps, "--resume"), check=True, capture_output=True)
        found = json.loads(resumed.stdout)
        same = (killed / "steps.jsonl").read_bytes() == (whole / "steps.jsonl").read_bytes()
    del expected["run"], found["run"]
    print(f"kills: {kills}, steps: {found['steps']}, same result: {found == expected}, same lines: {same}")
    if not (same and found == expected):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
