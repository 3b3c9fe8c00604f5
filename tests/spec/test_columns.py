"""Spec files over tables with named columns: what is read is what the cells say, and bad cells are one located line."""

from __future__ import annotations

import math
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.outcomes import InputError
from verify.spec import load_specification
from verify.spec.csv_table import CsvTable, number
from verify.spec.document import read_document
from verify.spec.parquet_table import ParquetTable

PEOPLE = """\
age,sex,bmi,kind,y
30,f,21.5,b,1.25
41,m,30,a,-2
55,f,.5e1,c,0
"""
NODES = """
[nodes.x]
width = {width}
[nodes.y]
width = {out}
activation = "identity"
inputs = ["x"]
"""


def load(folder: Path, data: str, width: int = 4, out: int = 1, head: str = "", table: str | bytes = PEOPLE) -> Any:
    content = table.encode() if isinstance(table, str) else table
    (folder / "people.csv").write_bytes(content)
    spec = folder / "net.toml"
    text = f'{head}\n[data]\nsource = "csv:people.csv"\n{data}\n{NODES.format(width=width, out=out)}'
    spec.write_text(text, encoding="utf-8")
    return load_specification(spec).problem


SEX = 'categories = {sex = ["m", "f"]}\n'
CHOSEN = SEX + 'inputs = ["bmi", "sex", "age"]\ntargets = ["y"]\n'


def test_columns_stand_in_the_order_of_the_spec_and_classes_in_theirs(tmp_path: Path) -> None:
    problem = load(tmp_path, CHOSEN)
    np.testing.assert_array_equal(problem.inputs, [[21.5, 0, 1, 30], [30, 1, 0, 41], [5, 0, 1, 55]])
    np.testing.assert_array_equal(problem.targets, [[1.25], [-2], [0]])


def test_without_inputs_all_columns_but_the_targets_are_read(tmp_path: Path) -> None:
    categories = 'categories = {sex = ["m", "f"], kind = ["a", "b", "c"]}\n'
    problem = load(tmp_path, categories + 'targets = ["y", "age"]', width=6, out=2)
    np.testing.assert_array_equal(problem.inputs[0], [0, 1, 21.5, 0, 1, 0])
    np.testing.assert_array_equal(problem.targets[0], [1.25, 30])
    kind = 'categories = {kind = ["a", "b", "c"]}\ninputs = ["kind"]\ntarget = "input"'
    same = load(tmp_path, kind, width=3, out=3)
    np.testing.assert_array_equal(same.targets, same.inputs)


@pytest.mark.parametrize("scale", ['"standard"', '"minmax"', "2.0"])
def test_columns_of_classes_are_not_scaled(tmp_path: Path, scale: str) -> None:
    classical = load(tmp_path, f'{CHOSEN}scale = {scale}\ntarget_scale = "standard"')
    np.testing.assert_array_equal(classical.inputs[:, 1:3], [[0, 1], [1, 0], [0, 1]])
    raw = load(tmp_path, f'inputs = ["bmi", "age"]\ntargets = ["y"]\nscale = {scale}', width=2)
    np.testing.assert_array_equal(classical.inputs[:, [0, 3]], raw.inputs)
    graph = load(tmp_path, f'{CHOSEN}scale = {scale}\ntarget_scale = "standard"', head='loss = "mse"')
    np.testing.assert_array_equal(graph.constants["inputs"], classical.inputs)
    np.testing.assert_array_equal(graph.constants["targets"], classical.targets)


@pytest.mark.parametrize("loss", ["softmax-cross-entropy", "half-squared-error"])
def test_a_target_of_classes_counts_them(tmp_path: Path, loss: str) -> None:
    data = 'categories = {kind = ["c", "a", "b"]}\ninputs = ["age"]\ntargets = ["kind"]'
    problem = load(tmp_path, data, width=1, out=3, head=f'loss = "{loss}"')
    found = problem.constants["targets"] if loss.startswith("softmax") else problem.targets
    np.testing.assert_array_equal(found, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])


@pytest.mark.parametrize(("listed", "numbers"), [("[1, 2, 3]", [1, 0, 2]), ('["2", 1, 3]', [0, 1, 2])])
def test_classes_may_be_whole_numbers(tmp_path: Path, listed: str, numbers: list[int]) -> None:
    data = f'categories = {{k = {listed}}}\ninputs = ["a"]\ntargets = ["k"]'
    problem = load(tmp_path, data, width=1, out=3, table="a,k\n0,2\n0,1\n0,3\n")
    np.testing.assert_array_equal(problem.targets.argmax(axis=1), numbers)


def test_whole_numbers_are_classes_of_cross_entropy_as_they_stand(tmp_path: Path) -> None:
    data = 'inputs = ["a"]\ntargets = ["k"]'
    problem = load(tmp_path, data, 1, 3, 'loss = "softmax-cross-entropy"', "a,k\n0,2\n0,1\n0,0\n")
    np.testing.assert_array_equal(problem.constants["targets"], np.eye(3)[::-1])


