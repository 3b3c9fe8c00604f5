"""Give malformed or hostile files, paths, options and tables to the commands that read them.

    python benchmarks/malformed.py --inputs 10000 --workers 1 --out benchmarks/malformed.md

Each input is read in a process of its own, forked from one that has imported everything. Asked of every one: exit code
2; nothing on stdout but annotations that were asked for; on stderr one line that names the file or option and, with a
value, what is wrong in it, and the remedy; at most 2 seconds of processor time and 200 MB beside what the interpreter
and its libraries hold; no word that a terminal or a CI service obeys; no file written or changed, no program started,
nothing unpickled, no connection opened. Where another answer is right (a spec whose name acts is still proved, an
edited certificate is not confirmed), its exit codes stand with the kind, and what is written must be well-formed.
Inputs that are valid in spite of random damage are not counted. The exit code is 1 if any answer is otherwise.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
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
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest
from malformed_asks import Ask, Stock
from malformed_files import FILE_MAKERS
from malformed_inputs import ARRAY_MAKERS, CERTIFICATE_MAKERS, SPEC_MAKERS
from malformed_tables import TABLE_MAKERS
from malformed_usage import USAGE_MAKERS
from malformed_words import ACTS, ANNOTATION, WORD_MAKERS

import dagverify_pytest.plugin
import verify.campaign.figures  # loaded before the processes are forked
import verify.campaign.run as campaign
import verify.spec
from verify.analysis import check as analysis
from verify.certificates import checker  # noqa: F401 -- loaded before the processes are forked
from verify.cli.app import main as dagverify

SECONDS = 2
MEGABYTES = 200
EVERY = 200
"""After so many inputs of one process the table is written, so that a run that is stopped leaves one of what it did."""
HANGS = 10
"""Seconds of processor time after which an input is given up, and a tenth of the seconds of waiting."""
LOUD = {"os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "socket.connect", "pickle.find_class"}
VALID, RAN_CODE = 100, 101

Make = Callable[[random.Random, Stock, Path], Ask]


@dataclass(frozen=True)
class Answer:
    """How one input of a kind was answered; `fault` is None if the input is valid."""

    kind: str
    fault: str | None
    seconds: float
    megabytes: float
    line: str


def ask(kind: str, question: Ask, folder: Path, report: Any) -> Answer:
    """Give one input to the command in a process of its own."""
    before = listing(folder)
    child = os.fork()
    if child == 0:
        _child(question, folder, report)
    _, status, usage = os.wait4(child, 0)
    held = int((folder.parent / "held").read_text())
    seconds, megabytes = usage.ru_utime + usage.ru_stime, (usage.ru_maxrss * 1024 - held) / 1e6
    code = os.waitstatus_to_exitcode(status)
    stdout, stderr = ((folder.parent / name).read_text("utf-8", "replace") for name in ("stdout", "stderr"))
    costs = {"slow": seconds > SECONDS, "large": megabytes > MEGABYTES}
    if code == VALID:
        checks = {"not refused": not question.may_be_valid}
    elif question.pytest:
        checks = {**costs, **_pytest_checks(code, question, stdout, stderr)}
    else:
        checks = {**costs, **_checks(code, question, stdout, stderr)}
        checks["wrote"] = code == 2 and listing(folder) != before
        checks["not well-formed"] = code in (0, 1, 3) and not well_formed(question, folder, stdout)
    fault = ", ".join(name for name, failed in checks.items() if failed)
    valid = (code == VALID and not fault) or (question.pytest and code == 0)
    shown = f"rc={code} {' '.join(question.arguments)[:200]!r}: {stderr.strip()[-300:]!r} {stdout[:100]!r}"
    return Answer(kind, None if valid else fault, seconds, megabytes, shown)


def _checks(code: int, question: Ask, stdout: str, stderr: str) -> dict[str, bool]:
    mine = "\n".join(line for line in stdout.splitlines() if not ANNOTATION.match(line))
    annotated = "--github" in question.arguments
    heard = [mine if annotated else stdout, *(ANNOTATION.sub("", each) for each in (stdout, stderr))]
    checks = {
        "ran code": code == RAN_CODE,
        "killed": code < 0,
        f"exit code {code}": code not in question.codes and code != RAN_CODE and code >= 0,
        "traceback": "Traceback" in stderr or "internal error" in stderr,
        "acts": any(ACTS.search(text) for text in heard),
    }
    if code == 2:
        rest = stderr.replace(question.names, "") if question.names else stderr
        checks |= {
            "stdout": bool(mine.strip()),
            "not one line": not re.fullmatch(r"error: [^\n]+\n", stderr),
            "long": len(stderr) > 4000,
            "not located": question.names not in stderr or "=" not in rest,
            "no remedy": "; " not in stderr,
        }
    return checks


def _pytest_checks(code: int, question: Ask, stdout: str, stderr: str) -> dict[str, bool]:
    lines = [line for line in stderr.splitlines() if line]
    return {
        "killed": code < 0,
        f"exit code {code}": code not in (*question.codes, 0),
        "INTERNALERROR": "INTERNALERROR" in stdout + stderr,
        "not one line": code != 0 and (len(lines) != 1 or not lines[0].startswith("ERROR: ")),
        "not located": code != 0 and question.names not in stderr,
        "acts": bool(ACTS.search(stderr)),
    }


def well_formed(question: Ask, folder: Path, stdout: str) -> bool:
    """Whether JSON, JUnit and SARIF can be read and hold nothing that acts."""
    try:
        if "--json" in question.arguments:
            json.loads(stdout)
        for name, read in (("j.xml", ET.fromstring), ("s.json", json.loads)):
            file = folder / name
            if file.exists():
                text = file.read_text("utf-8")
                read(text)
                if re.search(r"[\x00-\x08\x1b\u202a-\u202e]", text):
                    return False
    except (ValueError, ET.ParseError):
        return False
    return True


def listing(folder: Path) -> dict[str, tuple[int, ...]]:
    """Everything in a folder, without opening anything."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_ino)
        if path.is_dir() and not path.is_symlink():
            found[str(path)] = (status.st_mode,)
    return found


