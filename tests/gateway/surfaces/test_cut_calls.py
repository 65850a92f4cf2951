"""A whole reply that ends at its limit with a call of an empty input: the call was cut, as in a stream.

Anthropic's own shape passes through, and says what it says.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from detente.providers.wire import Wire
from tests.gateway.surfaces import replies
from tests.gateway.surfaces.replies import ANTHROPIC, CHAT, MESSAGES, NOVA, RESPONSES

FIRST, LAST = {"a": 1}, dict[str, Any]()


def anthropics(stop: str, *inputs: Any) -> dict[str, Any]:
    uses = [{"type": "tool_use", "id": f"c{at}", "name": "look", "input": one} for at, one in enumerate(inputs)]
    return {**replies.MESSAGE, "content": [{"type": "text", "text": "hello"}, *uses], "stop_reason": stop}


def converses(stop: str, *inputs: Any) -> dict[str, Any]:
    uses = [{"toolUse": {"toolUseId": f"c{at}", "name": "look", "input": one}} for at, one in enumerate(inputs)]
    message = {"role": "assistant", "content": [{"text": "hello"}, *uses]}
    return {**replies.CONVERSE, "output": {"message": message}, "stopReason": stop}


def _read(arguments: str) -> Any:
    return json.loads(arguments) if arguments else None


def told(path: str, wire: Wire, stop: str, *inputs: Any) -> Any:
    """(what tools are called with, how the reply ends)"""
    reply = (anthropics if wire is ANTHROPIC else converses)(stop, *inputs)
    found = json.loads(replies.whole(path, wire, reply).body)
    if path == CHAT:
        choice = found["choices"][0]
        return [_read(call["function"]["arguments"]) for call in choice["message"]["tool_calls"]], choice[
            "finish_reason"
        ]
    if path == MESSAGES:
        return [block["input"] for block in found["content"] if block["type"] == "tool_use"], found["stop_reason"]
    calls = [_read(item["arguments"]) for item in found["output"] if item["type"] == "function_call"]
    return calls, found["status"]


@pytest.mark.parametrize(
    ("path", "wire", "cut", "whole"),
    [
        *[(CHAT, wire, ([FIRST, None], "length"), ([FIRST, LAST], "tool_calls")) for wire in (ANTHROPIC, NOVA)],
        *[(RESPONSES, wire, ([FIRST], "incomplete"), ([FIRST, LAST], "completed")) for wire in (ANTHROPIC, NOVA)],
        (MESSAGES, NOVA, ([FIRST], "max_tokens"), ([FIRST, LAST], "tool_use")),
        (MESSAGES, ANTHROPIC, ([FIRST, LAST], "max_tokens"), ([FIRST, LAST], "tool_use")),
    ],
)
def test_the_last_call_of_a_cut_reply_has_no_arguments(path: str, wire: Wire, cut: Any, whole: Any) -> None:
    assert told(path, wire, "max_tokens", FIRST, LAST) == cut
    assert told(path, wire, "tool_use", FIRST, LAST) == whole
