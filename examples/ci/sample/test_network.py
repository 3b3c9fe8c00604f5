"""The hand-written code against the proved recursion and the proved range."""

import pytest
from network import ETA, TAU, gradient, train

from verify.testing import assert_admissible, assert_gradient_correct, assert_monotone_decrease

pytestmark = pytest.mark.dagverify_spec("net.dagverify.toml")


@pytest.fixture
def slope(dagverify_problem):
    """The gradient as a function of all weights in one vector."""
    problem = dagverify_problem
    layout = problem.architecture

    def of(w):
        parts = layout.unflatten(w)
        keys = [("x", "h"), "h", ("h", "y"), ("x", "y"), "y"]
        derivatives = gradient(problem.inputs, problem.targets, *(parts[key] for key in keys))
        return layout.flatten(dict(zip(keys, derivatives, strict=True)))

    return of


def test_gradient(slope, dagverify_problem):
    assert_gradient_correct(slope, dagverify_problem)


def test_setting(dagverify_problem):
    assert_admissible(dagverify_problem, ETA, TAU)


def test_training(slope, dagverify_problem):
    assert_monotone_decrease(train(slope, dagverify_problem.initial_weights, 20), dagverify_problem)
