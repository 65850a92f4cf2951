"""A whole reply as the events of a stream: some servers answer in one piece though a stream was asked for.

Owns: which events say what a reply of Anthropic's, or a response of OpenAI's, says, each piece of it at once. Not here:
whether a reply is one, what its events mean (``messages_stream``, ``responses_stream``), and chat completions, which
have one chunk (``chat_stream``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from detente.providers import sse

_Json = dict[str, Any]
_BODIES = {
    "function_call": ("arguments", "function_call_arguments"),
    "custom_tool_call": ("input", "custom_tool_call_input"),
    "mcp_call": ("arguments", "mcp_call_arguments"),
}
"""Of a call of a tool, the member that comes in pieces, and how the events of it are called."""
_PARTS = {
    "output_text": ("text", "output_text"),
    "refusal": ("refusal", "refusal"),
    "reasoning_text": ("text", "reasoning_text"),
}
"""The same of a part of an item."""


def is_whole(rest: bytes) -> bool:
    """Whether what was left of a stream may be a whole reply: no event begins so."""
    return rest.startswith(b"{")


# -- Anthropic's messages ---------------------------------------------------------------------------------------------
def message_events(body: bytes) -> bytes:
    """A message. Raises ``UNREADABLE`` for one whose blocks cannot be read."""
    message = msgspec.json.decode(body, type=_Json)
    start = {**message, "content": [], "stop_reason": None, "stop_sequence": None}
    told: list[_Json] = [{"type": "message_start", "message": start}]
    for at, block in enumerate(msgspec.convert(message["content"], list[_Json])):
        begun, pieces = _block(block)
        told.append({"type": "content_block_start", "index": at, "content_block": begun})
        told += [{"type": "content_block_delta", "index": at, "delta": piece} for piece in pieces]
        told.append({"type": "content_block_stop", "index": at})
    why = {name: message.get(name) for name in ("stop_reason", "stop_sequence")}
    told.append({"type": "message_delta", "delta": why, "usage": message.get("usage")})
    told.append({"type": "message_stop"})
    return _told(told)


def _block(block: _Json) -> tuple[_Json, list[_Json]]:
    """(how a block begins, its pieces)."""
    match block.get("type"):
        case "text":
            cited = [{"type": "citations_delta", "citation": one} for one in _list(block.get("citations"))]
            return block | {"text": ""}, [{"type": "text_delta", "text": block.get("text")}, *cited]
        case "thinking":
            pieces = [
                {"type": "thinking_delta", "thinking": block.get("thinking")},
                {"type": "signature_delta", "signature": block.get("signature")},
            ]
            return block | {"thinking": "", "signature": ""}, pieces
        case "tool_use" | "server_tool_use" | "mcp_tool_use":
            given = msgspec.json.encode(block.get("input")).decode()
            return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": given}]
        case _:
            return block, []


# -- OpenAI's responses -----------------------------------------------------------------------------------------------
def response_events(body: bytes) -> bytes:
    """A response. Raises ``UNREADABLE`` for one whose items cannot be read."""
    response = msgspec.json.decode(body, type=_Json)
    begun = {**response, "status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    told = [_event("created", response=begun), _event("in_progress", response=begun)]
    for at, item in enumerate(msgspec.convert(response.get("output") or [], list[_Json])):
        told += _item(item, at)
    ended = "incomplete" if response.get("status") == "incomplete" else "completed"
    told.append(_event(ended, response=response))
    return _told([{**event, "sequence_number": at} for at, event in enumerate(told)])


def _item(item: _Json, at: int) -> Iterator[_Json]:
    """The events of an item."""
    where: _Json = {"item_id": item.get("id"), "output_index": at}
    lists = {name: _list(item[name], _Json) for name in ("summary", "content") if item.get(name) is not None}
    member, called = _BODIES.get(str(item.get("type")), ("", ""))
    empty: _Json = {name: [] for name in lists} | ({member: ""} if member else {})
    yield _event("output_item.added", output_index=at, item={**item, "status": "in_progress", **empty})
    for number, part in enumerate(lists.get("summary", ())):
        place, told = {**where, "summary_index": number}, part.get("text")
        yield _event("reasoning_summary_part.added", part=part | {"text": ""}, **place)
        yield _event("reasoning_summary_text.delta", delta=told, **place)
        yield _event("reasoning_summary_text.done", text=told, **place)
        yield _event("reasoning_summary_part.done", part=part, **place)
    for number, part in enumerate(lists.get("content", ())):
        yield from _part(part, {**where, "content_index": number})
    if member:
        yield _event(f"{called}.delta", delta=item.get(member), **where)
        yield _event(f"{called}.done", **{member: item.get(member)}, **where)
    yield _event("output_item.done", output_index=at, item=item)


def _part(part: _Json, place: _Json) -> Iterator[_Json]:
    """The events of a part of a message, or of a thought."""
    member, called = _PARTS.get(str(part.get("type")), ("", ""))
    own = {"logprobs": part.get("logprobs") or []} if called == "output_text" else {}
    yield _event("content_part.added", part=part | ({member: ""} if member else {}), **place)
    if member:
        yield _event(f"{called}.delta", delta=part.get(member), **own, **place)
        for at, one in enumerate(_list(part.get("annotations"))):
            yield _event("output_text.annotation.added", annotation=one, annotation_index=at, **place)
        yield _event(f"{called}.done", **{member: part.get(member)}, **own, **place)
    yield _event("content_part.done", part=part, **place)


def _event(kind: str, **more: Any) -> _Json:
    return {"type": f"response.{kind}", **more}


def _list(stated: Any, kind: Any = Any) -> list[Any]:
    """A member that is a list, of nothing where it is null or absent. Raises ``UNREADABLE`` for another."""
    return msgspec.convert(stated, list[kind] | None) or []


def _told(events: list[_Json]) -> bytes:
    return b"".join([sse.event(msgspec.json.encode(event), event["type"]) for event in events])
