"""HTTP/1.1 towards callers: one connection, many requests, in turn; pages, upgrades and expectations."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.gateway.caller import STREAM, request
from tests.gateway.http.limited import small
from tests.gateway.http.peer import run
from tests.gateway.script import FLOW, SERVED, completion, http, play
from tests.gateway.stage import Stage
from tests.waiting import so


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
