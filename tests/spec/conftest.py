"""The small spec file with a setting."""

from __future__ import annotations

import pytest

from tests.specifications import SMALL

MOMENTUM = """
[momentum]
eta = 0.1
tau = 0.05
"""


@pytest.fixture
def spec_text() -> str:
    return SMALL + MOMENTUM
