"""However a call ends: what it took is given back, a breaker's probe is over, it is recorded once, its caller told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from detente.gateway.deciding.health import Health
from detente.gateway.http.exchange import Exchange
from detente.gateway.serving.call.recorder import Recorder
from detente.gateway.surfaces.chat import ChatSurface, ChunkRendering
from detente.providers.openai_compatible import CompatibleWire
from detente.providers.wire import Decoder
from tests.builders import tokens
from tests.gateway.caller import HELLO, Answer, request
from tests.gateway.http.peer import run
from tests.gateway.script import (
    DONE,
    FLOW,
    HALF,
    HEARD,
    LAST,
    ROLE,
    SERVED,
    SSE,
    Provider,
    chunked,
    completion,
    event,
    http,
    play,
    refusal,
)
from tests.gateway.stage import DEADLINES, LATE, SERVING, Stage, case_data
from tests.waiting import so

MAX_TOKENS = 400_000
ASKED = {**HELLO, "max_tokens": MAX_TOKENS}
STREAM = {**ASKED, "stream": True}
PROMPT = len(b'[{"role": "user", "content": "hi"}]') // 4
LIMITED = [tokens("south", 2, capacity="60 Mtok per hour"), tokens("north", 3)]


class Ends:
    """A stage whose South has a limit, and is to be tried by the one call that comes."""

    def __init__(self, folder: Path, south: Provider, north: Provider, **deadlines: str) -> None:
        bases = {"south": south.base, "north": north.base}
        data = case_data(bases, offers=LIMITED, serving=SERVING | {"deadlines": DEADLINES | deadlines})
        self.stage, self.told = Stage(folder, data), list[dict[str, Any]]()

    async def __aenter__(self) -> Ends:
        await self.stage.__aenter__()
        self.stage.load._known["south-m"].health = Health(failures=3, trips=1, doubted=True)
        asyncio.get_running_loop().set_exception_handler(lambda _, context: self.told.append(context))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stage.__aexit__()

    def taken(self) -> tuple[float, float]:
        """What South holds of its limit and of the plan's count."""
        bucket = self.stage.load._known["south-m"].taken
        assert bucket is not None
        return bucket._level, self.stage.load._known["south-m"].served.get("chat", 0.0)

    def is_over(self, kept: float) -> None:
        """Nothing but this is held, and nobody tries."""
        level, served = self.taken()
        assert served == kept
        assert level <= kept
        assert not self.stage.load.health("south-m").probing
        assert len(self.stage.records) == 1


STATED = 15  # tokens of a completion, as the provider says
ENDS: dict[str, tuple[Any, dict[str, Any], float, str]] = {
    "served": (SERVED, ASKED, STATED, "complete"),
    "served, of unknown use": (http(completion(usage={})), ASKED, PROMPT + MAX_TOKENS, "complete"),
    "streamed": ([*FLOW], STREAM, STATED, "complete"),
    "refused": (http(refusal("invalid_value"), "400 Bad Request"), ASKED, 0, "refused"),
    "filtered": (http(refusal("content_filter"), "400 Bad Request"), ASKED, 0, "refused"),
    "at its limit": (http(refusal("429"), "429 Too Many Requests"), ASKED, 0, "complete"),
    "unavailable": (http(b"", "503 Busy"), ASKED, 0, "complete"),
    "no JSON": (http(b"<html>"), ASKED, 0, "complete"),
    "nested beyond reason": (http(b'{"x":' + b"[" * 90_000 + b"]" * 90_000 + b"}"), ASKED, 0, "complete"),
    "a count beyond reason": (
        http(completion(usage={"prompt_tokens": 10**399})),
        ASKED,
        PROMPT + MAX_TOKENS,
        "complete",
    ),
    "reset": ("reset", ASKED, 0, "complete"),
    "silent": ("silence", STREAM, 0, "complete"),
    "a stream without content": ([SSE, chunked(ROLE), LAST], STREAM, 0, "complete"),
    "a stream that is filtered": ([SSE, chunked(event(refusal("content_filter"))), LAST], STREAM, 0, "refused"),
    "a stream that ends in an error": ([*HALF, chunked(event(refusal("oops"))), LAST], STREAM, 0, "cut"),
    "a stream that ends without a reason": ([*HALF, chunked(DONE), LAST], STREAM, 0, "cut"),
    "a stream that is cut": ([*HALF, "reset"], STREAM, 0, "cut"),
}


