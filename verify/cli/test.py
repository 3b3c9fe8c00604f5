"""``dagverify test``: property tests of monotone error decrease."""

from __future__ import annotations

from pathlib import Path

import click

from verify.cli.output import json_option, print_json, progress, spec_argument


@click.command("test")
@spec_argument
@click.option("--examples", type=click.IntRange(1, 10**7), default=200, show_default=True, help="Steps to take.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of everything random.")
@json_option
def command(spec: Path, examples: int, seed: int, as_json: bool) -> int:
    """Look for a step inside the admissible range of SPEC that increases the error; the sign is decided rigorously.

    The margin is how much larger the learning rate may be chosen before an increase was found.

    \b
    Example:
      dagverify test examples/xor_skip.toml --examples 500 --seed 7
    """
    with progress() as announce:
        from verify.cli.target import load

        specification = load(spec)
        from verify.properties.suite import run_suite

        answer = run_suite(specification.problem, specification.asked, examples=examples, seed=seed, announce=announce)
    name, content = specification.problem.name, answer.to_json()
    what = "the error" if answer.energy is None else f"V = {answer.energy}"
    if as_json:
        print_json({"name": name, **content})
    else:
        from verify.cli.tables import monotone_rows, print_table

        print_table(
            f"{name}: no step inside the range may increase {what}",
            content["verdict"],
            monotone_rows(content),
        )
    return answer.verdict.exit_code
