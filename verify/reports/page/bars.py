"""Two pictures of bars: L between its attack and its bound, and the vertices' shares of the bound."""

from __future__ import annotations

from collections.abc import Sequence

from verify.arithmetic.decimals import at_least, at_most
from verify.reports.page.svg import Drawing

_WIDTH = 460.0
_BAR, _ROW = 16.0, 30.0


def draw_interval(attack: float | None, bound: float) -> str:
    """Return where the largest curvature lies: above what an attack reached, below what is proved."""
    below = attack or 0.0
    words = "no attack" if attack is None else f"at least {at_most(attack)} (reached)"
    title = f"The largest curvature is {words} and at most {at_least(bound)} (proved)"
    drawing = Drawing("interval", _WIDTH, 96, title)
    start, end = 14.0, _WIDTH - 14.0
    split = start + (end - start) * below / bound
    drawing.rectangle((start, 40), (split - start, _BAR), "reached", label=f"occurs: up to {at_most(below)}")
    drawing.rectangle((split, 40), (end - split, _BAR), "possible", label="not decided: between attack and bound")
    drawing.line((end, 32), (end, 64), "bound")
    drawing.text((end, 24), f"proved: L <= {at_least(bound)}", "end")
    if attack is not None:
        drawing.line((split, 32), (split, 64), "bound")
        kind = "end" if split > _WIDTH / 2 else "begin"
        drawing.text((split, 84), f"reached: {at_most(attack)}", kind)
    drawing.text((start, 84 if attack is None or split > _WIDTH / 2 else 24), "0", "begin")
    return drawing.markup()


def draw_shares(shares: Sequence[tuple[str, float]]) -> str:
    """Return a bar for each name with its share, from 0 to 1."""
    drawing = Drawing("shares", _WIDTH, _ROW * len(shares) + 8, "Share of the curvature bound by vertex")
    for index, (name, share) in enumerate(shares):
        y = 6 + index * _ROW
        drawing.text((112, y + 13), name if len(name) <= 14 else f"{name[:13]}…", "end")
        drawing.rectangle((122, y), (272, _BAR), "track")
        drawing.rectangle((122, y), (272 * min(1.0, max(0.0, share)), _BAR), "part", label=f"{name}: {share:.1%}")
        drawing.text((402, y + 13), f"{share:.1%}", "begin")
    return drawing.markup()
