"""Give malformed spec files, arrays and certificates to the commands that read them.

    python benchmarks/malformed.py --inputs 5000

Each input is read in a process of its own. Asked of every one: exit code 2; nothing on stdout; on stderr one line that
names the file and, with a value, what is wrong in it; at most 10 seconds and 1 GB; no file written, no program started,
nothing unpickled, no connection opened. Inputs that are valid in spite of the damage are not counted. The exit code is
1 if any answer is otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from malformed_inputs import ARRAY_MAKERS, CERTIFICATE_MAKERS, PLAIN, SPEC_MAKERS

import verify
from verify.analysis import check as analysis
from verify.certificates import checker  # noqa: F401 -- loaded before the processes are forked
from verify.cli.app import main as dagverify
from verify.spec import load_specification

SECONDS = 10
MEGABYTES = 1000
LOUD = {"os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect", "pickle.find_class"}
VALID, RAN_CODE = 100, 101


@dataclass(frozen=True)
class Answer:
    """How one input was answered."""

    fault: str
    seconds: float
    megabytes: float
    line: str


def ask(command: str, path: Path, folder: Path) -> Answer | None:
    """Read a file in a process of its own; None if it is valid."""
    before = sorted(folder.iterdir())
    texts = folder.parent
    started = time.perf_counter()
    child = os.fork()
    if child == 0:
        _child(command, path, folder)
    _, status, usage = os.wait4(child, 0)
    seconds, megabytes = time.perf_counter() - started, usage.ru_maxrss / 1000
    code = os.waitstatus_to_exitcode(status)
    if code == VALID:
        return None
    stdout, stderr = ((texts / name).read_text("utf-8", "replace") for name in ("stdout", "stderr"))
    checks = {
        "ran code": code == RAN_CODE,
        "killed": code < 0,
        "not refused": code not in (2, RAN_CODE) and code >= 0,
        "wrote": sorted(folder.iterdir()) != before,
        "slow": seconds > SECONDS,
        "large": megabytes > MEGABYTES,
        "traceback": "Traceback" in stderr or "internal error" in stderr,
        "stdout": bool(stdout),
        "not one line": not re.fullmatch(r"error: [^\n]+\n", stderr),
        "not located": str(path) not in stderr or "=" not in stderr.replace(str(path), ""),
        "no remedy": "; " not in stderr,
    }
    return Answer(", ".join(name for name, failed in checks.items() if failed), seconds, megabytes, stderr.strip())


def _child(command: str, path: Path, folder: Path) -> None:
    """Never returns; gives the file to the command line as a user would, and leaves where it turns out to be valid."""
    os.chdir(folder)
    signal.alarm(3 * SECONDS)
    resource.setrlimit(resource.RLIMIT_AS, (8 * 10**9, 8 * 10**9))
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder.parent / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    loud: list[str] = []
    sys.addaudithook(lambda event, _: loud.append(event) if event in LOUD else None)
    code = 0
    analysis.check = lambda *_, **__: os._exit(RAN_CODE if loud else VALID)  # type: ignore[assignment]
    try:
        dagverify([command, str(path)])
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    sys.stdout.flush()
    sys.stderr.flush()
    if command == "recheck" and code in (0, 3):
        code = VALID
    os._exit(RAN_CODE if loud else code)


def certificates(folder: Path) -> list[str]:
    """Return certificates of the small network."""
    (folder / "spec.toml").write_text(PLAIN)
    problem = load_specification(folder / "spec.toml").problem
    return [json.dumps(verify.certify(problem, kind)) for kind in ("region", "step")]


def makers(texts: list[str]) -> dict[str, tuple[str, Callable[[random.Random, Path], bytes]]]:
    """By name: the command, and what makes a file for it."""
    found: dict[str, Any] = {maker.__name__: ("check", maker) for maker in (*SPEC_MAKERS, *ARRAY_MAKERS)}
    for maker in CERTIFICATE_MAKERS:
        found[maker.__name__] = ("recheck", lambda rng, _, m=maker: m(rng, rng.choice(texts)))
    return found


def run(inputs: int, seed: int, work: Path) -> int:
    """Print the table; return how many inputs were answered otherwise than asked."""
    ways = makers(certificates(work))
    faults: Counter[str] = Counter()
    seen: dict[str, list[Answer]] = defaultdict(list)
    valid: Counter[str] = Counter()
    rng = random.Random(seed)
    names = [name for name in ways for _ in range(1 if name == "npz_bomb" else 20)]
    while sum(map(len, seen.values())) < inputs:
        name = rng.choice(names)
        command, make = ways[name]
        folder = work / "inputs"
        folder.mkdir()
        path = folder / ("spec.toml" if command == "check" else "certificate.json")
        path.write_bytes(make(rng, folder))
        answer = ask(command, path, folder)
        shutil.rmtree(folder)
        if answer is None:
            valid[name] += 1
            continue
        seen[name].append(answer)
        if answer.fault:
            faults[name] += 1
            print(f"{name}: {answer.fault}: {answer.line[:300]}", file=sys.stderr)
        if sys.stderr.isatty():
            print(f"\r{sum(map(len, seen.values()))} of {inputs}", end="", file=sys.stderr)
    print("| input | malformed | answered otherwise | longest (s) | most memory (MB) | valid, not counted |")
    print("|---|---:|---:|---:|---:|---:|")
    for name in ways:
        each = seen[name]
        longest, most = (max((getattr(a, what) for a in each), default=0.0) for what in ("seconds", "megabytes"))
        print(f"| {name} | {len(each)} | {faults[name]} | {longest:.2f} | {most:.0f} | {valid[name]} |")
    print(f"\n{sum(map(len, seen.values()))} malformed inputs, {faults.total()} answered otherwise")
    return faults.total()


def main() -> int:
    parser = argparse.ArgumentParser(description="Malformed input files against the commands that read them.")
    parser.add_argument("--inputs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        return 1 if run(options.inputs, options.seed, Path(work)) else 0


if __name__ == "__main__":
    sys.exit(main())
