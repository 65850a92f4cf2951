"""HTTP/1.1 towards callers: framing, limits, keys before bodies, and hostile clients against the real app."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h11
import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from detente.gateway.http import protocol, reader
from detente.gateway.http.exchange import Exchange, HeaderLines, RequestHead
from detente.gateway.http.outbox import Outbox
from detente.gateway.http.protocol import Connection
from tests.gateway.http.attacks import ATTACKS, Attack, Target, attack, complaint
from tests.gateway.http.attacks import read as answers_in
from tests.gateway.http.peer import run
from tests.gateway.stage import (
    DEADLINES,
    FLOW,
    HELLO,
    KEY,
    LATE,
    ROLE,
    SERVED,
    SSE,
    STREAM,
    Caller,
    Provider,
    Stage,
    chunked,
    completion,
    delta,
    http,
    one,
    play,
    request,
)
from tests.waiting import AGES, PATIENCE, Ahead, so, turns

LIMIT = 100_000


@pytest.fixture(autouse=True, scope="module")
def _hasty() -> Iterator[None]:
    """A refused connection is closed at once, and not after the time in which its caller reads the refusal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "LINGER", 0.0)
        yield


def small(provider: Provider) -> dict[str, Any]:
    return one(provider, serving={"deadlines": DEADLINES, "body": LIMIT})


