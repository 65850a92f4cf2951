"""What a caller may take of everybody's time, and what of a request is passed on to a provider, or must not be."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from detente.gateway.http.protocol import Connection
from tests.gateway.caller import STREAM, request
from tests.gateway.http.peer import run
from tests.gateway.script import DONE, LAST, SERVED, SSE, chunked, completion, delta, event, http, play, refusal
from tests.gateway.stage import SECRET, Stage, one


# -- limits -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_a_body_of_very_many_small_messages_is_refused_before_anybody_works_on_it(tmp_path: Path, path: str) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, one(south, serving={"parts": 100})) as stage:
            many = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}] * 101}
            answer = await stage.ask(many, path=path)
            assert answer.status == 413
            message = answer.json["error"]["message"]
            assert "at most 100 messages and parts are read: send fewer" in message
            told = {**many, "messages": [{"role": "user", "content": '"role"' * 1000}]}
            assert (await stage.ask(told, path=path)).status == 200, "a text cannot look like one"
            assert [r.status for r in stage.records] == [413, 200]

    run(main())


def test_more_connections_than_may_be_open_are_told_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, one(south, serving={"connections": 2})) as stage:
            first, second, third = [await stage.caller() for _ in range(3)]
            assert (await third.answer()).status == 503
            first.send(request())
            assert (await first.answer()).status == 200
            for caller in (first, second, third):
                await caller.leave()
            await stage.idle()
            assert (await stage.ask()).status == 200

    run(main())


# -- what is passed on, and what is not -------------------------------------------------------------------------------
PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"traceparent": PARENT, "tracestate": "a=1"}, [b"traceparent: " + PARENT.encode(), b"tracestate: a=1"]),
        ({"traceparent": f"01{PARENT[2:]}-extra"}, [f"traceparent: 01{PARENT[2:]}-extra".encode()]),
        ({"traceparent": f"01{PARENT[2:]}"}, [f"traceparent: 01{PARENT[2:]}".encode()]),
        ({"traceparent": f"{PARENT}-extra"}, []),
        ({"traceparent": f"ff{PARENT[2:]}"}, []),
        ({"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"}, []),
        ({"traceparent": f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01"}, []),
        ({"traceparent": "nonsense", "tracestate": "a=1"}, []),
        ({"tracestate": "a=1"}, []),
    ],
)
def test_the_caller_s_trace_is_passed_on(tmp_path: Path, given: dict[str, str], sent: list[bytes]) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, one(south)) as stage:
            await stage.ask(None, **given)
            lines = south.requests[0][0].split(b"\r\n")
            assert [line for line in lines if line.startswith(b"trace")] == sent

    run(main())


def test_a_key_s_organisation_is_told_to_providers_of_its_kind(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south:
            data = one(south)
            data["keys"][0]["headers"] = {"openai-organization": "org-1", "anthropic-organization": "org-2"}
            async with Stage(tmp_path, data) as stage:
                await stage.ask()
                lines = south.requests[0][0].split(b"\r\n")
                assert b"openai-organization: org-1" in lines
                assert not [line for line in lines if line.startswith(b"anthropic-")]

    run(main())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "script",
    [
        http(refusal("invalid_value", f"your key {SECRET} may not"), "400 Bad Request"),
        http(completion(f"you said {SECRET}")),
        [SSE, chunked(delta(content=f"you said {SECRET}")), chunked(delta("stop") + DONE), LAST],
        [SSE, chunked(event(refusal("content_filter", f"{SECRET} is filtered"))), LAST],
    ],
)
def test_our_own_credential_is_struck_from_whatever_a_provider_says(tmp_path: Path, script: Any, stream: bool) -> None:
    async def main() -> None:
        async with play(script) as south, Stage(tmp_path, one(south)) as stage:
            answer = await stage.ask(STREAM if stream else None)
            assert SECRET.encode() not in answer.body
            kept = b"".join(file.read_bytes() for file in stage.folder.iterdir())
            assert SECRET.encode() not in kept
            if answer.status == 200 or b"key" in answer.body:
                assert b"[credential]" in answer.body

    run(main())


def test_metrics_on_an_address_of_their_own_are_there_and_nowhere_else(tmp_path: Path) -> None:
    async def main() -> None:
        async with play(SERVED) as south, Stage(tmp_path, one(south)) as stage:
            loop = asyncio.get_running_loop()
            apart = await loop.create_server(lambda: Connection(stage.app, None, stage.state, {}, loop), "127.0.0.1", 0)
            calls, metrics = stage.port, apart.sockets[0].getsockname()[1]
            assert (await stage.page("/metrics")).status == 200  # unless told otherwise
            stage.app.metrics_port = metrics
            assert (await stage.page("/metrics")).status == 404
            assert (await stage.ask()).status == 200
            stage.port = metrics
            assert b"detente_requests_total" in (await stage.page("/metrics")).body
            assert (await stage.page("/healthz")).status == 200
            assert (await stage.page("/standing")).json["caps"] == []
            for said in ("/v1/models", "/v1/nothing"):
                assert (await stage.page(said)).status == 404
            assert (await stage.ask()).status == 404
            assert len(south.requests) == 1
            stage.port = calls
            apart.close()

    run(main())
