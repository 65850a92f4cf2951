"""What holds for every test: Hypothesis looks at no clock.

How long an example takes says how busy the machine is, and nothing about the program: neither a slow example nor slow
making of examples is a failure. A test that states health checks of its own names ``too_slow`` among them
(``test_suite.py`` looks).
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("suite", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow]))
settings.load_profile("suite")
