"""JUnit: one case a question, failures with their details, whatever characters the spec holds."""

from __future__ import annotations

import xml.etree.ElementTree as ET


def _cases(folder):
    suite = ET.parse(folder / "out.xml").getroot().find("testsuite")
    return suite, {case.get("name"): case for case in suite.iter("testcase")}


def test_proved(folder, write_spec, check):
    assert check(write_spec(("radius = 0.1", "radius = 2.0")), "--junit", "out.xml").exit_code == 0
    suite, cases = _cases(folder)
    assert list(cases) == ["gradients", "A1", "A2", "A3", "A4", "range"]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("6", "0", "0")
    skipped = {name for name, case in cases.items() if case.find("skipped") is not None}
    assert suite.get("skipped") == str(len(skipped)) and "A3" in skipped
    assert "not counted" in cases["A3"].find("skipped").get("message")


def test_refuted_and_undecided(folder, write_spec, check):
    check(write_spec(('"tanh"', '"relu"')), "--junit", "out.xml", "--json")
    suite, cases = _cases(folder)
    kinds = {name: case.find("failure").get("type") for name, case in cases.items() if case.find("failure") is not None}
    assert kinds == {"A1": "REFUTED", "A4": "UNDECIDED", "range": "UNDECIDED"}
    assert suite.get("failures") == "3"
    assert "spec.toml:13: REFUTED" in cases["A1"].find("failure").text and cases["A1"].get("line") == "13"
    assert "counterexample: {" in cases["A1"].find("failure").text


def test_bad_input_is_an_error_case(folder, write_spec, check):
    check(write_spec(("width = 1", "width = 0")), "--junit", "out.xml")
    suite, cases = _cases(folder)
    assert suite.get("errors") == "1" and "width" in cases["input"].find("error").get("message")


def test_hostile_names_are_escaped(folder, write_spec, check):
    check(write_spec(('name = "small"', 'name = "<a&\\u0001>\\"]]>"')), "--junit", "out.xml")
    suite, _ = _cases(folder)
    assert suite.get("name").startswith('<a&\ufffd>"]]>: ')


def test_a_report_into_nowhere_is_one_line(write_spec, check):
    result = check(write_spec(), "--junit", "none/out.xml")
    assert result.exit_code == 2 and result.stderr.count("\n") == 1 and "no such folder" in result.stderr


def test_an_old_report_stays_until_the_new_one_is_complete(folder, write_spec, check):
    (folder / "out.xml").write_text("old", encoding="utf-8")
    assert check(write_spec(), "--junit", "out.xml").exit_code == 2
    assert (folder / "out.xml").read_text(encoding="utf-8") == "old"
    check(write_spec(), "--junit", "out.xml", "--force")
    check(write_spec(), "--junit", "out.xml")
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    _cases(folder)
