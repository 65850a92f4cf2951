"""Requests of every shape, and of none: read, or refused as wrong; nothing else ever comes of them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.sandbox import chat_request, converse, embeddings, invoke, responses
from detente.sandbox import played_model as model
from detente.sandbox.ask import WrongError
from tests.sandbox.playing import COHERE, TITAN

NAMES = (
    "messages role content text type user assistant tool tool_calls tool_call_id id function name arguments tools "
    "parameters tool_choice response_format json_schema schema stop n seed logprobs top_logprobs max_tokens required "
    "input instructions reasoning effort function_call function_call_output call_id output message format include "
    "system toolConfig toolSpec inputSchema json toolChoice any auto toolUse toolUseId toolResult cachePoint image "
    "inferenceConfig maxTokens stopSequences outputConfig textFormat structure jsonSchema additionalModelRequestFields "
    "thinking enabled inputText dimensions texts input_type encoding_format base64 image_url sandbox:tools none"
)
WORDS = NAMES.split()

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(allow_nan=False),
    st.sampled_from(WORDS),
    st.text(max_size=3),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(WORDS), inner, max_size=4)),
    max_leaves=12,
)


def changed(draw: st.DrawFn, given_: Any) -> Any:
    """A value that is right, with one part of it replaced by anything."""
    if isinstance(given_, dict) and given_ and draw(st.booleans()):
        key = draw(st.sampled_from(sorted(given_)))
        return given_ | {key: changed(draw, given_[key])}
    if isinstance(given_, list) and given_ and draw(st.booleans()):
        at = draw(st.integers(0, len(given_) - 1))
        return [*given_[:at], changed(draw, given_[at]), *given_[at + 1 :]]
    return draw(values)


FUNCTION = {"name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
CHAT: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "sandbox:tools"}]},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "c", "content": "x"},
    ],
    "tools": [{"type": "function", "function": FUNCTION}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "integer"}}},
    "stop": ["a"],
    "n": 2,
    "logprobs": True,
    "top_logprobs": 2,
    "max_tokens": 5,
    "reasoning_effort": "low",
}
RESPONSES: dict[str, Any] = {
    "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "a"}]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "x"},
    ],
    "instructions": "b",
    "tools": [{"type": "function", **FUNCTION}],
    "tool_choice": {"type": "function", "name": "f"},
    "text": {"format": {"type": "json_schema", "name": "x", "schema": {"type": "integer"}}},
    "reasoning": {"effort": "low"},
    "include": ["reasoning.encrypted_content"],
    "max_output_tokens": 20,
}
CONVERSE: dict[str, Any] = {
    "system": [{"text": "a"}],
    "messages": [
        {"role": "user", "content": [{"text": "b"}, {"cachePoint": {"type": "default"}}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"json": {"a": 1}}]}}]},
    ],
    "toolConfig": {
        "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}],
        "toolChoice": {"tool": {"name": "f"}},
    },
    "inferenceConfig": {"maxTokens": 3, "stopSequences": ["x"]},
    "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{}"}}}},
    "additionalModelRequestFields": {"thinking": {"type": "enabled"}, "reasoningConfig": {"type": "enabled"}},
}
READERS = [
    (chat_request.ask, CHAT),
    (lambda body: responses.ask(body, "").ask, RESPONSES),
    (converse.ask, CONVERSE),
]
EMBEDDING = {"input": ["a", "b"], "dimensions": 2, "encoding_format": "base64"}
INVOKED = {"inputText": "a", "texts": ["a"], "input_type": "search_query", "embedding_types": ["float"]}


def test_what_is_right_is_read() -> None:
    for read, right in READERS:
        ask = read(right)
        assert ask.tools[0].name == "f" == ask.forced
        assert ask.last == ""  # the last message is not a user's own
        assert ask.tokens > 3
    assert embeddings.texts(EMBEDDING).tokens == 2


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_what_is_wrong_is_refused(data: st.DataObject) -> None:
    read, right = data.draw(st.sampled_from(READERS))
    body = data.draw(st.composite(changed)(right))
    if isinstance(body, dict):
        with suppress(WrongError):
            ask = read(body)
            model.generate(ask, 0)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_embeddings_that_are_wrong_are_refused(data: st.DataObject) -> None:
    body = data.draw(st.composite(changed)(EMBEDDING))
    if isinstance(body, dict):
        with suppress(WrongError):
            msgspec.json.encode(embeddings.reply(embeddings.texts(body), "m", "m"))
    for name in (TITAN, COHERE, "amazon.titan-embed-text-v1", "amazon.nova-pro-v1:0"):
        other = data.draw(st.composite(changed)(INVOKED))
        if isinstance(other, dict):
            with suppress(WrongError):
                invoke.reply(name, other, "mark")


@pytest.mark.parametrize("more", [{"audio": {"voice": "alloy", "format": "mp3"}}, {"modalities": ["text", "audio"]}])
def test_an_answer_that_is_spoken_is_refused_by_name(more: dict[str, Any]) -> None:
    with pytest.raises(WrongError, match="no audio") as refused:
        chat_request.ask(CHAT | more)
    assert refused.value.param == "audio"
