"""Line charts and bars, drawn small enough to be read on a telephone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verify.reports.page.svg import Drawing, Point

WIDTH, HEIGHT = 460.0, 270.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 66.0, 14.0, 28.0, 46.0
_TICKS = 5
_SMALLEST, _LARGEST = 1e-300, 1e300
"""Numbers between which a scale can be divided without leaving float64; others are drawn at its ends or not at all."""


@dataclass(frozen=True)
class Series:
    """One line of a chart.

    Parameters
    ----------
    name : str
        In the legend.
    points : tuple of (float, float)
        Those that are not finite, or not positive on a logarithmic scale, break the line.
    kind : str
        Class: ``"s1"`` to ``"s5"``, each with a colour and a pattern of its own, or ``"limit"``.
    marks : bool
        Draw points instead of a line.
    """

    name: str
    points: tuple[Point, ...]
    kind: str
    marks: bool = False


class Axis:
    """A scale with its ticks.

    Examples
    --------
    >>> Axis([0.0, 1.0], 0, 100).ticks
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    >>> Axis([0.002, 3.0], 0, 100, logarithmic=True).ticks
    [0.01, 0.1, 1.0]
    """

    def __init__(self, values: Iterable[float], start: float, end: float, *, logarithmic: bool = False) -> None:
        usable = [value for value in values if abs(value) <= _LARGEST and (value >= _SMALLEST or not logarithmic)]
        low, high = min(usable, default=1.0), max(usable, default=1.0)
        self.logarithmic = logarithmic and bool(usable)
        if self.logarithmic:
            low, high = (low / 1.5, high * 1.5) if high < 4 * low else (low, high)
        elif high - low < max(_SMALLEST, 1e-12 * abs(high)):
            half = 0.5 * abs(high) if abs(high) >= _SMALLEST else 0.5
            low, high = low - half, high + half
        self.low, self.high, self.start, self.end = low, high, start, end
        self.ticks = self._powers() if self.logarithmic else _round_ticks(low, high)

    def at(self, value: float) -> float | None:
        """Return the place of a value, None where it has none."""
        if not math.isfinite(value) or (self.logarithmic and value <= 0):
            return None
        low, high, here = self.low, self.high, value
        if self.logarithmic:
            low, high, here = math.log(low), math.log(high), math.log(value)
        return self.start + (here - low) / (high - low) * (self.end - self.start)

    def _powers(self) -> list[float]:
        first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
        if last - first < 1:
            near = [float(f"{step}e{power}") for power in range(first - 1, last + 1) for step in (1, 2, 5)]
            inside = [value for value in near if self.low <= value <= self.high]
            return inside if len(inside) > 1 else [value for value in _round_ticks(self.low, self.high) if value > 0]
        stride = max(1, math.ceil((last - first) / _TICKS))
        return [float(f"1e{power}") for power in range(first, last + 1, stride)]


def line_chart(
    name: str,
    title: str,
    description: str,
    series: Sequence[Series],
    x_label: str,
    y_label: str,
    *,
    logarithmic: bool = False,
    from_zero: bool = False,
) -> str:
    """Return a chart; its legend belongs to the page."""
    drawing = Drawing(name, WIDTH, HEIGHT, title, description)
    points = [point for each in series for point in each.points]
    zero = [0.0] if from_zero and not logarithmic else []
    across = Axis([x for x, _ in points], _LEFT, WIDTH - _RIGHT)
    up = Axis([*zero, *(y for _, y in points)], HEIGHT - _BOTTOM, _TOP, logarithmic=logarithmic)
    draw_axes(drawing, across, up, x_label, y_label)
    for each in series:
        for run in _runs(each, across, up):
            if each.marks or len(run) == 1:
                for place in run:
                    drawing.circle(place, 3, f"mark {each.kind}")
            else:
                drawing.path(run, f"line {each.kind}")
    return drawing.markup()


def draw_axes(drawing: Drawing, across: Axis, up: Axis, x_label: str, y_label: str) -> None:
    """Draw grid, ticks and labels."""
    for value in up.ticks:
        if (y := up.at(value)) is not None and across.start <= across.end:
            drawing.line((across.start, y), (across.end, y), "grid")
            drawing.text((across.start - 7, y + 4), tick_text(value), "tick y")
    for value in across.ticks:
        if (x := across.at(value)) is not None:
            drawing.line((x, up.start), (x, up.start + 4), "axis")
            drawing.text((x, up.start + 18), tick_text(value), "tick x")
    drawing.line((across.start, up.start), (across.end, up.start), "axis")
    drawing.line((across.start, up.start), (across.start, up.end), "axis")
    drawing.text(((across.start + across.end) / 2, up.start + 39), x_label, "label x")
    drawing.text((6, up.end - 12), y_label, "label y")


def tick_text(value: float) -> str:
    """Return the text of a tick.

    Examples
    --------
    >>> tick_text(0.30000000000000004), tick_text(1e-07), tick_text(20000.0)
    ('0.3', '1e-7', '2e4')
    """
    text = f"{value:.6g}" if value == 0 or 1e-3 <= abs(value) < 1e4 else f"{value:.3g}"
    if "e" not in text and (value == 0 or 1e-3 <= abs(value) < 1e4):
        return text
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"


def _runs(series: Series, across: Axis, up: Axis) -> list[list[Point]]:
    runs: list[list[Point]] = [[]]
    for x, y in series.points:
        place = across.at(x), up.at(y)
        if place[0] is None or place[1] is None:
            runs.append([])
        else:
            runs[-1].append((place[0], min(max(place[1], up.end), up.start)))
    return [run for run in runs if run]


def _round_ticks(low: float, high: float) -> list[float]:
    step = (high - low) / _TICKS
    magnitude = 10.0 ** math.floor(math.log10(step))
    step = next(factor * magnitude for factor in (1, 2, 2.5, 5, 10) if factor * magnitude >= step * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 12 - math.floor(math.log10(step))) for index in range(first, last + 1)]
