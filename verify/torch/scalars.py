"""What is proved of a step or an epoch as numbers by name, for charts, and a log of them in TensorBoard's files."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, final

import numpy as np

from verify.outcomes import InputError, Verdict
from verify.torch.epoch_guard import EpochReport
from verify.torch.monitor import StepReport

HEIGHTS = {Verdict.PROVED: 1.0, Verdict.UNDECIDED: 0.0, Verdict.REFUTED: -1.0}
"""How a verdict is drawn."""


def scalars(report: StepReport | EpochReport) -> dict[str, float]:
    """Return the numbers of a report.

    Charts are drawn of float32 numbers, so lower bounds are rounded down to float32 and upper bounds up: they are
    bounds still. What is not finite, or not known, is left out.

    Parameters
    ----------
    report : StepReport or EpochReport

    Returns
    -------
    dict of str to float
        ``verdict`` (1 proved to fall, 0 undecided, -1 proved to rise), ``change_lower``, ``change_upper`` and
        ``error_upper``; of a step ``in_range`` and ``inside``, where they were asked for; of an epoch ``accepted``,
        ``error_lower``, and ``lr`` of the first parameter group.

    Examples
    --------
    >>> scalars(StepReport(1, Verdict.PROVED, (-0.3, -0.1), 0.1, None, "", None))["error_upper"]
    0.10000000149011612
    """
    found = {
        "verdict": HEIGHTS[report.verdict],
        "change_lower": _single(report.change[0], -np.inf),
        "change_upper": _single(report.change[1], np.inf),
    }
    if isinstance(report, StepReport):
        found["error_upper"] = _single(report.error_upper, np.inf)
        asked = {"in_range": report.in_range, "inside": report.inside}
        found.update({name: HEIGHTS[verdict] for name, verdict in asked.items() if verdict is not None})
    else:
        found["error_lower"], found["error_upper"] = _single(report.error[0], -np.inf), _single(report.error[1], np.inf)
        found["accepted"] = float(report.accepted)
        found["lr"] = report.rates[0] if report.rates else math.nan
    return {name: value for name, value in found.items() if math.isfinite(value)}


@final
class TensorBoardLog:
    """Writes reports as scalars: one of a monitor's ``callbacks``, or called with what a guard's ``judge`` returns.

    Parameters
    ----------
    writer : torch.utils.tensorboard.SummaryWriter
        Or any object with ``add_scalar(tag, value, step)``. It stays the caller's, who closes it.
    prefix : str
        The scalars are ``prefix/verdict``, ``prefix/change_upper`` and so on: the names of `scalars`.

    Raises
    ------
    InputError
        If the writer has no ``add_scalar``.

    Examples
    --------
    >>> class Printed:
    ...     def add_scalar(self, tag, value, step):
    ...         print(step, tag, value)
    >>> log = TensorBoardLog(Printed())
    >>> log(StepReport(1, Verdict.PROVED, (-0.5, -0.25), 0.75, None, "", None))
    1 dagverify/verdict 1.0
    1 dagverify/change_lower -0.5
    1 dagverify/change_upper -0.25
    1 dagverify/error_upper 0.75
    """

    def __init__(self, writer: Any, prefix: str = "dagverify") -> None:
        if not callable(getattr(writer, "add_scalar", None)):
            raise InputError(
                "not a writer of scalars",
                writer=type(writer).__name__,
                remedy="give torch.utils.tensorboard.SummaryWriter(folder)",
            )
        self._add: Callable[[str, float, int], Any] = writer.add_scalar
        self.prefix = prefix

    def __call__(self, report: StepReport | EpochReport) -> None:
        """Write the scalars of a report."""
        for name, value in scalars(report).items():
            self._add(f"{self.prefix}/{name}", value, report.index)


def _single(value: float, outward: float) -> float:
    """Return the float32 number next to a number in the direction of an infinity, or the number itself."""
    with np.errstate(over="ignore"):
        near = np.float32(value)
        inward = float(near) < value if outward > 0 else float(near) > value
        return float(np.nextafter(near, np.float32(outward)) if inward else near)
