"""What is left out of a call of Anthropic's when it is said as a chat completion, and what is not left out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from detente.gateway.surfaces.messages import as_chat
from detente.providers.bedrock.wire import BedrockWire
from detente.providers.openai_compatible import CompatibleWire
from detente.providers.wire import Refusal
from tests.gateway.surfaces.corpora import MESSAGES, PLAIN, Data, asked, dumped
from tests.providers.bedrock.making import wire as bedrock
from tests.providers.making import compatible

TEXT = {"type": "text", "text": "Hi"}
TOOL = {"name": "look_up", "input_schema": {"type": "object"}}
MARK = {"type": "ephemeral", "ttl": "1h", "scope": "global"}


def user(*blocks: Data) -> list[Data]:
    return [{"role": "user", "content": list(blocks)}]


def history(*blocks: Data) -> list[Data]:
    return [{"role": "user", "content": "a"}, {"role": "assistant", "content": list(blocks)}, *user(TEXT)]


SEARCHED = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "s", "content": []}
CITED = TEXT | {"citations": [{"type": "web_search_result_location", "url": "https://a.test", "cited_text": "Hi"}]}
SERVED = {"type": "mcp_tool_use", "id": "m", "name": "n", "server_name": "s", "input": {}}
SERVED_RESULT = {"type": "mcp_tool_result", "tool_use_id": "m", "is_error": False, "content": []}


HINTS: dict[str, tuple[Data, list[str]]] = {
    "nothing": ({}, []),
    "an edit of the context": (
        {"context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}},
        ["context_management"],
    ),
    "a mark of any kind": ({"messages": user(TEXT | {"cache_control": MARK})}, ["cache_control"]),
    "a mark on the system prompt": ({"system": [TEXT | {"cache_control": MARK}]}, ["cache_control"]),
    "a mark on a tool": ({"tools": [TOOL | {"cache_control": MARK}]}, ["cache_control"]),
    "the word in a text": ({"messages": [{"role": "user", "content": '"cache_control": {'}]}, []),
    "an effort alone": ({"output_config": {"effort": "high"}}, ["output_config.effort"]),
    "an effort beside no thought": (
        {"output_config": {"effort": "high"}, "thinking": {"type": "disabled"}},
        ["output_config.effort"],
    ),
    "pieces of inputs": ({"tools": [TOOL | {"eager_input_streaming": True}]}, ["eager_input_streaming"]),
    "tools that wait": ({"tools": [TOOL | {"defer_loading": True}]}, ["defer_loading"]),
    "speed": ({"speed": "fast"}, ["speed"]),
    "diagnostics": ({"diagnostics": {"previous_message_id": None}}, ["diagnostics"]),
}


@pytest.mark.parametrize("name", HINTS)
def test_what_changes_no_answer_is_left_out_and_listed(name: str) -> None:
    changed, left_out = HINTS[name]
    assert list(asked(**changed).call.left_out) == left_out


LENIENT: dict[str, tuple[str, Data, list[str]]] = {
    "sampling": ("sampling", {"top_k": 5}, ["top_k"]),
    "a search at Anthropic": (
        "hosted-tools",
        {"tools": [TOOL, {"type": "web_search_20250305", "name": "web_search"}]},
        ["web_search"],
    ),
    "nothing but a search": (
        "hosted-tools",
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}], "tool_choice": {"type": "auto"}},
        ["web_search"],
    ),
    "a search of before, and its result": (
        "hosted-tools",
        {"messages": history(SEARCHED, FOUND, CITED)},
        ["server_tool_use", "citations"],
    ),
    "a call of a tool server": ("hosted-tools", {"messages": history(SERVED, SERVED_RESULT)}, ["mcp_tool_use"]),
}


@pytest.mark.parametrize("name", LENIENT)
def test_what_changes_an_answer_is_refused_with_the_remedy_and_left_out_where_that_is_allowed(name: str) -> None:
    leniency, changed, left_out = LENIENT[name]
    with pytest.raises(Refusal) as caught:
        asked(**changed)
    assert f"`lenient: [{leniency}]`" in caught.value.message
    allowed = MESSAGES.ask(dumped(PLAIN | changed)).allowing(frozenset({leniency}))
    assert list(as_chat(allowed).call.left_out) == left_out


def test_without_a_search_of_before_the_turn_says_its_text_and_a_turn_of_nothing_else_is_none() -> None:
    def told(*blocks: Data) -> Any:
        allowed = MESSAGES.ask(dumped(PLAIN | {"messages": history(*blocks)})).allowing(frozenset({"hosted-tools"}))
        return msgspec.json.decode(as_chat(allowed).call.members["messages"])

    before, after = {"role": "user", "content": "a"}, {"role": "user", "content": "Hi"}
    assert told(SEARCHED, FOUND, CITED) == [before, {"role": "assistant", "content": "Hi"}, after]
    assert told(SEARCHED, FOUND) == [before, after]


def test_a_summary_of_turns_leads_to_its_text() -> None:
    with pytest.raises(Refusal, match="send its `content` as a text, without those turns"):
        asked(messages=history({"type": "compaction", "content": "They met."}))


def test_a_list_of_no_tool_servers_asks_for_none() -> None:
    assert list(asked(mcp_servers=[]).call.left_out) == []


def test_a_summary_of_the_context_is_no_hint() -> None:
    with pytest.raises(Refusal) as caught:
        asked(context_management={"edits": [{"type": "compact_20260112"}]})
    assert caught.value.param == "context_management.edits[0]"


# -- by deployment ----------------------------------------------------------------------------------------------------
def told(wire: BedrockWire | CompatibleWire, *lenient: str, **changed: Any) -> tuple[Data, list[str]]:
    """(the body that a provider is sent, all that was left out of it)."""
    call = as_chat(MESSAGES.ask(dumped(PLAIN | changed)).allowing(frozenset(lenient))).call
    sent = wire.encode(call)
    found: Data = msgspec.json.decode(sent.body)
    return found, [*call.left_out, *sent.left_out]


THOUGHT = {"type": "thinking", "thinking": "A", "signature": "S"}
HIDDEN = {"type": "redacted_thinking", "data": "RXJvSQ=="}
THOUGHTFUL: Data = {
    "messages": [
        *user(TEXT),
        {"role": "assistant", "content": [THOUGHT, HIDDEN, TEXT]},
        *user(TEXT),
    ]
}


def test_a_model_that_cannot_reason_is_told_nothing_of_thought_that_it_may_choose() -> None:
    found, left_out = told(compatible(lacks=["reasoning"]), thinking={"type": "adaptive"})
    assert "reasoning_effort" not in found
    assert left_out == ["reasoning_effort"]
    found, left_out = told(compatible(), thinking={"type": "adaptive"})
    assert (found["reasoning_effort"], left_out) == ("high", [])
    assert MESSAGES.ask(dumped(PLAIN | {"thinking": {"type": "adaptive"}})).needs == frozenset()
    assert MESSAGES.ask(dumped(PLAIN | {"thinking": {"type": "enabled"}})).needs == {"reasoning"}


def test_thoughts_that_only_claude_reads_are_left_out_by_leniency_alone() -> None:
    with pytest.raises(Refusal, match="Claude signed"):
        told(compatible(), **THOUGHTFUL)
    found, left_out = told(compatible(), "reasoning", **THOUGHTFUL)
    assert left_out == ["thinking"]
    assert [message["role"] for message in found["messages"]] == ["user", "assistant", "user"]
    assert b"RXJv" not in msgspec.json.encode(found)


def test_claude_is_given_back_what_it_thought_signed_and_redacted() -> None:
    found, left_out = told(bedrock("anthropic.claude-sonnet-4-5-20250929-v1:0"), **THOUGHTFUL)
    thoughts = [block["reasoningContent"] for block in found["messages"][1]["content"][:2]]
    assert thoughts == [{"reasoningText": {"text": "A", "signature": "S"}}, {"redactedContent": "RXJvSQ=="}]
    assert left_out == []


def test_a_tag_that_bedrocks_logs_do_not_take_is_left_out() -> None:
    found, left_out = told(bedrock("anthropic.claude-sonnet-4-5-20250929-v1:0"), metadata={"user_id": '{"id": "a"}'})
    assert "requestMetadata" not in found
    assert left_out == ["user"]
    found, left_out = told(bedrock("anthropic.claude-sonnet-4-5-20250929-v1:0"), metadata={"user_id": "clerk-7"})
    assert (found["requestMetadata"], left_out) == ({"user": "clerk-7"}, [])
