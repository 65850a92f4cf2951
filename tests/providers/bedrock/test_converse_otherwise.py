"""What Converse says otherwise, and what leniency leaves out."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from detente.providers.tool_names import shortened
from detente.providers.wire import Refusal, Reply
from tests.providers.bedrock.converse_calls import NOVA, TITAN, TOOL, USE, USED
from tests.providers.bedrock.making import CLAUDE, call, encoded, event, said, wire
from tests.providers.bedrock.service import check_request


@pytest.mark.parametrize(
    ("choice", "own"),
    [
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "clock"}}, {"type": "tool", "name": "clock"}),
    ],
)
def test_one_tool_at_a_time_is_said_with_any_choice(choice: Any, own: dict[str, Any]) -> None:
    found = encoded(said(tools=[TOOL], tool_choice=choice, parallel_tool_calls=False))
    assert found["additionalModelRequestFields"] == {"tool_choice": {**own, "disable_parallel_tool_use": True}}
    assert "toolChoice" not in found["toolConfig"]


def test_a_history_of_tools_without_tools_names_those_that_were_called() -> None:
    found = encoded(said(messages=USED))
    check_request("Converse", CLAUDE, found)
    (tool,) = found["toolConfig"]["tools"]
    assert tool["toolSpec"]["name"] == USED[1]["tool_calls"][0]["function"]["name"]
    assert found["additionalModelRequestFields"] == {"tool_choice": {"type": "none"}}
    assert "additionalModelRequestFields" not in encoded(said(messages=USED), NOVA)


def test_a_system_message_within_the_conversation_is_told_in_the_users_turn() -> None:
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "system", "content": "c"},
    ]
    found = encoded(said(messages=[*turns, {"role": "user", "content": "d"}]))
    assert [turn["role"] for turn in found["messages"]] == ["user", "assistant", "user"]
    assert found["messages"][2]["content"] == [
        {"text": "<system-reminder>\nc\n</system-reminder>"},
        {"text": "d"},
    ]


def test_results_come_first_whatever_was_said_between_the_calls_and_them() -> None:
    """As Claude wants them, at Converse and at Anthropic."""
    calls = [{"id": id_, "type": "function", "function": {"name": "f", "arguments": "{}"}} for id_ in ("a", "b")]
    results = [{"role": "tool", "tool_call_id": id_, "content": id_} for id_ in ("a", "b")]
    asked, told = {"role": "user", "content": "wait"}, {"role": "developer", "content": "be brief"}
    begun = [{"role": "user", "content": "go"}, {"role": "assistant", "content": None, "tool_calls": calls}]
    reminder = "<system-reminder>\nbe brief\n</system-reminder>"
    for between in ([asked, told, *results], [results[0], asked, told, results[1]], [*results, asked, told]):
        (*_, turn) = encoded(said(messages=[*begun, *between]))["messages"]
        assert [block.get("text") or block["toolResult"]["toolUseId"] for block in turn["content"]] == [
            "a",
            "b",
            "wait",
            reminder,
        ]


def test_blank_text_and_blank_turns_say_nothing() -> None:
    blank = [{"type": "text", "text": " "}, {"type": "text", "text": "go"}]
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": " \n"},
        {"role": "user", "content": blank},
    ]
    assert encoded(said(messages=turns))["messages"] == [{"role": "user", "content": [{"text": "a"}, {"text": "go"}]}]


def test_json_without_a_schema_is_asked_for_in_words() -> None:
    found = encoded(said(response_format={"type": "json_object"}))
    check_request("Converse", CLAUDE, found)
    assert "outputConfig" not in found
    assert "JSON object" in found["system"][-1]["text"]
    with pytest.raises(Refusal):
        encoded(said(response_format={"type": "json_object"}), TITAN)


def test_a_pdf_is_a_document() -> None:
    file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjQK"}
    found = encoded(said(messages=[{"role": "user", "content": [{"type": "file", "file": file}]}]))
    check_request("Converse", CLAUDE, found)
    document = {"format": "pdf", "name": "document-1", "source": {"bytes": "JVBERi0xLjQK"}}
    assert found["messages"][0]["content"] == [{"document": document}]


@pytest.mark.parametrize(
    ("leniency", "stated", "name", "left_out"),
    [
        ("seed", {"seed": 7}, CLAUDE, ("seed",)),
        ("penalties", {"presence_penalty": 0.5}, CLAUDE, ("presence_penalty",)),
        ("sampling", {"temperature": 0.5, "top_p": 0.5}, CLAUDE, ("top_p",)),
        ("sampling", {"top_k": 5}, CLAUDE, ("top_k",)),
        ("reasoning", {"reasoning_effort": "low"}, NOVA, ("reasoning_effort",)),
        ("reasoning", {"reasoning_effort": "low", "max_tokens": 100}, CLAUDE, ("reasoning_effort",)),
        ("parallel-tools", {"tools": [TOOL], "parallel_tool_calls": False}, NOVA, ("parallel_tool_calls",)),
        ("names", {"messages": [{"role": "user", "content": "Hi", "name": "Ann"}]}, CLAUDE, ("name",)),
    ],
)
def test_what_changes_an_answer_is_left_out_by_leniency_alone(
    leniency: str, stated: dict[str, Any], name: str, left_out: tuple[str, ...]
) -> None:
    asked = call(said(**stated))
    assert wire(name).cannot(asked) is not None
    sent = wire(name).encode(msgspec.structs.replace(asked, optional=frozenset({leniency})))
    assert sent.left_out == left_out
    assert not set(left_out) & set(json.loads(sent.body))


@pytest.mark.parametrize(
    "stated", [{"user": "é"}, {"metadata": {"a": "é"}}, {"store": True}, {"prompt_cache_key": "a"}]
)
def test_tags_and_hints_are_left_out_in_any_case(stated: dict[str, Any]) -> None:
    assert wire().encode(call(said(**stated))).left_out == tuple(stated)


def test_a_user_among_the_tags_gives_way_to_the_call_s_own_and_stops_no_call() -> None:
    sent = wire().encode(call(said(metadata={"user": "a", "team": "t"}, user="b")))
    assert json.loads(sent.body)["requestMetadata"] == {"user": "b", "team": "t"}
    assert sent.left_out == ("metadata",)


def test_what_parts_of_a_reply_hold_may_be_sent_back() -> None:
    part = {"type": "text", "text": "a", "id": "lc_1", "index": 0, "annotations": []}
    result = {"role": "tool", "tool_call_id": "c1", "content": [part]}
    messages = [{"role": "user", "content": [part]}, {"role": "assistant", "content": [part], "tool_calls": [USE]}]
    found = encoded(said(messages=[*messages, result], tools=[TOOL]))
    assert found["messages"][0]["content"] == [{"text": "a"}]
    assert found["messages"][1]["content"][0] == {"text": "a"}
    assert found["messages"][2]["content"][0]["toolResult"]["content"] == [{"text": "a"}]


LONG = "mcp__" + "a" * 80

LONG_CALL = {"id": "c1", "type": "function", "function": {"name": LONG, "arguments": "{}"}}

LONG_USED: list[dict[str, Any]] = [
    {"role": "user", "content": "Go"},
    {"role": "assistant", "tool_calls": [LONG_CALL]},
    {"role": "tool", "tool_call_id": "c1", "name": LONG, "content": "done"},
]


def test_a_tool_with_a_long_name_is_offered_called_and_answered_under_a_short_one() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in (LONG, LONG + "b")]
    choice = {"type": "function", "function": {"name": LONG}}
    found = encoded(said(messages=LONG_USED, tools=tools, tool_choice=choice))
    check_request("Converse", CLAUDE, found)
    first, second = (tool["toolSpec"]["name"] for tool in found["toolConfig"]["tools"])
    assert first != second
    assert len(first) == len(second) == 64
    assert found["toolConfig"]["toolChoice"] == {"tool": {"name": first}}
    assert found["messages"][1]["content"][0]["toolUse"]["name"] == first
    past = encoded(said(messages=LONG_USED))
    assert past["toolConfig"]["tools"][0]["toolSpec"]["name"] == first


def test_a_reply_names_the_tool_in_whole() -> None:
    asked = call(said(tools=[{"type": "function", "function": {"name": LONG}}]))
    short = shortened(LONG)
    use = {"toolUse": {"toolUseId": "c1", "name": short, "input": {}}}
    body = {"output": {"message": {"role": "assistant", "content": [use]}}, "stopReason": "tool_use"}
    reply = wire(CLAUDE).decode(asked, {}, json.dumps(body).encode())
    assert isinstance(reply, Reply)
    assert json.loads(reply.body)["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == LONG
    start = {"contentBlockIndex": 0, "start": {"toolUse": {"toolUseId": "c1", "name": short}}}
    part = wire(CLAUDE).decoder(asked, {}).feed(event("contentBlockStart", start))
    assert LONG.encode() in part.data
    assert short.encode() not in part.data
