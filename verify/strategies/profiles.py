"""Hypothesis profiles: a repeatable one for every push, an exploring one for the night."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

CI = "dagverify-ci"
NIGHTLY = "dagverify-nightly"

_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)

settings.register_profile(CI, _PATIENT, derandomize=True, database=None, max_examples=50)
settings.register_profile(NIGHTLY, _PATIENT, derandomize=False, max_examples=2000)
