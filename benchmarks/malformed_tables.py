"""Tables with named columns that are damaged, or are asked for what they do not hold."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from malformed_asks import Ask, Stock
from malformed_files import foreign, not_a_file
from malformed_inputs import SPEC

HEADER = ["age", "kind", "y"]
CELLS = ("", "nan", "-inf", "1e999", "1_000", "1,5", "0x1F", "٣", "=1+1", "\u202e1", "::error::x", "--", "9" * 10**5)
TABLE = (
    '[data]\nsource = "csv:t.csv"\ninputs = ["age", "kind"]\ntargets = ["y"]\ncategories = {{kind = {kinds}}}\n{more}'
)


def ask(folder: Path, content: bytes, kinds: str = '["a"]', more: str = "", *, may_be_valid: bool = False) -> Ask:
    """Check a spec over a table; one class makes the one column that the network is wide enough for."""
    (folder / "t.csv").write_bytes(content)
    spec = folder / "spec.toml"
    spec.write_text(SPEC.format(source=TABLE.format(kinds=kinds, more=more), weights=""), encoding="utf-8")
    return Ask(("check", str(spec)), str(spec), may_be_valid=may_be_valid)


def table(header: list[str], rows: list[list[str]], separator: str = ",", end: str = "\n") -> str:
    """Return a table as text."""
    return end.join(separator.join(row) for row in [header, *rows]) + end


def plain() -> list[list[str]]:
    """Return rows that a spec of one class can read."""
    return [["30", "a", "1.5"], ["41.25", "a", "-2"], ["1e3", '"a"', "7"]]


def csv_bytes(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """Bytes replaced, dropped or repeated; what still says numbers is valid."""
    content = bytearray(table(HEADER, plain()).encode())
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(content))
        match rng.randrange(3):
            case 0:
                content[place] = rng.randrange(256)
            case 1:
                del content[place : place + rng.randint(1, 5)]
            case _:
                content[place:place] = rng.choice([b'"', b",", b"\n", b"\x00", b"\xff", b"\r", b"9" * 200_000])
    return ask(folder, bytes(content), may_be_valid=True)


def csv_cells(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """A cell that is no number or no class."""
    rows = plain()
    row, column = rng.randrange(len(rows)), rng.randrange(3)
    rows[row][column] = '"' + rng.choice(CELLS) + '"'
    return ask(folder, table(HEADER, rows).encode())


def csv_structure(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """Columns without names or named twice, lines of other lengths, other encodings, quotes that never end."""
    rows, header = plain(), list(HEADER)
    whole = table(header, rows)
    longer, shorter = [*rows, ["1", "a", "2", "3"]], [*rows, ["1"]]
    contents: list[str | bytes] = [
        table(["age", "age", "y"], rows),
        table(["age", "", "y"], rows),
        table(["ages", "kind", "y"], rows),
        table(header, longer),
        table(header, shorter),
        table(header, []),
        table(header, rows, ";"),
        table(header, rows, "\t"),
        "",
        "\n" * 1000,
        whole.encode("utf-16"),
        whole.encode("utf-32"),
        table(["age", "kind", "y"], [["1", "é", "2"]]).encode("latin-1"),
        whole + '"1,a,2\n' + whole,
        whole.replace('"a"', '"a"b'),
        whole + "," * 10**6,
        table([f"c{i}" for i in range(50_000)], []),
        foreign(rng, stock),
    ]
    content = rng.choice(contents)
    return ask(folder, content if isinstance(content, bytes) else content.encode())


def csv_choice(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """A spec that asks for columns or classes that are not there, or for both at once."""
    kinds, more = rng.choice(
        [
            ('["b"]', ""),
            ('["a", "b"]', ""),
            ('["a", "a"]', ""),
            ("[1.5]", ""),
            ("[]", ""),
            ('["' + "k" * 10**5 + '"]', ""),
            ('["a"], colour = ["red"]', ""),
            ('["a"], y = ["1.5", "-2", "7"]', 'target_scale = "minmax"'),
            ('["a"]', 'target = "input"'),
            ('["a"]', "x = [[1.0]]"),
            ('["a"]', 'text = "abc"'),
        ]
    )
    return ask(folder, table(HEADER, plain()).encode(), kinds, more)


def table_kind(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """No file in the place of the table, or one that the extra's reader is asked for."""
    spec = folder / "spec.toml"
    kind = rng.choice(["csv", "parquet"])
    if rng.random() < 0.5:
        name = Path(not_a_file(rng, folder / "t")).name
    else:
        name = "t"
        (folder / name).write_bytes(foreign(rng, stock))
    source = TABLE.format(kinds='["a"]', more="").replace("csv:t.csv", f"{kind}:{name}")
    spec.write_text(SPEC.format(source=source, weights=""), encoding="utf-8")
    return Ask(("check", str(spec)), str(spec))


Maker = Callable[[random.Random, Stock, Path], Ask]
TABLE_MAKERS: dict[Maker, float] = {
    csv_bytes: 1.0,
    csv_cells: 1.0,
    csv_structure: 1.0,
    csv_choice: 1.0,
    table_kind: 1.0,
}
"""Each maker, and how often it is chosen."""
