"""Malformed input files: damaged at random, or written to hang, exhaust memory or run code."""

from __future__ import annotations

import io
import json
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format

CANARY = "canary"
SPEC = """\
name = "small"
output = "y"
{source}
[nodes.x]
width = 2
[nodes.h]
width = 2
activation = "tanh"
inputs = ["x", {{from = "x", kind = "identity"}}]
[nodes.y]
width = 1
activation = {{expr = "x/(1+exp(-x))"}}
inputs = ["h", "x"]
{weights}
[region]
kind = "ball"
radius = 0.1
[momentum]
eta = 0.1
tau = 0.05
"""
INLINE = "[data]\nx = [[0.0, 1.0], [0.5, -0.25]]\ny = [1.0, 0.0]"
PLAIN = SPEC.format(source=INLINE, weights="[weights]\nseed = 3")
RUN = f"__import__('os').system('touch {CANARY}')"
VALUES = (
    *("-1", "1e400", "-1e400", "nan", "inf", "true", '""', "[]", "{}", "[[[1]]]", "9" * 400, '"\\u0000"', "1979-05-27"),
    *('"npz:/dev/zero"', '"npy:/proc"', '"sklearn:"', '"npz:../../../etc/passwd"', '"https://example.org/x.npz"'),
    *("[1e308, nan]", '["y"]', '"relu6"', "{h = -0.1}", '"\\u202Ey"', "0.5.5", "'''", '"' + "a" * 10**5 + '"'),
    *("[" * 4000, "{a = " * 400, '["h", "h"]', '[{from = "x"}]', '[{from = "x", kind = "concat", offset = 9}]', "0x"),
)
FORMULAS = (
    *(RUN, "x.__class__", "[x for x in ()]", "lambda: x", "(x:=1)", "9**9**9**9", "x**x", "exp(exp(exp(exp(x))))/0"),
    *(
        "factorial(10**7)",
        "(" * 3000 + "x" + ")" * 3000,
        "x" + "+x" * 10**5,
        "1/x",
        "log(x)",
        "sqrt(-1-x**2)",
        "",
        "x;x",
    ),
    *(
        "open('/etc/passwd')",
        "x if x else 1",
        "f'{x}'",
        "x@x",
        "x<1",
        "nan",
        "inf*x",
        "1e999999999*x",
        "ℯ",
        "x\\n",
        "y",
    ),
    *(
        "exec('1')",
        "tanh",
        "tanh(x,x)",
        "max(x)",
        "x**-1",
        "x**(1/2)",
        "1/(x-x)",
        "log(0*x)",
        "x/0",
        "0**(x)",
        "__name__",
    ),
)


class Payload:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> Any:
        return eval, (RUN,)


def damaged_text(rng: random.Random, text: str) -> bytes:
    """Bytes replaced, inserted or cut off."""
    data = bytearray(text.encode())
    if rng.random() < 0.25:
        return bytes(data[: rng.randrange(len(data))])
    for _ in range(rng.randint(1, 12)):
        place = rng.randrange(len(data))
        data[place : place + rng.randint(0, 2)] = bytes([rng.randrange(256)])
    return bytes(data)


def spec_bytes(rng: random.Random, _: Path) -> bytes:
    return damaged_text(rng, PLAIN)


def spec_lines(rng: random.Random, _: Path) -> bytes:
    """Lines removed, repeated, moved."""
    lines = PLAIN.splitlines()
    for _ in range(rng.randint(1, 4)):
        line = lines.pop(rng.randrange(len(lines)))
        for _ in range(rng.choice([0, 1, 2])):
            lines.insert(rng.randrange(len(lines) + 1), line)
    return "\n".join(lines).encode()


def spec_values(rng: random.Random, _: Path) -> bytes:
    lines = PLAIN.splitlines()
    places = [index for index, line in enumerate(lines) if "=" in line]
    for place in rng.sample(places, rng.randint(1, 2)):
        lines[place] = f"{lines[place].split('=')[0]}= {rng.choice(VALUES)}"
    return "\n".join(lines).encode()


