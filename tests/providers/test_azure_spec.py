"""What is sent to Azure, held against Azure's own published specs: the v1 API, and the paths of before."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from detente.gateway.surfaces import SURFACES
from detente.providers.wire import Wire
from tests.gateway.surfaces.corpora import corpus, dumped, shape
from tests.providers.openai_wires import made
from tests.sandbox.playing import specified
from tests.sandbox.published import AZURE_LEGACY, AZURE_V1, mistakes, request, spec, validate

pytestmark = specified

V1 = made(kind="azure", endpoint="https://x.openai.azure.com", serves=["chat", "embeddings", "responses"])
LEGACY = made(kind="azure", endpoint="https://x.openai.azure.com", version="2024-10-21", serves=["chat", "embeddings"])

FUNCTION: dict[str, Any] = {
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TOOL = {"type": "function", "function": FUNCTION}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bonn"}'}}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo=", "detail": "low"}}

CHATS: dict[str, dict[str, Any]] = {
    "plain": {},
    "a stream": {"stream": True},
    "a stream that asks for its usage": {"stream": True, "stream_options": {"include_usage": True}},
    "a stream with options of null": {"stream": True, "stream_options": None},
    "sampling": {"temperature": 0.2, "top_p": 0.9, "presence_penalty": 0.5, "frequency_penalty": -0.5, "stop": ["END"]},
    "several, by a seed, with probabilities": {"n": 2, "seed": 7, "logprobs": True, "top_logprobs": 3},
    "limits": {"max_tokens": 64, "user": "someone"},
    "reasoning": {"reasoning_effort": "low", "max_completion_tokens": 64},
    "a bias": {"logit_bias": {"50256": -100}},
    "tools": {"tools": [TOOL], "tool_choice": "auto", "parallel_tool_calls": False},
    "a tool that must be called": {
        "tools": [TOOL],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
    },
    "a history of tools": {
        "tools": [TOOL],
        "messages": [
            {"role": "system", "content": "Be brief."},
            *HELLO,
            {"role": "assistant", "content": None, "tool_calls": [CALL]},
            {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        ],
    },
    "structured output": {
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": SCHEMA}}
    },
    "JSON": {"response_format": {"type": "json_object"}},
    "an image": {"messages": [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, IMAGE]}]},
    "letters of all alphabets": {"messages": [{"role": "user", "content": 'ß, Ω, 語, \u2028, "quoted", \\'}]},
}
EMBEDDINGS: dict[str, dict[str, Any]] = {
    "a text": {"input": "flood"},
    "texts": {"input": ["flood", "hail"], "dimensions": 256, "encoding_format": "base64"},
    "tokens": {"input": [1, 2, 3], "user": "someone"},
}
RESPONSES: dict[str, dict[str, Any]] = {
    "a text": {"input": "Hello"},
    "a stream": {"input": "Hello", "stream": True, "store": False},
    "instructions and sampling": {"input": "Hello", "instructions": "Be brief.", "temperature": 0.1, "top_p": 0.5},
    "items": {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Hello"}]}]},
    "an image": {
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What is it?"},
                    {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"},
                ],
            }
        ]
    },
    "a tool": {"input": "Hello", "tools": [{"type": "function", **FUNCTION, "strict": False}], "tool_choice": "auto"},
    "structured output": {
        "input": "Hello",
        "text": {"format": {"type": "json_schema", "name": "n", "strict": True, "schema": SCHEMA}},
    },
    "reasoning": {"input": "Hello", "reasoning": {"effort": "low", "summary": "auto"}, "max_output_tokens": 64},
}


def sent(wire: Wire, path: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """(target, body) as the wire sends what a surface was asked."""
    surface = SURFACES[path.encode()]
    outgoing = wire.encode(surface.spoken(surface.ask(dumped(body)), wire).call)
    assert outgoing.method == "POST"
    return outgoing.target, json.loads(outgoing.body)


def is_served(document: str, target: str, template: str, base: str) -> None:
    """The target is the path of the spec, with the parameters that it requires."""
    parts = urlsplit(target)
    assert parts.path == base + template.replace("{deployment-id}", "there")
    operation = spec(document)["paths"][template]["post"]
    wanted = {p["name"] for p in operation.get("parameters", ()) if p.get("in") == "query" and p.get("required")}
    assert wanted <= set(parse_qs(parts.query))


@pytest.mark.parametrize("name", CHATS)
def test_chat(name: str) -> None:
    body = {"model": "m", "messages": HELLO, **CHATS[name]}
    target, now = sent(V1, "/v1/chat/completions", body)
    is_served(AZURE_V1, target, "/chat/completions", "/openai/v1")
    validate(AZURE_V1, request(AZURE_V1, "/chat/completions"), now)
    assert now["model"] == "there"
    assert now.get("stream_options") == ({"include_usage": True} if body.get("stream") else None)
    template = "/deployments/{deployment-id}/chat/completions"
    target, before = sent(LEGACY, "/v1/chat/completions", body)
    is_served(AZURE_LEGACY, target, template, "/openai")
    validate(AZURE_LEGACY, request(AZURE_LEGACY, template), before)


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_embeddings(name: str) -> None:
    body = {"model": "m", **EMBEDDINGS[name]}
    target, now = sent(V1, "/v1/embeddings", body)
    is_served(AZURE_V1, target, "/embeddings", "/openai/v1")
    validate(AZURE_V1, request(AZURE_V1, "/embeddings"), now)
    if name == "tokens":
        return  # the spec of before knows texts alone
    target, before = sent(LEGACY, "/v1/embeddings", body)
    is_served(AZURE_LEGACY, target, "/deployments/{deployment-id}/embeddings", "/openai")
    validate(AZURE_LEGACY, request(AZURE_LEGACY, "/deployments/{deployment-id}/embeddings"), before)


@pytest.mark.parametrize("name", RESPONSES)
def test_responses(name: str) -> None:
    target, body = sent(V1, "/v1/responses", {"model": "m", **RESPONSES[name]})
    is_served(AZURE_V1, target, "/responses", "/openai/v1")
    validate(AZURE_V1, request(AZURE_V1, "/responses"), body)


BEYOND = {
    "thinking-disabled": "an effort of `none` is younger than the spec",
    "thinking-adaptive-with-effort": "so is `xhigh`",
}
"""What the spec does not know."""


@pytest.mark.parametrize("name", [name for name in corpus("messages_requests") if name != "signed-thinking"])
def test_what_becomes_of_anthropics_messages(name: str) -> None:
    target, body = sent(V1, "/v1/messages", shape("messages_requests", name)["anthropic"])
    is_served(AZURE_V1, target, "/chat/completions", "/openai/v1")
    found = mistakes(AZURE_V1, request(AZURE_V1, "/chat/completions"), body)
    assert (not found) == (name not in BEYOND), found[:5]
