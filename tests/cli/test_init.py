"""``dagverify init``: new spec files that load, from tables and archives; nothing that exists is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from verify.spec import lint, load_specification

EXAMPLES = Path(__file__).parents[2] / "examples"
Run = Callable[..., Result]
TABLE = "a,b,kind\n0.5,1,red\n1.5,2,blue\n-1,0.25,red\n"


def test_the_examples_are_those_of_the_repository(dagverify: Run, tmp_path: Path) -> None:
    assert dagverify("init", "--examples", tmp_path / "new").exit_code == 0
    written = {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    assert written == {path.name: path.read_bytes() for path in EXAMPLES.iterdir() if path.suffix in (".toml", ".csv")}
    assert dagverify("init", "--examples", tmp_path / "new").exit_code == 2


def test_numbers_are_scaled_and_classes_get_an_output_each(dagverify: Run, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(TABLE, encoding="utf-8")
    result = dagverify("init", tmp_path / "net.toml", "--data", table, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["written"] == [str(tmp_path / "net.npz"), str(tmp_path / "net.toml")]
    problem = load_specification(tmp_path / "net.toml").problem
    assert problem.inputs.shape == (3, 2)
    np.testing.assert_array_equal(problem.targets, [[0, 1], [1, 0], [0, 1]])  # blue, red
    other = dagverify("init", tmp_path / "b.toml", "--data", table, "--target", "b", "--target", "a")
    assert other.exit_code == 2
    assert "column='kind'" in str(other.output)
    assert 'source = "csv:t.csv" and categories' in str(other.output)
    numbers = tmp_path / "n.csv"
    numbers.write_text("a,b,c\n1,2,3\n4,5,7\n", encoding="utf-8")
    assert dagverify("init", tmp_path / "c.toml", "--data", numbers, "--hidden", 3).exit_code == 0
    problem = load_specification(tmp_path / "c.toml").problem
    np.testing.assert_allclose(problem.targets, [[-1.0], [1.0]])


@pytest.mark.parametrize(
    ("y", "outputs"), [(np.array([0, 1, 2]), 3), (np.array([0.5, 1.0, 2.0]), 1), (np.ones((3, 2)), 2)]
)
def test_an_archive_is_named_and_not_copied(dagverify: Run, tmp_path: Path, y: np.ndarray, outputs: int) -> None:
    (tmp_path / "data").mkdir()
    archive = tmp_path / "data" / "d.npz"
    np.savez(archive, x=np.arange(6.0).reshape(3, 2), y=y)
    before = archive.read_bytes()
    assert dagverify("init", tmp_path / "net.toml", "--data", archive).exit_code == 0
    assert load_specification(tmp_path / "net.toml").problem.targets.shape == (3, outputs)
    assert archive.read_bytes() == before


@pytest.mark.parametrize("occupied", ["net.toml", "net.npz"])
def test_nothing_is_replaced(dagverify: Run, tmp_path: Path, occupied: str) -> None:
    table = tmp_path / "t.csv"
    table.write_text(TABLE, encoding="utf-8")
    (tmp_path / occupied).write_text("mine", encoding="utf-8")
    result = dagverify("init", tmp_path / "net.toml", "--data", table)
    assert result.exit_code == 2
    assert "nothing is replaced" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["t.csv", occupied])
    assert (tmp_path / occupied).read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a line of names"),
        ("a,b\n", "a line of names"),
        ("a,a\n1,2\n", "names of their own"),
        ("a,\n1,2\n", "names of their own"),
        ("a\n1\n", "names of their own"),
        ("a,b\n1,2,3\n", "another length"),
        ("a,b\nnan,2\n", "not a number"),
        ("a,b\nx,2\n", "not a number"),
        ("a,b\n1e999,2\n", "not a number"),
        ('a,b\n"1,2\n', "unexpected end of data"),
        ('a,b\n1,"2\n', "unexpected end of data"),
        ('a,b\n1,"2"3\n', "cannot be read"),
        ("a\x00,b\n1,2\n\x00", "another length"),
        ("a,b\n1," + "9" * 200_000 + "\n", "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_is_one_line(dagverify: Run, tmp_path: Path, text: str, words: str) -> None:
    table = tmp_path / "t.csv"
    table.write_text(text, encoding="utf-8")
    result = dagverify("init", tmp_path / "net.toml", "--data", table)
    assert result.exit_code == 2, result.output
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "net.toml").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--target", "nothing"), "no such column"),
        (("--target", "a", "--target", "b", "--target", "kind"), "no column is left"),
        (("--activation", "relux"), "relux"),
    ],
)
def test_options_that_do_not_fit(dagverify: Run, tmp_path: Path, options: tuple[str, ...], words: str) -> None:
    table = tmp_path / "t.csv"
    table.write_text(TABLE, encoding="utf-8")
    result = dagverify("init", tmp_path / "net.toml", "--data", table, *options)
    assert result.exit_code == 2
    assert words in result.stderr
    for arguments in ((), (tmp_path / "net.toml",), (tmp_path / "net.toml", "--examples", tmp_path / "e")):
        assert dagverify("init", *arguments).exit_code == 2


def test_names_of_columns_stay_comments(dagverify: Run, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text('"a\n[nodes.z]\nwidth = 1",b\n1,2\n3,4\n', encoding="utf-8")
    assert dagverify("init", tmp_path / "net.toml", "--data", table).exit_code == 0
    assert lint(tmp_path / "net.toml").vertices == 3
