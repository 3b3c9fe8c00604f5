"""``dagverify recommend``: which learning rate and momentum are safe, without a region."""

from __future__ import annotations

from pathlib import Path

import click

from verify.cli.output import json_option, print_json, progress, spec_argument, time_limit_option


@click.command("recommend")
@spec_argument
@click.option(
    "--steps", type=click.IntRange(1, 10**9), multiple=True, help="Numbers of steps [default: 1, 10, 100, 1000]."
)
@click.option(
    "--momentum",
    type=click.FloatRange(0, 1, max_open=True),
    multiple=True,
    help="Momenta [default: 0, 0.5, 0.9, and that of SPEC].",
)
@time_limit_option
@json_option
def command(spec: Path, steps: tuple[int, ...], momentum: tuple[float, ...], time_limit: float, as_json: bool) -> int:
    """Say which learning rates are proved to be safe from the initial weights of SPEC on, and which are seen to fail.

    No region is needed: radii are tried, and the answer names the one that proves most. The classical rule is SGD with
    momentum from rest, of which the energy V falls; the clipped one cuts the momentum term to momentum times lr
    |grad E|, and then the error itself falls. Beside each stands the smallest learning rate at which a run was seen to
    rise. What is not tried within --time-limit is left out.

    \b
    Examples:
      dagverify recommend examples/xor_skip.toml --time-limit 30
      dagverify recommend examples/xor_skip.toml --steps 5 --momentum 0.8 --time-limit 10
    """
    with progress() as announce:
        from verify.cli.target import load

        specification = load(spec)
        from verify.analysis.recommend import CERTIFIED, MOMENTA, STEPS, recommend

        optimizer = specification.optimizer
        own = () if optimizer is None or not optimizer.is_proved else (optimizer.momentum,)
        found = recommend(
            specification.problem,
            steps=steps or STEPS,
            momenta=momentum or (*MOMENTA, *own),
            convention="torch" if optimizer is None else optimizer.convention,
            seconds=time_limit,
            progress=announce,
        )
    if as_json:
        print_json(found.to_json())
    else:
        from verify.cli.tables import TableLine, print_table

        rows = [
            TableLine(question, "UNDECIDED" if each.lr is None else "PROVED", each.words, found.remedy)
            for question, each in found.rows
        ]
        notes = [f"no bound: {found.reason}"] if found.reason else []
        notes += [] if found.complete else ["the time was up before everything was tried: allow more with --time-limit"]
        title = f"{found.name}: learning rates that are safe, in the convention of {found.convention}"
        print_table(title, found.verdict.value, rows, [*notes, CERTIFIED])
    return found.verdict.exit_code
