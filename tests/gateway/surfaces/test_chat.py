"""Chat completions and embeddings: what routing reads of a body, and that any body is read or refused."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.gateway.surfaces import SURFACES
from detente.gateway.surfaces.chat import PREFIX_BYTES, USUAL_REPLY, ChatSurface
from detente.gateway.surfaces.embeddings import EmbeddingsSurface
from detente.providers.wire import Refusal, Reply, joined
from tests.gateway.caller import HELLO
from tests.gateway.script import DONE

CHAT, EMBEDDINGS = ChatSurface(), EmbeddingsSurface()
IMAGE = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}
AUDIO = {"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}
SAYS_IT = {"role": "user", "content": '{"image_url": "input_audio"}'}


def ask(**more: Any) -> Any:
    return CHAT.ask(json.dumps({**HELLO, **more}).encode())


@pytest.mark.parametrize(
    ("more", "needs"),
    [
        ({}, ""),
        ({"stream": True}, "streaming"),
        ({"stream": None, "tools": None, "seed": None, "n": 1, "logprobs": False}, ""),
        ({"tools": [{}]}, "tools"),
        ({"tools": []}, ""),
        ({"functions": [{}]}, "tools"),
        ({"tools": [{}], "parallel_tool_calls": True}, "parallel-tools tools"),
        ({"tools": [{}], "parallel_tool_calls": False}, "tools"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "structured-output"),
        ({"response_format": {"type": "json_object"}}, "structured-output"),
        ({"logprobs": True}, "logprobs"),
        ({"n": 2}, "n"),
        ({"seed": 0}, "seed"),
        ({"reasoning_effort": "low"}, "reasoning"),
        ({"reasoning_effort": "none"}, ""),
        ({"reasoning": {"effort": "high"}}, "reasoning"),
        ({"reasoning": {"max_tokens": 2000, "exclude": True}}, "reasoning"),
        ({"reasoning": {"enabled": True}}, "reasoning"),
        ({"reasoning": {"effort": "none"}}, ""),
        ({"reasoning": {"enabled": False, "max_tokens": 0}}, ""),
        ({"reasoning": {"exclude": True}}, ""),
        ({"reasoning": "high"}, ""),
        ({"thinking": {"type": "enabled"}}, "reasoning"),
        ({"thinking": {"type": "disabled"}}, ""),
        ({"enable_thinking": True}, "reasoning"),
        ({"enable_thinking": False}, ""),
        ({"chat_template_kwargs": {"enable_thinking": True}}, "reasoning"),
        ({"chat_template_kwargs": {"thinking": False, "reasoning_effort": "none"}}, ""),
        ({"frequency_penalty": 0.5}, "penalties"),
        ({"presence_penalty": 0.0, "frequency_penalty": 0}, ""),
        ({"logit_bias": {"5": 1}}, "logit-bias"),
        ({"logit_bias": {}}, ""),
        ({"prediction": {"type": "content"}}, "prediction"),
        ({"audio": {"voice": "x"}}, "audio"),
        ({"messages": [IMAGE]}, "images"),
        ({"messages": [AUDIO]}, "audio"),
        ({"messages": [SAYS_IT]}, ""),
    ],
)
def test_what_a_call_needs(more: dict[str, Any], needs: str) -> None:
    assert sorted(ask(**more).needs) == needs.split()


def test_a_plain_format_is_text_however_it_is_written() -> None:
    body = json.dumps(HELLO)[:-1].encode() + b', "response_format": {"type": "text"}}'
    assert CHAT.ask(body).needs == frozenset()


def test_what_routing_reads() -> None:
    found = ask(max_completion_tokens=100, max_tokens=7)
    messages = json.dumps(HELLO["messages"])
    assert (found.model, found.call.stream, found.call.asks_usage, found.pinned) == ("m", False, False, None)
    assert found.tokens == len(messages) // 4 + 100
    assert ask().tokens == len(messages) // 4 + USUAL_REPLY
    assert found.prefix == messages.encode()
    long = ask(messages=[{"role": "user", "content": "x" * 5000}])
    assert len(long.prefix) == PREFIX_BYTES
    assert ask(stream=True, stream_options={"include_usage": True}).call.asks_usage
    assert not ask(stream=True, stream_options={"include_usage": False}).call.asks_usage
    assert not ask(stream=True, stream_options=None).call.asks_usage


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("9" * 5000, "is more than 2,147,483,647"),
        ("1e30", "is more than 2,147,483,647"),
        ("2147483648", "is more than 2,147,483,647"),
        ("1e999999999", "is more than 2,147,483,647"),
        ("-1e30", "is less than 0; write 1 or more"),
        ("-" + "9" * 5000, "is less than 0; write 1 or more"),
        ("-1", "is -1; write 1 or more"),
        ("0.5", "is not a whole number"),
        ("true", "is not a whole number"),
    ],
    ids=lambda value: value[:12],
)
def test_a_limit_that_is_none_is_told_its_bound(given: str, said: str) -> None:
    with pytest.raises(Refusal) as refused:
        ChatSurface().ask(f'{{"model": "m", "messages": [], "max_tokens": {given}}}'.encode())
    assert (refused.value.message, refused.value.param) == (f"`max_tokens` {said}", "max_tokens")


def test_an_image_counts_as_one_whatever_its_bytes() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4_000_000}}
    found = ask(messages=[{"role": "user", "content": [{"type": "text", "text": "x" * 400}, image, image]}])
    assert 2000 + 100 <= found.prompt < 2000 + 200
    assert found.tokens == found.prompt + USUAL_REPLY


def test_a_member_that_is_given_twice_is_read_and_sent_once() -> None:
    found = CHAT.ask(b'{"model": "a", "messages": [1], "model": "b", "messages": [2]}')
    assert (found.model, json.loads(joined(found.call.members))) == ("b", {"model": "b", "messages": [2]})


def test_replies_and_errors_keep_openai_s_shape() -> None:
    found = ask(stream=True)
    assert CHAT.whole(found, Reply(b'{"x": 1, "model" : "there" }', None), "d") == b'{"x": 1, "model" : "m" }'
    rendering = CHAT.streamed(found, "d")
    own, told = b'data: {"model": "there"}\n\n', b'data: {"model": "m"}\n\n'
    assert (rendering.feed(own), rendering.close()) == (told, DONE)
    failed = CHAT.streamed(found, "d").fail({"message": "x", "code": None})
    assert failed == b'data: {"error":{"message":"x","code":null}}\n\n'
    assert json.loads(CHAT.error(400, {"message": "x"})) == {"error": {"message": "x"}}


@pytest.mark.parametrize("given", ["text", ["a", "b"], [1, 2], [[1], [2]]])
def test_embeddings_of_any_input_pass(given: Any) -> None:
    found = EMBEDDINGS.ask(json.dumps({"model": "m", "input": given, "dimensions": 3}).encode())
    assert (found.model, found.call.operation, found.needs) == ("m", "embeddings", frozenset())
    assert json.loads(bytes(found.call.members["input"])) == given
    assert found.tokens > 0


def test_embeddings_of_nothing_are_refused() -> None:
    with pytest.raises(Refusal, match="`input` is missing"):
        EMBEDDINGS.ask(b'{"model": "m"}')


# -- any body, on every surface ---------------------------------------------------------------------------------------
LEAF = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
JSON = st.recursive(LEAF, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v, max_size=3))
READ = "messages input stream stream_options max_tokens tools n seed response_format system metadata thinking logprobs"
MEMBERS = st.fixed_dictionaries({"model": st.just("m") | JSON}, optional=dict.fromkeys(READ.split(), JSON))
MESSAGE = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system", "tool"]), "content": JSON})
BODIES = st.one_of(
    st.binary(max_size=60),
    JSON.map(lambda v: json.dumps(v).encode()),
    MEMBERS.map(lambda v: json.dumps(v).encode()),
    st.tuples(MEMBERS, st.lists(MESSAGE | JSON, max_size=3)).map(
        lambda pair: json.dumps({**pair[0], "max_tokens": 5, "messages": pair[1], "input": pair[1]}).encode()
    ),
)


@pytest.mark.parametrize("path", sorted(SURFACES))
@given(body=BODIES)
def test_any_body_is_read_or_refused_by_name(path: bytes, body: bytes) -> None:
    surface = SURFACES[path]
    try:
        found = surface.ask(body)
    except Refusal as refused:
        told = surface.error(400, refused.failure.error)
        json.loads(told)
        return
    assert found.model
    assert found.tokens >= 0
    own = {b"/v1/messages": "messages", b"/v1/messages/count_tokens": "count"}
    assert found.call.operation == own.get(path, surface.operation)
    json.loads(joined(found.call.members, [("model", b'"there"')]))


@pytest.mark.parametrize("path", sorted(SURFACES))
@pytest.mark.parametrize("deep", [b"[" * 100_000, b'{"a":' * 100_000, b'{"model":"m","messages":' + b"[" * 100_000])
def test_a_body_that_is_deeper_than_a_reader_goes_is_refused(path: bytes, deep: bytes) -> None:
    with pytest.raises(Refusal):
        SURFACES[path].ask(deep)


def test_members_keep_the_text_that_was_written() -> None:
    found = CHAT.ask(b'{"model": "m", "messages": [ 1.10 , "\\u00e9" ], "x": 1e3}')
    assert bytes(found.call.members["messages"]) == b'[ 1.10 , "\\u00e9" ]'
    assert bytes(found.call.members["x"]) == b"1e3"
    assert isinstance(found.call.members["x"], msgspec.Raw)
