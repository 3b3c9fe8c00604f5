"""The numbers of reports for charts: bounds stay bounds in float32, and nothing infinite is drawn."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("torch")

from hypothesis import given, strategies

from verify import InputError, Verdict
from verify.torch import EpochReport, StepReport, TensorBoardLog
from verify.torch.scalars import scalars

NUMBERS = strategies.floats(allow_nan=False, allow_infinity=True, width=64)


@given(NUMBERS, NUMBERS, NUMBERS)
def test_bounds_are_rounded_outward_by_less_than_one_place(low: float, high: float, error: float) -> None:
    found = scalars(StepReport(1, Verdict.UNDECIDED, (low, high), error, None, "", None))
    for name, value, outward in (("change_lower", low, -np.inf), ("change_upper", high, np.inf)):
        if name in found:
            kept = np.float32(found[name])
            assert float(kept) == found[name]
            with np.errstate(over="ignore"):
                inward = np.nextafter(kept, np.float32(-outward))
            if outward > 0:
                assert Fraction(found[name]) >= Fraction(value)
                assert not (np.isfinite(inward) and float(inward) >= value)
            else:
                assert Fraction(found[name]) <= Fraction(value)
                assert not (np.isfinite(inward) and float(inward) <= value)
        else:
            assert abs(value) > float(np.finfo(np.float32).max)
    assert ("error_upper" in found) == (error <= float(np.finfo(np.float32).max) and error != -np.inf)


def test_what_is_not_known_is_left_out() -> None:
    unknown = StepReport(3, Verdict.UNDECIDED, (-np.inf, np.inf), np.inf, None, "", None)
    assert scalars(unknown) == {"verdict": 0.0}
    asked = StepReport(3, Verdict.REFUTED, (0.5, 1.0), 2.0, Verdict.UNDECIDED, "", Verdict.REFUTED)
    assert scalars(asked) == {
        "verdict": -1.0, "change_lower": 0.5, "change_upper": 1.0, "error_upper": 2.0, "in_range": 0.0, "inside": -1.0
    }  # fmt: skip


def test_an_epoch_taken_back_is_drawn_as_such() -> None:
    report = EpochReport(2, Verdict.REFUTED, False, (1.5, 2.0), (0.25, 0.5), (0.125, 3.0))
    drawn: list[tuple[str, float, int]] = []

    class Writer:
        def add_scalar(self, tag: str, value: float, step: int) -> None:
            drawn.append((tag, value, step))

    TensorBoardLog(Writer(), prefix="guard")(report)
    assert drawn == [
        ("guard/verdict", -1.0, 2), ("guard/change_lower", 0.25, 2), ("guard/change_upper", 0.5, 2),
        ("guard/error_lower", 1.5, 2), ("guard/error_upper", 2.0, 2), ("guard/accepted", 0.0, 2),
        ("guard/lr", 0.125, 2),
    ]  # fmt: skip


def test_what_is_no_writer_is_one_line() -> None:
    with pytest.raises(InputError, match="SummaryWriter"):
        TensorBoardLog("runs")
