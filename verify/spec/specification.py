"""A spec file read and checked: the problem, the momentum setting, and where each key stands."""

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

if TYPE_CHECKING:
    import numpy as np

    from verify.architecture import Architecture
    from verify.assumptions.small_momentum import Setting
    from verify.bounds.regions import Region
    from verify.calculus.problem import Problem

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

    @contextmanager
    def located(self, *key: str) -> Iterator[None]:
        """Put the file and the line of `key` before the place of every InputError raised inside."""
        try:
            yield
        except InputError as error:
            raise error.at(place(self.path, self.lines, key)) from None

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
            if architecture.size > MAX_PARAMETERS:
                raise InputError(
                    "too many parameters",
                    parameters=architecture.size,
                    limit=MAX_PARAMETERS,
                    remedy="make the layers narrower",
                )
        return architecture


def _complete(error: InputError, key: KeyPath) -> InputError:
    """Return the error with the place as its value and with a remedy, where it has none of its own."""
    shown = dotted(key) or "file"
    values = error.values or {"key": shown}
    return InputError(error.what, where=error.where, remedy=error.remedy or f"correct {shown}", **values)


@dataclass(frozen=True)
class Specification:
    """What a spec file asks.

    Parameters
    ----------
    problem : Problem
        Network, data, loss, initial weights and region.
    momentum : Setting or None
        The setting to be judged: ``eta``, and ``tau`` or ``mu``, and ``norm``.
    document : Document
        The file it was read from.
    """

    problem: Problem
    momentum: Setting | None
    document: Document

    @property
    def path(self) -> Path:
        """The file that was read."""
        return self.document.path


def read_document(path: str | Path) -> Document:
    """Read a spec file and validate its tables; neither the graph is built nor the data loaded.

    Raises
    ------
    InputError
        If the file cannot be read, is not TOML, or has an unknown key or a value that is not allowed.
    """
    path = Path(path)
    text = read_text(path)
    tables = parse(text, path)
    lines = LineMap(text)
    try:
        content = SpecFile.model_validate(tables)
    except ValidationError as error:
        raise first_error(error, tables, path, lines) from None
    return Document(path, tables, lines, content)


def load_specification(path: str | Path) -> Specification:
    """Read a spec file, its data and its weights.

    Parameters
    ----------
    path : str or Path
        A TOML file; relative paths inside it start from its folder.

    Returns
    -------
    Specification

    Raises
    ------
    InputError
        If anything in the file or in the files it names cannot be used; one line says what, where and
        what to do.
    """
    from verify.assumptions.small_momentum import Setting
    from verify.calculus.problem import Problem

    document = read_document(path)
    content = document.content
    architecture = document.architecture()
    inputs, targets = _data(document, architecture)
    weights = _weights(document, architecture)
    region = _region(document, architecture, weights)
    with document.located():
        problem = Problem(
            architecture,
            inputs,
            targets,
            loss=content.loss,
            reduction=content.reduction,
            weight_decay=content.weight_decay,
            initial_weights=weights,
            region=region,
            name=content.name,
        )
    setting = None if content.momentum is None else Setting(**content.momentum.model_dump())
    return Specification(problem, setting, document)


def load_problem(path: str | Path) -> Problem:
    """Read the problem of a spec file; see `load_specification`."""
    return load_specification(path).problem


def _data(document: Document, architecture: Architecture) -> tuple[np.ndarray, np.ndarray]:
    from verify.spec.preparation import prepare
    from verify.spec.sources import read_samples

    data = document.content.data
    if data is None:
        raise InputError(
            "missing table",
            where=str(document.path),
            key="data",
            remedy='add [data] with source = "npz:data.npz", or x = [[..]] and y = [[..]]',
        )
    with document.located("data"):
        samples = read_samples(data, document.path.parent)
        return prepare(samples, data, architecture.input_dimension, architecture.output_dimension)


def _weights(document: Document, architecture: Architecture) -> np.ndarray:
    import numpy as np

    from verify.spec.arrays import read_npz

    table = document.content.weights
    with document.located("weights"):
        if table.npz is not None:
            weights = read_npz(document.path.parent / table.npz, ("w",))["w"].astype(np.float64)
        elif table.w is not None:
            weights = np.array(table.w, dtype=np.float64)
        else:
            return architecture.initial_weights(table.init or "glorot", seed=table.seed or 0)
        if weights.shape != (architecture.size,):
            raise InputError(
                "weights do not fit the network",
                where="w",
                shape=weights.shape,
                parameters=architecture.size,
                remedy=f"give one array of {architecture.size} numbers",
            )
        if not np.isfinite(weights).all():
            index = int(np.flatnonzero(~np.isfinite(weights))[0])
            raise InputError(
                "weights must be finite",
                where=f"w[{index}]",
                value=float(weights[index]),
                remedy="replace it",
            )
        return weights


def _region(document: Document, architecture: Architecture, weights: np.ndarray) -> Region | None:
    if document.content.region is None:
        return None
    from verify.bounds.regions import from_data

    with document.located("region"):
        return from_data(document.tables["region"], weights, architecture.blocks)
