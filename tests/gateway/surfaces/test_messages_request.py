"""Requests of Anthropic's as chat completions: the corpus, what is refused, and any input at all."""

from __future__ import annotations

import gzip
import json
from functools import cache
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from detente.providers.wire import Refusal
from tests.gateway.surfaces import replies
from tests.gateway.surfaces.corpora import ANY_JSON, FUZZ, PLAIN, Data, asked, corpus, dumped, shape, translated
from tests.providers.making import compatible
from tests.real_data import DATA, needs

SPEC = DATA / "protocol" / "openai_openapi_2026-08-21.yaml.gz"
REFUSALS = shape("messages_refusals")


@pytest.mark.parametrize("name", corpus("messages_requests"))
def test_a_request_becomes_a_chat_completion(name: str) -> None:
    found, expected = (
        translated(dumped(shape("messages_requests", name)["anthropic"])),
        shape("messages_requests", name),
    )
    assert json.loads(msgspec.json.encode(found.call.members)) == expected["chat"]
    assert sorted(found.needs) == sorted(expected["needs"])
    assert found.model == expected["anthropic"]["model"]
    assert found.call.operation == "chat"
    assert found.call.stream == bool(expected["anthropic"].get("stream"))
    assert found.call.asks_usage


@cache
def spec() -> Data:
    found: Data = yaml.load(gzip.decompress(SPEC.read_bytes()), yaml.CSafeLoader)
    return found


@needs(SPEC)
@pytest.mark.parametrize("name", corpus("messages_requests"))
def test_openais_specification_accepts_it(name: str) -> None:
    body = shape("messages_requests", name)
    schema = {"$ref": "#/components/schemas/CreateChatCompletionRequest", "components": spec()["components"]}
    problems = list(jsonschema.Draft202012Validator(schema).iter_errors(body["chat"]))
    assert bool(problems) == ("beyond_openai" in body), problems[:1]


def test_a_call_that_only_warms_a_cache_passes_where_anthropics_own_shape_is_taken() -> None:
    """Who is told it as a chat completion cannot be told so (``max-tokens-zero``, below)."""
    _, found = replies.asked(replies.MESSAGES, replies.ANTHROPIC, max_tokens=0)
    assert json.loads(replies.ANTHROPIC.encode(found.call).body)["max_tokens"] == 0
    with pytest.raises(Refusal, match="`max_tokens` is -1; write 0 or more"):
        replies.asked(replies.MESSAGES, replies.ANTHROPIC, max_tokens=-1)


@pytest.mark.parametrize("name", REFUSALS)
def test_what_cannot_be_said_is_refused_by_name(name: str) -> None:
    refusal = REFUSALS[name]
    with pytest.raises(Refusal) as caught:
        asked(**refusal["changed"])
    assert caught.value.param == refusal["param"]
    assert refusal["says"] in caught.value.message
    assert caught.value.failure.status == 400


def test_numbers_reach_the_provider_as_they_were_written() -> None:
    text = b'{"big": 123456789012345678901234567890, "small": 1.10}'
    body = dumped(
        PLAIN | {"tools": ["TOOL"], "temperature": "T", "messages": ["TURN", {"role": "user", "content": "x"}]}
    )
    turn = b'{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b","input":%b}]}' % text
    body = body.replace(b'"TOOL"', b'{"name":"b","input_schema":%b}' % text).replace(b'"TURN"', turn)
    found = translated(body.replace(b'"T"', b"0.70"))
    assert bytes(found.call.members["temperature"]) == b"0.70"
    assert b"123456789012345678901234567890" in bytes(found.call.members["tools"])
    assert b"1.10" in bytes(found.call.members["tools"])
    (message, _) = json.loads(bytes(found.call.members["messages"]))
    assert message["tool_calls"][0]["function"]["arguments"] == text.decode()


def test_calls_that_share_the_beginning_of_their_prompt_share_a_prefix() -> None:
    shared = "You are a clerk. " * 100
    one, other = asked(system=shared), asked(system=shared, messages=[{"role": "user", "content": "Bye"}], max_tokens=5)
    assert one.prefix == other.prefix != asked(system="You are a cook. " * 100).prefix
    assert len(one.prefix) <= 1024


def test_tokens_are_estimated_from_text_and_what_may_be_made_but_not_from_an_images_bytes() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 400_000}}
    plain, long = asked(), asked(system="word " * 4000)
    seen = asked(messages=[{"role": "user", "content": [image]}])
    assert 100 < plain.tokens < 150
    assert 4000 < long.tokens - plain.tokens < 6000
    assert 500 < seen.tokens - plain.tokens < 2000


def test_signed_thinking_goes_only_where_it_can_be_read() -> None:
    wire = compatible()
    assert wire.cannot(translated(dumped(shape("messages_requests", "tool-history")["anthropic"])).call) is None
    assert wire.cannot(asked(messages=[{"role": "user", "content": 'Say "reasoning_signature".'}]).call) is None
    signed = wire.cannot(translated(dumped(shape("messages_requests", "signed-thinking")["anthropic"])).call)
    assert signed is not None
    assert "Claude signed" in signed.message


# -- any input at all -----------------------------------------------------------------------------------------------
def refuses_or_asks(body: bytes) -> None:
    """Either is JSON: what is asked, or why it is not."""
    said: Any
    try:
        said = translated(body).call.members
    except Refusal as refusal:
        said = refusal.failure.error
    assert json.loads(msgspec.json.encode(said))


@FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_asked(body: bytes) -> None:
    refuses_or_asks(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"messages":' + b"[" * 100_000,
        b'{"messages":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"model":"\xff"}',
        b'{"model":"\\ud800"}',
        b"\xef\xbb\xbf{}",
        dumped(PLAIN).replace(b'"Hello"', b'"\xff"'),
        dumped(PLAIN).replace(b'"Hello"', b"[" * 900 + b"]" * 900),
        dumped(PLAIN | {"temperature": 1}).replace(b'"temperature": 1', b'"temperature": 1e999'),
    ],
)
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal):
        translated(body)


VALUES = [shape("messages_requests", name)["anthropic"] for name in corpus("messages_requests")]


@st.composite
def bent(draw: st.DrawFn) -> Any:
    """A request of the corpus with one value, anywhere in it, replaced or taken away."""
    body = json.loads(json.dumps(draw(st.sampled_from(VALUES))))
    inner, key = body, draw(st.sampled_from(sorted(body)))
    while isinstance(inner[key], dict | list) and inner[key] and draw(st.booleans()):
        inner = inner[key]
        key = draw(st.sampled_from(sorted(inner)) if isinstance(inner, dict) else st.integers(0, len(inner) - 1))
    if draw(st.booleans()):
        del inner[key]
    else:
        inner[key] = draw(ANY_JSON)
    return body


@FUZZ
@given(bent())
def test_a_bent_request_is_refused_or_asked(body: Any) -> None:
    refuses_or_asks(dumped(body))
