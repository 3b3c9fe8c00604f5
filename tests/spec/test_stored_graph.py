"""``[model] graph``: a problem that is written and read back is the same; what is no such archive is one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from verify import Ball, BoundedWeights, InputError, Optimizer, load_problem
from verify.calculus.problem import NotCoveredError
from verify.graph.problem import GraphProblem
from verify.spec import lint, load_specification
from verify.spec.graph_problem import batch_problems
from verify.spec.question import Question
from verify.spec.stored_question import question_files, require_same

EXAMPLES = Path(__file__).parents[2] / "examples"


def problem(**changes: Any) -> GraphProblem:
    found = load_problem(EXAMPLES / "text_attention.toml")
    assert isinstance(found, GraphProblem)
    w = found.initial_weights
    decay = dict.fromkeys([found.blocks[0].label], 0.25)
    given: dict[str, Any] = {"weight_decay": decay, "region": Ball(w, 0.125), "name": 'a "name"', **changes}
    return GraphProblem(found.network, found.constants, w, **given)


def asked(about: Any, optimizer: Optimizer | None = None) -> Question:
    return Question(about, None, load_specification(EXAMPLES / "xor_skip.toml").document, optimizer)


def written(question: Question, spec: Path) -> Path:
    for path, content in question_files(question, spec).items():
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return spec


@pytest.mark.parametrize(
    "changes",
    [{}, {"weight_decay": 0.5}, {"weight_decay": 0.0, "region": BoundedWeights(99.0)}, {"region": None}],
    ids=str,
)
def test_a_graph_survives(changes: dict[str, Any], tmp_path: Path) -> None:
    question = asked(problem(**changes), Optimizer(0.1, kind="adam"))
    spec = written(question, tmp_path / "net.toml")
    require_same(question, load_specification(spec), str(spec))
    sizes = lint(spec)
    assert sizes.parameters == question.problem.size
    with pytest.raises(NotCoveredError, match="batches"):
        batch_problems(load_specification(spec).document, 2)


def test_a_classical_problem_survives(tmp_path: Path) -> None:
    question = asked(load_problem(EXAMPLES / "xor_decay.toml"))
    spec = written(question, tmp_path / "net.toml")
    require_same(question, load_specification(spec), str(spec))


def test_what_differs_by_one_number_is_seen(tmp_path: Path) -> None:
    question = asked(problem(), Optimizer(0.1, kind="adam"))
    read = load_specification(written(question, tmp_path / "net.toml"))
    w = read.problem.initial_weights
    nearest = w + np.eye(1, w.size)[0] * np.spacing(w)
    assert isinstance(read.problem, GraphProblem)
    others = [
        replace(read, problem=problem(name="other")),
        replace(read, problem=problem(region=None)),
        replace(read, problem=problem(weight_decay=0.25)),
        replace(read, problem=GraphProblem(read.problem.network, read.problem.constants, nearest)),
        replace(read, optimizer=Optimizer(0.2, kind="adam")),
    ]
    for other in others:
        with pytest.raises(InputError, match="another problem"):
            require_same(question, other, "net.toml")


def stored(folder: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> Path:
    """Write a spec whose archive is changed: its arrays and the graph in it."""
    spec = written(asked(problem()), folder / "net.toml")
    with np.load(spec.with_suffix(".npz")) as archive:
        arrays: dict[str, Any] = dict(archive)
    graph = json.loads(arrays["graph"].tobytes())
    change(arrays, graph)
    if "graph" in arrays and arrays["graph"].dtype == np.uint8 and arrays["graph"].size:
        arrays["graph"] = np.frombuffer(json.dumps(graph).encode(), dtype=np.uint8)
    np.savez(spec.with_suffix(".npz"), **arrays)
    return spec


def _leaf(graph: dict[str, Any], name: str) -> dict[str, Any]:
    return next(node for node in graph["nodes"] if node["operation"] == name)


DAMAGES: dict[str, tuple[Callable[[dict[str, Any], dict[str, Any]], object], str]] = {
    "no graph": (lambda arrays, graph: arrays.pop("graph"), "no graph in the archive"),
    "no weights": (lambda arrays, graph: arrays.pop("w"), "array missing"),
    "no constant": (lambda arrays, graph: arrays.pop("c0"), "array missing"),
    "numbers for the graph": (lambda arrays, graph: arrays.update(graph=np.ones(3)), "no text"),
    "nothing for the graph": (lambda arrays, graph: arrays.update(graph=np.zeros(0, np.uint8)), "no valid JSON"),
    "too few weights": (lambda arrays, graph: arrays.update(w=arrays["w"][1:]), "wrong shape"),
    "a weight that is none": (lambda arrays, graph: arrays.update(w=arrays["w"] * np.nan), "must be finite"),
    "a constant of another shape": (lambda arrays, graph: arrays.update(c0=arrays["c0"][:1]), "wrong shape"),
    "a constant that is none": (lambda arrays, graph: arrays.update(c0=arrays["c0"] + np.inf), "must be finite"),
    "an unknown operation": (lambda arrays, graph: graph["nodes"][-1].update(operation="eval"), "unknown operation"),
    "another output": (lambda arrays, graph: graph.update(outputs=[0]), "not that of one error"),
    "no output": (lambda arrays, graph: graph.update(outputs=[]), "not that of one error"),
    "a tangent": (lambda arrays, graph: _leaf(graph, "parameter").update(operation="tangent"), "other leaves"),
    "one label twice": (
        lambda arrays, graph: _leaf(graph, "constant").update(label=_leaf(graph, "parameter")["label"]),
        "other leaves",
    ),
    "an axis beyond any memory": (
        lambda arrays, graph: graph["nodes"].append(
            {"operation": "filled", "value": 1, "dimensions": [2**50], "arguments": []}
        ),
        "the graph is too large",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_is_no_such_archive_is_one_line(name: str, tmp_path: Path) -> None:
    change, words = DAMAGES[name]
    spec = stored(tmp_path, change)
    with pytest.raises(InputError, match=words) as refused:
        load_specification(spec)
    assert str(refused.value).startswith(f"{spec}:6: model.graph: ")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('graph = "net.npz"', "", "exactly one of onnx and graph"),
        ('graph = "net.npz"', 'graph = "net.npz"\nonnx = "net.onnx"', "exactly one of onnx and graph"),
        ('graph = "net.npz"', 'graph = "net.npz"\ntrain = ["w"]', "a key of ONNX models"),
        ('graph = "net.npz"', 'graph = "other.npz"', "no such file"),
        ("weight_decay", 'loss = "mse"\nweight_decay', "loss"),
        ("weight_decay", 'reduction = "mean"\nweight_decay', "reduction"),
        ("[region]", "[data]\nx = [[1]]\ny = [[1]]\n[region]", "data"),
        ("[region]", "[weights]\nseed = 1\n[region]", "seed"),
    ],
)
def test_a_table_that_does_not_fit(before: str, after: str, words: str, tmp_path: Path) -> None:
    spec = written(asked(problem()), tmp_path / "net.toml")
    text = spec.read_text(encoding="utf-8")
    assert before in text
    spec.write_text(text.replace(before, after, 1), encoding="utf-8")
    with pytest.raises(InputError, match=words):
        load_specification(spec)
