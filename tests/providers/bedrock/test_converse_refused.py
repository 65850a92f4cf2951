"""What Converse cannot say is refused by name, and why; what asks for nothing is not."""

from __future__ import annotations

from typing import Any

import pytest

from detente.providers.bedrock.converse import UNSAID
from detente.providers.wire import Refusal
from tests.providers.bedrock.converse_calls import (
    ADAPTIVE,
    MICRO,
    NEWEST,
    NOVA,
    NOVA2,
    OLD,
    OSS,
    OTHER,
    PIXEL,
    SHOT,
    TITAN,
    TOOL,
    USE,
    USED,
)
from tests.providers.bedrock.making import CLAUDE, call, said, wire

SCHEMA: dict[str, Any] = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}

IDLE = {name: neutral for name, (_, neutral) in UNSAID.items()}

OTHERWISE: dict[str, Any] = {
    "audio": {"voice": "x"},
    "frequency_penalty": 0.5,
    "function_call": {"name": "f"},
    "functions": [{"name": "f"}],
    "logit_bias": {"5": 1},
    "logprobs": True,
    "modalities": ["text", "audio"],
    "n": 2,
    "prediction": {"type": "content", "content": "x"},
    "presence_penalty": -1,
    "seed": 0,
    "store": True,
    "top_k": 5,
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
    assert why.message.startswith(f"`{name}` is not supported: Bedrock's Converse ")
    with pytest.raises(Refusal) as caught:
        wire().encode(call(said(**{name: OTHERWISE[name]})))
    assert caught.value.param == name


def test_true_is_not_one() -> None:
    assert wire().cannot(call(said(n=True))) is not None
    assert wire().cannot(call(said(logprobs=0))) is not None


def test_a_member_that_nobody_knows_is_refused() -> None:
    told = "`min_p` is not supported: Bedrock's Converse does not know it; leave it out"
    assert str(wire().cannot(call(said(min_p=5)))) == told
    assert wire().cannot(call(said(min_p=None))) is None


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
    (
        CLAUDE,
        "messages",
        {"messages": [USED[0], {"role": "tool", "content": "x", "tool_call_id": "é"}]},
        "result of `é`",
    ),
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
    (CLAUDE, "tool_choice", {"tools": [TOOL], "tool_choice": {"type": "allowed_tools"}}, "send in `tools` only"),
    (NOVA, "tools", {"tools": [TOOL, TOOL]}, "`tools[1].function.name` is `clock`, as another tool's"),
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
    assert caught.value.parameter == param
    assert why in caught.value.message
    assert str(wire(name).cannot(asked)) == caught.value.message
    assert not caught.value.failure.fails_over


CALL = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (1, {"role": "user", "content": "b", "refusal": "no"}),
        (3, {"role": "tool", "tool_call_id": "a", "content": "twice"}),
        (3, {"role": "robot", "content": "b"}),
    ],
)
def test_a_message_that_is_refused_is_told_by_its_place(place: int, message: dict[str, Any]) -> None:
    calls = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    before = [{"role": "user", "content": "a"}, calls, {"role": "tool", "tool_call_id": "a", "content": "r"}]
    with pytest.raises(Refusal, match=rf"^`messages\[{place}\]` holds ") as caught:
        wire(CLAUDE).encode(call({"messages": [*before[:place], message]}))
    assert caught.value.param == f"messages[{place}]"


@pytest.mark.parametrize(
    ("turns", "place"),
    [
        ("u c u", "[1].tool_calls[0]"),
        ("u c u a r u", "[1].tool_calls[0]"),
        ("u c a u", "[1].tool_calls[0]"),
        ("u r u", "[1]"),
    ],
)
def test_each_call_has_its_result_before_the_conversation_goes_on(turns: str, place: str) -> None:
    """Of a call that was cancelled, and of a result whose call is gone."""
    said: dict[str, dict[str, Any]] = {
        "u": {"role": "user", "content": "x"},
        "a": {"role": "assistant", "content": "x"},
        "c": {"role": "assistant", "content": None, "tool_calls": [CALL]},
        "r": {"role": "tool", "tool_call_id": "a", "content": "1"},
    }
    with pytest.raises(Refusal) as caught:
        wire(CLAUDE).encode(call({"messages": [said[turn] for turn in turns.split()]}))
    assert caught.value.param == f"messages{place}"
    assert "or leave" in caught.value.message


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ({"type": "image_url", "image_url": {"url": "https://files.example.com/y.png"}}, "messages[1].content[2]"),
        ({"type": "zork"}, "messages[1].content[2]"),
    ],
)
def test_a_part_that_is_refused_is_told_with_its_place(part: dict[str, Any], place: str) -> None:
    texts = [{"type": "text", "text": "x"}, {"type": "text", "text": " "}]
    why = wire(NOVA).cannot(
        call({"model": "any", "messages": turn("hi")["messages"] + turn([*texts, part])["messages"]})
    )
    assert why is not None
    assert (why.param, why.message[: len(place) + 2]) == (place, f"`{place}`")


def test_a_tool_that_is_refused_is_told_with_its_number() -> None:
    named = {"type": "function", "function": {"name": "a.b"}}
    why = wire(NOVA).cannot(call(said(tools=[TOOL, named])))
    assert why is not None
    assert why.param == "tools[1]"
