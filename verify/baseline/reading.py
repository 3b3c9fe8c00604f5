"""The JSON of an earlier check, read strictly."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from verify.files.kinds import BASELINE
from verify.files.reading import read_text
from verify.outcomes import InputError
from verify.whole_numbers import whole_number

_REMEDY = "write it with: dagverify check SPEC --json > last.json"


def read_baseline(path: Path) -> dict[str, Any]:
    """Return the answer that ``dagverify check --json`` wrote.

    Raises
    ------
    InputError
        If the file is missing or no such answer; a repeated key, NaN or an infinity is an error.
    """
    text = read_text(path, BASELINE)

    def number(literal: str) -> float:
        value = float(literal)
        if not math.isfinite(value):
            raise InputError("not a finite number", where=str(path), value=literal, remedy=_REMEDY)
        return value

    def whole(literal: str) -> int:
        try:
            return whole_number(literal)
        except InputError as error:
            raise InputError(error.what, where=str(path), remedy=_REMEDY, **error.values) from None

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            keys = [key for key, _ in pairs]
            repeated = next(key for key in keys if keys.count(key) > 1)
            raise InputError("repeated key", where=str(path), key=repeated, remedy=_REMEDY)
        return table

    try:
        answer = json.loads(text, parse_float=number, parse_constant=number, parse_int=whole, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise InputError("not valid JSON", where=f"{path}:{error.lineno}", reason=error.msg, remedy=_REMEDY) from None
    except RecursionError:
        raise InputError("not valid JSON: nested too deeply", where=str(path), depth=">100", remedy=_REMEDY) from None
    _check(answer, path)
    return answer


def _check(answer: Any, path: Path) -> None:
    """Refuse an answer without what the comparison reads."""
    table = answer if isinstance(answer, dict) else {}
    lipschitz, ranges = table.get("lipschitz"), table.get("ranges")
    problems = {
        "name": isinstance(table.get("name"), str),
        "lipschitz": isinstance(lipschitz, dict)
        and _is_size(lipschitz.get("value", ""))
        and isinstance(lipschitz.get("region"), str),
        "lipschitz.contributions": isinstance(lipschitz, dict)
        and isinstance(lipschitz.get("contributions"), dict)
        and all(_is_size(share) and share is not None for share in lipschitz["contributions"].values()),
        "ranges": isinstance(ranges, list) and all(_is_row(row) for row in ranges),
    }
    for key, fine in problems.items():
        if not fine:
            raise InputError("no answer of a check", where=str(path), key=key, remedy=_REMEDY)


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and isinstance(row.get("theorem"), str)
        and all(_is_size(row.get(key)) for key in ("eta", "eta_max", "tau_max", "mu_max"))
    )


def _is_size(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0)
