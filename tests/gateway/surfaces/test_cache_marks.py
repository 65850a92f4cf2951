"""Marks up to which a prompt is cached, of a call in Anthropic's shape that is said as a chat completion."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from detente.providers.wire import Refusal, Wire
from tests.gateway.surfaces.corpora import MESSAGES, PLAIN, Data, dumped
from tests.providers.bedrock.making import wire as bedrock
from tests.providers.making import compatible

CLAUDE, NOVA, OLD = "anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-pro-v1:0", "anthropic.claude-3-haiku-v1:0"
MARK = {"type": "ephemeral"}
POINT = {"cachePoint": {"type": "default"}}
TOOL = {"name": "look_up", "input_schema": {"type": "object"}}
HELLO = [{"role": "user", "content": "Hello"}]


def marked(text: str, **mark: Any) -> Data:
    return {"type": "text", "text": text, "cache_control": MARK | mark}


def told(name: str, **changed: Any) -> tuple[Data, list[str]]:
    """(what Converse is sent of a call on `/v1/messages`, what is listed as left out)."""
    return _told(bedrock(name, api="converse"), changed)


def _told(wire: Wire, changed: Data) -> tuple[Data, list[str]]:
    asked = MESSAGES.spoken(MESSAGES.ask(dumped(PLAIN | changed)), wire)
    sent = wire.encode(asked.call)
    found: Data = msgspec.json.decode(sent.body)
    return found, [*asked.call.left_out, *sent.left_out]


def test_each_mark_is_a_point_of_converse_in_its_place() -> None:
    turns = [
        {
            "role": "user",
            "content": [{"type": "text", "text": "a"}, marked("b", ttl="1h"), {"type": "text", "text": "c"}],
        },
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "t", "name": "look_up", "input": {}, "cache_control": MARK}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "t", "content": "d", "cache_control": MARK}],
        },
    ]
    found, left_out = told(CLAUDE, system=[marked("kind")], messages=turns, tools=[TOOL])
    assert left_out == []
    assert found["system"] == [{"text": "kind"}, POINT]
    first, second, third = (turn["content"] for turn in found["messages"])
    assert first == [{"text": "a"}, {"text": "b"}, {"cachePoint": {"type": "default", "ttl": "1h"}}, {"text": "c"}]
    assert [list(block) for block in second] == [["toolUse"], ["cachePoint"]]
    assert [list(block) for block in third] == [["toolResult"], ["cachePoint"]]
    assert third[0]["toolResult"]["content"] == [{"text": "d"}]


def test_the_mark_of_a_tool_and_of_a_system_turn_stay_too() -> None:
    turns = [*HELLO, {"role": "system", "content": [marked("now")]}]
    found, left_out = told(CLAUDE, tools=[TOOL | {"cache_control": MARK}, TOOL | {"name": "other"}], messages=turns)
    assert left_out == []
    assert [list(tool) for tool in found["toolConfig"]["tools"]] == [["toolSpec"], ["cachePoint"], ["toolSpec"]]
    assert [list(block) for block in found["messages"][0]["content"]] == [["text"], ["text"], ["cachePoint"]]


def test_a_failed_result_keeps_its_mark() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": "no", "is_error": True, "cache_control": MARK}
    call = {"type": "tool_use", "id": "t", "name": "look_up", "input": {}}
    turns = [*HELLO, {"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    found, _ = told(CLAUDE, messages=turns, tools=[TOOL])
    block, point = found["messages"][2]["content"]
    assert block["toolResult"]["content"] == [{"text": "Error:\n"}, {"text": "no"}]
    assert point == POINT


def test_who_is_shared_with_is_said_nowhere_else_and_listed() -> None:
    found, left_out = told(CLAUDE, system=[marked("kind", scope="global")])
    assert (found["system"], left_out) == ([{"text": "kind"}, POINT], ["cache_control"])


@pytest.mark.parametrize("name", [OLD, "openai.gpt-oss-120b-1:0"])
def test_marks_for_a_model_whose_prompts_are_not_cached_are_left_out_and_listed(name: str) -> None:
    found, left_out = told(name, messages=[{"role": "user", "content": [marked("a")]}])
    assert (found["messages"][0]["content"], left_out) == ([{"text": "a"}], ["cache_control"])


def test_nova_caches_prompts_and_no_tools() -> None:
    found, left_out = told(NOVA, system=[marked("kind")], tools=[TOOL | {"cache_control": MARK}])
    assert found["system"] == [{"text": "kind"}, POINT]
    assert [list(tool) for tool in found["toolConfig"]["tools"]] == [["toolSpec"]]
    assert left_out == ["cache_control"]


def test_openais_shape_has_no_marks() -> None:
    found, left_out = _told(compatible(), {"messages": [{"role": "user", "content": [marked("a")]}]})
    assert (found["messages"], left_out) == ([{"role": "user", "content": "a"}], ["cache_control"])


def test_more_marks_than_bedrock_takes_are_told_before_sending() -> None:
    with pytest.raises(Refusal, match="set at 5 places, and at most 4 are taken") as caught:
        told(CLAUDE, messages=[{"role": "user", "content": [marked(str(n)) for n in range(5)]}])
    assert caught.value.param == "messages[0].content[0]"


def test_a_mark_that_is_not_sent_is_none_too_many() -> None:
    said = {"role": "user", "content": [marked(str(n)) for n in range(4)]}
    found, _ = told(NOVA, messages=[said], tools=[TOOL | {"cache_control": MARK}])
    assert found["messages"][0]["content"].count(POINT) == 4
