"""Vector graphics for the page: elements whose texts and attributes are escaped by the writer of XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from verify.escaping import xml

Point = tuple[float, float]


class Drawing:
    """A picture with a title and a description for those who do not see it.

    Parameters
    ----------
    name : str
        Of the picture within the page; our own, it becomes part of identifiers.
    width, height : float
        In the picture's own units.
    title, description : str
        Read by screen readers.
    role : {"img", "group"}
        ``"group"`` where the picture holds links.

    Examples
    --------
    >>> drawing = Drawing("p", 10, 10, "a <b>", "")
    >>> drawing.text((1, 2), "x < y", "name")
    >>> drawing.markup().partition("<title")[2]
    ' id="p-title">a &lt;b&gt;</title><desc id="p-desc" /><text x="1" y="2" class="name">x &lt; y</text></svg>'
    """

    def __init__(
        self, name: str, width: float, height: float, title: str, description: str = "", role: str = "img"
    ) -> None:
        box = f"0 0 {number(width)} {number(height)}"
        labels = {"aria-labelledby": f"{name}-title", "aria-describedby": f"{name}-desc"}
        self.root = ET.Element("svg", {"viewBox": box, "width": number(width), "role": role, **labels})
        ET.SubElement(self.root, "title", {"id": f"{name}-title"}).text = xml(title)
        ET.SubElement(self.root, "desc", {"id": f"{name}-desc"}).text = xml(description)
        self._into = self.root

    def curve(self, commands: str, kind: str, label: str) -> None:
        """Draw a path of SVG commands of our own."""
        element = ET.SubElement(self._into, "path", {"d": commands, "class": kind})
        ET.SubElement(element, "title").text = xml(label)

    def rectangle(self, corner: Point, size: Point, kind: str, *, rounded: float) -> None:
        """Draw a rectangle."""
        x, y = corner
        place = {"x": number(x), "y": number(y), "width": number(size[0]), "height": number(size[1])}
        ET.SubElement(self._into, "rect", {**place, "rx": number(rounded), "class": kind})

    def text(self, place: Point, words: str, kind: str) -> None:
        """Write a line of text."""
        ET.SubElement(self._into, "text", {"x": number(place[0]), "y": number(place[1]), "class": kind}).text = xml(
            words
        )

    def link(self, target: str, label: str) -> None:
        """Let what follows, until `end_link`, be a link to a place of the page; `target` is an identifier of ours."""
        self._into = ET.SubElement(self.root, "a", {"href": f"#{target}", "aria-label": xml(label)})

    def end_link(self) -> None:
        """End the link."""
        self._into = self.root

    def markup(self) -> str:
        """Return the element as text to stand in HTML."""
        return ET.tostring(self.root, encoding="unicode")


def number(value: float) -> str:
    """Return a coordinate.

    Examples
    --------
    >>> number(3.0), number(1 / 3), number(-0.0001)
    ('3', '0.33', '0')
    """
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
