"""Spec files with every layer and loss: results by definitions written anew, parameters, ties, decay, refusals."""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from verify.calculus.problem import Problem
from verify.graph.evaluation import evaluate
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder
from verify.layers import LAYERS
from verify.losses import LOSSES
from verify.outcomes import InputError
from verify.spec import lint, load_problem
from verify.spec.document import read_document
from verify.spec.schema import spec_schema
from verify.spec.writing import _value

SAMPLES = 3
Parts = dict[str, np.ndarray]


def convolved(h: np.ndarray, k: np.ndarray, stride: int, padding: int, dilation: int, groups: int) -> np.ndarray:
    """Correlate entry by entry."""
    wide = np.pad(h, [(0, 0), (0, 0), *[(padding, padding)] * (h.ndim - 2)])
    grid = [(n - (s - 1) * dilation - 1) // stride + 1 for n, s in zip(wide.shape[2:], k.shape[2:], strict=True)]
    out = np.zeros((len(h), len(k), *grid))
    per = k.shape[1]
    for o, place, c, inside in itertools.product(
        range(len(k)), np.ndindex(*grid), range(per), np.ndindex(*k.shape[2:])
    ):
        group = o // (len(k) // groups)
        at = [p * stride + i * dilation for p, i in zip(place, inside, strict=True)]
        out[(slice(None), o, *place)] += k[(o, c, *inside)] * wide[(slice(None), group * per + c, *at)]
    return out


def transposed(h: np.ndarray, k: np.ndarray, stride: int, padding: int) -> np.ndarray:
    (length,) = h.shape[2:]
    wide = np.zeros((len(h), k.shape[1], (length - 1) * stride + k.shape[2]))
    for c, o, i, j in itertools.product(range(k.shape[0]), range(k.shape[1]), range(length), range(k.shape[2])):
        wide[:, o, i * stride + j] += h[:, c, i] * k[c, o, j]
    return wide[:, :, padding : wide.shape[2] - padding]


def pooled(h: np.ndarray, side: int, stride: int, padding: int, how: Callable[..., np.ndarray], fill: float):
    wide = np.pad(h, [(0, 0), (0, 0), (padding, padding), (padding, padding)], constant_values=fill)
    rows = range(0, wide.shape[2] - side + 1, stride)
    return np.stack(
        [np.stack([how(wide[:, :, i : i + side, j : j + side], axis=(2, 3)) for j in rows], axis=-1) for i in rows],
        axis=-2,
    )


def normal(h: np.ndarray, axes: tuple[int, ...], epsilon: float) -> np.ndarray:
    return (h - h.mean(axes, keepdims=True)) / np.sqrt(h.var(axes, keepdims=True) + epsilon)


def soft(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def attended(h: np.ndarray, seen: np.ndarray, p: Parts, heads: int, causal: bool) -> np.ndarray:
    q, k, v = (x @ p[n].T + p[f"{n}_bias"] for x, n in ((h, "query"), (seen, "key"), (seen, "value")))
    size = q.shape[-1] // heads
    parts = []
    for head in range(heads):
        cut = slice(head * size, (head + 1) * size)
        scores = q[..., cut] @ k[..., cut].swapaxes(1, 2) / np.sqrt(size)
        if causal:
            scores = np.where(np.tril(np.ones(scores.shape[1:])) > 0, scores, -np.inf)
        parts.append(soft(scores) @ v[..., cut])
    return np.concatenate(parts, -1) @ p["output"].T + p["output_bias"]


def sigma(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def recurrent(kind: str, h: np.ndarray, p: Parts) -> np.ndarray:
    """States after every step of an LSTM (gates i, f, g, o) or a GRU (r, z, n), gate by gate and unit by unit."""
    units = p["state_weight"].shape[1]
    found = np.zeros((*h.shape[:2], units))
    for n in range(len(h)):
        state, cell = np.zeros(units), np.zeros(units)
        for t in range(h.shape[1]):
            seen = [
                p["input_weight"][k] @ h[n, t] + p.get("input_bias", np.zeros(4 * units))[k]
                for k in range(len(p["input_weight"]))
            ]
            kept = [
                p["state_weight"][k] @ state + p.get("state_bias", np.zeros(4 * units))[k]
                for k in range(len(p["state_weight"]))
            ]
            following = np.zeros(units)
            for u in range(units):
                x, s = seen[u::units], kept[u::units]
                if kind == "lstm":
                    cell[u] = sigma(x[1] + s[1]) * cell[u] + sigma(x[0] + s[0]) * np.tanh(x[2] + s[2])
                    following[u] = sigma(x[3] + s[3]) * np.tanh(cell[u])
                else:
                    z = sigma(x[1] + s[1])
                    following[u] = (1 - z) * np.tanh(x[2] + sigma(x[0] + s[0]) * s[2]) + z * state[u]
            state = found[n, t] = following
    return found


@dataclasses.dataclass(frozen=True)
class Sample:
    """A layer with options, shapes of its inputs, the parameters that it has, and what it computes."""

    name: str
    options: dict[str, object]
    shapes: tuple[tuple[int, ...], ...]
    parameters: dict[str, tuple[int, ...]]
    result: Callable[..., np.ndarray]


def sample(name: str, options: dict[str, object], *shapes: tuple[int, ...], result, **parameters) -> Sample:
    return Sample(name, options, shapes, parameters, result)


CASES = [
    sample(
        "dense", {"features": 4}, (5, 3), weight=(4, 3), bias=(4,), result=lambda p, h: h @ p["weight"].T + p["bias"]
    ),
    sample("dense", {"features": 4, "bias": False}, (3,), weight=(4, 3), result=lambda p, h: h @ p["weight"].T),
    sample(
        "convolution",
        {"channels": 4, "kernel": [3, 2], "stride": 2, "padding": 1, "dilation": 1, "groups": 2},
        (2, 5, 6),
        weight=(4, 1, 3, 2),
        bias=(4,),
        result=lambda p, h: convolved(h, p["weight"], 2, 1, 1, 2) + p["bias"][:, None, None],
    ),
    sample(
        "convolution",
        {"channels": 2, "kernel": 2, "dilation": 2, "bias": False},
        (3, 7),
        weight=(2, 3, 2),
        result=lambda p, h: convolved(h, p["weight"], 1, 0, 2, 1),
    ),
    sample(
        "transposed_convolution",
        {"channels": 2, "kernel": 3, "stride": 2, "padding": 1},
        (3, 4),
        weight=(3, 2, 3),
        bias=(2,),
        result=lambda p, h: transposed(h, p["weight"], 2, 1) + p["bias"][:, None],
    ),
    sample(
        "average_pool",
        {"kernel": 2, "padding": 1},
        (2, 4, 4),
        result=lambda p, h: pooled(h, 2, 2, 1, np.mean, 0.0),
    ),
    sample(
        "max_pool",
        {"kernel": [2, 2], "stride": 1, "padding": 1},
        (2, 4, 4),
        result=lambda p, h: pooled(h, 2, 1, 1, np.max, -np.inf),
    ),
    sample("adaptive_average_pool", {}, (2, 4, 3), result=lambda p, h: h.mean((2, 3), keepdims=True)),
    sample(
        "adaptive_average_pool",
        {"parts": 2},
        (2, 5),
        result=lambda p, h: np.stack([h[..., :3].mean(-1), h[..., 2:].mean(-1)], -1),
    ),
    sample("upsample", {"factors": [2, 1]}, (2, 2, 3), result=lambda p, h: np.repeat(h, 2, axis=2)),
    sample(
        "pad",
        {"before": [1, 0], "after": 2},
        (2, 2, 3),
        result=lambda p, h: np.pad(h, [(0, 0), (0, 0), (1, 2), (0, 2)]),
    ),
    sample(
        "layer_norm",
        {"epsilon": 0.5},
        (2, 4),
        scale=(4,),
        shift=(4,),
        result=lambda p, h: normal(h, (-1,), 0.5) * p["scale"] + p["shift"],
    ),
    sample(
        "rms_norm",
        {"epsilon": 0.5},
        (2, 4),
        scale=(4,),
        result=lambda p, h: h / np.sqrt((h**2).mean(-1, keepdims=True) + 0.5) * p["scale"],
    ),
    sample(
        "group_norm",
        {"groups": 2, "epsilon": 0.5},
        (4, 3),
        scale=(4,),
        shift=(4,),
        result=lambda p, h: (
            normal(h.reshape(-1, 2, 2, 3), (2, 3), 0.5).reshape(h.shape) * p["scale"][:, None] + p["shift"][:, None]
        ),
    ),
    sample(
        "batch_norm",
        {"epsilon": 0.5},
        (2, 3),
        scale=(2,),
        shift=(2,),
        result=lambda p, h: normal(h, (0, 2), 0.5) * p["scale"][:, None] + p["shift"][:, None],
    ),
    sample(
        "attention",
        {"heads": 2, "causal": True},
        (3, 4),
        **dict.fromkeys(("query", "key", "value", "output"), (4, 4)),
        **{f"{name}_bias": (4,) for name in ("query", "key", "value", "output")},
        result=lambda p, h: attended(h, h, p, 2, True),
    ),
    sample(
        "attention",
        {},
        (3, 4),
        (2, 5),
        query=(4, 4),
        key=(4, 5),
        value=(4, 5),
        output=(4, 4),
        **{f"{name}_bias": (4,) for name in ("query", "key", "value", "output")},
        result=lambda p, h, seen: attended(h, seen, p, 1, False),
    ),
    sample(
        "embedding",
        {"rows": 5, "features": 3},
        (2,),
        table=(5, 3),
        result=lambda p, h: p["table"][h.astype(int)],
    ),
    sample("positions", {}, (2, 3), table=(2, 3), result=lambda p, h: h + p["table"]),
    *(
        sample(
            kind,
            {"units": 2, "last": last, "bias": bias},
            (3, 2),
            input_weight=(2 * gates, 2),
            **({"input_bias": (2 * gates,)} if bias else {}),
            state_weight=(2 * gates, 2),
            **({"state_bias": (2 * gates,)} if bias else {}),
            result=lambda p, h, kind=kind, last=last: recurrent(kind, h, p)[:, -1 if last else slice(None)],
        )
        for kind, gates in (("lstm", 4), ("gru", 3))
        for last, bias in ((False, True), (True, False))
    ),
    sample("softmax", {}, (2, 3), result=lambda p, h: soft(h)),
    sample("logsumexp", {}, (2, 3), result=lambda p, h: np.log(np.exp(h).sum(-1))),
    sample("sum", {}, (2, 3), (1, 3), (2, 3), result=lambda p, a, b, c: a + b + c),
    sample("product", {}, (2, 3), (2, 1), result=lambda p, a, b: a * b),
    sample("matrix_product", {}, (2, 3), (3, 4), result=lambda p, a, b: a @ b),
    sample("matrix_product", {"transpose": True}, (2, 3), (4, 3), result=lambda p, a, b: a @ b.swapaxes(1, 2)),
    sample("concat", {"along": 0}, (2, 3), (1, 3), result=lambda p, a, b: np.concatenate([a, b], 1)),
    sample("flatten", {}, (2, 3), result=lambda p, h: h.reshape(len(h), 6)),
    sample("reshape", {"to": [3, 2]}, (2, 3), result=lambda p, h: h.reshape(len(h), 3, 2)),
    sample("permute", {"axes": [1, 0]}, (2, 3), result=lambda p, h: h.swapaxes(1, 2)),
    sample("slice", {"start": 1, "stop": 5, "step": 2}, (2, 6), result=lambda p, h: h[..., 1:5:2]),
    sample("mean", {"axes": [0, -1]}, (2, 3, 4), result=lambda p, h: h.mean((1, 3))),
    sample("total", {"axes": [-2]}, (2, 3, 4), result=lambda p, h: h.sum(2)),
]


def identifier(case: Sample) -> str:
    return f"{case.name}-{case.options}"


def numbers(case: Sample) -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    if LAYERS[case.name].reads_integers:
        return [rng.integers(0, 5, size=(SAMPLES, *shape)).astype(float) for shape in case.shapes]
    return [rng.normal(size=(SAMPLES, *shape)) for shape in case.shapes]


def spec_of(case: Sample) -> str:
    """A file in which the layer's input is trained too, so that every layer's network has parameters."""
    inputs = numbers(case)
    lines = [f"x = {_value(np.concatenate([x.reshape(SAMPLES, -1) for x in inputs], 1))}", "y = [[0.0], [0.5], [1.0]]"]
    text = ["loss = 'mse'", "output = 'y'", "[data]", *lines]
    kind = LAYERS[case.name]
    for index, shape in enumerate(case.shapes):
        text += [f"[nodes.x{index}]", f"shape = {list(shape)}"]
        text += ["values = 'integer'"] if kind.reads_integers else []
    sources = [f"x{index}" for index in range(len(case.shapes))]
    options = [f"{name} = {_value(value)}" for name, value in case.options.items()]
    text += ["[nodes.l]", f"layer = '{case.name}'", f"inputs = {sources}", *options]
    return "\n".join([*text, "[nodes.y]", "width = 1", "inputs = ['l']"])


def test_every_layer_has_a_case() -> None:
    assert {case.name for case in CASES} == set(LAYERS)


@pytest.mark.parametrize("case", CASES, ids=identifier)
def test_layers_compute_what_they_say(case: Sample, tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(spec_of(case))
    jsonschema.validate(read_document(path).tables, spec_schema())
    network = read_document(path).network()
    own = {plan.label.removeprefix("l."): plan.shape for plan in network.parameters if plan.label.startswith("l.")}
    assert own == case.parameters
    problem = load_problem(path)
    assert isinstance(problem, GraphProblem)
    w = np.random.default_rng(1).normal(size=problem.size)
    parts = problem.unflatten(w)
    expected = case.result({name: parts[f"l.{name}"] for name in own}, *numbers(case))
    rows = expected.reshape(SAMPLES, -1)
    z = rows @ parts["y.weight"].T + parts["y.bias"]
    assert problem.error(w) == pytest.approx(float(np.mean((z - [[0.0], [0.5], [1.0]]) ** 2)), rel=1e-9)


@pytest.mark.parametrize("case", CASES, ids=identifier)
def test_unknown_options_and_missing_ones_are_one_line(case: Sample, tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text(spec_of(case).replace(f"layer = '{case.name}'", f"layer = '{case.name}'\nbogus = 1"))
    with pytest.raises(InputError, match=r"spec\.toml:\d+: nodes\.l\.bogus: unknown key: bogus=1; "):
        lint(path)
    needed = [f.name for f in dataclasses.fields(LAYERS[case.name]) if f.default is dataclasses.MISSING]
    if needed:
        lines = [line for line in spec_of(case).splitlines() if not line.startswith(f"{needed[0]} =")]
        path.write_text("\n".join(lines))
        with pytest.raises(InputError, match=f"missing key: key='{needed[0]}'"):
            lint(path)


BASE = """
loss = "softmax-cross-entropy"
output = "y"
[data]
x = [[0, 1.5], [2, -0.5], [1, 0.25]]
y = [0, 2, 1]
[nodes.t]
shape = [1]
values = "integer"
[nodes.v]
shape = [1]
[nodes.e]
layer = "embedding"
rows = 3
features = 4
inputs = ["t"]
[nodes.f]
layer = "flatten"
inputs = ["e"]
[nodes.h]
width = 4
inputs = ["f", "v"]
activation = "tanh"
[nodes.n]
layer = "layer_norm"
inputs = ["h"]
[nodes.y]
layer = "dense"
features = 3
inputs = ["n"]
"""


def load(tmp_path: Path, *changes: tuple[str, str]) -> GraphProblem:
    text = BASE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "spec.toml"
    path.write_text(text)
    problem = load_problem(path)
    assert isinstance(problem, GraphProblem)
    return problem


def test_parameters_stand_in_the_order_of_the_file(tmp_path: Path) -> None:
    problem = load(tmp_path)
    names = ["e.table", "h.weight.f", "h.weight.v", "h.bias", "n.scale", "n.shift", "y.weight", "y.bias"]
    assert [block.label for block in problem.blocks] == names


def test_the_order_of_the_file_is_not_that_of_evaluation(tmp_path: Path) -> None:
    first, last = BASE.split("[nodes.y]")
    head, nodes = first.split("[nodes.t]")
    path = tmp_path / "spec.toml"
    path.write_text(f"{head}[nodes.y]{last}[nodes.t]{nodes}")
    problem = load_problem(path)
    assert [block.label for block in problem.blocks][:3] == ["y.weight", "y.bias", "e.table"]
    straight = load(tmp_path)
    w = straight.initial_weights
    moved = np.concatenate([straight.unflatten(w)[block.label].ravel() for block in problem.blocks])
    assert problem.error(moved) == straight.error(w)


def test_first_weights(tmp_path: Path) -> None:
    parts = load(tmp_path).unflatten(load(tmp_path).initial_weights)
    assert np.all(parts["n.scale"] == 1)
    assert not np.any(parts["h.bias"])
    limit = math.sqrt(6 / 7)
    assert 0 < np.max(np.abs(parts["y.weight"])) <= limit
    zeros = load(tmp_path, ('output = "y"', 'output = "y"\nweights = {init = "zeros"}'))
    assert set(zeros.initial_weights.tolist()) == {0.0, 1.0}


def test_a_tied_parameter_is_one_array_with_two_uses(tmp_path: Path) -> None:
    free = load(tmp_path, ("features = 3", "features = 3\nbias = false"))
    tied = load(tmp_path, ("features = 3", 'features = 3\nbias = false\ntied = {weight = "e.table"}'))
    assert tied.size == free.size - 12
    parts = tied.unflatten(tied.initial_weights)
    w = free.flatten({**parts, "y.weight": parts["e.table"]})
    assert tied.error(tied.initial_weights) == free.error(w)
    both = free.unflatten(free.gradient(w))
    gradient = tied.unflatten(tied.gradient(tied.initial_weights))
    np.testing.assert_allclose(gradient["e.table"], both["e.table"] + both["y.weight"], rtol=1e-12)


def test_a_vertex_tied_to_another_has_no_parameters_of_its_own(tmp_path: Path) -> None:
    more = '[nodes.g]\nlayer = "layer_norm"\ninputs = ["n"]\ntied = "n"\n[nodes.y]'
    problem = load(tmp_path, ('inputs = ["n"]', 'inputs = ["g"]'), ("[nodes.y]", more))
    assert [block.label for block in problem.blocks if block.label.startswith("g")] == []


@pytest.mark.parametrize("decay", ['{"*.weight*" = 0.5}', '{"y.weight" = 0.5, "h.weight.*" = 0.5}'])
def test_weight_decay_by_parameter(tmp_path: Path, decay: str) -> None:
    plain = load(tmp_path)
    decayed = load(tmp_path, ('output = "y"', f'output = "y"\nweight_decay = {decay}'))
    w = plain.initial_weights + 0.1
    squares = sum(float(np.sum(p**2)) for label, p in plain.unflatten(w).items() if "weight" in label)
    assert decayed.error(w) == pytest.approx(plain.error(w) + 0.25 * squares, rel=1e-12)


def test_targets_are_scaled_unless_they_are_classes(tmp_path: Path) -> None:
    numbers = ("y = [0, 2, 1]", "y = [[0, 2, 1], [4, 0, 0], [2, 4, 2]]\ntarget_scale = 'minmax'")
    problem = load(tmp_path, ('"softmax-cross-entropy"', '"mse"'), numbers)
    assert problem.constants["targets"].tolist() == [[0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [0.5, 1.0, 1.0]]
    with pytest.raises(InputError, match="classes have no scale"):
        load(tmp_path, ("y = [0, 2, 1]", "y = [0, 2, 1]\ntarget_scale = 2.0"))


def test_integers_are_not_scaled(tmp_path: Path) -> None:
    scaled = load(tmp_path, ("y = [0, 2, 1]", "y = [0, 2, 1]\nscale = 4.0"))
    assert scaled.constants["inputs"].tolist() == [[0.0, 0.375], [2.0, -0.125], [1.0, 0.0625]]


def probabilities(problem: GraphProblem) -> np.ndarray:
    """The softmax of the network, by its nodes, without the loss."""
    path = Path(problem.name)
    document = read_document(path)
    builder = GraphBuilder()
    graph = builder.build(document.network().build(builder, problem.constants["inputs"]))
    return soft(evaluate(graph, problem.values(problem.initial_weights))[0])


@pytest.mark.parametrize("smoothing", [0.0, 0.25])
def test_class_weights_ignored_classes_and_smoothing_as_in_common_frameworks(tmp_path: Path, smoothing: float) -> None:
    weights = [1.0, 0.5, 2.0]
    options = f"class_weights = {weights}, ignore_index = 1, label_smoothing = {smoothing}"
    table = f'{{name = "softmax-cross-entropy", {options}}}'
    problem = load(tmp_path, ('loss = "softmax-cross-entropy"', f'name = "{tmp_path}/spec.toml"\nloss = {table}'))
    p = probabilities(problem)
    total = 0.0
    for row, label in enumerate([0, 2]):
        nll = -np.log(p[row])
        total += (1 - smoothing) * weights[label] * nll[label] + smoothing / 3 * float(np.dot(weights, nll))
    assert problem.error(problem.initial_weights) == pytest.approx(total / (1.0 + 2.0), rel=1e-9)


def test_a_classical_file_stays_classical_and_its_graph_agrees(tmp_path: Path, write_spec: Callable[..., Path]) -> None:
    path = write_spec()
    problem = load_problem(path)
    assert isinstance(problem, Problem)
    text = path.read_text().replace('name = "small"', 'name = "small"\nloss = {name = "half-squared-error"}')
    path.write_text(text)
    graph = load_problem(path)
    assert isinstance(graph, GraphProblem)
    assert graph.initial_weights.tolist() == problem.initial_weights.tolist()
    low, high = graph.error_enclosure(graph.initial_weights)
    lower, upper = problem.error_enclosure(problem.initial_weights)
    assert max(low, lower) <= min(high, upper)
    assert graph.region is not None


REFUSED = [
    (('layer = "flatten"', 'layer = "flaten"'), r"unknown layer: layer='flaten'; did you mean 'flatten'\?"),
    (('layer = "flatten"', "layer = 3"), "unknown layer: layer='3'"),
    (('"softmax-cross-entropy"', '"softmax-crossentropy"'), "did you mean 'softmax-cross-entropy'"),
    (('"softmax-cross-entropy"', '{name = "huberr"}'), "unknown loss: loss='huberr'; did you mean 'huber'"),
    (('"softmax-cross-entropy"', '{name = "huber", delt = 1.0}'), r"loss\.delt: unknown key: .*mean .delta"),
    (('"softmax-cross-entropy"', '{name = "huber", delta = -1.0}'), "delta must be positive"),
    (
        ('"softmax-cross-entropy"', '{name = "softmax-cross-entropy", class_weights = [1.0]}'),
        "one weight for each class",
    ),
    (('"softmax-cross-entropy"', '{name = "softmax-cross-entropy", label_smoothing = 2}'), "label smoothing must lie"),
    (("rows = 3", "rows = 2"), r"spec\.toml:\d+: nodes\.e: no such row: .*value=2"),
    (("rows = 3", "rows = 0"), "nodes.e.rows: not allowed: rows=0"),
    (("rows = 3", "rows = 2.5"), "wrong type: rows=2.5; it should be a whole number"),
    (("x = [[0, 1.5]", "x = [[0.5, 1.5]"), r"a whole number is needed: value=0\.5"),
    (('values = "integer"', 'values = "real"'), "nodes.t.values"),
    (('values = "integer"', ""), "the layer reads whole numbers"),
    (('inputs = ["f", "v"]', 'inputs = ["f", "v", "t"]'), "whole numbers are read by a layer"),
    (('inputs = ["n"]', 'inputs = ["m"]'), r"nodes\.y\.inputs\[0\]: no such vertex: vertex='m'"),
    (('inputs = ["n"]', 'inputs = ["n", "h"]'), "wrong number of inputs: .*inputs=2.*; give 1"),
    (('inputs = ["n"]', "inputs = []"), "nodes.y.inputs"),
    (('inputs = ["n"]', 'inputs = ["y"]'), "a vertex feeds itself"),
    (('inputs = ["h"]', 'inputs = ["y"]'), "the graph has a cycle: .*n -> y -> n|y -> n -> y"),
    (('output = "y"', 'output = "n"'), "no output can be reached from this vertex"),
    (('output = "y"', 'output = "t"'), "an input vertex cannot be an output"),
    (
        ("features = 3", 'features = 3\ntied = {wieght = "e.table"}'),
        "no such parameter: tied='wieght'; did you mean 'weight'",
    ),
    (("features = 3", 'features = 3\ntied = {weight = "e.tabel"}'), "no such parameter: tied='e.tabel'; did you mean"),
    (("features = 3", 'features = 3\ntied = {weight = "h.bias"}'), "a parameter of another shape"),
    (("features = 3", 'features = 3\nactivation = "tanhh"'), "tanhh"),
    (("features = 3", "features = 3\nwidth = 3"), "unknown key: width=3"),
    (('output = "y"', 'output = "y"\nweight_decay = {"z.*" = 0.1}'), "no such parameter: parameter='z"),
    (('output = "y"', 'output = "y"\nweight_decay = {"y.*" = 0.1, "*.bias" = 0.1}'), "two keys name one parameter"),
    (('output = "y"', 'output = "y"\nweight_decay = {"y.*" = -0.1}'), "weight_decay"),
    (("y = [0, 2, 1]", "y = [0, 3, 1]"), "no such class: label=3, classes=3"),
    (("y = [0, 2, 1]", "y = [0, 2, 1.5]"), r"y\[2\]: a class is a whole number: value=1\.5"),
    (("y = [0, 2, 1]", "y = [[0, 2], [1, 1], [0, 0]]"), "targets do not fit the outputs"),
    (("shape = [1]\nvalues", "shape = [1, 1, 1, 1, 1, 1, 1, 1, 1]\nvalues"), "nodes.t.shape"),
    (('layer = "layer_norm"', 'layer = "attention"'), "takes sequences: layer='attention', shape="),
    (('layer = "layer_norm"', 'layer = "convolution"\nchannels = 2\nkernel = 3'), "needs spatial axes"),
    (('layer = "layer_norm"', 'layer = "reshape"\nto = [3]'), "another number of entries"),
    (('layer = "layer_norm"', 'layer = "permute"\naxes = []'), "axes"),
    (('layer = "layer_norm"', 'layer = "mean"\naxes = [3]'), "no such axis"),
    (("[nodes.e]", "[nodes.e]\nbias = true"), "unknown key: bias"),
    (("y = [0, 2, 1]", 'y = [0, 2, 1]\ntext = "abc"'), "data come either from a source or inline"),
    (("x = [[0, 1.5], [2, -0.5], [1, 0.25]]\ny = [0, 2, 1]", 'text = "abc"'), "text and window belong together"),
    (("x = [[0, 1.5], [2, -0.5], [1, 0.25]]\ny = [0, 2, 1]", 'text = "abc"\nwindow = 3'), "the text is too short"),
    (("x = [[0, 1.5], [2, -0.5], [1, 0.25]]", "x = [[0], [2], [1]]"), "data do not fit the input vertices"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=[change[1][:60] for change, _ in REFUSED])
def test_one_located_line(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(InputError) as caught:
        load(tmp_path, change)
    line = str(caught.value)
    assert re.search(message, line), line
    assert line.startswith(str(tmp_path / "spec.toml"))
    assert "\n" not in line


@pytest.mark.parametrize(
    "layer",
    [
        'layer = "upsample"\nfactors = 16777216',
        'layer = "max_pool"\nkernel = 16000000\npadding = 8000000',
        'layer = "adaptive_average_pool"\nparts = 16777216',
        'layer = "dense"\nfeatures = 16777216',
        'layer = "pad"\nbefore = 16777216\nafter = 16777216',
        'layer = "convolution"\nchannels = 16777216\nkernel = 16777216',
        'layer = "transposed_convolution"\nchannels = 1\nkernel = 16777216\nstride = 16777216\ndilation = 16777216',
    ],
)
def test_sizes_that_no_machine_holds_are_refused_at_once(tmp_path: Path, layer: str) -> None:
    path = tmp_path / "spec.toml"
    nodes = f'[nodes.x]\nshape = [64, 64]\n[nodes.l]\n{layer}\ninputs = ["x"]\n[nodes.y]\nlayer = "dense"\nfeatures = 8'
    path.write_text(f'loss = "mse"\n{nodes}\ninputs = ["l"]')
    with pytest.raises(InputError, match=r"nodes\.l|too many parameters"):
        lint(path)


def test_the_page_names_every_layer_loss_and_option() -> None:
    page = (Path(__file__).parents[2] / "examples" / "README.md").read_text()
    for kind in [*LAYERS.values(), *LOSSES.values()]:
        assert f"`{kind.name}`" in page
        assert all(f"`{field.name}`" in page for field in dataclasses.fields(kind)), kind.name
