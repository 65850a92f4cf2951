"""What something takes, counted in calls of functions: the same on any machine, however busy it is.

Owns: the count. Not here: time, which no test may depend on. What one call into C takes is not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from cProfile import Profile
from time import process_time
from typing import TypeVar

QUICKEST = 2e-8
"""Seconds that no machine is quicker than with one call of a function."""
T = TypeVar("T")


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


def soon(ask: Callable[[], T], max_calls: int) -> T:
    """What is asked, in fewer calls than so many.

    Counting takes about as long as what is counted. So it is asked once more, and counted, only where it kept the
    processor for longer than so many calls can take: that decides what is counted, and the count alone what fails.
    """
    began = process_time()
    found = ask()
    if process_time() - began > max_calls * QUICKEST:
        with effort() as taken:
            ask()
        assert taken.calls < max_calls
    return found
