"""The numerical check: right gradients pass, every planted mistake is refuted with a counterexample that replays."""

from __future__ import annotations

import functools
import json

import numpy as np
import pytest

import verify
from tests.networks import with_data
from verify import Architecture, InputError, Verdict
from verify.calculus import gradient_check
from verify.calculus.symbolic import evaluation
from verify.calculus.symbolic.comparison import against_reference


def agrees(finding):
    """Whether the values agree at the points; that this is no proof is part of the answer."""
    assert finding.verdict is not Verdict.PROVED
    return finding.numbers["outcome"] == "AGREES"


SETTINGS = [
    {"reduction": "mean"},
    {"reduction": "sum"},
    {"reduction": "mean", "weight_decay": 0.3},
]


@pytest.fixture
def problem(network, make_problem):
    return make_problem(network("skips"), samples=7, weight_decay=0.1)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_gradient_of_a_problem_passes(any_network, make_problem, settings):
    finding = verify.check_gradient(make_problem(any_network, **settings))
    assert agrees(finding) and finding.counterexample is None
    assert 0 <= finding.numbers["max_relative_error"] < 1e-14
    assert finding.numbers["resolution"] < 1e-10
    json.dumps(finding.to_json(), allow_nan=False)


def backpropagated(problem, w, mistake=None, dtype=np.float64):
    """The gradient of the network "skips", written out by hand, with one mistake."""
    w = w.astype(dtype)
    parts = {key: part.astype(dtype) for key, part in problem.architecture.unflatten(w).items()}
    x, y = problem.inputs.astype(dtype), problem.targets.astype(dtype)

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    W1, W21, W2x, W3h2, W3h1 = (
        parts[key] for key in [("x", "h1"), ("h1", "h2"), ("x", "h2"), ("h2", "y"), ("h1", "y")]
    )
    h1 = np.tanh(x @ W1.T + parts["h1"])
    h2 = sigmoid(h1 @ W21.T + x @ W2x.T + h1 + parts["h2"])
    out = np.tanh(h2 @ W3h2.T + h1 @ W3h1.T + parts["y"])
    scale = dtype(1.0 if mistake == "sum for mean" else 1 / problem.samples)
    dy = scale * (out - y) * (1 - out**2)
    d2 = (dy @ W3h2) * (h2 * (1 - h2) if mistake != "derivative of the other activation" else 1 - h2**2)
    back = d2 @ (W21.T if mistake == "transposed matrix" else W21) + dy @ W3h1
    if mistake != "lost skip edge":
        back = back + d2
    d1 = back * (1 - h1**2)
    gradient = {
        ("x", "h1"): d1.T @ x,
        ("h1", "h2"): d2.T @ h1,
        ("x", "h2"): d2.T @ x,
        ("h2", "y"): dy.T @ h2,
        ("h1", "y"): dy.T @ h1,
        "h1": d1.sum(axis=0),
        "h2": 0 * d2.sum(axis=0) if mistake == "missing bias" else d2.sum(axis=0),
        "y": dy[:-1].sum(axis=0) if mistake == "lost sample" else dy.sum(axis=0),
    }
    decay = {"decay of the wrong sign": -1, "no decay": 0, "decay without the half": 2}.get(mistake, 1)
    flat = np.concatenate([gradient[key].ravel() for key in problem.architecture.layout.slices])
    flat = flat + dtype(decay * problem.weight_decay) * w
    if mistake == "one entry off by a billionth":
        flat[5] *= 1 + 1e-9
    return flat


MISTAKES = [
    "lost skip edge",
    "transposed matrix",
    "derivative of the other activation",
    "sum for mean",
    "missing bias",
    "lost sample",
    "decay of the wrong sign",
    "no decay",
    "decay without the half",
    "one entry off by a billionth",
]


