"""A spec file whose tables are valid, before anything is built from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from verify.outcomes import InputError
from verify.spec.lines import KeyPath, LineMap
from verify.spec.messages import dotted, first_error, place
from verify.spec.models import SpecFile
from verify.spec.text import parse, read_text
from verify.whole_numbers import REMEDY, oversized

if TYPE_CHECKING:
    from verify.architecture import Architecture
    from verify.spec.network import Network

MAX_PARAMETERS = 2**26

_EDGE = re.compile(r"edge \S+?->(\S+)")


@dataclass(frozen=True)
class Document:
    """A spec file whose tables are valid, before anything is built from it.

    Parameters
    ----------
    path : Path
        The file.
    tables : dict
        What the TOML reader returned.
    lines : LineMap
        Line numbers of the keys.
    content : SpecFile
        The validated content.
    """

    path: Path
    tables: dict[str, Any]
    lines: LineMap
    content: SpecFile

    @property
    def files(self) -> tuple[Path, ...]:
        """Files with data and weights that this one names."""
        folder, content = self.path.parent, self.content
        source = "" if content.data is None else content.data.source or ""
        kind, _, name = source.partition(":")
        one_file = {each: [name] for each in ("npz", "csv", "parquet")}
        names = {**one_file, "npy": [f"{name}/x.npy", f"{name}/y.npy"]}.get(kind, [])
        model = None if content.model is None else content.model.file
        return tuple(folder / each for each in [*names, *filter(None, [content.weights.npz, model])])

    def with_tables(self, tables: dict[str, Any]) -> Document:
        """Return the document that the file would be with other tables; places in errors are still the file's.

        Raises
        ------
        InputError
            If a table is not valid.
        """
        return _validated(self.path, tables, self.lines)

    @contextmanager
    def located(self, *key: str) -> Iterator[None]:
        """Put the file and the line of `key` before the place of every InputError raised inside."""
        try:
            yield
        except InputError as error:
            remedied = type(error)(
                error.what,
                where=error.where,
                remedy=error.remedy or f"correct {dotted(key) or 'the file'}",
                **error.values,
            )
            raise remedied.at(place(self.path, self.lines, key)) from None

    @contextmanager
    def located_by_node(self) -> Iterator[None]:
        """Put the file and the line of the node that an InputError names before its place."""
        try:
            yield
        except InputError as error:
            key = self._key_in(error.where or "")
            line = self.lines.line(key)
            raise _complete(error, key).at(f"{self.path}:{line}" if line else str(self.path)) from None

    def _key_in(self, where: str) -> KeyPath:
        """Return the key path that a place such as ``nodes.h.inputs[0]`` or ``edge x->h`` means."""
        edge = _EDGE.match(where)
        if edge:
            return ("nodes", edge[1].rstrip(":"))
        if not where.startswith("nodes."):
            return (where,)
        rest = where.removeprefix("nodes.")
        named = [name for name in self.content.nodes if rest == name or rest.startswith((f"{name}.", f"{name}:"))]
        name = max(named, key=len, default="")
        parts = re.findall(r"[\w-]+", rest[len(name) :])
        return ("nodes", name, *(int(part) if part.isdigit() else part for part in parts))

    def architecture(self) -> Architecture:
        """Return the network of the ``[nodes.*]`` tables.

        Raises
        ------
        InputError
            If the graph is not valid, or has more than `MAX_PARAMETERS` parameters.
        """
        from verify.architecture import Architecture

        with self.located_by_node():
            architecture = Architecture.from_data(self.tables["nodes"], self.content.output)
            _check_size(architecture.size)
        return architecture

    def network(self) -> Network:
        """Return the network of the ``[nodes.*]`` tables as a graph of the whole vocabulary.

        Raises
        ------
        InputError
            If it is not valid, or has more than `MAX_PARAMETERS` parameters.
        """
        from verify.spec.network import Network

        with self.located_by_node():
            network = Network(self.content.nodes, self.content.output)
            _check_size(network.size)
        return network


def _check_size(parameters: int) -> None:
    if parameters > MAX_PARAMETERS:
        raise InputError(
            "too many parameters",
            parameters=parameters,
            limit=MAX_PARAMETERS,
            remedy="make the layers narrower",
        )


def _complete(error: InputError, key: KeyPath) -> InputError:
    """Return the error with the place as its value and with a remedy, where it has none of its own."""
    shown = dotted(key) or "file"
    values = error.values or {"key": shown}
    return InputError(error.what, where=error.where, remedy=error.remedy or f"correct {shown}", **values)


def read_document(path: str | Path) -> Document:
    """Read a spec file and validate its tables; neither the graph is built nor the data loaded.

    Raises
    ------
    InputError
        If the file cannot be read, is not TOML, or has an unknown key or a value that is not allowed.
    """
    path = Path(path)
    text = read_text(path)
    tables, lines = parse(text, path), LineMap(text)
    if (key := oversized(tables)) is not None:
        raise InputError("whole number too large", where=place(path, lines, key), key=dotted(key), remedy=REMEDY)
    return _validated(path, tables, lines)


def _validated(path: Path, tables: dict[str, Any], lines: LineMap) -> Document:
    try:
        content = SpecFile.model_validate(tables)
    except ValidationError as error:
        raise first_error(error, tables, path, lines) from None
    return Document(path, tables, lines, content)
