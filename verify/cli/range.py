"""``dagverify range``: the Hessian bound and the admissible range of each theorem, over the region or for one step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from verify.cli.output import EXPLAIN, json_option, print_json, progress, spec_argument
from verify.outcomes import InputError, Verdict


@click.command("range")
@spec_argument
@click.option("--at", type=click.Path(path_type=Path), help=".npz with one array w: the weights of one step.")
@click.option("--previous", type=click.Path(path_type=Path), help=".npz with one array w: the previous weights.")
@json_option
def command(spec: Path, at: Path | None, previous: Path | None, as_json: bool) -> int:
    """Bound the Hessian over the region of SPEC and say which learning rates and momentum sizes are admissible.

    With --at the ranges hold for one step from those weights: along the negative gradient, and with --previous
    also with momentum of that direction. They are wider, since nothing but the step's own segment counts.

    \b
    Examples:
      dagverify range examples/digits_autoencoder.toml
      dagverify range examples/xor_skip.toml --at now.npz --previous before.npz
    """
    if previous is not None and at is None:
        raise InputError("a previous step without its weights", previous=str(previous), remedy="add --at W.npz")
    with progress() as announce:
        from verify.spec import load_specification

        specification = load_specification(spec)
        from verify.analysis.any_direction import examine_any_direction
        from verify.analysis.curvature import examine_curvature
        from verify.analysis.ranges import admissible_ranges, overall

        problem, momentum = specification.problem, specification.momentum
        announce("bounding the Hessian")
        curvature = examine_curvature(problem)
        rows = admissible_ranges(problem, curvature, momentum)
        verdict = overall(rows, momentum)
        answer: dict[str, Any] = {
            "name": problem.name,
            "verdict": verdict.value,
            "lipschitz": curvature.to_json(),
            "ranges": [row.to_json() for row in rows],
            "any_direction": examine_any_direction(problem, curvature=curvature, progress=announce),
        }
        if at is not None:
            from verify.analysis.one_step import one_step_ranges

            announce("bounding the error along the step")
            w = _weights(at, problem.architecture.size)
            before = None if previous is None else _weights(previous, problem.architecture.size)
            answer["step"] = one_step_ranges(problem, w, before, momentum)
    if as_json:
        print_json(answer)
    else:
        from verify.cli.tables import any_direction_row, curvature_row, print_table, range_rows, step_rows

        shown = [curvature_row(answer["lipschitz"]), *range_rows(answer["ranges"])]
        shown.append(any_direction_row(answer["any_direction"]))
        shown += step_rows(answer["step"]) if "step" in answer else []
        notes = largest_momentum_notes(curvature.value) + ([] if verdict is Verdict.PROVED else [EXPLAIN])
        print_table(f"{problem.name}: admissible ranges", verdict.value, shown, notes)
    return verdict.exit_code


def largest_momentum_notes(L: float | None) -> list[str]:
    """Return a note that compares the largest momentum of the sharp range with that of the paper's argument."""
    from verify.theorems.ranges import RANGES

    if not L:
        return []
    (eta, tau), (paper_eta, paper_tau) = RANGES["sharp"].largest(L), RANGES["triangle"].largest(L)
    return [
        f"largest tau: {tau:.4g} at eta={eta:.4g} (sharp), {paper_tau:.4g} at eta={paper_eta:.4g} (triangle): "
        f"{tau / paper_tau:.4g} times as large"
    ]


def _weights(path: Path, size: int) -> Any:
    from verify.spec.arrays import read_npz

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
