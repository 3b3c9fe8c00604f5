"""Limits of time and memory: what exceeds one raises at once, and the innermost name is told."""

from __future__ import annotations

import time

import pytest

from verify.budget import MEMORY_LIMIT, OverBudgetError, check_memory, check_time, remaining, time_limit


def test_without_a_limit_no_time_is_too_long() -> None:
    check_time()
    assert remaining() == float("inf")
    with time_limit(None, "anything"):
        check_time()
        assert remaining() == float("inf")


def test_the_earlier_end_holds_and_the_inner_name_is_told() -> None:
    with pytest.raises(OverBudgetError, match="the outer takes too long"), time_limit(0.0, "the outer"):
        check_time()
    with (
        pytest.raises(OverBudgetError, match="the inner takes too long"),
        time_limit(0.0, "the outer"),
        time_limit(1e6, "the inner"),
    ):
        check_time()
    with time_limit(1e6, "the outer"):
        with pytest.raises(OverBudgetError), time_limit(0.0, "the inner"):
            check_time()
        check_time()
        assert 0 < remaining() <= 1e6
    assert remaining() == float("inf")


def test_processor_time_counts_not_waiting() -> None:
    with time_limit(5.0, "waiting"):
        before = remaining()
        time.sleep(0.2)
        assert before - remaining() < 0.2


@pytest.mark.parametrize("excess", [-1, 0, 1])
def test_memory_is_refused_beyond_the_limit_only(excess: int) -> None:
    numbers = MEMORY_LIMIT // 8 + excess
    if excess <= 0:
        check_memory(numbers, "the array", "use fewer units")
        return
    with pytest.raises(OverBudgetError, match=r"the array is too large: .*units=7.*; use fewer units"):
        check_memory(numbers, "the array", "use fewer units", units=7)
