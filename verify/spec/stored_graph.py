"""A network as a graph of operations in an archive, with its numbers: ``[model] graph = "net.npz"``.

The graph is that of the error: data and loss are part of it. The archive holds it as the bytes of a JSON text (array
``graph``), its constants (``c0``, ``c1``, ... in the order of the graph's leaves), and the first weights (``w``).
"""

from __future__ import annotations

import io
import json
import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from verify.budget import check_memory
from verify.certificates.document import parse_document
from verify.files.arrays import read_npz
from verify.graph.graph import Graph
from verify.graph.problem import GraphProblem
from verify.operations.leaves import Constant, Parameter
from verify.outcomes import InputError
from verify.spec.graph_problem import decays_of
from verify.spec.optimizer import coupled_weight_decay
from verify.spec.specification import first_weights, region_of

if TYPE_CHECKING:
    from verify.spec.document import Document

_REMEDY = "write it with: dagverify init SPEC --module torch:package.module:factory"


def graph_archive(problem: GraphProblem) -> bytes:
    """Return the archive of a problem: its graph without weight decay, its constants and its first weights.

    Examples
    --------
    >>> import verify
    >>> builder = verify.GraphBuilder()
    >>> graph = builder.build(builder.parameter("w", (2,)).square().sum())
    >>> content = graph_archive(GraphProblem(graph, {}, [1.0, 2.0]))
    >>> sorted(np.load(io.BytesIO(content)).files)
    ['graph', 'w']
    """
    text = json.dumps(problem.network.to_data(), allow_nan=False, separators=(",", ":"))
    arrays = {"graph": np.frombuffer(text.encode(), dtype=np.uint8), "w": problem.initial_weights}
    for number, leaf in enumerate(problem.network.leaves(Constant)):
        arrays[f"c{number}"] = np.asarray(problem.constants[leaf.label])
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def build_stored_problem(document: Document, archive: str) -> GraphProblem:
    """Return the problem of a document whose ``[model]`` table names an archive.

    Raises
    ------
    InputError
        If the archive, weights, weight decay or region do not fit together.
    """
    content, path = document.content, document.path.parent / archive
    with document.located("model", "graph"):
        graph = _read_graph(path)
        labels = [leaf.label for leaf in graph.leaves(Constant)]
        arrays = read_npz(path, ("w", *(f"c{number}" for number in range(len(labels)))))
        constants = {label: arrays[f"c{number}"] for number, label in enumerate(labels)}
        stored = GraphProblem(graph, constants, arrays["w"])
    decay = content.weight_decay or coupled_weight_decay(content.optimizer)
    with document.located("weight_decay"):
        by_label = decays_of(decay, [block.label for block in stored.blocks])
    weights = first_weights(document, stored.size, lambda scheme, seed: stored.initial_weights)
    region = region_of(document, {block.label: block.place for block in stored.blocks}, weights)
    with document.located():
        return GraphProblem(graph, constants, weights, by_label, region=region, name=content.name)


def stored_sizes(document: Document, archive: str) -> tuple[int, int, int]:
    """Return the numbers of nodes, of edges between them, and of trained numbers of an archive's graph."""
    with document.located("model", "graph"):
        graph = _read_graph(document.path.parent / archive)
    edges = sum(len(node.arguments) for node in graph.nodes)
    return len(graph.nodes), edges, sum(math.prod(leaf.dimensions) for leaf in graph.leaves(Parameter))


def _read_graph(path: Path) -> Graph:
    """Return the graph of an archive, if one evaluation of it has room."""
    stored = read_npz(path, ("graph",), optional=("graph",)).get("graph")
    if stored is None:
        raise InputError("no graph in the archive", where=str(path), array="graph", remedy=_REMEDY)
    if stored.dtype != np.uint8 or stored.ndim != 1:
        raise InputError(
            "the graph is no text", where=str(path), dtype=str(stored.dtype), shape=stored.shape, remedy=_REMEDY
        )
    try:
        text = stored.tobytes().decode()
    except UnicodeDecodeError as error:
        raise InputError("the graph is no text", where=str(path), byte=error.start, remedy=_REMEDY) from None
    graph = Graph.from_data(parse_document(text, f"{path}: graph"))
    outputs = [graph.nodes[output].shape for output in graph.outputs]
    if outputs != [()]:
        raise InputError("the graph is not that of one error", where=str(path), outputs=outputs, remedy=_REMEDY)
    labels = [leaf.label for leaf in graph.leaves()]
    known = [leaf.label for kind in (Constant, Parameter) for leaf in graph.leaves(kind)]
    strange = [label for label, count in Counter(labels).items() if count > 1 or label not in known]
    if strange:
        remedy = "let every leaf be a constant or a parameter with a label of its own"
        raise InputError("the graph has other leaves", where=str(path), label=strange[0], remedy=remedy)
    entries = sum(math.prod(node.shape) for node in graph.nodes)
    check_memory(entries, "the graph", "store the module with fewer samples", entries=entries)
    return graph
