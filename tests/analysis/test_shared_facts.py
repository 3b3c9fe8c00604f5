"""What several parts of an analysis need is computed once, and the answers are those without sharing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import verify
from verify.bounds import hessian, hessian_center, hessian_norms
from verify.bounds.hessian import hessian_bound
from verify.sharing import shared, sharing


def problem(samples: int = 5) -> verify.Problem:
    nodes = {
        "x": {"width": 3},
        "h": {"width": 4, "activation": "tanh", "inputs": ["x"]},
        "y": {"width": 2, "activation": "sigmoid", "inputs": ["h", "x"]},
    }
    architecture = verify.Architecture.from_data(nodes, "y")
    rng = np.random.default_rng(0)
    region = verify.Ball(architecture.initial_weights(), 0.05)
    return verify.Problem(architecture, rng.normal(size=(samples, 3)), rng.random((samples, 2)), region=region)


def _counted(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[Any]:
    calls: list[Any] = []
    function = getattr(module, name)

    def counting(*arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        return function(*arguments, **options)

    monkeypatch.setattr(module, name, counting)
    return calls


def test_check_computes_the_facts_at_the_centre_once_and_answers_as_without(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = _counted(monkeypatch, hessian, "center_facts")
    gains = _counted(monkeypatch, hessian_center, "_all_gains")
    setting = verify.Setting(0.01, tau=0.005)
    answer = verify.check(problem(), setting).to_json()
    assert len(facts) == len(gains) == 1
    for module in (hessian, hessian_center, hessian_norms):
        monkeypatch.setattr(module, "shared", lambda owner, key, compute: compute())
    assert verify.check(problem(), setting).to_json() == answer
    assert len(facts) > 2


def test_other_weights_and_other_problems_share_nothing() -> None:
    first, second = problem(), problem(3)
    region = verify.Ball(first.initial_weights + 0.125, 0.05)
    asked = [(first, first.region), (second, second.region), (first, region)]
    with sharing():
        together = [hessian_bound(*each, cells=1).value for each in asked]
    assert together == [hessian_bound(*each, cells=1).value for each in asked]
    assert len(set(together)) == 3


def test_what_raises_is_not_kept_and_nothing_outlasts_the_block() -> None:
    owner = object()

    def fails() -> int:
        raise ValueError

    with sharing():
        with pytest.raises(ValueError):
            shared(owner, "fact", fails)
        with sharing():
            assert shared(owner, "fact", lambda: 1) == 1
        assert shared(owner, "fact", lambda: 2) == 1
        assert shared(object(), "fact", lambda: 3) == 3
    assert shared(owner, "fact", lambda: 4) == 4


@pytest.mark.parametrize("radius", [1e-3, 0.05])
@pytest.mark.parametrize("level", [False, True])
def test_norm_products_that_are_not_cut_would_have_helped_nothing(
    radius: float, level: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = problem()
    region = verify.Ball(own.initial_weights, radius)
    height = own.error_enclosure(own.initial_weights)[1] if level else None
    found = hessian_bound(own, region, cells=6, level=height)
    monkeypatch.setattr(hessian, "_cutting_may_help", lambda *arguments: True)
    cut = hessian_bound(own, region, cells=6, level=height)
    assert (found.value, found.whole) == (cut.value, cut.whole)
