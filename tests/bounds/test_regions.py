"""Regions: exact membership, inner points, the way to the boundary, plain data, bad input."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from verify.bounds import exact_ball
from verify.bounds.regions import Ball, BlockBall, BoundedWeights, Region, enclosing, from_data
from verify.outcomes import InputError, Verdict

BLOCKS = {"h": slice(0, 3), "y": slice(3, 5)}
NUMBERS = st.floats(min_value=-1e6, max_value=1e6) | st.sampled_from([0.0, 1e-300, -1e-300, 5e-324, 1.0, 1e100])
VECTORS = arrays(np.float64, 5, elements=NUMBERS)
RADII = st.floats(min_value=1e-200, max_value=1e100)


@st.composite
def regions(draw: st.DrawFn) -> Region:
    """Draw a region of five weights."""
    center, radius = draw(VECTORS), draw(RADII)
    kind = draw(st.sampled_from(["ball", "bounded", "one block", "blocks"]))
    if kind == "ball":
        return Ball(center, radius)
    if kind == "bounded":
        return BoundedWeights(radius)
    radii = {"h": radius} if kind == "one block" else {"h": radius, "y": draw(RADII)}
    return BlockBall(center, radii, BLOCKS)


def rational(values: np.ndarray) -> list[Fraction]:
    return [Fraction(float(value)) for value in values]


def squared(values: list[Fraction]) -> Fraction:
    return sum((value * value for value in values), Fraction(0))


def is_inside(region: Region, w: list[Fraction]) -> bool:
    """The definition of every kind of region, by fractions."""
    if isinstance(region, BoundedWeights):
        return squared(w) <= Fraction(region.radius) ** 2
    assert isinstance(region, Ball | BlockBall)
    moved = [value - start for value, start in zip(w, rational(region.center), strict=True)]
    if isinstance(region, Ball):
        return squared(moved) <= Fraction(region.radius) ** 2
    return all(squared(moved[BLOCKS[name]]) <= Fraction(region.radii[name]) ** 2 for name in BLOCKS)


@given(regions(), VECTORS)
def test_membership_is_exact(region: Region, w: np.ndarray) -> None:
    assert region.contains(w) is (Verdict.PROVED if is_inside(region, rational(w)) else Verdict.REFUTED)


@pytest.mark.parametrize(("beyond", "verdict"), [(0.0, Verdict.PROVED), (1e-200, Verdict.REFUTED)])
def test_membership_sees_what_rounding_hides(beyond: float, verdict: Verdict) -> None:
    assert Ball([0.0, 0.0, 0.0], 5.0).contains([3.0, 4.0, beyond]) is verdict


def test_the_square_of_three_tenths_is_not_what_it_seems() -> None:
    assert BoundedWeights(0.5).contains([0.3, 0.4]) is Verdict.REFUTED


@given(regions(), VECTORS, st.floats(0.0, 1.0) | st.just(1.0))
def test_points_are_inside_and_where_they_were_asked(region: Region, direction: np.ndarray, distance: float) -> None:
    point = region.point(direction, distance)
    assert is_inside(region, rational(point))


@pytest.mark.parametrize("distance", [0.0, 0.25, 1.0])
def test_points_reach_the_boundary_in_every_block(distance: float) -> None:
    region = BlockBall(np.ones(5), {"h": 0.5, "y": 2.0}, BLOCKS)
    moved = region.point([1.0, 2.0, 3.0, 1e-9, 0.0], distance) - 1.0
    assert np.linalg.norm(moved[:3]) == pytest.approx(0.5 * distance, rel=1e-12)
    assert np.linalg.norm(moved[3:]) == pytest.approx(2.0 * distance, rel=1e-12)


def test_a_ball_below_the_resolution_of_its_centre_has_only_the_centre() -> None:
    region = Ball([1.0, 1.0], 1e-30)
    np.testing.assert_array_equal(region.point([1.0, 1.0], 1.0), [1.0, 1.0])


@pytest.mark.parametrize(
    "region", [Ball(np.ones(5), 0.5), BoundedWeights(0.5), BlockBall(np.ones(5), {"h": 0.5}, BLOCKS)]
)
def test_samples_are_inside_and_cover_centre_and_boundary(region: Region) -> None:
    rng = np.random.default_rng(0)
    center = np.zeros(5) if isinstance(region, BoundedWeights) else np.ones(5)
    samples = [region.sample(rng, 5) for _ in range(200)]
    assert all(is_inside(region, rational(w)) for w in samples)
    distances = np.array([np.linalg.norm(w - center) for w in samples])
    assert np.mean(distances > 0.5 - 1e-9) > 0.15
    assert distances.min() < 0.05


@given(regions(), VECTORS, VECTORS, st.floats(0.0, 1.0))
def test_the_largest_scale_stays_inside_and_is_tight(
    region: Region, towards: np.ndarray, step: np.ndarray, distance: float
) -> None:
    w = region.point(towards, distance)
    scale = region.largest_scale(w, step)
    assert 0.0 <= scale <= 1.0

    def reached(t: Fraction) -> list[Fraction]:
        return [a + t * d for a, d in zip(rational(w), rational(step), strict=True)]

    assert is_inside(region, reached(Fraction(scale)))
    if scale < 1.0:
        assert not is_inside(region, reached(Fraction(math.nextafter(scale, 2.0)) * (1 + Fraction(1, 2**100))))


@pytest.mark.parametrize("seed", range(20))
def test_squared_distances_are_exact_where_entries_are_equal_or_zero(seed: int) -> None:
    rng = np.random.default_rng(seed)
    w = rng.standard_normal(6) * 10.0 ** rng.integers(-300, 150, 6) * rng.integers(0, 2, 6)
    center = np.where(rng.random(6) < 0.5, w, rng.standard_normal(6) * rng.integers(0, 2, 6))
    exact = sum(
        ((Fraction(a) - Fraction(b)) ** 2 for a, b in zip(w.tolist(), center.tolist(), strict=True)), Fraction()
    )
    assert exact_ball.squared_distance(w, center) == exact


def test_the_largest_scale_needs_a_start_inside() -> None:
    with pytest.raises(InputError, match="does not start in the region"):
        Ball([0.0], 1.0).largest_scale([2.0], [1.0])


@given(regions(), VECTORS, VECTORS, st.floats(0.0, 1.0))
def test_room_is_a_ball_inside(region: Region, towards: np.ndarray, direction: np.ndarray, distance: float) -> None:
    w = region.point(towards, distance)
    room = region.room(w)
    assert room >= 0 or distance > 0.5
    if room > 0:
        assert is_inside(region, rational(Ball(w, room).point(direction, 1.0)))


def test_room_is_the_largest_and_negative_outside() -> None:
    assert BoundedWeights(6.0).room([3.0, 4.0]) == 1.0
    assert Ball([1.0, 1.0], 2.0).room([1.0, 4.0]) == -1.0
    blocks = BlockBall(np.zeros(5), {"h": 3.0, "y": 0.5}, BLOCKS)
    assert blocks.room([0.0, 2.0, 0.0, 0.25, 0.0]) == 0.25
    assert BlockBall(np.zeros(5), {"h": 3.0}, BLOCKS).room(np.zeros(5)) == 0.0


@given(VECTORS, RADII, RADII)
def test_the_enclosing_bound_contains_the_farthest_point(center: np.ndarray, first: float, second: float) -> None:
    ball, blocks = Ball(center, first), BlockBall(center, {"h": first, "y": second}, BLOCKS)
    for region in (ball, blocks):
        bound = enclosing(region)
        assert bound.contains(region.center) is Verdict.PROVED
        assert bound.contains(region.point(center, 1.0)) is Verdict.PROVED


def test_the_enclosing_bound_is_tight() -> None:
    assert enclosing(Ball([3.0, 4.0], 0.5)).radius == 5.5
    blocks = BlockBall([3.0, 0.0], {"h": 1.0, "y": 3.0}, {"h": slice(0, 1), "y": slice(1, 2)})
    assert enclosing(blocks).radius == 5.0


@given(regions())
def test_plain_data_and_back(region: Region) -> None:
    center = np.zeros(5) if isinstance(region, BoundedWeights) else region.center
    again = from_data(region.to_data(), center, BLOCKS)
    assert type(again) is type(region)
    assert again.to_data() == region.to_data()
    assert repr(again) == repr(region)


def test_blocks_that_are_not_named_do_not_move() -> None:
    region = BlockBall(np.zeros(5), {"y": 1.0}, BLOCKS)
    assert dict(region.radii) == {"h": 0.0, "y": 1.0}
    assert region.to_data() == {"kind": "blocks", "radii": {"y": 1.0}}
    assert region.contains([0.0, 1e-300, 0.0, 0.5, 0.0]) is Verdict.REFUTED
    assert region.contains([0.0, 0.0, 0.0, 0.5, 0.0]) is Verdict.PROVED


def test_regions_are_immutable() -> None:
    source = np.zeros(5)
    region = BlockBall(source, {"y": 1.0}, BLOCKS)
    source[0] = 7.0
    assert region.center[0] == 0.0
    for change in (
        lambda: region.center.__setitem__(0, 1.0),
        lambda: setattr(region, "center", source),
        lambda: region.radii.__setitem__("y", 2.0),  # type: ignore[attr-defined]
    ):
        with pytest.raises((ValueError, AttributeError)):
            change()


@pytest.mark.parametrize("radius", [0.0, -1.0, math.nan, math.inf, True, "1", None])
def test_bad_radius(radius: object) -> None:
    for make in (
        lambda: Ball([0.0], radius),
        lambda: BoundedWeights(radius),
        lambda: BlockBall(np.zeros(5), {"h": radius}, BLOCKS),
    ):
        with pytest.raises(InputError, match="radi"):
            make()


@pytest.mark.parametrize("center", [[math.nan], [math.inf], [], [[1.0]], "x", None])
def test_bad_centre(center: object) -> None:
    with pytest.raises(InputError, match="center"):
        Ball(center, 1.0)


def test_bad_blocks() -> None:
    with pytest.raises(InputError, match=r"radii\.z: no parameters of this name: vertex='z'; name one of h, y"):
        BlockBall(np.zeros(5), {"z": 1.0}, BLOCKS)
    with pytest.raises(InputError, match="no radius at all"):
        BlockBall(np.zeros(5), {}, BLOCKS)
    with pytest.raises(InputError, match="do not cover"):
        BlockBall(np.zeros(4), {"h": 1.0}, BLOCKS)


def test_bad_weights_and_distances() -> None:
    region = Ball(np.zeros(2), 1.0)
    for values, message in (
        ([1.0], "does not fit"),
        ([1.0, math.nan], r"w\[1\]: must be finite"),
        ("ab", "not an array"),
    ):
        with pytest.raises(InputError, match=message):
            region.contains(values)
    for distance in (-0.1, 1.1, math.nan):
        with pytest.raises(InputError, match="distance"):
            region.point([1.0, 0.0], distance)
    with pytest.raises(InputError, match="no dimension of its own"):
        BoundedWeights(1.0).sample(np.random.default_rng(0))


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"kind": "box", "radius": 1.0},
        {"kind": "ball"},
        {"kind": "ball", "radius": 1.0, "center": 0},
        {"kind": "blocks"},
    ],
)
def test_unreadable_data(data: dict[str, object]) -> None:
    with pytest.raises(InputError, match="unreadable region"):
        from_data(data, np.zeros(2), BLOCKS)


@pytest.mark.parametrize("radius", [10.0, 0.1, 1e-12])
def test_points_of_many_weights_need_no_exact_arithmetic(radius: float, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    region = Ball(0.05 * rng.standard_normal(exact_ball.MOST_EXACT + 1), radius)
    exact = exact_ball.squared_distance
    monkeypatch.setattr(exact_ball, "squared_distance", lambda *arrays: pytest.fail("exact arithmetic"))
    point = region.point(rng.standard_normal(region.center.size), 1.0)
    assert Fraction(0.999 * radius) ** 2 < exact(point, region.center) <= Fraction(radius) ** 2


@pytest.mark.parametrize(
    ("region", "words"),
    [
        (Ball(np.ones(5), 0.5), "|w - w0| <= 0.5"),
        (BoundedWeights(14), "|w| <= 14"),
        (
            BlockBall(np.ones(5), {"h": 0.5, "y": 2.0}, BLOCKS),
            "|w_v - w0_v| <= r_v for every vertex v, r_v in [0.5, 2]",
        ),
    ],
)
def test_a_person_reads_the_region_as_a_condition_on_the_weights(region: Region, words: str) -> None:
    assert str(region) == words
