"""Learning rates with momentum, inside and outside the range of a theorem."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from verify.assumptions.small_momentum import Setting
from verify.theorems.ranges import range_of

_PARTS = st.one_of(st.sampled_from([1.0, 0.5, 0.75]), st.floats(2.0**-20, 1.0))
_FACTORS = st.one_of(st.sampled_from([2.0, 10.0]), st.floats(1.0, 100.0, exclude_min=True))


def admissible_settings(lipschitz: float, theorem: str = "sharp") -> st.SearchStrategy[Setting]:
    """Strategy of settings that a theorem proves, the limits of its range included.

    Parameters
    ----------
    lipschitz : float
        Proved bound L of the curvature, positive.
    theorem : {"sharp", "triangle", "from_rest", "restart", "heavy_ball", "nesterov"}

    Raises
    ------
    InputError
        If L is not positive and finite, or the theorem is unknown.
    """
    admissible = range_of(theorem)
    largest = admissible.eta_limit(lipschitz)

    def setting(eta_part: float, momentum_part: float) -> Setting:
        eta = largest * eta_part
        return _setting(eta, admissible.momentum_limit(lipschitz, eta) * momentum_part, theorem)

    return st.builds(setting, _PARTS, st.one_of(st.just(0.0), _PARTS))


def inadmissible_settings(lipschitz: float, theorem: str = "sharp") -> st.SearchStrategy[Setting]:
    """Strategy of settings outside a theorem's range, the next float beyond its limits included.

    Parameters
    ----------
    lipschitz : float
        Proved bound L of the curvature, positive.
    theorem : {"sharp", "triangle", "from_rest", "restart", "heavy_ball", "nesterov"}

    Raises
    ------
    InputError
        If L is not positive and finite, or the theorem is unknown.
    """
    admissible = range_of(theorem)
    largest = admissible.eta_limit(lipschitz)

    def too_fast(factor: float) -> Setting:
        return _setting(max(largest * factor, math.nextafter(largest, math.inf)), 0.0, theorem)

    def too_much_momentum(eta_part: float, factor: float) -> Setting:
        eta = largest * eta_part
        limit = admissible.momentum_limit(lipschitz, eta)
        return _setting(eta, max(limit * factor, math.nextafter(limit, math.inf)), theorem)

    return st.one_of(
        st.builds(too_fast, st.one_of(st.just(1.0), _FACTORS)),
        st.builds(too_much_momentum, _PARTS, st.one_of(st.just(1.0), _FACTORS)),
    )


def _setting(eta: float, momentum: float, theorem: str) -> Setting:
    if range_of(theorem).momentum_name == "mu":
        return Setting(eta, mu=momentum, nesterov=theorem == "nesterov")
    return Setting(eta, tau=momentum, rule="restart" if theorem == "restart" else "adaptive")
