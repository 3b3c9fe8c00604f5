"""Every command that any page names exists with its options, also where it takes too long to be run by a test.

`test_pages.py` runs those in README.md and docs/; heads of tables, sentences and the other pages are read here.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from docs.build_site import COMMANDS, sources, text_of
from tests.docs.blocks import ROOT
from verify.cli.app import main

PAGES = [page for page in sources() if page.endswith((".md", ".ipynb")) and page != COMMANDS]
_FENCED = re.compile(r"^`{3,}(?:console|sh|bash)[^\n]*\n(.*?)^`{3,}[ ]*$", re.M | re.S)
_INDENTED = re.compile(
    r"^    (?:\$ )?((?:[A-Z_]+=\S+ )*(?:dagverify|python|make|bash|pip) [^\n]*(?:\\\n[^\n]*)*)", re.M
)
_INLINE = re.compile(r"`((?:[A-Z_]+=\S+ )*(?:dagverify|python|make|bash) [^`]+)`")


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of the commands of a page; what stands behind a pipe or in brackets is left out."""
    shown = [line.removeprefix("$ ") for block in _FENCED.findall(text) for line in block.splitlines()]
    for command in [*shown, *_INDENTED.findall(text), *_INLINE.findall(text)]:
        try:
            words = shlex.split(re.split(r"[|;>&]", " ".join(command.replace("\\\n", " ").split()))[0], comments=True)
        except ValueError:  # output of a command, with an apostrophe
            continue
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words.pop(0)
        if words and words[0] in ("dagverify", "python", "make", "bash"):
            yield [word.strip("[],") for word in words]


def fault(words: list[str]) -> str | None:
    """Return what is wrong with a command, None if nothing is."""
    program, *rest = words
    options = {word.split("=")[0] for word in rest if word.startswith("--") and len(word) > 2}
    match program, rest:
        case "dagverify", [name, *_]:
            return _of_program(name, options)
        case "make", targets:
            unknown = set(targets) - _targets()
            return f"make has no {', '.join(sorted(unknown))}" if unknown else None
        case "bash", [path, *_]:
            return None if path.startswith("-") or (ROOT / path).is_file() else f"there is no {path}"
        case "python", ["-m", module, *_]:
            return _of_module(module, options)
        case "python", [path, *_] if (
            path.endswith(".py") and "/" in path
        ):  # else one that the page lets its reader write
            return _of_script(ROOT / path, options)
    return None


def _of_program(name: str, options: set[str]) -> str | None:
    if name.startswith("-") or not re.fullmatch(r"[a-z]+", name):
        return None  # of the program itself, or a placeholder
    command = main.get_command(click.Context(main), name)
    if command is None:
        return f"dagverify has no {name}"
    known = {each for parameter in command.params for each in (*parameter.opts, *parameter.secondary_opts)}
    unknown = options - known - {"--help"}
    return f"dagverify {name} has no {', '.join(sorted(unknown))}" if unknown else None


def _of_module(module: str, options: set[str]) -> str | None:
    if module.split(".")[0] not in ("verify", "tests", "docs", "examples", "benchmarks"):
        return None
    if importlib.util.find_spec(module) is None:
        return f"there is no module {module}"
    folder = ROOT / module.replace(".", "/")
    if module == "verify":
        return None
    return _of_script(folder / "__main__.py" if folder.is_dir() else folder.with_suffix(".py"), options)


def _of_script(path: Path, options: set[str]) -> str | None:
    if not path.is_file():
        return f"there is no {path.relative_to(ROOT)}"
    text = path.read_text(encoding="utf-8")
    unknown = {option for option in options if f'"{option}"' not in text}
    return f"{path.relative_to(ROOT)} has no {', '.join(sorted(unknown))}" if unknown else None


@cache
def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


@pytest.mark.parametrize("page", PAGES)
def test_commands_that_a_page_names_exist(page: str) -> None:
    assert [found for words in commands(text_of(page)) if (found := fault(words))] == []


def test_there_are_many() -> None:
    assert sum(1 for page in PAGES for _ in commands(text_of(page))) > 150


@pytest.mark.parametrize(
    "text, found",
    [
        ("`dagverify chek SPEC`", "dagverify has no chek"),
        ("    dagverify check SPEC --jsn", "dagverify check has no --jsn"),
        ("```sh\ndagverify check a --jsn=1 > b  # c\n```\n", "dagverify check has no --jsn"),
        ("    A=1 python benchmarks/no.py --out a", "there is no benchmarks/no.py"),
        ("    A=1 python benchmarks/zoo.py --outt a", "benchmarks/zoo.py has no --outt"),
        ("`python -m examples.autoencoder_study --fulll`", "examples/autoencoder_study/__main__.py has no --fulll"),
        ("`make tests`", "make has no tests"),
        ("`bash proofs/check.sh`", "there is no proofs/check.sh"),
        ("`dagverify check SPEC --json`", None),
        ("`make test`", None),
    ],
)
def test_planted_faults_are_seen(text: str, found: str | None) -> None:
    (words,) = commands(text)
    assert fault(words) == found
