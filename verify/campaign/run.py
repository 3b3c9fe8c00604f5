"""Run a campaign on all cores; its output is a file of JSON lines that an interrupted run continues."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from verify.campaign.attacks import CLIMBS
from verify.campaign.trial import Plan, run_trial
from verify.outcomes import InputError
from verify.workers import results

FORMAT = 2


def run_campaign(
    path: str | Path,
    *,
    networks: int,
    steps: int,
    heavy_ball_steps: int = 0,
    attacks: int = 0,
    seed: int = 0,
    method: str = "auto",
    workers: int | None = None,
    progress: Callable[[dict[str, Any]], None] = lambda trial: None,
) -> list[dict[str, Any]]:
    """Run the trials that the file does not hold yet and return all of them in order.

    Parameters
    ----------
    path : path
        JSON lines: a header with the settings, then one trial a line, in the order of the networks. A line that a
        killed run left incomplete is dropped.
    networks : int
    steps, heavy_ball_steps, attacks : int
        In all networks together; each network takes the same number, rounded up, and at least two attacks.
    seed : int
    method : {"auto", "norms", "majorant"}
    workers : int, optional
        Processes; default: one for each core.
    progress : callable
        Called with every trial, also with those that the file held.

    Returns
    -------
    list of dict

    Raises
    ------
    InputError
        If the file belongs to a campaign of other settings or cannot be written.
    """
    plan = Plan(
        steps=_each(steps, networks),
        heavy_ball_steps=_each(heavy_ball_steps, networks),
        attacks=max(CLIMBS, _each(attacks, networks)),
        method=method,
    )
    header = {"campaign": FORMAT, "networks": networks, "seed": seed, "per_network": asdict(plan)}
    file = Path(path)
    trials = _kept(file, header)
    for trial in trials:
        progress(trial)
    first = seed * 10**9
    waiting = range(first + len(trials), first + networks)
    try:
        with file.open("a", encoding="utf-8") as stream:
            if stream.tell() == 0:
                stream.write(json.dumps(header) + "\n")
            for trial in _trials(waiting, partial(_trial, plan=plan), workers):
                stream.write(json.dumps(trial, allow_nan=False) + "\n")
                stream.flush()
                trials.append(trial)
                progress(trial)
            os.fsync(stream.fileno())
    except OSError as error:
        raise InputError("cannot write the campaign", where=str(file), reason=error.strerror) from None
    return trials


def _each(total: int, networks: int) -> int:
    return -(-total // networks)


def _kept(file: Path, header: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the complete trials of a file and cut off what a killed run left incomplete."""
    if not file.exists():
        return []
    content = file.read_bytes()
    complete = content[: content.rfind(b"\n") + 1]
    if len(complete) < len(content):
        with file.open("r+b") as stream:
            stream.truncate(len(complete))
    if not complete:
        return []
    try:
        found, *trials = [json.loads(line) for line in complete.splitlines()]
    except ValueError:
        raise InputError("no campaign", where=str(file), remedy="give another file") from None
    if found != header:
        raise InputError("file of another campaign", where=str(file), remedy="give another file", found=found)
    return trials


def _trial(seed: int, plan: Plan) -> dict[str, Any]:
    return run_trial(seed, plan).to_json()


def _trials(seeds: range, trial: Callable[[int], dict[str, Any]], workers: int | None) -> Iterator[dict[str, Any]]:
    count = workers or os.cpu_count() or 1
    if count == 1:
        yield from map(trial, seeds)
        return
    with results(trial, seeds, workers=count, chunksize=4) as found:
        yield from found
