"""One check per kind of certificate. Each recomputes what it needs; an uncertain comparison confirms nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from functools import partial
from typing import Any

import flint
from flint import arb

from verify.certificates.checker.functions import rational
from verify.certificates.checker.hessian import least_eigenvalue
from verify.certificates.checker.subject import Subject, euclidean_norm
from verify.certificates.document import ReadError, float64_list, number
from verify.outcomes import InputError

PRECISIONS = (128, 256, 512, 1024)
COUNTED_STEPS = 1000
Judgement = tuple[bool, str]  # whether something is confirmed, and what to say if it is not
Check = Callable[[Subject, Any, Any], Iterator[Judgement]]
SETTING = ["lipschitz", "eta", "tau", "gain"]
OF_MU = {"lipschitz", "eta", "mu", "gain"}
MINIMUM = ["least", "gradient_norm", "distance", "excess", "rate"]
BOUNDS = ["error_upper", "error_infimum", "gradient_norm", "decrease"]
HORIZON = {*SETTING, *BOUNDS, "steps"}
FOR_EVER = {*SETTING, "error_upper", "converges"}


def check_step(subject: Subject, region: Any, claim: Any) -> Iterator[Judgement]:
    """E(next) <= E(weights) - decrease for the stored weights."""
    following = float64_list(claim["next"], "claim.next", subject.network.size)
    decrease = number(claim["decrease"], "claim.decrease")
    if region is not None or decrease < 0:
        raise ReadError("a step has no region and decrease >= 0", where="claim", region=region, decrease=str(decrease))
    for precision in PRECISIONS:
        with flint.ctx.workprec(precision):
            change = subject.error(following) - subject.error(subject.weights) + rational(decrease)
            if change <= 0:
                return
            if change > 0:
                break
    yield False, f"E(next) - E(weights) + decrease is in {change.str(8)} at {precision} bits, not at most 0"


def setting_in(theorem: str) -> Check:
    """(lipschitz, eta, tau or mu) is in the range of a theorem, whose steps gain at least gain."""

    def check(subject: Subject, region: Any, claim: Any) -> Iterator[Judgement]:
        lipschitz, eta, gain = _numbers(claim, ["lipschitz", "eta", "gain"])
        size = _numbers(claim, ["tau" if "tau" in claim else "mu"])[0]
        signs = lipschitz > 0 and eta > 0 and size >= 0
        inside, most = _range(theorem, lipschitz, eta, size) if signs else (False, Fraction(0))
        yield inside, f"outside the range of theorem `{theorem}`"
        yield 0 <= gain <= most, "the gain exceeds what a step of this setting gains, or is negative"

    return check


def _range(theorem: str, lipschitz: Fraction, eta: Fraction, size: Fraction) -> tuple[bool, Fraction]:
    """Whether positive lipschitz and eta with a size of the momentum are in the range, and what a step then gains."""
    speed, total, squares = lipschitz * eta, eta + size, eta**2 + size**2
    match theorem:
        case "heavy_ball":
            return size < 1 and 2 * size + speed <= 2, (1 - size) / eta - lipschitz / 2
        case "nesterov":
            return speed <= 1 and size**2 * (1 + speed) <= 1, eta * (1 - speed) / 2
        case "sharp":
            gain = eta * (1 - speed / 2) - abs(1 - speed) * size - lipschitz * size**2 / 2
            return size <= eta and lipschitz * total <= 2, gain
    paid = {"from_rest": 1, "restart": 2}[theorem]
    gain = min(eta - lipschitz * squares / 2, total * (1 - lipschitz * total / 2))
    return lipschitz * squares <= paid * eta and lipschitz * total <= paid, gain


def check_curvature(subject: Subject, region: Any, claim: Any) -> Iterator[Judgement]:
    """||Hess E|| <= lipschitz on the region."""
    lipschitz = rational(number(claim["lipschitz"], "claim.lipschitz"))
    _refuse_weights_outside(subject, region)
    bound = subject.hessian_norm(region)
    yield bound <= lipschitz, f"only ||Hess E|| <= {bound.upper().str(17, radius=False)} is confirmed"


def check_horizon(subject: Subject, region: Any, claim: Any, from_rest: bool = False) -> Iterator[Judgement]:
    """Theorem `horizon`, or that of `from_rest`: the first steps stay in the ball and the error falls at each.

    The squares of their lengths sum to at most (E - E_inf)/part: part is c/(eta + tau)^2, or what is left of the
    curvature that the slope of a step from rest pays for.
    """
    steps, radius = claim["steps"], _radius(region, "ball")
    if type(steps) is not int or not 0 < steps <= 10**7:
        raise ReadError("steps must be a positive integer", where="claim.steps", steps=steps)
    lipschitz, eta, tau, gain, upper, infimum, norm, decrease = _numbers(claim, SETTING + BOUNDS)
    error, gradient = subject.error(subject.weights), euclidean_norm(subject.gradient(subject.weights))
    below = error - gradient * rational(radius) - rational(lipschitz * radius**2 / 2)
    proved = total_decrease(gradient, lipschitz, eta + tau, gain, steps)
    yield error <= rational(upper), f"E(weights) = {error.str(12)} exceeds error_upper"
    yield gradient <= rational(norm), f"|grad E| = {gradient.str(12)} exceeds gradient_norm"
    yield infimum <= 0 or rational(infimum) <= below, "error_infimum is not below E on the ball"
    yield gain > 0, "the gain per step must be positive"
    part = gain / (eta + tau) ** 2
    if from_rest:
        part = min(eta / (eta**2 + tau**2), 1 / (eta + tau)) - lipschitz / 2
    yield steps * (upper - infimum) <= part * radius**2, "the steps may leave the ball"
    yield decrease >= 0 and rational(decrease) <= proved, f"only a decrease of {proved.str(12)} is confirmed"


def check_weight_decay(subject: Subject, region: Any, claim: Any) -> Iterator[Judgement]:
    """Theorem `weight_decay`, or that of `from_rest`: the weights stay bounded and the error falls for ever."""
    radius, (gain, upper) = _radius(region, "bounded"), _numbers(claim, ["gain", "error_upper"])
    error = subject.error(subject.weights)
    yield error <= rational(upper), f"E(weights) = {error.str(12)} exceeds error_upper"
    inside = subject.weight_decay > 0 and subject.weight_decay * radius**2 > 2 * upper
    yield inside, "the region does not contain the sublevel set: weight_decay radius^2 <= 2 E"
    if not isinstance(claim["converges"], bool):
        raise ReadError("converges must be true or false", where="claim.converges", value=claim["converges"])
    analytic = all(vertex.function is not None and vertex.function.is_smooth for vertex in subject.network.order)
    yield not claim["converges"] or (analytic and gain > 0), "convergence needs analytic activations and a gain"


def check_minimum(subject: Subject, region: Any, claim: Any) -> Iterator[Judgement]:
    """Theorem `local_minimum`: a strict minimiser lies near the weights, and training converges to it."""
    radius, (lipschitz, eta, tau, gain) = _radius(region, "ball"), _numbers(claim, SETTING)
    least, norm, distance, excess, rate = _numbers(claim, MINIMUM)
    yield least > 0 and gain > 0, "curvature and gain must be positive"
    room = (eta + tau) * norm < radius * gain * least
    yield room, "the gradient is too large for the ball: (eta + tau) |grad E| >= r c m"
    yield distance * least >= norm, "the minimiser may be farther away: distance < |grad E| / m"
    yield 2 * least * excess >= norm**2, "E may be higher above the minimum: excess < |grad E|^2 / (2 m)"
    yield 0 <= rate <= 2 * least * gain, "the rate exceeds 2 m c or is negative"
    gradient = euclidean_norm(subject.gradient(subject.weights))
    yield gradient <= rational(norm), f"|grad E| = {gradient.str(12)} exceeds gradient_norm"
    growth = subject.hessian_growth(region)
    below, above = rational(least) + growth, rational(lipschitz) - growth
    matrix = subject.hessian()
    low = least_eigenvalue(matrix, 1, float(below.upper())) - growth
    yield low >= rational(least), f"only Hess E >= {low.str(12)} is confirmed"
    high = growth - least_eigenvalue(matrix, -1, -float(above.lower()))
    yield high <= rational(lipschitz), f"only Hess E <= {high.str(12)} is confirmed"


CHECKS: dict[str, tuple[set[str], tuple[Check, ...]]] = {
    "step": ({"next", "decrease"}, (check_step,)),
    "region": ({*SETTING}, (setting_in("sharp"), check_curvature)),
    "from_rest": ({*SETTING}, (setting_in("from_rest"), check_curvature)),
    "restart": ({*SETTING}, (setting_in("restart"), check_curvature)),
    "heavy_ball": (OF_MU, (setting_in("heavy_ball"), check_curvature)),
    "nesterov": (OF_MU, (setting_in("nesterov"), check_curvature)),
    "horizon": (HORIZON, (setting_in("sharp"), check_horizon, check_curvature)),
    "from_rest_horizon": (HORIZON, (setting_in("from_rest"), partial(check_horizon, from_rest=True), check_curvature)),
    "weight_decay": (FOR_EVER, (setting_in("sharp"), check_weight_decay, check_curvature)),
    "from_rest_weight_decay": (FOR_EVER, (setting_in("from_rest"), check_weight_decay, check_curvature)),
    "minimum": ({*SETTING, *MINIMUM}, (setting_in("sharp"), check_minimum)),
}
"""By kind of certificate: the fields of its claim and what is checked."""


def total_decrease(gradient: Any, lipschitz: Fraction, reach: Fraction, gain: Fraction, steps: int) -> Any:
    """Lower bound of E(w_0) - E(w_K), from the first steps.

    A step is at most reach |g_k| long and the gradient is lipschitz, so |g_k| lies within lipschitz times the distance
    travelled of |g_0|; each step gains at least gain |g_k|^2.
    """
    travelled, total = arb(0), arb(0)
    for _ in range(min(steps, COUNTED_STEPS)):
        least = (gradient - rational(lipschitz) * travelled).lower()
        if not least > 0:
            break
        total = (total + rational(gain) * least * least).lower()
        travelled = (travelled + rational(reach) * (gradient + rational(lipschitz) * travelled)).upper()
    return total


def _refuse_weights_outside(subject: Subject, region: Any) -> None:
    """A bound on |w| <= radius says nothing of a training from weights outside; balls lie around the weights."""
    if region["kind"] == "bounded":
        radius = number(region["radius"], "region.radius")
        norm = euclidean_norm([arb(w) for w in subject.weights])
        if norm > rational(radius):
            raise InputError(
                "the weights that training starts from are not in the region",
                where="region.radius",
                norm=float(norm.upper()),
                radius=float(radius),
                remedy=f"certify a region with a radius of at least {float(norm.upper())!r}",
            )


def _numbers(claim: dict[str, Any], names: list[str]) -> list[Fraction]:
    return [number(claim[name], f"claim.{name}") for name in names]


def _radius(region: Any, kind: str) -> Fraction:
    if region["kind"] != kind:
        raise ReadError("the theorem needs another kind of region", where="region", needed=kind)
    return number(region["radius"], "region.radius")
