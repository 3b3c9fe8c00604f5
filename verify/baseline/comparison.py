"""What became worse since an earlier check, and the vertex that caused it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from verify.arithmetic.environment import certified_environment
from verify.outcomes import InputError, Verdict

_MOMENTA = ("tau_max", "mu_max")


@dataclass(frozen=True)
class Regression:
    """A figure that became worse by more than the factor.

    Parameters
    ----------
    figure : str
        ``"lipschitz"``, or a theorem and its limit such as ``"sharp eta_max"``.
    before : float
    now : float or None
        None where there is none any more.
    vertex : str or None
        Whose contribution to L grew most; None if no contribution grew.
    statement : str
        The same in words.
    """

    figure: str
    before: float
    now: float | None
    vertex: str | None
    statement: str


@dataclass(frozen=True)
class Comparison:
    """Result of `compare`.

    Parameters
    ----------
    factor : float
        Allowed.
    regressions : tuple of Regression
    """

    factor: float
    regressions: tuple[Regression, ...]

    @property
    def verdict(self) -> Verdict:
        """REFUTED if anything became worse."""
        return Verdict.REFUTED if self.regressions else Verdict.PROVED

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        regressions = [asdict(each) for each in self.regressions]
        return {"verdict": self.verdict.value, "factor": self.factor, "regressions": regressions}


@certified_environment(products=False)
def compare(answer: Mapping[str, Any], baseline: Mapping[str, Any], factor: float = 1.1) -> Comparison:
    """Compare two answers of a check about the same network.

    Parameters
    ----------
    answer, baseline : mapping
        ``CheckReport.to_json()`` now and before.
    factor : float
        By which L may grow and a range shrink, at least 1.

    Raises
    ------
    InputError
        If the factor is less than 1, or the answers are about problems of different names.

    Examples
    --------
    >>> def answer(L):
    ...     return {"name": "n", "lipschitz": {"value": L, "region": "r", "contributions": {"h": L}}, "ranges": []}
    >>> print(compare(answer(3.0), answer(2.0)).regressions[0].statement)
    L grew from 2 to 3 (factor 1.5, allowed 1.1); most at vertex h: its share grew from 2 to 3
    >>> compare(answer(2.1), answer(2.0)).verdict.value
    'PROVED'
    """
    if not (math.isfinite(factor) and factor >= 1):
        raise InputError("the factor must be at least 1", factor=factor, remedy="use 1.1")
    if answer["name"] != baseline["name"]:
        raise InputError(
            "the baseline is about another problem",
            name=answer["name"],
            baseline=baseline["name"],
            remedy="give the answer of an earlier check of this file",
        )
    return Comparison(factor, tuple(_regressions(answer, baseline, factor)))


def _regressions(answer: Mapping[str, Any], baseline: Mapping[str, Any], factor: float) -> Iterator[Regression]:
    vertex, cause = _cause(answer["lipschitz"], baseline["lipschitz"])
    before, now = baseline["lipschitz"]["value"], answer["lipschitz"]["value"]
    if before is not None and (now is None or not now <= factor * before):
        yield _regression("lipschitz", "L grew", before, now, factor, vertex, cause)
    rows = {row["theorem"]: row for row in answer["ranges"]}
    for old in baseline["ranges"]:
        new = rows.get(old["theorem"], {})
        limits = ["eta_max"] + [key for key in _MOMENTA if new.get("eta") == old.get("eta")]
        for key in limits:
            before, now = old.get(key), new.get(key)
            if before and (now is None or not now * factor >= before):
                words = f"{key} of theorem {old['theorem']} shrank"
                yield _regression(f"{old['theorem']} {key}", words, before, now, factor, vertex, cause)


def _regression(
    figure: str, words: str, before: float, now: float | None, factor: float, vertex: str | None, cause: str
) -> Regression:
    change = f"{words} from {before:.4g} to {'none' if now is None else format(now, '.4g')}"
    if now and before:
        change += f" (factor {max(now, before) / min(now, before):.4g}, allowed {factor:g})"
    return Regression(figure, before, now, vertex, change + cause)


def _cause(now: Mapping[str, Any], before: Mapping[str, Any]) -> tuple[str | None, str]:
    """Return the vertex whose share of L grew most, and the cause in words."""
    shares, old = now["contributions"], before["contributions"]
    growth = {vertex: share - old.get(vertex, 0.0) for vertex, share in shares.items()}
    region = "" if now["region"] == before["region"] else f"; the region was {before['region']}, is {now['region']}"
    vertex = max(growth, key=growth.__getitem__, default=None)
    if vertex is None or growth[vertex] <= 0:
        return None, region
    share = f"its share grew from {old.get(vertex, 0.0):.4g} to {shares[vertex]:.4g}"
    return vertex, f"; most at vertex {vertex}: {share}{region}"
