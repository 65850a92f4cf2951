"""Every caller's shape on every kind of provider: statuses, streams that are cut, calls of tools, how replies end."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from detente.sandbox import eventstream
from tests.builders import Data
from tests.gateway.caller import HELLO, Answer
from tests.gateway.http.peer import run
from tests.gateway.script import ROLE, SSE, Provider, chunked, completion, delta, http, play
from tests.gateway.stage import SERVING, VARIABLE, Stage, one

CHAT, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/responses", "/v1/messages"
BODIES: dict[str, Data] = {
    CHAT: HELLO,
    RESPONSES: {"model": "m", "input": "hi", "store": False},
    MESSAGES: {**HELLO, "max_tokens": 9},
}
KINDS: dict[str, Data] = {
    "compatible": {"kind": "openai-compatible", "serves": ["chat", "responses"]},
    "chat alone": {"kind": "openai-compatible", "serves": ["chat"]},
    "azure": {"kind": "azure", "name": "m", "serves": ["chat", "responses"]},
    "converse": {"kind": "bedrock", "name": "amazon.nova-pro-v1:0"},
    "claude at bedrock": {"kind": "bedrock", "name": "anthropic.claude-sonnet-4-5-20250929-v1:0"},
    "anthropic": {"kind": "anthropic", "name": "claude-sonnet-4-6"},
}
TOLD = {400: 400, 401: 502, 402: 502, 403: 502, 404: 503, 405: 503, 408: 504, 413: 413, 415: 503, 429: 429, 500: 503}
TOLD |= {410: 503, 422: 422, 503: 503, 529: 503}
"""Of a provider's status, what its caller is told where nobody else serves the call."""
TYPES = {
    400: "invalid_request_error",
    413: "request_too_large",
    422: "invalid_request_error",
    429: "rate_limit_error",
    502: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""Of what a caller is told, Anthropic's type."""


def case(south: Provider, kind: str) -> Data:
    data = one(south, serving=SERVING)
    (made,) = data["deployments"]
    base = f"{south.base}/v1" if KINDS[kind]["kind"] == "openai-compatible" else south.base
    data["deployments"] = [
        {"id": made["id"], "offer": made["offer"], "endpoint": base, "credential": {"env": VARIABLE}, **KINDS[kind]}
    ]
    return data


def wrong(kind: str) -> Data:
    """What a provider says of an error, without a code that would say more than its status."""
    if KINDS[kind]["kind"] == "bedrock":
        return {"message": "wrong"}
    if KINDS[kind]["kind"] == "anthropic":
        return {"type": "error", "error": {"type": "", "message": "wrong"}}
    return {"error": {"message": "wrong"}}


def message_of(answer: Answer, path: str) -> str:
    """What a caller is told, in its own shape."""
    error = answer.json["error"]
    if path == MESSAGES:
        assert answer.json["type"] == "error"
        assert error["type"] == TYPES[answer.status]
    else:
        assert set(error) >= {"message", "type", "param", "code"}
    return str(error["message"])


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", BODIES)
def test_what_a_caller_is_told_of_each_status(tmp_path: Path, path: str, kind: str, stream: bool) -> None:
    async def main() -> None:
        scripts = [http(wrong(kind), f"{status} Wrong") for status in TOLD]
        async with play(*scripts) as south, Stage(tmp_path, case(south, kind)) as stage:
            for status, told in TOLD.items():
                for known in stage.load._known.values():
                    known.health = None
                answer = await stage.ask(BODIES[path] | {"stream": stream}, path=path)
                assert (status, answer.status) == (status, told)
                message = message_of(answer, path)
                assert ("wrong" in message) == (told in (400, 413, 422) or "Bedrock: wrong" in message)
                assert ("retry-after" in answer.headers) == (told == 429)
            assert len(south.requests) == len(TOLD)

    run(main())


def sse(*events: Data) -> list[bytes]:
    return [chunked(f"event: {said['type']}\ndata: {json.dumps(said)}\n\n".encode()) for said in events]


BEGINS: tuple[Data, ...] = (
    {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "c",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 1, "output_tokens": 0},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "half"}},
)
RESPONSE = {"id": "resp_1", "object": "response", "status": "in_progress", "model": "m", "output": []}
RESPONDS: tuple[Data, ...] = (
    {"type": "response.created", "sequence_number": 0, "response": RESPONSE},
    {"type": "response.output_text.delta", "sequence_number": 1, "item_id": "a", "output_index": 0, "delta": "half"},
)
CONVERSES: tuple[tuple[str, Data], ...] = (
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "half"}}),
)


def begun(kind: str, path: str) -> list[Any]:
    """A stream of a provider's that has begun, as far as its first words."""
    if KINDS[kind]["kind"] == "anthropic":
        return [SSE, *sse(*BEGINS)]
    if KINDS[kind]["kind"] == "bedrock":
        if kind == "claude at bedrock" and path == MESSAGES:
            chunks = [{"bytes": b64encode(json.dumps(said).encode()).decode()} for said in BEGINS]
            frames = [eventstream.event("chunk", json.dumps(said).encode()) for said in chunks]
        else:
            frames = [eventstream.event(name, json.dumps(said).encode()) for name, said in CONVERSES]
        return [SSE.replace(b"text/event-stream", b"application/vnd.amazon.eventstream"), *map(chunked, frames)]
    if path == RESPONSES and "responses" in KINDS[kind]["serves"]:
        return [SSE, *sse(*RESPONDS)]
    return [SSE, chunked(ROLE), chunked(delta(content="half"))]