def test_a_gradient_written_by_hand_passes(problem):
    finding = verify.check_gradient(problem, lambda w: backpropagated(problem, w))
    assert agrees(finding) and "the gradient given" in finding.statement


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_refuted_and_replays(problem, mistake):
    finding = verify.check_gradient(problem, lambda w: backpropagated(problem, w, mistake))
    assert finding.verdict is Verdict.REFUTED and "look for" in finding.remedy
    example = finding.counterexample
    w, position = np.array(example["w"]), example["position"]
    assert backpropagated(problem, w, mistake)[position] == example["given"]
    assert abs(problem.gradient(w)[position] - example["expected"]) <= example["allowance"]
    assert abs(example["given"] - example["expected"]) > example["allowance"]
    assert finding.numbers["max_relative_error"] > 0
    json.dumps(finding.to_json(), allow_nan=False)


def test_the_counterexample_names_the_weight(problem):
    architecture = problem.architecture
    for key, place in architecture.layout.slices.items():

        def spoilt(w, position=place.stop - 1):
            gradient = problem.gradient(w)
            gradient[position] += 1.0
            return gradient

        finding = verify.check_gradient(problem, spoilt)
        last = ", ".join(str(length - 1) for length in architecture.layout.shapes[key])
        assert finding.counterexample["weight"] == f"{key!r}[{last}]"
        assert finding.counterexample["weight"] in finding.statement


def test_single_precision_is_judged_as_such(problem):
    single = verify.check_gradient(problem, lambda w: backpropagated(problem, w, dtype=np.float32))
    assert agrees(single) and 1e-9 < single.numbers["max_relative_error"] < 1e-6

    def rounded_but_called_double(w):
        return problem.gradient(w).astype(np.float32).astype(np.float64)

    refuted = verify.check_gradient(problem, rounded_but_called_double)
    assert refuted.verdict is Verdict.REFUTED and "float32" in refuted.remedy
    wrong = verify.check_gradient(problem, lambda w: (1.001 * problem.gradient(w)).astype(np.float32))
    assert wrong.verdict is Verdict.REFUTED


def test_lists_pass_and_the_weights_given_cannot_be_changed(problem):
    def destructive(w):
        gradient = problem.gradient(w).tolist()
        w[:] = 0
        return gradient

    assert agrees(verify.check_gradient(problem, destructive))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_undecided(problem, value):
    def broken(w):
        gradient = problem.gradient(w)
        gradient[3] = value
        return gradient

    finding = verify.check_gradient(problem, broken)
    assert finding.verdict is Verdict.UNDECIDED and finding.remedy
    assert json.loads(json.dumps(finding.to_json(), allow_nan=False))["max_relative_error"] is None


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (lambda w: w[:-1], "flat array"),
        (lambda w: w[None], "flat array"),
        (lambda w: w.astype(complex), "flat array"),
        (lambda w: [str(v) for v in w], "flat array"),
        (lambda w: [[1.0], [1.0, 2.0]], "cannot be evaluated"),
        (lambda w: 1 / 0, "ZeroDivisionError"),
        (lambda: 0, "TypeError"),
    ],
)
def test_unusable_gradients_are_input_errors(problem, gradient, message):
    with pytest.raises(InputError, match=message) as caught:
        verify.check_gradient(problem, gradient)
    assert "user_gradient" in str(caught.value) and "\n" not in str(caught.value)


def test_points_can_be_given(problem):
    points = [problem.initial_weights, np.ones(problem.architecture.size)]
    finding = verify.check_gradient(problem, points=points)
    assert agrees(finding) and finding.numbers["points"] == 2
    for unusable in ([], 0, [np.ones(3)]):
        with pytest.raises(InputError):
            verify.check_gradient(problem, points=unusable)


def test_a_vanishing_gradient_is_undecided(network, make_problem):
    architecture = network("perceptron")
    problem = make_problem(architecture, samples=1)
    w = np.zeros(architecture.size)
    problem = with_data(problem, targets=np.tanh(0.0) + 1e-15)
    finding = verify.check_gradient(problem, points=[w + 1e-15])
    assert finding.verdict is Verdict.UNDECIDED and "could hide" in finding.statement


