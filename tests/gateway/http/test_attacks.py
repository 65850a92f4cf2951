"""What uvicorn (httptools, uvloop) does by itself with hostile clients: what it gets wrong the gateway must mend."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from tests.gateway.http.attacks import ATTACKS, SMUGGLED, Attack, Found, Target, attack, complaint, read

LEFT_TO_THE_GATEWAY = {
    # Transfer codings: llhttp looks at the last one, the ASGI server at none.
    *("gzip, chunked", "two transfer codings", "chunks in HTTP/1.0"),
    # Sizes: nothing is limited; a header that never ends is collected for ever.
    *("body over the limit, declared", "body over the limit, in chunks"),
    *("huge header", "header that never ends", "very many headers"),
    # Whom is it for?
    *("no host", "two hosts", "host with a path"),
    # Versions and methods that nobody serves.
    *("HTTP/0.9", "HTTP/2.0 in words", "TRACE"),
}


async def echo(scope: Any, receive: Any, send: Any) -> None:
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body, more = body + message.get("body", b""), message.get("more_body", False)
    out = json.dumps({"path": scope["path"], "length": len(body)}).encode()
    status = 404 if scope["path"] == SMUGGLED else 200
    headers = [(b"content-length", str(len(out)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": out})


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        echo, http="httptools", loop="uvloop", ws="none", lifespan="off", log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    yield Target("127.0.0.1", listening.getsockname()[1], limit=1_000_000)
    server.should_exit = True
    thread.join()
    listening.close()


@pytest.mark.parametrize("what", ATTACKS, ids=lambda a: a.name)
def test_what_uvicorn_does_by_itself(target: Target, what: Attack) -> None:
    told = complaint(what, attack(target, what, patience=0.5))
    assert (told is not None) == (what.name in LEFT_TO_THE_GATEWAY), told


# -- the tool itself ------------------------------------------------------------------------------------------------
ONE = Attack("one", lambda _: iter(()), frozenset({"served"}))
NONE = Attack("none", lambda _: iter(()), frozenset({"refused"}))


@pytest.mark.parametrize(
    ("raw", "statuses", "left"),
    [
        (b"", [], b""),
        (
            b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n",
            [200, 404],
            b"",
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nto the end", [100, 200], b""),
        (b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a\r\nok\r\n0\r\n\r\n", [200], b""),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", [], b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok"),
        (b"HTTP/1.1 204 No\r\n\r\nevil", [204], b"evil"),
    ],
)
def test_answers_are_told_apart(raw: bytes, statuses: list[int], left: bytes) -> None:
    found = read(raw)
    assert (found.statuses, found.left) == (statuses, left)


@pytest.mark.parametrize(
    ("what", "found", "told"),
    [
        (ONE, Found([200], closed=True), None),
        (ONE, Found([100, 200], closed=True), None),
        (NONE, Found([400], closed=True), None),
        (NONE, Found([], closed=True), None),
        (ONE, Found([200]), "left it open"),
        (ONE, Found([400], closed=True), "not served"),
        (ONE, Found([200, 404], closed=True), "2 answers"),
        (ONE, Found([101]), "changed the protocol"),
        (ONE, Found([200], b"evil", closed=True), "cannot be read"),
        (NONE, Found([200], closed=True), "ought to be refused"),
        (NONE, Found([400]), "left open"),
        (NONE, Found([400, 400], closed=True), "2 answers"),
    ],
)
def test_complaints(what: Attack, found: Found, told: str | None) -> None:
    said = complaint(what, found)
    assert said is None if told is None else told in str(said)
