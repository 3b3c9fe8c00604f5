"""``dagverify gradients``: the backpropagation formulas, their proof and a numerical check."""

from __future__ import annotations

from pathlib import Path

import click

from verify.cli.output import json_option, print_json, print_source, progress, spec_argument


@click.command("gradients")
@spec_argument
@click.option("--latex", is_flag=True, help="Print the recursion of this network as LaTeX.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the points checked.")
@json_option
def command(spec: Path, latex: bool, seed: int, as_json: bool) -> int:
    """Derive backpropagation for the network of SPEC, prove it, and compare the code with it.

    \b
    Example:
      dagverify gradients examples/xor_skip.toml --latex
    """
    with progress() as announce:
        from verify.cli.target import load

        problem = load(spec).problem
        from verify.analysis.gradients import examine_gradients, gradient_formulas

        announce("proving the recursion and comparing gradients")
        gradients = examine_gradients(problem, seed=seed)
        formulas = gradient_formulas(problem) if latex else None
    if as_json:
        answer = {"name": problem.name, **gradients.to_json()}
        print_json(answer if formulas is None else {**answer, "latex": formulas})
    elif formulas is not None:
        print_source(formulas)
    else:
        from verify.cli.tables import gradient_rows, print_table

        print_table(
            f"{problem.name}: does backpropagation compute the gradient?",
            gradients.verdict.value,
            gradient_rows(gradients.to_json()),
        )
    return gradients.verdict.exit_code
