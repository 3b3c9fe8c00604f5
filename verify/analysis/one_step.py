"""Admissible learning rates for one step from given weights, from bounds of the error along the step itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.bounds.segment import segment_bound
from verify.bounds.segment_result import SegmentBound
from verify.calculus.problem import Problem
from verify.outcomes import InputError, Verdict
from verify.training.momentum import adaptive_momentum, heavy_ball_step

if TYPE_CHECKING:
    from verify.assumptions.small_momentum import Setting

DEFAULT_RATIO = 0.5
_TRIALS = 8


@dataclass(frozen=True)
class Ray:
    """What is proved along one direction.

    Parameters
    ----------
    direction : str
        The direction in words.
    verdict : Verdict
        PROVED if the step asked decreases the error, or, when none is asked, if some step does.
    eta_max : float
        Every learning rate up to this one is proved not to increase the error.
    best_eta : float
        Learning rate with the largest proved decrease.
    decrease : float
        That decrease.
    ratio : float
        tau/eta along this ray.
    statement : str
        The same in words.
    remedy : str or None
        What to change.
    """

    direction: str
    verdict: Verdict
    eta_max: float
    best_eta: float
    decrease: float
    ratio: float
    statement: str
    remedy: str | None


def one_step_ranges(
    problem: Problem, w: np.ndarray, previous: np.ndarray | None = None, setting: Setting | None = None
) -> dict[str, Any]:
    """Return the rays of one step from w as plain data.

    Parameters
    ----------
    problem : Problem
    w : array, shape (P,)
        The weights that the step starts from.
    previous : array, shape (P,), optional
        The weights before them: the previous step is w - previous.
    setting : Setting, optional
        The setting asked. With tau the ray of its ratio tau/eta is bounded, with mu the heavy ball's step.
    """
    w = problem.check_weights(w)
    gradient = problem.gradient(w)
    if not gradient.any():
        raise InputError("the gradient is zero: no step to bound", where="--at", remedy="give other weights")
    eta = None if setting is None else setting.eta
    asked_ratio = None if setting is None or setting.tau is None else setting.tau / setting.eta
    plain_eta = eta if setting is not None and (previous is None or asked_ratio == 0) else None
    rays = [_ray(problem, w, -gradient, "-g", 0.0, plain_eta)]
    if previous is not None:
        step = w - problem.check_weights(previous)
        if setting is not None and setting.mu is not None:
            direction = heavy_ball_step(gradient, step, setting.eta, setting.mu)
            rays.append(_ray(problem, w, direction / setting.eta, "-g + (mu/eta) D", 0.0, eta))
        elif step.any() and asked_ratio != 0:
            ratio = DEFAULT_RATIO if asked_ratio is None else asked_ratio
            norm = "global" if setting is None else setting.norm
            push = adaptive_momentum(gradient, step, ratio, norm, problem.architecture)
            rays.append(_ray(problem, w, push - gradient, f"-g + {ratio:.4g} |g| D/|D|", ratio, eta))
    return {
        "error": problem.error(w),
        "gradient_norm": float(np.linalg.norm(gradient)),
        "rays": [{**asdict(ray), "verdict": ray.verdict.value} for ray in rays],
    }


def _ray(problem: Problem, w: np.ndarray, direction: np.ndarray, words: str, ratio: float, eta: float | None) -> Ray:
    bound = _longest(problem, w, direction)
    reach = bound.decrease_until
    proved = reach > 0 if eta is None else reach >= eta
    statement = f"E does not increase for eta <= {reach:.4g}; most is proved at eta={bound.best_step:.4g}"
    if ratio:
        statement += f", tau={bound.best_step * ratio:.4g}"
    if eta is not None:
        statement += f"; eta={eta:.4g} is {'in' if proved else 'outside'}"
    remedy = None if proved else f"use eta <= {reach!r}" if reach > 0 else "take the step along -g"
    verdict = Verdict.PROVED if proved else Verdict.UNDECIDED
    return Ray(words, verdict, reach, bound.best_step, bound.decrease, ratio, statement, remedy)


def _longest(problem: Problem, w: np.ndarray, direction: np.ndarray) -> SegmentBound:
    """Return the bound with the longest proved decrease among a few lengths of the segment."""
    slope = float(problem.gradient(w) @ direction)
    curvature = float(direction @ problem.hessian_vector(w, direction))
    newton = -slope / curvature if curvature > 0 > slope else 1.0 / max(float(np.linalg.norm(direction)), 1e-300)
    length, best = 2 * newton, segment_bound(problem, w, direction, newton)
    for _ in range(_TRIALS):
        trial = segment_bound(problem, w, direction, length)
        if trial.decrease_until > best.decrease_until:
            best = trial
        elif best.decrease_until > 0:
            break
        length *= 1.5 if trial.decrease_until > 0 else 0.3
    return best
