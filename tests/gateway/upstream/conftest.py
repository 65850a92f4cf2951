"""What tests of the client share."""

from __future__ import annotations

from functools import partial

import pytest

from tests.gateway.upstream.play import Play, played
from tests.waiting import AGES


@pytest.fixture(params=[False, True], ids=["uvloop", "asyncio"])
def play(request: pytest.FixtureRequest) -> Play:
    """Runs a test on uvloop, or on asyncio's own loop; no descriptor is left open."""
    return partial(played, plain=request.param)


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly a test runs, a connection that closes was closed before."""
    monkeypatch.setattr("detente.gateway.upstream.connection.STALE", AGES)
