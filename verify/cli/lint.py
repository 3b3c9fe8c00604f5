"""``dagverify lint``: structure of spec files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from verify.cli.failures import BAD_INPUT
from verify.cli.output import json_option, print_error, print_json, print_line
from verify.outcomes import InputError


@click.command("lint")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
def command(paths: tuple[Path, ...], as_json: bool) -> int:
    """Check tables, keys and graph of spec files; data and weights are not loaded.

    A folder stands for the .toml files in it. One line on stderr for each file that is not valid.

    \b
    Example:
      dagverify lint examples/
    """
    from verify.spec.structure import lint

    files: list[dict[str, Any]] = []
    for path in _expanded(paths):
        try:
            structure = lint(path)
        except InputError as error:
            print_error(str(error))
            files.append({"path": str(path), "valid": False, "error": str(error)})
            continue
        files.append({"valid": True, **structure.to_json()})
        if not as_json:
            print_line(
                f"{path}: valid: vertices={structure.vertices}, edges={structure.edges}, "
                f"parameters={structure.parameters}"
            )
    valid = all(entry["valid"] for entry in files)
    if as_json:
        print_json({"verdict": "PROVED" if valid else "REFUTED", "files": files})
    return 0 if valid else BAD_INPUT


def _expanded(paths: tuple[Path, ...]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        if not inside:
            raise InputError("no spec files in the folder", where=str(path), pattern="*.toml", remedy="give a file")
        files += inside
    return files
