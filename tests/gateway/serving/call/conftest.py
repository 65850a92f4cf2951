"""What the tests of relayed calls ask for."""

from __future__ import annotations

import pytest

from detente.gateway.deciding import health
from detente.gateway.serving.call import provider_call
from tests.waiting import AGES


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly a test runs, what rests still rests, and what may come late still may."""
    monkeypatch.setattr(health, "FIRST_REST", AGES)
    monkeypatch.setattr(health, "LONGEST_REST", AGES)
    monkeypatch.setattr(provider_call, "LAST_BYTES", AGES)
