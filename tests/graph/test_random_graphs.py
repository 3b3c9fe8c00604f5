"""A sample of the graphs of ``benchmarks/vocabulary_fuzz.py``."""

from __future__ import annotations

import numpy as np
import pytest

from tests.graph.oracles import check_case
from tests.graph.random_graphs import drawn_case, random_case
from tests.samples import sampled


@pytest.mark.parametrize("seed", range(40))
def test_what_is_said_of_a_random_graph_holds(seed):
    counts = check_case(random_case(seed))
    assert counts["enclosures of E"] == 1
    assert counts["points on segments"] == 2


@pytest.mark.parametrize("seed", sampled(40, always=8))
def test_what_is_said_of_a_drawn_graph_holds(seed):
    counts = check_case(drawn_case(seed))
    assert counts["enclosures of E"] == 1
    assert counts["points on segments"] == 2


def test_a_seed_makes_one_graph():
    one, other = random_case(7), random_case(7)
    assert one.problem.graph == other.problem.graph
    assert np.array_equal(one.problem.initial_weights, other.problem.initial_weights)
