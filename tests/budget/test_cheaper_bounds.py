"""Where the sharp method would need too much, a coarser bound stands in: never below what an attack proves."""

from __future__ import annotations

import numpy as np
import pytest

import verify
from verify.bounds import curvature, hessian_norms
from verify.bounds.attack import attack_hessian
from verify.bounds.hessian import hessian_bound
from verify.bounds.majorant import center_third


def wide(width: int, samples: int = 3) -> verify.Problem:
    nodes = {
        "x": {"width": width},
        "h": {"width": 3, "activation": "tanh", "inputs": ["x"]},
        "k": {"width": 2, "activation": "sigmoid", "inputs": ["h", "x"]},
        "y": {"width": 1, "activation": "tanh", "inputs": ["k", "h"]},
    }
    architecture = verify.Architecture.from_data(nodes, "y")
    rng = np.random.default_rng(0)
    region = verify.Ball(architecture.initial_weights(), 0.05)
    return verify.Problem(architecture, rng.normal(size=(samples, width)), rng.normal(size=(samples, 1)), region=region)


@pytest.mark.parametrize(("name", "value"), [("LARGEST_GRAMS", 0), ("LARGEST_GRAMS", 100), ("LARGEST_ORDER", 3)])
def test_without_gram_matrices_the_majorant_is_coarser_and_still_a_bound(
    name: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = wide(6)
    sharp = hessian_bound(problem, method="majorant").terms["integral"]
    monkeypatch.setattr(center_third, name, value)
    coarse = hessian_bound(problem, method="majorant").terms["integral"]
    assert coarse >= sharp
    assert coarse >= attack_hessian(problem, points=1, ascents=1).value


@pytest.mark.slow
def test_few_rows_and_no_sublevel_terms_change_no_soundness(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = wide(4, samples=7)
    level = problem.error_enclosure(problem.initial_weights)[1]
    low = attack_hessian(problem, points=1, ascents=1, level=level).value
    plain = hessian_bound(problem, method="norms", level=level)
    monkeypatch.setattr(hessian_norms, "MOST_NORMS", 1)
    few = hessian_bound(problem, method="norms", level=level).value
    assert few >= plain.value * (1 - 1e-9)  # samples of one chunk only are known not to add up
    assert few >= low
    monkeypatch.setattr(hessian_norms, "MOST_RESIDUAL_TERMS", 1)
    without = hessian_bound(problem, method="norms", level=level)
    assert without.value == without.whole >= plain.value >= low


def test_a_sample_of_twenty_thousand_inputs_is_bounded() -> None:
    bound = hessian_bound(wide(20_000, samples=1))
    assert np.isfinite(bound.value)


def test_a_table_too_large_is_refused_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.budget.MEMORY_LIMIT", 64)
    with pytest.raises(verify.InputError, match=r"is too large: gigabytes=.*; merge layers"):
        hessian_bound(wide(2), method="norms")


def test_what_is_too_large_is_not_attacked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.budget.MEMORY_LIMIT", 64)
    monkeypatch.setattr(curvature, "attack_hessian", lambda *a, **k: pytest.fail("an attack on a bound that is none"))
    monkeypatch.setattr(curvature, "starting_level", lambda problem: pytest.fail("a pass that is waited for in vain"))
    found = curvature.examine_curvature(wide(2))
    assert found.value is None and found.attack is None
    assert found.reason is not None and "is too large" in found.reason
    assert found.remedy == "merge layers: use fewer vertices"
