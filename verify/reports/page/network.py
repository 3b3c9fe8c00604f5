"""The network drawn from its inputs down to its outputs; edges that pass a level run along lanes beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from verify.reports.page.folding import Folded, fold
from verify.reports.page.sketch import Sketch
from verify.reports.page.svg import Drawing, Point

_BOX: Point = (116, 46)
_GAP: Point = (26, 40)
_LANE, _MARGIN = 16, 14
_LETTERS = 13
"""Characters of a name that fit its box; the whole name stands in the box's label and on its card."""


@dataclass(frozen=True)
class Card:
    """What is said of one drawn vertex, or of the vertices that one stands for.

    Parameters
    ----------
    title : str
    rows : tuple of (name, value)
    members : tuple of str
        More than one only where vertices were folded.
    """

    title: str
    rows: tuple[tuple[str, str], ...]
    members: tuple[str, ...]


def card_id(index: int) -> str:
    """Return the identifier, within the page, of a drawn vertex's card."""
    return f"vertex-{index}"


def draw_network(sketch: Sketch, shares: Mapping[str, float]) -> tuple[str, tuple[Card, ...], Folded]:
    """Return the drawing, a card for each drawn vertex, and what was folded.

    Parameters
    ----------
    sketch : Sketch
    shares : mapping of str to float
        Share of the curvature bound of the vertices with parameters, from 0 to 1.
    """
    folded = fold(sketch.vertices, ((source, target) for source, target, _ in sketch.edges))
    cards = tuple(_card(sketch, group, shares) for group in folded.groups)
    plan = _Plan(folded, _beside(sketch, folded))
    title = f"The network: {len(sketch.vertices)} vertices, {len(sketch.edges)} edges"
    drawing = Drawing("network", *plan.size, title, _description(folded, plan), role="group")
    for edge in folded.edges:
        if not folded.is_skip(edge):
            start, end = plan.below(edge[0]), plan.above(edge[1])
            drawing.curve(_down(start, end), "edge", plan.words(edge))
    for edge in plan.lanes:
        drawing.curve(plan.route(edge), "edge skip", f"{plan.words(edge)}, passing what lies between")
    for index, card in enumerate(cards):
        _draw_vertex(drawing, sketch, plan, index, card, shares)
    return drawing.markup(), cards, folded


def has_skips(sketch: Sketch, folded: Folded) -> bool:
    """Return whether an edge is drawn as a skip connection."""
    return any(folded.is_skip(edge) for edge in folded.edges) or bool(_beside(sketch, folded))


def _beside(sketch: Sketch, folded: Folded) -> frozenset[tuple[int, int]]:
    """Return the drawn edges that have an identity beside another edge: the skip connection of a residual layer."""
    place = {group[0]: index for index, group in enumerate(folded.groups) if len(group) == 1}
    kinds: dict[tuple[str, str], list[str]] = {}
    for source, target, kind in sketch.edges:
        kinds.setdefault((source, target), []).append(kind)
    return frozenset(
        (place[source], place[target])
        for (source, target), found in kinds.items()
        if len(found) > 1 and "identity" in found and source in place and target in place
    )


def _card(sketch: Sketch, group: tuple[str, ...], shares: Mapping[str, float]) -> Card:
    members = [sketch.vertices[name] for name in group]
    parameters = str(sum(each.parameters for each in members))
    share = sum(shares.get(name, 0.0) for name in group)
    counted = f"{share:.1%}" if any(name in shares for name in group) else "none"
    ends = (("parameters", parameters), ("share of L", counted))
    if len(group) > 1:
        units = [each.units for each in members if each.units is not None]
        known = (("units", str(sum(units))),) if len(units) == len(group) else ()
        return Card(f"{len(group)} vertices, {group[0]} to {group[-1]}", (*known, *ends), group)
    incoming = ", ".join(_end(source, kind) for source, target, kind in sketch.edges if target == group[0])
    outgoing = ", ".join(_end(target, kind) for source, target, kind in sketch.edges if source == group[0])
    around = (("takes", incoming or "data"), ("feeds", outgoing or "the error"))
    return Card(group[0], (*members[0].rows, *ends, *around), group)


def _end(name: str, kind: str) -> str:
    return f"{name} ({kind})" if kind else name


def _draw_vertex(
    drawing: Drawing, sketch: Sketch, plan: _Plan, index: int, card: Card, shares: Mapping[str, float]
) -> None:
    (x, y), (width, height) = plan.corner(index), _BOX
    members = [sketch.vertices[name] for name in card.members]
    is_input, is_output = members[0].is_input, any(each.is_output for each in members)
    kind = "vertex" + (" input" if is_input else " output" if is_output else "")
    share = min(1.0, sum(shares.get(name, 0.0) for name in card.members))
    drawing.link(card_id(index), f"{card.title}: {', '.join(f'{name} {value}' for name, value in card.rows[:4])}")
    if len(members) > 1:
        drawing.rectangle((x + 5, y - 5), _BOX, "vertex behind", rounded=7)
    drawing.rectangle((x, y), _BOX, kind, rounded=7)
    if share > 0:
        drawing.rectangle((x + 8, y + height - 8), ((width - 16) * share, 3), "share", rounded=1.5)
    name = card.title if len(members) == 1 else f"{len(members)} vertices"
    detail = members[0].detail if len(members) == 1 else f"{dict(card.rows)['parameters']} weights"
    drawing.text((x + width / 2, y + 18), _short(name), "name")
    drawing.text((x + width / 2, y + 33), _short(detail), "detail")
    drawing.end_link()


