"""What a Claude is told of Anthropic's own shape, by its version and by who serves it."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

import msgspec
import pytest

from detente.live.credential import Credential
from detente.live.deployment import AnthropicDeployment
from detente.providers.anthropic import AnthropicWire
from detente.providers.bedrock.wire import BedrockWire
from detente.providers.claude import claude_of
from detente.providers.outgoing import Outgoing
from detente.providers.wire import Call, Failure, Refusal, Reply, Tokens
from tests.providers.bedrock.making import raw
from tests.providers.bedrock.making import wire as bedrock

Data = dict[str, Any]
HAIKU, OPUS, NEWEST = (
    "eu.anthropic.claude-haiku-4-5-20251001-v1:0",
    "anthropic.claude-opus-4-7-v1",
    "anthropic.claude-opus-4-8-v1",
)
OLD = "anthropic.claude-3-haiku-20240307-v1:0"
PLAIN: Data = {"model": "any", "max_tokens": 32_000, "messages": [{"role": "user", "content": "Hi"}]}


def direct(name: str = "claude-opus-4-8") -> AnthropicWire:
    given = AnthropicDeployment(
        id="direct", kind="anthropic", offer="some", credential=Credential(env="KEY"), name=name
    )
    return AnthropicWire(given, name, "somewhere")


def sent(wire: AnthropicWire | BedrockWire, betas: tuple[str, ...] = (), *lenient: str, **changed: Any) -> Outgoing:
    return wire.encode(Call("messages", raw(PLAIN | changed), betas=betas, optional=frozenset(lenient)))


def told(outgoing: Outgoing) -> Data:
    found: Data = json.loads(outgoing.body)
    return found


# -- what is counted --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-haiku-4-5-20251001-v1%3A0"),
        ("eu.anthropic.claude-haiku-4-5-20251001-v1:0", "anthropic.claude-haiku-4-5-20251001-v1%3A0"),
        ("us-gov.anthropic.claude-sonnet-4-5-v1:0", "anthropic.claude-sonnet-4-5-v1%3A0"),
        (
            "arn:aws:bedrock:eu-central-1:1:inference-profile/global.anthropic.claude-opus-4-8-v1",
            "anthropic.claude-opus-4-8-v1",
        ),
        (
            "arn:aws:bedrock:eu-central-1:1:application-inference-profile/abcdef012345",
            "arn%3Aaws%3Abedrock%3Aeu-central-1%3A1%3Aapplication-inference-profile%2Fabcdef012345",
        ),
    ],
)
def test_bedrock_counts_tokens_of_models_and_not_of_profiles(name: str, path: str) -> None:
    found = bedrock(name).encode(Call("count", raw(PLAIN)))
    assert found.target == f"/model/{path}/count-tokens"


@pytest.mark.parametrize("wire", [direct(), bedrock(HAIKU)])
def test_tokens_are_counted_of_what_would_be_sent(wire: AnthropicWire | BedrockWire) -> None:
    assert wire.speaks("count")
    made = Call("count", raw(PLAIN | {"system": "Be kind.", "metadata": {"user_id": "u"}, "stream": True}))
    found = wire.encode(made)
    if isinstance(wire, AnthropicWire):
        assert found.target == "/v1/messages/count_tokens"
        assert told(found) == {"model": "claude-opus-4-8", "messages": PLAIN["messages"], "system": "Be kind."}
        reply = wire.decode(made, {}, b'{"input_tokens": 14}')
    else:
        assert found.target.endswith("/count-tokens")
        sent_there = json.loads(b64decode(told(found)["input"]["invokeModel"]["body"]))
        assert (sent_there["system"], sent_there["anthropic_version"]) == ("Be kind.", "bedrock-2023-05-31")
        reply = wire.decode(made, {}, b'{"inputTokens": 14}')
    assert reply == Reply(b'{"input_tokens":14}', Tokens(0, 0))
    broken = wire.decode(made, {}, b'{"tokens": "many"}')
    assert isinstance(broken, Failure)


def test_an_account_that_may_not_count_at_bedrock_may_call_all_the_same() -> None:
    denied = json.dumps({"message": "no"}).encode()
    headers = {"x-amzn-errortype": "AccessDeniedException"}
    kinds = [bedrock(HAIKU).failed(403, headers, denied, Call(o, raw(PLAIN))).kind for o in ("count", "messages")]
    assert kinds == ["refused", "credential"]


# -- what passes ------------------------------------------------------------------------------------------------------
def test_a_body_passes_through_as_it_was_written_but_for_the_models_name() -> None:
    text = b'[{"role":"user","content":[{"type":"text","text":"a", "cache_control":{"type":"ephemeral","scope":"x"}}]}]'
    members = raw(PLAIN) | {"messages": msgspec.Raw(text), "temperature": msgspec.Raw(b"0.70")}
    found = direct().encode(Call("messages", members, betas=("a-1", "b-2")))
    assert found.body == b'{"model":"claude-opus-4-8","max_tokens":32000,"messages":%b,"temperature":0.70}' % text
    assert found.target == "/v1/messages"
    assert dict(found.headers) == {
        "content-type": "application/json",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "a-1,b-2",
    }
    assert found.left_out == ()


def test_bedrock_is_told_the_version_and_no_model() -> None:
    found = sent(bedrock(OPUS), stream=True)
    assert told(found) == {
        "max_tokens": 32_000,
        "messages": PLAIN["messages"],
        "anthropic_version": "bedrock-2023-05-31",
    }
    assert found.target == "/model/anthropic.claude-opus-4-7-v1/invoke"
    streamed = bedrock(OPUS).encode(Call("messages", raw(PLAIN), stream=True))
    assert streamed.target.endswith("/invoke-with-response-stream")


@pytest.mark.parametrize(
    ("name", "stated", "native"),
    [
        (HAIKU, {}, True),
        (HAIKU, {"api": "converse"}, False),
        (HAIKU, {"api": "openai"}, False),
        ("eu.amazon.nova-pro-v1:0", {}, False),
        ("arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc", {"model": "claude-sonnet-4.5"}, True),
        ("arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc", {"api": "invoke"}, True),
    ],
)
def test_who_is_asked_in_anthropics_own_shape(name: str, stated: Data, native: bool) -> None:
    assert bedrock(name, **stated).speaks("messages") is native
    assert bedrock(name, **stated).speaks("chat")
    assert direct().speaks("messages")


def test_betas_are_passed_on_or_taken_out_where_bedrock_refuses_them() -> None:
    betas = ("claude-code-20250219", "advanced-tool-use-2025-11-20", "context-management-2025-06-27")
    found = sent(bedrock(OPUS), betas, context_management={"edits": []})
    assert told(found)["anthropic_beta"] == ["tool-search-tool-2025-10-19", "context-management-2025-06-27"]
    assert "context_management" in told(found)
    assert found.left_out == ("anthropic-beta",)
    without = sent(bedrock(OPUS), ("claude-code-20250219",), context_management={"edits": []})
    assert "anthropic_beta" not in told(without)
    assert "context_management" not in told(without)
    assert without.left_out == ("anthropic-beta", "context_management")


@pytest.mark.parametrize("wire", [direct(), bedrock(OPUS)], ids=["direct", "bedrock"])
def test_blank_turns_and_texts_are_not_told(wire: AnthropicWire | BedrockWire) -> None:
    user: Data = {"role": "user", "content": "hi"}
    blank = {"type": "text", "text": " "}
    given = [user, {"role": "assistant", "content": []}, user, {"role": "assistant", "content": [blank]}, user]
    assert told(sent(wire, (), messages=given))["messages"] == [user] * 3


CALL: Data = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
RESULT: Data = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "1"}]}
SIGNED: Data = {"type": "thinking", "thinking": "hm", "signature": "EqQB"}
UNSIGNED: Data = SIGNED | {"signature": ""}


def says(*blocks: Data) -> Data:
    return {"role": "assistant", "content": list(blocks)}


@pytest.mark.parametrize("wire", [direct(), bedrock(OPUS)], ids=["direct", "bedrock"])
@pytest.mark.parametrize("unsigned", [UNSIGNED, {"type": "thinking", "thinking": "hm"}], ids=["empty", "none"])
def test_thoughts_that_no_claude_signed_are_not_told_and_a_turn_of_nothing_else_neither(
    wire: AnthropicWire | BedrockWire, unsigned: Data
) -> None:
    user: Data = {"role": "user", "content": "hi"}
    input_ = {"type": "thinking", "signature": ""}
    call = CALL | {"input": input_}
    given = [user, says(unsigned), user, says(SIGNED, unsigned, call), RESULT]
    found = sent(wire, (), messages=given)
    assert told(found)["messages"] == [user, user, says(SIGNED, call), RESULT]
    assert found.left_out == ("thinking",)
    signed = [user, says(SIGNED, call), RESULT]
    found = sent(wire, (), messages=signed)
    assert (told(found)["messages"], found.left_out) == (signed, ())


@pytest.mark.parametrize(
    ("turns", "thinks"),
    [
        ([says(UNSIGNED, CALL), RESULT], False),
        ([says(SIGNED, CALL), RESULT], True),
        ([says(UNSIGNED, CALL), RESULT, says(UNSIGNED, {"type": "text", "text": "1"}), PLAIN["messages"][0]], True),
        ([says(CALL), RESULT], True),
    ],
    ids=["a call that followed from it", "signed", "an answer since", "none: the API's to judge"],
)
def test_a_call_that_followed_from_such_a_thought_goes_on_without_thinking(turns: list[Data], thinks: bool) -> None:
    """A budget is refused where the last call of a tool comes without the thought that led there."""
    thinking = {"type": "enabled", "budget_tokens": 2048}
    edits = {"edits": [{"type": "clear_thinking_20251015"}]}
    changed: Data = {"thinking": thinking, "context_management": edits}
    found = sent(direct("claude-sonnet-4-5"), (), messages=[PLAIN["messages"][0], *turns], **changed)
    assert (told(found).get("thinking"), "context_management" in told(found)) == (thinking if thinks else None, thinks)


@pytest.mark.parametrize("wire", [direct(), bedrock(OPUS)], ids=["direct", "bedrock"])
def test_ids_that_anthropic_refuses_are_told_otherwise_in_calls_and_results(wire: AnthropicWire | BedrockWire) -> None:
    ids = ["functions.look:0", "functions_look:0", "toolu_01", "x" * 65]
    calls = [CALL | {"id": id_, "input": {"id": "a.b"}} for id_ in ids]
    results = [RESULT["content"][0] | {"tool_use_id": id_} for id_ in ids]
    found = sent(wire, (), messages=[PLAIN["messages"][0], says(*calls), {"role": "user", "content": results}])
    _, called, answered = told(found)["messages"]
    own = [call["id"] for call in called["content"]]
    assert own == [result["tool_use_id"] for result in answered["content"]]
    assert [call["input"] for call in called["content"]] == [{"id": "a.b"}] * 4
    assert own[2] == "toolu_01"
    assert len(set(own)) == 4
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", id_) for id_ in own)
    assert own[0].startswith("functions_look_0_")
    fit = b'[{"role":"assistant", "content":[{"type":"tool_use","id":"t-1","name":"f","input":{"id":"a.b"}}]}]'
    members = raw(PLAIN) | {"messages": msgspec.Raw(fit)}
    assert b'"input":{"id":"a.b"}' in wire.encode(Call("messages", members)).body


def test_a_beta_that_a_tool_means_is_told_where_its_caller_left_it_out() -> None:
    tool: Data = {"name": "f", "input_schema": {"type": "object"}}
    waits = tool | {"defer_loading": True}
    assert "anthropic_beta" not in told(sent(bedrock(OPUS), (), tools=[tool]))
    assert told(sent(bedrock(OPUS), (), tools=[waits]))["anthropic_beta"] == ["tool-search-tool-2025-10-19"]
    named = ("tool-search-tool-2025-10-19",)
    assert told(sent(bedrock(OPUS), named, tools=[waits]))["anthropic_beta"] == list(named)
    shown = tool | {"input_examples": [{}]}
    assert told(sent(bedrock(OPUS), (), tools=[shown]))["anthropic_beta"] == ["tool-examples-2025-10-29"]


def test_marks_for_the_cache_stay_in_their_place_without_what_bedrock_does_not_know() -> None:
    mark = {"type": "ephemeral", "ttl": "1h", "scope": "global"}
    block = {"type": "text", "text": '"scope":', "cache_control": mark}
    result = {"type": "tool_result", "tool_use_id": "a", "content": [block]}
    changed: Data = {"system": [block], "messages": [{"role": "user", "content": [result, block]}]}
    found = sent(bedrock(OPUS), **changed)
    kept = block | {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
    assert told(found)["system"] == [kept]
    assert told(found)["messages"] == [{"role": "user", "content": [result | {"content": [kept]}, kept]}]
    assert found.left_out == ("cache_control",)
    assert told(sent(bedrock(OLD), **changed))["system"] == [block | {"cache_control": {"type": "ephemeral"}}]
    assert told(sent(direct(), **changed))["system"] == [block]


def test_hints_of_anthropics_service_are_left_out_at_bedrock() -> None:
    tool = {"name": "a", "input_schema": {"type": "object", "maximum": 1.10}, "eager_input_streaming": True}
    found = sent(bedrock(OPUS), speed="fast", service_tier="auto", diagnostics={}, mcp_servers=[], tools=[tool])
    assert set(found.left_out) == {"speed", "service_tier", "diagnostics", "eager_input_streaming"}
    assert "mcp_servers" not in told(found), "none is asked for"
    assert told(found)["tools"] == [{"name": "a", "input_schema": {"type": "object", "maximum": 1.10}}]
    assert told(sent(direct(), speed="fast", tools=[tool]))["tools"] == [tool]


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"mcp_servers": [{"type": "url"}]}, "mcp_servers"),
        ({"container": "c"}, "container"),
        ({"inference_geo": "eu"}, "inference_geo"),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "tools[0]"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://a"}}]}
                ]
            },
            "messages[0].content[0].source",
        ),
    ],
)
def test_what_bedrock_cannot_do_is_refused_by_name(changed: Data, param: str) -> None:
    with pytest.raises(Refusal) as caught:
        sent(bedrock(OPUS), **changed)
    assert caught.value.param == param


MARKED_TOOL = {"name": "a", "input_schema": {}, "cache_control": {"type": "ephemeral"}}


@pytest.mark.parametrize(
    ("changed", "param"), [({"inference_geo": "eu"}, "inference_geo"), ({"tools": [MARKED_TOOL] * 5}, "tools[0]")]
)
@pytest.mark.parametrize("wire", [direct(), bedrock(OPUS)])
def test_what_nobody_takes_is_refused_beside_messages_of_texts_alone(
    wire: AnthropicWire | BedrockWire, changed: Data, param: str
) -> None:
    with pytest.raises(Refusal) as caught:
        sent(wire, **changed)
    assert caught.value.param == param


def test_a_search_at_anthropic_is_left_out_by_leniency_and_kept_at_anthropic() -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}, {"name": "a", "input_schema": {}}]
    more = {"type": "web_fetch_20250910", "name": "web_fetch"}
    found = sent(bedrock(OPUS), (), "hosted-tools", tools=[*tools, more])
    assert (told(found)["tools"], found.left_out) == (tools[1:], ("web_search", "web_fetch"))
    assert "tools" not in told(sent(bedrock(OPUS), (), "hosted-tools", tools=tools[:1], tool_choice={"type": "auto"}))
    assert told(sent(direct(), tools=tools))["tools"] == tools


# -- by version -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "stated", "thinking", "left_out"),
    [
        (HAIKU, {}, {"type": "enabled", "budget_tokens": 16_000}, ()),
        (
            HAIKU,
            {"output_config": {"effort": "low"}},
            {"type": "enabled", "budget_tokens": 1024},
            ("output_config.effort",),
        ),
        (HAIKU, {"max_tokens": 2047}, None, ("thinking",)),
        (OLD, {}, None, ("thinking",)),
        (OPUS, {"output_config": {"effort": "low"}}, {"type": "adaptive"}, ()),
    ],
)
def test_thought_by_effort_is_a_budget_for_a_claude_that_thinks_within_one(
    name: str, stated: Data, thinking: Data | None, left_out: tuple[str, ...]
) -> None:
    found = sent(bedrock(name), thinking={"type": "adaptive"}, **stated)
    assert (told(found).get("thinking"), found.left_out) == (thinking, left_out)


@pytest.mark.parametrize(
    ("budget", "stated", "effort"),
    [
        (1024, {}, "low"),
        (1025, {}, "medium"),
        (16_384, {}, "high"),
        (32_769, {}, "max"),
        (1024, {"effort": "max"}, "max"),
    ],
)
def test_a_budget_is_an_effort_for_a_claude_that_takes_none(budget: int, stated: Data, effort: str) -> None:
    thinking = {"type": "enabled", "budget_tokens": budget, "display": "summarized"}
    more: Data = {"output_config": stated} if stated else {}
    found = sent(bedrock(OPUS), thinking=thinking, **more)
    assert told(found)["thinking"] == {"type": "adaptive", "display": "summarized"}
    assert (told(found)["output_config"], found.left_out) == ({"effort": effort}, ("thinking.budget_tokens",))
    assert told(sent(bedrock(HAIKU), thinking=thinking))["thinking"] == thinking


def test_a_system_prompt_that_says_nothing_is_left_out() -> None:
    assert "system" not in told(sent(bedrock(HAIKU), system=""))
    blocks = [{"type": "text", "text": ""}, {"type": "text", "text": "x"}]
    assert told(sent(bedrock(HAIKU), system=blocks))["system"] == blocks[1:]


def test_an_effort_is_left_out_and_its_neighbours_stay() -> None:
    found = sent(bedrock(HAIKU), output_config={"effort": "high", "format": {"type": "json_schema"}})
    assert told(found)["output_config"] == {"format": {"type": "json_schema"}}
    assert "output_config" not in told(sent(bedrock(HAIKU), output_config={"effort": "high"}))
    assert told(sent(bedrock("anthropic.claude-opus-4-5-v1:0"), output_config={"effort": "high"}))["output_config"]


@pytest.mark.parametrize(
    ("edits", "kept"),
    [
        ([], []),
        (["clear_thinking_20251015"], None),
        (["clear_tool_uses_20250919"], ["clear_tool_uses_20250919"]),
        (["clear_thinking_20251015", "clear_tool_uses_20250919"], ["clear_tool_uses_20250919"]),
    ],
)
def test_who_does_not_think_clears_no_thoughts(edits: list[str], kept: list[str] | None) -> None:
    beta = "context-management-2025-06-27"
    asked = {"thinking": {"type": "adaptive"}, "context_management": {"edits": [{"type": edit} for edit in edits]}}
    found = sent(bedrock(OLD), (beta,), **asked)
    told_ = told(found).get("context_management")
    assert (told_ and [edit["type"] for edit in told_["edits"]]) == kept
    assert ("context_management" in found.left_out) == (kept != edits)
    thinks = told(sent(bedrock(HAIKU), (beta,), **asked))
    assert [edit["type"] for edit in thinks["context_management"]["edits"]] == edits


def test_a_budget_is_not_asked_for_where_the_thought_before_a_call_is_gone() -> None:
    use = {"type": "tool_use", "id": "a", "name": "b", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "a"}
    after = [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    found = sent(bedrock(HAIKU), thinking={"type": "adaptive"}, messages=[*PLAIN["messages"], *after])
    assert ("thinking" in told(found), found.left_out) == (False, ("thinking",))
    after[0]["content"] = [{"type": "redacted_thinking", "data": "x"}, use]
    assert "thinking" in told(
        sent(bedrock(HAIKU), thinking={"type": "adaptive"}, messages=[*PLAIN["messages"], *after])
    )


@pytest.mark.parametrize("wire", [bedrock(OPUS), bedrock(HAIKU), direct("claude-sonnet-4-6")])
def test_system_turns_are_told_by_the_user_where_a_claude_takes_none(wire: AnthropicWire | BedrockWire) -> None:
    turns = [
        {"role": "user", "content": "a"},
        {"role": "system", "content": [{"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}}]},
        {"role": "assistant", "content": [{"type": "text", "text": "c"}]},
        {"role": "user", "content": [{"type": "text", "text": "d"}]},
        {"role": "system", "content": "e"},
        {"role": "user", "content": "f"},
    ]
    assert told(sent(wire, messages=turns))["messages"] == [
        {"role": "user", "content": [text("a"), reminder("b") | {"cache_control": {"type": "ephemeral"}}]},
        turns[2],
        {"role": "user", "content": [text("d"), reminder("e"), text("f")]},
    ]
    assert told(sent(bedrock(NEWEST), messages=turns))["messages"] == turns
    use = {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": "1"}
    turns = [turns[0], {"role": "assistant", "content": [use]}, turns[4], {"role": "user", "content": [result]}]
    assert told(sent(wire, messages=turns))["messages"][2:] == [{"role": "user", "content": [result, reminder("e")]}]


def text(said: str) -> Data:
    return {"type": "text", "text": said}


def reminder(said: str) -> Data:
    return text(f"<system-reminder>\n{said}\n</system-reminder>")


def test_versions() -> None:
    assert claude_of("arn:aws:bedrock:eu-west-1:1:application-inference-profile/abc", "claude-haiku-4.5") == claude_of(
        HAIKU
    )
    assert claude_of("claude-of-tomorrow").system_turns
    assert not claude_of("claude-sonnet-5").system_turns
    assert claude_of("claude-opus-5-20260901").system_turns
