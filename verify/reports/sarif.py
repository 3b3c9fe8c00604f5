"""SARIF 2.1.0: every counted question that is not proved, at the lines of the spec file it is about."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from verify import __version__
from verify.escaping import sarif
from verify.outcomes import Verdict
from verify.reports.rows import QUESTIONS, FilePlace, Row

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
RULES = {
    **{f"dagverify/{name}": question for name, question in QUESTIONS.items()},
    "dagverify/baseline": "the curvature and the admissible ranges are no worse than before",
    "dagverify/input": "the spec file can be read",
}
"""Stable rule identifiers and what each demands."""

_INPUT = "dagverify/input"


def sarif_log(spec: PurePath, rows: Sequence[Row], error: FilePlace | None = None) -> dict[str, Any]:
    """Return the log of one spec file as plain data.

    Parameters
    ----------
    spec : PurePath
        The spec file, relative to the repository's root if it is to be shown there.
    rows : sequence of Row
        REFUTED becomes an error, UNDECIDED a warning; what is proved or not counted gives no result.
    error : FilePlace, optional
        Why there is no answer.
    """
    results = [_result(spec, row, place) for row in rows if row.fails for place in row.places]
    if error is not None:
        results.append(_entry(_INPUT, "error", error.text, spec, error))
    rules = [
        {
            "id": rule,
            "name": rule.rpartition("/")[2],
            "shortDescription": {"text": text},
            "defaultConfiguration": {"level": "error"},
        }
        for rule, text in RULES.items()
    ]
    driver = {"name": "dagverify", "version": __version__, "semanticVersion": __version__, "rules": rules}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": error is None}],
        "columnKind": "utf16CodeUnits",
        "results": results,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def sarif_text(spec: PurePath, rows: Sequence[Row], error: FilePlace | None = None) -> str:
    """Return the log as text; see `sarif_log`."""
    return json.dumps(sarif_log(spec, rows, error), indent=2, allow_nan=False) + "\n"


def _result(spec: PurePath, row: Row, place: FilePlace) -> dict[str, Any]:
    level = "error" if row.verdict is Verdict.REFUTED else "warning"
    text = f"{row.verdict.value}: {place.text}" + (f"; {row.remedy}" if row.remedy else "")
    return _entry(f"dagverify/{row.id}", level, text, spec, place)


def _entry(rule: str, level: str, text: str, spec: PurePath, place: FilePlace) -> dict[str, Any]:
    uri = quote(os.fsencode(spec.as_posix()))
    location: dict[str, Any] = {"artifactLocation": {"uri": uri}, "region": {"startLine": place.line}}
    if spec.is_absolute():
        location["artifactLocation"]["uri"] = f"file://{uri}"
    key = f"{rule} {spec.as_posix()} {place.key}"
    fingerprint = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return {
        "ruleId": rule,
        "ruleIndex": list(RULES).index(rule),
        "level": level,
        "message": {"text": sarif(text)},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"dagverify/v1": fingerprint},
    }
