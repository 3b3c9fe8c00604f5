"""Assemble the documentation's sources, and check the pages that were built from them.

python docs/build_site.py assemble
    Writes build/docs/source: the Markdown files at their places in the repository, what they link to, and the reference
    of the command line. Zensical makes build/docs/site of it.
python docs/build_site.py check
    Nothing in the built pages is loaded from another machine.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "docs"
COMMANDS = "docs/reference/commands.md"
"""The page that is made of the commands' own help."""

_WIDTHS: dict[str, int] = {"terminal_width": 92, "max_content_width": 92}
_PAGES = (
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "docs/**/*",
    "benchmarks/*.md",
    "examples/**/*.md",
    "proofs_notes/*.md",
    "verify/**/README.md",
    "tests/README.md",
)
_LINK = re.compile(r"\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
_FENCED = re.compile(r"^(`{3,}).*?^\1[ ]*$", re.M | re.S)
_LOADED = {
    "img": "src",
    "script": "src",
    "iframe": "src",
    "source": "src",
    "audio": "src",
    "video": "src",
    "embed": "src",
}
_LOADING_RELATIONS = {
    "stylesheet",
    "preload",
    "prefetch",
    "preconnect",
    "dns-prefetch",
    "modulepreload",
    "icon",
    "manifest",
}


def sources() -> list[str]:
    """Return the files of which the site is made: pages, then what they link to inside the repository."""
    pages = {path.relative_to(ROOT).as_posix() for pattern in _PAGES for path in ROOT.glob(pattern) if path.is_file()}
    pages = {page for page in pages if "__pycache__" not in page and not page.startswith("docs/build_site.py")}
    found: set[str] = set()
    waiting = sorted(pages)
    while waiting:
        if (page := waiting.pop()) in found:
            continue
        found.add(page)
        if page.endswith(".md") and page != COMMANDS:
            waiting += [target for target, _ in relative_links(page) if (ROOT / target).is_file()]
    return sorted(found - {COMMANDS})


def relative_links(page: str, text: str | None = None) -> Iterator[tuple[str, str]]:
    """Yield the links of a page that stay in the repository: the file, relative to the root, and the anchor."""
    if text is None:
        text = (ROOT / page).read_text(encoding="utf-8")
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
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)
    (target / COMMANDS).write_text(commands_page(), encoding="utf-8")
    shutil.copyfile(ROOT / "docs" / "zensical.toml", BUILD / "zensical.toml")


class _Loaded(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        relations = set((values.get("rel") or "").split())
        address = (
            values.get("href") if tag == "link" and relations & _LOADING_RELATIONS else values.get(_LOADED.get(tag, ""))
        )
        if address:
            self.addresses.append(address)
        if "mermaid" in (values.get("class") or "").split():
            self.addresses.append("https: the script that draws mermaid blocks")


def loaded_from_elsewhere(page: str) -> list[str]:
    """Return the addresses on other machines that a page loads when it is opened."""
    parser = _Loaded()
    parser.feed(page)
    return [address for address in parser.addresses if urlsplit(address).scheme or address.startswith("//")]


def check() -> int:
    """Return the exit code of a look at the built pages."""
    pages = sorted((BUILD / "site").rglob("*.html"))
    styles = sorted((BUILD / "site").rglob("*.css"))
    found = [(page, each) for page in pages for each in loaded_from_elsewhere(page.read_text(encoding="utf-8"))]
    found += [
        (style, each)
        for style in styles
        for each in re.findall(r"(?:url\(|@import\s*)['\"]?((?:https?:)?//[^)'\"]+)", style.read_text(encoding="utf-8"))
    ]
    for page, address in found:
        print(f"{page.relative_to(BUILD)}: loads {address}")
    print(f"{len(pages)} pages, {len(found)} addresses on other machines")
    return 1 if found or not pages else 0


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    match sys.argv[1:]:
        case ["assemble"]:
            assemble()
        case ["check"]:
            sys.exit(check())
        case _:
            sys.exit(__doc__)
