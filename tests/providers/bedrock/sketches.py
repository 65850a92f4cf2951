"""Calls and replies that both OpenAI's interface and Converse can say, for Hypothesis."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from hypothesis import strategies as st

TEXTS = st.text("ab é€😀\n\"\\'{}<", min_size=1, max_size=12).filter(str.strip)
IDS = st.from_regex(r"\A[a-zA-Z0-9_.:-]{1,64}\Z")
_FEWER = st.from_regex(r"\A[a-zA-Z0-9_.:-]{1,63}\Z")
NAMES = st.from_regex(r"\A[a-zA-Z0-9_-]{1,64}\Z")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(-1e6, 1e6) | st.text("aé\n", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=3), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("abc", min_size=1, max_size=3), JSON, max_size=3)

_text_part = TEXTS.map(lambda text: {"type": "text", "text": text})
_image_part = st.builds(
    lambda kind, data: {
        "type": "image_url",
        "image_url": {"url": f"data:image/{kind};base64,{b64encode(data).decode()}"},
    },
    st.sampled_from(["png", "jpeg", "gif", "webp"]),
    st.binary(min_size=1, max_size=9),
)
_parts = st.lists(_text_part | _image_part, min_size=1, max_size=3)
_functions = st.fixed_dictionaries(
    {"name": NAMES, "parameters": OBJECTS.filter(bool)}, optional={"description": TEXTS, "strict": st.just(True)}
)
_tools: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    _functions, min_size=1, max_size=3, unique_by=lambda function: str(function["name"])
).map(lambda functions: [{"type": "function", "function": function} for function in functions])


@st.composite
def calls(draw: st.DrawFn) -> dict[str, Any]:
    """A call in the one form that the way back writes: every content in parts, one message a turn."""
    tools: list[dict[str, Any]] | None = draw(st.none() | _tools)
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": [part]} for part in draw(st.lists(_text_part, max_size=2))
    ]
    messages.append({"role": "user", "content": draw(_parts)})
    for at in range(draw(st.integers(0, 3))):
        messages += draw(_exchange(tools, str(at)))
    found: dict[str, Any] = {"messages": messages, "max_tokens": draw(st.integers(1, 100_000))}
    if tools:
        found["tools"] = tools
        named = [{"type": "function", "function": {"name": tool["function"]["name"]}} for tool in tools]
        choice = draw(st.sampled_from([None, "auto", "required", *named]))
        found |= {"tool_choice": choice} if choice else {}
    found |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                draw(st.sampled_from(["temperature", "top_p"])): st.floats(0, 1),
                "stop": st.lists(TEXTS, min_size=1, max_size=4),
                "service_tier": st.sampled_from(["default", "flex", "priority"]),
                "metadata": st.dictionaries(NAMES, NAMES, min_size=1, max_size=4),
                "response_format": st.fixed_dictionaries(
                    {"name": NAMES, "schema": OBJECTS}, optional={"description": TEXTS}
                ).map(lambda schema: {"type": "json_schema", "json_schema": schema}),
            },
        )
    )
    return found


@st.composite
def _exchange(draw: st.DrawFn, tools: list[dict[str, Any]] | None, mark: str) -> list[dict[str, Any]]:
    """What the assistant says, and what the user, or its tools, answer; a mark keeps its ids apart from others'."""
    calls = []
    if tools and draw(st.booleans()):
        for identity in draw(st.lists(_FEWER, min_size=1, max_size=3, unique=True)):
            identity = f"{mark}{identity}"
            name = draw(st.sampled_from(tools))["function"]["name"]
            arguments = json.dumps(draw(OBJECTS))
            calls.append({"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}})
    said = draw(st.lists(_text_part, min_size=0 if calls else 1, max_size=2))
    if not calls:
        return [{"role": "assistant", "content": said}, {"role": "user", "content": draw(_parts)}]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": draw(st.lists(_text_part | _image_part, max_size=2))}
        for call in calls
    ]
    after = [{"role": "user", "content": draw(_parts)}] if draw(st.booleans()) else []
    return [{"role": "assistant", "content": said, "tool_calls": calls}, *results, *after]


@st.composite
def replies(draw: st.DrawFn) -> dict[str, Any]:
    """A reply of Converse, of at most one block of reasoning and one of text."""
    content: list[dict[str, Any]] = []
    if draw(st.booleans()):
        text = {"text": draw(TEXTS)} | ({"signature": draw(NAMES)} if draw(st.booleans()) else {})
        content.append({"reasoningContent": {"reasoningText": text}})
    if draw(st.booleans()):
        content.append({"text": draw(TEXTS)})
    content += [
        {"toolUse": {"toolUseId": identity, "name": draw(NAMES), "input": draw(OBJECTS)}}
        for identity in draw(st.lists(IDS, max_size=3, unique=True))
    ]
    counts = st.integers(0, 10**9)
    usage = {"inputTokens": draw(counts), "outputTokens": draw(counts)}
    usage |= {"cacheReadInputTokens": draw(counts), "cacheWriteInputTokens": draw(counts)}
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": draw(st.sampled_from(["end_turn", "tool_use", "max_tokens", "content_filtered"])),
        "usage": {**usage, "totalTokens": sum(usage.values())},
    }


def spoiled(value: Any, path: list[int], by: Any) -> Any:
    """A value with the part at a path replaced; the path's steps count modulo what is there."""
    if not path or not isinstance(value, dict | list) or not value:
        return by
    at = path[0] % len(value)
    if isinstance(value, list):
        return [spoiled(item, path[1:], by) if i == at else item for i, item in enumerate(value)]
    return {k: spoiled(item, path[1:], by) if i == at else item for i, (k, item) in enumerate(value.items())}