def test_the_table_is_a_file_of_the_spec(tmp_path: Path) -> None:
    load(tmp_path, CHOSEN)
    assert read_document(tmp_path / "net.toml").files == (tmp_path / "people.csv",)


@pytest.mark.parametrize(
    "table",
    [
        "\ufeff" + PEOPLE,
        PEOPLE.replace("\n", "\r\n"),
        PEOPLE.replace("\n", "\n\n") + "\n",
        PEOPLE.replace(",", " , "),
        "".join(",".join(f'"{cell}"' for cell in line.split(",")) + "\n" for line in PEOPLE.splitlines()),
        PEOPLE.rstrip("\n"),
    ],
)
def test_ways_of_writing_one_table(tmp_path: Path, table: str) -> None:
    problem, expected = load(tmp_path, CHOSEN, table=table), load(tmp_path, CHOSEN)
    np.testing.assert_array_equal(problem.inputs, expected.inputs)
    np.testing.assert_array_equal(problem.targets, expected.targets)


def test_quoted_cells_hold_commas_quotes_and_line_ends(tmp_path: Path) -> None:
    table = 'k,"a ""b"", c"\n"x\ny",1\n"p,q",2\n"",{}\n'
    data = 'inputs = ["a \\"b\\", c"]\ntargets = ["k"]\ncategories = {k = ["x\\ny", "p,q", "r"]}'
    with pytest.raises(InputError, match=r"people.csv:5: no such category: column='k', value=''"):
        load(tmp_path, data, 1, 3, table=table.format(3))
    with pytest.raises(InputError, match=r"people.csv:5: not a number: .*value='bad'"):
        load(tmp_path, data, 1, 3, table=table.format("bad"))
    read = CsvTable(tmp_path / "people.csv")
    assert read.names == ("k", 'a "b", c')
    assert read.texts("k") == ["x\ny", "p,q", ""]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=12) | st.floats(allow_nan=False, allow_infinity=False))
@settings(max_examples=60)
def test_a_number_is_the_nearest_float64_of_its_decimals(value: Any) -> None:
    text = str(value)
    read = number(text)
    off = abs(Fraction(read) - Fraction(Decimal(text)))
    for other in (math.nextafter(read, math.inf), math.nextafter(read, -math.inf)):
        assert math.isinf(other) or off <= abs(Fraction(other) - Fraction(Decimal(text)))


@pytest.mark.parametrize(
    "cell", ["", "nan", "inf", "-Infinity", "1_000", "1,5", "0x10", "1e999", "٣", "1 2", "+-1", "e5", ".", "1e", "--"]
)
def test_what_is_no_plain_number_is_located(tmp_path: Path, cell: str) -> None:
    table = f'a,b\n1,2\n"{cell}",2\n'
    with pytest.raises(InputError) as caught:
        load(tmp_path, 'targets = ["b"]', 1, table=table)
    assert "people.csv:3: not a number: column='a'" in str(caught.value)
    assert caught.value.values["value"] == cell
    assert caught.value.remedy is not None


def test_obeying_the_remedy_of_a_column_of_words_helps(tmp_path: Path) -> None:
    data = 'inputs = ["age", "sex"]\ntargets = ["y"]\n'
    with pytest.raises(InputError, match=r'state the order: categories = \{"sex" = \["f", "m"\]\}') as caught:
        load(tmp_path, data, 3)
    assert caught.value.remedy is not None
    obeyed = load(tmp_path, data + caught.value.remedy.partition("order: ")[2], 3)
    np.testing.assert_array_equal(obeyed.inputs[0], [30, 1, 0])


@pytest.mark.parametrize("loss", ["softmax-cross-entropy", "half-squared-error", "mse"])
def test_obeying_the_remedy_of_numbers_that_are_names_helps(tmp_path: Path, loss: str) -> None:
    data, head, table = 'inputs = ["a"]\ntargets = ["k"]\n', f'loss = "{loss}"', "a,k\n0,5\n0,3\n"
    with pytest.raises(InputError, match=r'label=5.*; or list them in data: categories = \{"k" = \[3, 5\]\}') as caught:
        load(tmp_path, data, 1, 2, head, table)
    assert caught.value.remedy is not None
    obeyed = load(tmp_path, data + caught.value.remedy.partition("data: ")[2], 1, 2, head, table)
    targets = obeyed.targets if loss.startswith("half") else obeyed.constants["targets"]
    np.testing.assert_array_equal(targets, [[0, 1], [1, 0]])


@pytest.mark.parametrize("loss", ["softmax-cross-entropy", "half-squared-error", "mse"])
def test_a_class_that_no_sample_has_keeps_its_output(tmp_path: Path, loss: str) -> None:
    data, table = 'inputs = ["a"]\ntargets = ["k"]\ncategories = {k = ["u", "v", "w"]}', "a,k\n0,v\n0,u\n"
    problem = load(tmp_path, data, 1, 3, f'loss = "{loss}"', table)
    targets = problem.targets if loss.startswith("half") else problem.constants["targets"]
    np.testing.assert_array_equal(targets, [[0, 1, 0], [1, 0, 0]])


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_table_without_commas_is_told_to_have_some(tmp_path: Path, mark: str) -> None:
    with pytest.raises(InputError, match="no such column: inputs='age'; save it with commas"):
        load(tmp_path, 'inputs = ["age"]\ntargets = ["y"]', 1, table=PEOPLE.replace(",", mark))


