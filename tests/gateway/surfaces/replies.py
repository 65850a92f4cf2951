"""A valid reply and a valid stream of each kind of provider, which say the same: a thought, a text, a tool's call."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from detente.gateway.surfaces import SURFACES
from detente.gateway.surfaces.surface import Asked, Surface
from detente.providers.wire import Failure, Tokens, Wire
from tests.gateway.surfaces.corpora import dumped, event
from tests.providers.bedrock.making import frame
from tests.providers.bedrock.making import wire as bedrock
from tests.providers.making import compatible
from tests.providers.test_claude import direct
from tests.providers.test_messages_stream import block, delta, stop

Data = dict[str, Any]
THERE = "m-there"


# -- who answers ------------------------------------------------------------------------------------------------------
CHAT_ONLY, RESPONDS = (compatible(THERE, serves=["chat", more]) for more in ("embeddings", "responses"))
ANTHROPIC, CLAUDE, NOVA = direct("claude-haiku-4-5-20251001"), bedrock(), bedrock("amazon.nova-pro-v1:0")
TITAN = bedrock("amazon.titan-embed-text-v2:0", serves=["embeddings"])
COHERE = bedrock("cohere.embed-v4:0", serves=["embeddings"])

# -- what is asked ----------------------------------------------------------------------------------------------------
CHAT, MESSAGES, RESPONSES, EMBEDDINGS = (
    "/v1/chat/completions",
    "/v1/messages",
    "/v1/responses",
    "/v1/embeddings",
)
_SCHEMA = {"type": "object"}
_HELLO = [{"role": "user", "content": "Hi"}]
_ASK: dict[str, Data] = {
    CHAT: {"messages": _HELLO, "tools": [{"type": "function", "function": {"name": "look", "parameters": _SCHEMA}}]},
    MESSAGES: {"max_tokens": 100, "messages": _HELLO, "tools": [{"name": "look", "input_schema": _SCHEMA}]},
    RESPONSES: {
        "input": "Hi",
        "store": False,
        "tools": [{"type": "function", "name": "look", "parameters": _SCHEMA}],
    },
    EMBEDDINGS: {"input": ["a", "b"]},
}


def asked(path: str, wire: Wire, **more: Any) -> tuple[Surface, Asked]:
    surface = SURFACES[path.encode()]
    given = {"input": "a"} if wire is TITAN else {}
    return surface, surface.spoken(surface.ask(dumped({"model": "m", **_ASK[path], **given, **more})), wire)


# -- what is answered -------------------------------------------------------------------------------------------------
_DETAILS = {"prompt_tokens_details": {"cached_tokens": 1}, "completion_tokens_details": {"reasoning_tokens": 1}}
_USAGE = {"prompt_tokens": 10, "completion_tokens": 7, "total_tokens": 17, **_DETAILS}
_CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
COMPLETION: Data = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": THERE,
    "system_fingerprint": "fp",
    "service_tier": "default",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "hello",
                "refusal": None,
                "reasoning_content": "hm",
                "annotations": [],
                "tool_calls": [_CALL],
            },
            "logprobs": None,
            "finish_reason": "tool_calls",
            "stop_reason": None,
        }
    ],
    "usage": _USAGE,
}


def _chunk(finish: str | None = None, **said: Any) -> Data:
    choice = {"index": 0, "delta": said, "logprobs": None, "finish_reason": finish, "stop_reason": None}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": THERE}
    return {**head, "system_fingerprint": "fp", "choices": [choice], "usage": None}


CHUNKS: list[Any] = [
    _chunk(role="assistant", content=""),
    _chunk(reasoning_content="hm"),
    _chunk(content="hel"),
    _chunk(content="lo"),
    _chunk(tool_calls=[{**_CALL, "index": 0, "function": {"name": "look", "arguments": ""}}]),
    _chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"a":1}'}}]),
    _chunk("tool_calls"),
    {**_chunk(), "choices": [], "usage": _USAGE},
]
_MESSAGE_HEAD = {"id": "msg_1", "type": "message", "role": "assistant", "model": THERE}
MESSAGE: Data = {
    **_MESSAGE_HEAD,
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "S"},
        {"type": "text", "text": "hello"},
        {"type": "tool_use", "id": "c1", "name": "look", "input": {"a": 1}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "cache_read_input_tokens": 3, "output_tokens": 7, "service_tier": "standard"},
}
EVENTS: list[Any] = [
    {
        "type": "message_start",
        "message": {**_MESSAGE_HEAD, "content": [], "stop_reason": None, "usage": {"input_tokens": 10}},
    },
    {"type": "ping"},
    block(0, type="thinking", thinking="", signature=""),
    delta(0, type="thinking_delta", thinking="hm"),
    delta(0, type="signature_delta", signature="S"),
    stop(0),
    block(1, type="text", text=""),
    delta(1, type="text_delta", text="hel"),
    delta(1, type="text_delta", text="lo"),
    stop(1),
    block(2, type="tool_use", id="c1", name="look", input={}),
    delta(2, type="input_json_delta", partial_json='{"a":1}'),
    stop(2),
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 7},
    },
    {"type": "message_stop"},
]
_CONVERSE_USAGE = {"inputTokens": 10, "outputTokens": 7, "totalTokens": 17, "cacheReadInputTokens": 1}
_BESIDE = {"usage": _CONVERSE_USAGE, "metrics": {"latencyMs": 5}, "serviceTier": {"type": "default"}}
CONVERSE: Data = {
    "output": {
        "message": {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "S"}}},
                {"text": "hello"},
                {"toolUse": {"toolUseId": "c1", "name": "look", "input": {"a": 1}}},
            ],
        }
    },
    "stopReason": "tool_use",
    "additionalModelResponseFields": {"stop_sequence": None},
    **_BESIDE,
}


def _piece(at: int, **said: Any) -> Data:
    return {"kind": "contentBlockDelta", "contentBlockIndex": at, "delta": said, "p": "abc"}


FRAMES: list[Any] = [
    {"kind": "messageStart", "role": "assistant"},
    _piece(0, reasoningContent={"text": "hm"}),
    _piece(0, reasoningContent={"signature": "S"}),
    {"kind": "contentBlockStop", "contentBlockIndex": 0},
    _piece(1, text="hel"),
    _piece(1, text="lo"),
    {"kind": "contentBlockStop", "contentBlockIndex": 1},
    {
        "kind": "contentBlockStart",
        "contentBlockIndex": 2,
        "start": {"toolUse": {"toolUseId": "c1", "name": "look"}},
    },
    _piece(2, toolUse={"input": '{"a":1}'}),
    {"kind": "contentBlockStop", "contentBlockIndex": 2},
    {"kind": "messageStop", "stopReason": "tool_use", "additionalModelResponseFields": {"stop_sequence": None}},
    {"kind": "metadata", **_BESIDE},
]
_TEXT = {"type": "output_text", "text": "hello", "annotations": [], "logprobs": []}
_ITEMS: list[Data] = [
    {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}]},
    {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [_TEXT]},
    {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "look", "arguments": '{"a":1}'},
]
RESPONSE: Data = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "model": THERE,
    "output": _ITEMS,
    "previous_response_id": None,
    "store": False,
    "usage": {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 1},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 1},
    },
}
_BEGUN = {**RESPONSE, "status": "in_progress", "output": [], "usage": None}
_AT: Data = {"item_id": "msg_1", "output_index": 1}
RESPONSE_EVENTS: list[Any] = [
    {"type": "response.created", "response": _BEGUN},
    {"type": "response.output_item.added", "output_index": 1, "item": {**_ITEMS[1], "content": []}},
    {"type": "response.output_text.delta", **_AT, "delta": "hel", "logprobs": []},
    {"type": "response.output_text.delta", **_AT, "delta": "lo", "logprobs": []},
    {"type": "response.output_item.done", "output_index": 1, "item": _ITEMS[1]},
    {"type": "response.completed", "response": RESPONSE},
]
VECTORS: Data = {
    "object": "list",
    "data": [{"object": "embedding", "index": at, "embedding": [0.5, 1.0]} for at in range(2)],
    "model": THERE,
    "usage": {"prompt_tokens": 3, "total_tokens": 3},
}
TITANS: Data = {"embedding": [0.5, 1.0], "inputTextTokenCount": 3}
COHERES: Data = {"embeddings": {"float": [[0.5, 1.0], [0.5, 1.0]]}, "id": "x", "response_type": "embeddings_by_type"}


# -- as bytes ---------------------------------------------------------------------------------------------------------
def as_chunks(events: Iterable[Any]) -> bytes:
    return b"".join(map(event, events)) + b"data: [DONE]\n\n"


def as_named(events: Iterable[Any]) -> bytes:
    """Events whose names are their types, as Anthropic and OpenAI's responses have them."""
    names = [(str(found.get("type", "")) if isinstance(found, dict) else "", found) for found in events]
    return b"".join(b"event: %b\ndata: %b\n\n" % (name.encode(), dumped(found)) for name, found in names)


