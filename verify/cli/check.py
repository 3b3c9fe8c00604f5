"""``dagverify check``: the whole answer in one table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verify.cli.output import (
    advice,
    json_option,
    named_files,
    plain,
    print_json,
    progress,
    spec_argument,
    time_limit_option,
)
from verify.cli.reporting import Reports, report_options
from verify.files.writing import Outputs
from verify.outcomes import InputError, Verdict

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting
    from verify.baseline.comparison import Comparison
    from verify.spec.question import Question


@click.command("check")
@spec_argument
@click.option("--baseline", type=click.Path(path_type=Path), help="The --json answer of an earlier check.")
@click.option("--baseline-factor", type=float, default=1.1, show_default=True, help="By which L may grow since then.")
@report_options
@time_limit_option
@json_option
def command(
    spec: Path,
    baseline: Path | None,
    baseline_factor: float,
    junit: Path | None,
    sarif: Path | None,
    force: bool,
    github: bool,
    time_limit: float,
    as_json: bool,
) -> int:
    """Check assumptions A1-A4 and the gradients of SPEC, bound the Hessian, and say which settings are admissible.

    The question, in the headline, is whether every step that stays in the region decreases the error; where theorems
    horizon or weight_decay prove it, for so many steps or for ever. For the classical heavy ball (mu) it is about the
    energy V = E + mu/(2 eta) |D|^2. Exit code 0: proved; 1: refuted; 3: undecided.
    What takes longer than its share of --time-limit, or too much memory, is undecided and says what was too large.
    With --baseline it is refuted too if L grew or a range shrank by more than the factor.

    \b
    Examples:
      dagverify check examples/digits_autoencoder.toml
      dagverify check examples/xor_skip.toml --json > last.json
      dagverify check examples/xor_skip.toml --baseline last.json --sarif dagverify.sarif
    """
    outputs = Outputs([spec, baseline], force)
    reports = Reports(spec, outputs, junit, sarif, github, to_stderr=as_json)
    try:
        specification, answer, comparison = _checked(spec, baseline, baseline_factor, outputs, time_limit)
    except InputError as error:
        outputs.protect(named_files(spec))
        reports.write_error(error)
        raise
    verdict = Verdict(answer["verdict"])
    if junit is not None or sarif is not None or github:
        reports.write(f"{answer['name']}: {answer['question']}", verdict, _rows(specification, answer, comparison))
    if as_json:
        print_json(answer)
    else:
        _print(spec, answer, comparison, specification.momentum)
    return verdict.exit_code


def _checked(
    spec: Path, baseline: Path | None, factor: float, outputs: Outputs, seconds: float
) -> tuple[Question, dict[str, Any], Comparison | None]:
    with progress() as announce:
        from verify.cli.target import load

        before = None
        if baseline is not None:
            from verify.baseline.reading import read_baseline

            before = read_baseline(baseline)
        specification = load(spec)
        outputs.protect(specification.document.files)
        from verify.analysis.check import check

        report = check(specification.problem, specification.asked, seconds=seconds, progress=announce)
    answer, comparison = report.to_json(), None
    if before is not None:
        from verify.baseline.comparison import compare

        comparison = compare(plain(answer), before, factor)
        answer["baseline"] = comparison.to_json()
        answer["verdict"] = Verdict.weakest([report.verdict, comparison.verdict]).value
    return specification, answer, comparison


def _rows(specification: Question, answer: dict[str, Any], comparison: Comparison | None) -> list[Any]:
    from verify.reports.baseline_row import baseline_row
    from verify.reports.rows import answer_rows

    setting, lines = specification.momentum, specification.document.lines
    theorem = "sharp" if setting is None else setting.theorem
    rows = list(answer_rows(plain(answer), theorem, lines, specification.vertex_blocks))
    return rows if comparison is None else [*rows, baseline_row(comparison, lines)]


def _print(spec: Path, answer: dict[str, Any], comparison: Comparison | None, setting: Setting | None) -> None:
    from verify.cli.tables import (
        TableLine,
        any_direction_row,
        curvature_row,
        error_rise_row,
        finding_rows,
        gradient_rows,
        optimizer_row,
        print_table,
        range_rows,
    )

    rows = [] if answer["optimizer"] is None else [optimizer_row(answer["optimizer"])]
    rows += [row for finding in answer["assumptions"] for row in finding_rows(finding)]
    rows += gradient_rows(answer["gradients"])
    rows += [curvature_row(answer["lipschitz"]), *range_rows(answer["ranges"])]
    rows.append(any_direction_row(answer["any_direction"]))
    if setting is not None and setting.mu is not None:
        rows.append(error_rise_row(answer["error_rise"]))
    if comparison is not None:
        rows += [TableLine("baseline", "REFUTED", each.statement) for each in comparison.regressions]
        if not comparison.regressions:
            rows.append(
                TableLine("baseline", "PROVED", f"L and the ranges are within a factor {comparison.factor:g} of it")
            )
    notes = [
        f"decided: {'; '.join(answer['decided']) or 'nothing'}",
        f"not decided: {'; '.join(answer['undecided']) or 'nothing'}",
    ]
    notes += advice(answer["verdict"] == Verdict.PROVED.value, answer["ranges"], spec)
    print_table(f"{answer['name']}: {answer['question']}", answer["verdict"], rows, notes)
