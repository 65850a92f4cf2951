"""Which deadline a reply has missed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from detente.gateway.upstream.incoming import Incoming
from detente.gateway.upstream.origin import Origin
from detente.gateway.upstream.sweep import overdue


@pytest.mark.parametrize(
    ("status", "since", "until", "words"),
    [
        (0, 90, 200, None),
        (0, 89, 200, "first-byte deadline"),
        (200, 95, 200, None),
        (200, 94, 200, "idle deadline"),
        (200, 100, 100, "total deadline"),
        (0, 0, 100, "total deadline"),
    ],
)
def test_deadlines(status: int, since: float, until: float, words: str | None) -> None:
    connection: Any = None  # a deadline is missed or not, whatever the reply comes on
    loop = asyncio.new_event_loop()
    incoming = Incoming(connection, Origin("http", "provider", 80), loop, since, until)
    loop.close()
    incoming.status = status
    told = overdue(incoming, 100, first_byte=10, idle=5)
    assert told is None if words is None else words in str(told)
