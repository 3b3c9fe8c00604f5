"""Pictures: every vertex stands somewhere, large networks fold, curves show only what is admitted."""

from __future__ import annotations

import itertools
import math
import random
import re
from fractions import Fraction
from importlib import resources
from typing import Any

import pytest

import verify
from tests.reports.reading import active_parts, read_page
from verify.analysis.range_row import RangeRow
from verify.assumptions.small_momentum import Setting
from verify.outcomes import Verdict
from verify.plotting.run import draw_decrease, draw_error, draw_sizes, draw_weights
from verify.plotting.series import draw_line, draw_scale
from verify.plotting.style import COLOURS, MARKS, key_attributes, line_style
from verify.reports.page.charts import WIDTH, chart, interval, plane, shares
from verify.reports.page.folding import MOST_EDGES, fold
from verify.reports.page.network import draw_network, has_skips
from verify.reports.page.sketch import Sketch, SketchedVertex, sketch_of
from verify.spec.question import Question
from verify.theorems.ranges import RANGES


def chain(count: int) -> tuple[list[str], list[tuple[str, str]]]:
    names = [f"v{index}" for index in range(count)]
    return names, list(itertools.pairwise(names))


def dense(count: int) -> tuple[list[str], list[tuple[str, str]]]:
    names = [f"v{index}" for index in range(count)]
    return names, [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]


def wide(count: int) -> tuple[list[str], list[tuple[str, str]]]:
    middle = [f"h{index}" for index in range(count)]
    return ["x", *middle, "y"], [pair for name in middle for pair in (("x", name), (name, "y"))]


def scattered(count: int) -> tuple[list[str], list[tuple[str, str]]]:
    chance = random.Random(count)
    names = [f"v{index}" for index in range(count)]
    edges = [(names[chance.randrange(i)], names[i]) for i in range(1, count) for _ in range(3)]
    return names, edges


GRAPHS = [maker(count) for maker in (chain, dense, wide, scattered) for count in (2, 5, 24, 25, 100, 400)]
EVERY = pytest.mark.parametrize("graph", GRAPHS, ids=[str(index) for index in range(len(GRAPHS))])


