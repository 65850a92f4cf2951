"""Calls as Converse takes them: a corpus, a law, AWS's own model of the service, and what is refused by name."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.gateway.surfaces.messages import MessagesSurface, as_chat
from detente.live.deployment import Operation
from detente.providers.bedrock.converse import HINTS, SAID, UNSAID
from detente.providers.tool_names import shortened
from detente.providers.wire import Call, Refusal, Reply
from tests.providers.bedrock.inverse import openai_request
from tests.providers.bedrock.making import CLAUDE, call, cases, encoded, event, said, wire
from tests.providers.bedrock.service import check_request, service
from tests.providers.bedrock.sketches import JSON, calls, spoiled

CORPUS = dict(cases("requests"))
ADAPTIVE, NEWEST = "us.anthropic.claude-opus-4-6-v1", "us.anthropic.claude-opus-4-8"
NOVA, NOVA2, MICRO = "eu.amazon.nova-pro-v1:0", "us.amazon.nova-2-lite-v1:0", "us.amazon.nova-micro-v1:0"
TITAN, OSS, OTHER = "amazon.titan-text-express-v1", "openai.gpt-oss-120b-1:0", "mistral.mistral-large-2407-v1:0"
OLD = "anthropic.claude-3-haiku-20240307-v1:0"
PIXEL = "data:image/png;base64,AAAA"
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "clock"}}
SHOT = {"type": "image_url", "image_url": {"url": PIXEL}}
USE: dict[str, Any] = {"id": "c1", "type": "function", "function": {"name": "clock", "arguments": "{}"}}
USED: list[dict[str, Any]] = [
    {"role": "user", "content": "Time?"},
    {"role": "assistant", "tool_calls": [USE]},
    {"role": "tool", "tool_call_id": "c1", "content": "noon"},
]
SCHEMA: dict[str, Any] = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}


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
    assert "allow it to be left out: `lenient: [strict-tools]`" in (wire(NOVA).cannot(asked) or "")
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


# -- what is refused ------------------------------------------------------------------------------------------------
IDLE = {name: neutral for name, (_, neutral) in UNSAID.items()}
OTHERWISE: dict[str, Any] = {
    "audio": {"voice": "x"},
    "frequency_penalty": 0.5,
    "function_call": "auto",
    "functions": [],
    "logit_bias": {"5": 1},
    "logprobs": True,
    "modalities": ["text", "audio"],
    "n": 2,
    "prediction": {"type": "content", "content": "x"},
    "presence_penalty": -1,
    "seed": 0,
    "store": True,
    "top_logprobs": 2,
    "verbosity": "low",
    "web_search_options": {},
}


@pytest.mark.parametrize("name", sorted(UNSAID))
def test_what_converse_cannot_say_is_refused_by_name_and_what_asks_for_nothing_is_not(name: str) -> None:
    for value in (None, *IDLE[name]):
        assert wire().cannot(call(said(**{name: value}))) is None
    why = wire().cannot(call(said(**{name: OTHERWISE[name]})))
    assert why is not None
    assert why.startswith(f"`{name}` is not supported: Bedrock's Converse ")
    with pytest.raises(Refusal) as caught:
        wire().encode(call(said(**{name: OTHERWISE[name]})))
    assert caught.value.param == name


def test_true_is_not_one() -> None:
    assert wire().cannot(call(said(n=True))) is not None
    assert wire().cannot(call(said(logprobs=0))) is not None


def test_a_member_that_nobody_knows_is_refused() -> None:
    assert wire().cannot(call(said(top_k=5))) == "`top_k` is not supported: Bedrock's Converse does not know it"
    assert wire().cannot(call(said(top_k=None))) is None


def turn(content: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content, **more}]}


REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    # whose model, which member, what is stated, and a part of the reason
    (CLAUDE, "messages", {"messages": []}, "nothing that is said"),
    (CLAUDE, "messages", {"messages": [{"role": "user", "content": " "}]}, "nothing that is said"),
    (CLAUDE, "messages", {"messages": [{"role": "assistant", "content": "Hi"}]}, "does not begin with the user"),
    (CLAUDE, "messages", {"messages": [USED[0], {"role": "assistant", "content": "It is"}]}, "(prefill)"),
    (CLAUDE, "messages", {"messages": USED[:2], "tools": [TOOL]}, "end with a turn of the user"),
    (CLAUDE, "messages", {"messages": "Hello"}, "not as OpenAI's interface describes"),
    (
        CLAUDE,
        "messages[1].content[0]",
        {"messages": [USED[0], {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f"}]}]},
        "a part `tool_use` of Anthropic's shape: ask on `/v1/messages`, or send it as one of `tool_calls`",
    ),
    (CLAUDE, "messages", turn("Hi", speed=1), "unknown field `speed`"),
    (CLAUDE, "messages", turn("Hi", name="Ann"), "a participant's name (`Ann`)"),
    (CLAUDE, "messages", turn([{"type": "input_audio", "input_audio": {}}]), "a part `input_audio`"),
    (CLAUDE, "messages", turn([{"type": "file", "file": {}}]), "no PDF"),
    (CLAUDE, "messages", turn([{"type": "image_url", "image_url": {"url": "https://a/b.png"}}]), "by its address"),
    (CLAUDE, "messages", turn([{"type": "image_url"}]), "by its address"),
    (CLAUDE, "messages", turn([{"type": "image_url", "image_url": {"url": "data:image/png,AAAA"}}]), "by its address"),
    (CLAUDE, "messages", turn([{"type": "image_url", "image_url": {"url": "data:image/tiff;base64,AA=="}}]), "tiff"),
    (CLAUDE, "messages", turn([{"type": "image_url", "image_url": {"url": "data:image/png;base64,A"}}]), "not base64"),
    (CLAUDE, "messages", turn([{"type": "image_url", "image_url": {"url": "data:image/png;base64,é"}}]), "not base64"),
    (CLAUDE, "messages", turn([{"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}]), "without"),
    (CLAUDE, "messages", turn([{"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}]), "detail `low`"),
    (CLAUDE, "messages", turn("Hi", tool_calls=[USE]), "`tool_calls` in a message of `user`"),
    (CLAUDE, "messages", turn("Hi", tool_call_id="c1"), "`tool_call_id` in a message of `user`"),
    (CLAUDE, "messages", turn("Hi", refusal="No."), "`refusal` in a message of `user`"),
    (CLAUDE, "messages", turn([{"type": "text", "text": "Hi", "file": {}}]), "`file` in a part of type `text`"),
    (
        CLAUDE,
        "messages",
        turn([{"type": "image_url", "image_url": {"url": PIXEL}, "text": "Hi"}]),
        "`text` in a part of type `image_url`",
    ),
    (CLAUDE, "messages", {"messages": [*USED[:2], {**USED[2], "name": "Ann"}]}, "of another tool"),
    (CLAUDE, "messages", {"messages": [*USED[:2], {**USED[2], "tool_calls": [USE]}]}, "in a message of `tool`"),
    (CLAUDE, "messages", {"messages": [USED[0], {**USED[1], "tool_call_id": "c1"}]}, "in a message of `assistant`"),
    (CLAUDE, "messages", {"messages": [USED[0], {**USED[1], "tool_calls": [{**USE, "x": 1}]}]}, "unknown field `x`"),
    (
        CLAUDE,
        "messages",
        {"messages": [USED[0], {**USED[1], "tool_calls": [{**USE, "function": {"name": "clock", "x": 1}}]}]},
        "unknown field `x`",
    ),
    (MICRO, "messages", turn([{"type": "image_url", "image_url": {"url": PIXEL}}]), "which Nova does not take"),
    (OSS, "messages", turn([{"type": "image_url", "image_url": {"url": PIXEL}}]), "which gpt-oss does not take"),
    *(
        (name, "messages", {"messages": [*USED[:2], {**USED[2], "content": [SHOT]}], "tools": [TOOL]}, why)
        for name, why in (
            (MICRO, "an image in a tool's result, which Nova does not take"),
            (OSS, "an image in a tool's result, which gpt-oss does not take"),
            (OTHER, "in Converse it is for Claude 3 and later and for Nova"),
        )
    ),
    (
        CLAUDE,
        "messages",
        {"messages": [USED[0], {"role": "assistant", "content": [SHOT]}]},
        "an image in a message of `assistant`",
    ),
    (CLAUDE, "messages", {"messages": [USED[0], {"role": "robot", "content": "Hi"}]}, "role `robot`"),
    (TITAN, "messages", {"messages": [{"role": "system", "content": "Hi"}, USED[0]]}, "which Titan Text does not"),
    (CLAUDE, "messages", {"messages": [USED[0], {"role": "assistant", "audio": {"id": "a"}}]}, "`audio`"),
    (CLAUDE, "messages", {"messages": [USED[0], {"role": "assistant", "function_call": {}}]}, "`function_call`"),
    (CLAUDE, "messages", {"messages": [USED[0], {"role": "tool", "content": "x"}]}, "without `tool_call_id`"),
    (CLAUDE, "messages", {"messages": [USED[0], {"role": "tool", "content": "x", "tool_call_id": "é"}]}, "ids have"),
    (
        CLAUDE,
        "messages",
        {"messages": [USED[0], {"role": "assistant", "tool_calls": [{"id": "c", "type": "custom"}]}]},
        "type `custom`",
    ),
    (
        CLAUDE,
        "messages",
        {"messages": [USED[0], {"role": "assistant", "tool_calls": [{**USE, "function": {"name": "a b"}}]}]},
        "a tool's name",
    ),
    *(
        (
            CLAUDE,
            "messages",
            {
                "messages": [
                    USED[0],
                    {"role": "assistant", "tool_calls": [{**USE, "function": {"name": "a", "arguments": arguments}}]},
                ]
            },
            "not one JSON object",
        )
        for arguments in ("[1]", "{", "{} {}", "NaN", '{"a":NaN}', "[" * 5000, '{"a":' * 5000)
    ),
    (TITAN, "messages", {"messages": USED}, "which Titan Text does not make"),
    (CLAUDE, "tools", {"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "type `custom`"),
    (CLAUDE, "tools", {"tools": [{"type": "function", "function": {"name": "a b"}}]}, "a tool's name"),
    (CLAUDE, "tools", {"tools": [{**TOOL, "custom": {"name": "x"}}]}, "`custom` beside the function `clock`"),
    (CLAUDE, "tools", {"tools": [{"type": "function", "function": {"name": "a", "parameters": 1}}]}, "Expected"),
    (NOVA, "tools", {"tools": [{"type": "function", "function": {"name": "a", "strict": True}}]}, "keeps no schema"),
    (TITAN, "tools", {"tools": [TOOL]}, "Titan Text calls none"),
    ("anthropic.claude-v2:1", "tools", {"tools": [TOOL]}, "Claude 2.1 calls none"),
    (CLAUDE, "tool_choice", {"tool_choice": "required"}, "`tools` hold none"),
    (
        CLAUDE,
        "tool_choice",
        {"tools": [TOOL], "tool_choice": "always"},
        "may be `none`, `auto`, `required` or a function",
    ),
    (CLAUDE, "tool_choice", {"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "type `allowed_tools`"),
    (CLAUDE, "tool_choice", {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "`x`"),
    *(
        (
            CLAUDE,
            "tool_choice",
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "clock"}, beside: {}}},
            f"`{beside}`",
        )
        for beside in ("allowed_tools", "custom", "mode")
    ),
    (NOVA, "parallel_tool_calls", {"tools": [TOOL], "parallel_tool_calls": False}, "cannot be told so"),
    (CLAUDE, "stream_options", {"stream_options": {"include_obfuscation": True}}, "`stream_options.include_obfusc"),
    (CLAUDE, "stream_options", {"stream_options": {"include_usage": True, "x": 1}}, "unknown field `x`"),
    (CLAUDE, "max_tokens", {"max_tokens": 0}, "positive"),
    (CLAUDE, "max_tokens", {"max_tokens": 5, "max_completion_tokens": 50}, "they mean the same"),
    (CLAUDE, "max_tokens", {"max_tokens": 0, "max_completion_tokens": 50}, "positive"),
    (CLAUDE, "max_completion_tokens", {"max_completion_tokens": 2**31}, "positive"),
    (CLAUDE, "temperature", {"temperature": 1.5}, "0 to 1"),
    (CLAUDE, "temperature", {"temperature": "warm"}, "Expected `float`"),
    (CLAUDE, "top_p", {"top_p": -0.1}, "0 to 1"),
    (CLAUDE, "top_p", {"temperature": 0.5, "top_p": 0.5}, "only without `temperature`"),
    (NEWEST, "temperature", {"temperature": 0.5}, "takes none"),
    (NEWEST, "top_p", {"top_p": 0.5}, "takes none"),
    (CLAUDE, "stop", {"stop": ["a", ""]}, "empty"),
    (CLAUDE, "stop", {"stop": ["a"] * 2501}, "2500"),
    (OSS, "stop", {"stop": "a"}, "takes no stop sequences"),
    (CLAUDE, "response_format", {"response_format": {"type": "xml"}}, "Converse takes a schema"),
    (CLAUDE, "response_format", {"response_format": {"type": "json_schema"}}, "Converse takes a schema"),
    (
        CLAUDE,
        "response_format",
        {"response_format": {"type": "json_schema", "json_schema": {"name": "a"}}},
        "Expected `object`",
    ),
    (CLAUDE, "response_format", {"response_format": {**SCHEMA, "type": "text"}}, "holds `json_schema` beside it"),
    (CLAUDE, "response_format", {"response_format": {"type": "text", "x": 1}}, "unknown field `x`"),
    *((name, "response_format", {"response_format": SCHEMA}, "cannot enforce one") for name in (OLD, NOVA, TITAN)),
    (CLAUDE, "service_tier", {"service_tier": "scale"}, "default, flex and priority"),
    (CLAUDE, "metadata", {"metadata": {"user": "a"}, "user": "b"}, "another `user`"),
    *(
        (
            CLAUDE,
            "messages",
            {"messages": [USED[0], {"role": "assistant", "content": content, "later_reasoning": [later]}]},
            why,
        )
        for content, later, why in (
            ("Hi", {"characters": 3, "calls": 0}, "out of place"),
            ("Hi", {"characters": -1, "calls": 0}, "out of place"),
            ("Hi", {"characters": 1, "calls": 1}, "out of place"),
            ([{"type": "text", "text": "Hi"}], {"characters": 0, "calls": 0}, "content in parts"),
        )
    ),
    # reasoning
    (OLD, "reasoning_effort", {"reasoning_effort": "low"}, "cannot be asked to reason"),
    (NOVA, "reasoning_effort", {"reasoning_effort": "low"}, "cannot be asked to reason"),
    (OTHER, "reasoning_effort", {"reasoning_effort": "none"}, "is not known here"),
    (CLAUDE, "reasoning_effort", {"reasoning_effort": "xhigh"}, "knows minimal, low, medium, high"),
    (ADAPTIVE, "reasoning_effort", {"reasoning_effort": "minimal"}, "knows low, medium, high, xhigh, max"),
    (OSS, "reasoning_effort", {"reasoning_effort": "none"}, "knows low, medium, high"),
    (CLAUDE, "reasoning_effort", {"reasoning_effort": "low", "max_tokens": 2047}, "less than 1024"),
    (CLAUDE, "reasoning_effort", {"messages": USED, "tools": [TOOL], "reasoning_effort": "low"}, "signed reasoning"),
    (CLAUDE, "temperature", {"reasoning_effort": "low", "temperature": 0.5}, "reasons at 1"),
    (CLAUDE, "top_p", {"reasoning_effort": "low", "top_p": 0.9}, "0.95"),
    (NEWEST, "top_p", {"reasoning_effort": "low", "top_p": 0.96}, "0.95"),
    (
        CLAUDE,
        "tool_choice",
        {"reasoning_effort": "low", "tools": [TOOL], "tool_choice": "required"},
        "leave tools alone",
    ),
    (NOVA2, "reasoning_effort", {"reasoning_effort": "high", "max_tokens": 10}, "no limit"),
    (NOVA2, "temperature", {"reasoning_effort": "high", "temperature": 0.5}, "takes none at its highest"),
    (NOVA2, "top_p", {"reasoning_effort": "high", "top_p": 0.5}, "takes none at its highest"),
]


@pytest.mark.parametrize(("name", "param", "stated", "why"), REFUSED)
def test_what_is_refused_says_why(name: str, param: str, stated: dict[str, Any], why: str) -> None:
    asked = call(said() | stated)
    with pytest.raises(Refusal) as caught:
        wire(name).encode(asked)
    assert caught.value.param == param
    assert why in caught.value.message
    assert wire(name).cannot(asked) == caught.value.message
    assert not caught.value.failure.fails_over


def signed(**thought: str) -> dict[str, Any]:
    said_before = {"role": "assistant", "content": "Hi.", **thought}
    return {"messages": [USED[0], said_before, {"role": "user", "content": "And now?"}]}


@pytest.mark.parametrize("name", [OLD, NOVA, NOVA2, TITAN, OSS, OTHER, "anthropic.claude-mythos-preview"])
def test_signed_thinking_is_never_left_out(name: str) -> None:
    with pytest.raises(Refusal) as caught:
        encoded(signed(reasoning_content="Hm.", reasoning_signature="abc"), name)
    assert caught.value.param == "messages"
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
    assert wire().cannot(call({"input": "Hello"}, asked)) == "Bedrock's Converse serves chat and nothing else"


# -- anything at all ------------------------------------------------------------------------------------------------
MEMBERS = sorted(SAID | HINTS | set(UNSAID) | {"top_k"})


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([CLAUDE, ADAPTIVE, NEWEST, NOVA2, TITAN, OSS, OTHER]),
    st.dictionaries(st.sampled_from(MEMBERS), JSON, max_size=4),
)
def test_any_members_are_encoded_or_refused(name: str, members: dict[str, Any]) -> None:
    try:
        body = encoded(said() | members, name)
    except Refusal:
        return
    check_request("Converse", name, body)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(CORPUS)), st.lists(st.integers(0, 9), min_size=1, max_size=7), JSON)
def test_a_call_with_one_part_replaced_is_encoded_or_refused(case: str, path: list[int], by: Any) -> None:
    found = spoiled(CORPUS[case]["openai"], path, by)
    if not isinstance(found, dict):
        return
    try:
        body = encoded(found, CORPUS[case]["name"])
    except Refusal:
        return
    check_request("Converse", CORPUS[case]["name"], body)


BEYOND = 100_000
"""Levels of nesting that every Python refuses; where below it refuses differs: at 1,000 (3.11), at 10,000 (3.13)."""


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def shaped(schema: bytes) -> bytes:
    return b'{"type":"json_schema","json_schema":{"name":"a","schema":' + schema + b"}}"


def tools(schema: bytes) -> bytes:
    return b'[{"type":"function","function":{"name":"a","parameters":' + schema + b"}}]"


BROKEN = [
    b'"\\ud800"',
    b'"\xff"',
    b"[" * BEYOND,
    shaped(b'{"a":"\xff"}'),
    shaped(nested(BEYOND)),
    tools(b'{"a":"\xff"}'),
    tools(nested(BEYOND)),
    b'[{"role":"user","content":"\\ud83d"}]',
    b'[{"role":"user","content":"\xff"}]',
]
DEEP = [around(nested(levels)) for around in (shaped, tools) for levels in (900, 3000, 9000)]


@given(st.sampled_from(MEMBERS), st.binary(max_size=40) | st.sampled_from([*BROKEN, *DEEP]))
def test_members_that_are_not_json_are_refused_or_passed_over(name: str, text: bytes) -> None:
    members = {**call(said()).members, name: msgspec.Raw(text)}
    with contextlib.suppress(Refusal):
        wire().encode(Call("chat", members))


@pytest.mark.parametrize("text", BROKEN)
def test_members_that_are_broken_inside_are_refused(text: bytes) -> None:
    name = "response_format" if b"json_schema" in text else "tools" if b"function" in text else "messages"
    with pytest.raises(Refusal):
        wire().encode(Call("chat", {**call(said()).members, name: msgspec.Raw(text)}))


# -- said otherwise, or left out --------------------------------------------------------------------------------------
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
