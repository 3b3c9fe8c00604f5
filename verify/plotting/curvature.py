"""L between its attack and its bound, and the vertices' shares of the bound."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from verify.arithmetic.decimals import at_least, at_most
from verify.escaping import mathtext
from verify.plotting.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LETTERS = 14
"""Characters of a vertex's name that stand beside its bar."""


def draw_interval(axes: Axes, attack: float | None, bound: float) -> None:
    """Draw where the largest curvature lies: above what an attack reached, below what is proved."""
    split = min(1.0, max(0.0, (attack or 0.0) / bound))
    colour, ink = COLOURS["s1"], COLOURS["ink"]
    axes.barh(0, split, height=1, color=colour)
    axes.barh(0, 1 - split, height=1, left=split, facecolor=colour, alpha=0.25)
    axes.vlines([1.0] if attack is None else [split, 1.0], -1, 1, color=ink, linewidth=1.6)
    axes.text(1.0, 1.4, f"proved: L <= {at_least(bound)}", ha="right", va="bottom")
    if attack is not None:
        axes.text(split, -1.4, f"reached: {at_most(attack)}", ha="right" if split > 0.5 else "left", va="top")
    if attack is None or split > 0.5:
        axes.text(0.0, -1.4, "0", ha="left", va="top")
    axes.set_xlim(0, 1)
    axes.set_ylim(-3, 3)
    axes.set_axis_off()


def draw_shares(axes: Axes, shares: Sequence[tuple[str, float]]) -> None:
    """Draw a bar for each name with its share, from 0 to 1."""
    places = range(len(shares))
    axes.barh(places, [1.0] * len(shares), height=0.55, color=COLOURS["tint"])
    axes.barh(places, [min(1.0, max(0.0, share)) for _, share in shares], height=0.55, color=COLOURS["s1"])
    for place, (_, share) in enumerate(shares):
        axes.text(1.02, place, f"{share:.1%}", ha="left", va="center")
    names = [name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…" for name, _ in shares]
    axes.set_yticks(places, [mathtext(name) for name in names])
    axes.set_ylim(len(shares) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.grid(visible=False)
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
