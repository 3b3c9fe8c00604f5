"""Pictures: every vertex stands somewhere, large networks fold, curves show only what is admitted."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction

import pytest

import verify
from tests.reports.reading import read_page
from verify.assumptions.small_momentum import Setting
from verify.reports.page.bars import draw_interval, draw_shares
from verify.reports.page.charts import Axis, Series, line_chart
from verify.reports.page.folding import MOST_EDGES, fold
from verify.reports.page.network import draw_network, has_skips
from verify.reports.page.plane import draw_plane
from verify.reports.page.run_charts import MOST_POINTS, Thinned
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


def test_the_setting_stands_in_the_plane() -> None:
    for setting in (Setting(0.1, tau=0.05), Setting(50.0, tau=3.0), Setting(1e-9, tau=0.0)):
        markup, legend = draw_plane((), 4.0, setting, "tau")
        assert "the setting" in markup and legend == ()
    assert "the setting" not in draw_plane((), 4.0, Setting(0.1, mu=0.5), "tau")[0]


@pytest.mark.parametrize(
    "values",
    [[], [0.0], [1.0], [-2.0, 3.0], [1e-300, 1e300], [5e-324], [math.nan], [math.inf, 1.0], [-1.7e308, 1.7e308]],
)
@pytest.mark.parametrize("logarithmic", [False, True])
def test_charts_take_every_number(values: list[float], logarithmic: bool) -> None:
    series = Series("a", tuple(enumerate(values)), "s1")  # type: ignore[arg-type]
    text = line_chart("c", "title", "words", [series], "x", "y", logarithmic=logarithmic, from_zero=True)
    root = read_page(text)
    assert "nan" not in text and "inf" not in text.replace("info", "")
    for mark in root.find("circle"):
        assert 0 <= float(mark.attributes["cx"]) <= 460 and 0 <= float(mark.attributes["cy"]) <= 270


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (1e-9, 2e-9), (-1e6, 1e6), (0.1, 0.1000001)])
def test_ticks_lie_on_their_axis(low: float, high: float) -> None:
    axis = Axis([low, high], 0, 100)
    assert 2 <= len(axis.ticks) <= 8 and all(-1e-6 <= (axis.at(value) or 0.0) <= 100 + 1e-6 for value in axis.ticks)


@pytest.mark.parametrize("count", [1, MOST_POINTS, MOST_POINTS + 1, 10_000])
def test_long_runs_keep_their_worst_step(count: int) -> None:
    lines = [{"step": step, "decrease": 1.0 if step != count // 2 + 1 else -1.0} for step in range(1, count + 1)]
    points = Thinned(lines).points("decrease", min)
    assert len(points) <= MOST_POINTS and min(y for _, y in points) == -1.0


def test_bars_take_every_share_and_bound() -> None:
    for attack, bound in ((None, 1.0), (0.0, 1.0), (1.0, 1.0), (0.999, 1.0), (1e-300, 1e300)):
        assert "nan" not in draw_interval(attack, bound)
    assert read_page(draw_shares([("<b>", 0.5), ("y", 0.5)])).find("b") == []


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
