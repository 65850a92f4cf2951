"""A call whose arguments a model wrote as no JSON object: its conversation goes on, whoever is asked next."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from detente.gateway.surfaces.responses_kept import PREFIX
from detente.gateway.surfaces.surface import Asked
from detente.providers.bedrock.calls import input_of
from detente.providers.wire import Refusal, Wire
from tests.gateway.surfaces import replies
from tests.gateway.surfaces.replies import ANTHROPIC, CHAT, CHAT_ONLY, CLAUDE, NOVA, RESPONSES

BROKEN = '{"a":'
WRAPPED = {"INVALID_JSON": BROKEN}


def history(path: str, arguments: str) -> dict[str, Any]:
    """A conversation in which a tool was called so, as its caller sends it."""
    if path == CHAT:
        call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": arguments}}
        result = {"role": "tool", "tool_call_id": "c1", "content": "no JSON"}
        said = {"role": "assistant", "content": None, "tool_calls": [call]}
        return {"messages": [{"role": "user", "content": "Hi"}, said, result]}
    call = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": arguments}
    result = {"type": "function_call_output", "call_id": "c1", "output": "no JSON"}
    return {"input": [{"role": "user", "content": "Hi"}, call, result]}


def kept(wire: Wire) -> Asked:
    """The same by a turn that the gateway keeps: the model of a chat provider wrote it."""
    surface, first = replies.asked(RESPONSES, CHAT_ONLY, store=True)
    first = msgspec.structs.replace(first, kept_as=f"{PREFIX}00a")
    choice = json.loads(json.dumps(replies.COMPLETION["choices"][0]))
    choice["message"]["tool_calls"][0]["function"]["arguments"] = BROKEN
    found = CHAT_ONLY.decode(first.call, {}, json.dumps({**replies.COMPLETION, "choices": [choice]}).encode())
    turn = surface.turn(first, surface.whole(first, found, "here"))  # type: ignore[arg-type]
    assert turn is not None
    body = {"model": "m", "previous_response_id": turn.id, **history(RESPONSES, "{}")}
    body["input"] = body["input"][2:]
    return surface.spoken(surface.recalled(surface.ask(json.dumps(body).encode()), [turn]), wire)


def told(wire: Wire, asked: Asked) -> Any:
    """What the next provider reads the tool to have been called with."""
    messages = json.loads(wire.encode(asked.call).body)["messages"]
    turn = next(one for one in messages if one["role"] == "assistant")
    if "tool_calls" in turn:
        return turn["tool_calls"][0]["function"]["arguments"]
    block = next(one for one in turn["content"] if "toolUse" in one or one.get("type") == "tool_use")
    return block.get("toolUse", block)["input"]


NEXT = [(CHAT_ONLY, BROKEN), (ANTHROPIC, WRAPPED), (CLAUDE, WRAPPED), (NOVA, WRAPPED)]
IDS = ["chat", "anthropic", "claude", "nova"]


@pytest.mark.parametrize(("wire", "expected"), NEXT, ids=IDS)
@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_it_is_told_as_it_was_written_or_as_text_in_an_object(path: str, wire: Wire, expected: Any) -> None:
    _, asked = replies.asked(path, wire, **history(path, BROKEN))
    assert told(wire, asked) == expected


@pytest.mark.parametrize(("wire", "expected"), NEXT, ids=IDS)
def test_so_it_is_of_a_turn_that_is_kept(wire: Wire, expected: Any) -> None:
    assert told(wire, kept(wire)) == expected


@pytest.mark.parametrize("broken", ["[1]", "null", "{} {}", "NaN", '{"a":NaN}', "[" * 5000, '{"a":' * 5000])
def test_whatever_is_no_object_is_text(broken: str) -> None:
    assert json.loads(bytes(input_of(broken))) == {"INVALID_JSON": broken}


@pytest.mark.parametrize(("stated", "expected"), [("", b"{}"), (" \n", b"{}"), ('{ "n": 1.10 }', b'{ "n": 1.10 }')])
def test_an_object_is_passed_on_to_the_byte(stated: str, expected: bytes) -> None:
    assert bytes(input_of(stated)) == expected


def test_what_no_text_can_hold_is_refused() -> None:
    with pytest.raises(Refusal, match="lone surrogate"):
        input_of('{"a":"\ud800"}')
