"""networkx graphs: attributes are those of the specification, and nothing is lost there and back."""

from __future__ import annotations

from typing import Any

import networkx as nx
import pytest

from verify.architecture import Architecture
from verify.outcomes import InputError

Nodes = dict[str, dict[str, Any]]


def small() -> nx.DiGraph[str]:
    graph: nx.DiGraph[str] = nx.DiGraph(output="y")
    graph.add_node("x", width=2)
    graph.add_node("h", width=2, activation="tanh", bias=False)
    graph.add_node("y", width=1, activation="sigmoid")
    graph.add_edge("x", "h", kind="identity")
    graph.add_edge("h", "y")
    graph.add_edge("x", "y")
    return graph


def test_a_digraph_is_read() -> None:
    network = Architecture.from_networkx(small())
    assert network.to_data() == {
        "nodes": {
            "x": {"width": 2},
            "h": {"width": 2, "activation": "tanh", "inputs": [{"from": "x", "kind": "identity"}], "bias": False},
            "y": {"width": 1, "activation": "sigmoid", "inputs": ["h", "x"]},
        },
        "output": "y",
    }


def test_inputs_stand_in_the_order_of_insertion_or_of_their_positions() -> None:
    graph = small()
    graph.edges["h", "y"]["position"] = 1
    graph.edges["x", "y"]["position"] = 0
    assert [edge.source for edge in Architecture.from_networkx(graph).in_edges("y")] == ["x", "h"]
    assert [edge.source for edge in Architecture.from_networkx(small()).in_edges("y")] == ["h", "x"]


def test_the_output_is_an_argument_a_graph_attribute_or_what_feeds_nothing() -> None:
    graph = small()
    assert Architecture.from_networkx(graph, output=["h", "y"]).outputs == ("h", "y")
    del graph.graph["output"]
    assert Architecture.from_networkx(graph).outputs == ("y",)


def test_there_and_back_nothing_is_lost(network: Nodes) -> None:
    network["h3"]["inputs"] = ["h2", {"from": "h1", "kind": "identity"}, "x", "h1"]
    network["h3"]["bias"] = False
    network["h1"]["activation"] = {"expr": "x*tanh(x)"}
    read = Architecture.from_data(network, ["y", "h2"])
    graph = read.to_networkx()
    assert Architecture.from_networkx(graph) == read
    assert Architecture.from_networkx(graph).to_data() == read.to_data()
    assert set(graph.edges(keys=True)) >= {("h1", "h3", "identity"), ("h1", "h3", "dense")}
    assert graph.nodes["h3"] == {"width": 4, "activation": "sigmoid", "bias": False}
    again = Architecture.from_networkx(graph).to_networkx()
    assert nx.utils.graphs_equal(graph, again)


def test_the_graph_is_a_copy(network: Nodes) -> None:
    read = Architecture.from_data(network)
    before = read.fingerprint()
    graph = read.to_networkx()
    graph.nodes["y"]["width"] = 1
    graph.remove_node("h1")
    assert read.fingerprint() == before


def with_changes(kind: str) -> Any:
    graph = small()
    match kind:
        case "undirected":
            return graph.to_undirected()
        case "table":
            return {"x": {"width": 2}}
        case "numbers":
            return nx.convert_node_labels_to_integers(graph)
        case "inputs":
            graph.nodes["y"]["inputs"] = ["h"]
        case "node key":
            graph.nodes["y"]["color"] = "red"
        case "edge key":
            graph.edges["h", "y"]["weight"] = 1.0
        case "from":
            graph.edges["h", "y"]["from"] = "x"
        case "type":
            graph.nodes["y"]["width"] = 1.0
        case "no width":
            graph.add_edge("q", "y")
        case "some positions":
            graph.edges["h", "y"]["position"] = 0
        case "equal positions":
            graph.edges["h", "y"]["position"] = graph.edges["x", "y"]["position"] = 0
        case "no position":
            graph.edges["h", "y"]["position"] = graph.edges["x", "y"]["position"] = "first"
        case "cycle":
            graph.add_edge("y", "h")
        case "self-loop":
            graph.add_edge("h", "h")
        case "key":
            graph = nx.MultiDiGraph(graph)
            graph.add_edge("x", "h", key="dense", kind="identity")
        case "parallel":
            graph = nx.MultiDiGraph(graph)
            graph.add_edge("x", "y")
    return graph


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("undirected", "the graph is undirected: type='Graph'; use networkx.DiGraph"),
        ("table", "a networkx graph is needed: type='dict'"),
        ("numbers", "a vertex name must be a string: name=0, type='int'; rename it, with networkx by nx.relabel"),
        ("inputs", "nodes.y: inputs are edges in a graph: inputs="),
        ("node key", "nodes.y: unknown key: key='color'; known keys are width"),
        ("edge key", "nodes.y.inputs[0]: unknown key: key='weight'; known keys are from, kind"),
        ("from", "edge h->y: an edge's ends are not attributes"),
        ("type", "nodes.y: width must be a whole number: type='float', width=1.0"),
        ("no width", "nodes.q: width is missing"),
        ("some positions", "nodes.y: some edges into the vertex bear a position and some do not"),
        ("equal positions", "nodes.y: two edges into the vertex bear the same position: positions=[0, 0]"),
        ("no position", "nodes.y: position must be a whole number: type='str', position='first'"),
        ("cycle", "the graph has a cycle: cycle='h -> y -> h'"),
        ("self-loop", "edge h->h: a vertex feeds itself"),
        ("key", "edge x->h: the edge's key names another kind than its attribute: key='dense', kind='identity'"),
        ("parallel", "edge x->y: two edges of one kind between the same vertices"),
    ],
)
def test_what_is_no_network_is_refused(kind: str, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        Architecture.from_networkx(with_changes(kind))
    assert message in str(refusal.value)
