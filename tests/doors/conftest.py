"""A process that met a hostile state must not refuse the tests that follow."""

from __future__ import annotations

import pytest

from verify.arithmetic import processor


@pytest.fixture(autouse=True)
def unsuspected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processor, "suspicion", None)
