"""``dagverify init``: a new spec file from data, or the examples that come with the package."""

from __future__ import annotations

import io
import os
from importlib import resources
from pathlib import Path

import click

from verify.cli.output import json_option, print_json, print_line
from verify.files.kinds import NEW_FILE
from verify.files.writing import Outputs
from verify.outcomes import InputError


@click.command("init")
@click.argument("spec", required=False, type=click.Path(path_type=Path))
@click.option("--data", type=click.Path(path_type=Path), help=".csv with a line of column names, or .npz with x and y.")
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
    target: tuple[str, ...],
    hidden: int,
    activation: str,
    examples: Path | None,
    as_json: bool,
) -> int:
    """Write a new spec file SPEC for the samples of --data, or the examples; no file is ever replaced.

    The network has one hidden layer and a skip connection. A column of words is taken for classes, one output each;
    numbers are scaled. The samples of a .csv are stored beside SPEC as an .npz file.

    \b
    Examples:
      dagverify init --examples more/
      dagverify init springs.toml --data examples/springs.csv --target length
      dagverify check springs.toml
    """
    if (spec is None) == (examples is None):
        raise InputError(
            "either SPEC with --data, or --examples",
            remedy="see dagverify init --help",
            spec=spec and str(spec),
            examples=examples and str(examples),
        )
    if examples is not None:
        written = _write_examples(examples)
        after = f"dagverify check {examples / 'xor_skip.toml'}"
    else:
        if spec is None or data is None:
            raise InputError(
                "SPEC needs samples",
                where=str(spec),
                remedy="add --data FILE, a .csv or an .npz",
                data=data and str(data),
            )
        written = _write_spec(spec, data, target, hidden, activation)
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
    _write_new(outputs, files)
    load_specification(spec)
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


def _write_new(outputs: Outputs, files: dict[Path, str | bytes]) -> None:
    """Write files that are not there yet; if one is, or cannot be written, none of them stays."""
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
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
