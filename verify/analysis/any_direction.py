"""The learning rates of one step from given weights, for every previous step (theorem `any_direction`).

No region has to be chosen.

Let g = grad E(w), its blocks g_v those of the vertices, or of the parameters of a graph of operations, and let L(eta)
bound ||Hess E|| where every block is within eta |g_v| of w. If
eta L(eta) <= 2, then every step D = -eta' g + m with momentum |m_v| <= tau' |g_v| in every block, tau' <= eta' and
eta' + tau' <= eta does not increase E.

Proof. |D_v| <= (eta' + tau') |g_v| <= eta |g_v|, so the segment to w + D stays in that convex set, where the curvature
is at most L = L(eta) (`second_derivative_descent`). By theorem `blockwise_momentum` |m| <= tau' |g|; tau' <= eta' and
eta' + tau' <= 2/L is the range of theorem `sharp`.

L(eta) does not fall with eta, so each bound computed at some eta proves all learning rates up to min(eta, 2/L(eta)).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic import arb, upward
from verify.arithmetic.decimals import at_least, at_most
from verify.arithmetic.environment import as_users_code, certified_environment
from verify.arithmetic.intervals import Interval
from verify.bounds.attack import attack_hessian
from verify.bounds.curvature import ATTACK_SECONDS
from verify.bounds.hessian import hessian_bound
from verify.bounds.hessian_result import UndecidedHessianError
from verify.bounds.regions import BlockBall
from verify.budget import OverBudgetError, remaining, time_limit
from verify.calculus.problem import NotCoveredError, Problem, classical
from verify.calculus.symbolic.evaluation import affordable_samples, reference_gradient
from verify.graph.problem import GraphProblem
from verify.outcomes import InputError, Verdict
from verify.sharing import sharing
from verify.theorems.numbers import LEAST_CURVATURE
from verify.theorems.ranges import RANGES

if TYPE_CHECKING:
    from verify.bounds.curvature import Curvature
    from verify.bounds.hessian import Method
    from verify.calculus.objective import Objective

DEFAULT_BOUNDS = 2
_CHEAP_BOUNDS = 8
_NORMS_OVER_MAJORANTS = 1.3
_ENOUGH = 1.01
_SECONDS_FOR_DIGITS = 1.0
"""Worth spending on the gradient in 50 digits where float64 cannot tell it from zero."""


@dataclass(frozen=True)
class AnyDirection:
    """Admissible settings of one step from w with momentum per block, whatever the previous step.

    Parameters
    ----------
    eta_max : float
        Every step with tau <= eta and eta + tau <= eta_max does not increase E; rounded down.
    eta_half : float
        The largest learning rate found with eta <= 1/L(eta).
    value : float
        L on the blocks |D_v| <= radius |g_v|, which proves `eta_max`.
    attack : float
        Proved lower bound of the curvature there.
    method : str
        How L was found.
    radius : float
        At least `eta_max`.
    eta, tau : float
        A setting well inside.
    gain : float
        c with E(w + D) <= E(w) - c |g|^2 for that setting.
    norm : {"vertex", "parameter"}
        What the blocks are.
    """

    eta_max: float
    eta_half: float
    value: float
    attack: float
    method: str
    radius: float
    eta: float
    tau: float
    gain: float
    norm: str = "vertex"

    @property
    def statement(self) -> str:
        """The range in words."""
        return (
            f"the next step decreases E for any previous step if tau <= eta, eta + tau <= {at_most(self.eta_max)} "
            f"(norms per {self.norm}; L in [{at_most(self.attack)}, {at_least(self.value)}] "
            f"on |D_v| <= {at_most(self.radius)} |g_v|)"
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "theorem": "sharp",
            "norm": self.norm,
            "eta_max": self.eta_max,
            "eta_half": self.eta_half,
            "lipschitz": {"value": self.value, "attack": self.attack, "method": self.method, "radius": self.radius},
            "eta": self.eta,
            "tau": self.tau,
            "gain": self.gain,
            "statement": self.statement,
        }


@certified_environment()
def examine_any_direction(
    problem: Objective,
    w: Any = None,
    *,
    bounds: int = DEFAULT_BOUNDS,
    curvature: Curvature | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> dict[str, Any]:
    """Return `any_direction` as plain data with a verdict; where there is none, the reason and the remedy."""
    if curvature is not None and curvature.value is None:
        return _unproved(curvature.reason or "no bound L", curvature.remedy)
    try:
        with time_limit(None, "the search for a step in any direction"):
            found = any_direction(problem, w, bounds=bounds, curvature=curvature, progress=progress)
    except OverBudgetError as error:
        return _unproved(error.reason, error.remedy)
    except NotCoveredError as error:
        return _unproved(error.what, None)
    except InputError as error:
        return _unproved(error.what, error.remedy)
    return {"verdict": Verdict.PROVED.value, **found.to_json(), "remedy": None}


def _unproved(reason: str, remedy: str | None) -> dict[str, Any]:
    statement = f"no step is proved to decrease E whatever the previous step: {reason}"
    return {"verdict": Verdict.UNDECIDED.value, "eta_max": None, "statement": statement, "remedy": remedy}


@dataclass(frozen=True)
class _Bound:
    """`value` bounds the Hessian on the blocks |D_v| <= eta |g_v|."""

    eta: float
    value: float
    method: str

    @property
    def admissible(self) -> float:
        """Largest learning rate that this bound proves."""
        return min(self.eta, RANGES["sharp"].eta_limit(max(self.value, LEAST_CURVATURE)))


@certified_environment()
@sharing()
def any_direction(
    problem: Objective,
    w: Any = None,
    *,
    bounds: int = DEFAULT_BOUNDS,
    curvature: Curvature | None = None,
    progress: Callable[[str], None] = lambda message: None,
) -> AnyDirection:
    """Find a large eta with eta L(eta) <= 2.

    Parameters
    ----------
    problem : Problem or GraphProblem
    w : array, shape (P,), optional
        Default: the initial weights.
    bounds : int
        Hessian bounds by the best method; cheap ones by norms come first. With more than one, another looks for
        `eta_half`.
    curvature : Curvature, optional
        What is known of the problem's own region: a hint where to look.
    progress : callable
        Called with what is being done.

    Returns
    -------
    AnyDirection

    Raises
    ------
    InputError
        If the gradient is zero, or an activation is not twice continuously differentiable.
    UndecidedHessianError
        If no finite bound was found.

    Examples
    --------
    The error 1/2 (2 w - 1)^2 has the second derivative 4 everywhere.

    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, "y"), [[2.0]], [[1.0]], initial_weights=[0.0])
    >>> found = any_direction(problem)
    >>> 0.49 < found.eta_max <= 0.5, found.eta + found.tau <= found.eta_max
    (True, True)
    """
    weights = problem.initial_weights if w is None else problem.check_weights(w)
    progress = as_users_code(progress)
    search = _Search(problem, weights)
    hint = search.hint(curvature)
    cheap = None if hint and isinstance(problem, GraphProblem) else search.cheap()  # there bounds by norms cost as much
    found = [] if cheap is None else [cheap]
    hint = max(hint, 0.0 if cheap is None else cheap.admissible * _NORMS_OVER_MAJORANTS)
    eta = hint or 1.0
    for _ in range(bounds):
        progress(f"bounding the Hessian where |D_v| <= {eta:.3g} |g_v|")
        bound = search.bound(eta, "auto")
        if bound is None:
            eta *= 0.1
            continue
        found.append(bound)
        eta = _following(found)
        if bound.method == "norms" or _is_settled(bound, eta):
            break
    if bounds > 1 and found and found[-1].method != "norms":
        half = search.bound(_following(found, target=1.0), "auto")
        found += [] if half is None else [half]
    if not found:
        raise search.refusal or UndecidedHessianError(
            "no finite bound of the Hessian around the weights", where=problem.name, eta=eta, remedy="scale the data"
        )
    return search.answer(found)


def _following(found: list[_Bound], target: float = 2.0) -> float:
    """Return where eta L(eta) = target is expected: by a secant in logarithms through bounds of one method."""
    last = found[-1]
    others = [each for each in found[:-1] if each.method == last.method and each.eta != last.eta]
    growth = 1.0
    if others:
        before = others[-1]
        growth = float(np.log(last.value / before.value) / np.log(last.eta / before.eta))
    return float(last.eta * (target / (last.eta * last.value)) ** (1.0 / (1.0 + max(growth, 0.0))))


def _is_settled(bound: _Bound, following: float) -> bool:
    return bound.admissible <= following < _ENOUGH * bound.admissible


def _blocks(problem: Objective) -> tuple[str, Mapping[str, slice]]:
    """Return what the blocks are, and which weights belong to each."""
    if isinstance(problem, GraphProblem):
        return "parameter", {block.label: block.place for block in problem.blocks}
    return "vertex", classical(problem, "steps in any direction").architecture.blocks


def _gradient(problem: Objective, w: np.ndarray) -> tuple[Interval, Interval]:
    """Return enclosures of the gradient and of its norm; in 50 digits where those in float64 leave zero possible.

    Through many layers the float64 enclosure widens far beyond the rounding errors that happen.
    """
    gradient = problem.gradient_enclosure(w)
    length = gradient.norm()
    if _is_known(length) or not isinstance(problem, Problem):
        return gradient, length
    if affordable_samples(problem.architecture, _SECONDS_FOR_DIGITS) < problem.samples:
        return gradient, length
    low, high = arb.bounds(reference_gradient(problem, w))
    sharp = Interval.from_bounds(low, high)
    return (sharp, sharp.norm()) if _is_known(sharp.norm()) else (gradient, length)


def _is_known(length: Interval) -> bool:
    return bool(np.isfinite(float(length.upper))) and float(length.lower) > 0


def _no_gradient(problem: Objective, w: np.ndarray, size: float) -> InputError:
    """Say why there is no step: the gradient overflows, is zero, or is proved only to lie in too wide a range."""
    computed = float(np.linalg.norm(problem.gradient(w)))
    if not np.isfinite(computed):
        return InputError(
            "the gradient overflows: no step to bound",
            remedy="scale the data, or give smaller weights",
            gradient_norm=computed,
        )
    if computed == 0:
        return InputError("the gradient is zero: no step to bound", remedy="give other weights", gradient_norm=computed)
    return InputError(
        f"the gradient's norm is about {computed:.4g}, but not proved to be other than zero, only at most {size:.4g}",
        **_depth(problem),
        remedy="rounding bounds grow from layer to layer: use fewer layers, skip connections or smaller weights; "
        "or give weights that are not stationary",
    )


def _depth(problem: Objective) -> dict[str, Any]:
    if isinstance(problem, GraphProblem):
        return {"operations": len(problem.graph.nodes)}
    return {"layers": len(classical(problem, "steps in any direction").architecture.order)}


class _Search:
    """Hessian bounds on block balls around w whose radii are proportional to the gradient's norms."""

    def __init__(self, problem: Objective, w: np.ndarray) -> None:
        self.problem, self.w = problem, w
        self.norm, self.blocks = _blocks(problem)
        self.refusal: UndecidedHessianError | None = None
        gradient, length = _gradient(problem, w)
        self.norms = {name: float(gradient[block].norm().upper) for name, block in self.blocks.items()}
        self.size = float(length.upper)
        if not _is_known(length):
            raise _no_gradient(problem, w, self.size)

    def region(self, eta: float) -> BlockBall:
        radii = {name: float(upward.mul(eta, norm)) for name, norm in self.norms.items() if norm > 0}
        return BlockBall(self.w, radii, self.blocks)

    def bound(self, eta: float, method: Method) -> _Bound | None:
        try:
            found = hessian_bound(self.problem, self.region(eta), method, cells=1)
        except UndecidedHessianError as error:
            self.refusal = error
            return None
        return _Bound(eta, max(found.value, LEAST_CURVATURE), found.method)

    def cheap(self) -> _Bound | None:
        """Return the best of a few bounds by norms."""
        eta, found = 1.0, list[_Bound]()
        for _ in range(_CHEAP_BOUNDS):
            bound = self.bound(eta, "norms")
            if bound is None:
                eta *= 1e-3
                continue
            found.append(bound)
            eta = _following(found)
            if _is_settled(found[-1], eta):
                break
        return max(found, key=lambda each: each.admissible, default=None)

    def hint(self, curvature: Curvature | None) -> float:
        """Return where eta L(eta) = 2 if L grows exponentially with the distance as it does over the region."""
        region = self.problem.region
        if curvature is None or curvature.value is None or region is None or not curvature.attack:
            return 0.0
        room = region.room(self.w)
        if not room > 0:
            return 0.0
        growth = np.log(max(curvature.value / curvature.attack, 1.0)) / room * self.size
        eta = 2.0 / curvature.attack
        for _ in range(200):
            eta = 0.5 * (eta + 2.0 / curvature.attack * float(np.exp(-growth * eta)))
        return eta

    def attacked(self, eta: float) -> float:
        """Return a curvature that occurs in the blocks; 0 if the time that is left finds none.

        In an analysis of a region around the same weights the largest curvature at these is known already.
        """
        with suppress(OverBudgetError), time_limit(remaining() / 2, "the attack on the Hessian bound"):
            found = attack_hessian(self.problem, self.region(eta), points=1, ascents=2, seconds=ATTACK_SECONDS)
            return found.value
        return 0.0

    def answer(self, found: list[_Bound]) -> AnyDirection:
        sharp = RANGES["sharp"]
        best = max(found, key=lambda each: each.admissible)
        eta_max = best.admissible
        half = max(min(each.eta, float(np.nextafter(1.0 / each.value, 0.0))) for each in found)
        eta, tau = eta_max * 0.625, eta_max * 0.3125
        return AnyDirection(
            eta_max,
            half,
            best.value,
            self.attacked(best.eta),
            best.method,
            best.eta,
            eta,
            tau,
            sharp.gain(best.value, eta, tau),
            self.norm,
        )
