"""What holds for every test: Hypothesis looks at no clock, and Ctrl-C is heard.

How long an example takes says how busy the machine is, and nothing about the program: neither a slow example nor slow
making of examples is a failure. A test that states health checks of its own names ``too_slow`` among them
(``test_suite.py`` looks).

A shell that runs the tests in the background has them ignore Ctrl-C, and all that they start: a test that presses it
would wait for nothing.
"""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

settings.register_profile("suite", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow]))
settings.load_profile("suite")
signal.signal(signal.SIGINT, signal.default_int_handler)