def _framed(kind: str, payload: Any) -> bytes:
    return frame({":event-type": kind, ":message-type": "event"}, dumped(payload))


def as_frames(events: Iterable[Any]) -> bytes:
    return b"".join(_framed(str(found.get("kind")) if isinstance(found, dict) else "", found) for found in events)


def as_invoked(events: Iterable[Any]) -> bytes:
    return b"".join(_framed("chunk", {"bytes": b64encode(dumped(found)).decode()}) for found in events)


class Said(NamedTuple):
    """What came of a reply: its body as its caller sees it, or why it failed."""

    body: bytes = b""
    why: str = ""
    tokens: Tokens | None = None
    finish: str | None = None


def whole(path: str, wire: Wire, reply: Any) -> Said:
    """A whole reply. Raises ``UnsayableError``."""
    surface, call = asked(path, wire)
    found = wire.decode(call.call, {}, dumped(reply))
    if isinstance(found, Failure):
        return Said(why=str(found.error["message"]))
    return Said(surface.whole(call, found, "here"), "", found.tokens, found.finish)


def streamed(path: str, wire: Wire, data: bytes) -> Said:
    """A stream. Raises ``UnsayableError``."""
    surface, call = asked(path, wire, stream=True)
    reader, told = wire.decoder(call.call, {}), surface.streamed(call, "here")
    body, tokens, finish = b"", None, None
    for part in (reader.feed(data), reader.end()):
        body += told.feed(part.data)
        tokens, finish = part.tokens or tokens, part.finish or finish
        if part.failure is not None:
            return Said(why=str(part.failure.error["message"]))
        if part.done:
            return Said(body + told.close(), "", tokens, finish)
    raise AssertionError("a stream neither fails nor ends")


