"""``dagverify range``: the Hessian bound and the admissible range of each theorem, over the region or for one step."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verify.cli.output import (
    advice,
    force_option,
    json_option,
    print_json,
    progress,
    spec_argument,
    time_limit_option,
)
from verify.files.kinds import PICTURE
from verify.files.writing import Outputs
from verify.outcomes import InputError, Verdict

if TYPE_CHECKING:
    from verify.training.momentum import Norm


@click.command("range")
@spec_argument
@click.option("--at", type=click.Path(path_type=Path), help=".npz with one array w: the weights of one step.")
@click.option("--previous", type=click.Path(path_type=Path), help=".npz with one array w: the previous weights.")
@click.option("--norm", type=click.Choice(["global", "vertex"]), help="Norms of the step's momentum [default: SPEC's].")
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    help="Draw the ranges: .svg, .pdf or .png.",
)
@click.option("--epoch", is_flag=True, help="For one epoch of mini-batches, in any order; needs --batch.")
@click.option("--batch", type=click.IntRange(min=1), help="Samples a batch, consecutive ones.")
@time_limit_option
@force_option
@json_option
def command(
    spec: Path,
    at: Path | None,
    previous: Path | None,
    norm: Norm | None,
    plot: Path | None,
    epoch: bool,
    batch: int | None,
    time_limit: float,
    force: bool,
    as_json: bool,
) -> int:
    """Bound the Hessian over the region of SPEC and say which learning rates and momentum sizes are admissible.

    With --at the ranges hold for one step from those weights: along the negative gradient, and with --previous for
    several ratios tau/eta and for several eta. They are wider, since nothing but the step's own line counts.

    With --epoch the steps are those of mini-batches, and the question is whether the error of all data is lower after
    the next epoch, whatever the order of its batches.

    \b
    Examples:
      dagverify range examples/digits_autoencoder.toml
      dagverify range examples/xor_skip.toml --plot ranges.svg
      dagverify train examples/xor_skip.toml --steps 4 --out before/
      dagverify train examples/xor_skip.toml --steps 5 --out now/
      dagverify range examples/xor_decay.toml --epoch --batch 2
      dagverify range examples/xor_skip.toml --at now/checkpoint.npz --previous before/checkpoint.npz
    """
    if at is None:
        for option, value in (("previous", previous), ("norm", norm)):
            if value is not None:
                raise InputError("only for one step", **{option: str(value)}, remedy="add --at W.npz")
    if epoch or batch is not None:
        if not epoch or batch is None:
            raise InputError("--epoch and --batch belong together", epoch=epoch, batch=batch, remedy="add the other")
        if at is not None:
            raise InputError("--epoch starts at the weights of SPEC", at=str(at), remedy="name them in [weights]")
        if plot is not None:
            raise InputError("an epoch has no picture", plot=str(plot), remedy="leave out --plot, or --epoch")
        return _of_an_epoch(spec, batch, time_limit, as_json)
    outputs = Outputs([spec, at, previous], force)
    with progress() as announce:
        if plot is not None:
            from verify.plotting.library import check_plot

            check_plot(plot)
            outputs.add(plot, PICTURE)
        from verify.cli.target import load

        specification = load(spec)
        problem, momentum = specification.problem, specification.momentum
        w = None if at is None else _weights(at, problem.size)
        before = None if previous is None else _weights(previous, problem.size)
        from verify import budget
        from verify.analysis.any_direction import examine_any_direction
        from verify.analysis.ranges import admissible_ranges, largest_momentum, overall
        from verify.bounds.curvature import examine_curvature

        started = time.process_time()
        with budget.time_limit(0.6 * time_limit, "the Hessian"):
            announce("bounding the Hessian")
            curvature = examine_curvature(problem)
        with budget.time_limit(0.2 * time_limit, "the ranges"):
            rows = admissible_ranges(problem, curvature, momentum)
        with budget.time_limit(max(0.2 * time_limit, time_limit - (time.process_time() - started)), "any direction"):
            first_step = examine_any_direction(problem, w, curvature=curvature, progress=announce)
        verdict = overall(rows, momentum)
        answer: dict[str, Any] = {
            "name": problem.name,
            "verdict": verdict.value,
            "lipschitz": curvature.to_json(),
            "ranges": [row.to_json() for row in rows],
            "largest_momentum": largest_momentum(curvature.value, momentum),
            "any_direction": first_step,
        }
        if plot is not None:
            outputs.protect(specification.document.files)
            if w is None:
                from verify.plotting.ranges import plot_ranges

                plot_ranges(rows, curvature.value, momentum, problem.name, plot, outputs)
        if w is not None:
            from verify.analysis.one_step import one_step_ranges

            step = one_step_ranges(problem, w, before, momentum, norm=norm, seconds=time_limit, progress=announce)
            answer["step"] = step.to_json()
            if plot is not None:
                from verify.analysis.step_outlines import a_priori_outlines
                from verify.plotting.step import plot_step

                outlines = a_priori_outlines(problem, w, curvature.value, answer["any_direction"]["eta_max"])
                plot_step(answer["step"], outlines, problem.name, plot, outputs)
    if as_json:
        print_json(answer)
    else:
        from verify.cli.tables import any_direction_row, curvature_row, print_table, range_rows, step_rows

        shown = [curvature_row(answer["lipschitz"]), *range_rows(answer["ranges"])]
        shown.append(any_direction_row(answer["any_direction"]))
        shown += step_rows(answer["step"]) if "step" in answer else []
        notes = largest_momentum_notes(curvature.value, answer["largest_momentum"])
        notes += advice(verdict is Verdict.PROVED, answer["ranges"], spec)
        notes += step_notes(answer["step"]) if "step" in answer else []
        print_table(f"{problem.name}: admissible ranges", verdict.value, shown, notes)
    return verdict.exit_code


def _of_an_epoch(spec: Path, batch: int, time_limit: float, as_json: bool) -> int:
    with progress() as announce:
        from verify import budget
        from verify.analysis.epoch_range import epoch_range
        from verify.cli.batches import parts_of
        from verify.cli.target import load

        question = load(spec)
        parts = parts_of(question, batch)
        with budget.time_limit(time_limit, "the range of an epoch"):
            announce("bounding the Hessian of every batch")
            row = epoch_range(question.problem, parts, question.asked).to_json()
        row |= {"batch": batch} if "batch" in row else {}
    bound = {"value": row.get("L_of_all_data"), "attack": None, "region": str(question.problem.region)}
    if as_json:
        print_json({"name": question.problem.name, "verdict": row["verdict"], "lipschitz": bound, "ranges": [row]})
    else:
        from verify.cli.tables import print_table, range_rows

        notes = epoch_notes(row)
        print_table(f"{question.problem.name}: one epoch of mini-batches", row["verdict"], range_rows([row]), notes)
    return Verdict(row["verdict"]).exit_code


def epoch_notes(row: Mapping[str, Any]) -> list[str]:
    """Return what the range of an epoch rests on."""
    if "steps" not in row:
        return []
    from verify.arithmetic.decimals import at_least, at_most

    largest, total = (row["batch_gradients"][name] for name in ("largest", "sum"))
    return [
        f"{row['steps']} batches of {row['batch']} samples, the last may be smaller; proved for exact steps",
        f"|grad E| >= {at_most(row['gradient'])}, batches' gradients at most {at_least(largest)}, "
        f"{at_least(total / row['steps'])} on average; L = {at_least(row['L'])} for every batch",
        "reshuffled batches are other batches: range them anew, or guard the epoch (verify.torch.EpochGuard)",
    ]


def step_notes(step: Mapping[str, Any]) -> list[str]:
    """Return what the rows of one step speak of: exact or stored weights, and how tight they are."""
    notes = ["every step of a row is proved in exact reals; between the rows nothing is"]
    if any(not row["exact"] for row in [*step["rays"], *step["lines"]]):
        notes = ["rows hold in exact reals along the stored direction, for want of a bound of the gradient"]
    stored = [ray["stored"] for ray in step["rays"] if ray["stored"] is not None]
    if stored:
        notes.append(f"weights stored in float64 are proved too, for eta >= {max(low for low, _ in stored):.2g}")
    tightness = [row["tightness"] for row in [*step["rays"], *step["lines"]] if row["tightness"] is not None]
    if tightness:
        notes.append(f"the limits are at least {min(tightness):.4g} times those at which the error is proved to rise")
    return notes


def largest_momentum_notes(L: float | None, largest: Mapping[str, Any] | None) -> list[str]:
    """Return notes that compare the momentum of the ranges: with one learning rate, and at their largest."""
    from verify.arithmetic.decimals import at_most
    from verify.theorems.ranges import RANGES

    if not L or largest is None:
        return []
    limits = ", ".join(
        f"{at_most(limit)} {name} ({RANGES[name].meaning})"
        for name, limit in largest["tau_max"].items()
        if name != "triangle"
    )
    (eta, tau), (paper_eta, paper_tau) = RANGES["sharp"].largest(L), RANGES["triangle"].largest(L)
    return [
        f"largest tau at eta={largest['eta']:.4g}: {limits}; widest without another rule: {largest['widest']}",
        f"largest tau: {tau:.4g} at eta={eta:.4g} (sharp), {paper_tau:.4g} at eta={paper_eta:.4g} (triangle): "
        f"{tau / paper_tau:.4g} times as large",
    ]


def _weights(path: Path, size: int) -> Any:
    from verify.files.arrays import read_npz

    w = read_npz(path, ("w",))["w"]
    if w.shape != (size,):
        raise InputError(
            "weights do not fit the network",
            where=f"{path}: w",
            shape=w.shape,
            parameters=size,
            remedy=f"save one array of {size} numbers",
        )
    return w
