"""Thought, effort, and marks of what is cached, as each model on Converse has them."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest

from detente.gateway.surfaces.messages import MessagesSurface, as_chat
from detente.live.deployment import Operation
from detente.providers.wire import Refusal
from tests.providers.bedrock.converse_calls import (
    ADAPTIVE,
    NEWEST,
    NOVA,
    NOVA2,
    OLD,
    OSS,
    OTHER,
    SHOT,
    TITAN,
    TOOL,
    USE,
    USED,
)
from tests.providers.bedrock.making import CLAUDE, call, encoded, said, wire
from tests.providers.bedrock.service import check_request, service


def signed(**thought: str) -> dict[str, Any]:
    said_before = {"role": "assistant", "content": "Hi.", **thought}
    return {"messages": [USED[0], said_before, {"role": "user", "content": "And now?"}]}


@pytest.mark.parametrize("name", [OLD, NOVA, NOVA2, TITAN, OSS, OTHER, "anthropic.claude-mythos-preview"])
def test_signed_thinking_is_never_left_out(name: str) -> None:
    with pytest.raises(Refusal) as caught:
        encoded(signed(reasoning_content="Hm.", reasoning_signature="abc"), name)
    assert caught.value.param == "messages[1]"
    assert "thinking that Claude signed" in caught.value.message
    assert "reasoningText" not in json.dumps(encoded(signed(reasoning_content="Hm."), CLAUDE))


@pytest.mark.parametrize("name", [CLAUDE, ADAPTIVE, NEWEST])
@pytest.mark.parametrize("thought", ["Hm.", ""])
def test_claude_reads_signed_thinking_again_though_its_text_was_omitted(name: str, thought: str) -> None:
    found = encoded(signed(reasoning_content=thought, reasoning_signature="abc"), name)
    check_request("Converse", name, found)
    first = {"reasoningContent": {"reasoningText": {"text": thought, "signature": "abc"}}}
    assert found["messages"][1]["content"] == [first, {"text": "Hi."}]


def test_later_claudes_take_every_effort_that_converse_lists() -> None:
    listed = service().shape_for("OutputConfig").members["effort"].documentation
    efforts = re.findall(r"<code>(\w+)</code>", listed.split("<note>")[0])
    assert "max" in efforts
    for effort in efforts:
        assert encoded(said(reasoning_effort=effort), ADAPTIVE)["outputConfig"] == {"effort": effort}


def budgeted(name: str, budget: int, most: int, **more: Any) -> dict[str, Any]:
    """What becomes of a budget on Anthropic's path."""
    stated = {"model": "any", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": most, **more}
    body = json.dumps(stated | {"thinking": {"type": "enabled", "budget_tokens": budget}}).encode()
    asked = as_chat(MessagesSurface().ask(body))
    found: dict[str, Any] = json.loads(wire(name).encode(asked.call).body)
    check_request("Converse", name, found)
    return found


@pytest.mark.parametrize(("budget", "most"), [(1024, 1025), (1024, 1500), (2000, 64_000), (10_000, 16_000)])
def test_a_budget_of_thought_that_a_caller_states_stays_as_it_is(budget: int, most: int) -> None:
    found = budgeted(CLAUDE, budget, most)
    assert found["additionalModelRequestFields"] == {"thinking": {"type": "enabled", "budget_tokens": budget}}
    assert found["inferenceConfig"] == {"maxTokens": most}
    assert budgeted(ADAPTIVE, 10_000, 64_000)["outputConfig"] == {"effort": "medium"}


@pytest.mark.parametrize("name", [OLD, NOVA, OTHER, NOVA2])
def test_a_budget_that_cannot_be_said_is_refused_in_the_callers_words(name: str) -> None:
    with pytest.raises(Refusal) as caught:
        budgeted(name, 32_000, 64_000)
    assert caught.value.param == "thinking.budget_tokens"
    assert caught.value.message.startswith("`thinking.budget_tokens` is 32000, and ")


@pytest.mark.parametrize("name", [CLAUDE, OLD, NOVA, NOVA2])
def test_a_tool_may_show_an_image(name: str) -> None:
    content = [{"type": "text", "text": "See:"}, SHOT]
    asked = {"messages": [*USED[:2], {**USED[2], "content": content}], "tools": [TOOL]}
    found = encoded(said() | asked, name)
    check_request("Converse", name, found)
    (block,) = found["messages"][2]["content"]
    assert block["toolResult"]["content"] == [
        {"text": "See:"},
        {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
    ]


def test_what_clients_repeat_says_nothing_new() -> None:
    used = [USED[0], {**USED[1], "tool_calls": [{**USE, "index": 0}]}, {**USED[2], "name": "clock"}]
    asked = {"tools": [TOOL], "stream_options": {"include_usage": True, "include_obfuscation": False}}
    assert encoded(said() | asked | {"messages": used}) == encoded(said() | asked | {"messages": USED})


def test_an_earlier_call_of_a_tool_needs_no_signature_once_it_was_answered() -> None:
    messages = [*USED, {"role": "assistant", "content": "Noon."}, {"role": "user", "content": "Sure?"}]
    found = encoded(said() | {"messages": messages, "tools": [TOOL], "reasoning_effort": "low"})
    assert found["additionalModelRequestFields"] == {"thinking": {"type": "enabled", "budget_tokens": 1024}}


def test_which_sequence_a_reply_stopped_at_is_asked_of_those_that_say_it() -> None:
    assert encoded(said(stop=["a"]))["additionalModelResponseFieldPaths"] == ["/stop_sequence"]
    assert "additionalModelResponseFieldPaths" not in encoded(said())
    assert "additionalModelResponseFieldPaths" not in encoded(said(stop=["a"]), NOVA)


def test_what_a_model_does_anyway_may_be_stated() -> None:
    assert encoded(said(temperature=1, top_p=1), NEWEST)["inferenceConfig"] == {"maxTokens": 4096}
    assert encoded(said(temperature=0.5, top_p=1))["inferenceConfig"] == {"maxTokens": 4096, "temperature": 0.5}


@pytest.mark.parametrize(("name", "most"), [(CLAUDE, 4096), (NOVA, 4096), (TITAN, 3072), (OSS, 8192), (OTHER, 2048)])
def test_the_tokens_of_a_reply_are_always_stated(name: str, most: int) -> None:
    assert encoded(said(), name)["inferenceConfig"]["maxTokens"] == most


def test_a_mark_of_what_is_cached_is_left_out_where_nothing_is() -> None:
    content = [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    tools = [{**TOOL, "cache_control": {"type": "ephemeral"}}]
    stated = {"messages": [{"role": "user", "content": content}], "tools": tools}
    old, nova, claude = (encoded(stated, name) for name in (OLD, NOVA, CLAUDE))
    assert old["messages"][0]["content"] == [{"text": "Hi"}]
    assert nova["messages"][0]["content"] == [{"text": "Hi"}, {"cachePoint": {"type": "default"}}]
    assert [list(tool) for tool in nova["toolConfig"]["tools"]] == [["toolSpec"]]
    assert claude["messages"][0]["content"][1] == {"cachePoint": {"type": "default", "ttl": "1h"}}
    result = [*USED[:2], {"role": "tool", "tool_call_id": "c1", "content": content}]
    found = encoded({"messages": result, "tools": [TOOL]})["messages"][2]["content"]
    assert [list(block) for block in found] == [["toolResult"], ["cachePoint"]]


def test_a_mark_on_a_message_is_one_on_its_end() -> None:
    """As opencode and the Vercel AI SDK write it."""
    mark = {"cache_control": {"type": "ephemeral"}}
    part, point = {"type": "text", "text": "Hi"}, {"cachePoint": {"type": "default"}}
    used = [*USED[:1], {**USED[1], **mark}, {**USED[2], **mark}]
    found = encoded({"messages": [{"role": "system", "content": "Be kind", **mark}, *used], "tools": [TOOL]})
    assert found["system"] == [{"text": "Be kind"}, point]
    assert [turn["content"][-1] == point for turn in found["messages"]] == [False, True, True]
    for content in ("Hi", [part], [{**part, **mark}]):
        turn = encoded({"messages": [{"role": "user", "content": content, **mark}]})["messages"][0]
        assert turn["content"] == [{"text": "Hi"}, point]


def test_a_thought_as_others_write_it_is_left_out_as_one_without_a_signature() -> None:
    told = [[{"text": "a"}], [{"text": "b"}], [{"text": "c"}]]

    def turns(optional: frozenset[str] = frozenset(), **more: Any) -> list[Any]:
        said = [("user", "a", {}), ("assistant", "b", more), ("user", "c", {})]
        messages = [{"role": role, "content": text, **beside} for role, text, beside in said]
        body = wire(CLAUDE).encode(msgspec.structs.replace(call({"messages": messages}), optional=optional)).body
        return [turn["content"] for turn in json.loads(body)["messages"]]

    assert turns(reasoning="hm", reasoning_details=[{"type": "reasoning.text", "text": "hm"}]) == told
    assert turns(thinking_blocks=None, provider_specific_fields=None, refusal=None) == told
    encrypted = [{"type": "reasoning.encrypted", "data": "x"}]
    assert turns(frozenset({"reasoning"}), reasoning_details=encrypted) == told
    refused: list[dict[str, Any]] = [{"reasoning_details": encrypted}, {"thinking_blocks": [], "refusal": None}]
    for wrong in refused:
        with pytest.raises(Refusal):
            turns(**wrong)


def test_openais_own_mark_of_what_is_cached_is_the_same() -> None:
    part = {"type": "text", "text": "Hi"}
    ours = {**part, "prompt_cache_breakpoint": {"mode": "explicit"}}
    theirs = {**part, "cache_control": {"type": "ephemeral"}}
    found = [encoded({"messages": [{"role": "user", "content": [one]}]}) for one in (ours, theirs, ours | theirs)]
    assert found[0] == found[1] == found[2]
    assert found[0]["messages"][0]["content"] == [{"text": "Hi"}, {"cachePoint": {"type": "default"}}]
    assert encoded(said(prompt_cache_options={"mode": "explicit", "ttl": "30m"})) == encoded(said())


def test_fast_is_openais_other_name_of_priority() -> None:
    assert encoded(said(service_tier="fast")) == encoded(said(service_tier="priority"))


def test_converse_serves_chat() -> None:
    asked: Operation = "responses"
    assert str(wire().cannot(call({"input": "Hello"}, asked))) == "Bedrock's Converse serves chat and nothing else"
