"""Second divided differences lie between their ends, decided in Arb; a local range too narrow is caught."""

from __future__ import annotations

import flint
import numpy as np
import pytest

from verify import activation
from verify.activations import Activation
from verify.bounds.segment_differences import second_differences
from verify.bounds.taylor_rounding import Approximation
from verify.bounds.workspace import Workspace


def violations(name: str, dtype: type) -> int:
    """Count the quotients outside, over intervals of all widths around many points."""
    g = activation(name)
    rng = np.random.default_rng(2)
    start = rng.uniform(-4, 4, (60, 1))
    reach = 2.0 ** rng.uniform(-3, 4, (2, 60, 1))
    ul, uh = -reach[0].astype(dtype), reach[1].astype(dtype)
    ul[::3], uh[1::3] = 0.0, 0.0
    z0 = Approximation.of(start, 0.0)
    exact = [[g.arb(flint.arb(float(z)), k) for z in start[:, 0]] for k in (2, 3)]
    derivatives = []
    for balls in exact:
        values = np.array([[float(ball.mid())] for ball in balls]).astype(dtype)
        derivatives.append(Approximation.of(values, 2.0**-22 if dtype is np.float32 else 2.0**-50))
    ql, qh = np.empty((60, 1), dtype), np.empty((60, 1), dtype)
    second_differences(g, z0, (derivatives[0], derivatives[1]), (ul, uh), (ql, qh), Workspace())
    found = 0
    with flint.ctx.workprec(400):
        for z, low, high, least, most in zip(*(array[:, 0].tolist() for array in (start, ul, uh, ql, qh)), strict=True):
            at = flint.arb(z)
            for u in (low, low / 2, low / 8, high / 8, high / 2, high):
                if u != 0:
                    q = (g.arb(at + u) - g.arb(at) - g.arb(at, 1) * u) / flint.arb(u) ** 2
                    found += not (flint.arb(least) <= q and q <= flint.arb(most))
    return found


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "gelu", "sin", "identity"])
def test_quotients_lie_between_their_ends(name, dtype):
    assert violations(name, dtype) == 0


@pytest.mark.parametrize("name", ["tanh", "softplus"])
def test_a_local_range_too_small_is_caught(name, monkeypatch):
    exact = Activation.range
    monkeypatch.setattr(Activation, "range", lambda g, k, a, b: tuple(0.5 * end for end in exact(g, k, a, b)))
    assert violations(name, np.float32) > 0
