"""Which settings (eta, tau) of one concrete step are proved not to increase the error: a fan of rays and lines.

The step from w after the step D is -eta g + tau q, g = grad E(w), q = |g| D/|D| (block by block for norms per vertex).
For a ratio s = tau/eta it runs along the ray -g + s q, for a given eta along the line w - eta g + tau q. Each ray and
each line is proved as a whole (`lines`); between them nothing is.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.analysis.lines import Reach, Surroundings, Vector, reach
from verify.analysis.rising import first_rise
from verify.analysis.step_result import MomentumLine, Ray, StepRanges
from verify.arithmetic.decimals import at_least, at_most
from verify.arithmetic.environment import as_users_code, certified_environment
from verify.arithmetic.floats import exact_float
from verify.arithmetic.intervals import Interval
from verify.arithmetic.lengths import length
from verify.arithmetic.rational import round_down
from verify.assumptions.small_momentum import setting_for
from verify.calculus.exact_step import exact_momentum
from verify.calculus.objective import Objective
from verify.calculus.problem import Problem, classical
from verify.graph.problem import GraphProblem
from verify.outcomes import InputError, Verdict
from verify.training.momentum import adaptive_momentum

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting
    from verify.training.momentum import Norm

RATIOS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
_ETA_PARTS = (0.25, 0.5, 1.0)
_TRIALS = 12
_SECONDS, _SECONDS_PER_PRODUCT = 10.0, 1e-5
"""Default limit of processor time: what a small network gets, and what each of `_products` adds to it."""
_SEARCHES_OF_A_LINE = 3

Progress = Callable[[str], None]


@certified_environment()
def one_step_ranges(
    problem: Objective,
    w: Any,
    previous: Any = None,
    setting: Setting | None = None,
    *,
    norm: Norm | None = None,
    ratios: Sequence[float] = RATIOS,
    etas: Sequence[float] | None = None,
    seconds: float | None = None,
    progress: Progress = lambda message: None,
) -> StepRanges:
    """Return the admissible settings of one step from w.

    Parameters
    ----------
    problem : Problem or GraphProblem
    w : array, shape (P,)
        The weights that the step starts from.
    previous : array, shape (P,), optional
        The weights before them: the previous step is w - previous. Without it there is only the ray along -g.
    setting : Setting, optional
        The setting asked: its ratio tau/eta gets a ray, its eta a line; with mu the heavy ball's step gets a ray.
    norm : {"global", "vertex"}, optional
        Over which weights the momentum's norms are taken; default: the setting's, else "global", the only one of a
        `GraphProblem`.
    ratios : sequence of float
        tau/eta of the rays, not negative.
    etas : sequence of float, optional
        Learning rates of the lines; default: a quarter, half and all of the best one along -g.
    seconds : float, optional
        Of processor time for all rays and lines: each gets an equal share of what is left and is proved as far as that
        lets it. Default: 10 s, and 10 microseconds more for each weight of each sample, of a `GraphProblem` for each
        number of each of its results.
    progress : callable
        Called with what is being done.

    Returns
    -------
    StepRanges

    Raises
    ------
    InputError
        If the gradient is zero or not finite, or a ratio, a learning rate or the time is not admissible.

    Examples
    --------
    The error (w - 1)^2/2 from w = 0 after the step 1: the next weight is eta + tau, good below 2.

    >>> import verify
    >>> nodes = {"x": {"width": 1}, "y": {"width": 1, "activation": "identity", "inputs": ["x"], "bias": False}}
    >>> problem = verify.Problem(verify.Architecture.from_data(nodes, "y"), [[1.0]], [[1.0]])
    >>> found = one_step_ranges(problem, [0.0], [-1.0], ratios=(0.0, 1.0), etas=(0.5,))
    >>> [round(ray.eta_max, 6) for ray in found.rays], round(found.lines[0].tau_max, 6)
    ([2.0, 1.0], 1.5)
    """
    progress = as_users_code(progress)
    ratios = [exact_float(ratio, "ratios") for ratio in ratios]
    etas = None if etas is None else [exact_float(eta, "etas") for eta in etas]
    for name, numbers in (("ratios", ratios), ("etas", etas or ())):
        for number in numbers:
            if not (0 <= number < np.inf) or (name == "etas" and number == 0):
                raise InputError(
                    "not a number that a step can have",
                    where=name,
                    value=number,
                    remedy="give a finite number, not negative",
                )
    if seconds is None:
        seconds = _SECONDS + _SECONDS_PER_PRODUCT * _products(problem)
    elif not exact_float(seconds, "seconds") > 0:
        raise InputError("the limit of time must be positive", seconds=seconds, remedy="give some seconds, or none")
    setting_for(problem, setting)
    norm = norm or ("global" if setting is None else setting.norm)
    if norm != "global" and setting is not None and setting.rule == "restart":
        raise InputError("rule 'restart' needs norms over all weights", norm=norm, remedy="use norm='global'")
    fan = _Fan(problem, problem.check_weights(w), previous, norm)
    chosen_ratios = fan.ratios(ratios, setting)
    rows = len(chosen_ratios) + (0 if fan.push is None else 2 + len(_ETA_PARTS if etas is None else etas))
    clock = _Clock(seconds, rows)
    rays = [fan.ray(ratio, setting, progress, clock.share()) for ratio in chosen_ratios]
    if fan.push is not None and setting is not None and setting.theorem == "heavy_ball":
        rays.append(fan.heavy_ball(setting, clock.share()))
    lines: list[MomentumLine] = []
    if fan.push is not None:
        best = rays[0].best_eta or fan.newton(-fan.gradient)
        asked = set() if setting is None or setting.tau is None else {setting.eta}
        chosen = {part * best for part in _ETA_PARTS} if etas is None else set(etas)
        lines = [fan.line(eta, setting, progress, clock.share()) for eta in sorted(chosen | asked)]
    size = length(fan.gradient)
    return StepRanges(problem.error(fan.w), size, fan.cosine, fan.norm, tuple(rays), tuple(lines))


def _products(problem: Objective) -> int:
    """Return about how many products one evaluation takes."""
    if isinstance(problem, GraphProblem):
        return sum(math.prod(node.shape) for node in problem.graph.nodes)
    own = classical(problem, "the ranges of one step")
    return own.size * own.samples


class _Clock:
    """Processor time, shared out equally among the rows that may still come."""

    def __init__(self, seconds: float, rows: int) -> None:
        self._end, self._rows = time.process_time() + seconds, rows

    def share(self) -> float:
        """Return the seconds of the next row."""
        seconds = max(0.0, self._end - time.process_time()) / max(1, self._rows)
        self._rows -= 1
        return seconds


class _Fan:
    """The plane of steps from w: exact gradient and push, with their stored approximations."""

    def __init__(self, problem: Objective, w: np.ndarray, previous: Any, norm: Norm) -> None:
        self.problem, self.w, self.norm = problem, w, norm
        self.around = Surroundings(problem, w)
        self.gradient = problem.gradient(w)
        if not (self.gradient.any() and np.all(np.isfinite(self.gradient)) and np.isfinite(self.around.slope)):
            raise InputError(
                "the gradient is zero or not finite: no step to bound",
                remedy="give other weights",
                gradient_norm=float(np.linalg.norm(self.gradient)),
            )
        self.push: Interval | None = None
        self.cosine: float | None = None
        if previous is None:
            return
        before = problem.check_weights(previous)
        self.step = Interval.point(w) - Interval.point(before)
        if np.array_equal(w, before):
            return
        architecture = problem.architecture if isinstance(problem, Problem) else None
        self.push = exact_momentum(self.around.gradient, self.step, w != before, norm, architecture)
        self.stored_push = adaptive_momentum(self.gradient, w - before, 1.0, norm, architecture)
        self.cosine = _cosine(-self.gradient, w - before)

    def ratios(self, ratios: Sequence[float], setting: Setting | None) -> list[float]:
        if self.push is None:
            return [0.0]
        asked = [] if setting is None else [tau / setting.eta for tau in self.taus(setting)]
        return sorted({0.0, *ratios, *asked})

    def taus(self, setting: Setting | None) -> tuple[float, ...]:
        """Return what tau a setting's step can have: rule restart drops it where g.D > 0, a sign that may be open."""
        if setting is None or setting.tau is None:
            return ()
        if setting.rule != "restart" or self.push is None:
            return (setting.tau,)
        slope = self.around.gradient.dot(self.step)
        kept, dropped = not float(slope.lower) > 0, not float(slope.upper) <= 0
        return tuple(sorted({*((0.0,) if dropped else ()), *((setting.tau,) if kept else ())}))

    def newton(self, direction: np.ndarray) -> float:
        """Length to the minimum of the quadratic model along a direction; the direction's own scale without one."""
        with np.errstate(all="ignore"):
            slope = float(self.gradient @ direction)
            curvature = float(direction @ self.problem.hessian_vector(self.w, direction))
            size = length(direction)
            to_minimum = -slope / curvature if curvature > 0 > slope else 1.0 / size if size > 0 else 0.0
        return to_minimum if np.isfinite(to_minimum) and to_minimum > 0 else 1.0

    def ray(self, ratio: float, setting: Setting | None, progress: Progress, seconds: float) -> Ray:
        words = "-g" if ratio == 0 else f"-g + {ratio:.4g} |g| D/|D|"
        progress(f"bounding the error along {words}")
        exact, stored = -self.around.gradient, -self.gradient
        asked, exact_ratio = None, Interval.point(ratio)
        if setting is not None and self.push is None:
            asked = setting.eta
        elif setting is not None:
            for tau in self.taus(setting):
                if ratio == tau / setting.eta:
                    asked, exact_ratio = setting.eta, Interval.point(tau) / setting.eta
        if self.push is not None and ratio > 0:
            exact, stored = exact + self.push * exact_ratio, stored + ratio * self.stored_push
        return self._ray(words, ratio, Vector.of(exact, stored), asked, seconds)

    def heavy_ball(self, setting: Setting, seconds: float) -> Ray:
        factor = Interval.point(0.0 if setting.mu is None else setting.mu) / setting.eta
        exact = self.step * factor - self.around.gradient
        return self._ray("-g + (mu/eta) D", None, Vector.of(exact, exact.mid), setting.eta, seconds)

    def _ray(self, words: str, ratio: float | None, direction: Vector, asked: float | None, seconds: float) -> Ray:
        length = self.newton(direction.stored)
        found = reach(self.around, direction, length, seconds=seconds) if direction.stored.any() else Reach()
        start = found.until or length
        line = direction if found.exact else Vector(direction.stored)
        rises_at = first_rise(self.problem, self.w, line, start)
        proved = found.until > 0 if asked is None else found.until >= asked
        s = ratio or 0.0
        statement = f"E does not increase for eta <= {at_most(found.until)}"
        statement += f", tau = {s:.4g} eta" if s else ""
        statement += f"; most is proved at eta={at_most(found.best)}" + (f", tau={found.best * s:.4g}" if s else "")
        if asked is not None:
            statement += f"; eta={asked:.4g} is {'in' if proved else 'outside'}"
        statement += "" if rises_at is None else f"; it increases at eta={rises_at:.4g}"
        remedy = None if proved else f"use eta <= {found.until!r}" if found.until > 0 else "take the step along -g"
        return Ray(
            words,
            ratio,
            Verdict.PROVED if proved else Verdict.UNDECIDED,
            found.until,
            _product(s, found.until),
            found.best,
            _product(s, found.best),
            found.decrease,
            found.stored,
            rises_at,
            found.until / rises_at if rises_at else None,
            found.exact,
            remedy,
            statement,
        )

    def line(self, eta: float, setting: Setting | None, progress: Progress, seconds: float) -> MomentumLine:
        """Bound the momentum of one learning rate: from tau = 0, or from the best tau if eta alone is too large."""
        if self.push is None:
            raise InputError("no momentum without a previous step", remedy="give the previous weights", previous=None)
        progress(f"bounding the error for eta={eta:.4g} and varying tau")
        descent, push = Vector.of(-self.around.gradient, -self.gradient), Vector.of(self.push, self.stored_push)
        back = Vector(-push.stored, push.error)
        base = self.w + eta * descent.stored
        length, low = 0.5 * eta, 0.0
        seconds /= _SEARCHES_OF_A_LINE
        found = reach(self.around, push, length, [(eta, descent)], seconds)
        start = 0.0
        if found.until == 0:
            tried = [
                (self.problem.error(base + tau * push.stored), tau) for tau in eta * np.linspace(0, 3, _TRIALS)[1:]
            ]
            start = float(min(tried)[1])
            fixed = [(eta, descent), (start, push)]
            found = reach(self.around, push, length, fixed, seconds)
            behind = reach(self.around, back, min(length, start), fixed, seconds)
            low = max(0.0, float(np.nextafter(start - behind.until, np.inf)))
        proves = found.until > 0
        high = float(np.nextafter(start + found.until, 0.0)) if start else found.until
        rises_at = first_rise(self.problem, self.w, push, high, [(eta, descent)]) if proves else None
        taus = self.taus(setting) if setting is not None and setting.eta == eta else ()
        proved = proves and all(low <= tau <= high for tau in taus)
        if proves:
            best = start + found.best
            statement = (
                f"E does not increase for {at_least(low)} <= tau <= {at_most(high)}; most is proved at tau={best:.4g}"
            )
            for tau in taus:
                statement += f"; tau={tau:.4g} is {'in' if low <= tau <= high else 'outside'}"
            statement += "" if rises_at is None else f"; it increases at tau={rises_at:.4g}"
        else:
            best, statement = 0.0, "no momentum is proved to decrease E"
        remedy = None if proved else "use a smaller eta"
        if proves and any(tau > high for tau in taus):
            remedy = f"use tau <= {high!r}"
        return MomentumLine(
            eta,
            Verdict.PROVED if proved else Verdict.UNDECIDED,
            low if proves else None,
            high if proves else None,
            best,
            found.decrease,
            rises_at,
            high / rises_at if rises_at else None,
            found.exact,
            statement,
            remedy,
        )


def _cosine(first: np.ndarray, second: np.ndarray) -> float | None:
    """Return the cosine of the angle between two vectors, in float64; None where one of them is zero."""
    sizes = [length(vector) for vector in (first, second)]
    if not all(0 < size < np.inf for size in sizes):
        return None
    with np.errstate(all="ignore"):
        return float((first / sizes[0]) @ (second / sizes[1]))


def _product(ratio: float, eta: float) -> float:
    return round_down(Fraction(ratio) * Fraction(eta))
