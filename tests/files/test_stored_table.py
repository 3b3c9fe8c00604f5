"""Data on the disk: read as NumPy reads them, and never other numbers than at first without an error."""

from __future__ import annotations

import copy
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from verify import Architecture, InputError, Problem, train
from verify.files.arrays import map_npy
from verify.files.fingerprint import fingerprint
from verify.files.stored_table import StoredTable

NODES = {
    "x": {"width": 3},
    "h": {"width": 2, "activation": "tanh", "inputs": ["x"]},
    "y": {"width": 1, "activation": "identity", "inputs": ["h"]},
}
ROWS = 9000


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.files.stored_table.PRIVATE_BYTES", 0)
    monkeypatch.setattr("verify.files.stored_table.BLOCK_BYTES", 2**12)


def arrays() -> dict[str, np.ndarray]:
    numbers = np.random.default_rng(0).standard_normal((1000, 3))
    return {
        "table": numbers,
        "columns first": np.asfortranarray(numbers),
        "float32": numbers.astype(np.float32),
        "bytes": (100 * numbers).astype(np.int8),
        "other endian": numbers.astype(">f8"),
        "column": numbers[:, 0].copy(),
        "one row": numbers[:1],
        "no columns": numbers[:, :0],
    }


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("name", arrays())
def test_it_reads_what_numpy_reads(tmp_path: Path, name: str, private: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.files.stored_table.PRIVATE_BYTES", 2**20 if private else 0)
    monkeypatch.setattr("verify.files.stored_table.BLOCK_BYTES", 2**12)
    array = arrays()[name]
    np.save(tmp_path / "x.npy", array)
    table = map_npy(tmp_path / "x.npy")
    assert (table.shape, table.dtype, table.ndim, table.size) == (array.shape, array.dtype, array.ndim, array.size)
    keys: list[Any] = [slice(None), slice(3, 700), slice(5, 5), slice(1, 990, 7), slice(990, 2000), 0, -1]
    if array.ndim == 2:
        keys += [(slice(2, 600), slice(0, 2)), (0, slice(None))]
    for key in keys:
        assert np.array_equal(table[key], array[key]), key
    for same in (copy.copy(table), pickle.loads(pickle.dumps(table))):  # noqa: S301 -- bytes that were made here
        assert np.array_equal(np.asarray(same), array)
    with pytest.raises(ValueError, match="read-only"):
        table[0:1][...] = 0
    if array.ndim == 1:
        assert np.array_equal(table.column(), array.reshape(-1, 1))


def problem_in(folder: Path) -> Problem:
    x = np.random.default_rng(0).standard_normal((ROWS, 3))
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", np.tanh(x[:, :1]))
    return Problem(Architecture.from_data(NODES, "y"), map_npy(folder / "x.npy"), map_npy(folder / "y.npy"))


def one_bit(folder: Path) -> None:
    with (folder / "x.npy").open("r+b") as stream:
        stream.seek(-100, os.SEEK_END)
        byte = stream.read(1)
        stream.seek(-100, os.SEEK_END)
        stream.write(bytes([byte[0] ^ 1]))


def negated(folder: Path) -> None:
    y = np.lib.format.open_memmap(folder / "y.npy", mode="r+")
    y[:] = -y


CHANGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "one bit": (one_bit, r"x\.npy: the data were changed while they were in use.*put the file back"),
    "every sign": (negated, r"y\.npy: the data were changed while they were in use"),
    "cut": (lambda folder: os.truncate(folder / "x.npy", 5000), r"x\.npy: the file was cut while it was in use"),
}
USES: dict[str, Callable[[Problem], object]] = {
    "error": lambda problem: problem.error(problem.initial_weights),
    "gradient": lambda problem: problem.gradient(problem.initial_weights),
    "enclosure": lambda problem: problem.error_enclosure(problem.initial_weights),
    "training": lambda problem: train(problem, steps=1),
}


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize(("change", "message"), CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_changed_data_are_an_error_that_names_the_file(
    tmp_path: Path, change: Callable[[Path], None], message: str, use: Callable[[Problem], object]
) -> None:
    problem = problem_in(tmp_path)
    use(problem)
    change(tmp_path)
    with pytest.raises(InputError, match=message):
        use(problem)


@pytest.mark.parametrize("change", [each for each, _ in CHANGES.values()], ids=CHANGES)
def test_a_private_copy_is_what_was_read(tmp_path: Path, change: Callable[[Path], None]) -> None:
    problem = problem_in(tmp_path)
    before = problem.error(problem.initial_weights)
    guess = np.array(problem.inputs[1::7])
    change(tmp_path)
    assert problem.error(problem.initial_weights) == before
    assert np.array_equal(problem.inputs[1::7], guess)


def test_arrays_that_somebody_writes_to_are_copied(tmp_path: Path) -> None:
    x, y = np.ones((4, 3)), np.ones((4, 1))
    view = x[:]
    view.flags.writeable = False
    for given in (x, view):
        problem = Problem(Architecture.from_data(NODES, "y"), given, y)
        before = problem.error(problem.initial_weights)
        x += 1.0
        y += 1.0
        assert problem.error(problem.initial_weights) == before
        with pytest.raises(ValueError, match="read-only"):
            problem.inputs[0, 0] = 2.0  # type: ignore[index]


@pytest.mark.parametrize("mode", ["r", "r+", "c"])
def test_memory_maps_are_read_from_their_files(tmp_path: Path, mode: Any) -> None:
    problem_in(tmp_path)
    x, y = (np.lib.format.open_memmap(tmp_path / f"{name}.npy", mode=mode) for name in "xy")
    if mode == "c":
        x[0] = 7.0
    problem = Problem(Architecture.from_data(NODES, "y"), x, y)
    assert isinstance(problem.inputs, StoredTable) is (mode != "c")
    assert np.array_equal(problem.inputs, x)


def test_every_bit_of_a_word_counts() -> None:
    words = np.random.default_rng(0).integers(0, 2**63, 64, dtype=np.uint64)
    known = fingerprint(words)
    for bit in range(64):
        for rows in ([0], [0, 1], [0, 5, 63]):
            other = words.copy()
            other[rows] ^= np.uint64(1 << bit)
            assert fingerprint(other) != known
