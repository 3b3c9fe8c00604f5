"""Look at the built pages: nothing in them is loaded from another machine, and no link inside them is dead.

python -m docs.site_check
"""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

SITE = Path(__file__).parents[1] / "build" / "docs" / "site"

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
_STYLE_ADDRESS = re.compile(r"(?:url\(|@import\s*)['\"]?((?:https?:)?//[^)'\"]+)")


class Built(HTMLParser):
    """A built page.

    Parameters
    ----------
    text : str

    Attributes
    ----------
    loaded : list of str
        Addresses of what it loads when it is opened.
    links : list of str
        Addresses that it leads to.
    anchors : set of str
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.anchors |= {each for each in (values.get("id"), values.get("name")) if each}
        relations = set((values.get("rel") or "").split())
        if tag == "link" and relations & _LOADING_RELATIONS:
            address = values.get("href")
        else:
            address = values.get(_LOADED.get(tag, ""))
            if tag == "a" and values.get("href"):
                self.links.append(str(values["href"]))
        if address:
            self.loaded.append(address)
        if "mermaid" in (values.get("class") or "").split():
            self.loaded.append("https: the script that draws mermaid blocks")


def leaves(address: str) -> bool:
    """Return whether an address is on another machine."""
    return bool(urlsplit(address).scheme) or address.startswith("//")


def faults(site: Path) -> list[str]:
    """Return what is wrong with a built site, a line each."""
    pages = {path.resolve(): Built(path.read_text(encoding="utf-8")) for path in sorted(site.rglob("*.html"))}
    found = [] if pages else [f"{site}: no page"]
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        found += [f"{name}: loads {address}" for address in page.loaded if leaves(address)]
        for address in {*page.links, *page.loaded}:
            if not leaves(address) and (fault := _dead(site.resolve(), path, address, pages)):
                found.append(f"{name}: {fault}")
    for style in sorted(site.rglob("*.css")):
        text = style.read_text(encoding="utf-8")
        found += [f"{style.relative_to(site)}: loads {address}" for address in _STYLE_ADDRESS.findall(text)]
    return sorted(found)


def _dead(site: Path, path: Path, address: str, pages: dict[Path, Built]) -> str | None:
    """Return why an address inside the site leads nowhere."""
    parts = urlsplit(address)
    place = unquote(parts.path)
    start = site if place.startswith("/") else path.parent
    target = (start / place.lstrip("/")).resolve() if place else path
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return f"leads to {address}, which is not there"
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return f"leads to {address}, where nothing has that name"
    return None


def main() -> int:
    """Print what is wrong; return 1 if anything is."""
    found = faults(SITE)
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{len(list(SITE.rglob('*.html')))} pages, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
