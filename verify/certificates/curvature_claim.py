"""A Hessian bound that two independent programs agree on: the prover's and the checker's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import flint

from verify.arithmetic.rational import power_of_two, round_up
from verify.bounds.hessian import hessian_bound
from verify.certificates.checker.claims import PRECISIONS
from verify.certificates.checker.graph import read_any_subject
from verify.certificates.checker.subject import euclidean_norm
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.bounds.regions import Region
    from verify.calculus.objective import Objective


class CurvatureClaims:
    """Bounds of ||Hess E|| over regions around the weights of a certificate.

    Parameters
    ----------
    problem : Problem or GraphProblem
        Of a `GraphProblem`, growths alone are recomputed.
    description : dict
        Of `description.describe`: what the checker will read.
    """

    def __init__(self, problem: Objective, description: dict[str, Any]) -> None:
        self.problem, self.description = problem, description
        self._subject: Any = read_any_subject(description)

    def proved(self, region: Region) -> float:
        """Return the prover's bound."""
        return hessian_bound(self.problem, region).value

    def recomputed(self, region: Region) -> float:
        """Return the checker's bound, rounded up to a float64.

        Raises
        ------
        InputError
            If it exceeds the float64 numbers.
        """
        value = self._rounded_up(lambda: self._subject.hessian_norm(exact_region(region)))
        if not math.isfinite(value):
            raise InputError(
                "the checker's Hessian bound overflows", where="region", remedy="use a smaller region", bound=value
            )
        return value

    def growth(self, region: Region) -> float:
        """Return the checker's bound of the norm of Hess E minus that at the centre, rounded up; infinity without one.

        Raises
        ------
        InputError
            If the checker has no method for this network.
        """
        return self._rounded_up(lambda: self._subject.hessian_growth(exact_region(region)))

    def gradient_norm(self) -> float:
        """Return the checker's bound of |grad E| at the weights, from Arb, rounded up; infinity without one."""
        return self._rounded_up(lambda: euclidean_norm(self._subject.gradient(self._subject.weights)))

    def _rounded_up(self, bound: Callable[[], Any]) -> float:
        with flint.ctx.workprec(PRECISIONS[0]):
            upper = bound().upper().mid()
            if not upper.is_finite():
                return math.inf
            mantissa, exponent = upper.man_exp()
        return round_up_scaled(int(mantissa), int(exponent))

    def confirmed(self, region: Region) -> float:
        """Return the larger of both bounds, which each of the two programs proves."""
        return max(self.proved(region), self.recomputed(region))


def round_up_scaled(mantissa: int, exponent: int) -> float:
    """Return the smallest float64 that is not below mantissa * 2**exponent; infinity above all finite ones."""
    if mantissa > 0 and mantissa.bit_length() + exponent > 1100:
        return math.inf
    return round_up(power_of_two(mantissa, exponent))


def exact_region(region: Region) -> dict[str, Any]:
    """Return a region as it stands in a certificate: its data with exact numbers.

    Examples
    --------
    >>> from verify.bounds.regions import BoundedWeights
    >>> exact_region(BoundedWeights(1.5))
    {'kind': 'bounded', 'radius': '0x1.8000000000000p+0'}
    """
    data = region.to_data()
    if "radii" in data:
        return {**data, "radii": {name: float(value).hex() for name, value in data["radii"].items()}}
    return {**data, "radius": float(data["radius"]).hex()}