def test_the_same_seed_gives_the_same_finding(problem):
    assert verify.check_gradient(problem, seed=4).to_json() == verify.check_gradient(problem, seed=4).to_json()
    assert (
        verify.check_gradient(problem, seed=4).numbers["max_relative_error"]
        != verify.check_gradient(problem, seed=5).numbers["max_relative_error"]
    )


@pytest.fixture
def sampled(network, make_problem, monkeypatch):
    """A problem of which the reference covers four samples only."""
    monkeypatch.setattr(gradient_check, "affordable_samples", lambda architecture: 4)
    return make_problem(network("skips"), samples=40, weight_decay=0.1)


def test_many_samples_are_checked_through_the_enclosure(sampled):
    finding = verify.check_gradient(sampled)
    assert agrees(finding) and finding.numbers["samples_in_50_digits"] == 4
    assert "4 random samples" in finding.statement and "all 40 samples" in finding.statement


def test_with_many_weights_the_enclosure_is_the_reference(problem, monkeypatch):
    monkeypatch.setattr(evaluation, "LARGEST_REFERENCE", problem.architecture.size - 1)
    finding = verify.check_gradient(problem)
    assert agrees(finding) and finding.numbers["samples_in_50_digits"] == 0
    assert "nothing in 50 digits" in finding.statement
    for mistake in MISTAKES[::3]:
        wrong = verify.check_gradient(problem, functools.partial(backpropagated, problem, mistake=mistake), points=1)
        assert wrong.verdict is Verdict.REFUTED and wrong.counterexample["gradient_of"] == "the gradient given"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_refuted_through_the_enclosure(sampled, mistake):
    finding = verify.check_gradient(sampled, lambda w: backpropagated(sampled, w, mistake))
    assert finding.verdict is Verdict.REFUTED and finding.counterexample["gradient_of"] == "the gradient given"
    assert finding.counterexample["samples"] is None


def test_a_wrong_gradient_or_enclosure_of_the_problem_is_refuted(sampled, monkeypatch):
    honest = verify.Problem.gradient
    monkeypatch.setattr(verify.Problem, "gradient", lambda self, w: 1.0001 * honest(self, w))
    finding = verify.check_gradient(sampled, lambda w: honest(sampled, w))
    assert finding.verdict is Verdict.REFUTED and len(finding.counterexample["samples"]) == 4
    monkeypatch.undo()
    monkeypatch.setattr(gradient_check, "affordable_samples", lambda architecture: 4)
    enclosure = verify.Problem.gradient_enclosure
    monkeypatch.setattr(verify.Problem, "gradient_enclosure", lambda self, w: enclosure(self, w) * 1.001)
    finding = verify.check_gradient(sampled, lambda w: honest(sampled, w))
    assert finding.verdict is Verdict.REFUTED
    assert finding.counterexample["gradient_of"] == "problem.gradient_enclosure"


@pytest.mark.parametrize("activation", verify.activations.BUILTIN_NAMES)
def test_every_activation_passes(activation, make_problem):
    nodes = {
        "x": {"width": 3},
        "h": {"width": 4, "activation": activation, "inputs": ["x"]},
        "y": {"width": 2, "activation": activation, "inputs": ["h", "x"]},
    }
    problem = make_problem(Architecture.from_data(nodes, "y"), samples=6)
    assert agrees(verify.check_gradient(problem, points=5))


def test_formulas_that_cancel_pass(make_problem):
    nodes = {
        "x": {"width": 2},
        "h": {"width": 3, "activation": {"expr": "exp(x)-1"}, "inputs": ["x"]},
        "y": {"width": 1, "activation": {"expr": "x*tanh(log(1+exp(x)))"}, "inputs": ["h"]},
    }
    problem = make_problem(Architecture.from_data(nodes, "y"))
    assert agrees(verify.check_gradient(problem, points=5))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 30.0, 300.0])
