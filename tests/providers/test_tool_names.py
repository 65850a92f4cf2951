"""Names of tools that are longer than models take: told short, and back as their caller wrote them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from detente.providers.tool_names import shortened, whole_names
from detente.providers.wire import Call, Reply, Wire
from tests.providers.openai_wires import OWN, V1, call

LONG = "mcp__a_server_with_a_name_that_says_a_lot__a_tool_that_does_even_more_than_that"
SHORT = shortened(LONG)


def test_names_of_tools_are_looked_for_in_calls_that_name_any() -> None:
    named = [{"role": "user", "name": LONG, "content": "hi"}]
    called = [{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": LONG, "arguments": "{}"}}]}]
    tools = [{"type": "function", "function": {"name": LONG}}]

    def found(**members: Any) -> dict[str, str]:
        return whole_names(
            Call("chat", {name: msgspec.Raw(json.dumps(said).encode()) for name, said in members.items()})
        )

    assert found(messages=named) == {}  # a participant is no tool
    assert found(messages=called) == found(messages=named, tools=tools) == {SHORT: LONG}


TOOLED: dict[str, dict[str, Any]] = {
    "chat": {
        "tools": [
            {"type": "function", "function": {"name": LONG}},
            {"type": "function", "function": {"name": "clock"}},
        ],
        "tool_choice": {"type": "function", "function": {"name": LONG}},
        "messages": [
            {"role": "user", "content": f'"name": "{LONG}"'},
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": LONG, "arguments": "{}"}}]},
        ],
    },
    "responses": {
        "tools": [{"type": "function", "name": LONG}],
        "tool_choice": {"type": "function", "name": LONG},
        "input": [{"type": "function_call", "call_id": "c", "name": LONG, "arguments": "{}"}],
    },
}


@pytest.mark.parametrize("operation", TOOLED)
@pytest.mark.parametrize("wire", [OWN, V1])
def test_long_names_of_tools_are_told_as_models_take_them(wire: Wire, operation: str) -> None:
    sent = json.loads(wire.encode(call(operation, **TOOLED[operation])).body)
    again = json.dumps(sent).replace(f'"{SHORT}"', f'"{LONG}"')
    assert json.loads(again) == TOOLED[operation] | {"model": "there"}
    assert json.dumps(sent).count(f'"{SHORT}"') == 3
    assert json.dumps(sent).count(LONG) == (operation == "chat")  # a text is not a name


def test_a_conversation_whose_tools_are_gone_is_told_so_too() -> None:
    sent = OWN.encode(call(messages=TOOLED["chat"]["messages"])).body
    assert json.loads(sent)["messages"][1]["tool_calls"][0]["function"]["name"] == SHORT


def test_names_that_are_not_too_long_are_not_touched() -> None:
    text = b'[{"type": "function", "function": {"name": "clock"}}]'
    asked = Call("chat", {"tools": msgspec.Raw(text), "messages": msgspec.Raw(b"[]")})
    assert text in OWN.encode(asked).body


@pytest.mark.parametrize("operation", TOOLED)
def test_replies_and_streams_name_the_tool_as_its_caller_does(operation: str) -> None:
    asked = call(operation, **TOOLED[operation])
    function = {"name": SHORT, "arguments": "{}"}
    text = json.dumps({"name": SHORT})
    if operation == "chat":
        calls = [{"index": 0, "id": "c", "type": "function", "function": function}]
        message = {"role": "assistant", "content": text, "tool_calls": calls}
        head = {"id": "x", "object": "chat.completion", "created": 1}
        whole: Any = {**head, "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]}
        event: Any = {"choices": [{"index": 0, "delta": message}]}
    else:
        item = {"type": "function_call", "call_id": "c", **function}
        said = {"type": "message", "content": [{"type": "output_text", "text": text}]}
        whole = {"id": "r", "object": "response", "status": "completed", "output": [item, said]}
        event = {"type": "response.output_item.done", "item": item}
    reply = OWN.decode(asked, {}, json.dumps(whole).encode())
    assert isinstance(reply, Reply)
    assert reply.body.count(LONG.encode()) == 1  # what the model said in a text stays as it said it
    assert json.dumps(whole).replace(f'"{SHORT}"', f'"{LONG}"').encode() == reply.body
    part = OWN.decoder(asked, {}).feed(b"data: " + json.dumps(event).encode() + b"\n\n")
    assert LONG.encode() in part.data
    assert part.data.count(SHORT.encode()) == (operation == "chat")


def test_functions_of_the_older_form_are_told_short_and_given_back_whole() -> None:
    asked = call(functions=[{"name": LONG, "parameters": {}}], function_call={"name": LONG})
    sent = json.loads(OWN.encode(asked).body)
    assert (sent["functions"][0]["name"], sent["function_call"]["name"]) == (SHORT, SHORT)
    message = {"role": "assistant", "content": None, "function_call": {"name": SHORT, "arguments": "{}"}}
    whole = {"choices": [{"index": 0, "message": message, "finish_reason": "function_call"}]}
    reply = OWN.decode(asked, {}, json.dumps(whole).encode())
    assert isinstance(reply, Reply)
    assert reply.body.count(LONG.encode()) == 1


OFFERED = ("get_weather", "clock", "clock_all", LONG)
# (the pieces of a name and of its arguments, what a client joins them to)
PIECES: list[tuple[list[tuple[str | None, str]], str, str]] = [
    ([("get_wea", ""), ("ther", "{}")], "get_weather", "{}"),
    ([("get_", '{"a'), ("wea", '"'), ("ther", ":1"), (None, "}")], "get_weather", '{"a":1}'),
    ([("get_wea", ""), ("get_weather", "{}")], "get_weather", "{}"),  # begun anew
    ([("get_wea", ""), (None, "{"), (None, "}")], "get_wea", "{}"),  # on no offer, and told as it came
    ([("get_wea", "")], "get_wea", ""),
    ([("clock", ""), (None, "{}")], "clock", "{}"),
    ([(SHORT[:30], ""), (SHORT[30:], "{}")], LONG, "{}"),
    ([("clock", ""), ("_all", ""), (None, "{}")], "clock_all", "{}"),  # the first piece is a tool's name, too
    ([("clock", ""), ("_all", "{}")], "clock_all", "{}"),
    ([("clock", "")], "clock", ""),
    ([("clock", '{"a'), (None, '":1}')], "clock", '{"a":1}'),
]


@pytest.mark.parametrize("repeated", [False, True])
@pytest.mark.parametrize(("pieces", "name", "arguments"), PIECES)
def test_a_name_in_pieces_is_made_whole(
    pieces: list[tuple[str | None, str]], name: str, arguments: str, repeated: bool
) -> None:
    """``repeated``: each piece has the id of its call."""
    deltas: list[dict[str, Any]] = []
    for at, (more, text) in enumerate(pieces):
        function = {"arguments": text} | ({} if more is None else {"name": more})
        named = {"id": "c", "type": "function"} if repeated or not at else {}
        deltas.append({"tool_calls": [{"index": 0, **named, "function": function}]})
    calls = told_calls(deltas)
    assert (calls[0]["id"], {piece["index"] for piece in calls}) == ("c", {0})
    assert "".join(piece["function"].get("name", "") for piece in calls) == name
    assert "".join(piece["function"]["arguments"] for piece in calls) == arguments


def test_a_name_that_begins_another_is_whole_when_another_call_begins() -> None:
    """A caller whose calls come one after the other gets them in the order in which they were made."""
    pieces = [(0, "a", "clock", ""), (1, "b", "clock_all", "{}")]
    deltas = [
        {"tool_calls": [{"index": at, "id": name, "function": {"name": tool, "arguments": text}}]}
        for at, name, tool, text in pieces
    ]
    told = [
        (one["index"], one["id"], one["function"]["name"], one["function"]["arguments"]) for one in told_calls(deltas)
    ]
    assert told == pieces


def told_calls(deltas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pieces of calls that a caller of the tools on offer is told, in a stream that ends after some."""
    decoder = OWN.decoder(call(tools=[{"type": "function", "function": {"name": one}} for one in OFFERED]), {})
    said = [{"index": 0, "delta": delta} for delta in deltas]
    said.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    events = [b"data: " + json.dumps({"id": "x", "choices": [one]}).encode() + b"\n\n" for one in said]
    told = b"".join(decoder.feed(event).data for event in events).split(b"\n\n")[:-1]
    return [
        piece
        for event in told
        for piece in json.loads(event.removeprefix(b"data: "))["choices"][0]["delta"].get("tool_calls", ())
    ]
