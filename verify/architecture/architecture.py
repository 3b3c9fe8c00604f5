"""The network: a checked directed acyclic graph of vertices and edges."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, final

import networkx as nx

from verify.architecture import networkx_form, plain_data, structure
from verify.architecture.edge import Edge
from verify.architecture.initialisation import initial_weights
from verify.architecture.layout import Layout, PartKey
from verify.architecture.linear_map import FloatArray
from verify.architecture.names import check_distinct
from verify.architecture.vertex import Vertex, resolve_activation
from verify.outcomes import InputError


@final
class Architecture:
    """A network whose vertices form a directed acyclic graph; immutable, and checked when it is made.

    Parameters
    ----------
    vertices : iterable of Vertex
        In file order, which is the order of their parameters.
    edges : iterable of Edge
        Edges into the same vertex in the order of its `inputs`.
    outputs : iterable of str
        The vertices whose concatenation is the network's output.

    Raises
    ------
    InputError
        If this is no network: a cycle, a self-loop, a vertex without effect, widths that disagree, ...

    Examples
    --------
    >>> network = Architecture.from_data(
    ...     {"x": {"width": 2}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}, "y")
    >>> network.size, network.blocks["y"]
    (3, slice(0, 3, None))
    """

    def __init__(self, vertices: Iterable[Vertex], edges: Iterable[Edge], outputs: Iterable[str]) -> None:
        listed = list(vertices)
        check_distinct(vertex.name for vertex in listed)
        self._vertices = MappingProxyType({vertex.name: vertex for vertex in listed})
        edges = list(edges)
        self._outputs = tuple(outputs)
        structure.check_edges(self._vertices, edges)
        in_edges: dict[str, list[Edge]] = {name: [] for name in self._vertices}
        out_edges: dict[str, list[Edge]] = {name: [] for name in self._vertices}
        for edge in edges:
            in_edges[edge.target].append(edge)
        for incoming in in_edges.values():
            for edge in incoming:
                out_edges[edge.source].append(edge)
        self._in_edges = {name: tuple(incoming) for name, incoming in in_edges.items()}
        self._out_edges = {name: tuple(outgoing) for name, outgoing in out_edges.items()}
        self._edges = tuple(edge for incoming in self._in_edges.values() for edge in incoming)
        structure.check_sources(self._vertices, {edge.target for edge in edges})
        structure.check_outputs(self._vertices, self._outputs)
        whole_order = structure.topological_order(list(self._vertices), edges)
        structure.check_reaching(whole_order, self._out_edges, self._outputs)
        _check_activations(listed)
        self._order = tuple(name for name in whole_order if not self._vertices[name].is_input)
        self._inputs = tuple(vertex.name for vertex in listed if vertex.is_input)
        self._layout = Layout(listed, self._in_edges)

    @classmethod
    def from_data(cls, nodes: Mapping[str, Any], output: str | Iterable[str] | None = None) -> Architecture:
        """Return the network that a nodes table of the specification describes.

        Parameters
        ----------
        nodes : mapping
            ``{name: {"width": ..., "activation": ..., "inputs": [...], ...}}`` in file order.
        output : str or list of str, optional
            Without it, the vertices that feed no other are the outputs, in file order.
        """
        vertices, edges = plain_data.read_nodes(nodes)
        return cls(vertices, edges, plain_data.read_output(output, nodes, edges))

    def to_data(self) -> dict[str, Any]:
        """Return ``{"nodes": ..., "output": ...}``, the arguments of `from_data`, as plain data."""
        return {
            "nodes": plain_data.write_nodes(self._vertices.values(), self._in_edges),
            "output": plain_data.write_output(self._outputs),
        }

    @classmethod
    def from_networkx(
        cls, graph: nx.DiGraph[Any] | nx.MultiDiGraph[Any], output: str | Iterable[str] | None = None
    ) -> Architecture:
        """Return the network that a graph describes, its attributes being those of the specification.

        Parameters
        ----------
        graph : networkx.DiGraph or networkx.MultiDiGraph
            Node attributes ``width``, ``shape``, ``activation``, ``bias``; edge attributes ``kind`` and what it
            needs; the graph attribute ``output``. The inputs of a vertex stand in the order of the edge attribute
            ``position`` if there is one, else in the order in which networkx lists the edges.
        output : str or list of str, optional
            Overrides the graph attribute.
        """
        nodes, named = networkx_form.nodes_of(graph)
        return cls.from_data(nodes, named if output is None else output)

    def to_networkx(self) -> nx.MultiDiGraph[str]:
        """Return the network as a graph that `from_networkx` reads back without loss."""
        data = self.to_data()
        return networkx_form.graph_of(data["nodes"], data["output"])

    @property
    def vertices(self) -> Mapping[str, Vertex]:
        """All vertices by name, in file order."""
        return self._vertices

    @property
    def edges(self) -> tuple[Edge, ...]:
        """All edges in the order of their parameters."""
        return self._edges

    @property
    def order(self) -> tuple[str, ...]:
        """The vertices that compute, each after those that feed it; file order wherever that is possible."""
        return self._order

    @property
    def inputs(self) -> tuple[str, ...]:
        """The input vertices, in file order: they take consecutive columns of x."""
        return self._inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """The output vertices, as listed: they take consecutive columns of y."""
        return self._outputs

    def in_edges(self, name: str) -> tuple[Edge, ...]:
        """Return the edges into a vertex, in the order of its `inputs`."""
        return self._in_edges[name]

    def out_edges(self, name: str) -> tuple[Edge, ...]:
        """Return the edges out of a vertex, by target in file order."""
        return self._out_edges[name]

    @property
    def input_dimension(self) -> int:
        """Number of columns of x."""
        return sum(self._vertices[name].width for name in self._inputs)

    @property
    def output_dimension(self) -> int:
        """Number of columns of y."""
        return sum(self._vertices[name].width for name in self._outputs)

    @property
    def input_columns(self) -> dict[str, slice]:
        """Columns of x that every input vertex takes."""
        return self._columns(self._inputs)

    @property
    def output_columns(self) -> dict[str, slice]:
        """Columns of y that every output vertex is compared with."""
        return self._columns(self._outputs)

    @property
    def layout(self) -> Layout:
        """Where the parameters stand in the weight vector."""
        return self._layout

    @property
    def size(self) -> int:
        """Number P of trainable parameters."""
        return self._layout.size

    @property
    def blocks(self) -> Mapping[str, slice]:
        """The parameters of every vertex that has any, in file order: they cover the weight vector."""
        return self._layout.blocks

    def bias_key(self, name: str) -> str | None:
        """Return the key of a vertex's bias in `unflatten`, None if it has no bias."""
        return None if self._vertices[name].bias is None else name

    def unflatten(self, weights: Any) -> dict[PartKey, Any]:
        """Return the parts of a weight vector (P,) as views.

        Returns
        -------
        dict
            ``(source, target)`` to the weights (out, in) of a dense edge, ``(source, target, kind)`` to the
            parameters of a structured one, a vertex's name to its bias; what has no parameters has no key.
        """
        return self._layout.unflatten(weights)

    def flatten(self, parts: Mapping[Any, Any]) -> Any:
        """Return the weight vector (P,) whose parts are given, the inverse of `unflatten`."""
        return self._layout.flatten(parts)

    def initial_weights(self, scheme: str = "glorot", seed: int = 0) -> FloatArray:
        """Return initial weights (P,): ``"glorot"`` (uniform, biases zero) or ``"zeros"``."""
        return initial_weights(self._layout, scheme, seed)

    def path_count(self) -> int:
        """Return the number of paths from an input to an output, by dynamic programming.

        Examples
        --------
        >>> steps = {f"v{k}": {"width": 1, "inputs": [f"v{k - 1}", {"from": f"v{k - 1}", "kind": "identity"}]}
        ...          for k in range(1, 41)}
        >>> Architecture.from_data({"v0": {"width": 1}, **steps}, "v40").path_count() == 2**40
        True
        """
        total = 0
        outputs = set(self._outputs)
        paths = dict.fromkeys(self._inputs, 1)
        uses = {name: len(outgoing) for name, outgoing in self._out_edges.items()}
        for name in self._order:
            count = 0
            for edge in self._in_edges[name]:
                count += paths[edge.source]
                uses[edge.source] -= 1
                if uses[edge.source] == 0:
                    del paths[edge.source]
            paths[name] = count
            if name in outputs:
                total += count
        return total

    def fingerprint(self) -> str:
        """Return the SHA-256 of the network as canonical JSON: equal exactly for equal networks."""
        data = self.to_data()
        canonical = ["dagverify architecture 1", list(data["nodes"].items()), list(self._outputs)]
        text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Architecture):
            return NotImplemented
        return (
            tuple(self._vertices.items()) == tuple(other._vertices.items())
            and self._in_edges == other._in_edges
            and self._outputs == other._outputs
        )

    def __hash__(self) -> int:
        return hash((tuple(self._vertices), self._outputs, self.size))

    def __reduce__(self) -> tuple[Any, ...]:
        return Architecture, (tuple(self._vertices.values()), self.edges, self._outputs)

    def __repr__(self) -> str:
        return f"<Architecture: {len(self._vertices)} vertices, {len(self.edges)} edges, {self.size} parameters>"

    def _columns(self, names: Iterable[str]) -> dict[str, slice]:
        columns = {}
        end = 0
        for name in names:
            columns[name] = slice(end, end + self._vertices[name].width)
            end = columns[name].stop
        return columns


def _check_activations(vertices: Iterable[Vertex]) -> None:
    checked = set()
    for vertex in vertices:
        spec = vertex.activation_spec
        if spec is None or (shown := repr(spec)) in checked:
            continue
        try:
            resolve_activation(spec)
        except InputError as error:
            raise error.at(f"nodes.{vertex.name}.activation") from None
        checked.add(shown)
