"""No link of a page is dead: the files and the headings that they name exist. Others are listed, not opened."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from docs.build_site import COMMANDS, ROOT, commands_page, relative_links, sources, text_of, visible
from docs.site_check import faults

PAGES = [page for page in sources() if page.endswith((".md", ".ipynb"))]


def anchors(text: str) -> set[str]:
    """Return the anchors of the headings, as GitHub and the site make them of plain words."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^(`{3,}).*?^\1[ ]*$", "", text, flags=re.M | re.S), re.M)
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in titles]
    return {re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", title.lower()).strip()) for title in plain}


@cache
def anchors_of(page: str) -> set[str]:
    if page == COMMANDS:
        return anchors(commands_page())
    text = text_of(page)
    return anchors(text) | set(re.findall(r"^::: (\S+)$", text, re.M))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target, anchor in relative_links(page):
        assert target == COMMANDS or (ROOT / target).is_file(), f"{page} links to {target}"
        if anchor and target.endswith(".md"):
            assert anchor in anchors_of(target), f"{page} links to {target}#{anchor}"


def test_dead_links_are_seen() -> None:
    text = "[a](x.md#b) `[code](y.md)` [out](https://example.org/z.md)\n```text\n[c](z.md)\n```\n"
    assert list(relative_links("docs/p.md", text)) == [("docs/x.md", "b"), ("docs/y.md", "")]
    assert anchors("# One [two](x.md)\n```sh\n# no\n```\n## C, d!\n") == {"one-two", "c-d"}


BUILT = {
    "that is right": ('<h1 id="top">a</h1><a href="#top">b</a><a href="two.html#c">d</a><img src="e.svg">', None),
    "right from the top": ('<a href="/two.html#c">a</a>', None),
    "a dead link from the top": ('<a href="/three.html">a</a>', "leads to /three.html, which is not there"),
    "a dead link": ('<a href="three.html">a</a>', "leads to three.html, which is not there"),
    "a dead anchor": ('<a href="two.html#d">a</a>', "leads to two.html#d, where nothing has that name"),
    "a dead anchor of its own": ('<a href="#d">a</a>', "leads to #d, where nothing has that name"),
    "a picture that is not there": ('<img src="f.svg">', "leads to f.svg, which is not there"),
    "a picture from elsewhere": ('<img src="https://example.org/e.svg">', "loads https://example.org/e.svg"),
    "a script from elsewhere": ('<script src="//example.org/e.js"></script>', "loads //example.org/e.js"),
    "a link elsewhere": ('<a href="https://example.org">a</a>', None),
}


@pytest.mark.parametrize("text, fault", BUILT.values(), ids=BUILT)
def test_faults_of_built_pages_are_seen(text: str, fault: str | None, tmp_path: Path) -> None:
    (tmp_path / "one.html").write_text(text, encoding="utf-8")
    (tmp_path / "two.html").write_text('<p id="c"></p>', encoding="utf-8")
    (tmp_path / "e.svg").write_text("<svg/>", encoding="utf-8")
    assert faults(tmp_path) == ([] if fault is None else [f"one.html: {fault}"])


def test_a_site_without_pages_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "style.css").write_text("a { background: url(https://example.org/a.png) }", encoding="utf-8")
    assert set(faults(tmp_path)) == {"style.css: loads https://example.org/a.png", f"{tmp_path}: no page"}


def test_hidden_files_have_a_place_in_the_site() -> None:
    linked = {target for page in PAGES for target, _ in relative_links(page)}
    hidden = {target for target in linked if re.search(r"(^|/)\.[^./]", target)}
    assert hidden and not {target for target in map(visible, hidden) if re.search(r"(^|/)\.", target)}
    assert visible("../.a/.b.yml") == "../dot.a/dot.b.yml" and visible("./a.md#.b") == "./a.md#.b"


def test_every_page_is_in_the_navigation() -> None:
    listed = set(re.findall(r'= "([^"]+\.md)"', (ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8")))
    tomllib.loads((ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8"))
    shown = {page.replace(".ipynb", ".md") for page in PAGES}
    assert listed - {COMMANDS} <= shown
    assert {page for page in shown if page.startswith("docs/")} <= listed


def test_the_readme_leads_to_every_part() -> None:
    reached, waiting = set[str](), ["README.md"]
    while waiting:
        if (page := waiting.pop()) not in reached and page.endswith((".md", ".ipynb")) and page != COMMANDS:
            reached.add(page)
            waiting += [target for target, _ in relative_links(page)]
    unreached = {page for page in PAGES if page not in reached and not page.startswith("docs/reference/")}
    assert not unreached


def test_addresses_elsewhere_are_few_and_encrypted() -> None:
    found = set()
    for page in PAGES:
        found |= set(re.findall(r"\]\((https?://[^)\s]+)\)", text_of(page)))
    print(*sorted(found), sep="\n")
    assert all(address.startswith("https://") for address in found)


def test_the_sites_colours_are_those_of_the_readers_system() -> None:
    """Unless the reader chooses: without a first palette for the system's, the first visit's is remembered for ever."""
    theme = tomllib.loads((ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8"))["project"]["theme"]
    media = [palette["media"] for palette in theme["palette"]]
    assert media[0] == "(prefers-color-scheme)" and sorted(media[1:]) == [
        "(prefers-color-scheme: dark)",
        "(prefers-color-scheme: light)",
    ]
