"""One check per kind of certificate. Each recomputes what it needs from the data and weights of the certificate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import flint
from flint import arb

from verify.certificates.checker.curvature import Curvature, Region
from verify.certificates.checker.functions import rational
from verify.certificates.checker.network import Network
from verify.certificates.document import number
from verify.outcomes import InputError

PRECISIONS = (128, 256, 512, 1024)


@dataclass
class Subject:
    """What a certificate is about: network, data, objective, weights and region, all exact."""

    network: Network
    inputs: list[list[float]]
    targets: list[list[float]]
    divisor: int
    weight_decay: Fraction
    weights: list[float]
    region: dict[str, Any] | None

    def error(self, weights: list[float]) -> Any:
        """E(weights)."""
        w = [arb(value) for value in weights]
        total = arb(0)
        for state in self.network.forward(w, self.inputs, 0):
            for residual in self.network.residual(state, self.targets).values():
                total += sum((entry**2 for entry in residual.entries()), arb(0))
        squares = sum((value**2 for value in w), arb(0))
        return total / (2 * self.divisor) + rational(self.weight_decay) * squares / 2

    def gradient_norm(self) -> Any:
        """|grad E| at the certificate's weights."""
        w = [arb(value) for value in self.weights]
        total = [rational(self.weight_decay) * value for value in w]
        for state in self.network.forward(w, self.inputs, 1):
            part = self.network.gradient(state, self.network.residual(state, self.targets))
            total = [old + new / self.divisor for old, new in zip(total, part, strict=True)]
        return sum((entry**2 for entry in total), arb(0)).sqrt()

    def hessian_norm(self, region: Region) -> Any:
        """Upper bound of ||Hess E|| over the region."""
        return Curvature(self.network, region).bound(self.inputs, self.targets) / self.divisor + rational(
            self.weight_decay
        )

    def certified_region(self) -> Region:
        """The region as the certificate states it."""
        data = self.region or {}
        names = [vertex.name for vertex in self.network.order]
        centre = [arb(value) for value in self.weights]
        match data:
            case {"kind": "ball", "radius": radius, **rest} if not rest:
                return Region(centre, dict.fromkeys(names, _positive(radius, "region.radius")), joint=True)
            case {"kind": "bounded", "radius": radius, **rest} if not rest:
                zero = [arb(0)] * self.network.size
                return Region(zero, dict.fromkeys(names, _positive(radius, "region.radius")), joint=True)
            case {"kind": "blocks", "radii": dict() as radii, **rest} if not rest and set(radii) <= set(names):
                given = {name: _positive(value, f"region.radii.{name}") for name, value in radii.items()}
                return Region(centre, {name: given.get(name, arb(0)) for name in names}, joint=False)
        raise InputError("unreadable region", where="region", region=data)


class Reasons(list[str]):
    """Why a claim was not confirmed; empty when everything was."""

    def require(self, confirmed: bool, reason: str) -> None:
        """Note the reason unless the comparison is certain."""
        if confirmed is not True:
            self.append(reason)


def check_step(subject: Subject, claim: dict[str, Any]) -> Reasons:
    """E(next) <= E(weights) - decrease for the stored weights."""
    reasons = Reasons()
    _expect(claim, ["next", "decrease"])
    decrease = number(claim["decrease"], "claim.decrease")
    reasons.require(decrease >= 0, "the decrease claimed is negative")
    for precision in PRECISIONS:
        with flint.ctx.workprec(precision):
            change = subject.error(claim["next"]) - subject.error(subject.weights) + rational(decrease)
            if change <= 0:
                return reasons
            if change > 0:
                break
    reasons.append(f"E(next) - E(weights) + decrease is in {change.str(8)} at {precision} bits, not at most 0")
    return reasons


def check_region(subject: Subject, claim: dict[str, Any]) -> Reasons:
    """||Hess E|| <= lipschitz on the region, and steps with (eta, tau) inside it lose gain |grad E|^2."""
    reasons = Reasons()
    _expect(claim, ["lipschitz", "eta", "tau", "gain"])
    _check_range(claim, reasons)
    _check_lipschitz(subject, claim, reasons)
    return reasons


