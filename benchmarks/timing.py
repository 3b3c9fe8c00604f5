"""Processor time of calls, as the benchmarks of graphs measure it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def seconds_of(function: Callable[[], object], repetitions: int = 15) -> float:
    """Return the median processor time of a call."""
    times = []
    for _ in range(repetitions):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return statistics.median(times)