@EVERY
def test_every_vertex_is_in_one_group_and_edges_lead_down(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    names, edges = graph
    folded = fold(names, edges)
    assert sorted(name for group in folded.groups for name in group) == sorted(names)
    level = {group: depth for depth, members in enumerate(folded.levels) for group in members}
    assert len(level) == len(folded.groups)
    assert all(level[source] < level[target] for source, target in folded.edges)
    group_of = {name: index for index, group in enumerate(folded.groups) for name in group}
    between = {(group_of[a], group_of[b]) for a, b in edges if group_of[a] != group_of[b]}
    assert set(folded.edges) == between and len(folded.edges) <= MOST_EDGES


@EVERY
def test_drawn_networks_stay_in_their_frame(graph: tuple[list[str], list[tuple[str, str]]]) -> None:
    names, edges = graph
    targets, sources = {b for _, b in edges}, {a for a, _ in edges}
    vertex = {n: SketchedVertex("4 tanh", (("width", "4"),), 4, 1, n not in targets, n not in sources) for n in names}
    markup, cards, _ = draw_network(Sketch(vertex, tuple((a, b, "dense") for a, b in edges)), {names[-1]: 1.0})
    root = read_page(markup)
    width, height = (float(part) for part in root.children[0].attributes["viewbox"].split()[2:])
    assert [link.attributes["href"] for link in root.find("a")] == [f"#vertex-{index}" for index in range(len(cards))]
    for box in root.find("rect", class_="vertex"):
        x, y, w, h = (float(box.attributes[key]) for key in ("x", "y", "width", "height"))
        assert x >= 0 and y >= 0 and x + w <= width and y + h <= height
    assert len(markup) < 200_000


def test_skips_are_drawn_as_such() -> None:
    spec = verify.load_specification("examples/breast_cancer_residual.toml")

    sketch = sketch_of(spec)
    identities = [edge for edge in sketch.edges if edge[2] == "identity"]
    assert identities and 'class="edge skip"' in draw_network(sketch, {})[0]
    names, edges = chain(3)
    vertex = {name: SketchedVertex("", (), 1, 0, False, False) for name in names}
    plain = Sketch(vertex, tuple((a, b, "dense") for a, b in edges))
    residual = Sketch(vertex, (*plain.edges, (*edges[0], "identity")))
    for drawn, expected in ((plain, False), (residual, True), (sketch, True)):
        picture, _, folded = draw_network(drawn, {})
        assert ('class="edge skip"' in picture) is has_skips(drawn, folded) is expected


@pytest.mark.parametrize("theorem", RANGES)
@pytest.mark.parametrize("L", [1e-300, 0.1, 4.020638157083231, 1e300])
def test_curves_show_only_admitted_settings(theorem: str, L: float) -> None:
    for eta, momentum in RANGES[theorem].border(L, 72)[1:]:
        assert RANGES[theorem].admits(Fraction(L), Fraction(eta), Fraction(momentum)), (eta, momentum)


def texts(picture: str) -> list[str]:
    return [each.text for each in read_page(picture).find("text")]


def test_the_setting_stands_in_the_plane() -> None:
    for setting in (Setting(0.1, tau=0.05), Setting(50.0, tau=3.0), Setting(1e-9, tau=0.0)):
        picture, drawn = plane((), 4.0, setting, "tau")
        assert "the setting" in texts(picture) and drawn == ()
    assert "the setting" not in texts(plane((), 4.0, Setting(0.1, mu=0.5), "tau")[0])
    for setting in (Setting(1.7e308, tau=0.0), Setting(1e-300, tau=1.7e308)):
        assert "the setting" not in texts(plane((), 4.0, setting, "tau")[0])


@pytest.mark.parametrize("L", [1e-300, 1e-5, 4.0, 1e300])
@pytest.mark.parametrize("momentum", ["tau", "mu"])
def test_every_range_has_a_line_of_its_own(L: float, momentum: str) -> None:
    rows = [RangeRow(name, Verdict.PROVED, "", eta=0.1 / L, tau_max=0.1 / L, mu_max=0.1) for name in RANGES]
    rows.append(RangeRow("horizon", Verdict.PROVED, "", eta=0.1 / L, tau_max=0.05 / L))
    picture, drawn = plane(rows, L, Setting(0.1 / L, **{momentum: 0.1 / L if momentum == "tau" else 0.1}), momentum)
    expected = [name for name, each in RANGES.items() if each.momentum_name == momentum]
    assert [each.name for each in drawn] == expected + (["horizon"] if momentum == "tau" else [])
    styles = [tuple(key_attributes(each.kind).items()) for each in drawn]
    assert len(set(styles)) == len(styles) and all(styles)
    assert "nan" not in picture and active_parts(read_page(picture)) == []


VALUES = [
    [],
    [0.0],
    [1.0],
    [None, 2.0, None],
    [-2.0, 3.0],
    [0.1, 0.1000001],
    [1e-9, 2e-9],
    [1e-300, 1e300],
    [5e-324],
    [math.nan],
    [math.inf, 1.0],
    [-1.7e308, 1.7e308],
    [1e180, 1e-180],
]


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("logarithmic", [False, True])
def test_charts_take_every_number(values: list[float | None], logarithmic: bool) -> None:
    def draw(axes: Any) -> None:
        draw_line(axes, range(len(values)), values, "s1", "a", logarithmic=logarithmic)
        draw_scale(axes, "x", "y", logarithmic=logarithmic)

    found = chart("c", "title", "words", draw)
    root = read_page(found.picture)
    for path in root.find("path"):
        place = path.attributes["transform" if "transform" in path.attributes else "d"]
        assert all(0 <= float(number) <= WIDTH for number in re.findall(r"-?[\d.]+", place)), place
    usable = [
        each for each in values if each is not None and abs(each) <= 1e180 and (each >= 1e-180 or not logarithmic)
    ]
    colour = "var(--s1)"
    lines = [
        each for each in root.find("path") if colour in (each.attributes.get("stroke"), each.attributes.get("fill"))
    ]
    assert bool(lines) == bool(found.legend) == bool(usable)
    assert 2 <= len(texts(found.picture)) <= 20 and "nan" not in found.picture


def lines_of(count: int, **more: float) -> list[dict[str, Any]]:
    return [{"step": step, "verdict": "PROVED", "decrease": 1.0, **more} for step in range(1, count + 1)]


def heights(picture: str, kind: str) -> list[float]:
    """Return the vertical places of the points of a line."""
    wanted = key_attributes(kind)["stroke"]
    drawn = [each for each in read_page(picture).find("path") if each.attributes.get("stroke") == wanted]
    return [float(y) for path in drawn for y in re.findall(r"[ML] -?[\d.]+ (-?[\d.]+)", path.attributes["d"])]


@pytest.mark.parametrize("count", [3, 400, 401, 10_000])
def test_long_runs_keep_their_worst_step(count: int) -> None:
    lines = lines_of(count)
    lines[count // 2]["decrease"] = -1.0
    picture = chart("c", "", "", lambda axes: draw_decrease(axes, lines)).picture
    high, low = min(heights(picture, "s1")), max(heights(picture, "s1"))
    assert low - high > 100 and len(picture) < 100_000


def test_a_long_restless_run_is_drawn_in_little() -> None:
    chance = random.Random(0)
    lines = lines_of(100_000)
    for line in lines:
        line["error"] = chance.random() + 0.1
    assert len(chart("c", "", "", lambda axes: draw_error(axes, lines)).picture) < 300_000


def test_single_and_separate_steps_are_seen() -> None:
    one = lines_of(1, error=1.0, error_upper=0.5, eta=0.1, tau=0.0, weight_norm=1.0, distance=0.0)
    for draw in (draw_error, draw_decrease, draw_sizes, lambda axes, lines: draw_weights(axes, lines, None)):
        found = chart("c", "", "", lambda axes, draw=draw: draw(axes, one))  # type: ignore[misc]
        dots = [each for each in read_page(found.picture).find("path") if "transform" in each.attributes]
        assert len(dots) == len(found.legend) > 0
    gaps = lines_of(5)
    gaps[1]["decrease"] = gaps[3]["decrease"] = None
    picture = chart("c", "", "", lambda axes: draw_decrease(axes, gaps)).picture
    assert len([each for each in read_page(picture).find("path") if "transform" in each.attributes]) == 3


def test_steps_that_increased_the_error_are_marked() -> None:
    lines = lines_of(4, error=1.0)
    lines[2]["verdict"] = "REFUTED"
    found = chart("c", "", "", lambda axes: draw_error(axes, lines))
    assert ("bad", "a step that increased E") in found.legend
    marks = [
        each for each in read_page(found.picture).find("path") if each.attributes.get("stroke") == "var(--refuted)"
    ]
    assert len(marks) == 1


def test_bars_take_every_share_and_bound() -> None:
    for attack, bound in ((None, 1.0), (0.0, 1.0), (1.0, 1.0), (0.999, 1.0), (1e-300, 1e300)):
        assert "nan" not in interval(attack, bound)
    hostile = ["<b>", "$\\frac{1}{0}$", "a\u202eb", "層" * 40, "&lt;", "x\0y"]
    found = read_page(shares([(name, 1 / len(hostile)) for name in hostile]))
    assert found.find("b") == [] and active_parts(found) == []
    shown = [each.text for each in found.find("text")]
    assert "<b>" in shown and "$\\frac{1}{0}$" in shown and "a\\u202eb" in shown and f"{'層' * 13}…" in shown


def test_pictures_take_the_colours_of_the_page() -> None:
    style = (resources.files("verify.reports.page") / "style.css").read_text(encoding="utf-8")
    light, dark = style.split("prefers-color-scheme: dark", 1)
    for name, colour in COLOURS.items():
        assert f"--{name}: {colour};" in light and f"--{name}:" in dark, name
    for kind in ("s1", "s2", "s3", "s4", "lasting", "limit"):
        dashes = line_style(kind)["linestyle"]
        attributes = key_attributes(kind)
        assert attributes["stroke"] == f"var(--{ {v: k for k, v in COLOURS.items()}[line_style(kind)['color']] })"
        assert (dashes == "-") == ("stroke-dasharray" not in attributes)
    assert set(MARKS.values()) <= set(COLOURS)
    picture = interval(0.5, 1.0) + shares([("a", 1.0)]) + plane((), 1.0, Setting(0.1, tau=0.1), "tau")[0]
    assert re.findall("#[0-9a-f]{6}", picture) == []


def test_the_readers_own_settings_of_matplotlib_do_not_count() -> None:
    import matplotlib

    expected = interval(0.5, 1.0)
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "text.usetex": True}):
        assert interval(0.5, 1.0) == expected
        assert matplotlib.rcParams["font.size"] == 30


def test_a_graph_without_names_is_drawn_by_its_places() -> None:
    builder = verify.GraphBuilder()
    x, w, v = builder.constant("x", (3, 2)), builder.parameter("w", (2, 2)), builder.parameter("v", (2, 2))
    builder.place = "first"
    h = (x @ w).square()
    builder.place = "second"
    y = (h @ v) + h
    builder.place = ""
    graph = builder.build(y.square().sum())
    problem = verify.GraphProblem(graph, {"x": [[1.0, 0.0]] * 3}, [0.1] * 8, name="graph")
    sketch = sketch_of(Question(problem, None, None))  # type: ignore[arg-type]
    assert list(sketch.vertices)[:2] == ["first", "second"]
    assert ("first", "second", "") in sketch.edges and sketch.owners == {"w": "first", "v": "second"}
    assert [sketch.vertices[name].parameters for name in ("first", "second")] == [4, 4]
    assert sketch.vertices["first"].is_input and not sketch.vertices["second"].is_input
    assert list(sketch.vertices.values())[-1].is_output
    markup, cards, _ = draw_network(sketch, {"first": 0.5})
    assert len(read_page(markup).find("a")) == len(cards) == len(sketch.vertices)
