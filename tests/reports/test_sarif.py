"""SARIF: well-formed, stable rule ids, lines of the spec file; the checker of the form can fail.

The checker is written from the standard's text (SARIF 2.1.0, sections 3.13 to 3.30): required properties, kinds and
ranges of values; objects may hold no property that is not listed.
"""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from verify.reports.sarif import RULES

LEVELS = ("none", "note", "warning", "error")

# object: (required properties, other properties that are used, each with the object or type of its value)
OBJECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "log": ({"version": "2.1.0", "runs": ["run"]}, {"$schema": str}),
    "run": ({"tool": "tool"}, {"results": ["result"], "invocations": ["invocation"], "columnKind": str}),
    "tool": ({"driver": "component"}, {}),
    "component": ({"name": str}, {"version": str, "semanticVersion": str, "rules": ["rule"]}),
    "rule": ({"id": str}, {"name": str, "shortDescription": "message", "defaultConfiguration": "configuration"}),
    "configuration": ({}, {"level": LEVELS}),
    "invocation": ({"executionSuccessful": bool}, {}),
    "result": (
        {"message": "message"},
        {"ruleId": str, "ruleIndex": int, "level": LEVELS, "locations": ["location"], "partialFingerprints": dict},
    ),
    "message": ({"text": str}, {}),
    "location": ({}, {"physicalLocation": "place"}),
    "place": ({}, {"artifactLocation": "artifact", "region": "region"}),
    "artifact": ({}, {"uri": str}),
    "region": ({}, {"startLine": int}),
}


def flaws(value: Any, kind: Any = "log", where: str = "log") -> list[str]:
    """Return what is wrong with a SARIF log, each with its place."""
    if isinstance(kind, list):
        if not isinstance(value, list):
            return [f"{where}: not an array"]
        return [flaw for index, item in enumerate(value) for flaw in flaws(item, kind[0], f"{where}[{index}]")]
    if isinstance(kind, tuple):
        return [] if value in kind else [f"{where}: {value!r} is none of {kind}"]
    if isinstance(kind, type):
        wrong = not isinstance(value, kind) or (kind is int and (isinstance(value, bool) or value < 0))
        wrong = wrong or (where.endswith(".startLine") and value < 1)
        return [f"{where}: {value!r}"] if wrong else []
    if kind not in OBJECTS:
        return [] if value == kind else [f"{where}: {value!r} is not {kind!r}"]
    if not isinstance(value, dict):
        return [f"{where}: not an object"]
    required, other = OBJECTS[kind]
    found = [f"{where}: {key} is missing" for key in required if key not in value]
    known = {**required, **other}
    for key, item in value.items():
        found += flaws(item, known[key], f"{where}.{key}") if key in known else [f"{where}: unknown {key}"]
    return found


STABLE = {f"dagverify/{name}" for name in ("A1", "A2", "A3", "A4", "gradients", "range", "baseline", "input")}


def _log(folder):
    return json.loads((folder / "out.sarif").read_text(encoding="utf-8"))


def _lines(log):
    return {
        (result["ruleId"], result["level"], result["locations"][0]["physicalLocation"]["region"]["startLine"])
        for result in log["runs"][0]["results"]
    }


def test_rule_ids_never_change():
    assert set(RULES) == STABLE


def test_a_proved_spec_has_no_results(folder, write_spec, check):
    assert check(write_spec(), "--sarif", "out.sarif").exit_code == 0
    log = _log(folder)
    assert flaws(log) == [] and log["runs"][0]["results"] == []
    assert {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]} == STABLE


def test_a_kink_stands_at_its_line_in_every_vertex(folder, write_spec, check):
    spec = write_spec(('"tanh"', '"relu"'), ('"tanh"', '"relu"'))
    assert check(spec, "--sarif", "out.sarif").exit_code == 1
    log = _log(folder)
    assert flaws(log) == []
    lines = spec.read_text(encoding="utf-8").splitlines()
    relu = [index + 1 for index, line in enumerate(lines) if "relu" in line]
    region = lines.index("[region]") + 1
    assert _lines(log) == {
        *(("dagverify/A1", "error", line) for line in relu),
        ("dagverify/A4", "warning", region),
        ("dagverify/range", "warning", region + 2),
    }
    prints = [result["partialFingerprints"]["dagverify/v1"] for result in log["runs"][0]["results"]]
    assert len(set(prints)) == len(prints)


def test_a_fingerprint_survives_a_moved_line(folder, write_spec, check):
    prints = []
    for replacement in ((), (('name = "small"', '# a remark\nname = "small"'),)):
        check(write_spec(('"tanh"', '"relu"'), *replacement), "--sarif", "out.sarif")
        prints.append([result["partialFingerprints"] for result in _log(folder)["runs"][0]["results"]])
    assert prints[0] == prints[1] and prints[0]


def test_bad_input_is_a_result_too(folder, write_spec, check):
    result = check(write_spec(('inputs = ["x"]', 'inputs = ["q"]')), "--sarif", "out.sarif")
    assert result.exit_code == 2
    log = _log(folder)
    assert flaws(log) == [] and log["runs"][0]["invocations"] == [{"executionSuccessful": False}]
    assert _lines(log) == {("dagverify/input", "error", 14)}


def test_paths_are_uris_from_the_checkout(folder, write_spec, check, monkeypatch):
    (folder / "my models").mkdir()
    write_spec(('"tanh"', '"relu"'), name="my models/spec.toml")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(folder))
    monkeypatch.chdir(folder / "my models")
    check("spec.toml", "--sarif", "../out.sarif")
    place = _log(folder)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "my%20models/spec.toml"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["version"], "2.0.0"),
        (["runs"], {}),
        (["runs", 0, "tool", "driver", "name"], None),
        (["runs", 0, "results", 0, "level"], "fatal"),
        (["runs", 0, "results", 0, "locations", 0, "physicalLocation", "region", "startLine"], 0),
        (["runs", 0, "results", 0, "colour"], "red"),
        (["runs", 0, "invocations", 0, "executionSuccessful"], "yes"),
    ],
)
def test_the_checker_of_the_form_can_fail(folder, write_spec, check, path, value):
    check(write_spec(('"tanh"', '"relu"')), "--sarif", "out.sarif")
    damaged = copy.deepcopy(_log(folder))
    target = damaged
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    assert len(flaws(damaged)) == 1


def test_a_model_of_the_standard_reads_it(folder, write_spec, check):
    sarif = pytest.importorskip("sarif_pydantic")
    check(write_spec(('"tanh"', '"relu"')), "--sarif", "out.sarif")
    assert len(sarif.Sarif.model_validate(_log(folder)).runs[0].results) == 3
