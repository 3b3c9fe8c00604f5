"""Bounds of derivatives over a region: attacked without slack, node by node and as a whole; planted faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import ClassVar, final

import numpy as np
import pytest

import verify
from tests.graph import networks
from tests.graph.bending import broken, point_models, point_of
from tests.graph.random_graphs import random_case
from verify.arithmetic import movement, upward
from verify.arithmetic.intervals import Interval
from verify.arithmetic.movement import Movement
from verify.arithmetic.sizes import Sizes
from verify.bounds.attack import attack_hessian, curvature_lower
from verify.bounds.curvature import examine_curvature
from verify.bounds.hessian_result import UndecidedHessianError
from verify.graph import hessian, movements
from verify.graph.curvature import AdjointWalk
from verify.graph.movements import ShrunkRegion
from verify.graph.problem import GraphProblem
from verify.graph.tensor import GraphBuilder, Tensor
from verify.operations import OPERATIONS
from verify.operations.add import Add
from verify.operations.broadcast import Broadcast
from verify.operations.contraction import Contraction
from verify.operations.elementwise import Elementwise
from verify.operations.gather import Gather, Indices
from verify.operations.log_sum_exp import LogSumExp
from verify.operations.operation import Operation
from verify.operations.permute import Permute
from verify.operations.power import Power
from verify.operations.slices import Pad
from verify.operations.softmax import Softmax


def small(make: Callable[[GraphBuilder], Tensor], weights, seed: int = 0) -> GraphProblem:
    """Return the problem of a weighted sum of an array's entries."""
    builder = GraphBuilder()
    result = make(builder)
    graph = builder.build((result * builder.constant("u", result.shape)).sum())
    rng = np.random.default_rng(seed)
    constants = {leaf.label: rng.normal(size=leaf.dimensions) for leaf in graph.leaves() if leaf.name == "constant"}
    return GraphProblem(graph, constants, np.asarray(weights, dtype=float))


def chain(builder: GraphBuilder) -> Tensor:
    x = builder.constant("x", (3, 2))
    h = (x @ builder.parameter("W", (2, 2)) + builder.parameter("b", (2,))).apply(Elementwise("tanh"))
    return h @ builder.parameter("V", (2, 1))


MICRO = {
    "function": small(lambda b: b.parameter("w", (2,)).apply(Elementwise("tanh")), [0.6, 0.2]),
    "product": small(lambda b: b.parameter("p", (1,)) * b.parameter("q", (1,)), [0.5, -0.5]),
    "transposed": small(lambda b: b.parameter("P", (2, 2)) * b.parameter("Q", (2, 2)).permute(1, 0), np.arange(8.0)),
    "crossed": small(
        lambda b: b.parameter("p", (1,)).apply(
            Contraction("ab", "ba", "ab"), b.parameter("P", (2, 2)), b.parameter("Q", (2, 2))
        ),
        np.arange(1.0, 9.0),
    ),
    "shared": small(lambda b: (p := b.parameter("p", (1,))) * p * p, [0.5]),
    "sum": small(lambda b: (p := b.parameter("p", (1,))).square() + p.square() * p, [0.5]),
    "chain": small(chain, np.linspace(-1, 1, 8)),
    "softmax": small(lambda b: b.parameter("z", (3, 2)).apply(Softmax()), [1.0, -0.5, 0.3, 0.0, 2.0, -2.0]),
    "softmax of a still entry": small(lambda b: b.parameter("z", (1,)).apply(Pad(0, 1, 3)).apply(Softmax()), [0.5]),
    "logsumexp": small(lambda b: b.parameter("z", (2, 2)).apply(LogSumExp()), [1.0, -0.5, 2.0, 0.0]),
    "power": small(lambda b: b.parameter("p", (2,)).apply(Power(Fraction(-1, 2))), [1.0, 1.5]),
    "repeated": small(lambda b: b.parameter("p", (2,)).broadcast_to((3, 4, 2)).square(), [1.0, -1.0]),
    "permuted": small(lambda b: b.parameter("p", (3, 3)).square().permute(1, 0), np.arange(1.0, 10.0)),
    "gathered": small(lambda b: b.parameter("p", (3, 2)).apply(Gather(0, Indices([[0, 0], [1, 2]]))), range(6)),
}
SMOOTH = MICRO | {name: networks.SMOOTH[name] for name in ("classifier", "smoothed", "recurrent")}