def _child(question: Ask, folder: Path, report: Any) -> None:
    """Never returns; asks as a user would, and leaves where the input turns out to be valid."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    (folder.parent / "held").write_text(str(pages * resource.getpagesize()))
    os.chdir(folder)
    signal.alarm(10 * HANGS)  # of a machine that others use, too
    resource.setrlimit(resource.RLIMIT_CPU, (HANGS, HANGS))
    resource.setrlimit(resource.RLIMIT_AS, (8 * 10**9, 8 * 10**9))
    resource.setrlimit(resource.RLIMIT_FSIZE, (10**8, 10**8))
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder.parent / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    loud: list[str] = []
    sys.addaudithook(lambda event, _: loud.append(event) if event in LOUD else None)

    def valid(*_: Any, **__: Any) -> Any:
        os._exit(RAN_CODE if loud else VALID)

    code = 0
    try:
        if question.pytest:
            code = int(pytest.main(list(question.arguments)))
        else:
            _cut_short(question, report, valid)
            dagverify(list(question.arguments))
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    except BaseException as error:  # what a command lets through is a fault too
        print(f"Traceback: {type(error).__name__}", file=sys.stderr)
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    if question.arguments[0] == "recheck" and question.may_be_valid and code in (0, 3):
        code = VALID
    os._exit(RAN_CODE if loud else code)


def _cut_short(question: Ask, report: Any, valid: Callable[..., Any]) -> None:
    """Replace what would compute for long once the input is read."""
    campaign.run_trial = valid
    if question.whole:
        return
    analysis.check = lambda problem, *_, **__: (  # type: ignore[assignment]
        valid() if 2 in question.codes and question.may_be_valid else dataclasses.replace(report, name=problem.name)
    )
    if question.arguments[0] != "check":
        for name in ("load_specification", "load_problem"):
            load = getattr(verify.spec, name)
            setattr(verify.spec, name, lambda path, load=load: valid(load(path)))


def makers() -> tuple[dict[str, Make], list[float]]:
    """Every kind by name, and how often it is chosen."""
    found: dict[str, Make] = {}
    weights = []

    def add(name: str, make: Make, weight: float) -> None:
        found[name] = make
        weights.append(weight)

    for maker in (*SPEC_MAKERS, *ARRAY_MAKERS):
        weight = 0.05 if maker.__name__ == "npz_bomb" else 2.0
        add(maker.__name__, lambda rng, _, folder, m=maker: _spec(m(rng, folder), folder), weight)
    for maker in CERTIFICATE_MAKERS:
        name = maker.__name__
        add(name, lambda rng, stock, folder, m=maker: _certificate(m(rng, rng.choice(stock.certificates)), folder), 2.0)
    for make, weight in {**FILE_MAKERS, **TABLE_MAKERS, **WORD_MAKERS, **USAGE_MAKERS}.items():
        add(make.__name__, make, weight)
    return found, weights


def _spec(content: bytes, folder: Path) -> Ask:
    path = folder / "spec.toml"
    path.write_bytes(content)
    return Ask(("check", str(path)), str(path), may_be_valid=True)


def _certificate(content: bytes, folder: Path) -> Ask:
    path = folder / "certificate.json"
    path.write_bytes(content)
    return Ask(("recheck", str(path)), str(path), may_be_valid=True)


def share(
    inputs: int, seed: int, only: str, stock: Stock, keep: Callable[[list[Answer]], None] = lambda answers: None
) -> list[Answer]:
    """Ask one process's share of the inputs; what is known is given to `keep` now and then."""
    ways, weights = makers()
    weights = [weight if re.search(only, name) else 0.0 for name, weight in zip(ways, weights, strict=True)]
    rng = random.Random(seed)
    answers: list[Answer] = []
    counted = 0
    with tempfile.TemporaryDirectory() as work:
        gc.freeze()
        while counted < inputs:
            name = rng.choices(list(ways), weights)[0]
            folder = Path(work) / "inputs"
            folder.mkdir()
            answer = ask(name, ways[name](rng, stock, folder), folder, stock.report)
            shutil.rmtree(folder)
            answers.append(answer)
            counted += answer.fault is not None
            if answer.fault:
                print(f"{name}: {answer.fault}: {answer.line}", file=sys.stderr, flush=True)
            if len(answers) % EVERY == 0:
                keep(answers)
    return answers


