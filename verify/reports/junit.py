"""JUnit XML: one test case for each question."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence

from verify.escaping import WHOLE, shorten, xml
from verify.files.kinds import JUNIT_MARK
from verify.reports.rows import Row


def junit_xml(name: str, spec: str, rows: Sequence[Row], seconds: float, error: str | None = None) -> str:
    """Return the report of one spec file.

    Parameters
    ----------
    name : str
        Of the problem.
    spec : str
        Path of the spec file as it is to be shown.
    rows : sequence of Row
        A counted row that is not proved is a failure, one that is not counted is skipped.
    seconds : float
        How long the check took.
    error : str, optional
        Why there is no answer: an error of its own test case.

    Returns
    -------
    str
        XML with its declaration.
    """
    open_rows = [row for row in rows if not row.counted and row.verdict.value != "PROVED"]
    counts = {
        "tests": len(rows) + (error is not None),
        "failures": sum(row.fails for row in rows),
        "errors": int(error is not None),
        "skipped": len(open_rows),
    }
    attributes = {"name": xml(name), **{key: str(count) for key, count in counts.items()}, "time": f"{seconds:.3f}"}
    root = ET.Element("testsuites", {key: value for key, value in attributes.items() if key != "skipped"})
    suite = ET.SubElement(root, "testsuite", attributes)
    for row in rows:
        case = ET.SubElement(suite, "testcase", {"classname": xml(spec), "name": row.id, "file": xml(spec)})
        case.set("line", str(row.places[0].line))
        if row.fails:
            failure = ET.SubElement(case, "failure", {"type": row.verdict.value, "message": xml(row.statement)})
            failure.text = xml("\n".join(_details(row, spec)), WHOLE)
        elif row in open_rows:
            ET.SubElement(case, "skipped", {"message": xml(f"{row.verdict.value}, not counted: {row.reason}")})
    if error is not None:
        case = ET.SubElement(suite, "testcase", {"classname": xml(spec), "name": "input", "file": xml(spec)})
        ET.SubElement(case, "error", {"type": "InputError", "message": xml(error)})
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{JUNIT_MARK}\n' + ET.tostring(root, encoding="unicode") + "\n"


def _details(row: Row, spec: str) -> list[str]:
    lines = [f"{shorten(spec)}:{place.line}: {row.verdict.value}: {shorten(place.text)}" for place in row.places]
    lines += [f"remedy: {shorten(row.remedy)}"] if row.remedy else []
    lines += [f"counterexample: {json.dumps(dict(row.counterexample))}"] if row.counterexample else []
    return lines