@pytest.mark.parametrize("name", ENDS)
def test_whatever_a_provider_does(tmp_path: Path, name: str) -> None:
    script, body, kept, outcome = ENDS[name]

    async def main() -> None:
        served = [*FLOW] if "stream" in body else SERVED
        async with play(script) as south, play(served) as north, Ends(tmp_path, south, north) as ends:
            call = asyncio.create_task(ends.stage.ask(body, south))
            if script == "silence":
                await so(lambda: south.silent)
                ends.stage.passes(LATE)
            await call
            ends.is_over(kept)
            assert ends.stage.records[0].outcome == outcome
            assert ends.told == []
            assert len(south.requests) == 1

    run(main(), plain=True)


@pytest.mark.parametrize("script", [["silence"], [*HALF, "silence"]])
def test_a_caller_who_leaves(tmp_path: Path, script: list[Any]) -> None:
    """Its prompt was read, or may have been; what was to be written is given back."""

    async def main() -> None:
        async with play(script) as south, play([*FLOW]) as north, Ends(tmp_path, south, north) as ends:
            caller = await ends.stage.caller()
            caller.send(request(STREAM))
            south.heard.set()
            await so(lambda: south.silent)
            assert ends.taken()[1] == PROMPT + MAX_TOKENS
            assert ends.stage.load.health("south-m").probing or script != ["silence"]  # an answer ends the trial
            await caller.leave()
            await ends.stage.idle()
            ends.is_over(PROMPT)
            assert ends.stage.records[0].outcome == "abandoned"

    run(main())


def test_a_call_for_which_there_is_no_time_at_all(tmp_path: Path) -> None:
    async def main() -> None:
        async with (
            play(SERVED) as south,
            play(SERVED) as north,
            Ends(tmp_path, south, north, total="0.000001 ms") as ends,
        ):
            answer = await ends.stage.ask(ASKED)
            assert answer.status == 504
            assert "total deadline passed" in answer.json["error"]["message"]
            assert ends.stage.records[0].outcome == "failed"
            ends.is_over(0)
            assert south.requests == north.requests == []

    run(main(), plain=True)  # uvloop's clock stands still for as long as nothing is waited for


def test_our_own_limit_of_connections_is_not_the_providers_fault(tmp_path: Path) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        async with (
            play([gate, http(completion())]) as south,
            play(SERVED) as north,
            Ends(tmp_path, south, north) as ends,
        ):
            load, upstream = ends.stage.load, ends.stage.app.upstream
            upstream._most = 1
            load._known["south-m"].health = None
            first = asyncio.create_task(ends.stage.ask(ASKED))
            await so(lambda: south.requests)
            (pool,) = upstream._pools.values()
            pool.connect = 0
            for _ in range(3):
                answer = await ends.stage.ask(ASKED)
                assert answer.headers["x-detente-deployment"] == "north-m"
            assert load.health("south-m") == Health()
            attempts = [(a.deployment, a.outcome) for r in ends.stage.records for a in r.attempts]
            assert attempts == [("south-m", "gateway"), ("north-m", "served")] * 3
            gate.set()
            assert (await first).headers["x-detente-deployment"] == "south-m"
            assert ends.taken()[1] == STATED

    run(main())


# -- defects of our own -----------------------------------------------------------------------------------------------
def broken(*_: object) -> Any:
    raise ZeroDivisionError("a defect")


def at_south(kind: type, name: str, then: Callable[..., Any] = broken) -> Callable[[pytest.MonkeyPatch], None]:
    """A method of South's wire that is replaced."""
    real = getattr(kind, name)

    def either(self: Any, *given: Any) -> Any:
        return then(self, *given) if self.deployment.id == "south-m" else real(self, *given)

    return lambda patch: patch.setattr(kind, name, either)


