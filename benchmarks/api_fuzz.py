"""Call every public function with legal arguments at the ends of what is legal.

    python benchmarks/api_fuzz.py --calls 50000 --out benchmarks/api_fuzz.md

Asked of every call: an answer or an error of the toolkit's own (`DagverifyError`), within a limit of processor time
(`SECONDS`, `LONG`), no NaN anywhere in the answer (but where the documentation announces it, `PLAIN`), no warning. What
the answer offers without arguments is read too. The constants of the activations are derived before (`warm`). Every
call has a number: ``--replay NUMBER`` makes it again, alone.
The exit code is 1 if any call was answered otherwise.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import multiprocessing
import os
import signal
import sys
import time
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from api_fuzz_calls import CALLS, SHARES, parts
from api_fuzz_draws import ACTIVATIONS, Draw

from verify import DagverifyError, activation
from verify.arithmetic.intervals import Interval

SECONDS = 5.0
LONG = {
    "certify": 30.0, "check": 30.0, "check_assumptions": 15.0, "check_certificate": 60.0, "converge": 30.0,
    "epoch_range": 60.0, "explain": 30.0, "hessian_bound": 15.0, "one_step_ranges": 15.0, "run_suite": 30.0,
    "report": 60.0,
}  # fmt: skip
"""Limits of processor time of one call; those named are made of many others."""
PLAIN = {"Problem.error", "Problem.error_and_gradient", "Problem.gradient", "Problem.hessian_vector"} | {
    "GraphProblem.error", "GraphProblem.error_and_gradient", "GraphProblem.gradient", "GraphProblem.hessian_vector",
    "Activation.value", "Activation.values", "Activation.one_sided", "Activation.arb"
}  # fmt: skip
"""Plain float64 without a statement on the error, and balls that may be the whole line: NaN where they overflow."""
DEEPEST = 6
EVERY = 500
"""After so many calls the table is written, so that a run that is stopped leaves one of what it did."""


class TimeLimit(BaseException):
    """The call took too long; not an Exception, so that nothing on the way catches it."""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one call was answered; `fault` is empty if it is as it should be."""

    name: str
    kind: str
    seconds: float
    fault: str = ""
    trace: str = ""


def call(number: int, seed: int = 0, name: str | None = None) -> Outcome:
    """Make one call; its number and the seed determine everything about it."""
    draw = Draw(seed, number)
    chosen = name or _chosen(draw)
    started = time.process_time()
    kind, fault, trace = "answer", "", ""
    limit = LONG.get(chosen, SECONDS)
    previous = signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            answer = CALLS[chosen](draw)
            if chosen not in PLAIN:
                fault = next(_nans(answer, "answer"), "")
    except DagverifyError as error:
        kind = type(error).__name__
        fault = "" if "\n" not in str(error) else "an error of several lines"
    except TimeLimit:
        kind, fault, trace = "late", f"longer than {limit:g} s", traceback.format_exc()
    except Exception as error:
        kind, fault, trace = "foreign", f"{type(error).__name__}: {error}", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        signal.signal(signal.SIGPROF, previous)
    return Outcome(chosen, kind, time.process_time() - started, " ".join(fault.split())[:300], trace)


def _too_long(*_: Any) -> None:
    raise TimeLimit


def _chosen(draw: Draw) -> str:
    names = sorted(CALLS)
    shares = np.array([SHARES.get(name, 1.0) for name in names])
    return names[int(draw.rng.choice(len(names), p=shares / shares.sum()))]


