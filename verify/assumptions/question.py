"""The question that a check answers, in words: which steps, and what of them decreases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from verify.arithmetic.decimals import at_least
from verify.bounds.regions import Ball, BoundedWeights
from verify.theorems.ranges import RANGES

if TYPE_CHECKING:
    from verify.bounds.regions import Region

ERROR = "the error"


def decreasing_words(theorem: str | None) -> str:
    """Return what a theorem proves to decrease: the error, or for mu the energy.

    Examples
    --------
    >>> decreasing_words("sharp"), decreasing_words("nesterov")
    ('the error', 'V = E + |D|^2/(2 eta), not E itself')
    """
    if theorem is None or RANGES[theorem].momentum_name == "tau":
        return ERROR
    return f"V = {RANGES[theorem].decreasing}, not E itself"


def region_words(region: Region) -> str:
    """Return where a step stays, to be put behind "stays".

    Examples
    --------
    >>> region_words(Ball([0.0], 0.1)), region_words(BoundedWeights(14))
    ('within 0.1 of the start', 'in |w| <= 14.0')
    """
    if isinstance(region, Ball):
        return f"within {region.radius!r} of the start"
    if isinstance(region, BoundedWeights):
        return f"in |w| <= {region.radius!r}"
    return "in the region around the start"


def previous_words(length: float) -> str:
    """Return which step comes before the first, in words.

    Examples
    --------
    >>> previous_words(0.25)
    'a previous step with |D_0| <= 0.25'
    """
    return f"a previous step with |D_0| <= {at_least(length)}"


def start_words(previous_step: float) -> str:
    """Return how a training starts, where a theorem asks for it.

    Examples
    --------
    >>> start_words(0.0), start_words(0.25)
    ('from rest (D_0 = 0)', 'after a previous step with |D_0| <= 0.25')
    """
    return f"after {previous_words(previous_step)}" if previous_step else "from rest (D_0 = 0)"


def scope_words(
    region: Region,
    *,
    for_ever: bool = False,
    steps: int | None = None,
    from_rest: bool = False,
    previous_step: float = 0.0,
    ahead: bool = False,
    since_rest: bool = False,
) -> str:
    """Return which steps an answer speaks of.

    Parameters
    ----------
    region : Region
        Where the answer holds without further proof.
    for_ever : bool
        Whether no step is proved to leave it.
    steps : int, optional
        How many steps are proved not to leave it.
    from_rest : bool
        Whether that holds only for a start at rest, or after the previous step given.
    previous_step : float
        How long that one is at most.
    ahead : bool
        Whether w + mu D, where Nesterov's variant takes its gradient, has to stay too.
    since_rest : bool
        Whether all steps since a start at rest have to stay, not this one alone.

    Examples
    --------
    >>> region = Ball([0.0], 0.1)
    >>> scope_words(region), scope_words(region, for_ever=True, from_rest=True)
    ('every step that stays within 0.1 of the start', 'every step from rest, for ever,')
    >>> scope_words(region, steps=17)
    'each of the first 17 steps, and every later one that stays within 0.1 of the start,'
    >>> scope_words(region, from_rest=True, since_rest=True)
    'every step from rest that stays, as all before it, within 0.1 of the start'
    """
    rest = (f" after {previous_words(previous_step)}" if previous_step else " from rest") if from_rest else ""
    before = ", as all before it," if since_rest else ""
    if for_ever:
        return f"every step{rest}, for ever,"
    if steps:
        first = f"each of the first {steps} steps" if steps > 1 else "the first step"
        return f"{first}{rest}, and every later one that stays{before} {region_words(region)},"
    if since_rest:
        return f"every step{rest} that stays{before} {region_words(region)}"
    return f"every step that stays{', with w + mu D,' if ahead else ''} {region_words(region)}"
