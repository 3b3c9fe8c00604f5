"""Words that act, numbers that no float64 is, sizes that exhaust."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from malformed_asks import VERDICTS, Ask, Stock
from malformed_files import foreign
from malformed_inputs import INLINE, PLAIN, SPEC

ACTS = re.compile(r"(?m)^\s*::|##|[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")
"""What GitHub obeys (``::`` at a line's start, blanks aside; ``##[`` anywhere) or a terminal, or reorders a line."""
ANNOTATION = re.compile(r"::(error|warning) file=[^:,]*,line=\d+,title=[^:,]*::")
WORDS = (
    *("::stop-commands::token", "\n::error file=x::y", "  ::warning::z", "w " * 100 + "::error::v", ":", "::"),
    *(
        "##[error]e",
        "##vso[task.complete]",
        "\t::error::tab",
        "%0A::error::",
        "\x1b[2J\x1b[H",
        "\x1b]0;t\x07",
        "\x9b2J",
    ),
    *("\rforged: PROVED", "\u202eDEVORP", "a\u2028b", "\x85", "\x00", "\u2066\u200b", "\ufeff", "\U000e0001"),
    *("<script>", "]]>", "&amp;", "[x](http://y)", "`c`", "$\\frac$", "{0}", "%s%n", "|x|", "- x", "# x"),
    *("../../x", "'; rm -rf /", "A" * 10**5),
)
LONGEST_NAME = 200
BIG = (2**53 + 1, -(2**53) - 1, 2**62 + 3, 2**63 - 1, 10**17 + 1)
"""Integers between two float64 numbers."""


def spec_hex(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """Integers of thousands of digits, which Python reads in these bases and cannot write."""
    base, digit = rng.choice([("0x", "f"), ("0o", "7"), ("0b", "1")])
    lines = PLAIN.splitlines()
    place = rng.choice([index for index, line in enumerate(lines) if "=" in line])
    digits = digit * rng.choice([5000, 20_000, 200_000])
    lines[place] = f"{lines[place].split('=')[0]}= {rng.choice(['{}', '[{}]', '{{a = {}}}']).format(base + digits)}"
    return spec(folder, "\n".join(lines), rng)


def spec(folder: Path, text: str, rng: random.Random, **other: object) -> Ask:
    path = folder / "spec.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    command = rng.choice(["check", "check", "range", "gradients"])
    return Ask((command, str(path)), str(path), **other)  # type: ignore[arg-type]


def spec_foreign(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    content = foreign(rng, stock)
    path = folder / "spec.toml"
    path.write_bytes(content)
    command = rng.choice(["check", "lint", "test", "explain"])
    if content == PLAIN.encode() and command == "lint":
        return Ask((command, str(path)), "", codes=frozenset({0}))
    return Ask((command, str(path)), str(path), may_be_valid=content == PLAIN.encode())


def spec_huge_keys(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """Keys, names and values of megabytes."""
    word = rng.choice(["k" * 10**4, "k" * 5 * 10**6, "é" * 10**6, "\\u001b" * 10**5])
    text = rng.choice(
        [
            f'"{word}" = 1\n{PLAIN}',
            PLAIN.replace("[nodes.h]", f'[nodes."{word}"]'),
            PLAIN.replace('["h", "x"]', f'["{word}"]'),
            PLAIN.replace('"tanh"', f'"{word}"'),
            PLAIN.replace('kind = "ball"', f'kind = "{word}"'),
            PLAIN.replace('kind = "ball"', f'"{word}" = "ball"'),
            PLAIN.replace('output = "y"', f'output = "{word}"'),
            PLAIN.replace('"x/(1+exp(-x))"', f'"{word}"'),
            PLAIN.replace(INLINE, f'[data]\nsource = "npz:{word}"'),
        ]
    )
    return spec(folder, text, rng)


def spec_region(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """A region that does not hold the initial weights."""
    np.savez(folder / "a.npz", w=np.full(11, rng.choice([1.0, -5.0, 1e10])))
    text = SPEC.format(source=INLINE, weights='[weights]\nnpz = "a.npz"')
    text = text.replace('kind = "ball"\nradius = 0.1', f'kind = "bounded"\nradius = {rng.choice([1e-9, 0.05, 3.3])}')
    path = folder / "spec.toml"
    path.write_text(text)
    return Ask((rng.choice(["check", "range", "explain"]), str(path)), str(path), whole=True)


def spec_integers(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """Whole numbers that no float64 is, in data and weights."""
    value = rng.choice(BIG)
    if rng.random() < 0.3:
        return spec(folder, PLAIN.replace(rng.choice(["0.5,", "-0.25"]), f"{value},", 1), rng)
    kind = "u8" if value > 0 and rng.random() < 0.5 else "i8"
    if rng.random() < 0.5:
        np.savez(folder / "a.npz", w=np.full(11, value, dtype=kind))
        return spec(folder, SPEC.format(source=INLINE, weights='[weights]\nnpz = "a.npz"'), rng)
    np.savez(folder / "a.npz", x=np.full((4, 2), value, dtype=kind), y=np.zeros(4))
    return spec(folder, SPEC.format(source='[data]\nsource = "npz:a.npz"', weights=""), rng)


def chain(width: int, depth: int) -> list[str]:
    """Return the tables of a chain of layers."""
    sources = ["x", *(f"l{index}" for index in range(depth))]
    return [
        f'[nodes.l{index}]\nwidth = {width}\nactivation = "tanh"\ninputs = ["{sources[index]}"]\n'
        for index in range(depth)
    ]


def spec_widths(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """Layers that a small file claims and no machine holds."""
    huge = rng.choice([10**5, 10**6, 10**7, 10**9, 2**31, 2**63 - 1, 2**64, 10**30])
    layers = "".join(chain(huge, rng.randint(2, 5)))
    return spec(folder, PLAIN.replace("[nodes.y]", f"{layers}[nodes.y]"), rng)


def spec_depth(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """Chains of hundreds of layers, or formulas nested as deep, with one mistake at the end."""
    if rng.random() < 0.3:
        depth = rng.choice([60, 300, 1000])
        call = rng.choice(["tanh(", "exp(-", "(1+", "sqrt(1+"])
        formula = f'"{call * depth}x{")" * (depth + rng.choice([0, 1]))}"'
        return spec(folder, PLAIN.replace('"x/(1+exp(-x))"', formula), rng, may_be_valid=True)
    depth = rng.choice([200, 1000, 3000])
    layers = chain(1, depth)
    match rng.choice(["cycle", "width", "activation", "dangling"]):
        case "cycle":
            layers[0] = layers[0].replace('"x"', f'"x", "l{depth - 1}"')
        case "width":
            layers[-1] = layers[-1].replace("width = 1", "width = 0")
        case "activation":
            layers[-1] = layers[-1].replace("tanh", "tnah")
        case _:
            layers[-1] = layers[-1].replace('inputs = ["l', 'inputs = ["m')
    text = PLAIN.replace("[nodes.y]", f"{''.join(layers)}[nodes.y]").replace('["h", "x"]', f'["h", "l{depth - 1}"]')
    return spec(folder, text, rng)


def toml(word: str) -> str:
    """Return a string of TOML; what TOML does not take raw is escaped."""
    return json.dumps(word, ensure_ascii=False).replace("\x7f", "\\u007f")


def words_in_nodes(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """Names of vertices, keys and values that act."""
    word = toml(rng.choice(WORDS))
    old, new = rng.choice(
        [
            ("[nodes.h]", f"[nodes.{word}]"),
            ("[region]", f"[{word}]"),
            ("seed = 3", f"{word} = 3"),
            ('"tanh"', word),
            ('"ball"', word),
            ('["h", "x"]', f"[{word}]"),
            ('output = "y"', f"output = {word}"),
            ('"x/(1+exp(-x))"', word),
        ]
    )
    return spec(folder, PLAIN.replace(old, new), rng, may_be_valid=True)


def words_in_name(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """A name that acts, in a spec that is right: the answer stands, the name is shown; too long ones are refused."""
    path, word = folder / "spec.toml", rng.choice(WORDS)
    path.write_text(PLAIN.replace('"small"', toml(word)))
    given = rng.choice([(), ("--json",), ("--github",), ("--github", "--json")])
    reports = ("--junit", str(folder / "j.xml"), "--sarif", str(folder / "s.json"))
    if len(word) > LONGEST_NAME:
        return Ask(("check", str(path)), str(path))
    return Ask(("check", str(path), *given, *reports), "", codes=VERDICTS)


def words_in_baseline(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    (folder / "spec.toml").write_text(PLAIN)
    answer = json.loads(stock.baseline)
    answer["lipschitz"] |= {"value": 1e-9, "region": rng.choice(WORDS)}
    answer["ranges"].append({**answer["ranges"][0], "theorem": rng.choice(WORDS), "eta_max": 1e9})
    path = folder / "last.json"
    path.write_text(json.dumps(answer))
    given = rng.choice([(), ("--json",), ("--github",)])
    reports = ("--junit", str(folder / "j.xml"), "--sarif", str(folder / "s.json"))
    arguments = ("check", str(folder / "spec.toml"), "--baseline", str(path), *given, *reports)
    return Ask(arguments, "", codes=frozenset({1}))


def words_in_path(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    """Paths that act: of no file, or of a good one."""
    word = rng.choice(WORDS).replace("/", "|").replace("\x00", "").encode()[:200].decode("utf-8", "ignore") + ".toml"
    path = folder / word
    command = rng.choice(["check", "lint", "range", "recheck", "train", "certify", "campaign"])
    if command == "lint" and rng.random() < 0.7:
        path.write_text(PLAIN)
        return Ask(("lint", str(path)), "", codes=frozenset({0}))
    more = {"train": ("--out", str(folder / "r")), "certify": ("-o", str(folder / "c"))}.get(command, ())
    if command == "campaign":
        path.write_bytes(b"foreign\n")
        more = ("--out", str(path), *stock.campaign_arguments)
        return Ask((command, *more), "")
    return Ask((command, "--", str(path)) if not more else (command, *more, "--", str(path)), "")


def words_in_certificate(rng: random.Random, stock: Stock, folder: Path) -> Ask:
    content = json.loads(rng.choice(stock.certificates))
    holder = rng.choice([content, content["model"], content["model"]["nodes"], content["claim"], content["objective"]])
    key = rng.choice(sorted(holder))
    if rng.random() < 0.5:
        holder[rng.choice(WORDS)] = holder.pop(key)
    else:
        holder[key] = rng.choice(WORDS)
    path = folder / "certificate.json"
    path.write_text(json.dumps(content))
    return Ask(("recheck", str(path)), str(path), codes=frozenset({2, 3}), may_be_valid=True)


WORD_MAKERS: dict[Callable[[random.Random, Stock, Path], Ask], float] = {
    spec_foreign: 1.0,
    spec_hex: 1.0,
    spec_huge_keys: 0.5,
    spec_region: 1.0,
    spec_integers: 1.0,
    spec_widths: 1.0,
    spec_depth: 1.0,
    words_in_nodes: 1.0,
    words_in_name: 1.0,
    words_in_baseline: 1.0,
    words_in_path: 1.0,
    words_in_certificate: 1.0,
}
"""Each maker, and how often it is chosen."""