def spec_formulas(rng: random.Random, _: Path) -> bytes:
    return PLAIN.replace('"x/(1+exp(-x))"', json.dumps(rng.choice(FORMULAS))).encode()


def spec_keys(rng: random.Random, _: Path) -> bytes:
    lines = PLAIN.splitlines()
    key = rng.choice(["widht", "a." * rng.randint(70, 5000) + "b", '"\\u001b[31m"', '""', "nodes", "__class__", "é"])
    lines.insert(rng.randrange(len(lines) + 1), f"{key} = {rng.choice(['1', '{}', '[]'])}")
    return "\n".join(lines).encode()


def spec_graph(rng: random.Random, _: Path) -> bytes:
    """Edges and widths at random."""
    vertices = [f"v{index}" for index in range(rng.randint(2, 6))]
    nodes = []
    for name in vertices:
        sources = [rng.choice([*vertices, "nowhere", "x"]) for _ in range(rng.randint(0, 3))]
        inputs = [
            json.dumps(source)
            if rng.random() < 0.6
            else f'{{from = "{source}", kind = "{rng.choice(["identity", "concat", "flatten", "conv2d", "loop"])}"}}'
            for source in sources
        ]
        width = rng.choice([0, 1, 2, 3, -1, 10**9, 10**6])
        nodes.append(f'[nodes.{name}]\nwidth = {width}\nactivation = "tanh"\ninputs = [{", ".join(inputs)}]')
    return f'output = "{rng.choice(vertices)}"\n{INLINE}\n[nodes.x]\nwidth = 2\n{chr(10).join(nodes)}\n'.encode()


def array_file(rng: random.Random, folder: Path, damage: Callable[[random.Random, Path], None]) -> bytes:
    """Specify data or weights in a file that is then damaged."""
    arrays = {"x": np.zeros((4, 2)), "y": np.zeros(4)}
    if rng.random() < 0.5:
        np.savez(folder / "a.npz", **arrays)
        text = SPEC.format(source='[data]\nsource = "npz:a.npz"', weights="")
    else:
        np.savez(folder / "a.npz", w=np.zeros(11))
        text = SPEC.format(source=INLINE, weights='[weights]\nnpz = "a.npz"')
    damage(rng, folder / "a.npz")
    return text.encode()


def npz_bytes(rng: random.Random, folder: Path) -> bytes:
    def damage(rng: random.Random, path: Path) -> None:
        data = bytearray(path.read_bytes())
        if rng.random() < 0.4:
            path.write_bytes(data[: rng.randrange(len(data))])
            return
        for _ in range(rng.randint(4, 80)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)

    return array_file(rng, folder, damage)


def npz_header(rng: random.Random, folder: Path) -> bytes:
    """Headers that lie about shape or type, or hold code."""

    def damage(rng: random.Random, path: Path) -> None:
        shape = rng.choice(
            [(2**40, 2), (2**62,), (-1,), (2**31, 2**31), (0, 2), (11, 11, 11), ("a",), (1.5,), (10**30,)]
        )
        descr = rng.choice(["<f8", "|O", "<M8[s]", "<U9", "|V8", "<c16", "f4,f8", "<f1024", "x", "<f8" * 1000])
        header = rng.choice(
            [
                f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}}}",
                f"{{'descr': {RUN}, 'fortran_order': False, 'shape': (2,)}}",
                "{" * 5000,
                f"{{'descr': {descr!r}}}",
            ]
        ).encode()
        magic = npy_format.magic(rng.choice([1, 2, 3]), 0)
        size = 2 if magic[6] == 1 else 4
        length = rng.choice([len(header), len(header), 2 ** (8 * size) - 1])
        write_members(path, magic + length.to_bytes(size, "little") + header + bytes(rng.choice([0, 88, 1000])))

    return array_file(rng, folder, damage)


