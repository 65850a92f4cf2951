"""What something takes, counted in calls of functions: the same on any machine, however busy it is.

Owns: the count. Not here: time, which no test may depend on. What one call into C takes is not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from cProfile import Profile


class Effort:
    """Of a block."""

    calls = 0
    """Of functions, Python's own and others, once the block is over."""


@contextmanager
def effort() -> Iterator[Effort]:
    """Count while the block runs."""
    found, profile = Effort(), Profile()
    profile.enable()
    try:
        yield found
    finally:
        profile.disable()
        found.calls = sum(entry.callcount for entry in profile.getstats())
