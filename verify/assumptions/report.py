"""All assumptions together, and what they say about monotone decrease."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from verify.arithmetic.environment import certified_environment
from verify.assumptions.boundedness import bounded_weights, prove_boundedness
from verify.assumptions.gradients import GIVEN, gradient_proof
from verify.assumptions.operation_regularity import regularity
from verify.assumptions.question import decreasing_words
from verify.assumptions.small_momentum import Setting, setting_for, small_momentum
from verify.assumptions.stationary_points import finitely_many_stationary_points
from verify.bounds.hessian import hessian_bound
from verify.budget import OverBudgetError
from verify.outcomes import Finding, InputError, Verdict
from verify.theorems.numbers import LEAST_CURVATURE
from verify.theorems.optimizers import Optimizer
from verify.theorems.ranges import range_of

if TYPE_CHECKING:
    from verify.bounds.regions import Region
    from verify.calculus.objective import Objective


class Bound(Protocol):
    """What is known about the curvature: L, or why there is none and what to do about it."""

    @property
    def value(self) -> float | None:
        """Proved upper bound L."""

    @property
    def reason(self) -> str | None:
        """Why there is no L."""

    @property
    def remedy(self) -> str | None:
        """What to change to get one."""


@dataclass(frozen=True)
class Report:
    """The findings about a problem and a region.

    Parameters
    ----------
    findings : tuple of Finding
        A1, A2, A3, A4 and the gradients.
    """

    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """Whether every step in the region decreases the error (V for mu): the conjunction of what counts."""
        return Verdict.weakest([finding.verdict for finding in self.findings if finding.counted])

    def __getitem__(self, name: str) -> Finding:
        """Return the finding with an id, e.g. ``"A4"``."""
        for finding in self.findings:
            if finding.id == name:
                return finding
        raise InputError(
            "no such finding",
            id=name,
            known=[finding.id for finding in self.findings],
            remedy="give one of those known",
        )

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {
            "verdict": self.verdict.value,
            "assumptions": [finding.to_json() for finding in self.findings if finding.id != "gradients"],
            "gradients": self["gradients"].to_json(),
        }

    def __str__(self) -> str:
        lines = [f"{finding.id}: {finding.verdict.value}: {finding.statement}" for finding in self.findings]
        theorem = self["A4"].theorem
        what, rest = decreasing_words(theorem), theorem == "from_rest"
        steps = "every step from rest that stays, as all before it," if rest else "every step that stays"
        given = "" if self["gradients"].counted else f"{GIVEN}, "
        answer = f"{given}{steps} in the region decreases {what}: {self.verdict.value}"
        return "\n".join([*lines, answer])


@certified_environment()
def check_assumptions(
    problem: Objective,
    region: Region | None = None,
    setting: Any = None,
    *,
    curvature: Bound | None = None,
    increase: Mapping[str, Any] | None = None,
    gradients: Finding | None = None,
) -> Report:
    """Decide A1-A4 and the gradients for a problem on a region.

    Parameters
    ----------
    problem : Problem or GraphProblem
    region : Region, optional
        Default: the problem's own.
    setting : Setting or Optimizer, optional
        The learning rate and momentum in question, or anything with ``eta``, ``tau``, ``mu`` and ``norm``; without it
        A4 asks whether any setting is admissible, and A2 is about the recommended one.
    curvature : optional
        What is known of the Hessian bound over the region (``value``, ``reason``, ``remedy``), if already computed.
    increase : mapping, optional
        A proved increase with the setting, see `small_momentum`.
    gradients : Finding, optional
        Of `prove_gradients`, if already computed.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        If there is no region, or it does not hold the initial weights.

    Examples
    --------
    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "tanh", "inputs": ["x"]}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, "y"), [[1.0], [2.0]], [[0.0], [0.5]])
    >>> report = check_assumptions(problem, verify.Ball(problem.initial_weights, 0.1))
    >>> report.verdict.value, [finding.verdict.value for finding in report.findings[:4]]
    ('PROVED', ['PROVED', 'UNDECIDED', 'PROVED', 'PROVED'])
    """
    where = region if region is not None else problem.region
    if where is None:
        raise InputError("no region to check the assumptions on", remedy="give a Ball or BoundedWeights", region=None)
    where.check_start(problem.initial_weights)
    bound = curvature if curvature is not None else _bound(problem, where)
    L = None if bound.value is None else max(bound.value, LEAST_CURVATURE)
    asked = setting_for(problem, setting)
    return Report(
        (
            regularity(problem, L, bound.reason, bound.remedy),
            bounded_weights(
                where, None if L is None or isinstance(asked, Optimizer) else _proof(problem, where, L, asked)
            ),
            _stationary_points(problem, where, math.inf if L is None else L),
            small_momentum(
                L, asked, increase, reason=bound.reason or "unknown", remedy=bound.remedy or "use a smaller region"
            ),
            gradients if gradients is not None else gradient_proof(problem),
        )
    )


def _stationary_points(problem: Objective, region: Region, L: float) -> Finding:
    try:
        return finitely_many_stationary_points(problem, region, L)
    except OverBudgetError as error:
        return Finding("A3", Verdict.UNDECIDED, error.reason, counted=False, remedy=error.remedy)


@dataclass(frozen=True)
class _Known:
    value: float | None
    reason: str | None = None
    remedy: str | None = None


def _bound(problem: Objective, region: Region) -> Bound:
    try:
        return _Known(hessian_bound(problem, region).value)
    except InputError as error:
        return _Known(None, f"{error.where}: {error.what}" if error.where else error.what, error.remedy)


def _proof(problem: Objective, region: Region, L: float, setting: Setting | None) -> Any:
    if setting is None:
        return prove_boundedness(problem, region, L, *range_of("sharp").recommended(L), "sharp")
    return prove_boundedness(problem, region, L, setting.eta, setting.momentum, setting.theorem, setting.previous_step)
