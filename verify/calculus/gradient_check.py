"""Numerical gradients against the proved recursion, evaluated in 50-digit arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.lengths import length
from verify.budget import check_estimate
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.calculus.symbolic.comparison import (
    Gradient,
    GradientComparison,
    against_enclosure,
    against_reference,
    through_the_enclosure,
)
from verify.calculus.symbolic.evaluation import affordable_samples, slope_flaw
from verify.calculus.symbolic.expansion import longest_path
from verify.outcomes import Finding, InputError, Verdict

if TYPE_CHECKING:
    from verify.architecture import Architecture

CHECK = "the numerical check of the gradients"
SECONDS_PER_VERTEX = 2.5e-3
"""Measured on one core: what a point takes however narrow the vertices are."""
DEEP = 8
"""Vertices one behind another from which on bounds of rounding may be far above rounding, wherever the point is."""
AGREES, DIFFERS, OPEN = "AGREES", "DIFFERS", "OPEN"
COARSEST_RESOLUTION = 1e-3
SINGLE_ROUNDOFF = 2.0**-24
MISTAKE_REMEDY = (
    "look for a lost edge, a transposed matrix, the derivative of the activation, the factor of the mean, "
    "the bias or the weight decay"
)
SINGLE_REMEDY = f"{MISTAKE_REMEDY}; if it is computed in single precision, return it as a float32 array"
COARSE_REMEDY = (
    "give points where the gradient is not close to zero, or use fewer layers: rounding bounds grow with each"
)
OVERFLOW_REMEDY = "give points where nothing overflows and no pre-activation meets a kink, or use fewer layers"


@certified_environment()
@singledispatch
def check_gradient(
    problem: Objective,
    user_gradient: Gradient | None = None,
    *,
    points: int | Sequence[np.ndarray] = 3,
    seed: int = 0,
) -> Finding:
    """Compare a numerical gradient with the proved recursion at random points.

    The reference runs the recursion from the defining terms of the edges in Arb arithmetic with more than 50
    digits. If the data are too many for that, it covers a random subset of the samples, drawn anew at
    every point: there the problem's own gradient and its rigorous enclosure are compared with the reference, and the
    gradient over all samples with the enclosure. With more weights than `LARGEST_REFERENCE` the enclosure alone is the
    reference. Every one of the P entries is compared. An entry is
    refuted only if its error exceeds what rounding can do, an error bound for any order of summation
    (see `verify.calculus.symbolic.rounding`) in the precision of the array given.

    Parameters
    ----------
    problem : Problem or GraphProblem
    user_gradient : callable, optional
        From w (P,) to anything that ``np.asarray`` turns into P real numbers: the gradient over all samples,
        reduction and weight decay included. Default: ``problem.gradient``.
    points : int or sequence of arrays (P,)
        How many points near the initial weights, biases moved too; or the points themselves.
    seed : int
        Of points and subsets.

    Returns
    -------
    Finding
        ``"gradient_check"``, with ``numbers["outcome"]``: ``"DIFFERS"``, REFUTED with the weight, the point and both
        values; ``"AGREES"`` at these points, which is evidence and no proof, so UNDECIDED; ``"OPEN"`` and UNDECIDED
        where a value is not finite or rounding alone could hide a wrong gradient. The largest error of an entry
        relative to the gradient's norm is ``numbers["max_relative_error"]``.

    Raises
    ------
    InputError
        If the gradient given cannot be called with w, or returns the wrong shape or type.

    Examples
    --------
    >>> import numpy as np, verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, "y"), np.array([[2.0]]), np.array([[1.0]]))
    >>> check_gradient(problem).numbers["outcome"]
    'AGREES'
    >>> check_gradient(problem, lambda w: 2 * problem.gradient(w)).verdict.value
    'REFUTED'
    """
    raise NotImplementedError(f"no check of gradients for {type(problem).__name__}")


@check_gradient.register
def _against_recursion(
    problem: Problem,
    user_gradient: Gradient | None = None,
    *,
    points: int | Sequence[np.ndarray] = 3,
    seed: int = 0,
) -> Finding:
    rng = np.random.default_rng(seed)
    places = points_near_start(problem, points, rng)
    vertices = len(problem.architecture.order)
    check_estimate(SECONDS_PER_VERTEX * vertices * len(places), CHECK, "use fewer vertices", vertices=vertices)
    covered = min(problem.samples, affordable_samples(problem.architecture))
    comparisons: list[GradientComparison] = []
    for w in places:
        if covered == 0:
            comparisons.append(against_enclosure(problem, w, user_gradient))
        elif covered == problem.samples:
            comparisons.append(against_reference(problem, w, user_gradient))
        else:
            rows = np.sort(rng.choice(problem.samples, covered, replace=False))
            comparisons += through_the_enclosure(problem, w, user_gradient, rows)
    flaws = _slope_flaws(problem.architecture, rng)
    return _finding(problem, comparisons, covered, len(places), user_gradient is not None, flaws)


def points_near_start(
    problem: Objective, points: int | Sequence[np.ndarray], rng: np.random.Generator
) -> list[np.ndarray]:
    """Return the points given, or so many random ones around the initial weights.

    Raises
    ------
    InputError
        If there is none.
    """
    if not isinstance(points, (int, np.integer)):
        places = [problem.check_weights(point) for point in points]
    else:
        start = problem.initial_weights
        spread = max(length(start) / float(np.sqrt(start.size)), 0.1) if start.size else 0.0
        with np.errstate(over="ignore"):
            drawn = [start + spread * rng.standard_normal(start.shape) for _ in range(points)]
        places = [place if np.all(np.isfinite(place)) else start for place in drawn]
    if not places:
        raise InputError("a gradient is checked at one point at least", points=points, remedy="use points=3")
    return places


def _slope_flaws(architecture: Architecture, rng: np.random.Generator) -> list[str]:
    activations = {repr(v.activation_spec): v.activation for v in architecture.vertices.values() if v.activation}
    points = [float(point) for point in rng.standard_normal(4)]
    flaws = (slope_flaw(activation, points) for activation in activations.values())
    return [flaw for flaw in flaws if flaw is not None]


def _finding(
    problem: Problem, comparisons: list[GradientComparison], covered: int, points: int, is_given: bool, flaws: list[str]
) -> Finding:
    what = "the gradient given" if is_given else "problem.gradient"
    through = f"{what} on all {problem.samples} samples with the enclosure"
    checked = f"problem.gradient and its enclosure on {covered} random samples with the recursion in 50 digits, "
    checked += f"and {through}"
    if covered == 0:
        checked = f"{through}, and nothing in 50 digits, for which the weights are too many"
    elif covered == problem.samples:
        checked = f"{what} on all {problem.samples} samples with the recursion in 50 digits"
    numbers: dict[str, Any] = {
        "checked": f"every one of {problem.architecture.size} entries at {points} points: {checked}",
        "max_relative_error": _largest(c.relative_error for c in comparisons),
        "max_error_in_roundoffs": _largest(c.relative_error / c.roundoff for c in comparisons),
        "resolution": _largest(c.resolution for c in comparisons),
        "points": points,
        "samples_in_50_digits": covered,
    }
    outcome, statement, counterexample, remedy = _decided(problem.architecture, comparisons, flaws, checked, points)
    numbers["outcome"] = outcome
    return Finding(
        id="gradient_check",
        verdict=Verdict.REFUTED if outcome == DIFFERS else Verdict.UNDECIDED,
        statement=statement,
        numbers=numbers,
        arithmetic="float64 against Arb at 200 bits, its rounding bounded by an error analysis",
        needed_for="that the code runs the gradient which was proved",
        counterexample=counterexample,
        remedy=remedy,
    )


def _largest(values: Iterable[float]) -> float | None:
    """Return the largest value, None if one is not finite: JSON has no such number."""
    listed = list(values)
    return max(listed) if np.all(np.isfinite(listed)) else None


def _decided(
    architecture: Architecture, comparisons: list[GradientComparison], flaws: list[str], checked: str, points: int
) -> tuple[str, str, dict[str, Any] | None, str | None]:
    parts = architecture.layout.slices.values()
    deep = longest_path(architecture) > DEEP
    measured = [comparison.measured(parts) if deep else np.inf for comparison in comparisons]
    for comparison, distance in zip(comparisons, measured, strict=True):
        if not comparison.is_finite and not distance <= _near(comparison):
            statement = f"{comparison.what} or its reference has no finite value"
            if np.all(np.isfinite(comparison.given + comparison.error)):
                statement = f"what rounding may do to {comparison.what} is not bounded: it grows from layer to layer"
            return OPEN, statement, None, OVERFLOW_REMEDY
        if comparison.worst is not None:
            example = _counterexample(architecture, comparison, comparison.worst)
            statement = (
                f"{comparison.what} is wrong at {example['weight']}: it gives {example['given']!r}, "
                f"the recursion {example['expected']!r}, rounding explains {example['allowance']:.1e}"
            )
            is_single = comparison.roundoff < SINGLE_ROUNDOFF and comparison.relative_error < 16 * SINGLE_ROUNDOFF
            return DIFFERS, statement, example, SINGLE_REMEDY if is_single else MISTAKE_REMEDY
    if flaws:
        return OPEN, f"the reference is in doubt: {flaws[0]}", None, "report this activation"
    coarse = [
        (comparison, distance)
        for comparison, distance in zip(comparisons, measured, strict=True)
        if not comparison.resolution <= COARSEST_RESOLUTION
    ]
    if not all(distance <= _near(comparison) for comparison, distance in coarse):
        coarsest = max(comparison.resolution for comparison, _ in coarse)
        statement = f"rounding may be {coarsest:.1e} of the gradient's norm, so a wrong gradient could hide in it"
        return OPEN, statement, None, COARSE_REMEDY
    how = "every entry agrees up to rounding"
    if coarse:
        largest = max(distance for _, distance in coarse)
        how = f"every edge's and bias's part of the gradient is within {largest:.1e} of its norm of the exact one"
    return AGREES, f"at {points} points {how}, no proof elsewhere: {checked}", None, None


def _near(comparison: GradientComparison) -> float:
    """Return how near to the exact gradient each part must be where a bound of the rounding says nothing.

    Bounds of rounding grow from layer to layer, rounding itself hardly. That half of the digits are right shows no less
    than such a bound: a mistake that hides is smaller than that part of its own edge's gradient.
    """
    return min(COARSEST_RESOLUTION, comparison.roundoff**0.5)


def _counterexample(architecture: Architecture, comparison: GradientComparison, position: int) -> dict[str, Any]:
    layout = architecture.layout
    key = next(key for key, place in layout.slices.items() if place.start <= position < place.stop)
    index = np.unravel_index(position - layout.slices[key].start, layout.shapes[key])
    return {
        "weight": f"{key!r}[{', '.join(str(int(i)) for i in index)}]",
        "position": position,
        "given": float(comparison.given[position]),
        "expected": float(comparison.expected[position]),
        "allowance": float(comparison.allowance[position]),
        "gradient_of": comparison.what,
        "samples": None if comparison.rows is None else comparison.rows.tolist(),
        "w": comparison.w.tolist(),
    }
