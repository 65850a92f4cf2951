"""What uvicorn (httptools, uvloop) does by itself with hostile clients: what it gets wrong the gateway must mend."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from detente.gateway.door import Door
from tests.gateway.http.attacks import ATTACKS, SMUGGLED, Attack, Found, Target, attack, complaint, read

LEFT_TO_THE_GATEWAY = {
    # Transfer codings: llhttp looks at the last one, the ASGI server at none.
    *("gzip, chunked", "two transfer codings", "chunks in HTTP/1.0"),
    # Sizes: nothing is limited; a header that never ends is collected for ever.
    *("body over the limit, declared", "body over the limit, in chunks"),
    *("huge header", "header that never ends", "very many headers"),
    # Whom is it for?
    *("no host", "two hosts", "host with a path"),
    # The body of a request that offers to change the protocol is read as the next request.
    *("upgrade, its body later", "upgrade to websocket, its body later"),
    # A refusal is written where the answer to an earlier request belongs.
    *("garbage behind a request", "bad chunk behind a request"),
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
    out = json.dumps(
        {"path": scope["path"], "length": len(body), "headers": [name.decode() for name, _ in scope["headers"]]}
    ).encode()
    status = 404 if scope["path"] == SMUGGLED else 200
    headers = [(b"content-length", str(len(out)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": out})


LEFT_TO_THE_APPLICATION = {"body over the limit, declared", "body over the limit, in chunks", "TRACE"}


@contextmanager
def served(http: Any, patience: int = 5) -> Iterator[Target]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        echo,
        http=http,
        timeout_keep_alive=patience,
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    try:
        yield Target("127.0.0.1", listening.getsockname()[1], limit=1_000_000)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@pytest.fixture(scope="module")
def plain() -> Iterator[Target]:
    with served("httptools") as target:
        yield target


@pytest.fixture(scope="module")
def door() -> Iterator[Target]:
    with served(Door) as target:
        yield target


@pytest.mark.parametrize("what", ATTACKS, ids=lambda a: a.name)
def test_what_uvicorn_does_by_itself(plain: Target, what: Attack) -> None:
    wrong = what.name in LEFT_TO_THE_GATEWAY
    told = complaint(what, attack(plain, what, patience=0.5 if wrong else 10))
    assert (told is not None) == wrong, told


@pytest.mark.parametrize("what", ATTACKS, ids=lambda a: a.name)
def test_what_the_door_does(door: Target, what: Attack) -> None:
    told = complaint(what, attack(door, what, patience=10))
    assert (told is not None) == (what.name in LEFT_TO_THE_APPLICATION), told


def exchanged(target: Target, request: bytes) -> list[dict[str, Any]]:
    """What the application says it saw of each request."""
    with socket.create_connection((target.host, target.port), timeout=5) as sock:
        sock.sendall(request)
        raw = b"".join(iter(lambda: sock.recv(65_536), b""))
    return [json.loads(part.partition(b"\r\n\r\n")[2]) for part in raw.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize("sent", [b"", b"POST / HT", b"POST / HTTP/1.1\r\nHost: a\r\n"])
def test_a_head_that_is_not_whole_in_time_closes_the_connection(sent: bytes) -> None:
    with served(Door, patience=1) as target, socket.create_connection((target.host, target.port), timeout=5) as sock:
        sock.sendall(sent)
        assert sock.recv(100) == b""


def test_trailers_do_not_become_headers(plain: Target, door: Target) -> None:
    body = b"2\r\n{}\r\n0\r\nx-admin: yes\r\n\r\n"
    for target, seen in [(plain, True), (door, False)]:
        (saw,) = exchanged(target, target.head("Transfer-Encoding: chunked", "Connection: close") + body)
        assert ("x-admin" in saw["headers"]) == seen


@pytest.mark.parametrize("offer", ["h2c", "websocket"])
@pytest.mark.parametrize("chunked", [False, True])
def test_an_offer_to_change_the_protocol_is_passed_over(door: Target, offer: str, chunked: bool) -> None:
    more = [
        "Connection: Upgrade, HTTP2-Settings, close",
        f"Upgrade: {offer}",
        "HTTP2-Settings: AAMAAABkAAQAAP__",
        "x-a: b",
    ]
    length, body = (
        ("Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n") if chunked else ("Content-Length: 5", b"hello")
    )
    (saw,) = exchanged(door, door.head(*more, length) + body)
    assert saw["length"] == 5
    assert "x-a" in saw["headers"]
    assert "upgrade" not in saw["headers"]


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