def faults(problem: GraphProblem, radius: float, points: int, seed: int = 0) -> list[object]:
    """Return what is proved to be wrong about the bounds of a problem over a ball."""
    rng = np.random.default_rng(seed)
    w = problem.initial_weights
    region = verify.Ball(w, radius)
    walk = AdjointWalk(problem)
    start = walk.over(ShrunkRegion.of(problem, region, 0.0))
    place = ShrunkRegion.of(problem, region)
    both = (
        walk.over(place),
        walk.over(place, [each.derivatives for each in start], float(upward.mul(radius, 1 + 2.0**-40))),
    )
    found: list[object] = []
    for number in range(points):
        x = point_of(rng, w, radius)
        direction = rng.normal(size=w.size) if number % 2 else np.eye(w.size)[number // 2 % w.size]
        models = point_models(problem, walk.graph, x, direction)
        for moved in both:
            found += broken(moved, models, float(upward.norm(direction)))
    return found


def exceeded(problem: GraphProblem, radius: float) -> bool:
    """Whether an attack reaches a curvature above the bound."""
    region = verify.Ball(problem.initial_weights, radius)
    return attack_hessian(problem, region, points=1, ascents=5).value > verify.hessian_bound(problem, region).value


@pytest.mark.parametrize("radius", [1e-6, 0.2])
@pytest.mark.parametrize(
    "name", [name for name in SMOOTH if name != "recurrent"] + [pytest.param("recurrent", marks=pytest.mark.slow)]
)
def test_no_derivative_exceeds_its_bound(name, radius):
    assert faults(SMOOTH[name], radius, points=4) == []
    assert not exceeded(SMOOTH[name], radius)


@pytest.mark.parametrize("seed", [n for n in range(40) if n % 4 in (0, 1)])
def test_bounds_of_random_graphs_hold(seed):
    case = random_case(seed)
    problem, rng = case.problem, np.random.default_rng(seed)
    region = verify.Ball(problem.initial_weights, float(rng.choice([1e-3, 0.01, 0.1])))
    try:
        walk = AdjointWalk(problem)
        moved = walk.over(ShrunkRegion.of(problem, region))
        bound = verify.hessian_bound(problem, region, method="norms").value
    except UndecidedHessianError:
        return
    for direction in case.directions:
        x = point_of(rng, problem.initial_weights, region.radius)
        models = point_models(problem, walk.graph, x, direction)
        assert broken(moved, models, float(upward.norm(direction))) == []
        with np.errstate(all="ignore"):
            assert curvature_lower(problem, x, direction) <= bound


@pytest.mark.parametrize("kind", ["bounded", "blocks"])
def test_other_regions_are_bounded(kind):
    problem = networks.SMOOTH["classifier"]
    w = problem.initial_weights
    blocks = {block.label: block.place for block in problem.blocks}
    region = verify.BoundedWeights(0.5) if kind == "bounded" else verify.BlockBall(w, {"W1": 0.1, "b2": 0.02}, blocks)
    assert attack_hessian(problem, region, points=2).value <= verify.hessian_bound(problem, region).value


# planted faults


def scaled_orders(order: int, factor: float) -> Callable:
    """Return a fault of a rule: its derivatives of an order are multiplied by a factor."""

    def plant(rule: Callable) -> Callable:
        def faulty(*arguments):
            found = list(rule(*arguments))
            if len(found) >= order and found[order - 1] is not None:
                found[order - 1] = found[order - 1].times(factor)
            return tuple(found)

        return faulty

    return plant


def plant_in_rules(monkeypatch, owner, order, factor) -> None:
    monkeypatch.setattr(owner, "derivatives", scaled_orders(order, factor)(owner.derivatives))


@dataclass(frozen=True)
class Fault:
    """A mistake in a rule, and the problem that shows it."""

    name: str
    shown_by: str
    plant: Callable


def _faults() -> Iterator[Fault]:
    for owner, problem in (
        (Elementwise, "function"), (Power, "power"), (Contraction, "product"), (Softmax, "softmax"),
        (LogSumExp, "logsumexp"),
    ):  # fmt: skip
        for order in (1, 2, 3):
            if (owner, order) == (Contraction, 3):
                continue
            least = 0.45 if order == 1 else 0.05 if order == 3 else 0.2 if owner is Softmax else 0.45
            yield Fault(
                f"{owner.__name__}: order {order} too small",
                problem,
                partial(plant_in_rules, owner=owner, order=order, factor=least),
            )
    yield Fault("a shared factor taken as two", "shared", lambda m: m.setattr(
        Contraction, "derivatives", _as_disjoint))  # fmt: skip
    yield Fault("a shared summand taken as two", "sum", lambda m: m.setattr(
        Add, "derivatives", lambda self, arguments, orders: _largest_summand(arguments, orders)))  # fmt: skip
    yield Fault("norms without the sum over the axis", "chain", lambda m: m.setattr(
        Sizes, "over", lambda self, axes: self.entries.min(axis=axes)))  # fmt: skip
    yield Fault("a permutation that keeps rows", "permuted", lambda m: m.setattr(
        Permute, "keeps_rows", lambda self, *shapes: True) or _clear(m))  # fmt: skip
    yield Fault("repeated entries counted once", "repeated", lambda m: m.setattr(
        Broadcast, "rows", lambda self, sizes: np.full(self.target[0], sizes[0].whole)))  # fmt: skip
    yield Fault("repeated rows counted once", "gathered", lambda m: m.setattr(
        Gather, "rows", lambda self, sizes: np.full(2, sizes[0].whole) if self.axis == 0 else None))  # fmt: skip
    yield Fault("a linear map of norm 1", "repeated", lambda m: m.setattr(
        movements, "_gains", lambda operation, shapes: (1.0, 1.0, None)))  # fmt: skip
    yield Fault("no growth from the centre", "chain", lambda m: m.setattr(
        movements, "grown", lambda found, known, distance: tuple(known) or found))  # fmt: skip
    yield Fault("a reach of half the radius", "function", lambda m: m.setattr(
        ShrunkRegion, "of", staticmethod(_half_place(ShrunkRegion.of))))  # fmt: skip
    yield Fault("a product without its mixed term", "product", lambda m: m.setattr(
        movement, "_second", lambda a, mixed, b: np.maximum(a, b)))  # fmt: skip
    yield Fault("half of the Hessian at the centre", "product", lambda m: m.setattr(
        hessian, "norm_upper", lambda jacobian: 0.5 * float(np.linalg.norm(jacobian.mid, 2))))  # fmt: skip
    yield Fault("nodes left out", "product", lambda m: m.setattr(
        Contraction, "bending", lambda self, adjoint, arguments, order: 0.0))  # fmt: skip


def _as_disjoint(self, arguments, orders):
    a, b = arguments
    apart = Movement(b.centre, b.reach, b.derivatives, frozenset({99}) if b.support else b.support)
    return _CONTRACTION(self, [a, apart], orders)


_CONTRACTION = Contraction.derivatives


def _largest_summand(arguments, orders):
    return tuple(
        max((a.derivatives[k] for a in arguments if a.derivatives[k]), key=lambda s: s.whole, default=None)
        for k in range(orders)
    )


def _half_place(rule):
    def faulty(problem, region, part=1.0):
        place = rule(problem, region, part)
        return ShrunkRegion(place.centre, place.radius / 2, {name: s.times(0.5) for name, s in place.reaches.items()})

    return faulty


def _clear(monkeypatch) -> None:
    movements._gains.cache_clear()


@pytest.fixture(autouse=True)
def _fresh_gains():
    movements._gains.cache_clear() if hasattr(movements._gains, "cache_clear") else None
    yield
    movements._gains.cache_clear() if hasattr(movements._gains, "cache_clear") else None


@pytest.mark.parametrize("fault", list(_faults()), ids=lambda fault: fault.name)
def test_a_planted_fault_is_caught(fault, monkeypatch):
    fault.plant(monkeypatch)
    problem = MICRO[fault.shown_by]
    assert faults(problem, 0.3, points=6) != [] or exceeded(problem, 0.3)


# what has no bound


@final
@dataclass(frozen=True)
class Unruly(Operation):
    """An operation without a Taylor model."""

    name: ClassVar[str] = "unruly"

    def shape(self, *arguments):
        return arguments[0]

    def evaluate(self, *arguments):
        if isinstance(arguments[0], Interval | np.ndarray):
            return arguments[0] * 1.0
        raise self.refuse("has no such rule")

    def pullback(self, arguments, result, adjoint):
        return (adjoint,)

    def pushforward(self, arguments, result, tangents):
        return tangents[0]


OPERATIONS.pop("unruly")


def test_an_operation_without_a_rule_is_undecided_by_its_name():
    problem = small(lambda b: b.parameter("w", (2,)).apply(Unruly()), [1.0, 2.0])
    problem.region = verify.Ball(problem.initial_weights, 0.1)
    with pytest.raises(UndecidedHessianError, match="operation unruly"):
        verify.hessian_bound(problem)
    report = verify.check(problem)
    assert report.verdict is verify.Verdict.UNDECIDED
    assert "unruly" in report.curvature.reason


def test_a_kink_that_the_region_reaches_is_undecided_and_one_beyond_it_is_not():
    problem = networks.KINKED["relu"]
    assert verify.hessian_bound(problem, verify.Ball(problem.initial_weights, 0.01)).value < 3
    with pytest.raises(UndecidedHessianError, match="relu: has a kink"):
        verify.hessian_bound(problem, verify.Ball(problem.initial_weights, 0.1))


def test_an_end_of_a_domain_that_the_region_may_reach_is_undecided():
    problem = small(lambda b: b.parameter("p", (1,)).apply(Power(Fraction(-1))), [1.0])
    assert verify.hessian_bound(problem, verify.Ball([1.0], 0.5)).value >= 2
    with pytest.raises(UndecidedHessianError, match="operation power: may leave its domain"):
        verify.hessian_bound(problem, verify.Ball([1.0], 1.0))


def test_what_is_too_large_is_said_before_it_is_made(monkeypatch):
    monkeypatch.setattr("verify.budget.MEMORY_LIMIT", 1000)
    problem = networks.classifier()
    problem.region = verify.Ball(problem.initial_weights, 0.01)
    report = examine_curvature(problem, attack=False)
    assert report.value is None
    assert "too large" in report.reason


def test_weight_decay_adds_the_largest_factor_once():
    builder = GraphBuilder()
    graph = builder.build(builder.parameter("p", (2,)).sum() + builder.parameter("q", (2,)).sum())
    problem = GraphProblem(graph, {}, np.ones(4), {"p": 0.5, "q": 0.25})
    assert 0.5 <= verify.hessian_bound(problem, verify.Ball(np.ones(4), 0.1), method="norms").value < 0.5 + 1e-12
