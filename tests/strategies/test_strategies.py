"""What is drawn is valid and varied, shrinks to something small, and a failing case reproduces from its print."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

import verify
from verify.strategies import (
    EDGE_KINDS,
    admissible_settings,
    architectures,
    inadmissible_settings,
    previous_steps,
    problems,
    to_python,
    weights_in,
)
from verify.theorems.ranges import RANGES

FEW = settings(
    max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
FIND = settings(max_examples=2000, database=None, derandomize=True, deadline=None)
CURVATURES = st.floats(1e-3, 1e3)
THEOREMS = sorted(RANGES)


def edges(architecture: verify.Architecture) -> list[tuple[str, str, str]]:
    return [(e.source, e.target, e.kind) for v in architecture.order for e in architecture.in_edges(v)]


@FEW
@given(problem=problems(architectures(edge_kinds=EDGE_KINDS)))
def test_problems_are_whole(problem):
    w = problem.initial_weights
    assert np.isfinite(problem.error(w))
    assert problem.region.contains(w) is verify.Verdict.PROVED


@pytest.mark.parametrize("kind", EDGE_KINDS)
def test_every_kind_of_edge_is_drawn(kind):
    find(architectures(edge_kinds=EDGE_KINDS), lambda each: kind in {k for _, _, k in edges(each)}, settings=FIND)


def test_a_network_shrinks_to_the_smallest():
    simplest = find(architectures(edge_kinds=EDGE_KINDS), lambda each: True, settings=FIND)
    assert edges(simplest) == [("x", "y", "dense")] and simplest.size == 2


def skips_a_vertex(architecture: verify.Architecture) -> bool:
    return ("x", "y") in {e[:2] for e in edges(architecture)} and len(architecture.order) > 1


def test_a_skip_connection_shrinks_to_one_hidden_vertex():
    found = find(architectures(), skips_a_vertex, settings=FIND)
    assert edges(found) == [("x", "h1", "dense"), ("h1", "y", "dense"), ("x", "y", "dense")]
    assert {vertex.width for vertex in found.vertices.values()} == {1}


@FEW
@given(dense=architectures(skip_density=1.0, max_depth=2), sparse=architectures(skip_density=0.0, max_depth=2))
def test_density_of_skips(dense, sparse):
    pairs = {e[:2] for e in edges(dense)}
    assert len(pairs) == len(dense.order) * (len(dense.order) + 1) // 2
    assert len({e[:2] for e in edges(sparse)}) == len(sparse.order)


@FEW
@given(data=st.data())
def test_weights_are_in_the_region_and_steps_fit(data):
    problem = data.draw(problems())
    w = data.draw(weights_in(problem))
    assert problem.region.contains(w) is verify.Verdict.PROVED
    assert data.draw(previous_steps(problem, w)).shape == w.shape


@pytest.mark.parametrize("theorem", THEOREMS)
@given(data=st.data(), lipschitz=CURVATURES)
def test_settings_are_inside_and_outside(theorem, data, lipschitz):
    inside = data.draw(admissible_settings(lipschitz, theorem))
    outside = data.draw(inadmissible_settings(lipschitz, theorem))
    contains = RANGES[theorem].contains
    assert contains(lipschitz, inside.eta, inside.momentum) is verify.Verdict.PROVED
    assert contains(lipschitz, outside.eta, outside.momentum) is not verify.Verdict.PROVED


@FEW
@given(problem=problems(architectures(edge_kinds=EDGE_KINDS)))
def test_python_and_spec_file_reproduce_the_problem(problem, tmp_path_factory):
    path = tmp_path_factory.mktemp("spec") / "case.toml"
    path.write_text(verify.to_toml(problem), encoding="utf-8")
    names: dict[str, object] = {}
    exec(compile(to_python(problem), "case", "exec"), names)  # noqa: S102 -- what the package wrote itself
    for again in (verify.load_problem(path), names["problem"]):
        w = problem.initial_weights
        assert np.array_equal(again.initial_weights, w)
        assert again.error(w) == problem.error(w)
        assert np.array_equal(again.gradient(w), problem.gradient(w))
        assert again.region.to_data() == problem.region.to_data()


def test_a_failing_test_prints_the_problem_and_it_fails_again(tmp_path):
    @settings(max_examples=200, database=None, derandomize=True, deadline=None)
    @given(problem=problems())
    def no_skips(problem):
        assert len(edges(problem.architecture)) < 3

    with pytest.raises(AssertionError) as caught:
        no_skips()
    notes = dict(note.split("\n\n", 1) for note in caught.value.__notes__ if note.startswith("The problem"))
    path = tmp_path / "case.toml"
    path.write_text(notes["The problem as a spec file:"], encoding="utf-8")
    names: dict[str, object] = {}
    exec(compile(notes["The problem in Python:"], "case", "exec"), names)  # noqa: S102 -- written by the package
    for again in (verify.load_problem(path), names["problem"]):
        assert len(edges(again.architecture)) == 3
        assert again.samples == 1 and not again.initial_weights.any()


@pytest.mark.parametrize(
    "wrong", [{"max_width": 0}, {"max_depth": -1}, {"skip_density": 1.5}, {"edge_kinds": ["dense", "magic"]}]
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(verify.InputError):
        find(architectures(**wrong), lambda each: True)


def test_profiles():
    night, push = settings.get_profile("dagverify-nightly"), settings.get_profile("dagverify-ci")
    assert not night.derandomize and push.derandomize and night.max_examples > push.max_examples
