"""The network as a whole: paths, fingerprint, immutability, size."""

from __future__ import annotations

import copy
import json
import pickle
import time
from typing import Any

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.architecture import Architecture

Nodes = dict[str, dict[str, Any]]


def ladder(steps: int) -> Nodes:
    """Every vertex feeds the next one twice: through weights and as it is."""
    nodes: Nodes = {"v0": {"width": 1}}
    for k in range(1, steps + 1):
        previous = f"v{k - 1}"
        nodes[f"v{k}"] = {
            "width": 1,
            "activation": "tanh",
            "inputs": [previous, {"from": previous, "kind": "identity"}],
        }
    return nodes


def test_a_ladder_of_forty_steps_has_two_to_the_fortieth_paths() -> None:
    assert Architecture.from_data(ladder(40)).path_count() == 2**40


@given(st.integers(2, 7), st.randoms(use_true_random=False))
def test_path_count_is_the_number_of_paths(count: int, random: Any) -> None:
    nodes: Nodes = {"v0": {"width": 1}, "v1": {"width": 1}}
    for k in range(2, count + 1):
        sources = random.sample(range(k), random.randint(1, k))
        nodes[f"v{k}"] = {"width": 1, "inputs": [f"v{source}" for source in sources]}
        if random.random() < 0.5:
            nodes[f"v{k}"]["inputs"].append({"from": f"v{sources[0]}", "kind": "identity"})
    feeding = {
        entry if isinstance(entry, str) else entry["from"]
        for node in nodes.values()
        for entry in node.get("inputs", ())
    }
    nodes["y"] = {"width": 1, "inputs": [name for name in nodes if name not in feeding]}
    network = Architecture.from_data(nodes, ["y", "v2"] if "v2" in feeding else "y")
    graph = network.to_networkx()
    expected = sum(
        1
        for source in network.inputs
        for sink in network.outputs
        for _ in nx.all_simple_edge_paths(graph, source, sink)
    )
    assert network.path_count() == expected


def test_the_fingerprint_tells_networks_apart(network: Nodes) -> None:
    original = Architecture.from_data(network, "y")
    assert len(original.fingerprint()) == 64
    assert Architecture.from_data(json.loads(json.dumps(network)), "y").fingerprint() == original.fingerprint()

    def changed(change: Any) -> Architecture:
        nodes = copy.deepcopy(network)
        change(nodes)
        return Architecture.from_data(nodes, "y")

    variants = [
        Architecture.from_data(network, ["y", "h1"]),
        Architecture.from_data(dict(reversed(network.items())), "y"),
        changed(lambda nodes: nodes["h1"].update(width=5)),
        changed(lambda nodes: nodes["h1"].update(activation="tanh")),
        changed(lambda nodes: nodes["h1"].update(activation={"expr": "tanh(x)"})),
        changed(lambda nodes: nodes["h1"].update(bias=False)),
        changed(lambda nodes: nodes["h2"].update(inputs=["x", "h1"])),
        changed(lambda nodes: nodes["h2"].update(inputs=["h1"])),
        changed(lambda nodes: nodes["h3"].update(inputs=["h2", {"from": "h1", "kind": "identity"}])),
        changed(lambda nodes: nodes["h3"].update(inputs=["h2", "h1", {"from": "h1", "kind": "identity"}])),
    ]
    prints = {variant.fingerprint() for variant in variants} | {original.fingerprint()}
    assert len(prints) == len(variants) + 1
    assert all(variant != original for variant in variants)


def test_a_fingerprint_is_the_same_in_every_process_and_version() -> None:
    nodes: Nodes = {"x": {"width": 2}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    expected = "ae79334319d6bc124052b895bef6da04409796a09f2ec4ed00ca166cdc6d8b35"
    assert Architecture.from_data(nodes, "y").fingerprint() == expected


def test_a_network_is_immutable_and_survives_pickling(network: Nodes) -> None:
    read = Architecture.from_data(network, "y")
    for change in ("vertices", "blocks", "size", "order"):
        with pytest.raises(AttributeError):
            setattr(read, change, None)
    with pytest.raises(TypeError):
        read.vertices["z"] = None  # type: ignore[index]
    with pytest.raises(TypeError):
        read.blocks["z"] = slice(0)  # type: ignore[index]
    network["y"]["width"] = 99
    assert read.vertices["y"].width == 6
    again = pickle.loads(pickle.dumps(read))  # noqa: S301 -- bytes made on the spot
    assert again == read
    assert hash(again) == hash(read)
    assert read != "network"


def test_edges_are_found_from_both_ends(network: Nodes) -> None:
    read = Architecture.from_data(network, "y")
    assert [edge.source for edge in read.in_edges("h2")] == ["h1", "x"]
    assert [edge.target for edge in read.out_edges("h1")] == ["h2", "h3"]
    assert read.in_edges("x") == ()
    assert read.out_edges("y") == ()
    assert {edge for name in read.vertices for edge in read.out_edges(name)} == set(read.edges)


def test_a_network_describes_itself(network: Nodes) -> None:
    assert repr(Architecture.from_data(network, "y")) == "<Architecture: 5 vertices, 6 edges, 108 parameters>"


@pytest.mark.slow
@pytest.mark.parametrize("backwards", [False, True])
def test_a_hundred_thousand_vertices_are_checked_within_thirty_seconds(backwards: bool) -> None:
    nodes = ladder(99_999)
    if backwards:
        nodes = dict(reversed(nodes.items()))
    start = time.perf_counter()
    network = Architecture.from_data(nodes, "v99999")
    elapsed = time.perf_counter() - start
    assert network.path_count() == 2**99_999
    assert network.order[0] == "v1"
    assert elapsed < 30