def _nans(value: Any, where: str, depth: int = 0) -> Iterator[str]:
    """Yield where a NaN is in an answer, properties and methods without arguments read."""
    if depth > DEEPEST:
        return
    if isinstance(value, float | np.floating):
        if np.isnan(value):
            yield f"NaN: {where}"
    elif isinstance(value, np.ndarray):
        if value.dtype.kind == "f" and np.any(np.isnan(value)):
            yield f"NaN: {where}"
    elif isinstance(value, Interval):
        yield from _nans(value.mid, f"{where}.mid", depth + 1)
        yield from _nans(value.rad, f"{where}.rad", depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _nans(item, f"{where}[{key!r}]", depth + 1)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _nans(item, f"{where}[{index}]", depth + 1)
    elif dataclasses.is_dataclass(value) or type(value).__module__.startswith("verify"):
        for field in dataclasses.fields(value) if dataclasses.is_dataclass(value) else ():
            yield from _nans(getattr(value, field.name), f"{where}.{field.name}", depth + 1)
        if depth == 0:
            for name, read in parts(value).items():
                yield from _nans(read(), f"{where}.{name}", depth + 1)


def warm() -> None:
    """Derive the constants of every activation, which is done once in a process: no call is charged for them."""
    for spec in ACTIVATIONS:
        for order in range(5):
            activation(spec).range(order, [0.0], [1.0])


def run(numbers: range, seed: int, only: str | None = None, workers: int = 1) -> Iterator[Outcome]:
    """Make the calls, and print to stderr what is answered otherwise, with the command that makes it again."""
    make = functools.partial(call, seed=seed, name=only)
    if workers == 1:
        yield from _watched(map(make, numbers), numbers, seed, only)
        return
    with multiprocessing.Pool(workers) as pool:
        yield from _watched(pool.imap(make, numbers, chunksize=20), numbers, seed, only)


def _watched(found: Iterable[Outcome], numbers: range, seed: int, only: str | None) -> Iterator[Outcome]:
    for number, outcome in zip(numbers, found, strict=True):
        if outcome.fault:
            again = f"--seed {seed} --replay {number}" + (f" --only {only}" if only else "")
            print(f"{again}: {outcome.name}: {outcome.fault}", file=sys.stderr, flush=True)
        elif sys.stderr.isatty() and number % 100 == 0:
            print(f"\r{number - numbers.start} of {len(numbers)}", end="", file=sys.stderr)
        yield outcome


def table(outcomes: list[Outcome], command: str) -> str:
    """Return the table in Markdown."""
    rows: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        rows[outcome.name].append(outcome)
    lines = [
        "# Calls of the Python API with legal extremes",
        "",
        f"    {command}",
        "",
        f"Limits of processor time: {SECONDS:g} s a call; "
        + ", ".join(f"{name} {limit:g} s" for name, limit in LONG.items()) + ".",
        "",
        "| name | calls | answers | errors of ours | answered otherwise | longest (s) | mean (s) |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for name in sorted(rows):
        each = rows[name]
        kinds = Counter(outcome.kind for outcome in each)
        wrong = sum(1 for outcome in each if outcome.fault)
        seconds = [outcome.seconds for outcome in each]
        errors = len(each) - kinds["answer"] - kinds["late"] - kinds["foreign"]
        lines.append(
            f"| {name} | {len(each)} | {kinds['answer']} | {errors} | {wrong} | {max(seconds):.2f} "
            f"| {sum(seconds) / len(each):.4f} |"
        )
    wrong = sum(1 for outcome in outcomes if outcome.fault)
    total = sum(outcome.seconds for outcome in outcomes)
    lines += ["", f"{len(outcomes)} calls of {len(rows)} names, {wrong} answered otherwise, {total:.0f} s.", ""]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="Calls of the Python API with legal extremes.")
    parser.add_argument("--calls", type=int, default=50000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first call")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--only", choices=sorted(CALLS), help="make all calls of this name")
    parser.add_argument("--replay", type=int, metavar="NUMBER", help="make one call again and show where it fails")
    parser.add_argument("--out", type=Path, help="where the table goes; default: stdout")
    options = parser.parse_args()
    if options.replay is not None:
        outcome = call(options.replay, options.seed, options.only)
        print(outcome.trace or outcome)
        return 1 if outcome.fault else 0
    warm()
    numbers = range(options.first, options.first + options.calls)
    command = f"python benchmarks/api_fuzz.py --calls {options.calls} --seed {options.seed}"
    command += f" --first {options.first}" if options.first else ""
    command += f" --only {options.only}" if options.only else ""
    command += f" --workers {options.workers}" if options.workers > 1 else ""
    outcomes = []
    for outcome in run(numbers, options.seed, options.only, options.workers):
        outcomes.append(outcome)
        if options.out is not None and len(outcomes) % EVERY == 0:
            options.out.write_text(table(outcomes, command))
    text = table(outcomes, command)
    if options.out is None:
        print(text)
    else:
        options.out.write_text(text)
    return 1 if any(outcome.fault for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
