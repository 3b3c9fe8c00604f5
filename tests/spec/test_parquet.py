"""Spec files over Parquet tables; needs pyarrow, the extra ``dagverify[tables]``."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from verify.outcomes import InputError
from verify.spec import load_specification

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

NODES = '\n[nodes.x]\nwidth = {}\n[nodes.y]\nwidth = {}\nactivation = "identity"\ninputs = ["x"]\n'


def load(folder: Path, columns: dict[str, Any] | bytes, data: str, width: int = 1, out: int = 1) -> Any:
    path = folder / "t.parquet"
    if isinstance(columns, bytes):
        path.write_bytes(columns)
    else:
        parquet.write_table(pa.table(columns), path)
    spec = folder / "net.toml"
    spec.write_text(f'[data]\nsource = "parquet:t.parquet"\n{data}{NODES.format(width, out)}', encoding="utf-8")
    return load_specification(spec).problem


def test_names_are_read_as_they_stand(tmp_path: Path) -> None:
    problem = load(tmp_path, {" a": [1.5, 2.5], "y ": [0.5, 0.25]}, 'inputs = [" a"]\ntargets = ["y "]')
    np.testing.assert_array_equal(problem.inputs[:, 0], [1.5, 2.5])


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array([1, -2], pa.int8()), [1, -2]),
        (pa.array([2**53, 0], pa.int64()), [2**53, 0]),
        (pa.array([0.1, 2.5], pa.float64()), [0.1, 2.5]),
        (pa.array([0.1, 2.5], pa.float32()), [float(np.float32(0.1)), 2.5]),
        (pa.array([True, False]), [1, 0]),
        (pa.array([Decimal("0.10"), Decimal("-3.25")]), [0.1, -3.25]),
        (pa.chunked_array([[1.5], [2.5]]), [1.5, 2.5]),
    ],
)
def test_numbers_are_read_as_they_are(tmp_path: Path, column: Any, values: list[float]) -> None:
    problem = load(tmp_path, {"a": column, "y": [0.5, 0.25]}, 'targets = ["y"]')
    np.testing.assert_array_equal(problem.inputs[:, 0], values)
    np.testing.assert_array_equal(problem.targets[:, 0], [0.5, 0.25])


@pytest.mark.parametrize(
    ("column", "listed"),
    [
        (pa.array(["b", "a"]), '["a", "b"]'),
        (pa.array(["b", "a"]).dictionary_encode(), '["a", "b"]'),
        (pa.array([7, 3]), "[3, 7]"),
        (pa.array([True, False]), '["false", "true"]'),
    ],
)
def test_classes_stand_in_the_order_of_the_spec(tmp_path: Path, column: Any, listed: str) -> None:
    columns = {"y": [1.0, 2.0], "k": column}
    problem = load(tmp_path, columns, f'targets = ["y"]\ncategories = {{k = {listed}}}\nscale = "standard"', 2)
    np.testing.assert_array_equal(problem.inputs, [[0, 1], [1, 0]])


def test_a_class_that_is_not_listed_is_located(tmp_path: Path) -> None:
    data = 'targets = ["y"]\ncategories = {k = ["a", "b"]}'
    for wrong, shown in (("c", "c"), (None, "")):
        columns = {"y": [1.0] * 4, "k": pa.chunked_array([["b", "a"], ["a", wrong]], pa.string())}
        with pytest.raises(InputError, match=f"t.parquet: row 4: no such category: column='k', value='{shown}'"):
            load(tmp_path, columns, data, 2)


def test_a_long_word_of_many_rows_is_held_once(tmp_path: Path) -> None:
    columns = {"y": np.zeros(200_000), "k": pa.array(["w" * 100_000]).dictionary_encode().take(np.zeros(200_000, int))}
    with pytest.raises(InputError, match="no such category"):
        load(tmp_path, columns, 'targets = ["y"]\ncategories = {k = ["a", "b"]}', 2)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"a": [1.0, None], "y": [1, 2]}, "row 2: not a number: column='a', value=None"),
        ({"a": pa.array([1, None]), "y": [1, 2]}, "row 2: not a number"),
        ({"a": [1.0, float("nan")], "y": [1, 2]}, "row 2: not a number"),
        ({"a": [float("inf"), 1.0], "y": [1, 2]}, "row 1: not a number"),
        ({"a": [2**53 + 1, 0], "y": [1, 2]}, "not exactly a float64"),
        ({"a": ["u", "v"], "y": [1, 2]}, r'categories = \{"a" = \["u", "v"\]\}'),
        ({"a": pa.array([0, 1], pa.timestamp("s")), "y": [1, 2]}, "not a number"),
        ({"a": [[1], [2]], "y": [1, 2]}, "not a number"),
        ({"b": [1], "c": [1]}, "no such column: targets='y'"),
        ({"a": pa.array([], pa.float64()), "y": pa.array([], pa.float64())}, "at least one sample"),
        (b"", "cannot be read"),
        (b"PAR1" + bytes(range(64)) + b"PAR1", "cannot be read"),
        (b"a,y\n1,2\n", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line(tmp_path: Path, columns: Any, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        load(tmp_path, columns, 'targets = ["y"]')
    assert "\n" not in str(caught.value)


def test_damaged_tables_are_one_line_or_read(tmp_path: Path) -> None:
    load(tmp_path, {"a": [1.0, 2.0] * 50, "y": [1.0, 0.0] * 50}, 'targets = ["y"]')
    content = (tmp_path / "t.parquet").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(40):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), size=3):
            damaged[place] = rng.integers(256)
        try:
            load(tmp_path, bytes(damaged), 'targets = ["y"]')
        except InputError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 0


def test_a_table_that_claims_more_than_is_held_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verify.spec.parquet_table.MAX_ARRAY_BYTES", 2000)
    fits, too_many = ({"a": [0.0] * rows, "y": [0.0] * rows} for rows in (125, 126))
    assert load(tmp_path, fits, 'targets = ["y"]').inputs.shape == (125, 1)
    with pytest.raises(InputError, match="the table is too large: rows=126, bytes=2016"):
        load(tmp_path, too_many, 'targets = ["y"]')
