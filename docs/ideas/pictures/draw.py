"""Draws the pictures of the ideas: run as ``python draw.py`` to write them; `drawings` returns them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path

from verify.theorems.ranges import RANGES

WIDTH, HEIGHT, MARGIN = 560, 300, 44
BLUE, RED, GOLD, GREEN, GREY = "#20639b", "#b3261e", "#a07d00", "#2e7d32", "#777777"

Point = tuple[float, float]


class Picture:
    """A plane with axes, in which curves and words are drawn.

    Parameters
    ----------
    x, y : (float, float)
        The ranges that are shown.
    title : str
        For those who do not see it.
    """

    def __init__(self, x: Point, y: Point, title: str) -> None:
        self.x, self.y = x, y
        self.parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            f'font-size="13" role="img"><title>{title}</title>',
            '<rect width="100%" height="100%" fill="white"/>',
        ]

    def place(self, x: float, y: float) -> Point:
        """Return where a point of the plane is on the picture."""
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return MARGIN + across * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - up * (HEIGHT - 2 * MARGIN)

    def axes(self, across: str, up: str) -> None:
        """Draw both axes with their names."""
        self.line([(self.x[0], self.y[0]), (self.x[1], self.y[0])], "black", 1)
        self.line([(self.x[0], self.y[0]), (self.x[0], self.y[1])], "black", 1)
        self.parts.append(f'<text x="{WIDTH - MARGIN}" y="{HEIGHT - 14}" text-anchor="end">{across}</text>')
        self.parts.append(f'<text x="{MARGIN}" y="{MARGIN - 16}">{up}</text>')

    def line(self, points: Iterable[Point], colour: str, width: float = 2, dashes: str = "") -> None:
        """Draw a broken line."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.place(*point) for point in points))
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>')

    def curve(self, height: Callable[[float], float], start: float, end: float, colour: str, dashes: str = "") -> None:
        """Draw a function."""
        points = [start + (end - start) * k / 120 for k in range(121)]
        self.line([(point, height(point)) for point in points], colour, dashes=dashes)

    def circle(self, x: float, y: float, radius: float, colour: str, filled: bool = False) -> None:
        """Draw a circle; its radius is in units of the picture."""
        across, down = self.place(x, y)
        self.parts.append(
            f'<circle cx="{across:.1f}" cy="{down:.1f}" r="{radius}" fill="{colour if filled else "none"}" '
            f'stroke="{colour}" stroke-width="1.5"/>'
        )

    def words(self, x: float, y: float, text: str, colour: str = "black", anchor: str = "start") -> None:
        """Write beside a point."""
        across, down = self.place(x, y)
        self.parts.append(f'<text x="{across:.1f}" y="{down:.1f}" fill="{colour}" text-anchor="{anchor}">{text}</text>')

    def text(self) -> str:
        """Return the picture as SVG."""
        return "\n".join([*self.parts, "</svg>"]) + "\n"


def parabola() -> str:
    """The error along a step, below the parabola of curvature L."""
    picture = Picture((0, 1), (-0.5, 0.75), "The error along a step lies below a parabola")
    picture.axes("along the step", "error")

    def above(t: float) -> float:
        return 0.5 - 2.4 * t + 2.6 * t * t

    def error(t: float) -> float:
        """Its second derivative is that of the parabola less ``1.5 (1 - cos 8 t)``: at most L."""
        return above(t) - 1.5 * (t * t / 2 + (math.cos(8 * t) - 1) / 64)

    picture.curve(above, 0, 1, BLUE, "6 4")
    picture.curve(error, 0, 1, RED)
    picture.circle(0, 0.5, 4, "black", filled=True)
    picture.line([(0, 0.5), (1, 0.5)], GREY, 1, "2 4")
    picture.words(0.02, 0.56, "w")
    picture.words(0.6, 0.27, "parabola of curvature L", BLUE, "end")
    picture.words(0.75, -0.32, "E", RED)
    picture.words(0.8, 0.54, "below this line the step is safe", GREY, "end")
    return picture.text()


