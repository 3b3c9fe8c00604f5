"""What a certificate claims, as a sentence: which steps, and no more of them than are covered."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from verify.arithmetic.decimals import at_most
from verify.certificates.document import number


def claim_words(content: dict[str, Any]) -> str:
    """Return the sentence that a confirmed certificate proves.

    Parameters
    ----------
    content : dict
        A certificate that `read_document` returned.

    Examples
    --------
    >>> claim_words({"kind": "step", "region": None, "claim": {"decrease": "0x1.0000000000000p-1"}})
    'the step to the next weights decreases the error by at least 0.5'
    """
    kind, claim, region = content["kind"], content["claim"], content["region"]
    if kind == "step":
        decrease = at_most(float(number(claim["decrease"], "claim.decrease")))
        return f"the step to the next weights decreases the error by at least {decrease}"
    if kind == "heavy_ball":
        return (
            f"every step of the heavy ball with eta={_shown(claim['eta'])}, mu={_shown(claim['mu'])} that stays "
            f"{_place(region)} does not increase V = E + mu/(2 eta) |D|^2, D being the last step"
        )
    if kind == "nesterov":
        return (
            f"every step of Nesterov's variant with eta={_shown(claim['eta'])}, mu={_shown(claim['mu'])} that stays, "
            f"with w + mu D, {_place(region)} does not increase V = E + |D|^2/(2 eta), D being the last step"
        )
    setting = f"with eta={_shown(claim['eta'])}, tau <= {_shown(claim['tau'])}"
    norm = " of the global norm"
    match kind:
        case "region":
            return f"every step {setting} that stays {_place(region)} decreases the error"
        case "from_rest":
            return (
                f"every step from rest {setting}{norm} decreases the error as long as all steps stay {_place(region)}"
            )
        case "restart":
            return (
                f"every step {setting}{norm}, momentum being dropped where it points uphill, that stays "
                f"{_place(region)} decreases the error"
            )
        case "horizon" | "from_rest_horizon":
            count = f"each of the first {claim['steps']} steps" if claim["steps"] > 1 else "the first step"
            rest, ends = (" from rest", norm) if kind == "from_rest_horizon" else ("", "")
            return f"{count}{rest} {setting}{ends} stays {_place(region)} and decreases the error"
        case "minimum":
            return (
                f"E has exactly one stationary point {_place(region)}, a strict minimiser, at most "
                f"{_shown(claim['distance'])} away and at most {_shown(claim['excess'])} lower; from the weights every "
                f"step {setting} stays {_place(region)} and decreases the error, and the weights converge to the "
                f"minimiser, E minus its minimum by a factor of at most 1 - {_shown(claim['rate'])} a step"
            )
        case _:
            converges = "; the weights converge, if the theorem cited holds" if claim["converges"] else ""
            rest, ends = (" from rest", norm) if kind == "from_rest_weight_decay" else ("", "")
            return (
                f"every step{rest} {setting}{ends}, for ever, stays {_place(region)} and decreases the error{converges}"
            )


def _place(region: dict[str, Any]) -> str:
    match region["kind"]:
        case "ball":
            return f"within {_shown(region['radius'])} of the weights"
        case "bounded":
            return f"in |w| <= {_shown(region['radius'])}"
        case _:
            return "in the region around the weights"


def _shown(text: str) -> str:
    """Return the number exactly: as the decimal that is read as it, or as it stands."""
    value = number(text, "claim")
    return repr(float(value)) if Fraction(float(value)) == value else text
