"""``dagverify sweep``: training at every pair of a grid of learning rates and momenta."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from verify.cli.output import json_option, print_json, spec_argument, stderr_console
from verify.cli.workers import chosen_workers, scheduler_option


@click.command("sweep")
@spec_argument
@click.option("--lr", required=True, type=float, multiple=True, help="Learning rates: give the option several times.")
@click.option("--momentum", type=float, multiple=True, help="Momenta, likewise [default: 0].")
@click.option("--steps", type=click.IntRange(1, 10**7), default=100, show_default=True, help="Budget of every run.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes; default: this one.")
@scheduler_option
@json_option
def command(
    spec: Path,
    lr: tuple[float, ...],
    momentum: tuple[float, ...],
    steps: int,
    workers: int | None,
    scheduler: str | None,
    as_json: bool,
) -> int:
    """Train the network of SPEC by SGD with momentum at every pair of --lr and --momentum, and decide every step.

    A run starts at the initial weights, from rest, and uses all samples. Its row says whether each of its steps is
    proved to have decreased the error, else which was the first that raised it. This speaks of the runs that were made:
    what holds of every run is the matter of check, range and recommend. Exit code 0 if there is a run whose steps all
    decreased the error, 1 if every run has a step that raised it, else 3.

    \b
    Examples:
      dagverify sweep examples/xor_skip.toml --lr 0.1 --lr 1 --lr 10 --momentum 0 --momentum 0.9 --steps 20
      dagverify sweep examples/digits_classifier.toml --lr 0.5 --lr 5 --steps 3 --workers 2
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from verify.cli.target import load

    stderr = stderr_console()
    columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as bar:
        problem = load(spec).problem
        from verify.training.sweep import sweep

        momenta = momentum or (0.0,)
        task = bar.add_task("runs", total=len(lr) * len(momenta))
        found = sweep(
            problem,
            lr,
            momenta,
            steps=steps,
            workers=chosen_workers(workers, scheduler) or 1,
            progress=lambda run: bar.advance(task),
        )
    verdict, best = found.verdict, found.best
    answer: dict[str, Any] = {"verdict": verdict.value, **found.to_json()}
    if as_json:
        print_json(answer)
    else:
        from verify.cli.tables import TableLine, print_table

        rows = [
            TableLine(f"lr={run.lr:g}, momentum={run.momentum:g}", run.verdict.value, run.words) for run in found.runs
        ]
        notes = [
            "no run decreased the error at every step: give smaller values of --lr"
            if best is None
            else f"lowest proved error of those that always fell: lr={best.lr:g}, momentum={best.momentum:g}"
        ]
        print_table(
            f"{found.name}: a pair whose steps, at most {steps}, all decreased the error?", verdict.value, rows, notes
        )
    return verdict.exit_code
