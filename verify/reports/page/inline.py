"""A figure of matplotlib as an element of the page: in its colours, with a name, without styles or scripts."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

from verify.plotting.style import COLOURS
from verify.reports.page.svg import Drawing, number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_VARIABLES = {colour: f"var(--{name})" for name, colour in COLOURS.items()}
_STYLES = {
    "fill",
    "fill-opacity",
    "font-size",
    "font-weight",
    "opacity",
    "stroke",
    "stroke-dasharray",
    "stroke-opacity",
    "stroke-width",
    "text-anchor",
}
_PLACES = {"d", "x", "y", "width", "height", "transform"}
_KEPT = {"g", "path", "rect", "text", "tspan"}
_REFERENCE = "{http://www.w3.org/1999/xlink}href"
_DIGITS = re.compile(r"-?\d+\.\d{3,}")


def inline(figure: Figure, name: str, title: str, description: str) -> str:
    """Return a figure as an SVG element to stand in HTML.

    What matplotlib writes as styles become attributes, which a style sheet overrules; its colours become the custom
    properties of the page; letters stay text; shapes used many times are written out, so that nothing refers to
    anything but the clips of this figure.

    Parameters
    ----------
    figure : Figure
        Drawn in our style (`verify.plotting.library.styled`).
    name : str
        Of the picture within the page; our own, it becomes part of identifiers.
    title, description : str
        Read by screen readers.
    """
    from matplotlib import rc_context

    stream = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    with rc_context({"svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    source = ET.fromstring(stream.getvalue())
    _, _, width, height = (float(part) for part in source.attrib["viewBox"].split())
    drawing = Drawing(name, width, height, title, description)
    drawing.root.attrib |= {"stroke-linejoin": "round"}
    shapes = {each.attrib["id"]: each for each in source.iter() if "id" in each.attrib}
    clips = ET.SubElement(drawing.root, "defs")
    for clip in (each for each in source.iter() if _tag(each) == "clipPath"):
        _copy_all(clip, ET.SubElement(clips, "clipPath", {"id": f"{name}-{clip.attrib['id']}"}), shapes, name)
    _copy_all(source, drawing.root, shapes, name)
    return drawing.markup()


def _copy_all(source: ET.Element, into: ET.Element, shapes: dict[str, ET.Element], name: str) -> None:
    for child in source:
        tag = _tag(child)
        if tag == "use":
            _copy_use(child, into, shapes, name)
        elif tag in _KEPT:
            attributes = _attributes(child, name)
            place = into if tag == "g" and not attributes else ET.SubElement(into, tag, attributes)
            if tag in ("text", "tspan"):
                place.text, place.tail = child.text, child.tail
            _copy_all(child, place, shapes, name)


def _copy_use(use: ET.Element, into: ET.Element, shapes: dict[str, ET.Element], name: str) -> None:
    shape = shapes[use.attrib[_REFERENCE].removeprefix("#")]
    x, y = (number(float(use.attrib[axis])) for axis in ("x", "y"))
    attributes = {**_attributes(shape, name), **_attributes(use, name), "transform": f"translate({x} {y})"}
    ET.SubElement(into, "path", {key: value for key, value in attributes.items() if key not in ("x", "y")})


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _attributes(element: ET.Element, name: str) -> dict[str, str]:
    """Return the attributes of the copy: places in two decimals, styles, the clip."""
    found = {}
    for key, value in element.attrib.items():
        if key in _PLACES and not value.startswith("rotate(-0 "):
            found[key] = _DIGITS.sub(lambda digits: number(float(digits[0])), " ".join(value.split()))
        elif key == "clip-path":
            found[key] = value.replace("url(#", f"url(#{name}-")
    for style in element.attrib.get("style", "").split(";"):
        key, _, value = (part.strip() for part in style.partition(":"))
        if key in _STYLES:
            found[key] = _VARIABLES.get(value, value)
    return found
