"""Softmax where a Taylor model starts: half the ball of the logits holds it, and less does not."""

from __future__ import annotations

import numpy as np
import pytest

from verify.arithmetic.ball_arrays import BallArray
from verify.arithmetic.intervals import Interval
from verify.arithmetic.taylor_model import TaylorModel
from verify.operations import softmax
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.softmax import Softmax


def at_start(z: np.ndarray, ball: float) -> BallArray:
    return softmax._at_start(TaylorModel([BallArray(z, ball), None, None]), None)


@pytest.mark.parametrize("ball", [1e-9, 1e-3, 0.5, 20.0])
def test_what_the_logits_may_be_is_inside(ball):
    rng = np.random.default_rng(5)
    for _ in range(20):
        z = rng.normal(size=(3, 4)) * rng.choice([0.1, 1.0, 30.0])
        found, move = at_start(z, ball), rng.normal(size=z.shape)
        other = z + move * (0.999 * ball / np.linalg.norm(move))
        assert np.linalg.norm(Softmax().evaluate(other) - found.value) <= found.ball


def test_half_the_ball_is_needed():
    """The Jacobian at equal logits of two classes stretches (1, -1) by exactly 1/2."""
    ball, direction = 1e-4, np.array([[1.0, -1.0]]) / np.sqrt(2.0)
    found = at_start(np.zeros((1, 2)), ball)
    moved = np.linalg.norm(Softmax().evaluate(ball * direction) - found.value)
    assert 0.499 * ball < moved <= found.ball < 0.501 * ball


def test_a_slope_does_not_lose_digits_with_the_number_of_rows():
    radii = []
    for rows in (4, 400):
        z, u = np.tile([20.0, 0.0, -3.0], (rows, 1)), np.tile([0.1, 0.2, -0.3], (rows, 1))
        model = TaylorModel([BallArray(z, 1e-10), Interval.point(u / np.sqrt(rows)), None])
        slope = LogSumExp().evaluate(model).parts[1]
        assert slope is not None
        radii.append(slope.ball)
    assert radii[1] < 2 * radii[0]


def test_nothing_is_known_of_logits_of_which_nothing_is_known():
    assert at_start(np.zeros((2, 3)), np.inf).ball >= 1
