"""``dagverify report``: what is proved about a network, as a page for people."""

from __future__ import annotations

from pathlib import Path

import click

from verify.cli.output import (
    force_option,
    json_option,
    print_json,
    progress,
    spec_argument,
    time_limit_option,
)
from verify.files.kinds import PAGE
from verify.files.writing import Outputs
from verify.outcomes import Verdict


@click.command("report")
@spec_argument
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="HTML page to write.")
@click.option("--run", type=click.Path(path_type=Path), help="Folder of a training run of this network.")
@click.option(
    "--certificate", "certificates", multiple=True, type=click.Path(path_type=Path), help="A certificate; repeatable."
)
@click.option("--examples", type=click.IntRange(0, 10**6), default=25, show_default=True, help="Steps of the test.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of everything random.")
@time_limit_option
@force_option
@json_option
def command(
    spec: Path,
    output: Path,
    run: Path | None,
    certificates: tuple[Path, ...],
    examples: int,
    seed: int,
    time_limit: float,
    force: bool,
    as_json: bool,
) -> int:
    """Write what is proved about the network of SPEC as one HTML page that opens without a network.

    It holds the answer of `dagverify check` in words, what it rests on and what it does not say, the network, the
    admissible settings, a property test (left out with --examples 0), and what an auditor needs to check it again.
    With --run the steps of a training run: what it recorded, and, where it kept certificates, every step proved again.
    With --certificate its claim, recomputed by the independent checker.

    The exit code is that of all parts together: 0 if everything asked for is proved (a run without certificates is
    not), 1 if something is refuted, 3 if something is undecided. The page is written in each case.

    \b
    Examples:
      dagverify report examples/xor_skip.toml -o report.html
      dagverify train examples/xor_skip.toml --steps 50 --out run/ --certificates steps
      dagverify report examples/xor_skip.toml -o report.html --run run/
    """
    from verify.reports.page.render import require_libraries

    require_libraries()
    outputs = Outputs([spec, run, *certificates], force)
    outputs.add(output, PAGE)
    with progress() as announce:
        from verify.cli.target import load
        from verify.reports.evidence import report

        question = load(spec)
        outputs.protect(question.document.files)
        evidence = report(
            question,
            run=run,
            certificates=certificates,
            examples=examples,
            seed=seed,
            seconds=time_limit,
            progress=announce,
        )
        page = evidence.html()
    outputs.write(output, page)
    if as_json:
        print_json({**evidence.to_json(), "report": str(output)})
    else:
        from verify.cli.tables import TableLine, print_table
        from verify.reports.page.words import sentence_of

        rows = [TableLine("check", evidence.answer.verdict.value, sentence_of(evidence.answer))]
        if evidence.examples or evidence.test_reason is not None:
            found = Verdict.UNDECIDED if evidence.test is None else evidence.test.verdict
            tested = found.value if evidence.examples else ""
            rows.append(TableLine("test", tested, evidence.test_reason or f"{examples} steps"))
        rows += [TableLine("certificate", each.verdict.value, each.statement) for each in evidence.certificates]
        if evidence.run is not None:
            rows.append(TableLine("run", evidence.run.verdict.value, evidence.run.statement))
        rows.append(TableLine("page", "", str(output)))
        print_table(f"{evidence.answer.name}: report", evidence.verdict.value, rows)
    return evidence.verdict.exit_code
