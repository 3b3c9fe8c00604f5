"""Decide rigorously whether the error rises or falls between two stored weights."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import singledispatch
from typing import Any

import numpy as np

from verify.activations.arb_numbers import rational_ball
from verify.arithmetic import arb
from verify.arithmetic.decimals import at_least, at_most
from verify.arithmetic.environment import certified_environment
from verify.arithmetic.floats import fraction
from verify.arithmetic.intervals import Interval
from verify.arithmetic.rational import round_down, round_up
from verify.calculus.difference import difference_enclosure
from verify.calculus.exact import error_in_arb
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.notebook import table
from verify.outcomes import Verdict

MAXIMAL_PRECISION = 1024


@dataclass(frozen=True)
class Decision:
    """Sign of E(w_next) - E(w), with the enclosure that proves it.

    Parameters
    ----------
    sign : int or None
        -1, 0 or 1; None if undecided at the precision stated.
    lower, upper : float
        Outward float64 bounds of the difference.
    precision : int
        Bits of the arithmetic that decided: 53 for float64 enclosures, else Arb's.
    """

    sign: int | None
    lower: float
    upper: float
    precision: int

    @property
    @certified_environment(products=False)
    def decreases(self) -> Verdict:
        """Verdict on E(w_next) <= E(w)."""
        if self.sign is None:
            return Verdict.PROVED if self.upper <= 0 else Verdict.UNDECIDED
        return Verdict.PROVED if self.sign <= 0 else Verdict.REFUTED

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        rows = [
            ("change of E", f"in [{at_most(self.lower)}, {at_least(self.upper)}]"),
            ("decided with", f"{self.precision} bits"),
        ]
        return table("Does this step decrease the error?", rows, self.decreases.value)


@certified_environment()
@singledispatch
def decide_decrease(
    problem: Objective,
    w: Any,
    w_next: Any,
    *,
    maximal_precision: int = MAXIMAL_PRECISION,
    plus: Fraction = Fraction(0),
) -> Decision:
    """Decide the sign of E(w_next) - E(w) + plus for stored float64 weights.

    Interval arrays first; if their enclosure contains 0, Arb with doubling precision. Every kind of `Objective` has its
    own form.

    Parameters
    ----------
    problem : Problem or GraphProblem
    w, w_next : array, shape (P,)
    maximal_precision : int
        Bits at which to give up; 53 forbids Arb.
    plus : Fraction
        An exact number to add, such as the change of mu/(2 eta) |D|^2 in theorem ``heavy_ball``.

    Returns
    -------
    Decision

    Examples
    --------
    >>> import numpy as np, verify
    >>> from verify.calculus.decide import decide_decrease
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"], "bias": False}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, output="y"), [[1.0]], [[1.0]])
    >>> decide_decrease(problem, np.array([0.5]), np.array([0.5000001])).sign
    -1
    """
    raise NotImplementedError(f"no decision for {type(problem).__name__}")


@decide_decrease.register
def _decide_by_differences(
    problem: Problem,
    w: Any,
    w_next: Any,
    *,
    maximal_precision: int = MAXIMAL_PRECISION,
    plus: Fraction = Fraction(0),
) -> Decision:
    weights, following = problem.check_weights(w), problem.check_weights(w_next)
    plus = fraction(plus, "plus")
    if np.array_equal(weights, following):
        return Decision((plus > 0) - (plus < 0), round_down(plus), round_up(plus), 53)
    lower, upper = _sum(difference_enclosure(problem, weights, following), plus)
    sign = _sign(lower, upper)
    precision = 53
    while sign is None and 2 * precision <= maximal_precision:
        precision = 128 if precision == 53 else 2 * precision
        with arb.precision(precision):
            change = error_in_arb(problem, following) - error_in_arb(problem, weights) + rational_ball(plus)
            if not change.is_nan():
                new_lower, new_upper = arb.bounds(change)
                lower, upper = max(lower, new_lower), min(upper, new_upper)
        sign = _sign(lower, upper)
    return Decision(sign, lower, upper, precision)


def _sum(bounds: tuple[float, float], plus: Fraction) -> tuple[float, float]:
    if not plus:
        return bounds
    total = Interval.from_bounds(*bounds) + Interval.from_bounds(round_down(plus), round_up(plus))
    return float(total.lower), float(total.upper)


def _sign(lower: float, upper: float) -> int | None:
    if upper < 0:
        return -1
    if lower > 0:
        return 1
    return 0 if lower == upper == 0 else None
