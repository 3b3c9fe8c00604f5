"""A table of Dask's, written as the page says, gives the bounds of the same numbers in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import verify
from tests.networks import make_problem

dask_array = pytest.importorskip("dask.array")
NODES = {
    "x": {"width": 3},
    "h": {"width": 2, "activation": "tanh", "inputs": ["x"]},
    "y": {"width": 1, "activation": "identity", "inputs": ["h"]},
}


def test_a_table_of_dask_is_written_block_by_block(tmp_path: Path) -> None:
    known = make_problem(NODES, samples=40)
    array = dask_array.from_array(known.inputs, chunks=(7, 3))
    table = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float64, array.shape)
    dask_array.store(array, table, lock=False)
    table.flush()
    problem = verify.Problem(known.architecture, np.load(tmp_path / "x.npy", mmap_mode="r"), known.targets)
    w = known.initial_weights
    assert verify.error_by_workers(problem, w, workers=2) == verify.error_by_workers(known, w, workers=1)
