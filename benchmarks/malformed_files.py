"""Files of another kind, foreign, hostile or damaged, in the place of every file that a command reads or writes."""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from malformed_asks import VERDICTS, Ask, Stock
from malformed_inputs import INLINE, PLAIN, SPEC, certificate_values, damaged_text

DEVICES = ("/dev/zero", "/dev/full", "/dev/random", "/proc/self/mem", "/dev/null")
NOT_FILES = ("fifo", "folder", "device", "socket", "loop", "dangling", "long", "empty name")
JUNK = ("NaN", "1e400", "-Infinity", "9" * 10_000, "[" * 50_000, '{"a": 1, "a": 2}', "true", '"::error::x"', "-1e308")


def not_a_file(rng: random.Random, place: Path) -> str:
    """Put something that is no regular file where a file should be; return its path as it is to be given."""
    kind = rng.choice(NOT_FILES)
    match kind:
        case "fifo":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
        case "device":
            place.symlink_to(rng.choice(DEVICES))
        case "socket":
            with socket.socket(socket.AF_UNIX) as listener:
                before = Path.cwd()
                os.chdir(place.parent)  # the path of a socket has at most 107 bytes
                listener.bind(place.name)
                os.chdir(before)
        case "loop":
            place.symlink_to(place.name)
        case "dangling":
            place.symlink_to("nowhere")
        case "long":
            return str(place.parent / ("a" * rng.choice([300, 5000])))
        case _:
            return ""
    return str(place)


def is_folder(given: str) -> bool:
    """Whether a path as it was given is that of a folder; one that is too long is none."""
    return bool(given) and os.path.isdir(given)  # noqa: PTH112 -- Path.is_dir raises where the path is too long


def foreign(rng: random.Random, stock: Stock) -> bytes:
    """Return the content of a file that another program wrote."""
    numbers = [
        b"",
        b"\n",
        b"\x89PNG\r\n\x1a\n" + rng.randbytes(200),
        b"\x7fELF" + rng.randbytes(500),
        b"PK\x03\x04" + rng.randbytes(100),
        b"<html><script>alert(1)</script></html>",
        b"id,name\n1,a\n2,b\n",
        b"no newline at the end",
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b"3",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"verdict": "PROVED"}',
        b'{"campaign": 2}\n{}\n',
        b"\x00" * 4096,
        b"[" * 10**5,
        b'{"a":' * 10**5,
        b"9" * 10**5,
        b'{"' + b"k" * 10**6 + b'": 1}',
        ("{" + ",".join(f'"k{i}": {i}' for i in range(20_000)) + "}").encode(),
        PLAIN.encode(),
        stock.baseline.encode(),
        stock.certificates[0].encode(),
        stock.campaign,
    ]
    return rng.choice(numbers)


