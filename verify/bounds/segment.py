"""An upper bound of the error along a step: E(w + t D) - E(w) <= c1 t + c2 t^2 + ... + c6 t^6 on [0, T].

Taylor models of degree 3 (`segment_model`) give it (`segment_loss`); c1 and c2 are the slope and half the curvature at
the start, exact but for rounding. Where the first samples show that the remainders of third order are large, those of
second order are carried too (`segment_bent`) and give a second polynomial, of degree 3. Networks with activations that
are not smooth get c1 t + c2 t^2 from interval slopes.

The computation runs with 2^k D and T/2^k, k such that the largest entry of 2^k D lies in [1/2, 1): then float32 neither
overflows nor underflows where the network's numbers do not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

import numpy as np

from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import exact_float
from verify.bounds.segment_edges import Formats, Precision
from verify.bounds.segment_result import SegmentBound
from verify.bounds.segment_sums import SlopeSum, TaylorSum
from verify.bounds.start import StartPass, has_taylor_models
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.calculus.sample_sum import SampleSum
from verify.outcomes import InputError


@certified_environment()
@singledispatch
def segment_bound(problem: Objective, w: Any, D: Any, T: float, start: Any = None, **options: Any) -> SegmentBound:
    """Bound the error along w + t D, 0 <= t <= T, from above.

    Parameters
    ----------
    problem : Problem
    w, D : array, shape (P,)
        Start and direction, exact float64.
    T : float
        Length of the segment in units of D.
    start : StartPass, optional
        Classical problems: spares the forward pass where it holds that of w.
    **options
        Classical problems: ``precision``, ``"mixed"`` by default, the arithmetic of the Taylor models, its rounding
        bounded. ``"mixed"``: the error and its slope in float64, the rest in float32, nearly as tight as ``"float64"``
        and cheaper; where float32 overflows, all in float64. ``"float32"`` is the cheapest, and loose where the slope
        of the error is small. Interval slopes are always in float64.
        Graphs: ``degree``, the order of the remainder, 3 by default.

    Returns
    -------
    SegmentBound
        Its coefficients are inf where the arithmetic overflows.

    Raises
    ------
    InputError
        If T is not positive and finite, w or D is not a finite (P,) array, or there is no such precision.

    Examples
    --------
    >>> import numpy as np, verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, output="y"), [[1.0]], [[0.0]])
    >>> bound = segment_bound(problem, np.array([1.0]), np.array([-1.0]), 2.0)
    >>> round(bound.best_step, 12), bound.decrease <= 0.5, round(bound.decrease, 12)
    (1.0, True, 0.5)
    """
    raise NotImplementedError(f"no segment bound for {type(problem).__name__}")


@segment_bound.register
def _classical_segment_bound(
    problem: Problem, w: Any, D: Any, T: float, start: StartPass | None = None, *, precision: Precision = "mixed"
) -> SegmentBound:
    return classical_segment_bound(problem, w, D, T, SampleSum.alone, precision, start)


@certified_environment()
def classical_segment_bound(
    problem: Problem,
    w: Any,
    D: Any,
    T: float,
    summed: Callable[[SampleSum[Any, SegmentBound]], SegmentBound],
    precision: Precision = "mixed",
    start: StartPass | None = None,
) -> SegmentBound:
    """Return the bound of `segment_bound`; `summed` adds up its samples.

    Parameters
    ----------
    problem, w, D, T, precision, start
        As there.
    summed : callable
        From a sum over samples to its answer.
    """
    weights, direction = problem.check_weights(w), problem.check_weights(D)
    T = exact_float(T, "T")
    if not (np.isfinite(T) and T > 0):
        raise InputError("the length of a segment must be positive and finite", T=T, remedy="give a finite T > 0")
    formats = Formats.of(precision)
    if not has_taylor_models(problem.architecture):
        return summed(SlopeSum(problem, weights, direction, T))
    bound = summed(TaylorSum(problem, weights, direction, T, formats, start))
    if precision == "mixed" and not bound.is_finite:
        return summed(TaylorSum(problem, weights, direction, T, Formats.of("float64")))
    return bound
