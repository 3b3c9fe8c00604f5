"""Limits of time and memory: a part of an analysis that exceeds one is undecided, and says what was too large.

Long loops ask `check_time`; an array whose size follows from shapes alone is announced to `check_memory` before it is
made. Without a `time_limit` around them no time is too long; memory is always limited.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from verify.outcomes import InputError

MEMORY_LIMIT = 2**31
"""Bytes that one step of an analysis may take; with the interpreter and what stands beside it, within 4 GB."""


class OverBudgetError(InputError):
    """A part of the analysis takes more time or memory than it may: undecided, not wrong."""

    @property
    def reason(self) -> str:
        """What was too large, with the figures, as a part of a sentence."""
        figures = ", ".join(f"{name}={value}" for name, value in self.values.items())
        return f"{self.what} ({figures})" if figures else self.what


REMEDY = "allow more time (--time-limit), or use fewer or narrower layers"


@dataclass(frozen=True)
class _Limit:
    """The processor time of this process at which the time is up, and how much there was."""

    end: float
    seconds: float
    what: str


_limit: ContextVar[_Limit | None] = ContextVar("limit", default=None)


@contextmanager
def time_limit(seconds: float | None, what: str, remedy: str = REMEDY) -> Iterator[None]:
    """Give a block so many seconds of processor time; a limit around it that ends earlier still holds.

    Parameters
    ----------
    seconds : float or None
        None for no limit beyond the one around.
    what : str
        What is being done, for the message.
    remedy : str
        What makes it smaller, or allows more.

    Raises
    ------
    OverBudgetError
        From `check_time` inside the block, naming the innermost block, whichever limit was passed.

    Examples
    --------
    >>> with time_limit(60.0, "a sum"):
    ...     check_time()
    >>> with time_limit(0.0, "a sum", remedy="add fewer terms"):
    ...     check_time()
    Traceback (most recent call last):
        ...
    verify.budget.OverBudgetError: a sum takes too long: seconds=0.0; add fewer terms
    """
    outer = _limit.get()
    own = _Limit(time.process_time() + (math.inf if seconds is None else seconds), seconds or 0.0, what)
    end, given = (own.end, own.seconds) if outer is None or own.end <= outer.end else (outer.end, outer.seconds)
    token = _limit.set(None if end == math.inf else _Limit(end, given, what))
    try:
        yield
    except OverBudgetError as error:
        raise (error if error.remedy else OverBudgetError(error.what, remedy=remedy, **error.values)) from None
    finally:
        _limit.reset(token)


def check_time() -> None:
    """Raise `OverBudgetError` if the time of the innermost `time_limit` is up."""
    limit = _limit.get()
    if limit is not None and time.process_time() >= limit.end:
        raise OverBudgetError(f"{limit.what} takes too long", seconds=round(limit.seconds, 1))


def check_estimate(seconds: float, what: str, remedy: str = REMEDY, **sizes: Any) -> None:
    """Raise `OverBudgetError` if more is needed, by a measured estimate, than is left: nothing is waited for in vain.

    Examples
    --------
    >>> check_estimate(1e6, "a sum")
    >>> with time_limit(60.0, "the answer"):
    ...     check_estimate(1e6, "a sum", "add fewer terms", terms=10**12)
    Traceback (most recent call last):
        ...
    verify.budget.OverBudgetError: a sum takes too long: seconds=1000000.0, terms=1000000000000; add fewer terms
    """
    if seconds > remaining():
        raise OverBudgetError(f"{what} takes too long", remedy=remedy, seconds=float(f"{seconds:.2g}"), **sizes)


def remaining() -> float:
    """Return how many seconds are left, infinity without a limit."""
    limit = _limit.get()
    return math.inf if limit is None else max(0.0, limit.end - time.process_time())


def check_memory(numbers: float, what: str, remedy: str, **sizes: Any) -> None:
    """Raise `OverBudgetError` if an array of so many float64 numbers is too large to be made.

    Parameters
    ----------
    numbers : float
        How many, all copies that stand beside each other included.
    what, remedy : str
        What is too large, and what makes it smaller.
    **sizes
        The sizes that it follows from, for the message.

    Examples
    --------
    >>> check_memory(1000.0**3, "the array", "use fewer units", units=1000)
    Traceback (most recent call last):
        ...
    verify.budget.OverBudgetError: the array is too large: gigabytes=8.0, limit=2.1, units=1000; use fewer units
    """
    size = 8.0 * numbers
    if size > MEMORY_LIMIT:
        raise OverBudgetError(
            f"{what} is too large", remedy=remedy, gigabytes=float(f"{size / 1e9:.2g}"), limit=2.1, **sizes
        )
