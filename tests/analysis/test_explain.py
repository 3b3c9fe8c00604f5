"""What `explain` measures is what an edited spec file gives, and what cannot be done is refused with the reason."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import pytest

from verify import InputError, Verdict, hessian_bound, load_specification
from verify.analysis.changes import possible_changes
from verify.analysis.explain import Explanation, explain, shares_of
from verify.analysis.hypotheses import Hypotheses
from verify.bounds.curvature import Curvature

SPEC = """\
name = "small"
output = "y"
[data]
x = [[0.0, 1.0], [0.5, -4.0], [2.0, 3.0]]
y = [1.0, 0.0, 1.0]
[nodes.x]
width = 2
[nodes.h1]
width = 4
activation = "tanh"
inputs = ["x"]
[nodes.h2]
width = 4
activation = "tanh"
inputs = ["h1", {from = "h1", kind = "identity"}]
[nodes.y]
width = 1
activation = "sigmoid"
inputs = ["h2", "x"]
[region]
kind = "ball"
radius = 0.1
"""


def write(folder: Path, *edits: tuple[str, str]) -> Path:
    text = SPEC
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = folder / "spec.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Explanation:
    return explain(load_specification(write(tmp_path_factory.mktemp("explain"))), budget=60)


@pytest.mark.parametrize(
    ("words", "edits"),
    [
        ("region's radius / 2", [("radius = 0.1", "radius = 0.05")]),
        ("region's radius / 10", [("radius = 0.1", "radius = 0.01")]),
        ("h1, h2: width 4 -> 2", [("width = 4", "width = 2")]),
        ("h1, h2: tanh -> softplus", [('"tanh"', '"softplus"')]),
        ("y: without the dense edge from x", [('["h2", "x"]', '["h2"]')]),
        ("h2: without the identity edge from h1", [(', {from = "h1", kind = "identity"}', "")]),
        ('data: scale = "standard"', [("[data]", '[data]\nscale = "standard"')]),
        ("data: scale = 4", [("[data]", "[data]\nscale = 4.0")]),
    ],
)
def test_each_row_is_the_bound_of_the_edited_file(found, words, edits, tmp_path):
    (effect,) = (each for each in found.effects if each.change == words)
    edited = load_specification(write(tmp_path, *edits)).problem
    bound = hessian_bound(edited, edited.region)
    assert (effect.value, effect.method) == (bound.value, bound.method)
    assert not effect.by_norms
    assert effect.attack <= effect.value
    assert effect.factor == found.curvature.value / bound.value
    assert Fraction(effect.eta_max) * Fraction(effect.value) < 2 and effect.tau <= effect.eta


def test_halved_weights(found, tmp_path):
    problem = load_specification(write(tmp_path)).problem
    w = ", ".join(repr(float(entry)) for entry in 0.5 * problem.initial_weights)
    edited = load_specification(write(tmp_path, ("[region]", f"[weights]\nw = [{w}]\n[region]"))).problem
    (effect,) = (each for each in found.effects if each.kind == "weights")
    assert effect.value == hessian_bound(edited, edited.region).value


@pytest.mark.parametrize(
    ("contributions", "shares"),
    [
        ({"a": 1.0, "b": 3.0}, [("b", 0.75), ("a", 0.25)]),
        ({"a": 0.0, "b": 0.0}, [("a", 0.0), ("b", 0.0)]),
        ({"a": 1e308, "b": 1e308}, [("a", 0.5), ("b", 0.5)]),
        ({"a": 2.0, "b": math.inf}, [("b", 1.0), ("a", 0.0)]),
        ({"a": math.inf, "b": math.inf, "c": 1.0}, [("a", 0.5), ("b", 0.5), ("c", 0.0)]),
        ({}, []),
    ],
)
def test_shares_of_any_size(contributions, shares):
    curvature = Curvature(1.0, None, "all", contributions=contributions)
    assert [(each["vertex"], each["share"]) for each in shares_of(curvature)] == shares


def test_order_and_shares(found):
    factors = [effect.factor for effect in found.effects if effect.refusal is None]
    assert factors == sorted(factors, reverse=True) and factors[0] > 1 > factors[-1]
    assert [effect.refusal is None for effect in found.effects] == sorted(
        (effect.refusal is None for effect in found.effects), reverse=True
    )
    shares = found.to_json()["shares"]
    assert {each["vertex"] for each in shares} == {"h1", "h2", "y"}
    assert sum(each["share"] for each in shares) == pytest.approx(1)


def test_width_at_an_identity_edge_is_refused(found):
    (refused,) = (each for each in found.effects if each.change == "h1: width 4 -> 2")
    assert refused.value is None and refused.factor is None
    assert "an identity edge joins vertices of equal widths" in refused.refusal
    assert "source='h1'" in refused.refusal


def test_stored_weights_refuse_another_shape(tmp_path):
    size = load_specification(write(tmp_path)).problem.architecture.size
    weights = ("[region]", f"[weights]\nw = {[0.1] * size}\n[region]")
    found = explain(load_specification(write(tmp_path, weights)), budget=0)
    (refused,) = (each for each in found.effects if each.change == "y: without the dense edge from x")
    assert "weights do not fit the network" in refused.refusal
    (kept,) = (each for each in found.effects if each.change == "h1, h2: tanh -> sigmoid")
    assert kept.value is not None


def test_bounded_weights_refuse_other_initial_weights(tmp_path):
    region = ('kind = "ball"\nradius = 0.1', 'kind = "bounded"\nradius = 9.0')
    found = explain(load_specification(write(tmp_path, region)), budget=0)
    (refused,) = (each for each in found.effects if each.kind == "weights")
    assert "the region does not depend on the initial weights" in refused.refusal


def test_without_a_budget_both_sides_are_norms(tmp_path):
    specification = load_specification(write(tmp_path))
    before = hessian_bound(specification.problem, method="norms", cells=1).value
    for effect in explain(specification, budget=0).effects:
        if effect.refusal is None:
            assert effect.by_norms and effect.method == "norms" and effect.before == before
            assert effect.factor == before / effect.value


def test_a_kink_is_explained_by_the_activations_that_remove_it(tmp_path):
    found = explain(load_specification(write(tmp_path, ('"tanh"', '"relu"'))), budget=0)
    assert found.verdict is Verdict.UNDECIDED and found.curvature.value is None
    solved = {each.change for each in found.effects if each.value is not None}
    assert solved == {f"h1, h2: relu -> {name}" for name in ("tanh", "sigmoid", "softplus")}
    assert all(each.factor is None for each in found.effects)
    reasons = {each.refusal for each in found.effects if each.value is None and each.kind != "width"}
    assert reasons == {"no bound L: vertex h1: the Hessian does not exist where g' jumps"}


def test_blocks_shrink_too(tmp_path):
    region = ('kind = "ball"\nradius = 0.1', 'kind = "blocks"\nradii = {h1 = 0.1, y = 0.2}')
    specification = load_specification(write(tmp_path, region))
    (halved, _) = (each for each in possible_changes(specification) if each.kind == "radius")
    assert dict(halved.make().region.radii) == {"h1": 0.05, "h2": 0.0, "y": 0.1}
    assert specification.document.tables["region"]["radii"] == {"h1": 0.1, "y": 0.2}


@pytest.mark.parametrize("budget", [-1.0, float("nan"), float("inf")])
def test_budget_must_be_seconds(budget, tmp_path):
    with pytest.raises(InputError, match="the budget must be a number of seconds"):
        explain(load_specification(write(tmp_path)), budget=budget)


def test_without_a_region(tmp_path):
    without = ('[region]\nkind = "ball"\nradius = 0.1\n', "")
    with pytest.raises(InputError, match="no region to bound the Hessian on"):
        explain(load_specification(write(tmp_path, without)), budget=0)


def test_a_radius_that_loses_the_first_step_is_refused(tmp_path):
    asked = ("radius = 0.1\n", "radius = 0.01\n[momentum]\neta = 0.05\ntau = 0.01\n")
    found = {each.change: each for each in explain(load_specification(write(tmp_path, asked)), budget=0).effects}
    assert found["region's radius / 2"].refusal is None
    assert "A2" in found["region's radius / 10"].refusal
    unasked = {each.change: each for each in explain(load_specification(write(tmp_path)), budget=0).effects}
    assert unasked["region's radius / 10"].refusal is None


def test_a_region_that_loses_the_sublevel_set_is_refused(tmp_path):
    region = ('[region]\nkind = "ball"\nradius = 0.1', '[region]\nkind = "bounded"\nradius = 6.7')
    decay = ('output = "y"', 'output = "y"\nweight_decay = 0.2')
    specification = load_specification(write(tmp_path, region, decay))
    kept = Hypotheses.of(specification.problem, None, None)
    assert kept.holds_sublevel and kept.smooth and not kept.stays
    found = {each.change: each for each in explain(specification, budget=0).effects}
    assert "weight decay would no longer prove A2" in found["region's radius / 2"].refusal
    assert kept.lost(kept) is None
    assert "A1" in kept.lost(Hypotheses(smooth=False, holds_sublevel=True, stays=False))


def test_large_targets_are_scaled(tmp_path):
    large = ("y = [1.0, 0.0, 1.0]", "y = [100.0, 0.0, -50.0]")
    specification = load_specification(write(tmp_path, large))
    found = {each.change: each for each in explain(specification, budget=0).effects}
    words = "targets: target_scale = 100, E in its units"
    assert found[words].refusal is None and found[words].factor > 1
    edited = load_specification(write(tmp_path, large, ("[data]", "[data]\ntarget_scale = 100.0"))).problem
    assert edited.targets.tolist() == [[1.0], [0.0], [-0.5]]
    assert found[words].value == hessian_bound(edited, edited.region, "norms", cells=1).value
    assert not [each for each in possible_changes(load_specification(write(tmp_path))) if each.kind == "targets"]


CLASSES = """\
name = "classes"
output = "y"
loss = "softmax-cross-entropy"
[data]
x = [[0.0, 1.0], [0.5, -4.0], [2.0, 3.0]]
y = [0, 2, 1]
[nodes.x]
width = 2
[nodes.h1]
layer = "dense"
features = 4
activation = "tanh"
inputs = ["x"]
[nodes.h2]
layer = "dense"
features = 4
activation = "tanh"
inputs = ["h1"]
[nodes.sum]
layer = "sum"
inputs = ["h1", "h2"]
[nodes.y]
layer = "dense"
features = 3
inputs = ["sum"]
[region]
kind = "ball"
radius = 0.1
"""


@pytest.fixture(scope="module")
def of_classes(tmp_path_factory: pytest.TempPathFactory) -> Explanation:
    path = tmp_path_factory.mktemp("explain") / "spec.toml"
    path.write_text(CLASSES, encoding="utf-8")
    return explain(load_specification(path), budget=0)


class TestOfEveryNetwork:
    """A network of the whole vocabulary: the changes are those of its file."""

    @pytest.mark.parametrize(
        ("words", "edits"),
        [
            ("region's radius / 2", [("radius = 0.1", "radius = 0.05")]),
            ("h1, h2: tanh -> softplus", [('"tanh"', '"softplus"')]),
            ("sum: without the edge from h1", [('["h1", "h2"]', '["h2"]')]),
            ("data: scale = 4", [("[data]", "[data]\nscale = 4.0")]),
        ],
    )
    def test_each_row_is_the_bound_of_the_edited_file(self, of_classes, words, edits, tmp_path):
        text = CLASSES
        for old, new in edits:
            text = text.replace(old, new)
        path = tmp_path / "edited.toml"
        path.write_text(text, encoding="utf-8")
        (effect,) = (each for each in of_classes.effects if each.change == words)
        assert effect.refusal is None, effect.refusal
        assert effect.value == hessian_bound(load_specification(path).problem, method="norms").value

    def test_a_width_that_a_sum_needs_is_refused(self, of_classes):
        refused = {each.change: each.refusal for each in of_classes.effects if each.kind == "width"}
        assert set(refused) == {"h1: features 4 -> 2", "h2: features 4 -> 2"}
        assert all(reason.startswith("not possible: ") for reason in refused.values())

    def test_whole_numbers_that_name_classes_are_not_scaled(self, of_classes):
        assert "targets" not in {each.kind for each in of_classes.effects}

    def test_shares_are_of_parameters(self, of_classes):
        answer = of_classes.to_json()
        assert answer["parts"] == "parameters"
        assert {each["vertex"] for each in answer["shares"]} >= {"h1.weight", "y.bias"}

    def test_halved_weights(self, of_classes, tmp_path):
        path = tmp_path / "spec.toml"
        path.write_text(CLASSES, encoding="utf-8")
        problem = load_specification(path).problem
        w = ", ".join(repr(float(entry)) for entry in 0.5 * problem.initial_weights)
        path.write_text(CLASSES.replace("[region]", f"[weights]\nw = [{w}]\n[region]"), encoding="utf-8")
        (effect,) = (each for each in of_classes.effects if each.kind == "weights")
        assert effect.value == hessian_bound(load_specification(path).problem, method="norms").value

    def test_a_kink_is_explained_by_the_activations_that_remove_it(self, tmp_path):
        path = tmp_path / "spec.toml"
        path.write_text(CLASSES.replace('"tanh"', '"relu"'), encoding="utf-8")
        found = explain(load_specification(path), budget=0)
        assert found.verdict is Verdict.UNDECIDED
        solved = {each.change for each in found.effects if each.value is not None}
        assert solved >= {f"h1, h2: relu -> {name}" for name in ("tanh", "sigmoid", "softplus")}
