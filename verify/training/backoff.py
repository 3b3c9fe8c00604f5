"""By what learning rates of guarded epochs are multiplied: less after each that was taken back, more again later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

from verify.outcomes import InputError

SMALLEST = 2.0**-40
"""Factor below which a guard gives up: rounding hides what is left of a step."""


@final
@dataclass
class BackOff:
    """The rule: an epoch that is taken back multiplies the factor by ``shrink``; accepted ones may undo that.

    With ``recover``, whenever so many epochs in a row were accepted, the factor is divided by ``shrink`` once, and it
    is never more than 1: a learning rate grows back to what it was, not beyond.

    Parameters
    ----------
    shrink : float
        In (0, 1).
    recover : int, optional
        Without it the factor never grows.
    factor : float
        In (0, 1].
    streak : int
        Epochs accepted since the factor changed last or an epoch was taken back.

    Raises
    ------
    InputError
        If a number is out of range.

    Examples
    --------
    >>> backoff = BackOff(0.5, recover=2)
    >>> backoff.rejected(), backoff.rejected(), backoff.accepted(), backoff.accepted(), backoff.factor
    (0.5, 0.5, 1.0, 2.0, 0.5)
    """

    shrink: float = 0.5
    recover: int | None = None
    factor: float = 1.0
    streak: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.shrink, bool) or not (isinstance(self.shrink, int | float) and 0 < self.shrink < 1):
            raise InputError("a factor between 0 and 1 is needed", shrink=self.shrink, remedy="use shrink=0.5")
        if self.recover is not None and not (_is_whole(self.recover) and self.recover >= 1):
            raise InputError(
                "the learning rate grows back after a number of epochs", recover=self.recover, remedy="use recover=3"
            )
        self.shrink = float(self.shrink)

    @property
    def exhausted(self) -> bool:
        """Whether there is nothing left to try."""
        return self.factor < SMALLEST

    def rejected(self) -> float:
        """Return by what the learning rates are multiplied after an epoch that was taken back."""
        self.streak = 0
        return self._scaled(self.factor * self.shrink)

    def accepted(self) -> float:
        """Return by what the learning rates are multiplied after an accepted epoch."""
        self.streak += 1
        if self.recover is None or self.streak < self.recover or self.factor >= 1:
            return 1.0
        self.streak = 0
        return self._scaled(min(1.0, self.factor / self.shrink))

    def set(self, factor: Any, streak: Any, remedy: str) -> None:
        """Go on from saved numbers.

        Raises
        ------
        InputError
            If they cannot be those of such a rule.
        """
        if not (isinstance(factor, float) and 0 < factor <= 1):
            raise InputError("the factor of the learning rates must be in (0, 1]", factor=factor, remedy=remedy)
        if not (_is_whole(streak) and streak >= 0):
            raise InputError("the number of epochs in a row must be a whole number", streak=streak, remedy=remedy)
        self.factor, self.streak = factor, streak

    def _scaled(self, factor: float) -> float:
        before, self.factor = self.factor, factor
        return factor / before


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
