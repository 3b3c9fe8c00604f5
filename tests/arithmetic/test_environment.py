"""The self-test of the processor notices each hostile state: of this thread, of a thread of BLAS, while importing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import verify
from tests.processor import STATES, hostile, unit
from verify.analysis.check import check
from verify.analysis.one_step import one_step_ranges
from verify.arithmetic import environment, processor
from verify.arithmetic.environment import (
    HostileEnvironment,
    certified_environment,
    check_blas,
    check_environment,
    check_thread,
    users_code,
)
from verify.training.run_folder import RunFolder
from verify.training.session import Session
from verify.training.train import make_rule


@pytest.fixture(autouse=True)
def unsuspected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "suspicion", None)


def reason(state: str) -> str:
    return "subnormal" if STATES[state] & 0x8040 else "to nearest"


@pytest.mark.parametrize("state", STATES)
class TestEveryPartNoticesEveryState:
    def test_numbers_of_python(self, state):
        with hostile(state):
            found = processor.flaw()
        assert found is not None
        assert reason(state) in found

    def test_loops_of_numpy(self, state, monkeypatch):
        monkeypatch.setattr(processor, "flaw", lambda: None)
        with hostile(state), pytest.raises(HostileEnvironment, match="loops"):
            check_thread()

    def test_matrix_products(self, state):
        with hostile(state), pytest.raises(HostileEnvironment, match=f"a matrix product .*{reason(state)}"):
            check_blas()

    @pytest.mark.parametrize("products", [False, True])
    @pytest.mark.parametrize("restored", [False, True])
    def test_a_block(self, state, products, restored):
        """A state that a guarded function inside meets is not forgotten when it is over, even if nobody heard of it."""
        unit()

        def inner() -> None:
            with certified_environment(products=products):
                pass

        with pytest.raises(HostileEnvironment, match=reason(state)) as caught, certified_environment(products=products):
            with hostile(state), pytest.raises(HostileEnvironment):
                inner()
            if not restored:
                unit().enter(state)
        unit().leave()
        assert len(str(caught.value).splitlines()) == 1

    def test_after_an_error_too(self, state):
        unit()
        try:
            with pytest.raises(HostileEnvironment) as caught, certified_environment():
                unit().enter(state)
                raise AssertionError("REFUTED")
        finally:
            unit().leave()
        assert isinstance(caught.value.__cause__, AssertionError)
        with pytest.raises(HostileEnvironment, match="changed during a computation"), certified_environment():
            pass

    def test_code_of_the_users(self, state):
        unit()
        try:
            with pytest.raises(HostileEnvironment), certified_environment():
                with users_code():
                    unit().enter(state)
                pytest.fail("went on")
        finally:
            unit().leave()

    def test_importing_in_it_is_remembered(self, state):
        """The interpreter folds constants in the state of the moment, so nothing may be kept and nothing believed."""
        script = f"""
from tests.processor import hostile
with hostile({state!r}):
    import verify
import sys
assert sys.dont_write_bytecode
try:
    verify.momentum_range(2.0, 0.75)
except verify.DagverifyError as error:
    print(error)
"""
        unit()
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
        assert "the package was imported while" in done.stdout
        assert reason(state) in done.stdout


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors for a thread of BLAS")
@pytest.mark.parametrize("state", STATES)
def test_a_hostile_thread_of_blas_is_noticed_though_this_one_is_fit(state):
    """Threads of BLAS keep the state they were created with: here by NumPy's import in a hostile state."""
    script = f"""
from tests.processor import hostile
with hostile({state!r}):
    import numpy
from verify.arithmetic import processor
from verify.arithmetic.environment import HostileEnvironment, certified_environment, check_thread
check_thread()
try:
    with certified_environment():
        pass
except HostileEnvironment as error:
    print(error)
"""
    unit()
    threads = {**os.environ, "OPENBLAS_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60, env=threads
    )
    assert "a matrix product" in done.stdout


def test_this_process_is_fit():
    check_environment()
    with certified_environment():
        assert 1.0 + 1.0 == 2.0


@pytest.mark.parametrize("wrong", [lambda a, b: np.zeros_like(a @ b), lambda a, b: np.nextafter(np.dot(a, b), np.inf)])
def test_a_matrix_product_that_computes_otherwise_is_noticed(monkeypatch, wrong):
    monkeypatch.setattr(environment.np, "matmul", wrong)
    with pytest.raises(HostileEnvironment, match="matrix product"):
        environment.check_blas()


def test_the_error_inside_the_block_is_not_hidden():
    with pytest.raises(ZeroDivisionError), certified_environment():
        raise ZeroDivisionError


class TestErrorsOfNumPy:
    @pytest.fixture(autouse=True)
    def strict(self):
        with np.errstate(all="raise"):
            yield

    def test_are_not_raised_inside(self):
        with certified_environment():
            assert np.float64(1.0) / np.float64(0.0) == np.inf

    def test_are_the_users_again_afterwards_and_in_his_own_code(self):
        with certified_environment():
            with users_code(), pytest.raises(FloatingPointError):
                np.float64(1.0) / np.float64(0.0)
            assert np.float64(1.0) / np.float64(0.0) == np.inf
        with pytest.raises(FloatingPointError):
            np.float64(1.0) / np.float64(0.0)

    def test_are_the_users_again_after_a_refusal(self, monkeypatch):
        monkeypatch.setattr(processor, "suspicion", "planted")
        with pytest.raises(HostileEnvironment), certified_environment():
            pass
        with pytest.raises(FloatingPointError):
            np.float64(1.0) / np.float64(0.0)


def small() -> verify.Problem:
    nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    architecture = verify.Architecture.from_data(nodes, output="y")
    region = verify.Ball(architecture.initial_weights(), 0.1)
    return verify.Problem(architecture, [[1.0], [-1.0]], [[0.5], [0.0]], region=region)


PUBLISHERS = {
    "certify": lambda problem, _: verify.certify(problem, "step"),
    "train": lambda problem, _: verify.train(problem, steps=1),
    "run": lambda problem, folder: trained(problem, RunFolder(folder / "run")),
    "check": lambda problem, _: check(problem),
    "range": lambda problem, _: one_step_ranges(problem, problem.initial_weights),
    "bound": lambda problem, _: verify.hessian_bound(problem),
}


def trained(problem: verify.Problem, run: RunFolder) -> Any:
    session = Session(problem, make_rule("guarded"))
    run.start(session, {})
    return run.run(session, 1)


@pytest.mark.parametrize("name", PUBLISHERS)
@pytest.mark.parametrize("hostile_call", [1, "last"])
def test_nothing_is_published_from_a_hostile_state(name, hostile_call, monkeypatch, tmp_path):
    calls = 0
    for folder in ("first", "before", "after"):
        (tmp_path / folder).mkdir()
    PUBLISHERS[name](small(), tmp_path / "first")  # what is kept for later calls is computed now
    honest = environment.check_thread

    def counted(limit: float) -> Callable[[], None]:
        def check() -> None:
            nonlocal calls
            calls += 1
            honest()
            if calls >= limit:
                raise HostileEnvironment("planted")

        return check

    monkeypatch.setattr(environment, "check_thread", counted(np.inf))
    PUBLISHERS[name](small(), tmp_path / "before")
    assert calls >= 2
    limit, calls = (calls if hostile_call == "last" else 1), 0
    monkeypatch.setattr(environment, "check_thread", counted(limit))
    with pytest.raises(HostileEnvironment, match="planted"):
        PUBLISHERS[name](small(), tmp_path / "after")
    assert not (tmp_path / "after" / "run" / "result.json").exists()
