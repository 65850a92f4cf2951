"""Large bodies are read and said beside the loop: others are answered meanwhile; who leaves is on the record."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detente.gateway.serving.aside import LARGE
from detente.gateway.serving.call.provider_call import LEFT
from detente.gateway.surfaces.chat import ChatSurface
from detente.providers.openai_compatible import CompatibleWire
from tests.gateway.caller import HELLO, request
from tests.gateway.http.peer import run
from tests.gateway.script import SERVED, completion, http, play
from tests.gateway.stage import Stage, one
from tests.waiting import PATIENCE, so

LONG = {**HELLO, "messages": [{"role": "user", "content": "x" * (LARGE + 1)}]}
WORK: list[tuple[Any, str]] = [
    (ChatSurface, "ask"),
    (CompatibleWire, "encode"),
    (CompatibleWire, "decode"),
    (ChatSurface, "whole"),
]


def before(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, what: Callable[..., None]) -> None:
    """Do something before a method does its work, in the thread in which it does."""
    own = getattr(owner, name)

    def told(*args: Any, **named: Any) -> Any:
        what(*args)
        return own(*args, **named)

    monkeypatch.setattr(owner, name, told)


@pytest.mark.parametrize(("asked", "answered"), [(False, False), (True, False), (False, True), (True, True)])
def test_only_what_is_large_is_done_beside_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: bool, answered: bool
) -> None:
    async def main() -> None:
        threads = dict[str, int]()
        for owner, name in WORK:
            before(monkeypatch, owner, name, lambda *_, name=name: threads.update({name: threading.get_ident()}))
        said = completion("y" * (LARGE + 1) if answered else "hello")
        async with play(http(said)) as south, Stage(tmp_path, one(south)) as stage:
            answer = await stage.ask(LONG if asked else HELLO)
            assert answer.json["choices"] == said["choices"]
            assert south.asked[0]["messages"] == (LONG if asked else HELLO)["messages"]
        own = threading.get_ident()
        beside = {name: thread != own for name, thread in threads.items()}
        assert beside == {"ask": asked, "encode": asked, "decode": answered, "whole": answered}

    run(main())


def test_others_are_answered_while_a_large_body_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        reading, answered = threading.Event(), threading.Event()

        def slowly(_: ChatSurface, body: bytes, *__: Any) -> None:
            if len(body) > LARGE:
                reading.set()
                assert answered.wait(PATIENCE)

        before(monkeypatch, ChatSurface, "ask", slowly)
        async with play(SERVED, SERVED) as south, Stage(tmp_path, one(south)) as stage:
            slow = asyncio.ensure_future(stage.ask(LONG))
            await so(reading.is_set)
            assert (await stage.ask()).status == 200
            assert not slow.done()
            answered.set()
            assert (await slow).status == 200

    run(main())


def test_who_leaves_while_its_body_is_read_is_on_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        reading, left = threading.Event(), threading.Event()

        def slowly(*_: Any) -> None:
            reading.set()
            assert left.wait(PATIENCE)

        before(monkeypatch, ChatSurface, "ask", slowly)
        async with play() as south, Stage(tmp_path, one(south)) as stage:
            caller = await stage.caller()
            caller.send(request(LONG))
            await so(reading.is_set)
            await caller.leave()
            await so(lambda: bool(stage.records))
            left.set()
            (record,) = stage.records
            assert (record.outcome, record.status, record.attempts) == ("abandoned", LEFT, ())
            assert not south.requests

    run(main())
