"""Replies against the published specs: OpenAI's OpenAPI document, and Azure's of both generations."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.playing import VLLM, Played, specified
from tests.sandbox.published import AZURE_LEGACY, AZURE_V1, OPENAI, response, validate

pytestmark = specified

FUNCTION = {"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
CHATS: list[dict[str, Any]] = [
    {},
    {"n": 2, "logprobs": True, "top_logprobs": 2},
    {"tools": [{"type": "function", "function": FUNCTION}], "tool_choice": "required"},
    {"max_tokens": 1},
    {"reasoning_effort": "low"},
]
HELLO = [{"role": "user", "content": "Hello"}]
LEGACY = "/openai/deployments/mini/chat/completions?api-version=2024-10-21"


@pytest.mark.parametrize("more", CHATS)
def test_chat_of_azure_before(sandbox: Played, more: dict[str, Any]) -> None:
    reply = sandbox.call("mini", LEGACY, {"messages": HELLO, **more})
    validate(AZURE_LEGACY, response(AZURE_LEGACY, "/deployments/{deployment-id}/chat/completions"), reply.json)


@pytest.mark.parametrize("more", CHATS)
def test_chat_of_azure_now(sandbox: Played, more: dict[str, Any]) -> None:
    reply = sandbox.call("mini", "/openai/v1/chat/completions", {"model": "mini", "messages": HELLO, **more})
    validate(AZURE_V1, response(AZURE_V1, "/chat/completions"), reply.json)


@pytest.mark.parametrize("more", CHATS)
def test_chat_of_openai(sandbox: Played, more: dict[str, Any]) -> None:
    body = {"model": VLLM, "messages": HELLO, **more}
    validate(OPENAI, response(OPENAI, "/chat/completions"), sandbox.call("vllm", "/v1/chat/completions", body).json)


@pytest.mark.parametrize("more", CHATS)
def test_chunks(sandbox: Played, more: dict[str, Any]) -> None:
    body = {"model": VLLM, "messages": HELLO, "stream": True, "stream_options": {"include_usage": True}, **more}
    chunk = {"$ref": "#/components/schemas/CreateChatCompletionStreamResponse"}
    *chunks, done = sandbox.call("vllm", "/v1/chat/completions", body).events
    assert done == "[DONE]"
    for found in chunks:
        validate(OPENAI, chunk, found)
    first, *chunks, done = sandbox.call("mini", "/openai/v1/chat/completions", body | {"model": "mini"}).events
    assert first["choices"] == []
    assert first["prompt_filter_results"]
    for found in chunks:
        validate(OPENAI, chunk, found)


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings(sandbox: Played, encoding: str) -> None:
    body = {"model": "embed", "input": ["a", "b"], "encoding_format": encoding, "dimensions": 4}
    reply = sandbox.call("mini", "/openai/v1/embeddings", body).json
    validate(AZURE_V1, response(AZURE_V1, "/embeddings"), reply)
    if encoding == "float":
        validate(OPENAI, response(OPENAI, "/embeddings"), reply)


RESPONSES: list[dict[str, Any]] = [
    {},
    {"max_output_tokens": 16, "reasoning": {"effort": "high"}},
    {"tools": [{"type": "function", **FUNCTION, "strict": False}], "tool_choice": "required"},
]


@pytest.mark.parametrize("more", RESPONSES)
@pytest.mark.parametrize(
    ("document", "deployment", "model", "path"),
    [(OPENAI, "vllm", VLLM, "/v1/responses"), (AZURE_V1, "mini", "mini", "/openai/v1/responses")],
)
def test_responses(
    sandbox: Played, document: str, deployment: str, model: str, path: str, more: dict[str, Any]
) -> None:
    reply = sandbox.call(deployment, path, {"model": model, "input": "Hi", **more}).json
    validate(document, response(document, "/responses"), reply)
    assert sandbox.call(deployment, f"{path}/{reply['id']}", None, "GET").json == reply


@pytest.mark.parametrize("more", RESPONSES)
def test_events_of_responses(sandbox: Played, more: dict[str, Any]) -> None:
    body = {"model": VLLM, "input": "Hi", "stream": True, **more}
    reply = sandbox.call("vllm", "/v1/responses", body)
    for at, event in enumerate(reply.events):
        validate(OPENAI, {"$ref": "#/components/schemas/ResponseStreamEvent"}, event)
        assert event["sequence_number"] == at


def test_models_and_errors(sandbox: Played) -> None:
    validate(
        AZURE_V1, response(AZURE_V1, "/models", "get"), sandbox.call("mini", "/openai/v1/models", None, "GET").json
    )
    validate(OPENAI, response(OPENAI, "/models", "get"), sandbox.call("vllm", "/v1/models", None, "GET").json)
    wrong = sandbox.call("mini", "/openai/v1/chat/completions", {"model": "mini", "messages": []}).json
    validate(OPENAI, {"$ref": "#/components/schemas/ErrorResponse"}, wrong)
