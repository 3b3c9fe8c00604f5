"""Start two commands in one place a moment apart, and compare what they leave with what one alone leaves.

    OPENBLAS_NUM_THREADS=1 python benchmarks/races.py [--races 50] [--seed 0] [--out FILE]

Of two commands that meet, one must do its work and the other be refused by one line (exit code 2); when the first has
ended before, the second may also find a run or a campaign that is complete. In the end every byte of every file must be
what one command alone writes, and the chain of certificates must be confirmed.
"""

from __future__ import annotations

import argparse
import random
import shlex
import sys
import tempfile
import time
from pathlib import Path

from forked import Command, import_everything

from verify.certificates.run_checker import check_run

SPEC = Path(__file__).parents[1] / "examples" / "xor_skip.toml"
LONGEST_DELAY = 0.4
"""Seconds between the two starts, at most: about as long as a command takes."""


def train(out: Path, steps: int, *more: str) -> list[str]:
    options = ["--rule", "fixed", "--eta", "0.1", "--tau", "0.05", "--checkpoint-every", "1", "--certificates", "steps"]
    return ["train", str(SPEC), "--steps", str(steps), *options, "--out", str(out), "--json", *more]


def campaign(out: Path, *more: str) -> list[str]:
    size = ["--networks", "2", "--steps", "2", "--heavy-ball", "0", "--attacks", "4", "--method", "norms"]
    return ["campaign", *size, "--workers", "1", "--out", str(out), "--json", *more]


RACES = {
    "start, start": (train, (12,), (), (), 0),
    "start, start --force": (train, (12,), (), ("--force",), 0),
    "start, resume": (train, (12,), (), ("--resume",), 0),
    "resume, resume": (train, (12,), ("--resume",), ("--resume",), 4),
    "campaign, campaign": (campaign, (), (), (), 0),
}
"""By kind: the command, its size, what the first and the second add to it, and the steps taken before."""


def content(place: Path) -> dict[Path, bytes]:
    files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
    return {path.relative_to(place): path.read_bytes() for path in files}


def race(kind: str, place: Path, rng: random.Random) -> tuple[int, ...]:
    """Run one race; return how many of the two were refused."""
    make, size, first, second, before = RACES[kind]
    if before:
        run_alone(train(place, before), place)
    commands = [Command(make(place, *size, *first), place.with_name("first"))]
    time.sleep(rng.uniform(0.0, LONGEST_DELAY))
    commands.append(Command(make(place, *size, *second), place.with_name("second")))
    codes = tuple(command.wait() for command in commands)
    for command, code in zip(commands, codes, strict=True):
        errors = command.errors.read_text()
        if code not in (0, 2) or (code == 2 and (errors.count("\n") != 1 or not errors.startswith("error: "))):
            raise SystemExit(f"{kind}: exit code {code}: {errors}")
    return codes


def run_alone(arguments: list[str], place: Path) -> None:
    command = Command(arguments, place.with_name("alone"))
    if command.wait() != 0:
        raise SystemExit(command.errors.read_text())


def compare(kind: str, races: int, rng: random.Random, folder: Path) -> str:
    """Return the table's row of one kind."""
    make, size, *_ = RACES[kind]
    whole = folder / f"whole {kind}"
    run_alone(make(whole, *size), whole)
    expected = content(whole)
    refused = damaged = 0
    for number in range(races):
        place = folder / f"{kind} {number}"
        codes = race(kind, place, rng)
        refused += codes.count(2)
        confirmed = place.is_file() or check_run(place)["verdict"] == "PROVED"
        damaged += 0 not in codes or content(place) != expected or not confirmed
    row = f"| {kind} | {races} | {refused} | {damaged} |"
    print(row, flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--races", type=int, default=50, help="in all; a share for each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    table = ["| two commands in one place | races | in which one was refused | damaged |", "|---" * 4 + "|"]
    with tempfile.TemporaryDirectory() as name:
        import_everything(train(Path(name) / "first run", 2), campaign(Path(name) / "first campaign"))
        for index, kind in enumerate(RACES):
            table.append(compare(kind, (options.races + index) // len(RACES), rng, Path(name)))
    if options.out:
        command_line = f"OPENBLAS_NUM_THREADS=1 python {shlex.join(sys.argv)}"
        lines = ["# Races", "", f"    {command_line}", "", str(__doc__).split("\n\n")[2].strip(), "", *table]
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if not all(row.endswith("| 0 |") for row in table[2:]):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