@pytest.mark.parametrize("end", ["close", "reset"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", BODIES)
def test_a_stream_that_is_cut_looks_cut(tmp_path: Path, path: str, kind: str, end: str) -> None:
    async def main() -> None:
        async with (
            play([*begun(kind, path), "heard", end]) as south,
            Stage(tmp_path, case(south, kind)) as stage,
        ):
            answer = await stage.ask(BODIES[path] | {"stream": True}, south, path=path)
            assert answer.status == 200
            assert b"half" in answer.body
            last = answer.events[-1]
            assert "closed the connection within its reply" in last["error"]["message"]
            kinds = [said.get("type") for said in answer.events if isinstance(said, dict)]
            assert not {"message_stop", "response.completed"} & set(kinds)
            assert "[DONE]" not in answer.events
            assert (stage.records[0].outcome, stage.records[0].attempts[0].used) == ("cut", "unknown")

    run(main())


# -- whole replies ----------------------------------------------------------------------------------------------------
FUNCTION: Data = {"name": "f", "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}}}
TOOLS: dict[str, list[Data]] = {
    CHAT: [{"type": "function", "function": FUNCTION}],
    RESPONSES: [{"type": "function", **FUNCTION}],
    MESSAGES: [{"name": "f", "input_schema": FUNCTION["parameters"]}],
}
ENDS: dict[str, tuple[str, str, str]] = {
    "stop": ("stop", "end_turn", "end_turn"),
    "length": ("length", "max_tokens", "max_tokens"),
    "filtered": ("content_filter", "guardrail_intervened", "refusal"),
    "tools": ("tool_calls", "tool_use", "tool_use"),
}
"""Of how a reply ends, what OpenAI, Bedrock's Converse and Anthropic call it."""
CALLS = [("a", 1), ("b", 2)]
"""Two calls at once: each its id, and its one argument."""


def said(kind: str, path: str, end: str) -> Data:
    """A provider's whole reply that ends so."""
    chat, converse, claude = ENDS[end]
    called = CALLS if end == "tools" else []
    if KINDS[kind]["kind"] == "anthropic" or (kind == "claude at bedrock" and path == MESSAGES):
        blocks: list[Data] = [{"type": "text", "text": "half"}]
        blocks += [{"type": "tool_use", "id": id_, "name": "f", "input": {"x": x}} for id_, x in called]
        usage = {"input_tokens": 10, "output_tokens": 5}
        return {**BEGINS[0]["message"], "content": blocks, "stop_reason": claude, "usage": usage}
    if KINDS[kind]["kind"] == "bedrock":
        parts: list[Data] = [{"text": "half"}]
        parts += [{"toolUse": {"toolUseId": id_, "name": "f", "input": {"x": x}}} for id_, x in called]
        message = {"role": "assistant", "content": parts}
        usage = {"inputTokens": 10, "outputTokens": 5, "totalTokens": 15}
        return {"output": {"message": message}, "stopReason": converse, "usage": usage}
    if path == RESPONSES and "responses" in KINDS[kind]["serves"]:
        items: list[Data] = [
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "half"}]}
        ]
        items += [
            {"type": "function_call", "call_id": id_, "name": "f", "arguments": f'{{"x":{x}}}'} for id_, x in called
        ]
        why = {"length": "max_output_tokens", "filtered": "content_filter"}.get(end)
        ended = {"status": "incomplete", "incomplete_details": {"reason": why}} if why else {"status": "completed"}
        return {**RESPONSE, **ended, "output": items, "usage": {"input_tokens": 10, "output_tokens": 5}}
    found = completion("half")
    (choice,) = found["choices"]
    choice["finish_reason"] = chat
    if called:
        choice["message"]["tool_calls"] = [
            {"id": id_, "type": "function", "function": {"name": "f", "arguments": f'{{"x":{x}}}'}} for id_, x in called
        ]
    return found


def heard(path: str, reply: Data) -> tuple[str, list[tuple[str, str, Data]], str | None]:
    """(text, calls, how it ended) as a caller reads them."""
    if path == CHAT:
        (choice,) = reply["choices"]
        made = choice["message"].get("tool_calls") or []
        calls = [(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])) for call in made]
        return choice["message"]["content"], calls, choice["finish_reason"]
    if path == MESSAGES:
        texts = [block["text"] for block in reply["content"] if block["type"] == "text"]
        used = [block for block in reply["content"] if block["type"] == "tool_use"]
        return "".join(texts), [(block["id"], block["name"], block["input"]) for block in used], reply["stop_reason"]
    texts = [part["text"] for item in reply["output"] if item["type"] == "message" for part in item["content"]]
    asked = [item for item in reply["output"] if item["type"] == "function_call"]
    calls = [(item["call_id"], item["name"], json.loads(item["arguments"])) for item in asked]
    return "".join(texts), calls, (reply.get("incomplete_details") or {}).get("reason")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", BODIES)
def test_calls_of_tools_and_ends_are_told_in_the_caller_s_words(tmp_path: Path, path: str, kind: str) -> None:
    async def main() -> None:
        scripts = [http(said(kind, path, end)) for end in ENDS]
        async with play(*scripts) as south, Stage(tmp_path, case(south, kind)) as stage:
            for end, (chat, _, claude) in ENDS.items():
                answer = await stage.ask(BODIES[path] | {"tools": TOOLS[path]}, path=path)
                assert answer.status == 200
                text, calls, why = heard(path, answer.json)
                assert text == "half"
                assert calls == ([(id_, "f", {"x": x}) for id_, x in CALLS] if end == "tools" else [])
                cut = {"length": "max_output_tokens", "filtered": "content_filter"}.get(end)
                assert why == {CHAT: chat, MESSAGES: claude, RESPONSES: cut}[path]
            used = [(record.usage.input, record.usage.output) for record in stage.records if record.usage]
            assert used == [(10, 5)] * len(ENDS)

    run(main())
