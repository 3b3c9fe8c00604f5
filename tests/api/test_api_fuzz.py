"""The fuzzer of the Python API: it knows every public name, sees what it must see, and a sample of it finds nothing."""

from __future__ import annotations

import importlib
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import verify

BENCHMARKS = str(Path(__file__).parents[2] / "benchmarks")
NAMES = ("api_fuzz_draws", "api_fuzz_calls", "api_fuzz")


@pytest.fixture(scope="module")
def fuzz() -> Iterator[SimpleNamespace]:
    sys.path.insert(0, BENCHMARKS)
    try:
        draws, calls, runner = (importlib.import_module(name) for name in NAMES)
        yield SimpleNamespace(draws=draws, calls=calls, runner=runner)
    finally:
        sys.path.remove(BENCHMARKS)


def test_every_public_name_has_a_generator(fuzz: SimpleNamespace) -> None:
    assert fuzz.calls.public_names() == set(fuzz.calls.CALLS)


def test_a_new_name_is_missed(fuzz: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "__all__", [*verify.__all__, "novelty"])
    monkeypatch.setattr(verify, "novelty", lambda problem: problem, raising=False)
    assert fuzz.calls.public_names() - set(fuzz.calls.CALLS) == {"novelty"}


def _late(draw: object) -> None:
    while True:
        time.sleep(0)


def _warns(draw: object) -> None:
    warnings.warn("overflow", RuntimeWarning, stacklevel=2)


@pytest.mark.parametrize(
    ("planted", "seen"),
    [
        (lambda draw: {"value": [np.array([0.0, np.nan])]}, "NaN: answer['value'][0]"),
        (lambda draw: verify.Trajectory(np.array([np.nan]), np.zeros(1), "overflow"), "NaN: answer.errors"),
        (lambda draw: 1 / 0, "ZeroDivisionError: division by zero"),
        (_warns, "RuntimeWarning: overflow"),
        (_late, "longer than 0.2 s"),
    ],
)
def test_a_planted_fault_is_seen(
    fuzz: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, planted: object, seen: str
) -> None:
    monkeypatch.setitem(fuzz.calls.CALLS, "lint", planted)
    monkeypatch.setitem(fuzz.runner.LONG, "lint", 0.2)
    assert fuzz.runner.call(0, name="lint").fault == seen


def test_an_error_of_ours_is_an_answer(fuzz: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(draw: object) -> None:
        raise verify.InputError("refused")

    monkeypatch.setitem(fuzz.calls.CALLS, "lint", refuse)
    outcome = fuzz.runner.call(0, name="lint")
    assert (outcome.kind, outcome.fault) == ("InputError", "")


def test_a_call_is_made_again_by_its_number(fuzz: SimpleNamespace) -> None:
    first, again = fuzz.draws.Draw(3, 14), fuzz.draws.Draw(3, 14)
    assert first.nodes == again.nodes
    assert np.array_equal(first.weights, again.weights)


def test_a_sample_is_answered(fuzz: SimpleNamespace) -> None:
    outcomes = list(fuzz.runner.run(range(150), seed=20))
    assert [outcome for outcome in outcomes if outcome.fault] == []
    assert len({outcome.name for outcome in outcomes}) > 30
