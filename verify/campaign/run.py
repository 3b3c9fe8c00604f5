"""Run a campaign on all cores; its output is a file of JSON lines that an interrupted run continues."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from verify.campaign.attacks import CLIMBS
from verify.campaign.lines import line, own_lines
from verify.campaign.trial import Plan, run_trial
from verify.campaign.vocabulary import Drawn
from verify.files.growing import growing_file
from verify.files.kinds import CAMPAIGN
from verify.workers import Workers, results


def run_campaign(
    path: str | Path,
    *,
    networks: int,
    steps: int,
    heavy_ball_steps: int = 0,
    attacks: int = 0,
    segment_attacks: int = 0,
    vocabulary: Drawn = "all",
    seed: int = 0,
    method: str = "auto",
    workers: Workers | None = None,
    force: bool = False,
    progress: Callable[[dict[str, Any]], None] = lambda trial: None,
) -> list[dict[str, Any]]:
    """Run the trials that the file does not hold yet and return all of them in order.

    Parameters
    ----------
    path : path
        JSON lines: a header with the settings, then one trial a line, in the order of the networks. A line that a
        killed run left incomplete is dropped. One process at a time writes it.
    networks : int
    steps, heavy_ball_steps, attacks, segment_attacks : int
        In all networks together; each network takes the same number, rounded up, and at least two attacks on L.
    vocabulary : {"all", "classical", "graphs"}
        What the networks are drawn of; of all they take turns. Classical ones without attacks on segments are written
        as they were before there were others, and such files are gone on with.
    seed : int
    method : {"auto", "norms", "majorant"}
    workers : int or str, optional
        Processes, or the address of a Dask scheduler; default: a process for each core.
    force : bool
        Replace a regular file that is not this campaign's.
    progress : callable
        Called with every trial, also with those that the file held.

    Returns
    -------
    list of dict

    Raises
    ------
    InputError
        If the file is none of this campaign's, which has these settings, or cannot be written.
    """
    plan = Plan(
        steps=_each(steps, networks),
        heavy_ball_steps=_each(heavy_ball_steps, networks),
        attacks=max(CLIMBS, _each(attacks, networks)),
        method=method,
        segment_attacks=_each(segment_attacks, networks),
        vocabulary=vocabulary,
    )
    header = {"campaign": plan.format, "networks": networks, "seed": seed, "per_network": plan.to_json()}
    first = seed * 10**9
    trials: list[dict[str, Any]] = []

    def keep(content: bytes) -> int:
        length, trials[:] = own_lines(content, header, first, Path(path))
        return length

    with growing_file(Path(path), CAMPAIGN, keep, force=force) as file:
        if file.length == 0:
            file.append(line(header))
        for trial in trials:
            progress(trial)
        waiting = range(first + len(trials), first + networks)
        for trial in _trials(waiting, partial(_trial, plan=plan), workers):
            file.append(line(trial))
            trials.append(trial)
            progress(trial)
    return trials


def _each(total: int, networks: int) -> int:
    return -(-total // networks)


def _trial(seed: int, plan: Plan) -> dict[str, Any]:
    return run_trial(seed, plan).to_json()


def _trials(seeds: range, trial: Callable[[int], dict[str, Any]], workers: Workers | None) -> Iterator[dict[str, Any]]:
    count = workers or os.cpu_count() or 1
    if count == 1:
        yield from map(trial, seeds)
        return
    with results(trial, seeds, workers=count, chunksize=1) as found:
        yield from found
