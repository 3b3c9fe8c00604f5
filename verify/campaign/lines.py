"""The lines of a campaign's file: a header with its settings, then one trial a line.

Lines of format 2 hold classical networks without attacks on segments; a campaign of these alone still writes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from verify.campaign.segments import Segments
from verify.campaign.trial import Steps, Trial
from verify.campaign.vocabulary import KINDS
from verify.outcomes import InputError

_REMEDY = "give another file, or add --force to replace it"
_SHOWN = 40
"""Bytes of what stands there instead."""
_COUNTS: Mapping[str, tuple[type, ...]] = dict.fromkeys(asdict(Steps()), (int,))
_FIELDS: Mapping[str, tuple[type, ...]] = {
    **{field.name: (type(getattr(Trial(0), field.name)),) for field in fields(Trial)},
    **dict.fromkeys(("lipschitz", "attack", "eta"), (float, int)),
    "failing_eta": (float, int, type(None)),
    "adaptive": (dict,),
    "heavy_ball": (dict,),
    "kind": (str,),
    "segments": (dict,),
}
_FORMAT_2: Mapping[str, tuple[type, ...]] = {n: _FIELDS[n] for n in _FIELDS if n not in ("kind", "segments")}
_SEGMENT_COUNTS: Mapping[str, tuple[type, ...]] = dict.fromkeys(asdict(Segments()), (int,))


def line(content: Mapping[str, Any]) -> bytes:
    """Return a header or a trial as a line."""
    return (json.dumps(content, allow_nan=False) + "\n").encode("utf-8")


def own_lines(content: bytes, header: Mapping[str, Any], first: int, path: Path) -> tuple[int, list[dict[str, Any]]]:
    """Return how many bytes of a file are whole lines of this campaign, and its trials.

    Parameters
    ----------
    content : bytes
        Of the file; what follows its last line was left by a killed run.
    header : mapping
        Settings of the campaign.
    first : int
        Seed of the first trial.
    path : Path
        For errors.

    Raises
    ------
    InputError
        If the file holds anything else.
    """
    length = content.rfind(b"\n") + 1
    if length == 0:
        if line(header).startswith(content):
            return 0, []
        raise InputError("no campaign", where=str(path), begins=content[:_SHOWN], remedy=_REMEDY)
    lines = content[:length].splitlines()
    found, *trials = (_parsed(text, path, number) for number, text in enumerate(lines, 1))
    if not isinstance(found, dict) or "campaign" not in found:
        raise InputError("no campaign", where=str(path), begins=content[:_SHOWN], remedy=_REMEDY)
    if found != header:
        raise InputError("file of another campaign", where=str(path), remedy=_REMEDY, found=found)
    for index, trial in enumerate(trials):
        if index >= header["networks"] or not _is_trial(trial, first + index, header["campaign"]):
            raise InputError(
                "not a trial of this campaign",
                where=f"{path}:{index + 2}",
                line=lines[index + 1][:_SHOWN],
                remedy=_REMEDY,
            )
    return length, trials


def _parsed(text: bytes, path: Path, number: int) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        what = "no campaign" if number == 1 else "not a trial of this campaign"
        raise InputError(what, where=f"{path}:{number}", line=text[:_SHOWN], remedy=_REMEDY) from None


def _is_trial(trial: Any, seed: int, form: int) -> bool:
    if not (_has(trial, _FORMAT_2 if form == 2 else _FIELDS) and trial["seed"] == seed):
        return False
    if form > 2 and not (trial["kind"] in KINDS and _has(trial["segments"], _SEGMENT_COUNTS)):
        return False
    return all(_has(trial[name], _COUNTS) for name in ("adaptive", "heavy_ball"))


def _has(table: Any, types: Mapping[str, tuple[type, ...]]) -> bool:
    """Whether a table has these keys and no others, with values of these types."""
    return (
        isinstance(table, dict)
        and set(table) == set(types)
        and all(type(table[name]) in allowed for name, allowed in types.items())
    )
