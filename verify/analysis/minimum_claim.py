"""The claim of a certificate of a minimum: what theorem `local_minimum` says, by bounds that two programs prove."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.arithmetic.rational import round_down, round_up
from verify.bounds.local_curvature import LocalCurvature, local_curvature, roomiest_radius
from verify.bounds.regions import Ball
from verify.certificates.curvature_claim import CurvatureClaims, exact_region
from verify.outcomes import InputError, Verdict
from verify.theorems.local_minimum import local_minimum

if TYPE_CHECKING:
    from verify.calculus.objective import Objective

_SLACK = Fraction(1, 2**12)
"""Share of the eigenvalues at the weights that is not claimed: two programs round differently, and a Cholesky factor
of H - m I in float64 needs a smallest eigenvalue that is clear of its rounding."""


def minimum_claim(
    problem: Objective,
    w: np.ndarray,
    claims: CurvatureClaims,
    radius: float | None = None,
    eta: float | None = None,
    tau: float | None = None,
    known: LocalCurvature | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return region and claim; the growth of the Hessian over the ball is the larger one of prover and checker.

    Parameters
    ----------
    problem : Problem or GraphProblem
    w : array, shape (P,)
    claims : CurvatureClaims
    radius, eta, tau : float, optional
        Default: the radius with the most room, the recommended setting.
    known : LocalCurvature, optional
        At w, if it was found before.

    Raises
    ------
    InputError
        If the Hessian at w is not proved to be positive definite, or the gradient is too large.
    """
    curvature = local_curvature(problem, w) if known is None else known
    if not (curvature.least > 0 and curvature.largest < np.inf):
        raise InputError(
            "no minimum is proved: the Hessian is not proved to be positive definite",
            where=problem.name,
            least=curvature.least,
            remedy="dagverify converge says which directions are flat, and trains on",
        )

    def growth(size: float) -> float:
        return max(curvature.growth(size), claims.growth(Ball(w, size)))

    least, largest = Fraction(curvature.least) * (1 - _SLACK), Fraction(curvature.largest) * (1 + _SLACK)
    size, change = roomiest_radius(round_down(least), growth) if radius is None else (radius, growth(radius))
    m = round_down(least - Fraction(change)) if change < np.inf else 0.0
    if not m > 0:
        raise InputError(
            "the curvature is not proved to be positive on the ball", radius=size, remedy="use a smaller radius"
        )
    bounds = m, round_up(largest + Fraction(change)), size
    gradient = float(problem.gradient_enclosure(w).norm().upper)
    found = local_minimum(*bounds, gradient, eta, tau)
    if found.verdict is not Verdict.PROVED and (sharper := claims.gradient_norm()) < gradient:
        gradient, found = sharper, local_minimum(*bounds, sharper, eta, tau)
    if found.verdict is not Verdict.PROVED:
        raise InputError("the gradient is too large for the ball", gradient_norm=gradient, remedy=found.remedy)
    return exact_region(Ball(w, size)), {
        "lipschitz": found.L.hex(),
        "eta": found.eta.hex(),
        "tau": found.tau.hex(),
        "gain": found.gain.hex(),
        "least": found.m.hex(),
        "gradient_norm": found.gradient_norm.hex(),
        "distance": found.distance.hex(),
        "excess": found.excess.hex(),
        "rate": found.rate.hex(),
    }