# -- one connection, many requests ------------------------------------------------------------------------------------
def test_a_connection_serves_calls_one_after_the_other(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            for _ in range(3):
                caller.send(request())
                answer = await caller.answer()
                assert answer.status == 200
                assert answer.headers["date"].endswith("gmt")
            assert len(stage.state.connections) == 1
            await caller.leave()

    run(main())


def test_pipelined_requests_are_answered_in_turn(tmp_path: Path) -> None:
    async def main() -> None:
        first = ["turns", http(completion("first"))]
        async with play(first, [*FLOW], http(completion("third"))) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            more = request(path="/healthz", method="GET") + request(path="/nowhere", method="GET")
            caller.send(request() + request(STREAM) + request() + more)
            answers = [await caller.answer() for _ in range(5)]
            assert answers[0].json["choices"][0]["message"]["content"] == "first"
            assert answers[1].said == "hello"
            assert answers[2].json["choices"][0]["message"]["content"] == "third"
            assert [a.status for a in answers[3:]] == [200, 404]
            caller.send(request())  # and the connection reads on
            assert (await caller.answer()).status == 200
            await caller.leave()

    run(main())


def test_what_is_no_request_after_pipelined_ones_is_refused_after_their_replies(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(["turns", SERVED]) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            caller.send(request() + b"\0\0\0\r\n\r\n")
            assert (await caller.answer()).status == 200
            assert await caller.closed()
            await caller.leave()

    run(main())


@pytest.mark.parametrize("stream", [False, True])
def test_http_1_0_is_answered_and_closed(tmp_path: Path, stream: bool) -> None:
    async def main() -> None:
        async with play([*FLOW] if stream else http(completion())) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            caller.send(request(STREAM if stream else None, version="1.0"))
            status, fields = await caller.head()
            assert status == 200
            assert "transfer-encoding" not in fields
            answer = await caller.rest(status, fields)
            if stream:
                assert answer.said == "hello"
            else:
                assert answer.json == completion()
            assert await caller.closed()
            await caller.leave()

    run(main())


def test_pages_answer_get_and_head(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            for path in ("/healthz", "/readyz", "/metrics", "/v1/models", "/v1/models/m", "/nowhere"):
                caller.send(request(path=path, method="GET"))
                full = await caller.answer()
                caller.send(request(path=path, method="HEAD"))
                status, fields = await caller.head()
                assert status == full.status == (404 if path == "/nowhere" else 200)
                if full.status == 200 and path != "/metrics":
                    assert int(fields["content-length"]) == len(full.body)
            caller.send(request(path="/healthz", method="GET"))  # no body of a HEAD is in the way
            assert (await caller.answer()).json == {"status": "alive"}
            stage.app.ready = False
            caller.send(request(path="/readyz", method="GET"))
            assert (await caller.answer()).status == 503
            await caller.leave()

    run(main())


def test_models_are_those_of_the_key(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            caller.send(request(path="/v1/models", method="GET"))
            assert [m["id"] for m in (await caller.answer()).json["data"]] == ["m", "chat"]
            caller.send(request(path="/v1/models/n", method="GET"))
            answer = await caller.answer()
            assert (answer.status, answer.json["error"]["code"]) == (404, "model_not_found")
            caller.send(request(path="/v1/models", method="GET", key=None))
            assert (await caller.answer()).status == 401
            await caller.leave()

    run(main())


def test_who_expects_100_is_told_to_go_on_before_the_body(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            head, _, body = request(Expect="100-continue").partition(b"\r\n\r\n")
            caller.send(head + b"\r\n\r\n")
            assert await caller.head() == (100, {})
            caller.send(body)
            assert (await caller.answer()).status == 200
            await caller.leave()

    run(main())


def test_who_expects_100_behind_another_request_is_told_once_its_reply_has_gone(tmp_path: Path) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        async with (
            play([gate, SERVED], SERVED) as south,
            Stage(tmp_path, small(south)) as stage,
        ):
            caller = await stage.caller()
            head, _, body = request(Expect="100-continue").partition(b"\r\n\r\n")
            caller.send(request() + head + b"\r\n\r\n")
            await so(lambda: south.requests)
            gate.set()
            assert (await caller.answer()).status == 200
            assert await caller.head() == (100, {})
            caller.send(body)
            assert (await caller.answer()).status == 200
            await caller.leave()

    run(main())


@pytest.mark.parametrize(
    "offer",
    [
        {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"},
        {"Connection": "upgrade", "Upgrade": "websocket"},
        {"Connection": "keep-alive, Upgrade", "Upgrade": "TLS/1.2"},
    ],
)
def test_an_offer_to_upgrade_is_passed_over_and_the_request_is_served(tmp_path: Path, offer: dict[str, str]) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            whole = request(**offer)
            for parts in ([whole], [whole[at : at + 7] for at in range(0, len(whole), 7)], [whole * 3]):
                caller = await stage.caller()
                for part in parts:
                    caller.send(part)
                    await asyncio.sleep(0)
                for _ in range(3 if len(parts[0]) > len(whole) else 1):
                    assert (await caller.answer()).status == 200
                caller.send(request(path="/healthz", method="GET", key=None, **offer))
                assert (await caller.answer()).status == 200
                await caller.leave()
            assert len(south.requests) == 5
            assert all(b"upgrade" not in head.lower() for head, _ in south.requests)

    run(main())


# -- callers who do not read ------------------------------------------------------------------------------------------
PAGE = request(path="/metrics", method="GET", key=None)


async def deaf(stage: Stage) -> tuple[Caller, Connection, int]:
    """A caller who asks for pages and takes none, until the gateway has stopped answering; how many it asked for."""
    caller, asked = await stage.caller(limit=1000), 0
    caller.writer.transport.pause_reading()  # type: ignore[attr-defined]
    while not (there := list(stage.state.connections)) or there[0].drain is None or there[0]._exchange is not None:
        caller.send(PAGE * 20)
        asked += 20
        await turns()
    caller.send(PAGE * 5)
    return caller, there[0], asked + 5


def test_requests_wait_until_the_replies_before_them_are_taken(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller, connection, asked = await deaf(stage)
            await so(lambda: connection._queued)
            assert connection.drain is not None
            assert connection._exchange is None, "nothing more is answered"
            assert 0 < len(connection._queued) <= protocol.PIECE // len(PAGE) + 1
            answered = connection._written
            await turns()
            assert connection._written == answered
            assert connection.transport.get_write_buffer_size() < 2 * protocol.WRITE_HIGH
            caller.writer.transport.resume_reading()  # type: ignore[attr-defined]
            for _ in range(asked):
                assert (await caller.answer()).status == 200
            assert (connection._queued, connection._paused, connection.drain) == (deque(), False, None)
            caller.send(request())
            assert (await caller.answer()).status == 200
            await caller.leave()

    run(main())


def test_who_takes_no_reply_and_asks_on_is_closed_in_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller, connection, _ = await deaf(stage)
            await turns()
            now = asyncio.get_running_loop().time()
            connection.sweep(now)  # what had left until then
            connection.sweep(now + LATE - 10)
            assert not connection.transport.is_closing()
            caller.send(PAGE)
            connection.sweep(now + LATE)
            await stage.idle()
            await caller.leave()

    run(main())


def test_requests_wait_as_bytes_however_many_come_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(["turns", SERVED]) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            page = request(path="/healthz", method="GET", key=None)
            n = 5 * protocol.PIECE // len(page)
            large = request(json.dumps(HELLO).encode().ljust(protocol.PIECE * 3))
            caller.send(request() + page * n + large + page)
            await so(lambda: any(connection._queued for connection in stage.state.connections))
            (connection,) = stage.state.connections
            assert len(connection._queued) <= protocol.PIECE // len(page) + 1
            statuses = [(await caller.answer()).status for _ in range(n + 3)]
            assert statuses == [200] * (n + 3)
            assert len(south.requests) == 2
            await caller.leave()

    run(main())


@pytest.mark.parametrize("encrypted", [False, True])
def test_who_takes_a_large_reply_slowly_is_not_cut(tmp_path: Path, certificate: Path, encrypted: bool) -> None:
    ours = theirs = None
    if encrypted:
        ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
        ours.load_cert_chain(certificate)
        theirs.check_hostname, theirs.verify_mode = False, ssl.CERT_NONE

    async def main() -> None:
        size, step = 30_000_000, 1_500_000
        async with play(http(completion("x" * size))) as south, Stage(tmp_path, small(south), tls=ours) as stage:
            caller = await stage.caller(limit=10_000, tls=theirs)
            caller.send(request())
            now, taken = asyncio.get_running_loop().time(), len(await caller.reader.readexactly(step))
            (connection,) = stage.state.connections
            while taken < size // 2:
                await turns()
                now += LATE / 2  # each time less than the longest silence, together much more
                connection.sweep(now)
                taken += len(await caller.reader.readexactly(step))
            while not connection.transport.is_closing():  # it takes nothing more
                await turns()
                connection.sweep(now := now + LATE)
            await stage.idle()
            await caller.leave()

    run(main())


# -- before the body --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("key", [None, "", "dtk_chat-key_wrong", KEY + "x", KEY.replace("chat", "chit")])
def test_a_stranger_is_refused_before_the_body_is_sent(tmp_path: Path, key: str | None) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            head, _, _ = request(key=key, Expect="100-continue").partition(b"\r\n\r\n")
            caller.send(head + b"\r\n\r\n")
            answer = await caller.answer()
            assert (answer.status, answer.headers["www-authenticate"]) == (401, "bearer")
            assert answer.json["error"]["type"] == "authentication_error"
            assert KEY.encode() not in answer.body
            assert await caller.closed()
            assert south.requests == []
            assert stage.records == []
            await caller.leave()

    run(main())


def test_below_a_surface_its_clients_are_told_in_its_shape(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            answer = await stage.ask(path="/v1/messages/batches", method="GET")
            assert (answer.status, answer.json["type"]) == (404, "error")
            assert answer.json["error"]["type"] == "not_found_error"
            answer = await stage.ask(path="/v1/messages-of-old", method="GET")
            assert (answer.status, list(answer.json)) == (404, ["error"])

    run(main())


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/v1/models", "/nowhere", "/v1/completions"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("framing", ["content-length: 90000", "transfer-encoding: chunked"])
def test_a_body_that_nobody_asks_for_is_not_read(tmp_path: Path, path: str, method: str, framing: str) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            caller.send(f"{method} {path} HTTP/1.1\r\nhost: gateway\r\n{framing}\r\n\r\n".encode())
            answer = await caller.answer()  # before any of it was sent
            assert answer.status == (404 if method == "POST" else 400)
            assert f"{method} {path}" in answer.json["error"]["message"]
            assert answer.headers["connection"] == "close"
            assert await caller.closed()
            await caller.leave()

    run(main())


@pytest.mark.parametrize("header", ["api-key", "x-api-key"])
def test_a_key_may_come_as_other_clients_send_it(tmp_path: Path, header: str) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            assert (await stage.ask(key=None, **{header: KEY})).status == 200  # type: ignore[arg-type]

    run(main())


def test_a_method_or_an_encoding_that_is_not_taken(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            caller.send(request(method="GET"))
            answer = await caller.answer()
            assert (answer.status, answer.headers["allow"]) == (405, "post")
            await caller.leave()
            answer = await stage.ask(content_encoding="gzip")
            assert answer.status == 415
            assert (await stage.ask(content_encoding="Identity")).status == 200

    run(main())


def test_a_refusal_of_head_has_no_body(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            caller.send(request(method="HEAD"))
            status, fields = await caller.head()
            assert (status, int(fields["content-length"]) > 0) == (405, True)
            assert await caller.closed()
            await caller.leave()

    run(main())


@pytest.mark.parametrize("how", ["declared", "chunked"])
def test_a_body_over_the_limit_is_refused_and_one_at_the_limit_is_served(tmp_path: Path, how: str) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            for extra in (0, 1):
                body = json.dumps(HELLO).encode().ljust(LIMIT + extra)
                caller = await stage.caller()
                if how == "declared":
                    caller.send(request(body))
                else:
                    head = request(body).partition(b"\r\n\r\n")[0]
                    head = head.replace(b"content-length: %d" % len(body), b"transfer-encoding: chunked")
                    caller.send(head + b"\r\n\r\n" + chunked(body[:50_000]) + chunked(body[50_000:]) + b"0\r\n\r\n")
                answer = await caller.answer()
                assert answer.status == (413 if extra else 200)
                if extra:
                    assert f"{LIMIT}" in answer.json["error"]["message"]
                    assert await caller.closed()
                await caller.leave()
            assert len(south.requests) == 1

    run(main())


@pytest.mark.parametrize(
    "more",
    ["a: " + "b" * reader.MAX_HEAD, "\r\n".join(f"a{n}: b" for n in range(reader.MAX_HEADERS))],
    ids=["large", "many"],
)
def test_a_head_over_the_limits_is_refused(tmp_path: Path, more: str) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            caller.send(request().replace(b"\r\nhost", f"\r\n{more}\r\nhost".encode(), 1))
            answer = await caller.answer()
            assert (answer.status, answer.json["error"]["type"]) == (431, "invalid_request_error")
            assert await caller.closed()
            await caller.leave()

    run(main())


@pytest.mark.parametrize("where", ["a header", "a trailer"])
def test_a_header_that_never_ends_is_refused_and_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """However long its caller goes on: until its time is over, it reads no reset in place of the refusal."""
    monkeypatch.setattr(protocol, "LINGER", AGES)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, Ahead)
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            head = request().partition(b"\r\n\r\n")[0]
            if where == "a trailer":
                head = re.sub(rb"content-length: \d+", b"transfer-encoding: chunked", head)
                caller.send(head + b"\r\n\r\n" + chunked(json.dumps(HELLO).encode()) + b"0\r\na: ")
            else:
                caller.send(head + b"\r\na: ")
            for _ in range(40):
                caller.send(b"b" * 10_000)
                await turns()
            assert (await caller.answer()).status == 431
            loop.ahead += 2 * AGES
            assert await caller.closed()
            await caller.leave()
            assert south.requests == []

    run(main(), plain=True)


def test_a_silent_connection_is_closed_and_one_that_waits_for_us_is_not(tmp_path: Path) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        async with play([gate, SERVED]) as south, Stage(tmp_path, small(south)) as stage:
            idle, dribbling, waiting = [await stage.caller() for _ in range(3)]
            dribbling.send(b"POST / HTTP/1.1\r\nhost")
            waiting.send(request())
            await so(lambda: south.requests and len(stage.state.connections) == 3)
            await so(lambda: any(c._reader.heading is not None for c in stage.state.connections))
            later = asyncio.get_running_loop().time() + LATE
            dribbling.send(b": a")  # a byte now and then does not help a head
            await turns()
            for connection in list(stage.state.connections):
                connection.sweep(later)
            assert await idle.closed()
            assert await dribbling.closed()
            gate.set()
            assert (await waiting.answer()).status == 200
            for caller in (idle, dribbling, waiting):
                await caller.leave()

    run(main())


def test_a_caller_who_takes_nothing_of_a_stream_is_cut_in_the_end(tmp_path: Path) -> None:
    async def main() -> None:
        script = [SSE, chunked(ROLE), *[chunked(delta(content="x" * 50_000))] * 1000, "silence"]
        async with play(script) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            caller.writer.transport.pause_reading()  # type: ignore[attr-defined]
            caller.send(request(STREAM))
            await so(lambda: any(connection.drain for connection in stage.state.connections))
            await turns()
            (connection,), now = stage.state.connections, asyncio.get_running_loop().time()
            connection.sweep(now)  # sees what has left until now
            connection.sweep(now + LATE)
            await south.left()
            await stage.idle()
            assert stage.records[0].outcome == "abandoned"
            await caller.leave()

    run(main())


def test_a_stop_lets_a_stream_end_and_closes_what_is_idle(tmp_path: Path) -> None:
    async def main() -> None:
        gate = asyncio.Event()
        script = [SSE, chunked(ROLE), chunked(delta(content="he")), gate, *FLOW[3:]]
        async with play(script) as south, Stage(tmp_path, small(south)) as stage:
            idle, streaming = await stage.caller(), await stage.caller()
            streaming.send(request(STREAM))
            status, fields = await streaming.head()
            for connection in list(stage.state.connections):
                connection.shutdown()
            assert await idle.closed()
            gate.set()
            answer = await streaming.rest(status, fields)
            assert (answer.said, answer.events[-1]) == ("hello", "[DONE]")
            assert await streaming.closed()
            await stage.idle()
            assert stage.records[0].outcome == "complete"
            for caller in (idle, streaming):
                await caller.leave()

    run(main())


def test_a_stop_lets_a_request_that_is_coming_come_and_serves_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, small(south)) as stage:
            caller = await stage.caller()
            caller.send(request()[:-10])
            await so(lambda: any(connection._reader.reading for connection in stage.state.connections))
            (connection,) = stage.state.connections
            connection.shutdown()
            caller.send(request()[-10:])
            answer = await caller.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")
            assert await caller.closed()
            await caller.leave()

    run(main())


# -- hostile clients --------------------------------------------------------------------------------------------------
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


# -- any bytes --------------------------------------------------------------------------------------------------------
class Echo:
    """An application that answers with what it understood, a line a request."""

    max_body, max_connections, idle, keep_alive = 1000, 100, 5.0, 15.0
    metrics_port: int | None = None

    def __init__(self) -> None:
        self.connections: set[Connection] = set()
        self.outbox = Outbox(asyncio.get_running_loop())
        self.understood: list[tuple[bytes, bytes, bytes]] = []

    def refusal(self, head: RequestHead) -> tuple[int, HeaderLines, bytes] | None:
        return (401, b"", b"") if b"x-stranger" in head.headers else None

    def malformed(self, status: int, message: str) -> bytes:
        return message.encode()

    async def serve(self, exchange: Exchange) -> None:
        self.understood.append((exchange.head.method, exchange.head.path, exchange.body))
        await asyncio.sleep(0)
        exchange.reply(200, b"", b"ok")


class Wire(asyncio.Transport):
    """A socket that takes all."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.closed, self.reading = b"", False, True

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def close(self) -> None:
        self.closed = True

    abort = close


async def fed(parts: list[bytes]) -> tuple[Echo, Wire]:
    """What comes of bytes, in these pieces."""
    app, wire, loop = Echo(), Wire(), asyncio.get_running_loop()
    state = SimpleNamespace(connections=set(), tasks=set())
    connection = Connection(app, None, state, {}, loop)
    connection.connection_made(wire)
    for part in parts:
        while not wire.reading and not wire.closed:
            await asyncio.sleep(0)
        if wire.closed:
            break
        connection.data_received(part)
    connection.eof_received()
    connection.connection_lost(None)
    return app, wire


def by_h11(raw: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """The requests that another reader sees."""
    other, found = h11.Connection(h11.SERVER), []
    other.receive_data(raw)
    try:
        while True:
            seen = other.next_event()
            if isinstance(seen, h11.Request):
                request, body = seen, b""
            elif isinstance(seen, h11.Data):
                body += seen.data
            elif isinstance(seen, h11.EndOfMessage):
                found.append((request.method, request.target.partition(b"?")[0], body))
                other.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                other.send(h11.EndOfMessage())
                other.start_next_cycle()
            else:
                return found
    except (h11.RemoteProtocolError, h11.LocalProtocolError):
        return found


PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhello",
                b"POST /b?c=d HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
                b"GET /c HTTP/1.1\r\nhost: a\r\n\r\n",
                b"POST /d HTTP/1.1\r\n",
                b"host: a\r\n",
                b"x-stranger: 1\r\n",
                b"content-length: 5\r\n",
                b"transfer-encoding: chunked\r\n",
                b"connection: close\r\n",
                b"upgrade: h2c\r\nconnection: upgrade\r\n",
                b"expect: 100-continue\r\n",
                b"a: " + b"b" * 70_000 + b"\r\n",
                b"\r\n",
                b"hello",
                b"5\r\nhello\r\n",
                b"0\r\n\r\n",
                b"3e9\r\n" + b"x" * 1001 + b"\r\n",
            ]
        ),
        st.binary(max_size=20),
    ),
    max_size=8,
)


@given(pieces=PIECES, cuts=st.lists(st.integers(0, 1000), max_size=8))
def test_any_bytes_in_any_pieces_are_the_same_requests_and_never_confused(pieces: list[bytes], cuts: list[int]) -> None:
    raw = b"".join(pieces)
    places = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    parts = [raw[a:b] for a, b in pairwise(places)]
    (whole, wire), (split, other) = run(fed([raw]), plain=True), run(fed(parts), plain=True)
    # Requests that were read before what is none are answered one by one, or at once only the first of them.
    for mine, theirs in [
        (whole.understood, split.understood),
        (whole.understood, by_h11(raw)),
        (split.understood, by_h11(raw)),
    ]:
        assert all(a == b for a, b in zip(mine, theirs, strict=False))
    for app, seen in ((whole, wire), (split, other)):
        answers = answers_in(seen.written)
        assert not answers.left
        assert answers.final.count(200) == len(app.understood)
        assert len(answers.final) <= len(app.understood) + 1  # one refusal, and then no more
