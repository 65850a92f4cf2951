"""Each refusal names a member that its caller's body has, at a place that is there, in its caller's words."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from detente.gateway.surfaces import SURFACES
from detente.providers.wire import Refusal, Wire
from tests.gateway.surfaces.replies import ANTHROPIC, CHAT, CHAT_ONLY, CLAUDE, MESSAGES, NOVA, RESPONSES
from tests.providers.bedrock.making import wire as bedrock
from tests.providers.bedrock.test_converse_refused import REFUSED

TITAN, MICRO = bedrock("amazon.titan-text-express-v1"), bedrock("amazon.nova-micro-v1:0")
_STEP = re.compile(r"\.?([A-Za-z_]\w*)|\[(\d+)\]")
_SCHEMA = {"type": "object"}
_BY_ADDRESS = "https://files.example.com/x.png"


def there(body: Any, path: str) -> bool:
    """Whether a body has a place."""
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return False
        key: Any = step[1] if step[1] else int(step[2])
        try:
            body = body[key]
        except (LookupError, TypeError):
            return False
        at = step.end()
    return True


def refusal_of(path: str, wire: Wire, body: dict[str, Any]) -> Refusal:
    """Why a call cannot be said, as its caller is told."""
    surface = SURFACES[path.encode()]
    try:
        asked = surface.ask(json.dumps(body).encode())
        spoken = surface.spoken(asked, wire)
    except Refusal as why:
        return why
    refusal = wire.cannot(spoken.call)
    assert refusal is not None
    return surface.refused(refusal, asked, spoken)


HI = {"role": "user", "content": "Hi"}
TOOL = {"name": "look", "input_schema": _SCHEMA}
USE = {"type": "tool_use", "id": "c1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "c1", "content": "x"}
BY_ADDRESS = {"type": "image", "source": {"type": "url", "url": _BY_ADDRESS}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBO"}}
FUNCTION = {"type": "function", "name": "look", "parameters": _SCHEMA}
CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "x"}


def user(*content: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def turns(*assistant: Any, then: Any = HI) -> dict[str, Any]:
    return {"messages": [HI, {"role": "assistant", "content": list(assistant)}, then], "tools": [TOOL]}


def items(*given: Any) -> dict[str, Any]:
    return {"input": list(given), "tools": [FUNCTION]}


def told(kind: str) -> dict[str, Any]:
    return {"type": "image", "source": {"type": kind, "url": _BY_ADDRESS, "file_id": "f", "media_type": "image/png"}}


ASKED_OF_MESSAGES: list[tuple[Wire, dict[str, Any], str]] = [
    (CHAT_ONLY, {"top_k": 5}, "top_k"),
    (CHAT_ONLY, {"zork": 1}, "zork"),
    (CHAT_ONLY, {"stop": ["x"]}, "stop"),
    (CHAT_ONLY, {"container": "c"}, "container"),
    (CHAT_ONLY, {"stop_sequences": "x"}, "stop_sequences"),
    (NOVA, {"stop_sequences": [""]}, "stop_sequences"),
    (TITAN, {"tools": [TOOL]}, "tools"),
    (NOVA, {"tools": [{**TOOL, "name": "a.b"}]}, "tools[0]"),
    (NOVA, {"tools": [TOOL, {**TOOL, "name": "b", "strict": True}]}, "tools[1]"),
    (CHAT_ONLY, {"tools": [TOOL, {**TOOL, "input_examples": [{}]}]}, "tools[1].input_examples"),
    (CHAT_ONLY, {"tools": [TOOL, {"type": "bash_20250124", "name": "bash"}]}, "tools[1].type"),
    (CHAT_ONLY, {"tool_choice": {"type": "any"}}, "tool_choice"),
    (CHAT_ONLY, {"tools": [TOOL], "tool_choice": {"type": "auto", "name": "x"}}, "tool_choice.name"),
    (NOVA, {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}}, "tool_choice"),
    (
        NOVA,
        {"tools": [TOOL], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        "tool_choice.disable_parallel_tool_use",
    ),
    (CHAT_ONLY, {"output_config": {"effort": "x"}}, "output_config.effort"),
    (NOVA, {"output_config": {"format": {"type": "json_schema", "schema": _SCHEMA}}}, "output_config.format"),
    (NOVA, {"thinking": {"type": "enabled", "budget_tokens": 1024}}, "thinking.budget_tokens"),
    (CHAT_ONLY, {"thinking": {"type": "enabled", "budget_tokens": 5}}, "thinking.budget_tokens"),
    (CHAT_ONLY, {"thinking": {"type": "between_tools"}}, "thinking.type"),
    (NOVA, {"temperature": 2}, "temperature"),
    (CHAT_ONLY, {"service_tier": "x"}, "service_tier"),
    (CHAT_ONLY, {"metadata": {"user_id": 5}}, "metadata"),
    (CHAT_ONLY, {"context_management": {"edits": [{"type": "clear_x"}, {"type": "x"}]}}, "context_management.edits[1]"),
    (CHAT_ONLY, {"system": [{"type": "text", "text": "a"}, {"type": "image"}]}, "system[1]"),
    (CHAT_ONLY, {"messages": [user(told("file"))]}, "messages[0].content[0].source"),
    (NOVA, {"messages": [HI, user({"type": "text", "text": "a"}, told("url"))]}, "messages[1].content[1].source"),
    (CHAT_ONLY, {"messages": [user({"type": "search_result"})]}, "messages[0].content[0]"),
    (CHAT_ONLY, {"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
    (CHAT_ONLY, turns({"type": "text", "text": "x"}, then={"role": "assistant", "content": "x"}), "messages[2]"),
    (CHAT_ONLY, turns({**USE, "input": "x"}), "messages[1].content[0].input"),
    (CHAT_ONLY, turns(USE, then=user({"type": "text", "text": "x"}, RESULT)), "messages[2].content[1]"),
    (NOVA, turns({"type": "text", "text": "x"}, USE), "messages[1].content[1]"),
    (NOVA, {"system": "x", **turns({"type": "text", "text": "x"}, then=user(RESULT))}, "messages[2].content[0]"),
    (NOVA, turns({"type": "redacted_thinking", "data": "x"}), "messages[1]"),
    (CHAT_ONLY, {"system": "x", **turns({"type": "redacted_thinking", "data": "x"})}, "messages[1]"),
    (
        NOVA,
        {"system": "x", **turns(USE, then=user(RESULT, {"type": "text", "text": "a"}, BY_ADDRESS))},
        "messages[2].content[2]",
    ),
    (
        MICRO,
        turns(USE, then=user({**RESULT, "is_error": True, "content": [{"type": "text", "text": "a"}, IMAGE]})),
        "messages[2].content[0].content[1]",
    ),
    (CHAT_ONLY, turns(USE, USE, then=user(RESULT)), "messages[1].content[1]"),
    (CHAT_ONLY, turns(USE, then=user(RESULT, RESULT)), "messages[2].content[1]"),
    (NOVA, turns(USE, then=user(RESULT, RESULT)), "messages[2].content[1]"),
    (ANTHROPIC, turns(USE, USE, then=user(RESULT)), "messages[1].content[1]"),
    (ANTHROPIC, turns(USE, then=user(RESULT, RESULT)), "messages[2].content[1]"),
    (CLAUDE, {"container": "c"}, "container"),
    (CLAUDE, {"messages": [HI, user({"type": "text", "text": "a"}, told("url"))]}, "messages[1].content[1].source"),
    (CLAUDE, turns(USE, then=user({**RESULT, "content": [told("url")]})), "messages[2].content[0].content[0].source"),
    (CLAUDE, {"tools": [TOOL, {"type": "web_search_20250305", "name": "web_search"}]}, "tools[1]"),
]
ASKED_OF_RESPONSES: list[tuple[Wire, dict[str, Any], str]] = [
    (CHAT_ONLY, {"zork": 1}, "zork"),
    (CHAT_ONLY, {"max_completion_tokens": 5}, "max_completion_tokens"),
    (CHAT_ONLY, {"top_logprobs": 2}, "top_logprobs"),
    (CHAT_ONLY, {"include": ["message.output_text.logprobs"]}, "include"),
    (CHAT_ONLY, {"reasoning": {"mode": "pro"}}, "reasoning.mode"),
    (NOVA, {"reasoning": {"effort": "low"}}, "reasoning.effort"),
    (NOVA, {"text": {"format": {"type": "json_schema", "name": "a", "schema": _SCHEMA}}}, "text.format"),
    (NOVA, {"text": {"verbosity": "low"}}, "text.verbosity"),
    (NOVA, {"max_output_tokens": 0}, "max_output_tokens"),
    (NOVA, {"temperature": 2}, "temperature"),
    (NOVA, {"service_tier": "scale"}, "service_tier"),
    (NOVA, {"tools": [FUNCTION], "parallel_tool_calls": False}, "parallel_tool_calls"),
    (NOVA, {"tools": [FUNCTION, {**FUNCTION, "name": "b", "strict": True}]}, "tools[1]"),
    (
        NOVA,
        {"tools": [{"type": "namespace", "name": "n", "tools": [FUNCTION, {**FUNCTION, "name": "b", "strict": True}]}]},
        "tools[0].tools[1]",
    ),
    (CHAT_ONLY, {"tools": [FUNCTION, {"type": "web_search"}]}, "tools[1]"),
    (CHAT_ONLY, {"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "x"}]}]}, "tools[0].tools[0]"),
    (CHAT_ONLY, {"tools": [FUNCTION], "tool_choice": {"type": "x"}}, "tool_choice"),
    (NOVA, {"tools": [FUNCTION], "tool_choice": {"type": "function", "name": "x"}}, "tool_choice"),
    (CHAT_ONLY, items(HI, CALL, CALL, OUTPUT), "input[2]"),
    (CHAT_ONLY, items(HI, CALL, OUTPUT, HI, OUTPUT), "input[4]"),
    (CHAT_ONLY, items(HI, {"type": "zork"}), "input[1]"),
    (NOVA, items(HI, {**CALL, "call_id": 5}, OUTPUT), "input[1]"),
    (CHAT_ONLY, items(HI, {"role": "x", "content": "x"}), "input[1].role"),
    (CHAT_ONLY, items(HI, {**CALL, "arguments": {}}), "input[1].arguments"),
    (CHAT_ONLY, items(HI, {"type": "web_search_call", "id": "x"}), "input[1]"),
    (CHAT_ONLY, items(HI, {"type": "reasoning", "encrypted_content": "x", "summary": []}), "input[1]"),
    (CHAT_ONLY, items(user({"type": "input_text", "text": "a"}, {"type": "input_file"})), "input[0].content[1]"),
    (CHAT_ONLY, items(HI, CALL, {**OUTPUT, "output": [{"type": "input_file", "file_id": "f"}]}), "input[2].output[0]"),
    (
        NOVA,
        items(user({"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": _BY_ADDRESS})),
        "input[0].content[1]",
    ),
    (NOVA, {"instructions": "x", **items(HI, CALL, {**CALL, "call_id": "c2"}, OUTPUT, HI)}, "input[2]"),
    (NOVA, items(HI, OUTPUT), "input[1]"),
    (NOVA, items(HI, {"role": "assistant", "content": "x"}, CALL), "input[1]"),
]


@pytest.mark.parametrize(("wire", "more", "place"), ASKED_OF_MESSAGES)
def test_a_message_is_refused_at_a_place_of_its_own(wire: Wire, more: dict[str, Any], place: str) -> None:
    body = {"model": "m", "max_tokens": 5000, "messages": [HI], **more}
    why = refusal_of(MESSAGES, wire, body)
    assert (why.param, there(body, place)) == (place, True), why.message


@pytest.mark.parametrize(("wire", "more", "place"), ASKED_OF_RESPONSES)
def test_a_response_is_refused_at_a_place_of_its_own(wire: Wire, more: dict[str, Any], place: str) -> None:
    body = {"model": "m", "input": "Hi", "store": False, **more}
    why = refusal_of(RESPONSES, wire, body)
    assert (why.param, there(body, place)) == (place, True), why.message


AGAIN = {"role": "assistant", "content": [USE]}
ANSWER = user(RESULT)
LOOKS = {**USE, "id": "c2"}
ALSO = {**CALL, "call_id": "c2"}


@pytest.mark.parametrize(
    ("path", "more", "ids"),
    [
        (MESSAGES, {"messages": [HI, AGAIN, ANSWER, AGAIN, ANSWER]}, "c1 =c1 c1 =c1"),
        (MESSAGES, {"messages": [HI, AGAIN, HI, AGAIN, ANSWER]}, "c1 c1 =c1"),
        (MESSAGES, {"messages": [HI, AGAIN, user({"type": "text", "text": "no"}), AGAIN, ANSWER]}, "c1 c1 =c1"),
        (
            MESSAGES,
            {
                "messages": [
                    HI,
                    {**AGAIN, "content": [LOOKS, USE]},
                    user({**RESULT, "tool_use_id": "c2"}),
                    AGAIN,
                    ANSWER,
                ]
            },
            "c2 c1 =c2 c1 =c1",
        ),
        (RESPONSES, {"input": [HI, CALL, OUTPUT, CALL, OUTPUT]}, "c1 =c1 c1 =c1"),
        (RESPONSES, {"input": [HI, CALL, HI, CALL, OUTPUT]}, "c1 c1 =c1"),
        (RESPONSES, {"input": [HI, CALL, ALSO, {**OUTPUT, "call_id": "c2"}, CALL, OUTPUT]}, "c1 c2 =c2 c1 =c1"),
    ],
)
def test_an_id_that_comes_again_in_a_later_turn_is_its_provider_s_to_judge(
    path: str, more: dict[str, Any], ids: str
) -> None:
    """Also where the earlier call was given up: a model numbers its calls, and a client cannot change that."""
    surface, body = SURFACES[path.encode()], {"model": "m", "max_tokens": 5000, "store": False, **more}
    stated = {name: value for name, value in body.items() if name != ("store" if path == MESSAGES else "max_tokens")}
    call = surface.spoken(surface.ask(json.dumps(stated).encode()), CHAT_ONLY).call
    found: list[str] = []
    for message in json.loads(CHAT_ONLY.encode(call).body)["messages"]:
        found += [made["id"] for made in message.get("tool_calls", ())]
        found += [f"={message['tool_call_id']}"] if message["role"] == "tool" else []
    assert " ".join(found) == ids


@pytest.mark.parametrize("given", [{}, {"input": None}, {"instructions": "Be kind"}])
def test_a_response_without_input_is_told_so(given: dict[str, Any]) -> None:
    why = refusal_of(RESPONSES, CHAT_ONLY, {"model": "m", "store": False, **given})
    assert (why.param, why.message.split(";")[0]) == ("input", "`input` is missing")


@pytest.mark.parametrize("arguments", [None, {"x": 1}])
def test_what_cannot_be_read_of_messages_is_told_with_its_place(arguments: Any) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": arguments}}
    messages = [HI, {"role": "assistant", "content": None, "tool_calls": [call]}]
    why = refusal_of(CHAT, NOVA, {"model": "m", "messages": messages})
    assert why.param == "messages[1].tool_calls[0].function.arguments"
    assert " - at " not in why.message


@pytest.mark.parametrize(
    ("path", "wire", "stated", "own"),
    [
        (MESSAGES, CHAT_ONLY, "max_completion_tokens", "max_tokens"),
        (MESSAGES, CHAT_ONLY, "messages[1].content", "messages"),
        (MESSAGES, CHAT_ONLY, "messages[0].content", "messages[0]"),
        (RESPONSES, CHAT_ONLY, "messages[0].content[0].text", "input"),
        (MESSAGES, CHAT_ONLY, "user", "metadata.user_id"),
        (MESSAGES, CHAT_ONLY, "stream_options", None),
        (MESSAGES, ANTHROPIC, "messages.0.content", "messages.0.content"),
        (RESPONSES, CHAT_ONLY, "messages", "input"),
        (RESPONSES, CHAT_ONLY, "response_format", None),
        (CHAT, CHAT_ONLY, "messages[1].content", "messages[1].content"),
        (CHAT, CHAT_ONLY, None, None),
    ],
)
def test_what_a_provider_names_is_told_as_its_caller_wrote_it(
    path: str, wire: Wire, stated: str | None, own: str | None
) -> None:
    """Of a call that was said in another shape, and that has no `text.format`."""
    surface = SURFACES[path.encode()]
    body = {"model": "m", "max_tokens": 5, "messages": [HI], "input": "Hi", "metadata": {"user_id": "u"}}
    kept = {RESPONSES: ("model", "input")}.get(path, ("model", "max_tokens", "messages", "metadata"))
    asked = surface.ask(json.dumps({name: body[name] for name in kept}).encode())
    failed = wire.failed(400, {}, json.dumps({"error": {"message": "no", "param": stated}}).encode())
    failed = replace(failed, error={**failed.error, "param": stated})  # Anthropic names none
    assert surface.own_words(failed, asked, surface.spoken(asked, wire)).error["param"] == own


@pytest.mark.parametrize(("name", "stated"), [(name, stated) for name, _, stated, _ in REFUSED])
def test_a_chat_is_refused_at_a_place_of_its_own(name: str, stated: dict[str, Any]) -> None:
    body = {"model": "m", "messages": [HI], **stated}
    surface = SURFACES[CHAT.encode()]
    with pytest.raises(Refusal) as caught:
        bedrock(name).encode(surface.ask(json.dumps(body).encode()).call)
    assert caught.value.param is not None
    assert there(body, caught.value.param), caught.value.message
