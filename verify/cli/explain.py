"""``dagverify explain``: what dominates the Hessian bound, and which change buys how much."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from verify.cli.output import json_option, print_json, progress, spec_argument
from verify.outcomes import InputError


@click.command("explain")
@spec_argument
@click.option("--budget", type=float, default=120.0, show_default=True, help="Processor time for the best method.")
@json_option
def command(spec: Path, budget: float, as_json: bool) -> int:
    """Say which vertices (or parameters) and terms dominate L, and what changes of SPEC would buy.

    Every change is made and L is bounded again: a smaller radius, a vertex of half its width, an edge less, another
    activation, other scales of data, targets and weights. A factor of 2 doubles the admissible learning rates. Changes
    that do not fit the budget are compared by the cheap method on both sides; those after which a hypothesis of the
    theorems fails that held before are refused. SPEC itself stays as it is.

    \b
    Examples:
      dagverify explain examples/xor_skip.toml
      dagverify explain examples/digits_autoencoder.toml --budget 200
    """
    with progress() as announce:
        from verify.cli.target import TORCH
        from verify.spec import load_specification

        if str(spec).startswith(TORCH):
            remedy = f"dagverify init net.toml --module {spec}, then dagverify explain net.toml"
            raise InputError("explain tries changes of a spec file", target=str(spec), remedy=remedy)

        specification = load_specification(spec)
        from verify.analysis.explain import explain

        found = explain(specification, budget=budget, progress=announce)
    answer = found.to_json()
    if as_json:
        print_json(answer)
    else:
        from verify.cli.tables import print_table

        title = f"{answer['name']}: what dominates L, and which change buys how much"
        print_table(title, answer["verdict"], _rows(answer), _notes(answer))
    return found.verdict.exit_code


def _rows(answer: Mapping[str, Any]) -> list[Any]:
    from verify.cli.tables import TableLine, between, curvature_row, number

    lipschitz = answer["lipschitz"]
    rows = [curvature_row(lipschitz)]
    if answer["shares"]:
        shares = ", ".join(f"{each['vertex']} {each['share']:.0%}" for each in answer["shares"])
        rows.append(TableLine(answer["parts"], "", shares))
    if lipschitz["terms"]:
        terms = ", ".join(f"{name} {number(value)}" for name, value in lipschitz["terms"].items())
        rows.append(TableLine("terms", "", terms))
    for each in answer["changes"]:
        if each["refusal"] is not None:
            rows.append(TableLine(each["kind"], "refused", f"{each['change']}: {each['refusal']}"))
            continue
        factor = "" if each["factor"] is None else f"{number(each['factor'])} x"
        if each["by_norms"] and each["before"] is not None:
            text = f"{between(each['lipschitz'])}, before {number(each['before'])}, both by norms"
        else:
            text = (
                f"{between(each['lipschitz'])} ({each['lipschitz']['method']}): eta <= {number(each['eta_max'])}, "
                f"recommended eta={number(each['eta'])}, tau={number(each['tau'])}"
            )
        rows.append(TableLine(each["kind"], factor, f"{each['change']}: {text}"))
    return rows


def _notes(answer: Mapping[str, Any]) -> list[str]:
    notes = ["a factor above 1 is a gain: L becomes so many times smaller, and the learning rates so many times larger"]
    cheap = sum(each["by_norms"] for each in answer["changes"])
    if cheap:
        notes.append(
            f"{cheap} changes were compared by norms on both sides; a larger --budget compares them by the best method"
        )
    return notes