def settings() -> str:
    """The settings that theorems admit, in units of 1/L."""
    picture = Picture((0, 2), (0, 1.15), "Admissible learning rates and momentum sizes")
    picture.axes("eta, in units of 1/L", "tau, in units of 1/L")
    for name, colour in (("triangle", GOLD), ("sharp", BLUE), ("from_rest", GREEN), ("restart", RED)):
        rates = [k / 200 for k in range(1, 400) if k / 200 < RANGES[name].eta_limit(1.0)]
        limits = [(eta, max(0.0, RANGES[name].momentum_limit(1.0, eta))) for eta in rates]
        picture.line([(0, 0), *limits, (RANGES[name].eta_limit(1.0), 0)], colour)
    picture.words(1.0, 0.13, "triangle", GOLD)
    picture.words(1.45, 0.6, "sharp", BLUE)
    picture.words(0.46, 0.52, "from_rest", GREEN, "end")
    picture.words(0.62, 1.05, "restart", RED, "end")
    return picture.text()


def momentum() -> str:
    """How many times eta the momentum may be, by L eta on a logarithmic scale."""
    picture = Picture((-2, 0), (0, 15), "Momentum compared with the learning rate")
    picture.axes("L eta, from 0.01 to 1 (logarithmic)", "tau / eta")
    for name, colour in (("sharp", BLUE), ("from_rest", GREEN), ("restart", RED)):
        limit = RANGES[name].momentum_limit
        picture.curve(lambda power, limit=limit: max(0.0, limit(1.0, 10**power)) / 10**power, -2, -0.001, colour)
    for height in (5, 10):
        picture.words(-2.02, height, str(height), anchor="end")
    picture.words(-1.2, 1.3, "sharp", BLUE)
    picture.words(-1.6, 4.4, "from_rest", GREEN, "end")
    picture.words(-1.7, 11.5, "restart", RED)
    return picture.text()


def energy() -> str:
    """A heavy ball on a quadratic error, at the edge of its range."""
    curvature, eta, mu, w, step = 1.0, 0.1, 0.9, 1.0, 0.0
    errors, energies = [], []
    for _ in range(40):
        errors.append(curvature / 2 * w * w)
        energies.append(errors[-1] + mu / (2 * eta) * step * step)
        step = mu * step - eta * curvature * w
        w += step
    picture = Picture((0, 40), (0, 0.55), "The error of a heavy ball rises at times, its energy never")
    picture.axes("steps", "E and V of a heavy ball with L = 1, eta = 0.1, mu = 0.9")
    picture.line(list(enumerate(energies)), BLUE)
    picture.line(list(enumerate(errors)), RED)
    picture.words(7, 0.42, "V never rises", BLUE)
    picture.words(10.5, 0.17, "E rises for a while", RED)
    return picture.text()


def regions() -> str:
    """Steps inside a ball, each shorter than the last."""
    picture = Picture((-1.9, 1.9), (-1, 1), "Steps that stay in a ball")
    picture.circle(0, 0, 104, GREY)
    points, position, length = [(0.0, 0.0)], (0.0, 0.0), 0.32
    for k in range(7):
        angle = 0.5 + 0.35 * k
        position = (position[0] + length * math.cos(angle), position[1] + length * math.sin(angle))
        points.append(position)
        length *= 0.8
    picture.line(points, BLUE)
    for point in points:
        picture.circle(*point, 3, BLUE, filled=True)
    picture.words(0.04, -0.14, "w0")
    picture.words(1.0, 0.75, "L is known in this ball", GREY)
    picture.words(-1.85, -0.92, "each step costs error, and there is only so much of it")
    return picture.text()


def bowls() -> str:
    """The error between two bowls."""
    picture = Picture((-1, 1), (-0.1, 1.1), "The error lies between two bowls")
    picture.axes("w, within rho of the last weights", "error")
    picture.curve(lambda x: 0.4 * x * x, -1, 1, GREEN, "6 4")
    picture.curve(lambda x: 0.7 * x * x + 0.1 * x**3, -1, 1, RED)
    picture.curve(lambda x: x * x, -1, 1, BLUE, "6 4")
    picture.circle(0, 0, 4, "black", filled=True)
    picture.circle(0.08, 0.0045, 3, RED, filled=True)
    picture.words(-0.62, 0.7, "curvature L", BLUE)
    picture.words(-0.98, 0.27, "curvature m", GREEN)
    picture.words(0.9, 0.45, "E", RED)
    picture.words(-0.02, -0.07, "the minimum", anchor="end")
    picture.words(0.1, -0.07, "last weights", RED)
    return picture.text()


def drawings() -> dict[str, str]:
    """Return the pictures by the names of their files."""
    makers = (parabola, settings, momentum, energy, regions, bowls)
    return {f"{make.__name__}.svg": make() for make in makers}


if __name__ == "__main__":
    for name, text in drawings().items():
        Path(__file__).with_name(name).write_text(text, encoding="utf-8")
