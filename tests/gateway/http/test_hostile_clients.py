"""Hostile clients against the real app: served or refused, and never confused."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator

import pytest
import uvloop

from tests.gateway.caller import HELLO, KEY
from tests.gateway.http.attack import Attack, Target, attack, complaint
from tests.gateway.http.attacks import ATTACKS
from tests.gateway.http.limited import LIMIT, small
from tests.gateway.script import SERVED, play
from tests.gateway.stage import Stage
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """The real app, in a thread: attackers block."""
    ready, stop = threading.Event(), asyncio.Event()
    found: list[Target] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def main() -> None:
        loops.append(asyncio.get_running_loop())
        async with play(SERVED) as south, Stage(tmp_path_factory.mktemp("attacks"), small(south)) as stage:
            headers = (f"Authorization: Bearer {KEY}",)
            body = json.dumps(HELLO).encode()
            found.append(Target("127.0.0.1", stage.port, "/v1/chat/completions", headers, body, LIMIT))
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: uvloop.run(main()))
    thread.start()
    assert ready.wait(PATIENCE)
    yield found[0]
    loops[0].call_soon_threadsafe(stop.set)
    thread.join()


@pytest.mark.parametrize("what", ATTACKS, ids=lambda a: a.name)
def test_a_hostile_client_is_served_or_refused_and_never_confused(target: Target, what: Attack) -> None:
    found = attack(target, what, PATIENCE)
    assert complaint(what, found) is None, found
    assert complaint(ATTACKS[0], attack(target, ATTACKS[0], PATIENCE)) is None  # and the next caller is served
