"""What holds for every test: Hypothesis looks at no clock, and Ctrl-C is heard.

How long an example takes says how busy the machine is, and nothing about the program: neither a slow example nor slow
making of examples is a failure. A test that states health checks of its own names ``too_slow`` among them
(``test_suite.py`` looks).

A shell that runs the tests in the background has them ignore Ctrl-C, and all that they start: a test that presses it
would wait for nothing.

The examples' plans take long, and several tests ask for them: one process plans each, and the others read what it
saved.

What is collected lives as long as the process, and is not searched for garbage; what tests make is searched seldom:
hardly any of it goes in circles.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.once import made_once

if TYPE_CHECKING:
    from detente.results.plan import Plan

EXAMPLES = Path(__file__).parent.parent / "examples"
LONGEST = ("end_to_end/test_failures.py", "planner/test_oracle.py", "tests/test_examples.py")
"""Files of tests that take or wait for ten seconds each: they come first, and none is left when the others are done."""
WAITING = "tests/end_to_end/"
"""Tests that wait for servers come next, for the same reason: those of them that are left keep no processor busy."""

settings.register_profile("suite", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow]))
settings.load_profile("suite")
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)
        gc.enable()


def turn(path: Path) -> tuple[bool, bool]:
    """When the tests of a file come: what is lower comes first."""
    file = path.as_posix()
    return not file.endswith(LONGEST), WAITING not in file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: turn(item.path))


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Plan]:
    """The plan of an example under a reading, planned once in a run of the tests, whichever process asks first."""
    from detente.case.case import Case
    from detente.planner.solve import plan
    from detente.results.plan import Plan

    @cache
    def found(name: str, reading: str | None = None) -> Plan:
        def saved(folder: Path) -> None:
            made = plan(Case.load(EXAMPLES / name).under(reading=reading))
            assert isinstance(made, Plan)
            made.save(folder)

        return Plan.load(made_once(tmp_path_factory, f"planned-{name}-{reading}", saved))

    return found
