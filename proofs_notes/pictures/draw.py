"""Draws ranges.svg: the admissible learning rates and momentum sizes, in units of 1/L.

Run as ``python draw.py`` to write the picture; `drawing` returns it.
"""

from __future__ import annotations

import math
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 640, 360, 50


def _position(eta: float, tau: float) -> str:
    across = MARGIN + eta / 2 * (WIDTH - 2 * MARGIN)
    down = HEIGHT - MARGIN - tau / 1.1 * (HEIGHT - 2 * MARGIN)
    return f"{across:.1f},{down:.1f}"


def _area(corners: list[tuple[float, float]], style: str) -> str:
    return f'<polygon points="{" ".join(_position(*corner) for corner in corners)}" style="{style}"/>'


def _text(eta: float, tau: float, words: str, anchor: str = "middle") -> str:
    across, down = _position(eta, tau).split(",")
    return f'<text x="{across}" y="{down}" text-anchor="{anchor}">{words}</text>'


def drawing() -> str:
    """Return the picture as SVG text."""
    rates = [2 * k / 100 for k in range(101)]
    triangle = [(eta, max(0.0, math.sqrt(1 + 4 * eta) - 1 - eta)) for eta in rates]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        _area([(0, 0), (1, 1), (2, 0)], "fill:#bcd9ef;stroke:#20639b"),
        _area([*triangle, (2, 0)], "fill:#f6d55c;stroke:#a07d00"),
        _area([(0, 0), (2, 0)], "stroke:black"),
        _area([(0, 0), (0, 1.08)], "stroke:black"),
        _text(1.05, 0.62, "sharp: tau &lt;= min(eta, 2/L - eta)"),
        _text(0.9, 0.1, "triangle: tau &lt;= (sqrt(1 + 4 L eta) - 1)/L - eta"),
        _text(1, 1.03, "(1/L, 1/L): c = 0"),
        f'<circle cx="{_position(1, 0.5).split(",")[0]}" cy="{_position(1, 0.5).split(",")[1]}" r="4"/>',
        _text(1.03, 0.47, "recommended", "start"),
        _text(0.0, -0.09, "0"),
        _text(1.0, -0.09, "1/L"),
        _text(2.0, -0.09, "2/L"),
        _text(1.5, -0.09, "eta"),
        _text(0.04, 1.05, "tau", "start"),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("ranges.svg").write_text(drawing(), encoding="utf-8")