def faults_of(answers: list[Answer]) -> int:
    """How many inputs were answered otherwise than asked."""
    return sum(bool(answer.fault) for answer in answers)


def table(answers: list[Answer], seconds: float, command: str) -> str:
    """Return the table in Markdown."""
    kinds: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        kinds[answer.kind].append(answer)
    lines = [f"# Malformed inputs\n\n    {command}\n"]
    lines.append(
        "Each input, read in a process of its own, has to be answered by one line that names the place, the value and "
        f"the remedy,\nwithin {SECONDS} s of processor time and {MEGABYTES} MB beside the interpreter and its "
        "libraries. Nothing may be written, run or\nunpickled, and no word may act on a terminal or a CI service. "
        "Where another answer is right (a spec whose name acts is\nstill proved), the kind says so "
        "(`malformed_*.py`). Inputs that are valid in spite of random damage are not counted.\n"
    )
    lines.append("| input | malformed | answered otherwise | most seconds | most memory (MB) | valid, not counted |")
    lines.append("|---|---:|---:|---:|---:|---:|")
    for name in (name for name in makers()[0] if name in kinds):
        counted = [answer for answer in kinds[name] if answer.fault is not None]
        longest, most = (max((getattr(a, what) for a in counted), default=0.0) for what in ("seconds", "megabytes"))
        valid = len(kinds[name]) - len(counted)
        lines.append(f"| {name} | {len(counted)} | {faults_of(counted)} | {longest:.2f} | {most:.0f} | {valid} |")
    total = sum(answer.fault is not None for answer in answers)
    lines.append(f"\n{total} malformed inputs, {faults_of(answers)} answered otherwise; {seconds:.0f} s")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description="Malformed inputs against the commands that read them.")
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--out", type=Path, help="where the table goes; default: stdout")
    parser.add_argument("--only", default="", help="regular expression of the kinds")
    options = parser.parse_args()
    started = time.perf_counter()
    command = f"python benchmarks/malformed.py --inputs {options.inputs} --workers {options.workers}"
    command += "".join(
        f" --{name} {value}" for name, value in (("seed", options.seed), ("only", options.only)) if value
    )

    def keep(answers: list[Answer]) -> None:
        text = table(answers, time.perf_counter() - started, command)
        if options.out is None:
            print(text, end="")
        else:
            options.out.write_text(text, encoding="utf-8")

    shares = [
        options.inputs // options.workers + (k < options.inputs % options.workers) for k in range(options.workers)
    ]
    seeds = [options.seed * 10**6 + k for k in range(options.workers)]
    with tempfile.TemporaryDirectory() as work:
        stock = Stock.of(Path(work) / "stock")
        if options.workers == 1:
            now_and_then = (lambda answers: None) if options.out is None else keep
            answers = share(options.inputs, seeds[0], options.only, stock, now_and_then)
        else:
            with ProcessPoolExecutor(options.workers, get_context("fork")) as pool:
                asked = [
                    pool.submit(share, inputs, seed, options.only, stock)
                    for inputs, seed in zip(shares, seeds, strict=True)
                ]
                answers = [answer for each in asked for answer in each.result()]
    keep(answers)
    return 1 if faults_of(answers) else 0


if __name__ == "__main__":
    assert dagverify_pytest.plugin  # loaded before the processes are forked
    sys.exit(main())
