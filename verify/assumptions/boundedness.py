"""A2: the weights stay in a compact convex set: assumed, or proved by weight decay or for a number of steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verify.arithmetic.environment import certified_environment
from verify.assumptions.question import start_words
from verify.bounds.regions import BoundedWeights
from verify.outcomes import Finding, InputError, Verdict
from verify.theorems.horizon import Horizon, error_lower_bound, horizon
from verify.theorems.weight_decay import WeightDecay, weight_decay

if TYPE_CHECKING:
    from verify.bounds.regions import Region
    from verify.calculus.objective import Objective

NEEDED_FOR = "L holds inside the region only; the question of one step's decrease is about steps that stay inside"


@certified_environment(products=False)
def bounded_weights(region: Region, proof: WeightDecay | Horizon | None = None) -> Finding:
    """State A2: the region is given, so it is assumed, unless a theorem proves that no step leaves it.

    Parameters
    ----------
    region : Region
    proof : WeightDecay or Horizon, optional
        Of the setting in question.

    Returns
    -------
    Finding
        ``"A2"``, never counted: PROVED by weight decay for ever, or by a horizon for its steps; else UNDECIDED and
        ``assumed``.

    Examples
    --------
    >>> finding = bounded_weights(BoundedWeights(2.0))
    >>> finding.verdict.value, finding.assumed, finding.counted
    ('UNDECIDED', True, False)
    """
    numbers: dict[str, Any] = {"region": region.to_data()}
    starts = proof is not None and proof.theorem in ("heavy_ball", "from_rest")
    start = f", {start_words(proof.previous_step)}" if proof is not None and starts else ""
    if isinstance(proof, WeightDecay) and proof.verdict is Verdict.PROVED:
        return _proved(
            f"every iterate stays in |w| <= {proof.sublevel_radius!r}, for ever{start}",
            "weight_decay",
            numbers | {"sublevel_radius": proof.sublevel_radius},
        )
    if isinstance(proof, Horizon) and proof.verdict is Verdict.PROVED:
        count = proof.largest_steps
        steps = (
            "any number of steps" if count is None else "the first step" if count == 1 else f"the first {count} steps"
        )
        return _proved(
            f"{steps} {'stays' if count == 1 else 'stay'} in the region{start}",
            "horizon",
            numbers | {"largest_steps": proof.largest_steps},
        )
    return Finding(
        id="A2",
        verdict=Verdict.UNDECIDED,
        statement=f"the weights stay in the region {region}",
        numbers=numbers,
        needed_for=NEEDED_FOR,
        counted=False,
        assumed=True,
        remedy="dagverify recommend SPEC proves it for numbers of steps; to prove it for ever, add weight decay and a "
        "region |w| <= radius with radius > sqrt(2 E(w0)/weight_decay)",
    )


@certified_environment()
def prove_boundedness(
    problem: Objective,
    region: Region,
    L: float,
    eta: float,
    momentum: float,
    theorem: str,
    previous_step: float = 0.0,
) -> WeightDecay | Horizon | None:
    """Try to prove A2 for a setting, from the initial weights, by weight decay, else for as many steps as possible.

    Parameters
    ----------
    problem : Problem or GraphProblem
    region : Region
    L : float
        Hessian bound over the region.
    eta, momentum : float
        Setting.
    theorem : {"sharp", "from_rest", "restart", "heavy_ball"}
        Whose range is to hold the setting.
    previous_step : float
        Upper bound of |D_0|, for the heavy ball.

    Returns
    -------
    WeightDecay, Horizon or None
        Either is PROVED, the horizon for at least one step; None if neither theorem applies.
    """
    w = problem.initial_weights
    try:
        lower, upper = problem.error_enclosure(w)
        if isinstance(region, BoundedWeights) and problem.quadratic_growth > 0:
            decided = weight_decay(
                L, upper, problem.quadratic_growth, eta, momentum, region.radius, theorem, previous_step
            )
            if decided.verdict is Verdict.PROVED:
                return decided
        radius = region.room(w)
        if radius <= 0:
            return None
        slope = float(problem.gradient_enclosure(w).norm().upper)
        infimum = error_lower_bound(max(problem.least_error, lower), slope, radius, L, problem.least_error)
        limited = horizon(L, upper, infimum, eta, momentum, radius, 1, theorem, previous_step)
    except InputError:
        return None
    return limited if limited.verdict is Verdict.PROVED else None


def _proved(statement: str, theorem: str, numbers: dict[str, Any]) -> Finding:
    return Finding("A2", Verdict.PROVED, statement, theorem, (), numbers, needed_for=NEEDED_FOR, counted=False)
