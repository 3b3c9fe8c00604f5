"""Sets of vertices and edges that are no network are refused, and the refusal names what is wrong."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.architecture import Architecture, Dense, Edge, Vertex
from verify.architecture.structure import find_cycle
from verify.outcomes import InputError

Nodes = dict[str, dict[str, Any]]

X, H, Y = Vertex("x", 2), Vertex("h", 3, "tanh", "unit"), Vertex("y", 1, "tanh", "unit")
XH, HY = Edge("x", "h", Dense(2, 3)), Edge("h", "y", Dense(3, 1))


def refusal(vertices: list[Vertex], edges: list[Edge], outputs: list[str]) -> str:
    with pytest.raises(InputError) as raised:
        Architecture(vertices, edges, outputs)
    assert str(raised.value).isprintable()
    return str(raised.value)


def test_a_network_is_accepted() -> None:
    assert Architecture([X, H, Y], [XH, HY], ["y"]).order == ("h", "y")


def test_the_order_follows_the_file_wherever_the_edges_allow() -> None:
    nodes: Nodes = {
        "y": {"width": 1, "inputs": ["b", "a"]},
        "b": {"width": 1, "inputs": ["x"]},
        "a": {"width": 1, "inputs": ["x"]},
        "x": {"width": 1},
    }
    assert Architecture.from_data(nodes, "y").order == ("b", "a", "y")


def test_a_cycle_is_named() -> None:
    nodes: Nodes = {
        "x": {"width": 1},
        "a": {"width": 1, "inputs": ["x", "c"]},
        "b": {"width": 1, "inputs": ["a"]},
        "c": {"width": 1, "inputs": ["b"]},
        "y": {"width": 1, "inputs": ["c"]},
    }
    with pytest.raises(InputError) as raised:
        Architecture.from_data(nodes, "y")
    assert str(raised.value) == (
        "nodes.a: the graph has a cycle: cycle='a -> b -> c -> a', vertices=3; remove one of its edges"
    )


def test_a_long_cycle_is_abridged() -> None:
    nodes: Nodes = {f"v{k}": {"width": 1, "inputs": [f"v{(k - 1) % 1000}"]} for k in range(1000)}
    with pytest.raises(InputError, match=r"v0 -> v1 -> v2 -> v3 -> \.\.\. -> v998 -> v999 -> v0', vertices=1000"):
        Architecture.from_data(nodes, "v1")


@given(st.integers(2, 8), st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=30))
def test_what_is_named_is_a_cycle(count: int, pairs: set[tuple[int, int]]) -> None:
    graph: nx.DiGraph[str] = nx.DiGraph((str(u % count), str(v % count)) for u, v in pairs if u % count != v % count)
    if nx.is_directed_acyclic_graph(graph):
        return
    cycle = find_cycle(graph)
    assert len(set(cycle)) == len(cycle) >= 2
    assert all(graph.has_edge(u, v) for u, v in zip(cycle, [*cycle[1:], cycle[0]], strict=True))


def test_a_self_loop_is_refused() -> None:
    message = refusal([X, H, Y], [XH, HY, Edge("h", "h", Dense(3, 3))], ["y"])
    assert message == "edge h->h: a vertex feeds itself: vertex='h'; remove the self-loop"


def test_a_dangling_name_is_refused() -> None:
    message = refusal([X, H, Y], [XH, HY, Edge("z", "y", Dense(3, 1))], ["y"])
    assert message == "edge z->y: no such vertex: vertex='z'; correct the name, or add the vertex"


def test_a_map_that_does_not_fit_is_refused() -> None:
    message = refusal([X, H, Y], [XH, Edge("h", "y", Dense(4, 1))], ["y"])
    assert message == (
        "edge h->y: the edge's map does not fit its vertices: source_width=3, target_width=1, map_reads=4, "
        "map_writes=1; correct the widths, or the edge's kind"
    )


def test_two_edges_of_one_kind_are_refused() -> None:
    assert "edge h->y: two edges of one kind between the same vertices: kind='dense'" in refusal(
        [X, H, Y], [XH, HY, HY], ["y"]
    )
    nodes: Nodes = {"x": {"width": 1}, "y": {"width": 1, "inputs": ["x", {"from": "x", "kind": "identity"}]}}
    nodes["y"]["inputs"].append({"from": "x", "kind": "identity"})
    with pytest.raises(InputError, match=r"edge x->y \(identity\): two edges of one kind"):
        Architecture.from_data(nodes, "y")


def test_edges_of_different_kinds_stand_side_by_side() -> None:
    nodes: Nodes = {"x": {"width": 1}, "y": {"width": 1, "inputs": ["x", {"from": "x", "kind": "identity"}]}}
    assert [edge.kind for edge in Architecture.from_data(nodes, "y").edges] == ["dense", "identity"]


def test_a_vertex_that_computes_must_be_fed() -> None:
    message = refusal([X, H, Y], [HY], ["y"])
    assert "nodes.h: no input reaches this vertex: it has an activation but no inputs: activation='tanh'" in message
    assert "give it inputs, or drop the activation" in message


def test_a_vertex_that_carries_data_must_not_be_fed() -> None:
    message = refusal([X, Vertex("h", 3), Y], [XH, HY], ["y"])
    assert "nodes.h: a vertex with inputs needs an activation" in message


def test_a_vertex_without_effect_is_refused() -> None:
    message = refusal([X, H, Y, Vertex("z", 3, "tanh")], [XH, HY, Edge("x", "z", Dense(2, 3))], ["y"])
    assert message == (
        "nodes.z: no output can be reached from this vertex, so the error does not depend on it: vertices=['z']; "
        "remove it, feed it into another vertex or name it in output"
    )
    assert "nodes.u: no output" in refusal([X, Vertex("u", 2), H, Y], [XH, HY], ["y"])


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ([], "output: the network has no output: outputs=[]; name at least one vertex"),
        (["z"], "output: no such vertex: vertex='z'; correct the name, or add the vertex"),
        (["y", "y"], "output: a vertex is named twice: vertex='y'; name it once"),
        (["x"], "output: an input vertex cannot be an output: vertex='x'; feed it into a vertex"),
    ],
)
def test_wrong_outputs_are_refused(outputs: list[str], message: str) -> None:
    assert refusal([X, H, Y], [XH, HY], outputs) == message


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("z", "output: no such vertex: vertex='z'"),
        ("h9", "output: no such vertex: vertex='h9'; did you mean h"),
        (3, "output must be a name or a list of names: output=3"),
        (["y", 3], "output must be a name or a list of names"),
        ([], "output: the network has no output"),
        ("x", "output: an input vertex cannot be an output"),
    ],
)
def test_wrong_output_entries_are_refused(network: Nodes, output: Any, message: str) -> None:
    with pytest.raises(InputError) as raised:
        Architecture.from_data(network, output)
    assert message in str(raised.value)


def test_inputs_alone_are_no_network() -> None:
    with pytest.raises(InputError, match="an input vertex cannot be an output"):
        Architecture.from_data({"x": {"width": 1}})


def test_an_inner_vertex_may_be_an_output() -> None:
    assert Architecture([X, H, Y], [XH, HY], ["h", "y"]).output_dimension == 4


def test_equal_and_look_alike_names_are_refused() -> None:
    assert "two vertices bear the same name: name='x'" in refusal([X, X, H, Y], [XH, HY], ["y"])
    assert "look alike" in refusal([X, H, Y, Vertex("\u0445", 1)], [XH, HY], ["y"])


def test_an_unknown_activation_is_refused_with_its_place(network: Nodes) -> None:
    network["h2"]["activation"] = "tanhh"
    with pytest.raises(InputError, match=r"^nodes\.h2\.activation: .*tanhh"):
        Architecture.from_data(network, "y")


def test_too_many_parameters_are_refused() -> None:
    nodes: Nodes = {"x": {"width": 2**20}, "y": {"width": 2**20, "inputs": ["x"]}}
    with pytest.raises(InputError, match=r"nodes\.y: too many trainable parameters"):
        Architecture.from_data(nodes, "y")
