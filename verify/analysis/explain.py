"""What dominates the Hessian bound L, and which change of the problem buys how much: by recomputing the bound."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from verify.analysis.changes import Change, possible_changes
from verify.analysis.hypotheses import Hypotheses
from verify.arithmetic.decimals import at_least
from verify.arithmetic.environment import as_users_code, certified_environment
from verify.bounds.attack import attack_hessian
from verify.bounds.curvature import Curvature, examine_curvature
from verify.bounds.hessian import check_smooth, hessian_bound
from verify.bounds.hessian_result import UndecidedHessianError
from verify.calculus.objective import Objective
from verify.graph.problem import GraphProblem
from verify.notebook import table
from verify.outcomes import InputError, Verdict
from verify.theorems.numbers import LEAST_CURVATURE
from verify.theorems.ranges import RANGES

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting
    from verify.spec import Specification

DEFAULT_BUDGET = 120.0


@dataclass(frozen=True)
class Effect:
    """What one change does to L and to the admissible range.

    Parameters
    ----------
    kind, change : str
        See `Change`.
    value, attack : float or None
        The bound L of the changed problem and the curvature that an attack reached in it.
    method : str or None
        How L was found.
    before : float or None
        L of the problem as it is, to which `factor` refers: by norms if `by_norms`.
    factor : float or None
        before/value: by how much the admissible learning rates grow.
    by_norms : bool
        Both bounds were found by the cheap method, because the time budget was spent.
    eta_max, eta, tau : float or None
        2/L, and the recommended setting with the changed problem.
    refusal : str or None
        Why there is no L: the change is not possible, or the changed problem has no bound.
    """

    kind: str
    change: str
    value: float | None = None
    attack: float | None = None
    method: str | None = None
    before: float | None = None
    factor: float | None = None
    by_norms: bool = False
    eta_max: float | None = None
    eta: float | None = None
    tau: float | None = None
    refusal: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "kind": self.kind,
            "change": self.change,
            "lipschitz": {"value": self.value, "attack": self.attack, "method": self.method},
            "before": self.before,
            "factor": self.factor,
            "by_norms": self.by_norms,
            "eta_max": self.eta_max,
            "eta": self.eta,
            "tau": self.tau,
            "refusal": self.refusal,
        }


@dataclass(frozen=True)
class Explanation:
    """What dominates L, and the effects of changes, the largest gain first.

    Parameters
    ----------
    name : str
        Of the problem.
    curvature : Curvature
        L of the problem as it is, with the contributions of the vertices, or of the parameters, and the terms.
    effects : tuple of Effect
    parts : {"vertices", "parameters"}
        Whose contributions they are.
    """

    name: str
    curvature: Curvature
    effects: tuple[Effect, ...]
    parts: Literal["vertices", "parameters"] = "vertices"

    @property
    def verdict(self) -> Verdict:
        """PROVED if there is a bound L to explain."""
        return Verdict.UNDECIDED if self.curvature.value is None else Verdict.PROVED

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "name": self.name,
            "verdict": self.verdict.value,
            "lipschitz": self.curvature.to_json(),
            "parts": self.parts,
            "shares": shares_of(self.curvature),
            "changes": [effect.to_json() for effect in self.effects],
        }

    def _repr_html_(self) -> str:
        """Return a table for notebooks."""
        bound = self.curvature.value
        rows = [("L", "no bound was found" if bound is None else f"at most {at_least(bound)}")]
        for effect in self.effects:
            found = effect.refusal or ("no bound" if effect.value is None else f"L at most {at_least(effect.value)}")
            rows.append((effect.kind, f"{effect.change}: {found}"))
        return table(f"{self.name}: what dominates L, and what changes buy", rows, self.verdict.value)


@certified_environment()
def explain(
    specification: Specification,
    *,
    budget: float = DEFAULT_BUDGET,
    seed: int = 0,
    progress: Callable[[str], None] = lambda message: None,
) -> Explanation:
    """Measure what dominates L and what changes buy.

    Every change is made, and L bounded and attacked again. The cheap bound by norms comes first for all of them; the
    best method follows, for the changed radius first and then for what gained most, until the budget is spent. What is
    left is compared by norms on both sides. A change after which a hypothesis fails that held before is refused.

    Parameters
    ----------
    specification : Specification
        With a region.
    budget : float
        Seconds of processor time for the best method; 0 for the cheap one only.
    seed : int
        Of the attacks.
    progress : callable
        Called with what is being done.

    Returns
    -------
    Explanation

    Raises
    ------
    InputError
        If the problem has no region, or the budget is not a number of seconds.

    Examples
    --------
    >>> import verify
    >>> found = explain(verify.load_specification("examples/xor_skip.toml"), budget=0)
    >>> max(found.curvature.contributions, key=found.curvature.contributions.get)
    'h1'
    >>> all(effect.factor > 0 for effect in found.effects if effect.refusal is None)
    True
    """
    if not 0 <= budget < float("inf"):
        raise InputError("the budget must be a number of seconds", budget=budget, remedy="use budget >= 0")
    problem = specification.problem
    started = time.process_time()
    progress = as_users_code(progress)
    progress("bounding the Hessian")
    curvature = examine_curvature(problem, seed=seed)
    cost = time.process_time() - started
    cheap = _by_norms(problem, seed).value if curvature.value is not None else None
    kept = Hypotheses.of(problem, curvature.value, specification.momentum)
    kept_by_norms = Hypotheses.of(problem, cheap, specification.momentum)
    effects, problems = [], []
    for change in possible_changes(specification):
        progress(change.words)
        changed, effect = _made(change, cheap, seed)
        if changed is not None:
            effect = _without_losses(effect, changed, kept_by_norms, specification.momentum)
        effects.append(effect)
        problems.append(changed)
    started = time.process_time()
    for index in sorted(range(len(effects)), key=lambda index: _priority(effects[index])):
        changed = problems[index]
        if changed is None or time.process_time() - started + cost > budget:
            continue
        progress(f"{effects[index].change}: by the best method")
        begun = time.process_time()
        found = examine_curvature(changed, seed=seed)
        cost = max(cost, time.process_time() - begun)
        effect = _effect(effects[index], found, curvature.value, by_norms=False)
        effects[index] = _without_losses(effect, changed, kept, specification.momentum)
    parts: Literal["vertices", "parameters"] = "parameters" if isinstance(problem, GraphProblem) else "vertices"
    return Explanation(problem.name, curvature, tuple(sorted(effects, key=_rank)), parts)


def _without_losses(effect: Effect, changed: Objective, kept: Hypotheses, setting: Setting | None) -> Effect:
    """Refuse a change after which a hypothesis no longer holds that held before."""
    if effect.refusal is not None:
        return effect
    lost = kept.lost(Hypotheses.of(changed, effect.value, setting))
    return effect if lost is None else Effect(effect.kind, effect.change, refusal=lost)


def _made(change: Change, before: float | None, seed: int) -> tuple[Objective | None, Effect]:
    """Make a change and bound the result by norms."""
    effect = Effect(change.kind, change.words)
    try:
        problem = change.make()
    except InputError as error:
        return None, Effect(
            change.kind, change.words, refusal=f"not possible: {InputError(error.what, **error.values)}"
        )
    return problem, _effect(effect, _by_norms(problem, seed), before, by_norms=True)


def _by_norms(problem: Objective, seed: int) -> Curvature:
    region = problem.region
    try:
        check_smooth(problem)
        attack = attack_hessian(problem, region, points=1, ascents=0, seed=seed)
        bound = hessian_bound(problem, region, "norms", cells=1)
    except UndecidedHessianError as error:
        reason = f"{error.where}: {error.what}" if error.where else error.what
        return Curvature(None, attack.value, str(region), reason=reason)
    except InputError as error:
        return Curvature(None, None, str(region), reason=f"{error.where}: {error.what}")
    return Curvature(bound.value, attack.value, str(region), bound.method, bound.contributions)


def _effect(effect: Effect, found: Curvature, before: float | None, *, by_norms: bool) -> Effect:
    if found.value is None:
        return Effect(effect.kind, effect.change, attack=found.attack, refusal=f"no bound L: {found.reason}")
    L, sharp = max(found.value, LEAST_CURVATURE), RANGES["sharp"]
    eta, tau = sharp.recommended(L)
    return Effect(
        effect.kind,
        effect.change,
        found.value,
        found.attack,
        found.method,
        before,
        None if before is None else before / L,
        by_norms,
        sharp.eta_limit(L),
        eta,
        tau,
    )


def _priority(effect: Effect) -> tuple[bool, float]:
    return effect.kind != "radius", -(effect.factor or 0.0)


def _rank(effect: Effect) -> tuple[bool, float]:
    """Refused changes last; where there was no L before, the smallest new L first."""
    if effect.value is None:
        return True, 0.0
    return False, effect.value if effect.factor is None else -effect.factor


def shares_of(curvature: Curvature) -> list[dict[str, Any]]:
    """Return the shares of L of the vertices, or of the parameters, the largest first.

    Contributions that overflow share all of it.
    """
    parts = sorted(curvature.contributions.items(), key=lambda item: -item[1])
    largest = max(curvature.contributions.values(), default=0.0)
    weights = [_of_largest(part, largest) for _, part in parts]
    total = sum(weights)
    return [
        {"vertex": name, "share": weight / total if total > 0 else 0.0}
        for (name, _), weight in zip(parts, weights, strict=True)
    ]


def _of_largest(part: float, largest: float) -> float:
    if part == largest:
        return float(part > 0)
    return part / largest if largest < math.inf else 0.0