def check_horizon(subject: Subject, claim: dict[str, Any]) -> Reasons:
    """Theorem `horizon`: the first steps stay in the ball and the error falls at each."""
    reasons = Reasons()
    _expect(
        claim,
        [
            "lipschitz",
            "eta",
            "tau",
            "gain",
            "steps",
            "error_upper",
            "error_infimum",
            "gradient_norm",
            "decrease",
        ],
    )
    lipschitz, eta, tau, gain = _check_range(claim, reasons)
    reasons.require(gain > 0, "the gain per step must be positive")
    _check_lipschitz(subject, claim, reasons)
    if subject.region is None or subject.region["kind"] != "ball":
        raise InputError("a horizon needs a ball", where="region")
    radius = number(subject.region["radius"], "region.radius")
    steps = claim["steps"]
    if type(steps) is not int or not 0 < steps <= 10**7:
        raise InputError("steps must be a positive integer", where="claim.steps", steps=steps)
    upper, infimum = (
        number(claim["error_upper"], "claim.error_upper"),
        number(claim["error_infimum"], "claim.error_infimum"),
    )
    error, gradient = subject.error(subject.weights), subject.gradient_norm()
    reasons.require(error <= rational(upper), f"E(weights) = {error.str(12)} exceeds error_upper")
    norm = rational(number(claim["gradient_norm"], "claim.gradient_norm"))
    reasons.require(gradient <= norm, f"|grad E| = {gradient.str(12)} exceeds gradient_norm")
    below = error - norm * rational(radius) - rational(lipschitz * radius**2 / 2)
    reasons.require(infimum <= 0 or rational(infimum) <= below, "error_infimum is not below E on the ball")
    travelled = (eta + tau) ** 2 * steps * (upper - infimum)
    reasons.require(travelled <= gain * radius**2, "the steps may leave the ball: (eta + tau)^2 K (E - E_inf) > c r^2")
    proved = total_decrease(gradient, lipschitz, eta + tau, gain, steps)
    claimed = number(claim["decrease"], "claim.decrease")
    reasons.require(claimed >= 0 and rational(claimed) <= proved, f"only a decrease of {proved.str(12)} is confirmed")
    return reasons


def total_decrease(gradient: Any, lipschitz: Fraction, reach: Fraction, gain: Fraction, steps: int) -> Any:
    """Lower bound of E(w_0) - E(w_K).

    A step is at most reach |g_k| long and the gradient is lipschitz, so |g_k| lies within lipschitz times the distance
    travelled of |g_0|; each step gains at least gain |g_k|^2.
    """
    travelled, total = arb(0), arb(0)
    for _ in range(steps):
        least = (gradient - rational(lipschitz) * travelled).lower()
        if not least > 0:
            break
        total = (total + rational(gain) * least * least).lower()
        travelled = (travelled + rational(reach) * (gradient + rational(lipschitz) * travelled)).upper()
    return total


def check_weight_decay(subject: Subject, claim: dict[str, Any]) -> Reasons:
    """Theorem `weight_decay`: with weight decay the weights stay bounded and the error falls for ever."""
    reasons = Reasons()
    _expect(claim, ["lipschitz", "eta", "tau", "gain", "error_upper", "converges"])
    gain = _check_range(claim, reasons)[3]
    _check_lipschitz(subject, claim, reasons)
    if subject.region is None or subject.region["kind"] != "bounded":
        raise InputError("weight decay needs the region |w| <= radius", where="region")
    radius = number(subject.region["radius"], "region.radius")
    upper = number(claim["error_upper"], "claim.error_upper")
    error = subject.error(subject.weights)
    reasons.require(error <= rational(upper), f"E(weights) = {error.str(12)} exceeds error_upper")
    inside = subject.weight_decay > 0 and subject.weight_decay * radius**2 > 2 * upper
    reasons.require(inside, "the region does not contain the sublevel set: weight_decay radius^2 <= 2 E")
    if not isinstance(claim["converges"], bool):
        raise InputError("converges must be true or false", where="claim.converges")
    if claim["converges"]:
        analytic = all(v.function is not None and v.function.is_smooth() for v in subject.network.order)
        reasons.require(analytic and gain > 0, "convergence to one point needs analytic activations and a gain")
    return reasons


CHECKS: dict[str, Callable[[Subject, dict[str, Any]], Reasons]] = {
    "step": check_step,
    "region": check_region,
    "horizon": check_horizon,
    "weight_decay": check_weight_decay,
}


def _check_range(claim: dict[str, Any], reasons: Reasons) -> tuple[Fraction, Fraction, Fraction, Fraction]:
    names = ("lipschitz", "eta", "tau", "gain")
    lipschitz, eta, tau, gain = (number(claim[name], f"claim.{name}") for name in names)
    reasons.require(lipschitz > 0 and eta > 0 and tau >= 0, "lipschitz and eta must be positive, tau not negative")
    inside = tau <= eta and lipschitz * (eta + tau) <= 2
    reasons.require(inside, "outside theorem `sharp`: tau <= min(eta, 2/L - eta)")
    exact = eta - lipschitz * eta**2 / 2 - abs(1 - lipschitz * eta) * tau - lipschitz * tau**2 / 2
    reasons.require(0 <= gain <= exact, f"the gain exceeds {float(exact):.6g} or is negative")
    return lipschitz, eta, tau, gain


def _check_lipschitz(subject: Subject, claim: dict[str, Any], reasons: Reasons) -> None:
    bound = subject.hessian_norm(subject.certified_region())
    claimed = number(claim["lipschitz"], "claim.lipschitz")
    reasons.require(
        bound <= rational(claimed), f"only ||Hess E|| <= {bound.upper().str(17, radius=False)} is confirmed"
    )


def _expect(claim: dict[str, Any], names: list[str]) -> None:
    if set(claim) != set(names):
        raise InputError("unexpected fields", where="claim", expected=sorted(names), found=sorted(claim))


def _positive(text: Any, where: str) -> Any:
    value = number(text, where)
    if not value > 0:
        raise InputError("radius must be positive", where=where, radius=text)
    return rational(value)
