"""What a certificate keeps of what `check` proves: every step of the range; of a bound what the checker finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import verify
from tests.graph.networks import classifier
from verify.analysis.certify import certify
from verify.theorems.ranges import RANGES

XOR = Path(__file__).parents[2] / "examples" / "xor_skip.toml"
RADIUS = 0.125


@pytest.mark.parametrize("name", ["classical", "graph"])
def test_the_longest_step_that_check_admits_is_certified(name: str) -> None:
    """The bound of the whole region is used up, and the step is decided by itself."""
    problem = verify.load_problem(XOR) if name == "classical" else classifier()
    w = problem.initial_weights
    bound = verify.hessian_bound(problem, verify.Ball(w, RADIUS)).value
    gradient = problem.gradient(w)
    eta = min(2 / bound, RADIUS / np.linalg.norm(gradient)) * (1 - 2.0**-20)
    assert RANGES["sharp"].contains(bound, eta, 0.0) is verify.Verdict.PROVED
    certificate = certify(problem, "step", next_weights=w - eta * gradient)
    assert verify.check_certificate(certificate)["verdict"] == "PROVED"


def test_a_regions_bound_is_that_of_check_or_the_checkers() -> None:
    problem = verify.load_problem(XOR)
    assert problem.region is not None
    own = verify.hessian_bound(problem, problem.region).value
    certified = float.fromhex(certify(problem, "region")["claim"]["lipschitz"])
    assert own <= certified <= 4 * own  # as docs/how-to/certify.md says