def _short(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}…"


def _description(folded: Folded, plan: _Plan) -> str:
    what = "neighbouring depths are drawn as one; " if folded.folded else ""
    return f"From the inputs at the top to the outputs at the bottom; {what}{len(plan.lanes)} edges pass a level."


def _down(start: Point, end: Point) -> str:
    (x, y), (to_x, to_y) = start, end
    half = (to_y - y) / 2
    return f"M {x:.1f} {y:.1f} C {x:.1f} {y + half:.1f} {to_x:.1f} {to_y - half:.1f} {to_x:.1f} {to_y:.1f}"


class _Plan:
    """Where everything is drawn: levels centred above one another, lanes for passing edges on both sides."""

    def __init__(self, folded: Folded, beside: frozenset[tuple[int, int]]) -> None:
        self.folded = folded
        self.level = folded.level
        self.offset = _offsets(folded)
        self.half_widths = [len(members) * (_BOX[0] + _GAP[0]) / 2 - _GAP[0] / 2 for members in folded.levels]
        passing = [edge for edge in folded.edges if folded.is_skip(edge)]
        self.lanes = self._lanes(dict.fromkeys([*passing, *sorted(beside)]))
        left = max((-x for x in self.lanes.values() if x < 0), default=0.0)
        right = max((x for x in self.lanes.values() if x > 0), default=0.0)
        widest = max(self.half_widths)
        self.middle = max(left, widest) + _MARGIN
        height = len(folded.levels) * (_BOX[1] + _GAP[1]) - _GAP[1] + 2 * _MARGIN
        self.size = (self.middle + max(right, widest) + _MARGIN, height)

    def corner(self, group: int) -> Point:
        return (
            self.middle + self.offset[group] - _BOX[0] / 2,
            _MARGIN + self.level[group] * (_BOX[1] + _GAP[1]),
        )

    def below(self, group: int) -> Point:
        x, y = self.corner(group)
        return x + _BOX[0] / 2, y + _BOX[1]

    def above(self, group: int) -> Point:
        x, y = self.corner(group)
        return x + _BOX[0] / 2, y

    def words(self, edge: tuple[int, int]) -> str:
        source, target = (self.folded.groups[end] for end in edge)
        return f"{source[-1]} to {target[0]}"

    def route(self, edge: tuple[int, int]) -> str:
        """Leave the source at its side, run down the lane, enter the target at its side."""
        lane, sign = self.middle + self.lanes[edge], 1 if self.lanes[edge] > 0 else -1
        (x, y), (to_x, to_y) = (self.corner(end) for end in edge)
        x, to_x = (place + _BOX[0] / 2 + sign * _BOX[0] / 2 for place in (x, to_x))
        y, to_y = y + _BOX[1] * 0.65, to_y + _BOX[1] * 0.35
        bend = min(30.0, (to_y - y) / 2)
        return (
            f"M {x:.1f} {y:.1f} C {lane:.1f} {y:.1f} {lane:.1f} {y:.1f} {lane:.1f} {y + bend:.1f} "
            f"L {lane:.1f} {to_y - bend:.1f} C {lane:.1f} {to_y:.1f} {lane:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        )

    def _lanes(self, edges: dict[tuple[int, int], None]) -> dict[tuple[int, int], float]:
        """Give each passing edge the innermost free lane of the side where it starts, short ones first."""
        taken: dict[tuple[int, int], list[tuple[int, int]]] = {}
        found: dict[tuple[int, int], float] = {}
        right_next = True
        for edge in sorted(edges, key=lambda each: self.level[each[1]] - self.level[each[0]]):
            first, last = self.level[edge[0]], self.level[edge[1]]
            middle = self.offset[edge[0]] + self.offset[edge[1]]
            side = (1 if right_next else -1) if abs(middle) < 1 else (1 if middle > 0 else -1)
            right_next = not right_next if abs(middle) < 1 else right_next
            lane = 0
            while any(a < last and first < b for a, b in taken.get((side, lane), [])):
                lane += 1
            taken.setdefault((side, lane), []).append((first, last))
            room = max(self.half_widths[first : last + 1])
            found[edge] = side * (room + _LANE * (lane + 1.4))
        return found


def _offsets(folded: Folded) -> dict[int, float]:
    """Return the horizontal places: each level in the order of what feeds it, centred."""
    sources: dict[int, list[int]] = {}
    for source, target in folded.edges:
        sources.setdefault(target, []).append(source)
    offset: dict[int, float] = {}
    for members in folded.levels:
        for position, group in enumerate(_by_sources(members, sources, offset)):
            offset[group] = (position - (len(members) - 1) / 2) * (_BOX[0] + _GAP[0])
    return offset


def _by_sources(
    members: tuple[int, ...], sources: Mapping[int, list[int]], offset: Mapping[int, float]
) -> Iterator[int]:
    def middle(group: int) -> float:
        known = [offset[source] for source in sources.get(group, []) if source in offset]
        return sum(known) / len(known) if known else 0.0

    yield from sorted(members, key=middle)
