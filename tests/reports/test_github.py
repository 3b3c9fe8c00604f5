"""GitHub: escaped commands, never more than the service shows, the whole answer in the summary."""

from __future__ import annotations

import json

from verify.outcomes import Verdict
from verify.reports.github import LIMIT, summary, workflow_commands
from verify.reports.rows import FilePlace, Row


def _row(places, verdict=Verdict.REFUTED, **others):
    return Row(
        "A1", verdict, True, "s", tuple(FilePlace(index + 1, f"vertex {index}") for index in range(places)), **others
    )


def test_no_more_than_the_service_shows():
    rows = [_row(LIMIT + 5), _row(LIMIT, Verdict.UNDECIDED)]
    commands = workflow_commands("net.toml", rows)
    errors = [command for command in commands if command.startswith("::error ")]
    warnings = [command for command in commands if command.startswith("::warning ")]
    assert len(errors) == LIMIT and errors[-1].endswith("::6 more like these are in the step's summary")
    assert len(warnings) == LIMIT and "more like these" not in warnings[-1]
    assert all(f"vertex {index} " in summary("n", "net.toml", "REFUTED", rows) for index in range(LIMIT + 5))


def test_text_cannot_start_a_command_of_its_own():
    row = Row("A1", Verdict.REFUTED, True, "s", (FilePlace(3, "100%\n::stop-commands::x\r"),))
    assert workflow_commands("a,b:c.toml", [row]) == [
        "::error file=a%2Cb%3Ac.toml,line=3,title=A1 REFUTED::100%25%0A::stop-commands::x%0D"
    ]


def test_the_summary_shows_markdown_and_html_as_text():
    row = Row("A1", Verdict.REFUTED, True, "<script>|`x`", (FilePlace(1, "<script>|`x`"),), remedy="![](http)")
    text = summary("<img>", "net.toml", "REFUTED", [row])
    assert not any(word in text for word in ("<script>", "<img>", "`", "![]"))
    assert text.splitlines()[6].count("|") == 5


def test_what_is_proved_or_not_counted_gives_no_annotation():
    rows = [Row("A1", Verdict.PROVED, True, "s"), Row("A3", Verdict.REFUTED, False, "s")]
    assert workflow_commands("net.toml", rows) == []


def test_from_the_command_line(folder, write_spec, check, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(folder / "summary.md"))
    spec = write_spec(('"tanh"', '"relu"'))
    result = check(spec, "--github")
    assert "::error file=spec.toml,line=13,title=A1 REFUTED::vertex h: g' jumps at z = 0 (relu)" in result.stdout
    assert (folder / "summary.md").read_text(encoding="utf-8").count("### dagverify check spec.toml: REFUTED") == 1
    result = check(spec, "--github", "--json")
    assert json.loads(result.stdout)["verdict"] == "REFUTED" and "::error " in result.stderr
    assert (folder / "summary.md").read_text(encoding="utf-8").count("### dagverify check") == 2


def test_bad_input_is_annotated(write_spec, check):
    result = check(write_spec(("width = 1", "width = 0")), "--github")
    assert result.exit_code == 2 and result.stdout.startswith("::error file=spec.toml,line=17,title=input::")
