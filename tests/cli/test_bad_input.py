"""Bad input of every kind: exit code 2, one line on stderr that says what, where and what to do, and nothing else."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from numpy.lib import format as npy_format

INLINE = "x = [[0.0, 1.0], [0.5, -0.25]]\ny = [1.0, 0.0]\n"
NPZ = (INLINE, 'source = "npz:data.npz"\n')
MOMENTUM = "radius = 0.1\n[momentum]\n"


@dataclass(frozen=True)
class Case:
    """A change of the small spec file, and what the error line holds."""

    change: tuple[str, str]
    line: int | None
    fragment: str
    remedy: str


BALL = 'kind = "ball"\nradius = 0.1\n'
BLOCKS = 'kind = "blocks"\n'

CASES = {
    "cycle": Case(('["x", {', '["x", "y", {'), 11, "cycle='", "remove one of its edges"),
    "self-loop": Case(('["x", {', '["x", "h", {'), 11, "feeds itself: vertex='h'", "remove the self-loop"),
    "width mismatch": Case(("[nodes.h]\nwidth = 2", "[nodes.h]\nwidth = 3"), 14, "=3", ""),
    "data width mismatch": Case(("[0.0, 1.0], [0.5, -0.25]", "[0.0], [0.5]"), 4, "columns=1, input_width=2", "change"),
    "unknown vertex": Case(('inputs = ["h"]', 'inputs = ["g"]'), 19, "vertex='g'", "did you mean|add the vertex"),
    "nan in data": Case(("-0.25", "nan"), 5, "x=nan", "give a number"),
    "inf in data": Case(("-0.25", "inf"), 5, "x=inf", "give a number"),
    "overflow in data": Case(("-0.25", "-1e400"), 5, "x=-inf", "give a number"),
    "empty data": Case((INLINE, "x = []\ny = []\n"), 4, "shape=", "samples"),
    "no data": Case((INLINE, ""), 4, "source=None", "give source"),
    "sample counts": Case(("[1.0, 0.0]", "[1.0]"), 4, "x=2, y=1", "one row of y"),
    "ragged rows": Case((", -0.25", ""), 4, r"lengths=\[1, 2\]", "make all rows alike"),
    "unknown activation": Case(('"tanh"', '"tahn"'), 13, "activation='tahn'", "expr"),
    "formula that calls": Case(
        ('"tanh"', "{expr = \"__import__('os').system('touch hacked')\"}"), 13, r"nodes\.h\.activation", ""
    ),
    "formula that explodes": Case(('"tanh"', '{expr = "9**9**9**9"}'), 13, r"nodes\.h\.activation", ""),
    "formula too deep": Case(('"tanh"', f'{{expr = "{"(" * 500}x{")" * 500}"}}'), 13, r"nodes\.h\.activation", ""),
    "huge layer": Case(("width = 1", "width = 99999999999"), 17, "width=99999999999", "less than or equal"),
    "huge graph": Case(("width = 1", "width = 16000000"), None, "y|parameters", ""),
    "negative radius": Case(("radius = 0.1", "radius = -0.1"), 23, "radius=-0.1", "greater than 0"),
    "1e400": Case(("radius = 0.1", "radius = 1e400"), 23, "radius=inf", "1.797e308"),
    "huge integer": Case(("radius = 0.1", f"radius = {'9' * 5000}"), None, "reason=", "write it shorter"),
    "unknown key": Case(("width = 1", "widht = 1"), 17, "widht=1", "did you mean 'width'"),
    "unknown table": Case(("[region]", "[regoin]"), 21, "regoin=", "did you mean 'region'"),
    "bool as number": Case(("width = 1", "width = true"), 17, "width=True", "whole number"),
    "text as number": Case(("width = 1", 'width = "1"'), 17, "width='1'", "whole number"),
    "fractional width": Case(("width = 1", "width = 1.5"), 17, "width=1.5", "whole number"),
    "zero width": Case(("width = 1", "width = 0"), 17, "width=0", "greater than or equal to 1"),
    "array as table": Case(("[region]", "[[region]]"), 21, "region=", "table|kind"),
    "broken toml": Case(("[region]", "[region"), 21, r"line='\[region'", "correct this line"),
    "duplicate key": Case(("width = 1", "width = 1\nwidth = 1"), 18, "line='width = 1'", "remove or rename"),
    "duplicate table": Case(("[nodes.h]", "[nodes.x]"), 11, "nodes.x", "remove or rename"),
    "deep nesting": Case(("radius = 0.1", f"radius = {'[' * 9000}"), None, "depth=", "flatten"),
    "endless dotted key": Case(("radius", "a." * 100_000 + "radius"), 23, "key=", "at most 64 parts"),
    "eta zero": Case(("radius = 0.1\n", MOMENTUM + "eta = 0\ntau = 0.1\n"), 25, "eta=0", "greater than 0"),
    "tau and mu": Case(
        ("radius = 0.1\n", MOMENTUM + "eta = 0.1\ntau = 0.1\nmu = 0.5\n"), 24, "tau=0.1, mu=0.5", "keep tau"
    ),
    "negative tau": Case(("radius = 0.1\n", MOMENTUM + "eta = 0.1\ntau = -1\n"), 26, "tau=-1", "greater than or eq"),
    "mu one": Case(("radius = 0.1\n", MOMENTUM + "eta = 0.1\nmu = 1\n"), 26, "mu=1", "less than 1"),
    "negative decay": Case(('name = "small"', "weight_decay = -1"), 1, "weight_decay=-1", "greater than or equal"),
    "unknown loss": Case(('name = "small"', 'loss = "hinge"'), 1, "loss='hinge'", "half-squared-error"),
    "unknown output": Case(('output = "y"', 'output = "z"'), None, "vertex='z'", ""),
    "unknown data set": Case((INLINE, 'source = "sklearn:mnist"\n'), 4, "name='mnist'", "use one of digits"),
    "unknown source": Case((INLINE, 'source = "https://example.org/x"\n'), 5, "source='https", "npz"),
    "missing data file": Case(NPZ, 4, r"path='.*data\.npz'", "npz"),
    "missing weights file": Case(("[region]", '[weights]\nnpz = "w.npz"\n[region]'), 21, r"path='.*w\.npz'", "npz"),
    "radius of an unknown block": Case((BALL, BLOCKS + "radii = {q = 0.1}\n"), 21, "vertex='q'", "name one of h, y"),
    "negative radius of a block": Case((BALL, BLOCKS + "radii = {h = -1}\n"), 23, "h=-1", "greater than 0"),
    "one radius for blocks": Case((BALL, BLOCKS + "radius = 0.1\n"), 23, "radius=0.1", "did you mean 'radii'"),
    "radii of a ball": Case(("radius = 0.1", "radii = {h = 0.1}"), 23, "radii=", "did you mean 'radius'"),
    "terminal escape in a key": Case(("width = 1", '"\\u001b[31mred" = 1'), 17, r"\\x1b\[31mred", "use one of"),
}


def one_line(result: Result) -> str:
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert re.fullmatch(r"error: [^\n]+\n", result.stderr), result.stderr
    assert "Traceback" not in result.stderr
    assert "internal error" not in result.stderr
    return result.stderr


@pytest.mark.parametrize("command", ["check", "range"])
@pytest.mark.parametrize("name", CASES)
def test_spec_file(
    name: str,
    command: str,
    write_spec: Callable[..., Path],
    dagverify: Callable[..., Result],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    case = CASES[name]
    path = write_spec(case.change)
    monkeypatch.chdir(path.parent)
    error = one_line(dagverify(command, path, "--json"))
    place = f"{path}:{case.line}: " if case.line else str(path)
    assert place in error
    assert re.search(case.fragment, error), error
    assert re.search(rf"; .*(?:{case.remedy})", error), error
    assert re.search(r"[\w.]+=", error.removeprefix(f"error: {path}")), error
    assert list(path.parent.iterdir()) == [path]


def object_array(path: Path) -> None:
    np.savez(path, x=np.array([{"a": 1}, None], dtype=object), y=np.zeros(2))


def truncated(path: Path) -> None:
    np.savez(path, x=np.zeros((20, 2)), y=np.zeros(20))
    path.write_bytes(path.read_bytes()[:300])


def lying_header(path: Path) -> None:
    stream = io.BytesIO()
    npy_format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": (2**40, 2)})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", stream.getvalue())


def zip_bomb(path: Path) -> None:
    block = bytes(2**20)
    header = {"descr": "<f8", "fortran_order": False, "shape": (2**26, 2)}
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("x.npy", "w") as member,
    ):
        npy_format.write_array_header_1_0(member, header)
        for _ in range(1024):
            member.write(block)


def unfinished_header(path: Path) -> None:
    header = b"{" * 5000
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", npy_format.magic(1, 0) + len(header).to_bytes(2, "little") + header)


def without_y(path: Path) -> None:
    np.savez(path, x=np.zeros((2, 2)))


def nan_inside(path: Path) -> None:
    np.savez(path, x=np.array([[1.0, np.nan]]), y=np.zeros(1))


def label_out_of_range(path: Path) -> None:
    np.savez(path, x=np.zeros((2, 2)), y=np.array([0, 2]))


def text_array(path: Path) -> None:
    np.savez(path, x=np.array([["a", "b"]]), y=np.zeros(1))


@pytest.mark.parametrize(
    ("make", "fragment"),
    [
        (object_array, "pickled objects are not read: dtype='object'"),
        (truncated, "not a readable .npz file: reason="),
        (unfinished_header, "not a readable .npz file: reason="),
        (lying_header, r"claimed=17592186044416, available=0"),
        (zip_bomb, r"too large .*bytes=1073741\d+, limit=536870912"),
        (without_y, r"key='y', found=\['x'\]"),
        (nan_inside, r"x\[0\]\[1\]: data must be finite: value=nan"),
        (text_array, "not an array of real numbers: dtype='<U1'"),
    ],
)
def test_data_file(
    make: Callable[[Path], None],
    fragment: str,
    write_spec: Callable[..., Path],
    dagverify: Callable[..., Result],
) -> None:
    path = write_spec(NPZ)
    make(path.parent / "data.npz")
    error = one_line(dagverify("check", path))
    assert f"{path}:4: data: " in error
    assert re.search(fragment, error), error


def test_label_out_of_range(write_spec: Callable[..., Path], dagverify: Callable[..., Result]) -> None:
    path = write_spec(NPZ, ("[nodes.y]\nwidth = 1", "[nodes.y]\nwidth = 2"))
    label_out_of_range(path.parent / "data.npz")
    assert "y[1]: label out of range: label=2.0, output_width=2; " in one_line(dagverify("check", path))


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (b"\x7fELF\x02\x01\x01\x00\xff\xfe", r":1: not UTF-8 text: byte='0xff', offset=8; "),
        (b'name = "a"\noutput = "\xe9"\n', r":2: not UTF-8 text: byte='0xe9'"),
        (b"\x00" * 100, r":1: not valid TOML: .*line="),
        (b"", r"missing key: key='nodes'; add"),
        (b"# " + b"x" * 2**25, r"bytes=33554434, limit=33554432; .*npz"),
    ],
    ids=["binary", "latin-1", "zeros", "empty", "huge"],
)
def test_content(content: bytes, fragment: str, tmp_path: Path, dagverify: Callable[..., Result]) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content)
    error = one_line(dagverify("check", path))
    assert str(path) in error
    assert re.search(fragment, error), error


def test_missing_file_directory_device_and_odd_names(tmp_path: Path, dagverify: Callable[..., Result]) -> None:
    assert "absent.toml: no such file: path=" in one_line(dagverify("check", tmp_path / "absent.toml"))
    assert "not a file: kind='directory'" in one_line(dagverify("check", tmp_path))
    os.mkfifo(tmp_path / "pipe")
    assert "not a file: kind='named pipe'" in one_line(dagverify("check", tmp_path / "pipe"))
    assert "reason=" in one_line(dagverify("check", "a" * 5000))
    assert "no such file" in one_line(dagverify("check", tmp_path / "two\nlines"))


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        ((), "Missing command|Missing"),
        (("chek", "spec.toml"), "command='chek'; did you mean 'check'"),
        (("zzz",), "command='zzz'; use one of .*check"),
        (("check",), "Missing argument 'SPEC'; see dagverify check --help"),
        (("check", "--fast", "spec.toml"), "--fast"),
        (("test", "--examples", "many", "spec.toml"), "--examples.*many"),
        (("train", "spec.toml", "--out", "r", "--eta=-"), "dagverify train --eta: not a finite number: eta='-'"),
        (("train", "spec.toml", "--out", "r", "--lr", "x"), "dagverify train --lr: not a finite number: lr='x'"),
        (("train", "spec.toml", "--out", "r", "--eta", "nan"), "dagverify train --eta: .*eta='nan'"),
        (("certify", "spec.toml", "-o", "c.json", "--output="), "dagverify certify --output: an empty path"),
        (("certify", "spec.toml", "--output", "c.json", "-o", ""), "dagverify certify -o: an empty path"),
        (("sweep", "spec.toml", "--lr=1", "--lr=many", "--lr=2"), "dagverify sweep --lr: .*: lr='many'; "),
        (("sweep", "spec.toml", "--lr=1", "--lr=nan", "--lr=2"), "dagverify sweep --lr: .*: lr='nan'; "),
        (("lint",), "Missing argument"),
        (("--verbose",), "--verbose"),
    ],
)
def test_usage(arguments: tuple[str, ...], fragment: str, dagverify: Callable[..., Result]) -> None:
    assert re.search(fragment, one_line(dagverify(*arguments)))


@pytest.mark.parametrize("name", ["duplicate key", "1e400", "cycle", "formula that calls"])
def test_real_process(name: str, write_spec: Callable[..., Path]) -> None:
    path = write_spec(CASES[name].change)
    run = subprocess.run(
        [sys.executable, "-c", "from verify.cli import main; main()", "check", path.name],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert re.fullmatch(r"error: spec\.toml(:\d+)?: [^\n]+\n", run.stderr), run.stderr
    assert list(path.parent.iterdir()) == [path]


def test_debug_shows_the_traceback(write_spec: Callable[..., Path], dagverify: Callable[..., Result]) -> None:
    result = dagverify("--debug", "check", write_spec(("radius = 0.1", "radius = -0.1")))
    assert result.exit_code == 2 and result.stdout == ""
    traceback, last = result.stderr.splitlines()[:-1], result.stderr.splitlines()[-1]
    assert traceback[0].startswith("Traceback") and "InputError: " in traceback[-1]
    assert last.startswith("error: ") and "radius=-0.1" in last


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        (b"\xff{}", "not UTF-8 text: byte='0xff', offset=0; save it as UTF-8"),
        (b'{"a": 1, "a": 2}', "duplicate key: key='a'; "),
        (b'{"a": NaN}', "value='NaN'; "),
        (b'{"a": ', ":1: no valid JSON: reason="),
        (b"[]", "no JSON object: type='list'; "),
        (b"[" * 100_000, "nested too deeply: characters=100000; "),
        (b"{}", "certificate: .*=.*; write the certificate again"),
    ],
)
def test_certificate(content: bytes, fragment: str, tmp_path: Path, dagverify: Callable[..., Result]) -> None:
    path = tmp_path / "certificate.json"
    path.write_bytes(content)
    error = one_line(dagverify("recheck", path))
    assert error.startswith(f"error: {path}:")
    assert re.search(fragment, error), error


@pytest.mark.parametrize("option", [(), ("--github",), ("--junit", "j.xml"), ("--sarif", "s.json")])
def test_a_link_in_a_circle_is_no_spec(
    option: tuple[str, ...], dagverify: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    spec = tmp_path / "circle.toml"
    spec.symlink_to(spec.name)
    result = dagverify("check", spec, *option)
    assert result.exit_code == 2
    assert "cannot read the file" in result.stderr
