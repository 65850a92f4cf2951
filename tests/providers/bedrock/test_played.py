"""The wire against the sandbox, which boto3's client judges elsewhere: signed, sent on loopback, and read."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, IncompleteRead
from typing import Any
from urllib.parse import urlsplit

import pytest

from detente.providers.bedrock import BedrockWire
from detente.providers.wire import Call, Failure, Reply, StreamPart
from detente.sandbox.signature import ACCESS_KEY, SECRET
from tests.providers.bedrock.making import call, chunks, said, wire
from tests.sandbox.playing import COHERE, NOVA, OSS, TITAN, Played, played
from tests.waiting import PATIENCE

TOOL = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}},
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Played]:
    with played() as found:
        yield found


@pytest.fixture(autouse=True)
def chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)


def at(sandbox: Played, deployment: str, name: str, **more: Any) -> BedrockWire:
    return wire(name, endpoint=sandbox.at(deployment), credential={"aws": "default"}, **more)


def asked(to: BedrockWire, what: Call) -> Reply | Failure | list[StreamPart]:
    """What a call comes to: signed as sent, and read as it arrives."""
    out, authority = to.encode(what), to.authority()
    authority.renew()
    base = urlsplit(to.base)
    headers = dict(out.headers) | dict(authority.headers(out, base.netloc, time.time()))  # noqa: TID251 (the sandbox's)
    connection = HTTPConnection(base.netloc, timeout=PATIENCE)
    try:
        connection.request("POST", base.path + out.target, out.body, headers)
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        if answer.status != 200:
            return to.failed(answer.status, told, answer.read())
        if not what.stream:
            return to.decode(what, told, answer.read())
        decoder, parts = to.decoder(what, told), []
        with suppress(IncompleteRead):  # a stream that was cut ends here too
            while piece := answer.read1(64):
                parts.append(decoder.feed(piece))
        return [*parts, decoder.end()]
    finally:
        connection.close()


def test_a_reply_and_a_stream_of_the_same(sandbox: Played) -> None:
    nova = at(sandbox, "nova", NOVA)
    whole = asked(nova, call(said("Hello there", temperature=0.5)))
    assert isinstance(whole, Reply)
    parts = asked(nova, call(said("Hello there", temperature=0.5), stream=True, asks_usage=True))
    assert isinstance(parts, list)
    assert [part.failure for part in parts if part.failure] == []
    assert parts[-1].done
    shown = chunks(b"".join(part.data for part in parts))
    text = "".join(choice["delta"].get("content") or "" for chunk in shown for choice in chunk["choices"])
    completion = json.loads(whole.body)
    assert text == completion["choices"][0]["message"]["content"]
    assert whole.tokens in [part.tokens for part in parts]
    assert shown[-1]["usage"] == completion["usage"]


def test_a_tool_is_called_and_its_result_is_answered(sandbox: Played) -> None:
    nova = at(sandbox, "nova", NOVA)
    question = {"role": "user", "content": "Weather?"}
    first = asked(nova, call({"messages": [question], "tools": [TOOL], "tool_choice": "required"}))
    assert isinstance(first, Reply)
    assert first.finish == "tool_calls"
    message = json.loads(first.body)["choices"][0]["message"]
    results = [{"role": "tool", "tool_call_id": use["id"], "content": "4 degrees"} for use in message["tool_calls"]]
    second = asked(nova, call({"messages": [question, message, *results], "tools": [TOOL]}))
    assert isinstance(second, Reply)
    assert second.finish == "stop"


@pytest.mark.parametrize(("deployment", "name"), [("titan", TITAN), ("cohere", COHERE)])
def test_embeddings(sandbox: Played, deployment: str, name: str) -> None:
    to = at(sandbox, deployment, name, serves=["embeddings"])
    found = asked(to, call({"input": "Hello there", "dimensions": 256}, "embeddings"))
    assert isinstance(found, Reply)
    assert found.tokens is not None
    assert found.tokens.input > 0
    assert len(json.loads(found.body)["data"][0]["embedding"]) == 256


@pytest.mark.parametrize("stream", [False, True])
def test_the_openai_compatible_interface(sandbox: Played, stream: bool) -> None:
    found = asked(at(sandbox, "oss", OSS, api="openai"), call(said("Hello there", stream=stream), stream=stream))
    if isinstance(found, list):
        assert found[-1].done
        assert any(part.tokens for part in found)
    else:
        assert isinstance(found, Reply)
        assert found.tokens is not None


FAULTS = {"throttled": "throttled", "unavailable": "unavailable", "expired-credential": "credential"}


@pytest.mark.parametrize("kind", FAULTS)
def test_faults_before_a_reply(kind: str) -> None:
    with played() as own:
        own.fault("nova", kind)
        found = asked(at(own, "nova", NOVA), call(said()))
        assert isinstance(found, Failure)
        assert (found.kind, found.fails_over) == (FAULTS[kind], True)


@pytest.mark.parametrize(("kind", "means"), [("exception", "unavailable"), ("malformed", "broken"), ("cut", "broken")])
def test_faults_within_a_stream(kind: str, means: str) -> None:
    with played() as own:
        own.fault("nova", kind, after=1)
        parts = asked(at(own, "nova", NOVA), call(said("Hello there"), stream=True))
        assert isinstance(parts, list)
        failures = [part.failure for part in parts if part.failure is not None]
        assert failures[0].kind == means
        assert any(part.content for part in parts), "what came before is passed on"
        assert not any(part.done for part in parts if part.tokens)


def test_another_secret_is_our_credentials_fault(sandbox: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    found = asked(at(sandbox, "nova", NOVA), call(said()))
    assert isinstance(found, Failure)
    assert found.kind == "credential"
    assert found.error["code"] == "InvalidSignatureException"
