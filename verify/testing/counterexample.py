"""An assertion error that says what is wrong, what to change, and how to see it again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from verify.outcomes import Verdict


class CounterexampleError(AssertionError):
    """Something was refuted, or could not be proved.

    Parameters
    ----------
    statement : str
        What was found.
    verdict : Verdict
        REFUTED or UNDECIDED.
    remedy : str or None
        What to change.
    replay : str
        Python that shows it again; the names in it are those of the failing call.
    counterexample : mapping or None
        The same as data; None where nothing was refuted.

    Examples
    --------
    >>> print(CounterexampleError("2 > 1", Verdict.REFUTED, "use 1", "assert 2 <= 1"))
    REFUTED: 2 > 1
    remedy: use 1
    replay: assert 2 <= 1
    """

    def __init__(
        self,
        statement: str,
        verdict: Verdict,
        remedy: str | None,
        replay: str | None,
        counterexample: Mapping[str, Any] | None = None,
    ) -> None:
        self.verdict = verdict
        self.remedy = remedy
        self.replay = replay
        self.counterexample = counterexample
        lines = [f"{verdict.value}: {statement}"]
        lines += [f"remedy: {remedy}"] if remedy else []
        lines += [f"replay: {replay}"] if replay else []
        super().__init__("\n".join(lines))
