"""What is shown on a terminal while a command works: what it does, and how long that may take."""

from __future__ import annotations

import io
import math

import pytest
from rich.console import Console

from verify.budget import time_limit
from verify.cli import output


@pytest.mark.parametrize(
    ("seconds", "words"), [(40.5, "bounding; at most 40 s of processor time left ..."), (math.inf, "bounding ...")]
)
def test_the_time_that_is_left_is_told(seconds: float, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(output, "stderr_console", lambda: Console(file=stream, force_terminal=True, width=200))
    with output.progress() as announce, time_limit(seconds, "the work"):
        announce("bounding")
    assert words in stream.getvalue()
