"""A page read back: its elements, its texts, and everything in it that would act or load something."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img", "input"}
LOADING = {"src", "srcset", "action", "formaction", "poster", "data", "ping", "background", "manifest", "xlink:href"}
ACTING = {
    "script",
    "iframe",
    "object",
    "embed",
    "form",
    "base",
    "foreignobject",
    "animate",
    "set",
    "use",
    "image",
    "img",
}


@dataclass
class Element:
    """An element with its attributes, and what is in it in order: texts and elements."""

    tag: str
    attributes: dict[str, str]
    parts: list[str | Element] = field(default_factory=list)

    @property
    def children(self) -> list[Element]:
        """The elements in it."""
        return [part for part in self.parts if isinstance(part, Element)]

    def pieces(self) -> Iterator[str]:
        """Yield all texts in it, in order."""
        for part in self.parts:
            yield from part.pieces() if isinstance(part, Element) else [part]

    def walk(self) -> Iterator[Element]:
        """Yield the element and everything in it."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, tag: str, **attributes: str) -> list[Element]:
        """Return the elements of this kind; a class may be one of several."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            each
            for each in self.walk()
            if each.tag == tag and all(value in each.attributes.get(name, "").split() for name, value in wanted.items())
        ]

    @property
    def text(self) -> str:
        """All texts in it, blanks joined."""
        return " ".join("".join(self.pieces()).split())


class _Reader(HTMLParser):
    """Builds the tree, and notes what a lenient browser would have to repair."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("#document", {})
        self.open = [self.root]
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        self.faults += [f"{tag}: {name} twice" for name in set(names) if names.count(name) > 1]
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].parts.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if self.open[-1].tag != tag:
            self.faults.append(f"</{tag}> closes {self.open[-1].tag}")
        else:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)

    def handle_comment(self, data: str) -> None:
        self.faults.append(f"comment {data[:40]}")


def read_page(text: str) -> Element:
    """Return the tree of a page that needs no repair."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.faults == [] and len(reader.open) == 1, (reader.faults[:5], [each.tag for each in reader.open])
    return reader.root


def active_parts(page: Element) -> list[str]:
    """Return what would run, load or lead anywhere outside the page."""
    found = []
    for element in page.walk():
        if element.tag in ACTING or element.attributes.get("http-equiv", "").lower() == "refresh":
            found.append(element.tag)
        for name, value in element.attributes.items():
            leads = name == "href" and not value.startswith("#") and not (element.tag == "link" and value == "data:,")
            if name in LOADING or name.startswith("on") or leads or (name == "style"):
                found.append(f"{element.tag} {name}={value[:60]}")
        if element.tag == "style" and any(word in element.text for word in ("url(", "@import", "image-set", "src(")):
            found.append("style")
    return found
