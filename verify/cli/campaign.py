"""``dagverify campaign``: falsification over random networks."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verify.cli.output import json_option, print_json, stderr_console
from verify.cli.workers import chosen_workers, scheduler_option

if TYPE_CHECKING:
    from verify.campaign.figures import Figures, StepFigures
    from verify.campaign.vocabulary import Drawn


@click.command("campaign")
@click.option("--networks", type=click.IntRange(1, 10**6), default=100, show_default=True, help="Random networks.")
@click.option("--steps", type=click.IntRange(1, 10**8), default=5000, show_default=True, help="Steps in all of them.")
@click.option("--heavy-ball", type=click.IntRange(0, 10**8), default=1000, show_default=True, help="Its steps.")
@click.option("--attacks", type=click.IntRange(0, 10**8), default=5000, show_default=True, help="On L, in all of them.")
@click.option(
    "--segments", type=click.IntRange(0, 10**8), default=1000, show_default=True, help="Attacks on their bounds."
)
@click.option(
    "--vocabulary",
    type=click.Choice(["all", "classical", "graphs"]),
    default="all",
    show_default=True,
    help="What networks are drawn of.",
)
@click.option("--seed", type=click.IntRange(0, 10**6), default=0, show_default=True, help="Of everything random.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="JSON lines; continued if there.")
@click.option("--workers", type=click.IntRange(1, 1024), help="Processes; default: one for each core.")
@scheduler_option
@click.option("--method", type=click.Choice(["auto", "norms", "majorant"]), default="auto", help="Hessian bound.")
@click.option("--force", is_flag=True, help="Replace a file that is not this campaign's.")
@json_option
def command(
    networks: int,
    steps: int,
    heavy_ball: int,
    attacks: int,
    segments: int,
    vocabulary: Drawn,
    seed: int,
    out: Path,
    workers: int | None,
    scheduler: str | None,
    method: str,
    force: bool,
    as_json: bool,
) -> int:
    """Try to falsify the bounds and the admissible ranges on random networks.

    Networks are drawn of the classical class (sums of linear maps) and of all registered operations, functions, layers
    and losses in turn. An attack on L is a random point of the region and a direction, both improved by ascent, whose
    curvature is compared with the bound L; the best of each network is proved. An attack on the bound of a segment
    climbs from a random point of it. Steps are taken with settings at the edge of the range, and whether the error (for
    the heavy ball: V) rose is decided in interval or Arb arithmetic. Exit code 1 if anything was falsified, 3 if a sign
    stayed open. A run that was killed is continued by the same command and reaches the same result; files of older
    versions by --vocabulary classical --segments 0.

    \b
    Example:
      dagverify campaign --networks 4 --steps 40 --heavy-ball 40 --attacks 40 --out campaign.jsonl
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from verify.campaign.figures import figures_of
    from verify.campaign.run import run_campaign

    stderr = stderr_console()
    columns = (TextColumn("networks"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as bar:
        task = bar.add_task("networks", total=networks)
        trials = run_campaign(
            out,
            networks=networks,
            steps=steps,
            heavy_ball_steps=heavy_ball,
            attacks=attacks,
            segment_attacks=segments,
            vocabulary=vocabulary,
            seed=seed,
            method=method,
            workers=chosen_workers(workers, scheduler),
            force=force,
            progress=lambda trial: bar.advance(task),
        )
    figures = figures_of(trials)
    verdict = figures.verdict
    answer: dict[str, Any] = {
        "verdict": verdict.value,
        "violations": figures.falsified,
        **asdict(figures),
        "undecided": figures.undecided,
        "out": str(out),
    }
    if as_json:
        print_json(answer)
    else:
        from verify.cli.tables import TableLine, print_table

        print_table("falsification campaign", verdict.value, [TableLine(*row) for row in _rows(figures)])
    return verdict.exit_code


def _rows(figures: Figures) -> list[tuple[str, str, str]]:
    share = figures.certified / figures.networks
    tightness = "none" if figures.tightness is None else f"median {figures.tightness:.3g}"
    margin = "none failed" if figures.margin is None else f"median {figures.margin:.3g} of {figures.failing} networks"
    return [
        ("networks", "", f"{figures.networks}, of which {figures.certified} got a certificate ({share:.1%})"),
        *([("of the whole vocabulary", "", str(figures.graphs))] if figures.graphs else []),
        ("attacks on L", "", str(figures.attacks)),
        ("successful attacks", "", f"{figures.successes} (rate below {figures.attack_rate:.2g} at 95 %)"),
        *(_segment_rows(figures) if figures.segments.bounds else []),
        *_step_rows("steps", "increases of E", figures.adaptive),
        *(_step_rows("heavy ball steps", "increases of V", figures.heavy_ball) if figures.heavy_ball.steps else []),
        ("certified / smallest failing eta", "", margin),
        ("L / curvature proved by attack", "", tightness),
    ]


def _segment_rows(figures: Figures) -> list[tuple[str, str, str]]:
    found = figures.segments
    return [
        ("bounds along segments", "", f"{found.bounds}, of which {found.finite} are finite"),
        ("attacks on them", "", str(found.attacks)),
        ("successful attacks", "", f"{found.successes} (rate below {found.failure_rate:.2g} at 95 %)"),
    ]


def _step_rows(name: str, increases: str, figures: StepFigures) -> list[tuple[str, str, str]]:
    return [
        (name, "", f"{figures.steps}, of which {figures.covered} covered by the theorem as stored"),
        (increases, "", f"{figures.violations} (rate below {figures.failure_rate:.2g} at 95 %)"),
        ("undecided", "", f"{figures.undecided}; decided in Arb: {figures.arb}"),
    ]
