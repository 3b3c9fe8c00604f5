"""``dagverify campaign``: falsification over random networks."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from verify.cli.output import json_option, print_json
from verify.outcomes import Verdict


@click.command("campaign")
@click.option("--networks", type=click.IntRange(1, 10**6), default=100, show_default=True, help="Random networks.")
@click.option("--steps", type=click.IntRange(1, 10**8), default=5000, show_default=True, help="Steps in all of them.")
@click.option("--seed", type=click.IntRange(0, 10**6), default=0, show_default=True, help="Of everything random.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="JSON lines; continued if there.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes; default: one for each core.")
@click.option("--method", type=click.Choice(["auto", "norms", "majorant"]), default="auto", help="Hessian bound.")
@json_option
def command(networks: int, steps: int, seed: int, out: Path, workers: int | None, method: str, as_json: bool) -> int:
    """Try to falsify the Hessian bound and the admissible range on random networks.

    The bound is attacked; steps are taken with settings at the edge of the range, and whether the error rose is decided
    in interval or Arb arithmetic. Exit code 1 if anything was falsified, 3 if a sign stayed open. A run that was killed
    is continued by the same command and reaches the same result.

    \b
    Example:
      dagverify campaign --networks 200 --steps 10000 --seed 1 --out campaign.jsonl
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from verify.campaign.figures import figures_of
    from verify.campaign.run import run_campaign

    stderr = Console(stderr=True)
    columns = (TextColumn("networks"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as bar:
        task = bar.add_task("networks", total=networks)
        trials = run_campaign(
            out,
            networks=networks,
            steps=steps,
            seed=seed,
            method=method,
            workers=workers,
            progress=lambda trial: bar.advance(task),
        )
    figures = figures_of(trials)
    verdict = _verdict(figures)
    answer: dict[str, Any] = {"verdict": verdict.value, **asdict(figures), "out": str(out)}
    if as_json:
        print_json(answer)
    else:
        from verify.cli.tables import Row, print_table

        print_table("falsification campaign", verdict.value, [Row(*row) for row in _rows(figures)])
    return verdict.exit_code


def _verdict(figures: Any) -> Verdict:
    if figures.violations or figures.broken_bounds:
        return Verdict.REFUTED
    return Verdict.PROVED if figures.clean and figures.covered else Verdict.UNDECIDED


def _rows(figures: Any) -> list[tuple[str, str, str]]:
    share = figures.certified / figures.networks
    tightness = "none" if figures.tightness is None else f"median {figures.tightness:.3g}"
    margin = "none failed" if figures.margin is None else f"{figures.margin:.3g}"
    return [
        ("networks", "", f"{figures.networks}, of which {figures.certified} got a certificate ({share:.1%})"),
        ("Hessian bounds broken", "", f"{figures.broken_bounds} (rate below {figures.bound_failure_rate:.2g} at 95 %)"),
        ("steps", "", f"{figures.steps}, of which {figures.covered} covered by the theorem as stored"),
        ("increases", "", f"{figures.violations} (rate below {figures.failure_rate:.2g} at 95 %)"),
        ("undecided", "", f"{figures.undecided}; decided in Arb: {figures.arb}"),
        ("smallest failing / certified eta", "", f"median {margin}"),
        ("L / curvature proved by attack", "", tightness),
    ]
