"""How many examples a law that is asked of the planner draws: few in ``make test``, and the same ones at every run.

``DETENTE_FUZZ=4`` draws four times as many, and others each time. Not here: what is drawn (``drawn_cases``).
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

MORE = int(os.environ.get("DETENTE_FUZZ", "1"))
"""Times the examples that ``make test`` draws."""


def drawing(examples: int) -> settings:
    """So many examples, of which most may be refused, and each may take long."""
    return settings(
        deadline=None,
        derandomize=MORE == 1,
        max_examples=examples * MORE,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.function_scoped_fixture],
    )
