"""The self-test of the processor notices each hostile state, in processes that really are in it."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verify
from verify.analysis.check import check
from verify.analysis.one_step import one_step_ranges
from verify.arithmetic import environment
from verify.arithmetic.environment import HostileEnvironment, certified_environment, check_environment
from verify.training.run_folder import RunFolder
from verify.training.session import Session
from verify.training.train import make_rule

X86 = platform.machine() in ("x86_64", "AMD64")
HELPER = """
#include <fenv.h>
#include <xmmintrin.h>
int set_rounding(int mode) { return fesetround(mode); }
int mode(int i) { int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}; return modes[i]; }
void set_bits(unsigned bits) { _mm_setcsr(_mm_getcsr() | bits); }
"""
SCRIPT = """
import ctypes, sys
from verify.arithmetic.environment import HostileEnvironment, certified_environment, check_environment
helper = ctypes.CDLL({library!r})
check_environment()
try:
    with certified_environment():
        {change}
except HostileEnvironment as error:
    helper.set_rounding(helper.mode(0))
    print(error)
    sys.exit(7)
"""
FLUSH_TO_ZERO, DENORMALS_ARE_ZERO = 0x8000, 0x0040


@pytest.fixture(scope="module")
def library(tmp_path_factory) -> Path:
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or not X86:
        pytest.skip("needs a C compiler on x86-64")
    folder = tmp_path_factory.mktemp("helper")
    (folder / "helper.c").write_text(HELPER)
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", "helper.so", "helper.c"], cwd=folder, check=True)
    return folder / "helper.so"


def outcome(library: Path, change: str) -> subprocess.CompletedProcess[str]:
    script = SCRIPT.format(library=str(library), change=change)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("helper.set_rounding(helper.mode(1))", "not to nearest"),
        ("helper.set_rounding(helper.mode(2))", "not to nearest"),
        ("helper.set_rounding(helper.mode(3))", "not to nearest"),
        (f"helper.set_bits({FLUSH_TO_ZERO})", "subnormal"),
        (f"helper.set_bits({DENORMALS_ARE_ZERO})", "subnormal"),
        (f"helper.set_bits({FLUSH_TO_ZERO | DENORMALS_ARE_ZERO})", "subnormal"),
    ],
)
def test_hostile_states_are_noticed(library, change, reason):
    result = outcome(library, change)
    assert result.returncode == 7, result.stderr
    assert reason in result.stdout
    assert len(result.stdout.strip().splitlines()) == 1


def test_a_harmless_change_passes(library):
    result = outcome(library, "helper.set_rounding(helper.mode(0))")
    assert result.returncode == 0, result.stderr


def test_this_process_is_fit():
    check_environment()
    with certified_environment():
        assert 1.0 + 1.0 == 2.0


@pytest.mark.parametrize("wrong", [lambda a, b: np.zeros_like(a), lambda a, b: np.nextafter(np.dot(a, b), np.inf)])
def test_a_matrix_product_that_computes_otherwise_is_noticed(monkeypatch, wrong):
    class Foreign(np.ndarray):
        def __matmul__(self, other):
            return wrong(np.asarray(self), np.asarray(other))

    def foreign_full(shape, value):
        return np.ones(shape).view(Foreign) * value

    monkeypatch.setattr(environment.np, "full", foreign_full)
    with pytest.raises(HostileEnvironment, match="matrix product"):
        environment.check_blas()


def test_the_error_inside_the_block_is_not_hidden():
    with pytest.raises(ZeroDivisionError), certified_environment():
        raise ZeroDivisionError


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
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    honest = environment.check_rounding

    def counted(limit: float) -> Callable[[], None]:
        def check() -> None:
            nonlocal calls
            calls += 1
            honest()
            if calls >= limit:
                raise HostileEnvironment("planted")

        return check

    monkeypatch.setattr(environment, "check_rounding", counted(np.inf))
    PUBLISHERS[name](small(), tmp_path / "before")
    assert calls >= 2
    limit, calls = (calls if hostile_call == "last" else 1), 0
    monkeypatch.setattr(environment, "check_rounding", counted(limit))
    with pytest.raises(HostileEnvironment, match="planted"):
        PUBLISHERS[name](small(), tmp_path / "after")
    assert not (tmp_path / "after" / "run" / "result.json").exists()
