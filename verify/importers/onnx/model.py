"""A model of the ONNX format as plain data, read from a file by a child process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, final

import numpy as np

from verify.escaping import visible
from verify.files.kinds import ONNX, ONNX_DATA
from verify.files.reading import read_bytes
from verify.importers.onnx.process import Child
from verify.outcomes import InputError


@final
@dataclass(frozen=True)
class Unread:
    """The value of an attribute of a kind that no rule reads: a graph, a type, text in a tensor."""

    kind: str


@final
@dataclass(frozen=True)
class OnnxNode:
    """One operation of a model.

    Parameters
    ----------
    name, op, domain : str
    inputs, outputs : tuple of str
        Names of values; an empty one stands for an argument that is left out.
    attributes : dict
        Numbers, texts, lists of them, arrays, `Unread`.
    """

    name: str
    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Its name for messages and reports, or that of its first result, with the operation."""
        return visible(f"{self.name or next(iter(self.outputs), '')}: {self.op}")

    def get(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or a default.

        Raises
        ------
        InputError
            If it is of a kind that is not read.
        """
        value = self.attributes.get(name, default)
        if isinstance(value, Unread):
            raise InputError(
                "an attribute of this kind is not read", attribute=name, kind=value.kind, remedy="export without it"
            )
        return value


@final
@dataclass(frozen=True)
class DeclaredInput:
    """What a model says of one of its inputs.

    Parameters
    ----------
    name : str
    is_real : bool
        Whether it holds real numbers; else whole ones or truth values.
    shape : tuple of int or None
        None for a length that the file does not fix; the whole is None where it says nothing of the shape.
    """

    name: str
    is_real: bool
    shape: tuple[int | None, ...] | None


@final
@dataclass(frozen=True)
class Model:
    """A graph of nodes.

    Parameters
    ----------
    opset : int
        Version of the operations' definitions.
    nodes : tuple of OnnxNode
        Each after those whose results it takes.
    initialisers : dict of str to array
        Numbers in the file by their names; None for text.
    inputs : tuple of DeclaredInput
    outputs : tuple of str
    """

    opset: int
    nodes: tuple[OnnxNode, ...]
    initialisers: dict[str, np.ndarray | None]
    inputs: tuple[DeclaredInput, ...]
    outputs: tuple[str, ...]

    @cached_property
    def makers(self) -> dict[str, OnnxNode]:
        """Which node computes a value."""
        return {name: node for node in self.nodes for name in node.outputs if name}

    @cached_property
    def readers(self) -> dict[str, list[OnnxNode]]:
        """Which nodes take a value."""
        found: dict[str, list[OnnxNode]] = {}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                found.setdefault(name, []).append(node)
        return found

    def needed_for(self, output: str) -> set[str]:
        """Return the names of the values from which an output is computed, itself included."""
        waiting, needed = [output], set()
        while waiting:
            name = waiting.pop()
            if name and name not in needed:
                needed.add(name)
                waiting.extend(self.makers[name].inputs if name in self.makers else ())
        return needed


def read_model(child: Child, path: Path, external_data: bool) -> Model:
    """Return the model of a file.

    Parameters
    ----------
    child : Child
        Keeps the model for what is asked of it afterwards.
    path : Path
    external_data : bool
        Whether numbers may be read from other files in the folder.

    Raises
    ------
    InputError
        If it cannot be read, is no model, or keeps numbers in other files.
    """
    content = np.frombuffer(read_bytes(path, ONNX), np.uint8)
    answer, arrays = child.ask({"task": "read"}, [content])
    if "external" in answer:
        places = answer["external"]
        if not external_data:
            raise InputError(
                "the model keeps its numbers in other files",
                where=str(path),
                files=[visible(place) for place in places[:4]],
                remedy="allow it with external_data=True, or save the model as one file",
            )
        files = [np.frombuffer(read_bytes(_beside(path, place), ONNX_DATA), np.uint8) for place in places]
        answer, arrays = child.ask({"task": "read", "external": places}, files)
    return _model(answer, arrays)


def _beside(path: Path, place: str) -> Path:
    """Return a file in the folder of the model or below it, whatever links there are.

    Raises
    ------
    InputError
        If the name leads out of the folder.
    """
    parts = PurePosixPath(place)
    found = path.parent / place
    if (
        not place
        or "\0" in place
        or parts.is_absolute()
        or ".." in parts.parts
        or not found.resolve().is_relative_to(path.parent.resolve())
    ):
        raise InputError(
            "numbers outside the folder of the model",
            where=str(path),
            file=visible(place),
            remedy="save it as one file",
        )
    return found


def _model(answer: dict[str, Any], arrays: Sequence[np.ndarray]) -> Model:
    def array(position: int | None) -> np.ndarray | None:
        return None if position is None else arrays[position]

    def value(entry: dict[str, Any]) -> Any:
        if "array" in entry:
            found = array(entry["array"])
            return Unread("text") if found is None else found
        return Unread(entry["unread"]) if "unread" in entry else entry["value"]

    nodes = tuple(
        OnnxNode(
            node["name"],
            node["op"],
            "" if node["domain"] == "ai.onnx" else node["domain"],
            tuple(node["inputs"]),
            tuple(node["outputs"]),
            {name: value(entry) for name, entry in node["attributes"].items()},
        )
        for node in answer["nodes"]
    )
    inputs = tuple(
        DeclaredInput(each["name"], each["kind"] == "f", None if each["shape"] is None else tuple(each["shape"]))
        for each in answer["inputs"]
    )
    initialisers = {name: array(position) for name, position in answer["initialisers"].items()}
    return Model(answer["opset"], nodes, initialisers, inputs, tuple(answer["outputs"]))