def npz_objects(rng: random.Random, folder: Path) -> bytes:
    """Pickles, as members and as whole files."""

    def damage(rng: random.Random, path: Path) -> None:
        if rng.random() < 0.3:
            path.write_bytes(pickle.dumps(Payload(), protocol=rng.randint(0, 5)))
            return
        stream = io.BytesIO()
        np.save(stream, np.array([Payload(), None], dtype=object), allow_pickle=True)
        write_members(path, stream.getvalue() if rng.random() < 0.7 else pickle.dumps(Payload()))

    return array_file(rng, folder, damage)


def npz_values(rng: random.Random, folder: Path) -> bytes:
    """Arrays of other shapes, types and values."""

    def damage(rng: random.Random, path: Path) -> None:
        bad: list[np.ndarray] = [
            *(np.full((4, 2), value) for value in (np.nan, np.inf, -np.inf)),
            *(np.zeros(shape) for shape in ((0,), (0, 2), (4, 3), (3, 2, 2), (7,), ())),
            *(np.array(values) for values in (["a", "b"], [b"a"], [1j, 2j], [True, False])),
            np.array(["2020-01-01"], dtype="datetime64[D]"),
        ]
        arrays = {name: rng.choice(bad) for name in rng.sample(["x", "y", "w", "z", "../x", "X"], rng.randint(1, 4))}
        np.savez(path, **arrays)  # type: ignore[arg-type]

    return array_file(rng, folder, damage)


def npz_bomb(rng: random.Random, folder: Path) -> bytes:
    """Members that decompress to many times their size."""

    def damage(rng: random.Random, path: Path) -> None:
        rows = 2 ** rng.randint(26, 27)
        with (
            zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
            archive.open(f"{rng.choice('xyw')}.npy", "w", force_zip64=True) as member,
        ):
            shape = {"descr": "<f8", "fortran_order": False, "shape": (rows, 2)}
            npy_format.write_array_header_1_0(member, shape)
            for _ in range(rows * 16 // 2**20):
                member.write(bytes(2**20))

    return array_file(rng, folder, damage)


def write_members(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("x.npy", "y.npy", "w.npy"):
            archive.writestr(name, content)


def certificate_bytes(rng: random.Random, text: str) -> bytes:
    return damaged_text(rng, text)


def certificate_values(rng: random.Random, text: str) -> bytes:
    """A value anywhere in the tree becomes something else, or its key is lost, renamed or doubled."""
    holders: list[Any] = []

    def walk(node: Any) -> None:
        if isinstance(node, dict | list) and node:
            holders.append(node)
            for child in node.values() if isinstance(node, dict) else node:
                walk(child)

    tree = json.loads(text)
    walk(tree)
    holder = rng.choice(holders)
    key: Any = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
    mark = "@@mark@@"
    junk = ["nan", "0x1p9999", "1/0", "0x1.8p0 ", RUN, None, True, -1, 10**400, [], {}, [[]], "\x00", "é", 0.1, mark]
    if isinstance(holder, dict) and rng.random() < 0.3:
        value = holder.pop(key)
        if rng.random() < 0.5:
            holder[f"{key}_"] = value
    else:
        holder[key] = rng.choice(junk)
    literal = rng.choice(["NaN", "Infinity", "1e400", "[" * 50_000, '{"a": 1, "a": 2}', "9" * 10_000, "01", "'x'", ""])
    return json.dumps(tree).replace(json.dumps(mark), literal).encode()


SPEC_MAKERS = (spec_bytes, spec_lines, spec_values, spec_formulas, spec_keys, spec_graph)
ARRAY_MAKERS = (npz_bytes, npz_header, npz_objects, npz_values, npz_bomb)
CERTIFICATE_MAKERS = (certificate_bytes, certificate_values)
