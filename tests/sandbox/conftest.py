"""One sandbox for all tests that only talk to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sandbox.playing import Played, played


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Played]:
    with played() as found:
        yield found
