"""Checks the structure of a spec file without loading its data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verify.spec.document import read_document


@dataclass(frozen=True)
class Structure:
    """Size of a network whose spec file is in order.

    Parameters
    ----------
    path : Path
        The file.
    vertices, edges, parameters : int
        Numbers of vertices (inputs included), edges and trainable parameters.
    """

    path: Path
    vertices: int
    edges: int
    parameters: int

    def to_json(self) -> dict[str, Any]:
        """Return the structure as plain data."""
        return {
            "path": str(self.path),
            "vertices": self.vertices,
            "edges": self.edges,
            "parameters": self.parameters,
        }


def lint(path: str | Path) -> Structure:
    """Check a spec file's tables and graph; its data and weight files are not opened, but a model it names is.

    Parameters
    ----------
    path : str or Path
        A TOML spec file.

    Returns
    -------
    Structure

    Raises
    ------
    InputError
        If a table or the graph is not valid.

    Examples
    --------
    >>> structure = lint("examples/xor_skip.toml")
    >>> structure.vertices, structure.edges, structure.parameters
    (5, 8, 11)
    """
    document = read_document(path)
    model = document.content.model
    if model is not None and model.graph is not None:
        from verify.spec.stored_graph import stored_sizes

        return Structure(document.path, *stored_sizes(document, model.graph))
    if model is not None:
        from verify.spec.onnx_problem import sizes_of

        return Structure(document.path, *sizes_of(document, model))
    if not document.content.is_classical:
        network = document.network()
        edges = sum(len(sources) for sources in network.sources.values())
        return Structure(document.path, len(network.nodes), edges, network.size)
    architecture = document.architecture()
    edges = sum(len(architecture.in_edges(name)) for name in architecture.order)
    return Structure(document.path, len(architecture.vertices), edges, architecture.size)