def breaking(*, heard: bool) -> Callable[..., Any]:
    """A decoder that breaks down at the first piece with content, or once that was heard."""
    real = CompatibleWire.decoder

    def made(wire: CompatibleWire, *given: Any) -> Any:
        decoder, begun = real(wire, *given), False

        class Breaking(Decoder):
            def feed(self, data: bytes) -> Any:
                nonlocal begun
                part, spoken = decoder.feed(data), begun
                begun = begun or part.content > 0
                return broken() if begun and spoken == heard else part

            end = decoder.end

        return Breaking()

    return made


DEFECTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], dict[str, Any], str, str]] = {
    "in what is sent": (at_south(CompatibleWire, "encode"), ASKED, "complete", "gateway"),
    "in a reply": (at_south(CompatibleWire, "decode"), ASKED, "complete", "broken"),
    "in an error": (at_south(CompatibleWire, "spilled"), ASKED, "complete", "broken"),
    "in a stream, before content": (
        at_south(CompatibleWire, "decoder", breaking(heard=False)),
        STREAM,
        "complete",
        "broken",
    ),
    "in a stream, after content": (at_south(CompatibleWire, "decoder", breaking(heard=True)), STREAM, "cut", "broken"),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_in_a_wire_fails_over_and_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    defect, body, outcome, kind = DEFECTS[name]

    async def main() -> None:
        script = [*HEARD] if "stream" in body else SERVED
        async with play(script) as south, play(script) as north, Ends(tmp_path, south, north) as ends:
            defect(monkeypatch)
            answer = await ends.stage.ask(body, south, north)
            assert answer.status == 200
            ends.is_over(0)
            (record,) = ends.stage.records
            assert (record.outcome, record.attempts[0].outcome) == (outcome, kind)
            assert "ZeroDivisionError" in record.attempts[0].detail
            assert len(ends.told) == 1
            if outcome == "cut":
                assert "could not be read" in answer.events[-1]["error"]["message"]
                assert b"[DONE]" not in answer.body
            else:
                assert record.deployment == "north-m"

    run(main())


HOPELESS: dict[str, tuple[type, str, dict[str, Any], str]] = {
    "a reply in the caller's shape": (ChatSurface, "whole", ASKED, "failed"),
    "a stream in the caller's shape": (ChunkRendering, "feed", STREAM, "failed"),
    "the end of a stream": (ChunkRendering, "close", STREAM, "cut"),
    "a record": (Recorder, "_route", ASKED, ""),
}


@pytest.mark.parametrize("name", HOPELESS)
def test_a_defect_that_meets_every_deployment_leaves_no_caller_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kind, method, body, outcome = HOPELESS[name]

    async def main() -> None:
        script = [*HEARD] if "stream" in body else SERVED
        async with play(script) as south, play(script) as north, Ends(tmp_path, south, north) as ends:
            monkeypatch.setattr(kind, method, broken)
            answer: Answer | None = None
            try:
                answer = await ends.stage.ask(body, south, north)
            except asyncio.IncompleteReadError:
                assert not outcome  # where nothing can be recorded nothing is given out
            assert ends.told
            assert not ends.stage.load.health("south-m").probing
            if answer is None:
                assert ends.stage.records == []
                return
            assert [r.outcome for r in ends.stage.records] == [outcome]
            assert answer.status == (200 if outcome == "cut" else 502)
            assert b"[DONE]" not in answer.body

    run(main())


def test_a_defect_as_the_error_of_a_stream_is_written_cuts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with play([*HALF, "close"]) as south, play([*FLOW]) as north, Ends(tmp_path, south, north) as ends:
            monkeypatch.setattr(ChunkRendering, "fail", broken)
            answer = await ends.stage.ask(STREAM, south)
            assert (answer.status, answer.whole) == (200, False)
            assert len(ends.told) == 1
            ends.is_over(0)
            assert ends.stage.records[0].outcome == "cut"

    run(main())


def test_a_defect_after_a_reply_leaves_the_connection_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with (
            play(SERVED) as south,
            play(SERVED) as north,
            Ends(tmp_path, south, north) as ends,
        ):
            real = Exchange.reply

            def reply(exchange: Exchange, *given: Any) -> None:
                real(exchange, *given)
                broken()

            monkeypatch.setattr(Exchange, "reply", reply)
            assert (await ends.stage.ask(ASKED)).status == 200
            ends.is_over(STATED)
            assert len(ends.told) == 1

    run(main())
