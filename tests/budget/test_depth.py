"""Nothing recurs along a graph's depth: a chain several times as long as the recursion limit allows frames."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import verify
from verify.analysis.any_direction import examine_any_direction
from verify.analysis.check import check
from verify.assumptions import check_assumptions
from verify.bounds.attack import curvature_lower
from verify.bounds.curvature import Curvature
from verify.bounds.hessian import hessian_bound
from verify.calculus.gradient_check import AGREES, check_gradient
from verify.calculus.symbolic import prove_gradients, recursion_latex
from verify.outcomes import Verdict
from verify.spec import load_specification

UNKNOWN = Curvature(None, None, "a region", reason="not asked")
LAYERS = 500
FRAMES = 150


def chain(layers: int, skip: bool = False) -> verify.Problem:
    nodes: dict[str, dict[str, object]] = {"x": {"width": 1}}
    for index in range(layers):
        inputs = ["x" if index == 0 else f"v{index - 1}"]
        if skip and index > 1:
            inputs.append(f"v{index - 2}")
        nodes[f"v{index}"] = {"width": 1, "activation": "tanh", "inputs": inputs}
    architecture = verify.Architecture.from_data(nodes, f"v{layers - 1}")
    region = verify.Ball(architecture.initial_weights(), 0.01)
    return verify.Problem(architecture, np.array([[0.1], [0.2]]), np.array([[0.1], [0.1]]), region=region)


def _direction(problem: verify.Problem) -> np.ndarray:
    return np.ones(problem.architecture.size)


PARTS: dict[str, Callable[[verify.Problem], object]] = {
    "networkx": lambda p: verify.Architecture.from_networkx(p.architecture.to_networkx(), p.architecture.outputs),
    "data": lambda p: p.architecture.fingerprint() + str(p.architecture.path_count()),
    "copy": lambda p: pickle.loads(pickle.dumps(copy.deepcopy(p))).error(p.initial_weights),  # noqa: S301 -- own bytes
    "error": lambda p: (p.error_and_gradient(p.initial_weights), p.error_enclosure(p.initial_weights)),
    "curvature": lambda p: curvature_lower(p, p.initial_weights, _direction(p)),
    "proof": lambda p: prove_gradients(p.architecture),
    "latex": lambda p: recursion_latex(p.architecture),
    "check": lambda p: check_gradient(p, points=1),
    "bound": lambda p: hessian_bound(p, cells=1),
    "assumptions": lambda p: check_assumptions(p, curvature=UNKNOWN, gradients=prove_gradients(p.architecture)),
}


@pytest.fixture
def few_frames() -> Iterator[Callable[[], None]]:
    before = sys.getrecursionlimit()
    yield lambda: sys.setrecursionlimit(len(inspect.stack(0)) + FRAMES)
    sys.setrecursionlimit(before)


def test_the_limit_catches_recursion(few_frames: Callable[[], None]) -> None:
    def depth(layers: int) -> int:
        return 0 if layers == 0 else 1 + depth(layers - 1)

    few_frames()
    with pytest.raises(RecursionError):
        depth(LAYERS)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("skip", [False, True], ids=["chain", "skips"])
def test_a_deep_graph_needs_few_frames(part: str, skip: bool, few_frames: Callable[[], None]) -> None:
    PARTS[part](chain(3, skip))
    problem = chain(LAYERS if part in ("networkx", "data", "proof", "latex") else FRAMES, skip)
    few_frames()
    assert PARTS[part](problem) is not None


@pytest.mark.slow
def test_a_chain_of_forty_layers_is_checked() -> None:
    report = check(chain(40), seconds=None)
    assert report.gradients.proof.verdict is Verdict.PROVED
    assert report.gradients.comparison.numbers["outcome"] == AGREES
    assert report.curvature.value is not None


def test_five_thousand_layers_are_read(tmp_path: Path) -> None:
    nodes = "".join(
        f'[nodes.v{i}]\nwidth = 1\nactivation = "tanh"\ninputs = ["{f"v{i - 1}" if i else "x"}"]\n' for i in range(5000)
    )
    text = f'output = "v4999"\ndata = {{x = [[0.1]], y = [[0.1]]}}\n[nodes.x]\nwidth = 1\n{nodes}'
    spec = tmp_path / "deep.toml"
    spec.write_text(text)
    assert len(load_specification(spec).problem.architecture.order) == 5000


@pytest.mark.parametrize("seconds", [1e-9, 0.2])
def test_out_of_time_every_part_is_undecided_and_says_so(seconds: float) -> None:
    report = check(chain(300), verify.assumptions.Setting(0.01, tau=0.005), seconds=seconds)
    assert report.verdict is Verdict.UNDECIDED
    assert "takes too long" in report.gradients.comparison.statement
    assert report.curvature.value is None
    assert "takes too long" in str(report.curvature.reason)
    assert report.any_direction["verdict"] == "UNDECIDED"
    assert report.any_direction["remedy"]
    assert report.to_json()["verdict"] == "UNDECIDED"


def test_where_the_float64_enclosure_says_nothing_more_digits_do() -> None:
    nodes: dict[str, dict[str, object]] = {"x": {"width": 1}}
    for index in range(60):
        source = "x" if index == 0 else f"v{index - 1}"
        nodes[f"v{index}"] = {"width": 8, "activation": "tanh", "inputs": [source]}
    architecture = verify.Architecture.from_data(nodes, "v59")
    problem = verify.Problem(architecture, np.array([[0.1], [0.5]]), np.full((2, 8), 0.1))
    enclosed = problem.gradient_enclosure(problem.initial_weights).norm()
    assert float(enclosed.lower) == 0 < np.linalg.norm(problem.gradient(problem.initial_weights))
    found = examine_any_direction(problem, bounds=1)
    assert found["verdict"] == "PROVED"
    assert found["eta_max"] > 0
