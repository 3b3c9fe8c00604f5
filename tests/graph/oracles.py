"""What must hold for every graph, decided in fractions or in Arb; each check counts what it has compared."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np

from tests.graph.random_graphs import Case
from tests.operations.references import evaluate_by_definition
from verify import decide_decrease, segment_bound
from verify.arithmetic import arb
from verify.arithmetic.intervals import Interval
from verify.graph.evaluation import ARB, INTERVAL, RATIONAL, evaluate
from verify.graph.segment import change_along
from verify.graph.tangent import tangent_graph
from verify.operations.leaves import Tangent

BITS = {"rational": 400, "smooth": 400, "kinked": 400, "extreme": 4000}
"""By kind: between 1e308 and 5e-324 lie 2,098 bits."""
STEP = Fraction(1, 2**100)
DIRECTION_SCALE = 2.0**-4


def check_case(case: Case) -> Counter[str]:
    """Run every check that the kind of the case allows.

    Raises
    ------
    AssertionError
        Where a bound misses the exact value, a derivative differs or a decision has the wrong sign.
    """
    counts: Counter[str] = Counter()
    with np.errstate(all="ignore"):
        exact = exact_error(case, case.problem.initial_weights)
        check_error(case, exact, counts)
        check_segments(case, counts)
        check_decisions(case, counts)
        if case.kind == "rational":
            check_exact_derivatives(case, counts)
        if case.kind != "extreme":
            check_derivatives(case, counts)
    return counts


def exact_error(case: Case, w) -> arb.Arb:
    """E(w) in Arb from the definitions of the operations; `w` is a float array or one of balls."""
    problem = case.problem
    with arb.precision(BITS[case.kind]):
        values = problem.values(w if w.dtype == object else ARB.enter(w))
        entered = {leaf: v if v.dtype == object else ARB.enter(v) for leaf, v in values.items()}
        return evaluate_by_definition(problem.graph, entered, arb.Arb(0))[0][()]


def along(case: Case, s: Fraction, direction: np.ndarray) -> np.ndarray:
    """The weights ``w + s direction`` as balls."""
    with arb.precision(BITS[case.kind]):
        return ARB.enter(case.problem.initial_weights) + ARB.enter(direction) * arb.Arb(s.numerator) / s.denominator


def holds(lower: float, upper: float, exact: arb.Arb) -> bool:
    """Whether nothing speaks against ``lower <= exact <= upper``; an undefined number has no finite bounds."""
    if exact.is_nan():
        return lower == -np.inf and upper == np.inf
    return not exact < arb.Arb(lower) and not exact > arb.Arb(upper)


def check_error(case: Case, exact: arb.Arb, counts: Counter[str]) -> None:
    problem, w = case.problem, case.problem.initial_weights
    lower, upper = problem.error_enclosure(w)
    assert holds(lower, upper, exact), "error enclosure"
    counts["enclosures of E"] += 1
    counts["infinite enclosures of E"] += not np.isfinite(upper)
    with arb.precision(BITS[case.kind]):
        ours = problem.error_in_arb(w)
        assert ours.overlaps(exact) or ours.is_nan(), "E in Arb"
    if case.kind != "extreme":
        scale = 1 + abs(float(exact))
        assert abs(problem.error(w) - float(exact)) <= 1e-9 * scale, "E in float64"
        assert upper - lower <= 1e-6 * scale, "width of E"


def check_exact_derivatives(case: Case, counts: Counter[str]) -> None:
    problem, w = case.problem, case.problem.initial_weights
    values = problem.values(w)
    graph = problem.gradient_graph
    error, *gradient = evaluate(graph, values, RATIONAL)
    fractions = {leaf: RATIONAL.enter(v) for leaf, v in values.items()}
    assert error[()] == evaluate_by_definition(problem.graph, fractions, Fraction(0))[0][()], "E in fractions"
    direction = case.directions[0]
    tangents = {Tangent(b.label, b.shape): direction[b.place].reshape(b.shape) for b in problem.blocks}
    slope = evaluate(tangent_graph(problem.graph), values | tangents, RATIONAL)[0][()]
    flat = np.concatenate([g.reshape(-1) for g in gradient])
    assert slope == sum(g * Fraction(d) for g, d in zip(flat, direction, strict=True)), "tangent and gradient"
    enclosure = problem.gradient_enclosure(w)
    pairs = zip(flat, enclosure.lower, enclosure.upper, strict=True)
    assert all(Fraction(lo) <= g <= Fraction(hi) for g, lo, hi in pairs), "gradient enclosure"
    counts["exact gradients"] += 1


def check_derivatives(case: Case, counts: Counter[str]) -> None:
    """Slopes and curvatures are limits of differences, in every arithmetic."""
    problem, w = case.problem, case.problem.initial_weights
    first, second = case.directions
    with arb.precision(BITS[case.kind]):
        step = arb.Arb(STEP.numerator) / STEP.denominator
        ends = [exact_error(case, along(case, sign * STEP, first)) for sign in (1, -1)]
        slope = (ends[0] - ends[1]) / (2 * step)
        middle = exact_error(case, w)
        sides = [(ends[0] - middle) / step, (middle - ends[1]) / step]
    if not abs(sides[0] - sides[1]) < arb.Arb(2) ** -40 * (1 + abs(slope)):
        counts["kinks met"] += 1
        return
    near = arb.Arb(2) ** -60 * (1 + abs(slope))
    tangents = {Tangent(b.label, b.shape): first[b.place].reshape(b.shape) for b in problem.blocks}
    tangent = evaluate(tangent_graph(problem.graph), problem.values(w) | tangents, INTERVAL)[0]
    assert not slope + near < arb.Arb(float(tangent.lower)), "tangent enclosure"
    assert not slope - near > arb.Arb(float(tangent.upper)), "tangent enclosure"
    enclosure = problem.gradient_enclosure(w)
    product = enclosure.dot(first)
    assert not slope + near < arb.Arb(float(product.lower)), "gradient enclosure along a direction"
    assert not slope - near > arb.Arb(float(product.upper)), "gradient enclosure along a direction"
    gradient = problem.gradient(w)
    scale = 1 + float(np.max(np.abs(gradient)))
    if float(np.max(enclosure.rad)) < 1e-6 * scale:
        assert float(gradient @ first) - float(slope) <= 1e-8 * scale * len(first), "gradient in float64"
        assert float(slope) - float(gradient @ first) <= 1e-8 * scale * len(first), "gradient in float64"
        counts["gradients"] += 1
    if case.kind == "smooth":
        _check_curvature(case, first, second, counts)


def _check_curvature(case: Case, first: np.ndarray, second: np.ndarray, counts: Counter[str]) -> None:
    problem, w = case.problem, case.problem.initial_weights
    with arb.precision(BITS[case.kind]):
        gradients = []
        for sign in (1, -1):
            values = problem.values(along(case, sign * STEP, second))
            parts = evaluate(problem.gradient_graph, values, ARB)[1:]
            flat = np.concatenate([np.asarray(p).reshape(-1) for p in parts])
            gradients.append((flat * ARB.enter(first)).sum())
        curvature = (gradients[0] - gradients[1]) * 2**99
        product = problem.hessian_vector(w, second)
        error = abs(float(np.dot(product, first)) - float(curvature))
    scale = 1 + float(np.max(np.abs(product))) * len(first)
    assert error <= 1e-8 * scale, "Hessian-vector product"
    counts["Hessian-vector products"] += 1


def check_segments(case: Case, counts: Counter[str]) -> None:
    problem, w = case.problem, case.problem.initial_weights
    rng = np.random.default_rng(case.seed)
    direction = case.directions[0] * DIRECTION_SCALE
    degree = int(rng.integers(2, 6))
    parts = change_along(problem, w, Interval.point(direction), degree)
    bound = segment_bound(problem, w, direction, 1.0, degree=degree)
    start = exact_error(case, w)
    for s in (Fraction(int(rng.integers(1, 64)), 64), Fraction(1)):
        with arb.precision(BITS[case.kind]):
            change = exact_error(case, along(case, s, direction)) - start
        total = Interval.zeros(())
        for k, part in enumerate(parts, 1):
            if part is not None:
                total = total + part * Interval.point(float(s**k) if Fraction(float(s**k)) == s**k else np.nan)
        assert holds(float(total.lower), float(total.upper), change), f"Taylor model of degree {degree}"
        if np.all(np.isfinite(bound.polynomial)):
            limit = bound.at(s)
            assert not change > arb.Arb(limit.numerator) / limit.denominator, "segment bound"
            counts["finite segment bounds"] += 1
        counts["points on segments"] += 1


def check_decisions(case: Case, counts: Counter[str]) -> None:
    problem, w = case.problem, case.problem.initial_weights
    rng = np.random.default_rng(case.seed + 1)
    for length in (2.0 ** -int(rng.integers(0, 8)), 2.0 ** -int(rng.integers(20, 52))):
        following = w + length * case.directions[1]
        decision = decide_decrease(problem, w, following)
        with arb.precision(BITS[case.kind]):
            change = exact_error(case, following) - exact_error(case, w)
        assert holds(decision.lower, decision.upper, change), "bounds of a decision"
        if decision.sign is not None:
            claims = {-1: change < 0, 0: change.contains(0), 1: change > 0}
            assert claims[decision.sign], "sign of a decision"
            counts["decided"] += 1
        else:
            counts["undecided"] += 1
        if decision.decreases.name == "PROVED":
            assert not change > 0, "a rising step proved"
