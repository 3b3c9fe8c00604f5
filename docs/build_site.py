"""Assemble the documentation's sources.

python -m docs.build_site
    Writes build/docs/source: the Markdown files at their places in the repository, what they link to, the reference of
    the command line, and the gallery's notebooks, executed. Zensical makes build/docs/site of it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click

from docs import notebooks

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "docs"
COMMANDS = "docs/reference/commands.md"
"""The page that is made of the commands' own help."""

_WIDTHS: dict[str, int] = {"terminal_width": 92, "max_content_width": 92}
_PAGES = (
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "docs/**/*.md",
    "docs/gallery/*.ipynb",
    "benchmarks/*.md",
    "examples/**/*.md",
    "proofs_notes/*.md",
    "verify/**/README.md",
    "tests/README.md",
)
_LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
_FENCED = re.compile(r"^(`{3,}).*?^\1[ ]*$", re.M | re.S)
_NOTEBOOK = re.compile(r"(\]\([^)\s]*)\.ipynb(?=[)#])")


def sources() -> list[str]:
    """Return the files of which the site is made: pages, then what they link to inside the repository."""
    pages = {path.relative_to(ROOT).as_posix() for pattern in _PAGES for path in ROOT.glob(pattern) if path.is_file()}
    pages = {page for page in pages if "__pycache__" not in page}
    found: set[str] = set()
    waiting = sorted(pages)
    while waiting:
        if (page := waiting.pop()) in found:
            continue
        found.add(page)
        if page.endswith((".md", ".ipynb")) and page != COMMANDS:
            waiting += [target for target, _ in relative_links(page) if (ROOT / target).is_file()]
    return sorted(found - {COMMANDS})


def text_of(page: str) -> str:
    """Return the Markdown of a page or of a notebook's prose."""
    path = ROOT / page
    return notebooks.text_of(path) if page.endswith(".ipynb") else path.read_text(encoding="utf-8")


def relative_links(page: str, text: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield the links of a page that stay in the repository: the file, relative to the root, and the anchor."""
    if text is None:
        text = text_of(page)
    for link in _LINK.findall(_FENCED.sub("", text)):
        parts = urlsplit(link)
        if not parts.scheme and not parts.netloc:
            path = os.path.normpath(Path(page).parent / unquote(parts.path)) if parts.path else page
            yield path, parts.fragment


def commands_page() -> str:
    """Return the reference of the command line: what ``--help`` prints for every command."""
    from verify.cli.app import main

    group = click.Context(main, info_name="dagverify", **_WIDTHS)
    parts = ["# Commands\n\nWhat `--help` prints.\n", _help("The program", group)]
    for name in main.list_commands(group):
        command = main.get_command(group, name)
        if command is None:
            raise ValueError(f"the program lists a command that it does not have: {name=}")
        parts.append(_help(f"dagverify {name}", click.Context(command, group, info_name=name, **_WIDTHS)))
    return "\n".join(parts)


def _help(title: str, context: click.Context) -> str:
    return f"## {title}\n\n```text\n{context.command.get_help(context)}\n```\n"


def assemble() -> None:
    """Write build/docs/source."""
    target = BUILD / "source"
    shutil.rmtree(BUILD, ignore_errors=True)
    for name in sources():
        copy = target / visible(name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
        if name.endswith(".md"):
            text = (target / name).read_text(encoding="utf-8")
            (target / name).write_text(_to_pages(text), encoding="utf-8")
        elif name.endswith(".ipynb"):
            _write_notebook(ROOT / name, (target / name).with_suffix(".md"))
    (target / COMMANDS).write_text(commands_page(), encoding="utf-8")
    shutil.copyfile(ROOT / "docs" / "zensical.toml", BUILD / "zensical.toml")


def visible(path: str) -> str:
    """Return the place of a file in the site, which leaves out names that begin with a dot.

    Examples
    --------
    >>> visible("../.github/workflows/a.yml")
    '../dot.github/workflows/a.yml'
    """
    return "/".join(f"dot{each}" if each.startswith(".") and each.strip(".") else each for each in path.split("/"))


def _to_pages(text: str) -> str:
    """Let links to notebooks lead to the pages made of them, those to hidden files to their copies."""
    return _LINK.sub(_to_visible, _NOTEBOOK.sub(r"\1.md", text))


def _to_visible(link: re.Match[str]) -> str:
    return link[0] if "://" in link[1] else link[0].replace(link[1], visible(link[1]))


def _write_notebook(notebook: Path, target: Path) -> None:
    """Execute a notebook and write its page, which leads to the notebook itself."""
    page, files = notebooks.page_of(notebook)
    title, _, rest = page.partition("\n")
    download = f"[This page is a notebook, executed when the page was built.]({notebook.name})"
    target.write_text(f"{title}\n\n{download}\n{_to_pages(rest)}", encoding="utf-8")
    for name, content in files.items():
        (target.parent / name).parent.mkdir(exist_ok=True)
        (target.parent / name).write_bytes(content)


if __name__ == "__main__":
    assemble()
