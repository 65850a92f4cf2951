"""What is refused before a body is read: strangers, methods, sizes, and heads that never end."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

import pytest

from detente.gateway.http import protocol, reader
from detente.gateway.http.known_head import MAX_HEAD
from tests.gateway.caller import HELLO, KEY, request
from tests.gateway.http.limited import LIMIT, small
from tests.gateway.http.peer import run
from tests.gateway.script import SERVED, chunked, play
from tests.gateway.stage import Stage
from tests.waiting import AGES, Ahead, turns


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
    ["a: " + "b" * MAX_HEAD, "\r\n".join(f"a{n}: b" for n in range(reader.MAX_HEADERS))],
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
