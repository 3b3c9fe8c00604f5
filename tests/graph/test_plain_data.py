"""Graphs as plain data and as networkx graphs: every operation, random graphs, malformed data."""

from __future__ import annotations

import json
import random
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graph.random_graphs import random_case
from tests.operations.samples import SAMPLES, Sample, identifier
from verify.graph.graph import Graph
from verify.graph.tensor import GraphBuilder
from verify.outcomes import InputError


def applied(sample: Sample) -> Graph:
    operation, shapes = sample
    builder = GraphBuilder()
    builder.place = "here"
    leaves = [builder.parameter(f"p{index}", shape) for index, shape in enumerate(shapes)]
    return builder.build(builder.add(operation, *leaves))


@pytest.mark.parametrize("sample", SAMPLES, ids=identifier)
def test_every_operation_survives(sample: Sample) -> None:
    graph = applied(sample)
    assert Graph.from_data(json.loads(json.dumps(graph.to_data()))) == graph
    assert Graph.from_networkx(graph.to_networkx()) == graph


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6))
def test_random_graphs_survive(seed: int) -> None:
    problem = random_case(seed).problem
    for graph in (problem.graph, problem.gradient_graph):
        found = Graph.from_data(json.loads(json.dumps(graph.to_data())))
        assert found == graph
        assert found.fingerprint() == graph.fingerprint()
        relabelled = nx.relabel_nodes(graph.to_networkx(), {k: f"node {k}" for k in range(len(graph.nodes))})
        relabelled.graph["outputs"] = tuple(f"node {k}" for k in graph.outputs)
        assert Graph.from_networkx(relabelled).fingerprint() == graph.fingerprint()


@settings(deadline=None, max_examples=150)
@given(seed=st.integers(0, 10**6), change=st.integers(0, 10**6))
def test_a_damaged_graph_is_another_one_or_one_line(seed: int, change: int) -> None:
    graph = random_case(seed).problem.graph
    damaged = damage(graph.to_data(), random.Random(change))
    try:
        found = Graph.from_data(damaged)
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert Graph.from_data(found.to_data()) == found


WRONG: list[Any] = [None, -1, 2**70, 1.5, "x", "1/0", "9" * 800, [], {}, True, [1, 2, 3], [-4], ["a"]]


def damage(data: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Change one value, key or node anywhere."""
    places: list[tuple[Any, Any]] = []

    def visit(value: Any) -> None:
        keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
        for key in keys:
            places.append((value, key))
            visit(value[key])

    visit(data)
    value, key = rng.choice(places)
    if rng.random() < 0.3:
        del value[key]
    else:
        value[key] = rng.choice(WRONG)
    return data


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"operation": "addd"}, r"graph\.nodes\[1\]: unknown operation: operation='addd'; use one of add"),
        ({"factor": "1/0"}, r"unreadable option: option='factor'"),
        ({"factor": 0.5}, r"unreadable option: option='factor'"),
        ({"arguments": [1]}, r"unreadable option: option='arguments'"),
        ({"arguments": [0, 0]}, "takes one argument"),
        ({"extra": 1}, "unknown key: key='extra'"),
        ({"place": 3}, "a place is text"),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, Any], message: str) -> None:
    builder = GraphBuilder()
    data = builder.build(builder.parameter("w", (2,)).scale(1 / 2)).to_data()
    data["nodes"][1].update(change)
    with pytest.raises(InputError, match=message):
        Graph.from_data(data)


def test_the_place_is_no_part_of_the_fingerprint() -> None:
    builder = GraphBuilder()
    w = builder.parameter("w", (2,))
    builder.place = "somewhere"
    graph = builder.build(w.square())
    data = graph.to_data()
    data["nodes"][1]["place"] = "elsewhere"
    other = Graph.from_data(data)
    assert other != graph
    assert other.fingerprint() == graph.fingerprint()


def broken(kind: str) -> nx.DiGraph:
    builder = GraphBuilder()
    w = builder.parameter("w", (2,))
    graph = builder.build((w + w.scale(2)).sum()).to_networkx()
    match kind:
        case "cycle":
            graph.add_edge(3, 0, argument=(0,))
        case "operation":
            del graph.nodes[1]["operation"]
        case "argument":
            graph.remove_edge(0, 2)
        case "positions":
            graph.edges[1, 2]["argument"] = (0,)
        case "outputs":
            graph.graph["outputs"] = (9,)
    return graph


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("cycle", "the graph has a cycle: cycle="),
        ("operation", "networkx node 1: a node needs an operation"),
        ("argument", "networkx node 2: an argument is missing"),
        ("positions", "networkx node 2: two edges are one argument"),
        ("outputs", "the graph attribute outputs must name nodes"),
    ],
)
def test_networkx_graphs_that_are_none(kind: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Graph.from_networkx(broken(kind))
