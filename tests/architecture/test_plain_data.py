"""The nodes table of a specification: what is read, what is written back, and what is refused."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify.architecture import Architecture, AvgPool2d, Concat, Conv2d, Dense, Flatten, Identity
from verify.outcomes import InputError

Nodes = dict[str, dict[str, Any]]

IMAGES: Nodes = {
    "x": {"shape": [2, 6, 6]},
    "c": {
        "shape": [3, 3, 3],
        "activation": "tanh",
        "inputs": [
            {"from": "x", "kind": "conv2d", "channels": 3, "kernel": [3, 3], "stride": [2, 2], "padding": [1, 1]}
        ],
        "bias": "channel",
    },
    "p": {
        "shape": [3, 2, 2],
        "activation": "identity",
        "inputs": [{"from": "c", "kind": "avgpool2d", "kernel": [2, 2], "stride": [1, 1]}],
        "bias": False,
    },
    "f": {"width": 12, "activation": {"expr": "x*tanh(x)"}, "inputs": [{"from": "p", "kind": "flatten"}]},
    "g": {"width": 12, "activation": "sigmoid", "inputs": ["f", {"from": "f", "kind": "identity"}]},
    "y": {
        "width": 30,
        "activation": "identity",
        "inputs": [{"from": "g", "kind": "concat", "offset": 18}, "g", {"from": "f", "kind": "concat", "offset": 0}],
    },
}


@st.composite
def networks(draw: st.DrawFn) -> tuple[Nodes, list[str]]:
    """Random tables whose vertices stand in any order, every one on a path to an output."""
    count = draw(st.integers(2, 8))
    nodes: Nodes = {"v0": {"width": draw(st.integers(1, 3))}}
    feeding = set()
    for k in range(1, count):
        if draw(st.booleans()) and k < count - 1 and k < 3:
            nodes[f"v{k}"] = {"width": draw(st.integers(1, 3))}
            continue
        sources = draw(st.lists(st.integers(0, k - 1), min_size=1, max_size=4, unique=True))
        width = draw(st.integers(1, 3))
        inputs: list[Any] = []
        for source in sources:
            feeding.add(f"v{source}")
            inputs.append(f"v{source}")
            if nodes[f"v{source}"]["width"] == width and draw(st.booleans()):
                inputs.append({"from": f"v{source}", "kind": "identity"})
        nodes[f"v{k}"] = {
            "width": width,
            "activation": draw(st.sampled_from(["tanh", "sigmoid", "identity"])),
            "inputs": draw(st.permutations(inputs)),
        }
        if draw(st.booleans()):
            nodes[f"v{k}"]["bias"] = False
    last = f"v{count - 1}"
    nodes[last]["inputs"] += [name for name in nodes if name not in feeding and name != last]
    order = draw(st.permutations(list(nodes)))
    return {name: nodes[name] for name in order}, [last]


def test_every_kind_of_edge_is_read() -> None:
    network = Architecture.from_data(IMAGES, "y")
    maps = {edge.key: edge.map for edge in network.edges}
    assert maps == {
        ("x", "c", "conv2d"): Conv2d((2, 6, 6), 3, (3, 3), (2, 2), (1, 1)),
        ("c", "p", "avgpool2d"): AvgPool2d((3, 3, 3), (2, 2), (1, 1)),
        ("p", "f", "flatten"): Flatten(12),
        ("f", "g"): Dense(12, 12),
        ("f", "g", "identity"): Identity(12),
        ("g", "y", "concat"): Concat(12, 30, 18),
        ("g", "y"): Dense(12, 30),
        ("f", "y", "concat"): Concat(12, 30, 0),
    }
    assert [edge.kind for edge in network.in_edges("y")] == ["concat", "dense", "concat"]


def test_a_table_comes_back_as_it_was() -> None:
    data = Architecture.from_data(IMAGES, "y").to_data()
    assert data == {"nodes": IMAGES, "output": "y"}
    assert list(data["nodes"]) == list(IMAGES)


@given(networks())
def test_random_tables_come_back_as_they_were(drawn: tuple[Nodes, list[str]]) -> None:
    nodes, output = drawn
    before = copy.deepcopy(nodes)
    network = Architecture.from_data(nodes, output)
    data = network.to_data()
    assert nodes == before
    assert data["nodes"] == nodes
    assert list(data["nodes"]) == list(nodes)
    assert Architecture.from_data(**data) == network
    assert Architecture.from_data(**data).fingerprint() == network.fingerprint()


def test_defaults(network: Nodes) -> None:
    del network["h1"]["activation"]
    network["h2"]["bias"] = True
    network["x"]["bias"] = True
    network["h3"]["inputs"][1] = {"from": "h1", "kind": "dense"}
    read = Architecture.from_data(network)
    assert read.vertices["h1"].activation_spec == "identity"
    assert read.vertices["h2"].bias == "unit"
    assert read.vertices["x"].bias is None
    assert read.outputs == ("y",)
    assert read.to_data()["nodes"]["h3"]["inputs"] == ["h2", "h1"]


def test_strides_padding_and_squares_may_be_left_out() -> None:
    convolution = {"from": "x", "kind": "conv2d", "channels": 1, "kernel": 2}
    pooling = {"from": "c", "kind": "avgpool2d", "kernel": [1, 2], "stride": None}
    network = Architecture.from_data(
        {
            "x": {"shape": [1, 3, 3]},
            "c": {"shape": [1, 2, 2], "inputs": [convolution]},
            "y": {"width": 2, "inputs": [pooling]},
        }
    )
    assert network.in_edges("c")[0].map == Conv2d((1, 3, 3), 1, (2, 2), (1, 1), (0, 0))
    assert network.in_edges("y")[0].map == AvgPool2d((1, 2, 2), (1, 2), (1, 2))


def test_numpy_integers_are_whole_numbers(network: Nodes) -> None:
    network["x"]["width"] = np.int64(6)
    assert Architecture.from_data(network).to_data()["nodes"]["x"] == {"width": 6}
    assert type(Architecture.from_data(network).vertices["x"].width) is int


def test_several_outputs_are_concatenated_in_the_listed_order(network: Nodes) -> None:
    read = Architecture.from_data(network, ["y", "h2"])
    assert read.outputs == ("y", "h2")
    assert read.output_dimension == 8
    assert read.output_columns == {"y": slice(0, 6), "h2": slice(6, 8)}
    assert read.to_data()["output"] == ["y", "h2"]


def test_several_inputs_take_consecutive_columns_in_file_order() -> None:
    nodes: Nodes = {"b": {"width": 2}, "y": {"width": 1, "inputs": ["a", "b"]}, "a": {"width": 3}}
    read = Architecture.from_data(nodes, "y")
    assert read.inputs == ("b", "a")
    assert read.input_columns == {"b": slice(0, 2), "a": slice(2, 5)}
    assert read.input_dimension == 5


@pytest.mark.parametrize(
    ("node", "entry", "message"),
    [
        ("h1", {"wdith": 3}, "nodes.h1: unknown key: key='wdith'; known keys are width, shape, activation"),
        ("h1", {"width": None}, "nodes.h1: width is missing: found="),
        ("h1", {"width": 0}, "nodes.h1: width must be at least 1: width=0"),
        ("h1", {"width": 10**9}, "nodes.h1: width is too large"),
        ("h1", {"width": [4]}, "nodes.h1: width must be a whole number: type='list', width=[4]"),
        ("h1", {"width": None, "shape": [2, 2]}, "nodes.h1: shape must be a list of 3 whole numbers"),
        ("h1", {"shape": [1, 1, 5]}, "nodes.h1: width and shape disagree: width=4, shape=(1, 1, 5)"),
        ("h1", {"bias": "none"}, """nodes.h1: bias must be true, false or "channel": bias='none'"""),
        ("h1", {"bias": 1}, "nodes.h1: bias must be true, false"),
        ("h1", {"bias": "channel"}, "nodes.h1: a bias per channel needs an image"),
        ("h1", {"activation": 1.5}, "nodes.h1: activation must be a name or a formula: activation=1.5"),
        ("h1", {"inputs": "x"}, """nodes.h1: inputs must be a list: inputs='x'; write inputs = ["x"]"""),
        ("h1", {"inputs": [3]}, "nodes.h1.inputs[0]: an input must be a name or a table: input=3"),
        ("h1", {"inputs": ["x", "h9"]}, "nodes.h1.inputs[1]: no such vertex: vertex='h9'; did you mean h"),
        ("h1", {"inputs": ["zzz"]}, "nodes.h1.inputs[0]: no such vertex: vertex='zzz'; add the vertex or remove"),
        ("h1", {"inputs": [{"kind": "dense"}]}, "nodes.h1.inputs[0]: from is missing: found=['kind']; add from = ..."),
        ("h1", {"inputs": [{"from": 1}]}, "nodes.h1.inputs[0]: from must be a name: from=1"),
        ("h1", {"inputs": [{"from": "x", "kind": "lstm"}]}, "unknown kind of edge: kind='lstm'; known kinds are dense"),
        ("h1", {"inputs": [{"from": "x", "kind": ["a"]}]}, "unknown kind of edge: kind=['a']"),
        ("h1", {"inputs": [{"from": "x", "kind": "dense", "rank": 1}]}, "unknown key: key='rank'; known keys are from"),
        (
            "h1",
            {"inputs": [{"from": "x", "kind": "identity"}]},
            "an identity edge joins vertices of equal widths: source='x', source_units=6, target='h1', target_units=4",
        ),
        (
            "h1",
            {"inputs": [{"from": "x", "kind": "concat"}]},
            "nodes.h1.inputs[0]: offset is missing: found=['from', 'kind']; add offset",
        ),
        (
            "h1",
            {"inputs": [{"from": "x", "kind": "concat", "offset": 0}]},
            "does not fit into its target: offset=0, source_width=6, target_width=4; the target needs a width of at",
        ),
        ("y", {"inputs": [{"from": "h2", "kind": "concat", "offset": -1}]}, "offset must be at least 0: offset=-1"),
        ("h1", {"inputs": [{"from": "x", "kind": "flatten"}]}, "a flatten edge leads from an image to a vector"),
        (
            "h1",
            {"inputs": [{"from": "x", "kind": "avgpool2d", "kernel": [2, 2]}]},
            "reads an image, but its source has a width only: source='x', width=6; give x a shape",
        ),
        ("x", {"activation": "tanh"}, "nodes.x: no input reaches this vertex: it has an activation but no inputs"),
        ("x", {"bias": "channel"}, "nodes.x: a bias per channel needs an image"),
    ],
)
def test_a_wrong_node_is_refused_with_its_place(network: Nodes, node: str, entry: dict[str, Any], message: str) -> None:
    network[node] |= entry
    with pytest.raises(InputError) as refusal:
        Architecture.from_data(network, "y")
    assert message in str(refusal.value)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    ("node", "position", "entry", "message"),
    [
        ("c", 0, {"channels": 0}, "nodes.c.inputs[0]: channels must be at least 1: channels=0"),
        ("c", 0, {"channels": None}, "nodes.c.inputs[0]: channels is missing"),
        ("c", 0, {"kernel": None}, "nodes.c.inputs[0]: kernel is missing"),
        ("c", 0, {"kernel": [3]}, "kernel must be a list of 2 whole numbers: kernel=[3]"),
        ("c", 0, {"kernel": "33"}, "kernel must be a whole number"),
        ("c", 0, {"stride": [0, 1]}, "stride[0] must be at least 1: stride[0]=0"),
        ("c", 0, {"padding": [3, 0]}, "padding must be less than the kernel"),
        ("c", 0, {"padding": -1}, "padding must be at least 0: padding=-1"),
        ("c", 0, {"kernel": [9, 9], "padding": 0}, "the kernel is larger than the padded image: kernel=(9, 9)"),
        ("c", 0, {"dilation": 2}, "unknown key: key='dilation'; known keys are from, kind, channels"),
        (
            "c",
            0,
            {"padding": [0, 0]},
            "the edge produces another shape than its target has: produced=[3, 2, 2], target='c', has=[3, 3, 3]; "
            "set the shape of c to [3, 2, 2]",
        ),
        ("p", 0, {"kernel": [1, 1]}, "produced=[3, 3, 3], target='p', has=[3, 2, 2]"),
        ("p", 0, {"padding": 1}, "unknown key: key='padding'"),
        ("f", 0, {"from": "c"}, "a flatten edge keeps the number of units: source='c', source_units=[3, 3, 3]"),
        ("p", 0, {"from": "x", "kind": "flatten", "kernel": None, "stride": None}, "unknown key: key='kernel'"),
    ],
)
def test_a_wrong_structured_edge_is_refused_with_its_place(
    node: str, position: int, entry: dict[str, Any], message: str
) -> None:
    nodes = copy.deepcopy(IMAGES)
    nodes[node]["inputs"][position] |= entry
    with pytest.raises(InputError) as refusal:
        Architecture.from_data(nodes, "y")
    assert message in str(refusal.value)


def test_an_identity_edge_keeps_the_shape_of_images() -> None:
    nodes = {"x": {"shape": [1, 2, 3]}, "y": {"shape": [1, 3, 2], "inputs": [{"from": "x", "kind": "identity"}]}}
    with pytest.raises(InputError, match="an identity edge joins images of equal shapes"):
        Architecture.from_data(nodes, "y")


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ({}, "nodes: the network has no nodes: nodes={}; add"),
        ([], "nodes: the network has no nodes"),
        ({"x": 3}, "nodes.x: a node must be a table: node=3"),
        ({3: {"width": 1}}, "nodes: a vertex name must be a string: name=3"),
        ({"a b": {"width": 1}}, "nodes: a vertex name consists of letters"),
        ({"c": {"width": 1}, "\u0441": {"width": 1}}, "nodes: two vertices bear names that look alike"),
    ],
)
def test_a_wrong_table_is_refused(nodes: Any, message: str) -> None:
    with pytest.raises(InputError) as refusal:
        Architecture.from_data(nodes, "y")
    assert message in str(refusal.value)
