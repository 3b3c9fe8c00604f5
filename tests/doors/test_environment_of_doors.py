"""Every public function that answers with a verdict, a bound or an enclosure refuses a hostile processor."""

from __future__ import annotations

import numpy as np
import pytest

import verify
from tests.processor import STATES, hostile, unit
from tests.public_calls import CALLS, NO_CLAIM, public_names, sample
from verify.arithmetic.environment import HostileEnvironment
from verify.training.run_folder import RunFolder
from verify.training.session import Session
from verify.training.train import make_rule

EXTRA = {"HeavyBallRange"}


def test_every_public_name_is_called_or_has_a_reason() -> None:
    found = set(public_names())
    assert found - set(CALLS) - set(NO_CLAIM) == set(), "guard it, and call it in tests/public_calls.py"
    assert (set(CALLS) | set(NO_CLAIM)) - found - EXTRA == set(), "names that are no more"
    assert set(CALLS) & set(NO_CLAIM) == set()


@pytest.mark.parametrize("name", CALLS)
def test_it_is_refused_in_every_hostile_state_alone(name: str) -> None:
    CALLS[name](sample())
    for state in STATES:
        with hostile(state):
            try:
                CALLS[name](sample())
            except HostileEnvironment:
                continue
        pytest.fail(f"{name} answers in state {state!r}")


@pytest.mark.parametrize("state", STATES)
class TestTheStateChangesInTheMiddle:
    """A callback changes the state at its second call and restores it at its fourth, or never."""

    @pytest.fixture(params=["restored", "left"])
    def callback(self, request, state):
        calls = 0
        processor = unit()

        def change(*_):
            nonlocal calls
            calls += 1
            if calls == 2:
                processor.enter(state)
            elif calls >= 4 and request.param == "restored":
                processor.leave()

        yield change
        processor.leave()

    def test_training(self, callback) -> None:
        with pytest.raises(HostileEnvironment):
            verify.train(sample().problem, steps=6, callback=callback)

    def test_session(self, callback) -> None:
        session = Session(sample().problem, make_rule("certified"))
        with pytest.raises(HostileEnvironment):
            for _ in range(6):
                session.step()
                callback()

    def test_run_folder(self, callback, tmp_path) -> None:
        session = Session(sample().problem, make_rule("guarded"))
        run = RunFolder(tmp_path / "run")
        run.start(session, {})
        with pytest.raises(HostileEnvironment):
            run.run(session, 6, callback, every=1)
        assert not run.result.exists()
        assert len(list(run.read())) <= 2

    def test_progress_of_a_check(self, callback) -> None:
        with pytest.raises(HostileEnvironment):
            verify.check(sample().problem, sample().setting, progress=callback)

    def test_progress_of_one_step(self, callback) -> None:
        with pytest.raises(HostileEnvironment):
            verify.one_step_ranges(sample().problem, sample().w, sample().w - 0.01, progress=callback)

    def test_progress_of_a_suite(self, callback) -> None:
        with pytest.raises(HostileEnvironment):
            verify.run_suite(sample().problem, examples=2, announce=callback)

    def test_a_gradient_of_the_users(self, callback) -> None:
        def gradient(w: np.ndarray) -> np.ndarray:
            callback()
            callback()
            return sample().problem.gradient(w)

        with pytest.raises(HostileEnvironment):
            verify.check_gradient(sample().problem, gradient)
