"""Calls as Converse takes them: shapes both ways, tools and their results, schemas as they were written."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from detente.providers.wire import Call, Refusal
from tests.providers.bedrock.converse_calls import CORPUS, NOVA, TOOL, USE, USED
from tests.providers.bedrock.inverse import openai_request
from tests.providers.bedrock.making import CLAUDE, call, encoded, said, wire
from tests.providers.bedrock.service import check_request
from tests.providers.bedrock.sketches import calls


@pytest.mark.parametrize("name", CORPUS)
def test_shapes(name: str) -> None:
    case = CORPUS[name]
    found = encoded(case["openai"], case["name"])
    assert found == case["converse"]
    check_request("Converse", case["name"], found)
    check_request("ConverseStream", case["name"], found)
    assert wire(case["name"]).cannot(call(case["openai"])) is None


@settings(deadline=None)
@given(calls())
def test_what_both_sides_can_say_survives(stated: dict[str, Any]) -> None:
    body = encoded(stated)
    check_request("Converse", CLAUDE, body)
    back = openai_request(body)
    for message in [*stated["messages"], *back["messages"]]:
        for use in message.get("tool_calls", ()):  # JSON text may be written in many ways
            use["function"]["arguments"] = json.loads(use["function"]["arguments"])
    assert back == stated


def test_calls_may_be_numbered_anew_in_each_turn() -> None:
    turns = encoded(said(messages=[*USED, *USED[1:]], tools=[TOOL]))["messages"]
    assert [[next(iter(block)) for block in turn["content"]] for turn in turns] == [
        ["text"], ["toolUse"], ["toolResult"], ["toolUse"], ["toolResult"],
    ]  # fmt: skip
    ids = [
        block["toolUseId"]
        for turn in turns
        for held in turn["content"]
        for block in held.values()
        if "text" not in held
    ]
    assert ids == ["c1", "c1", "c1_2", "c1_2"]  # Claude refuses an id that comes twice


def test_a_strict_tool_may_lose_that_where_a_model_keeps_no_schema() -> None:
    asked = call(said(tools=[{"type": "function", "function": {"name": "a", "strict": True}}]))
    assert "allow it to be left out: `lenient: [strict-tools]`" in str(wire(NOVA).cannot(asked))
    found = wire(NOVA).encode(Call("chat", asked.members, optional=frozenset({"strict-tools"})))
    assert found.left_out == ("strict",)
    assert "strict" not in json.loads(found.body)["toolConfig"]["tools"][0]["toolSpec"]
    kept = wire(CLAUDE).encode(Call("chat", asked.members, optional=frozenset({"strict-tools"})))
    assert (kept.left_out, json.loads(kept.body)["toolConfig"]["tools"][0]["toolSpec"]["strict"]) == ((), True)


def test_two_calls_of_one_turn_have_two_ids() -> None:
    with pytest.raises(Refusal, match="a second call `c1` in one turn: give each an id of its own"):
        encoded(said(messages=[USED[0], {**USED[1], "tool_calls": [USE, USE]}, USED[2]], tools=[TOOL]))


def test_two_results_of_one_call_are_told_before_sending() -> None:
    with pytest.raises(Refusal, match="a second result of the call `c1`: send one"):
        encoded(said(messages=[*USED, USED[2]], tools=[TOOL]))


def test_arguments_and_schemas_are_sent_as_they_were_written() -> None:
    big = '{"n": 123456789012345678901234567890.10, "s": "\\u00e9"}'
    use = {"id": "c1", "type": "function", "function": {"name": "clock", "arguments": big}}
    messages = [USED[0], {"role": "assistant", "tool_calls": [use]}, USED[2]]
    members = {
        **call(said()).members,
        "messages": msgspec.Raw(json.dumps(messages).encode()),
        "tools": msgspec.Raw(b'[{"type":"function","function":{"name":"clock","parameters":{"maximum": 1.10}}}]'),
    }
    body = wire().encode(Call("chat", members)).body
    assert big.encode() in body
    assert b'{"maximum": 1.10}' in body


@pytest.mark.parametrize("stated", [{}, {"parameters": None}, {"parameters": {}}])
def test_a_tool_without_parameters_has_an_objects_schema(stated: dict[str, Any]) -> None:
    found = encoded(said(tools=[{"type": "function", "function": {"name": "clock", **stated}}]))
    (tool,) = found["toolConfig"]["tools"]
    assert tool["toolSpec"]["inputSchema"] == {"json": {"type": "object", "properties": {}}}
