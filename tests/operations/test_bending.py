"""Bounds of derivatives over a region: every operation's own rule and the default one, against Taylor models."""

from __future__ import annotations

import numpy as np
import pytest

import verify
from tests.graph.bending import broken, point_models, point_of
from tests.operations.samples import MULTILINEAR, NONLINEAR, Sample, arguments, identifier
from verify.arithmetic import upward
from verify.graph.curvature import AdjointWalk
from verify.graph.movements import ShrunkRegion, derivatives_of_node
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder
from verify.operations.operation import LinearOperation, Operation

RADIUS = 0.03


def problem_of(sample: Sample) -> GraphProblem:
    """Return a weighted sum of the entries of the result, the arguments being parameters of different speeds."""
    operation, shapes = sample
    builder = GraphBuilder()
    leaves = []
    for number, shape in enumerate(shapes):
        speeds = builder.constant(f"speeds {number}", shape)
        shift = builder.constant(f"shift {number}", shape)
        leaves.append(builder.parameter(f"p{number}", shape) * speeds + shift)
    result = leaves[0].apply(operation, *leaves)
    graph = builder.build((result * builder.constant("u", result.shape)).sum())
    rng = np.random.default_rng(0)
    values = arguments(sample, 0)
    constants = {f"speeds {k}": rng.choice([0.0, 0.25, 1.0, -1.0], size=s) for k, s in enumerate(shapes)}
    constants |= {f"shift {k}": value for k, value in enumerate(values)} | {"u": rng.normal(size=result.shape)}
    return GraphProblem(graph, constants, np.zeros(sum(int(np.prod(shape)) for shape in shapes)))


def faults(problem: GraphProblem, points: int = 3, *, along_every_axis: bool = False) -> list[object]:
    rng = np.random.default_rng(1)
    walk = AdjointWalk(problem)
    moved = walk.over(ShrunkRegion.of(problem, verify.Ball(problem.initial_weights, RADIUS)))
    found: list[object] = []
    axes = list(np.eye(problem.size)) if along_every_axis else [np.eye(problem.size)[0]]
    for direction in [*axes, *rng.normal(size=(points - 1, problem.size))]:
        x = point_of(rng, problem.initial_weights, RADIUS)
        found += broken(moved, point_models(problem, walk.graph, x, direction), float(upward.norm(direction)))
    return found


@pytest.mark.parametrize("sample", [*MULTILINEAR, *NONLINEAR], ids=identifier)
def test_the_rule_of_an_operation_holds(sample):
    assert faults(problem_of(sample)) == []


@pytest.mark.parametrize("sample", [*MULTILINEAR[5:11:2], *NONLINEAR], ids=identifier)
def test_the_default_rule_holds_for_every_operation(sample, monkeypatch):
    operation = sample[0]
    if not isinstance(operation, LinearOperation):
        monkeypatch.setattr(type(operation), "derivatives", Operation.derivatives)
        monkeypatch.setattr(type(operation), "bending", Operation.bending)
    assert faults(problem_of(sample)) == []


@pytest.mark.parametrize("sample", [s for s in MULTILINEAR if isinstance(s[0], LinearOperation)], ids=identifier)
def test_what_is_said_to_keep_rows_apart_does(sample):
    operation, shapes = sample
    if not operation.keeps_rows(*shapes):
        return
    for row in range(shapes[0][0]):
        values = [np.zeros(shape) for shape in shapes]
        for value in values:
            value[row] = 1.0 + np.arange(value[row].size).reshape(value[row].shape)
        result = np.asarray(operation.evaluate(*values))
        assert not np.any(np.delete(result, row, axis=0))


@pytest.mark.parametrize("sample", [s for s in MULTILINEAR if isinstance(s[0], LinearOperation)], ids=identifier)
def test_a_linear_rule_of_half_the_size_is_caught(sample, monkeypatch):
    problem = problem_of(sample)
    operation = sample[0]

    def halved(node, arguments, orders):
        found = derivatives_of_node(node, arguments, orders)
        return tuple(b if b is None or node.operation != operation else b.times(0.3) for b in found)

    monkeypatch.setattr("verify.graph.movements.derivatives_of_node", halved)
    problem.constants = {
        label: np.ones_like(value) if label.startswith("speeds") else value
        for label, value in problem.constants.items()
    }
    assert faults(problem, points=4) != []
