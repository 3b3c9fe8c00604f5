"""Runs from rest: an increase is found where it is, and is one of the algorithm itself; none is found where none is."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest

import verify
from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval
from verify.properties.first_rises import Algorithm, FirstRises, first_rises


def bowl(*curvatures: float) -> verify.Problem:
    """E = 1/2 sum of c w^2 with one sample for each c, from (1, ..., 1)."""
    size = len(curvatures)
    nodes: dict[str, Any] = {
        "x": {"width": size},
        "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False},
    }
    x = np.diag(np.sqrt(curvatures))
    architecture = verify.Architecture.from_data(nodes, "y")
    return verify.Problem(architecture, x, np.zeros((size, 1)), reduction="sum", initial_weights=np.ones(size))


@pytest.mark.parametrize(
    ("rule", "error", "energy"),
    [
        (Algorithm(1.9), None, None),
        (Algorithm(2.1), 1, 1),
        (Algorithm(0.1, 0.9), 6, None),
        (Algorithm(0.1, 0.9, 0.09), None, None),
        (Algorithm(3.9, 0.9), 1, 1),
    ],
)
def test_a_bowl(rule: Algorithm, error: int | None, energy: int | None) -> None:
    found = first_rises(bowl(1.0), rule, 12)
    assert (found.error, found.energy) == (error, energy)


def test_the_energy_is_that_of_the_theorem() -> None:
    """On w^2/2 the heavy ball's V falls up to eta = 2 (1 + mu), by exact arithmetic; here eta = 3.9 > 2 (1 + 0.9)."""
    eta, mu = Fraction(3.9), Fraction(0.9)
    w = before = Fraction(1)
    energies = []
    for _ in range(6):
        energies.append(w**2 / 2 + mu / (2 * eta) * (w - before) ** 2)
        w, before = w - eta * w + mu * (w - before), w
    rises = [index for index in range(1, len(energies)) if energies[index] > energies[index - 1]]
    found = first_rises(bowl(1.0), Algorithm(3.9, 0.9), 6)
    assert found.energy == rises[0]


def test_the_exact_step_of_the_clipped_rule_holds_both_sides_of_the_cut() -> None:
    rng = np.random.default_rng(0)
    for scale in (1e-3, 0.9, 1.0, 1.1, 1e3):
        gradient, previous = rng.standard_normal(4), rng.standard_normal(4)
        rule = Algorithm(0.25, 0.5, 0.25)
        previous *= scale * 0.5 * np.linalg.norm(gradient) / np.linalg.norm(previous)
        step = rule.exact_step(Interval.point(gradient), Interval.point(previous))
        cut = min(0.5, 0.25 * np.linalg.norm(gradient) / np.linalg.norm(previous))
        near = -0.25 * gradient + cut * previous
        with arb.precision(200):
            g, before = arb.exact(gradient), arb.exact(previous)
            lengths = [sum(entry**2 for entry in each).sqrt() for each in (g, before)]
            share = min(flint.arb(0.5), flint.arb(0.25) * lengths[0] / lengths[1])
            for low, high, one, other in zip(step.lower, step.upper, g, before, strict=True):
                assert flint.arb(low) <= -flint.arb(0.25) * one + share * other <= flint.arb(high)
        assert np.allclose(rule.step(gradient, previous), near)


def test_a_run_that_stops_says_how_far_it_came() -> None:
    assert first_rises(bowl(1.0), Algorithm(1.0), 10) == FirstRises(2)
    assert first_rises(bowl(1.0), Algorithm(1e308), 10).steps <= 2
