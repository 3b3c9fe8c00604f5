"""``dagverify check``: the whole answer in one table."""

from __future__ import annotations

from pathlib import Path

import click

from verify.cli.output import json_option, print_json, progress, spec_argument


@click.command("check")
@spec_argument
@json_option
def command(spec: Path, as_json: bool) -> int:
    """Check assumptions A1-A4 and the gradients of SPEC, bound the Hessian, and say which settings are admissible.

    The question is whether every step decreases the error. Exit code 0: proved; 1: refuted; 3: undecided.

    \b
    Example:
      dagverify check examples/digits_autoencoder.toml
    """
    with progress() as announce:
        from verify.spec import load_specification

        specification = load_specification(spec)
        from verify.analysis.check import check

        report = check(specification.problem, specification.momentum, progress=announce)
    answer = report.to_json()
    if as_json:
        print_json(answer)
    else:
        from verify.cli.tables import curvature_row, finding_rows, gradient_rows, print_table, range_rows

        rows = [row for finding in answer["assumptions"] for row in finding_rows(finding)]
        rows += gradient_rows(answer["gradients"])
        rows += [curvature_row(answer["lipschitz"]), *range_rows(answer["ranges"])]
        notes = [
            f"decided: {'; '.join(answer['decided']) or 'nothing'}",
            f"not decided: {'; '.join(answer['undecided']) or 'nothing'}",
        ]
        print_table(f"{answer['name']}: does every step decrease the error?", answer["verdict"], rows, notes)
    return report.verdict.exit_code