Encoding = Callable[[Iterable[Any]], bytes]
WHOLE: list[tuple[str, Wire, Data]] = [
    *[(path, CHAT_ONLY, COMPLETION) for path in (CHAT, MESSAGES, RESPONSES)],
    *[(path, ANTHROPIC, MESSAGE) for path in (CHAT, MESSAGES, RESPONSES)],
    *[(path, NOVA, CONVERSE) for path in (CHAT, MESSAGES, RESPONSES)],
    (CHAT, CLAUDE, CONVERSE),
    (MESSAGES, CLAUDE, MESSAGE),
    (RESPONSES, RESPONDS, RESPONSE),
    (EMBEDDINGS, CHAT_ONLY, VECTORS),
    (EMBEDDINGS, TITAN, TITANS),
    (EMBEDDINGS, COHERE, COHERES),
]
STREAMS: list[tuple[str, Wire, list[Any], Encoding]] = [
    *[(path, CHAT_ONLY, CHUNKS, as_chunks) for path in (CHAT, MESSAGES, RESPONSES)],
    *[(path, ANTHROPIC, EVENTS, as_named) for path in (CHAT, MESSAGES, RESPONSES)],
    *[(path, NOVA, FRAMES, as_frames) for path in (CHAT, MESSAGES, RESPONSES)],
    (MESSAGES, CLAUDE, EVENTS, as_invoked),
    (RESPONSES, RESPONDS, RESPONSE_EVENTS, as_named),
]


# -- what a caller reads of it ----------------------------------------------------------------------------------------
def content(path: str, body: bytes) -> Any:
    """(text, calls) of a whole reply; of embeddings, the vectors."""
    found = json.loads(body)
    if path == EMBEDDINGS:
        return [one["embedding"] for one in found["data"]]
    if path == CHAT:
        said = found["choices"][0]["message"]
        return said["content"], [
            (c["function"]["name"], json.loads(c["function"]["arguments"])) for c in said["tool_calls"]
        ]
    if path == MESSAGES:
        blocks = found["content"]
        texts = [one["text"] for one in blocks if one["type"] == "text"]
        return "".join(texts), [(one["name"], one["input"]) for one in blocks if one["type"] == "tool_use"]
    items = found["output"]
    texts = [part.get("text", "") for item in items if item["type"] == "message" for part in item["content"]]
    calls = [(item["name"], json.loads(item["arguments"])) for item in items if item["type"] == "function_call"]
    return "".join(texts), calls


def streamed_content(path: str, body: bytes) -> Any:
    """The same of a stream that said that it is complete."""
    lines = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")]
    found = [json.loads(line) for line in lines if line != b"[DONE]"]
    text, calls = "", list[list[str]]()
    if path == CHAT:
        assert lines[-1] == b"[DONE]"
        for said in [choice["delta"] or {} for one in found for choice in one.get("choices") or ()]:
            text += said.get("content") or ""
            for call in said.get("tool_calls") or ():
                if call["index"] == len(calls):
                    calls.append([call["function"]["name"], ""])
                calls[call["index"]][1] += call["function"].get("arguments") or ""
    elif path == MESSAGES:
        assert found[-1]["type"] == "message_stop"
        for one in found:
            if one["type"] == "content_block_start" and one["content_block"]["type"] == "tool_use":
                calls.append([one["content_block"]["name"], ""])
            elif one["type"] == "content_block_delta":
                text += one["delta"].get("text", "")
                if "partial_json" in one["delta"]:
                    calls[-1][1] += one["delta"]["partial_json"]
    else:
        whole = content(path, dumped(found[-1]["response"]))
        assert whole[0] == "".join(one["delta"] for one in found if one["type"] == "response.output_text.delta")
        return whole
    return text, [(name, json.loads(arguments)) for name, arguments in calls]
