"""The plane of settings: for each learning rate, how much momentum every theorem admits, and the setting asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from verify.reports.page.charts import HEIGHT, WIDTH, Axis, draw_axes
from verify.reports.page.svg import Drawing, Point
from verify.theorems.ranges import RANGES

if TYPE_CHECKING:
    from verify.analysis.range_row import RangeRow
    from verify.assumptions.small_momentum import Setting

_SAMPLES = 72
_LEFT, _RIGHT, _TOP, _BOTTOM = 66.0, 14.0, 28.0, 46.0
_KINDS = {
    "sharp": "s1",
    "triangle": "s2",
    "from_rest": "s3",
    "restart": "s4",
    "heavy_ball": "s1",
    "nesterov": "s3",
}


@dataclass(frozen=True)
class Legend:
    """What a line of a picture stands for.

    Parameters
    ----------
    kind : str
        The class that styles it.
    name : str
        A theorem.
    words : str
        Of which steps it speaks.
    """

    kind: str
    name: str
    words: str


def draw_plane(
    rows: Sequence[RangeRow], L: float, setting: Setting | None, momentum: str
) -> tuple[str, tuple[Legend, ...]]:
    """Return the plane of the theorems about `momentum`, and its legend.

    Parameters
    ----------
    rows : sequence of RangeRow
    L : float
        The bound that the ranges are made from.
    setting : Setting or None
        Drawn if it has this kind of momentum.
    momentum : {"tau", "mu"}
    """
    shown = [RANGES[row.theorem] for row in rows if row.theorem in RANGES]
    shown = [each for each in shown if each.momentum_name == momentum]
    curves = {each.name: each.border(L, _SAMPLES) for each in shown}
    asked = None if setting is None or getattr(setting, momentum) is None else (setting.eta, getattr(setting, momentum))
    lasting = [row for row in rows if row.theorem not in RANGES and _ends(row, momentum)]
    ends = [(row.eta or 0.0, _ends(row, momentum) or 0.0) for row in lasting]
    every = [*(point for curve in curves.values() for point in curve), *ends, *([] if asked is None else [asked])]
    title = f"Admissible settings: learning rate eta and momentum {momentum}"
    drawing = Drawing(f"plane-{momentum}", WIDTH, HEIGHT, title, _description(curves, asked, momentum))
    across = Axis([0.0, *(x for x, _ in every)], _LEFT, WIDTH - _RIGHT)
    up = Axis([0.0, *(y for _, y in every)], HEIGHT - _BOTTOM, _TOP)
    draw_axes(drawing, across, up, "learning rate eta", f"momentum {momentum}")
    for name, curve in sorted(curves.items(), key=lambda item: -max(y for _, y in item[1])):
        places = _placed(curve, across, up)
        drawing.path(
            [(places[0][0], up.start), *places, (places[-1][0], up.start)], f"area {_KINDS[name]}", closed=True
        )
    for name, curve in curves.items():
        drawing.path(_placed(curve, across, up), f"line {_KINDS[name]}")
    for end in ends:
        (x, y), (_, bottom) = _placed([end, (end[0], 0.0)], across, up)
        drawing.line((x, bottom), (x, y), "line s5")
        drawing.circle((x, y), 3.5, "mark s5")
    if asked is not None:
        _draw_setting(drawing, _placed([asked], across, up)[0])
    legend = [Legend(_KINDS[each.name], each.name, each.meaning) for each in shown]
    legend += [Legend("s5", row.theorem, "many steps, proved to stay in the region") for row in lasting]
    return drawing.markup(), tuple(legend)


def _ends(row: RangeRow, momentum: str) -> float | None:
    found = row.tau_max if momentum == "tau" else row.mu_max
    return found if row.verdict.value == "PROVED" and row.eta else None


def _placed(points: Sequence[Point], across: Axis, up: Axis) -> list[Point]:
    return [(across.at(x) or across.start, up.at(y) or up.start) for x, y in points]


def _draw_setting(drawing: Drawing, place: Point) -> None:
    x, y = place
    drawing.path([(x, y - 8), (x + 8, y), (x, y + 8), (x - 8, y)], "setting", closed=True)
    at_right = x < WIDTH * 0.7
    drawing.text((x + (13 if at_right else -13), y + 4), "the setting", "setting-name" + ("" if at_right else " left"))


def _description(curves: dict[str, tuple[Point, ...]], asked: Point | None, momentum: str) -> str:
    words = [f"theorem {name} up to eta {curve[-1][0]:.4g}" for name, curve in curves.items()]
    where = "" if asked is None else f"; the setting asked is eta {asked[0]:.4g}, {momentum} {asked[1]:.4g}"
    return "; ".join(words) + where
