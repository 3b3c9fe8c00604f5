"""Problems of mini-batches cut out of a graph: in exact numbers, they are what a mean or a sum over few samples is."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from verify.graph.batches import GraphBatches
from verify.graph.evaluation import RATIONAL, evaluate
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder
from verify.outcomes import InputError

N = 5
X = np.random.default_rng(1).integers(1, 9, (N, 3)) / 8.0


def problem(mean: bool, *, decay: float = 0.0, penalty: bool = False, mixed: bool = False) -> GraphProblem:
    builder = GraphBuilder()
    w, x = builder.parameter("w", (3,)), builder.constant("x", (N, 3))
    squares = (x * w).square()
    error = squares.mean() if mean else squares.sum()
    error = error + w.square().sum() if penalty else error
    error = error * error if mixed else error
    return GraphProblem(builder.build(error), {"x": X}, [0.5, -0.25, 2.0], decay)


def exact(given: GraphProblem) -> Any:
    return evaluate(given.graph, given.values(given.initial_weights), RATIONAL)[0][()]


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("batch", [1, 2, 5, 7])
def test_a_batch_is_reduced_as_the_whole(mean: bool, batch: int) -> None:
    given = problem(mean, decay=0.5)
    batches = GraphBatches(given, batch, mean=mean)
    assert len(batches) == -(-N // batch)
    w = [Fraction(float(each)) for each in given.initial_weights]
    decayed = sum(each**2 for each in w) / 4
    for number, part in enumerate(batches):
        rows = X[number * batch : (number + 1) * batch]
        squares = sum((Fraction(float(a)) * b) ** 2 for row in rows for a, b in zip(row, w, strict=True))
        assert exact(part) == squares / (rows.size if mean else 1) + decayed
        assert [block.label for block in part.blocks] == ["w"]
    assert [part.name for part in batches[:1]] == [f"problem: samples 0-{min(batch, N) - 1}"]


@pytest.mark.parametrize(
    ("batch", "options", "words"),
    [
        (0, {}, "positive integer"),
        (2.0, {}, "positive integer"),
        (True, {}, "positive integer"),
        (2, {"penalty": True}, "a part of the error belongs to no sample"),
        (2, {"mixed": True}, "sum over the samples"),
    ],
)
def test_what_cannot_be_cut_is_refused(batch: Any, options: dict[str, bool], words: str) -> None:
    with pytest.raises(InputError, match=words):
        GraphBatches(problem(True, **options), batch, mean=True)