def spec_kind(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """No file in the place of the spec."""
    path = not_a_file(rng, folder / "spec.toml")
    command = rng.choice(["check", "range", "gradients", "lint", "test", "explain"])
    extra = ("--github",) if command == "check" and rng.random() < 0.3 else ()
    return Ask((command, path, *extra), path[:200], may_be_valid=command == "lint" and is_folder(path))


def data_kind(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """No file in the place of data or weights."""
    spec = folder / "spec.toml"
    name = Path(not_a_file(rng, folder / "a.npz")).name
    if rng.random() < 0.5:
        spec.write_text(SPEC.format(source=INLINE, weights=f'[weights]\nnpz = "{name}"'))
    elif rng.random() < 0.5:
        spec.write_text(SPEC.format(source=f'[data]\nsource = "npz:{name}"', weights=""))
    else:
        (folder / "d").mkdir()
        for array in ("x", "y"):
            not_a_file(rng, folder / "d" / f"{array}.npy")
        spec.write_text(SPEC.format(source='[data]\nsource = "npy:d"', weights=""))
    return Ask(("check", str(spec)), str(spec))


def certificate_foreign(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    path = folder / "certificate.json"
    content = foreign(rng, stock)
    path.write_bytes(content)
    return Ask(("recheck", str(path)), str(path), may_be_valid=content == stock.certificates[0].encode())


def certificate_kind(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    path = not_a_file(rng, folder / "certificate.json")
    return Ask(("recheck", path), path[:200])


def certificate_bomb(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """Widths, depths and counts in a small file that claim a large one."""
    content = json.loads(rng.choice(stock.certificates))
    nodes = content["model"]["nodes"]
    huge = rng.choice([3000, 10**5, 10**7, 10**12, 10**30])
    match rng.choice(["widths", "all widths", "input", "chain", "offset"]):
        case "widths":
            nodes[rng.choice(list(nodes))]["width"] = huge
        case "all widths":
            for node in nodes.values():
                node["width"] = huge
        case "input":
            nodes["x"]["width"] = huge
        case "chain":
            for index in range(rng.choice([100, 3000])):
                width = rng.choice([1, huge])
                source = f"c{index - 1}" if index else "x"
                nodes[f"c{index}"] = {"width": width, "activation": "tanh", "inputs": [source]}
        case _:
            nodes["h"]["inputs"] = [{"from": "x", "kind": "concat", "offset": huge}]
    path = folder / "certificate.json"
    path.write_text(json.dumps(content))
    return Ask(("recheck", str(path)), str(path))


def baseline(path: Path, folder: Path, **other: Any) -> Ask:
    (folder / "spec.toml").write_text(PLAIN)
    extra = ("--baseline", str(path))
    return Ask(("check", str(folder / "spec.toml"), *extra), str(path)[:200], **other)


def baseline_foreign(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    path = folder / "last.json"
    content = foreign(rng, stock)
    path.write_bytes(content)
    return baseline(path, folder, codes=VERDICTS if content == stock.baseline.encode() else frozenset({2}))


def baseline_kind(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    given = not_a_file(rng, folder / "last.json")
    (folder / "spec.toml").write_text(PLAIN)
    return Ask(("check", str(folder / "spec.toml"), f"--baseline={given}"), given[:200])


def baseline_values(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """A value anywhere in a baseline becomes something else: refused, or compared with."""
    path = folder / "last.json"
    if rng.random() < 0.5:
        path.write_bytes(certificate_values(rng, stock.baseline))
    else:
        answer = json.loads(stock.baseline)
        key = rng.choice(["value", "region", "contributions", "attack"])
        answer["lipschitz"][key] = "@@"
        path.write_text(json.dumps(answer).replace('"@@"', rng.choice([*JUNK, "0.0", "1" + "0" * 400, "5e-324"])))
    return baseline(path, folder, codes=frozenset({0, 1, 2, 3}))


def campaign(path: Path, stock: Stock, **other: Any) -> Ask:
    return Ask(("campaign", *stock.campaign_arguments, f"--out={path}" if str(path) else "--out="), str(path), **other)


def campaign_foreign(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    path = folder / "campaign.jsonl"
    content = foreign(rng, stock)
    path.write_bytes(content)
    complete = content == stock.campaign
    return campaign(path, stock, codes=VERDICTS if complete else frozenset({2}), may_be_valid=not content.strip())


def campaign_bytes(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    path = folder / "campaign.jsonl"
    path.write_bytes(damaged_text(rng, stock.campaign.decode()))
    return campaign(path, stock, codes=frozenset({0, 1, 2, 3}), may_be_valid=True)


def campaign_kind(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    given = not_a_file(rng, folder / "campaign.jsonl")
    return Ask(("campaign", *stock.campaign_arguments, f"--out={given}"), given[:200])


def run_part(rng: random.Random, run: Path) -> Path:
    return rng.choice(sorted(path for path in run.rglob("*") if path.is_file()))


def run_ask(rng: random.Random, run: Path, *, certain: bool) -> Ask:
    """Resume the run, or recheck it: refused, or after damage that harms nothing the verdict of a run."""
    codes = frozenset({2}) if certain else frozenset({0, 1, 2, 3})
    if rng.random() < 0.5:
        return Ask(("recheck", str(run)), str(run), codes | {3}, whole=True)
    extra = ("--steps", "3", "--certificates", "steps", "--resume")
    return Ask(("train", str(run.parent / "spec.toml"), "--out", str(run), *extra), str(run), codes, whole=True)


def run_bytes(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    run = stock.copy_run(folder)
    part = run_part(rng, run)
    data = bytearray(part.read_bytes())
    if rng.random() < 0.3:
        data = data[: rng.randrange(len(data) + 1)]
    else:
        for _ in range(rng.randint(1, 8)):
            if data:
                data[rng.randrange(len(data))] = rng.randrange(256)
    part.write_bytes(data)
    return run_ask(rng, run, certain=False)


def run_foreign(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    run = stock.copy_run(folder)
    run_part(rng, run).write_bytes(foreign(rng, stock))
    return run_ask(rng, run, certain=False)


def run_kind(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    run = stock.copy_run(folder)
    part = run_part(rng, run)
    part.unlink()
    if rng.random() < 0.8:
        not_a_file(rng, part)
    return run_ask(rng, run, certain=False)


def run_checkpoint(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """A checkpoint that says something else: other weights, bounds, indices."""
    run = stock.copy_run(folder)
    with np.load(run / "checkpoint.npz") as archive:
        state = dict(archive)
    for key in rng.sample(sorted(state), rng.randint(1, 2)):
        junk: list[Any] = [np.nan, np.inf, -5.0, 10**9, -1, 2**63 - 1, 0.5, np.zeros((2, 2)), "::error::x", True]
        state[key] = np.asarray(rng.choice(junk))
    np.savez(run / "checkpoint.npz", **state)
    return run_ask(rng, run, certain=False)


def output_kind(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """A device, a pipe, a link, a folder, a foreign file or the input in the place of an output."""
    spec = folder / "spec.toml"
    spec.write_text(PLAIN)
    place = folder / "out"
    if rng.random() < 0.3:
        target = folder / "target"
        target.write_text("a foreign file\n")
        place.symlink_to(target)
        given = str(place)
    elif rng.random() < 0.3:
        given = str(spec)
    else:
        given = not_a_file(rng, place)
    option = rng.choice(["--junit", "--sarif", "--output", "--out"])
    command = {"--output": "certify", "--out": "train"}.get(option, "check")
    ask = (command, str(spec), f"{option}={given}", *(("--steps", "1") if command == "train" else ()))
    as_folder = command == "train" and is_folder(given)
    if as_folder:
        return Ask(ask, "", codes=frozenset({0}), whole=True)
    return Ask(ask, given[:200], whole=command != "check")


def train_into(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """A run into a folder that holds files of others, or another run."""
    run = stock.copy_run(folder)
    if rng.random() < 0.7:
        (run / "run.json").unlink()
    if rng.random() < 0.5:
        shutil.rmtree(run / "certificates", ignore_errors=True)
    (run / rng.choice(["steps.jsonl", "checkpoint.npz", "result.json", "weights.f64"])).write_bytes(foreign(rng, stock))
    return Ask(("train", str(folder / "spec.toml"), "--out", str(run), "--steps", "1"), str(run), whole=True)


Maker = Callable[[random.Random, Stock, Path], Ask]
FILE_MAKERS: dict[Maker, float] = {
    spec_kind: 1.0,
    data_kind: 1.0,
    certificate_foreign: 1.0,
    certificate_kind: 1.0,
    certificate_bomb: 1.0,
    baseline_foreign: 1.0,
    baseline_kind: 1.0,
    baseline_values: 1.0,
    campaign_foreign: 1.0,
    campaign_bytes: 1.0,
    campaign_kind: 1.0,
    run_bytes: 0.5,
    run_foreign: 0.5,
    run_kind: 0.5,
    run_checkpoint: 0.5,
    output_kind: 1.0,
    train_into: 0.5,
}
"""Each maker, and how often it is chosen."""
