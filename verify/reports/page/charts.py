"""The page's charts: each a picture with what stands beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from verify.arithmetic.decimals import at_least, at_most
from verify.plotting.curvature import draw_interval, draw_shares
from verify.plotting.library import styled
from verify.plotting.ranges import DrawnRange, draw_ranges
from verify.reports.page.inline import inline
from verify.theorems.ranges import RANGES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from verify.analysis.range_row import RangeRow
    from verify.assumptions.small_momentum import Setting

WIDTH = 460.0
"""Of every chart, in its own units, of which letters have 12: small enough to be read on a telephone."""

_HEIGHT = 270.0
_EDGES = {"left": 66.0, "right": 14.0, "top": 28.0, "bottom": 46.0}


@dataclass(frozen=True)
class Chart:
    """A chart with what stands beside it.

    Parameters
    ----------
    picture : str
        An SVG element.
    title, caption : str
    legend : tuple of (kind, name)
    """

    picture: str
    title: str
    caption: str
    legend: tuple[tuple[str, str], ...]


def chart(name: str, title: str, caption: str, draw: Callable[[Axes], Any]) -> Chart:
    """Return the chart that `draw` draws on empty axes; the legend is that of the lines that it labels.

    Parameters
    ----------
    name : str
        Of the picture within the page; our own.
    title, caption : str
        Read by screen readers, too.
    draw : callable
    """
    picture, legend = _picture(name, title, caption, draw)
    return Chart(picture, title, caption, legend)


def plane(
    rows: Sequence[RangeRow], L: float, setting: Setting | None, momentum: str
) -> tuple[str, tuple[DrawnRange, ...]]:
    """Return the settings that the theorems about `momentum` admit, and what its lines stand for."""
    drawn: list[DrawnRange] = []
    shown = [RANGES[row.theorem] for row in rows if row.theorem in RANGES]
    words = [
        f"theorem {each.name} up to eta {at_most(each.eta_limit(L))}"
        for each in shown
        if each.momentum_name == momentum
    ]
    asked = None if setting is None else getattr(setting, momentum)
    if setting is not None and asked is not None:
        words.append(f"the setting asked is eta {setting.eta:.4g}, {momentum} {asked:.4g}")
    title = f"Admissible settings: learning rate eta and momentum {momentum}"
    name, draw = f"plane-{momentum}", lambda axes: drawn.extend(draw_ranges(axes, momentum, rows, L, setting))
    return _picture(name, title, "; ".join(words), draw)[0], tuple(drawn)


def interval(attack: float | None, bound: float) -> str:
    """Return the picture of L between its attack and its bound."""
    words = "no attack" if attack is None else f"at least {at_most(attack)} (reached)"
    title = f"The largest curvature is {words} and at most {at_least(bound)} (proved)"
    edges = dict.fromkeys(_EDGES, 14.0)
    return _picture("interval", title, "", lambda axes: draw_interval(axes, attack, bound), 96.0, edges)[0]


def shares(found: Sequence[tuple[str, float]]) -> str:
    """Return the picture of the vertices' shares of L."""
    words = "; ".join(f"{name}: {share:.1%}" for name, share in found)
    edges = {"left": 118.0, "right": 64.0, "top": 4.0, "bottom": 4.0}
    height = 30.0 * len(found) + 8.0
    title = "Share of the curvature bound by vertex"
    return _picture("shares", title, words, lambda axes: draw_shares(axes, found), height, edges)[0]


def _picture(
    name: str,
    title: str,
    description: str,
    draw: Callable[[Axes], Any],
    height: float = _HEIGHT,
    edges: dict[str, float] = _EDGES,
) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return the picture, and kind and name of its labelled lines."""
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(WIDTH / 72, height / 72))
        left, bottom = edges["left"] / WIDTH, edges["bottom"] / height
        size = (1 - left - edges["right"] / WIDTH, 1 - bottom - edges["top"] / height)
        axes = figure.add_axes((left, bottom, *size))
        draw(axes)
        lines = axes.get_legend_handles_labels()
        legend = tuple((str(line.get_gid()), words) for line, words in zip(*lines, strict=True))
        return inline(figure, name, title, description), legend
