"""What is proved of the weights that are stored, fl(w + t D), for directions of full precision."""

from __future__ import annotations

import numpy as np
import pytest

from verify.bounds.segment import segment_bound


@pytest.mark.parametrize("length", [1e-13, 1e-7, 0.3, 3.0])
def test_stored_change_bounds_the_stored_weights(smooth_problem, stored_exceeds, length):
    rng = np.random.default_rng(5)
    for _ in range(3):
        w = smooth_problem.initial_weights + rng.standard_normal(smooth_problem.architecture.size)
        D = -smooth_problem.gradient(w) + 0.1 * rng.standard_normal(w.size)
        bound = segment_bound(smooth_problem, w, D, length)
        for t in rng.uniform(0, length, 8):
            change = bound.stored_change(t)
            assert change is not None
            assert not stored_exceeds(smooth_problem, w, w + t * D, change)


def test_the_storage_term_is_needed_and_small(smooth_problem):
    rng = np.random.default_rng(5)
    w = smooth_problem.initial_weights + rng.standard_normal(smooth_problem.architecture.size)
    bound = segment_bound(smooth_problem, w, -smooth_problem.gradient(w), 1e-3)
    assert 0 < bound.storage < 1e-10 * (1 + smooth_problem.error(w))


def test_kinks_have_no_storage_bound(kinked_problem):
    w = kinked_problem.initial_weights
    assert segment_bound(kinked_problem, w, -kinked_problem.gradient(w), 1.0).stored_change(0.5) is None