def test_one_bad_cell_does_not_make_classes_of_numbers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"value='n.a.'; replace it by a number$"):
        load(tmp_path, 'inputs = ["age"]\ntargets = ["y"]', 1, table=PEOPLE.replace("41", "n.a."))


BAD_TABLES: list[tuple[str | bytes, str]] = [
    ("", "line of names"),
    ("\n\n", "line of names"),
    ("a,b\n", "at least one sample"),
    ("a,a\n1,2\n", "names of their own: column=2, name='a'"),
    ("a,\n1,2\n", "names of their own: column=2, name=''"),
    ("a;b\n1;2\n", "commas between them|no such column"),
    ("a,b\n1,2\n1\n", "people.csv:3: a line of another length: cells=1, columns=2"),
    ("a,b\n1,2,3\n", "people.csv:2: a line of another length"),
    ('a,b\n1,"2\n', "people.csv:2: the table cannot be read"),
    ('a,b\n1,"2"x\n', "people.csv:2: the table cannot be read"),
    ("a,b\n" + "9" * 200_000 + ",1\n", "field larger than field limit"),
    ("a,b\n" + "9" * 100_000 + ",1\n", "not a number"),
    ("a,b\n1\x00,2\n", "not a number"),
    ("a,b\n1,2\n".encode("utf-16"), "not UTF-8 text"),
    ("a,b\n1,2\ncafé,3\n".encode("latin-1"), "people.csv:3: not UTF-8 text"),
    (b"\x00" * 100, "no such column|cannot be read"),
]


@pytest.mark.parametrize(("table", "words"), BAD_TABLES)
def test_a_table_that_cannot_be_used_is_one_line(tmp_path: Path, table: str | bytes, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        load(tmp_path, 'targets = ["b"]', 1, table=table)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ('inputs = ["agee"]\ntargets = ["y"]', r"no such column: inputs='agee'; did you mean 'age'"),
        ('inputs = ["age"]\ntargets = ["Y2"]', "no such column: targets='Y2'"),
        ('inputs = ["age"]\ntargets = ["y"]\ncategories = {sx = ["f"]}', "no such column: categories='sx'"),
        ('inputs = ["age"]\ntargets = ["y"]\ncategories = {sex = ["f"]}', "a category that is not used"),
        ('inputs = ["sex"]\ntargets = ["y"]\ncategories = {sex = ["f", "w"]}', r"csv:3: no such category.*value='m'"),
        ('targets = ["age", "sex", "bmi", "kind", "y"]', "no column is left"),
        ('inputs = ["age"]', "targets do not agree with target: target='label'"),
        ('inputs = ["age"]\ntargets = ["y"]\ntarget = "input"', "targets do not agree with target"),
        ('inputs = ["age", "age"]\ntargets = ["y"]', "named twice: inputs='age'"),
        ('inputs = ["age"]\ntargets = ["age"]', "an input is a target too"),
        ('inputs = ["sex"]\ntargets = ["y"]\ncategories = {sex = [1, "1"]}', "named twice: sex='1'"),
        ('targets = ["y", "sex"]\ncategories = {sex = ["f", "m"]}', "stands alone"),
        ('targets = ["sex"]\ncategories = {sex = ["f", "m"]}\ntarget_scale = "minmax"', "classes have no scale"),
        ("inputs = []", "inputs"),
        ("targets = [1]", "targets"),
        ("categories = {}", "categories"),
        ("categories = {sex = [1.5]}", "categories"),
    ],
)
def test_columns_that_cannot_be_chosen_are_one_line(tmp_path: Path, data: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        load(tmp_path, data, 1)
    assert "\n" not in str(caught.value)
    assert "net.toml" in str(caught.value)


@pytest.mark.parametrize("key", ['inputs = ["a"]', 'targets = ["a"]', 'categories = {a = ["b"]}'])
def test_columns_have_names_in_tables_only(tmp_path: Path, key: str) -> None:
    spec = tmp_path / "net.toml"
    spec.write_text(f"[data]\nx = [[1.0]]\ny = [1.0]\n{key}\n{NODES.format(width=1, out=1)}", encoding="utf-8")
    with pytest.raises(InputError, match="columns have names in tables only"):
        load_specification(spec)


def test_a_large_table_is_read_row_by_row(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(20_000, 3))
    table = "a,b,c\n" + "\n".join(",".join(map(repr, row)) for row in rows.tolist())
    problem = load(tmp_path, 'inputs = ["c", "a"]\ntargets = ["b"]', 2, table=table)
    np.testing.assert_array_equal(problem.inputs, rows[:, [2, 0]])


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"dagverify\[tables\]"):
        ParquetTable(tmp_path / "t.parquet")