@pytest.mark.parametrize("seed", range(4))
def test_rounding_alone_never_refutes(any_network, make_problem, scale, seed):
    problem = make_problem(any_network, samples=20, seed=seed, reduction="sum")
    rng = np.random.default_rng(seed)
    w = scale * rng.standard_normal(any_network.size)
    order = rng.permutation(problem.samples)
    shuffled = verify.Problem(any_network, problem.inputs[order], problem.targets[order], reduction="sum")
    for gradient in (None, shuffled.gradient):
        comparison = against_reference(problem, w, gradient)
        assert comparison.worst is None and (comparison.is_finite or scale > 100)


def test_without_parameters_there_is_nothing_to_refute(make_problem):
    nodes = {
        "x": {"width": 2},
        "y": {"width": 2, "activation": "tanh", "bias": False, "inputs": [{"from": "x", "kind": "identity"}]},
    }
    problem = make_problem(Architecture.from_data(nodes, "y"))
    assert verify.check_gradient(problem).numbers["max_relative_error"] == 0


def test_tensors_of_other_libraries_pass(problem):
    torch = pytest.importorskip("torch")
    finding = verify.check_gradient(problem, lambda w: torch.from_numpy(problem.gradient(w)))
    assert agrees(finding)
    with pytest.raises(InputError, match="detach"):
        verify.check_gradient(problem, lambda w: torch.from_numpy(problem.gradient(w)).requires_grad_())


def test_a_point_on_a_kink_is_undecided(make_problem):
    nodes = {
        "x": {"width": 1},
        "h": {"width": 1, "activation": "relu", "inputs": ["x"]},
        "y": {"width": 1, "inputs": ["h"]},
    }
    problem = make_problem(Architecture.from_data(nodes, "y"))
    finding = verify.check_gradient(problem, points=[np.array([0.0, 0.0, 1.0, 0.0])])
    assert finding.verdict is Verdict.UNDECIDED and "kink" in finding.remedy

    problem = with_data(problem, inputs=1.0)
    finding = verify.check_gradient(problem, points=[np.array([np.nextafter(1.0, 2.0), -1.0, 1.0, 0.0])])
    assert finding.verdict is Verdict.UNDECIDED
    assert agrees(verify.check_gradient(problem, points=[np.array([1.0, 0.3, 1.0, 0.0])]))


@pytest.mark.parametrize("size", [1e-170, 1.4e154, 1e308])
def test_weights_whose_squares_leave_the_range_are_checked(size):
    nodes = {"x": {"width": 2}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    problem = verify.Problem(Architecture.from_data(nodes, "y"), [[1.0, 0.5]], [[0.5]], initial_weights=[size] * 3)
    assert verify.check_gradient(problem).verdict is not Verdict.REFUTED


@pytest.fixture(scope="module")
def deep():
    """A chain through which the bounds of rounding grow beyond the gradient, the errors hardly."""
    nodes = {"x": {"width": 1}}
    for layer in range(20):
        source = f"v{layer - 1}" if layer else "x"
        nodes[f"v{layer}"] = {"width": 12, "activation": "tanh", "inputs": [source]}
    architecture = Architecture.from_data(nodes, "v19")
    return verify.Problem(architecture, [[0.5]], np.full((1, 12), 0.1))


def checked_at_the_start(problem, gradient=None):
    return verify.check_gradient(problem, gradient, points=[problem.initial_weights])


def test_where_bounds_of_rounding_say_nothing_nearness_does(deep):
    finding = checked_at_the_start(deep)
    assert finding.numbers["resolution"] > gradient_check.COARSEST_RESOLUTION
    assert agrees(finding)
    assert "of its norm of the exact one" in finding.statement


@pytest.mark.parametrize(("part", "factor"), [("v0", -1.0), (("v8", "v9"), 0.0), ("v19", 1 + 1e-6), ("v0", np.nan)])
def test_there_a_mistake_in_one_part_is_not_called_agreement(deep, part, factor):
    place = deep.architecture.layout.slices[part]

    def wrong(w):
        gradient = deep.gradient(w)
        with np.errstate(all="ignore"):
            gradient[place] *= factor
        return gradient

    assert checked_at_the_start(deep, wrong).numbers["outcome"] in ("OPEN", "DIFFERS")
