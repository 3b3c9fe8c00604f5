"""Many directions in one evaluation: the same as one after the other, for every operation that has such a form."""

from __future__ import annotations

import numpy as np
import pytest

from tests.graph.networks import classifier, recurrent
from tests.graph.random_graphs import drawn_case, random_case
from verify.arithmetic.spectral import norm_upper
from verify.graph import linearisation
from verify.graph.evaluation import FLOAT64, evaluate
from verify.graph.graph import Graph
from verify.graph.linearisation import linearise
from verify.graph.stacked import stacked
from verify.graph.tangent import tangent_graph
from verify.graph.tensor import GraphBuilder
from verify.operations.leaves import Tangent
from verify.operations.linear_recurrence import LinearRecurrence

COUNT = 3
FORMS = {
    "add", "broadcast", "concatenate", "contraction", "cumulative_sum", "fold", "gather", "pad", "permute", "reshape",
    "scale", "scatter_add", "slice", "sum", "windows",
}  # fmt: skip
"""Names of all operations that stand in tangents."""


def directions(graph: Graph, rng: np.random.Generator) -> dict[Tangent, np.ndarray]:
    return {leaf: rng.normal(size=(COUNT, *leaf.dimensions)) for leaf in graph.leaves(Tangent)}


def test_random_graphs() -> None:
    seen: set[str] = set()
    for number in range(60):
        case = (random_case if number % 2 else drawn_case)(number * 4 + 1)
        for graph in (case.problem.graph, case.problem.gradient_graph):
            tangent = tangent_graph(graph)
            together = stacked(tangent, COUNT)
            if together is None:
                continue
            each = directions(tangent, np.random.default_rng(number))
            values = case.problem.values(case.problem.initial_weights)
            with np.errstate(all="ignore"):
                many = {Tangent(leaf.label, v.shape): v for leaf, v in each.items()}
                found = evaluate(together, values | many, FLOAT64)
                for k in range(COUNT):
                    alone = evaluate(tangent, values | {leaf: v[k] for leaf, v in each.items()}, FLOAT64)
                    for one, all_ in zip(alone, found, strict=True):
                        np.testing.assert_allclose(all_[k], one, rtol=1e-9, atol=1e-9)
            seen |= {node.operation.name for node in tangent.nodes}
    assert seen >= FORMS


@pytest.mark.parametrize("make", [classifier, recurrent])
@pytest.mark.parametrize("most", [1, 700])
def test_derivatives_do_not_depend_on_how_many_are_taken_at_once(make, most, monkeypatch) -> None:
    problem = make()
    graph = problem.gradient_graph
    everything = Graph(graph.nodes, tuple(range(len(graph.nodes))))
    wanted = graph.outputs[1:]
    alone = linearise(problem, everything, problem.initial_weights, wanted)
    monkeypatch.setattr(linearisation, "MOST_AT_ONCE", most)
    found = linearise(problem, everything, problem.initial_weights, wanted)
    for number in wanted:
        one, other = alone.jacobians[number], found.jacobians[number]
        assert np.all(np.abs(one.mid - other.mid) <= one.rad + other.rad)
        assert norm_upper(other) == pytest.approx(norm_upper(one), rel=1e-9)
    for one, other in zip(alone.sizes, found.sizes, strict=True):
        assert one.whole == pytest.approx(other.whole, rel=1e-9, abs=1e-300)


def test_what_has_no_such_form_is_said() -> None:
    builder = GraphBuilder()
    v = builder.tangent("w", (4,))
    assert stacked(builder.build(v.apply(LinearRecurrence(), builder.constant("a", (4,)), v)), 2) is None
    assert stacked(builder.build(v * v), 2) is None
    assert stacked(builder.build(v + builder.constant("a", (4,))), 2) is None
