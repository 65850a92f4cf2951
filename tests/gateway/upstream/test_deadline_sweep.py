"""Which deadline a reply has missed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from detente.gateway.upstream.deadline_sweep import overdue
from detente.gateway.upstream.incoming_reply import WHOLE, Incoming, Patience
from detente.gateway.upstream.origin import Origin

PATIENT = Patience(first=10, idle=5)


@pytest.mark.parametrize(
    ("spoken", "since", "until", "patience", "words"),
    [
        (False, 90, 200, PATIENT, None),
        (False, 89, 200, PATIENT, "first-byte deadline"),
        (True, 95, 200, PATIENT, None),
        (True, 94, 200, PATIENT, "idle deadline"),
        (True, 100, 100, PATIENT, "total deadline"),
        (False, 0, 100, PATIENT, "total deadline"),
        (False, 0, 101, WHOLE, None),
        (False, 0, 100, WHOLE, "total deadline"),
    ],
)
def test_deadlines(spoken: bool, since: float, until: float, patience: Patience, words: str | None) -> None:
    connection: Any = None  # a deadline is missed or not, whatever the reply comes on
    loop = asyncio.new_event_loop()
    incoming = Incoming(connection, Origin("http", "provider", 80), loop, since, until, patience)
    loop.close()
    incoming.spoken = spoken
    told = overdue(incoming, 100)
    assert told is None if words is None else words in str(told)
