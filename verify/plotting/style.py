"""Colours and dashes of pictures: one kind of line for each meaning, told apart without colour, too."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

COLOURS: MappingProxyType[str, str] = MappingProxyType(
    {
        "ink": "#1c2230",
        "soft": "#545c6c",
        "rule": "#d9dce3",
        "card": "#ffffff",
        "tint": "#eef0f4",
        "s1": "#0063a5",
        "s2": "#b84d00",
        "s3": "#007e5d",
        "s4": "#9b3c7d",
        "refuted": "#a83200",
    }
)
"""On light ground; the page of a report has a custom property of each name, which is another colour on dark ground."""

_KINDS: dict[str, tuple[str, tuple[float, ...], float]] = {
    "s1": ("s1", (), 2.2),
    "s2": ("s2", (7, 4), 2.2),
    "s3": ("s3", (2, 3), 2.2),
    "s4": ("s4", (10, 4, 2, 4), 2.2),
    "lasting": ("ink", (), 1.6),
    "limit": ("soft", (4, 4), 1.6),
}
"""Colour, dashes and width in points."""

MARKS: MappingProxyType[str, str] = MappingProxyType({"lasting": "ink", "bad": "refuted"})
"""Colour of the kinds that are drawn with marks."""

SETTINGS: dict[str, Any] = {
    "axes.edgecolor": COLOURS["soft"],
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": COLOURS["soft"],
    "axes.labelsize": 12,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": COLOURS["soft"],
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.unicode_minus": False,
    "font.size": 12,
    "grid.color": COLOURS["rule"],
    "grid.linewidth": 1.0,
    "legend.fontsize": 10,
    "lines.scale_dashes": False,
    "svg.hashsalt": "dagverify",
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["soft"],
    "xtick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.color": COLOURS["soft"],
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
}
"""Ours, above matplotlib's defaults; those of the reader's own matplotlibrc do not count."""


def line_style(kind: str) -> dict[str, Any]:
    """Return how matplotlib draws a line of a kind.

    Examples
    --------
    >>> line_style("s2")
    {'color': '#b84d00', 'linestyle': (0, (7, 4)), 'linewidth': 2.2, 'gid': 's2'}
    """
    colour, dashes, width = _KINDS[kind]
    return {"color": COLOURS[colour], "linestyle": (0, dashes) if dashes else "-", "linewidth": width, "gid": kind}


def key_attributes(kind: str) -> dict[str, str]:
    """Return the attributes of an SVG path that is drawn like a line of a kind; none for kinds of marks alone.

    Examples
    --------
    >>> key_attributes("s2")
    {'stroke': 'var(--s2)', 'stroke-width': '2.2', 'stroke-dasharray': '7 4'}
    >>> key_attributes("bad")
    {}
    """
    if kind not in _KINDS:
        return {}
    colour, dashes, width = _KINDS[kind]
    found = {"stroke": f"var(--{colour})", "stroke-width": f"{width:g}"}
    return found | ({"stroke-dasharray": " ".join(f"{dash:g}" for dash in dashes)} if dashes else {})
