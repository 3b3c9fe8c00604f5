"""``dagverify init``: a new spec file from data or from a module, or the examples that come with the package."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import click

from verify.cli.output import json_option, print_json, print_line
from verify.cli.target import TORCH, load
from verify.files.kinds import NEW_FILE
from verify.files.writing import Outputs
from verify.outcomes import InputError


@click.command("init")
@click.argument("spec", required=False, type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help=".csv with a line of column names, or .npz with x and y.")
@click.option("--module", metavar="TARGET", help="torch:package.module:factory, whose code runs, as for check.")
@click.option("--target", multiple=True, help="Column of a .csv that is a target; may be repeated [default: the last].")
@click.option(
    "--hidden", type=click.IntRange(1, 10**6), default=8, show_default=True, help="Width of the hidden layer."
)
@click.option("--activation", default="tanh", show_default=True, help="Of the hidden layer.")
@click.option("--examples", type=click.Path(path_type=Path), help="Write the files of all examples into this folder.")
@json_option
def command(
    spec: Path | None,
    data: Path | None,
    module: str | None,
    target: tuple[str, ...],
    hidden: int,
    activation: str,
    examples: Path | None,
    as_json: bool,
) -> int:
    """Write a new spec file SPEC for the samples of --data or for a --module, or the examples; nothing is replaced.

    For samples, the network has one hidden layer and a skip connection. A column of words is taken for classes, one
    output each; numbers are scaled. The samples of a .csv are stored beside SPEC as an .npz file.

    For a module, SPEC and an .npz file beside it hold the same problem to the last bit, with data, weights and the
    optimizer's numbers; from then on no code runs, and PyTorch is not needed.

    \b
    Examples:
      dagverify init --examples more/
      dagverify init springs.toml --data examples/springs.csv --target length
      dagverify check springs.toml
    """
    if (spec is None) == (examples is None):
        raise InputError(
            "either SPEC with --data or --module, or --examples",
            remedy="see dagverify init --help",
            spec=spec and str(spec),
            examples=examples and str(examples),
        )
    if examples is not None:
        written = _write_examples(examples)
        after = f"dagverify check {examples / 'xor_skip.toml'}"
    else:
        if spec is None or (data is None) == (module is None):
            raise InputError(
                "SPEC needs samples, or a module",
                where=str(spec),
                remedy="add --data FILE, a .csv or an .npz, or --module torch:package.module:factory",
                data=data and str(data),
                module=module,
            )
        if data is not None:
            written = _write_spec(spec, data, target, hidden, activation)
        else:
            written = _write_module(spec, str(module))
        after = f"dagverify check {spec}, and dagverify recommend {spec} for learning rates"
    if as_json:
        print_json({"written": [str(path) for path in written]})
    else:
        for path in written:
            print_line(f"wrote {path}")
        print_line(f"next: {after}")
    return 0


def _write_spec(spec: Path, data: Path, target: tuple[str, ...], hidden: int, activation: str) -> list[Path]:
    import numpy as np

    from verify.activations import activation as known
    from verify.spec import load_specification
    from verify.spec.tables import read_samples_file
    from verify.spec.template import template

    known(activation)
    samples = read_samples_file(data, target)
    table = data if data.suffix.lower() == ".npz" else spec.with_suffix(".npz")
    outputs = Outputs([data])
    files: dict[Path, str | bytes] = {}
    if table is not data:
        stream = io.BytesIO()
        np.savez(stream, x=samples.x, y=samples.y)
        files[table] = stream.getvalue()
    source = f"npz:{os.path.relpath(table, spec.parent)}"
    files[spec] = template(spec.stem, source, samples, hidden, activation)
    _write_new(outputs, files, lambda: load_specification(spec))
    return list(files)


def _write_module(spec: Path, module: str) -> list[Path]:
    from verify.spec import load_specification
    from verify.spec.stored_question import question_files, require_same

    context = click.get_current_context()
    for option in ("target", "hidden", "activation"):
        if context.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE:
            remedy = f"leave out --{option}: the module is the network"
            raise InputError("an option of --data beside --module", option=f"--{option}", remedy=remedy)
    if not module.startswith(TORCH):
        raise InputError("no module and factory", module=module, remedy="write torch:package.module:factory")
    question = load(Path(module))
    files = question_files(question, spec)
    outputs = Outputs(question.document.files)
    _write_new(outputs, files, lambda: require_same(question, load_specification(spec), str(spec)))
    return list(files)


def _write_examples(folder: Path) -> list[Path]:
    packaged = sorted(
        (each for each in resources.files("verify").joinpath("examples").iterdir() if each.is_file()),
        key=lambda each: each.name,
    )
    files: dict[Path, str | bytes] = {
        folder / each.name: each.read_bytes() for each in packaged if each.name.endswith((".toml", ".csv"))
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError("cannot make the folder", where=str(folder), reason=reason, remedy="give another") from None
    _write_new(Outputs(), files)
    return list(files)


def _write_new(outputs: Outputs, files: dict[Path, str | bytes], check: Callable[[], object] = lambda: None) -> None:
    """Write files that are not there yet; if one is, cannot be written, or the check fails, none of them stays."""
    for path in files:
        if os.path.lexists(path):
            raise InputError(
                "the file exists", where=str(path), remedy="give another name: nothing is replaced", file=path.name
            )
        outputs.add(path, NEW_FILE)
    written: list[Path] = []
    try:
        for path, content in files.items():
            outputs.write(path, content)
            written.append(path)
        check()
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
