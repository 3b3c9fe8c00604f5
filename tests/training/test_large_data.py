"""Data on disk: training reads memory maps in chunks, its own memory does not grow with the samples."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from verify import Architecture, Problem
from verify.files.stored_table import StoredTable
from verify.training.session import Session
from verify.training.train import make_rule

NODES = {
    "x": {"width": 16},
    "h": {"width": 4, "activation": "tanh", "inputs": ["x"]},
    "y": {"width": 1, "activation": "identity", "inputs": ["h"]},
}


def mapped_problem(folder: Path, samples: int) -> Problem:
    rng = np.random.default_rng(0)
    x = np.lib.format.open_memmap(folder / "x.npy", mode="w+", dtype=np.float64, shape=(samples, 16))
    y = np.lib.format.open_memmap(folder / "y.npy", mode="w+", dtype=np.float64, shape=(samples, 1))
    x[:] = rng.standard_normal((samples, 16))
    y[:] = np.tanh(x[:, :1])
    x.flush()
    y.flush()
    maps = [np.lib.format.open_memmap(folder / f"{name}.npy", mode="r") for name in ("x", "y")]
    return Problem(Architecture.from_data(NODES, output="y"), *maps)


def peak_of_training(problem: Problem, rule: str) -> int:
    tracemalloc.start()
    try:
        session = Session(problem, make_rule(rule, *((0.1, 0.05) if rule == "fixed" else ())))
        for _ in range(2):
            assert session.step() is not None
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("rule", ["certified", "guarded", "fixed"])
def test_memory_does_not_grow_with_the_samples(tmp_path: Path, rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.bounds.start.MOST_BYTES", 2**20)
    monkeypatch.setattr("verify.files.stored_table.PRIVATE_BYTES", 0)
    peaks = []
    for samples in (20_000, 60_000):
        folder = tmp_path / str(samples)
        folder.mkdir()
        problem = mapped_problem(folder, samples)
        assert isinstance(problem.inputs, StoredTable)
        peaks.append(peak_of_training(problem, rule))
    assert peaks[1] < 60_000 * 16 * 8 / 2
    assert peaks[1] < 1.2 * peaks[0] + 200_000
