"""Hypothesis profiles, chosen with HYPOTHESIS_PROFILE.

``ci`` (the default) tries the same examples every time, so that a change is judged by what it changes;
``nightly`` searches at random and for long.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]

settings.register_profile(
    "ci", deadline=None, max_examples=60, derandomize=True, suppress_health_check=SLOW_IS_FINE
)
settings.register_profile("nightly", deadline=None, max_examples=20_000, suppress_health_check=SLOW_IS_FINE)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
