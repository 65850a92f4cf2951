"""The law of a translation: what both sides can express survives the round trip.

The inverse is written here, from what a chat completion means, and knows nothing of how the surface works.
"""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from detente.providers.wire import Reply
from tests.gateway.surfaces.corpora import (
    LAW,
    MESSAGES,
    Data,
    accumulated,
    asked,
    dumped,
    event,
    rendered,
    tokens,
    translated,
)

WORDS = st.text(min_size=1, max_size=12)
IDS = st.text("abcdefghij0123456789_", min_size=1, max_size=8)
OBJECTS = st.dictionaries(WORDS, st.none() | st.integers() | WORDS | st.lists(st.booleans(), max_size=2), max_size=3)


# -- Anthropic's side, in the form in which each meaning is written one way -----------------------------------------
def block(kind: str, **members: Any) -> st.SearchStrategy[Data]:
    return st.fixed_dictionaries({"type": st.just(kind), **members})


TEXT = block("text", text=WORDS)
IMAGE = block(
    "image",
    source=block("base64", media_type=st.sampled_from(["image/png", "image/gif"]), data=st.text("ABab01+/", min_size=1))
    | block("url", url=WORDS.map("https://example.com/".__add__)),
)
USE = block("tool_use", id=IDS, name=IDS, input=OBJECTS)


def said(blocks: list[Data]) -> str | list[Data]:
    """One text is written as its string, and so is none."""
    if not blocks:
        return ""
    return str(blocks[0]["text"]) if len(blocks) == 1 and blocks[0]["type"] == "text" else blocks


def content(blocks: st.SearchStrategy[Data], least: int = 1) -> st.SearchStrategy[Any]:
    return st.lists(blocks, min_size=least, max_size=3).map(said)


RESULT = block("tool_result", tool_use_id=IDS, content=content(TEXT | IMAGE, 0))
USER = content(TEXT | IMAGE) | st.builds(
    list.__add__, st.lists(RESULT, min_size=1, max_size=2), st.lists(TEXT | IMAGE, max_size=2)
)
SIGNED = block("thinking", thinking=WORDS, signature=IDS)
CALLS = st.builds(list.__add__, st.lists(TEXT, max_size=2), st.lists(USE, min_size=1, max_size=3))
ASSISTANT = (
    content(TEXT) | CALLS | st.builds(lambda first, rest: [first, *rest], SIGNED, CALLS | st.lists(TEXT, max_size=2))
)
TOOL = st.fixed_dictionaries(
    {"name": IDS, "input_schema": OBJECTS}, optional={"description": WORDS, "strict": st.booleans()}
)
CHOICE = st.fixed_dictionaries(
    {"type": st.sampled_from(["auto", "any"])}, optional={"disable_parallel_tool_use": st.just(True)}
) | st.fixed_dictionaries({"type": st.just("tool"), "name": IDS})


@st.composite
def requests(draw: st.DrawFn) -> Data:
    turns = []
    for _ in range(draw(st.integers(0, 2))):
        turns += [{"role": "user", "content": draw(USER)}, {"role": "assistant", "content": draw(ASSISTANT)}]
    turns.append({"role": "user", "content": draw(USER)})
    optional: dict[str, st.SearchStrategy[Any]] = {
        "system": WORDS | st.lists(TEXT, min_size=2, max_size=3),
        "temperature": st.sampled_from([0, 0.5, 1]),
        "top_p": st.sampled_from([0.1, 1]),
        "stop_sequences": st.lists(WORDS, min_size=1, max_size=2),
        "metadata": st.fixed_dictionaries({"user_id": WORDS}),
        "service_tier": st.just("standard_only"),
        "stream": st.just(True),
        "output_config": st.fixed_dictionaries(
            {"effort": st.sampled_from(["low", "max"])},
            optional={"format": st.fixed_dictionaries({"type": st.just("json_schema"), "schema": OBJECTS})},
        ),
    }
    body = draw(st.fixed_dictionaries({"model": IDS, "max_tokens": st.integers(1, 9999)}, optional=optional))
    if "output_config" in body:
        body["thinking"] = {"type": "adaptive"}
    if tools := draw(st.lists(TOOL, max_size=2)):
        body |= {"tools": tools} | ({"tool_choice": draw(CHOICE)} if draw(st.booleans()) else {})
    return body | {"messages": [told_apart(turn, at) for at, turn in enumerate(turns)]}


def told_apart(turn: Data, of: int) -> Data:
    """A turn whose calls, or results, each have an id of their own."""
    if isinstance(turn["content"], str):
        return turn
    name = {"user": "tool_use_id", "assistant": "id"}[turn["role"]]
    found = [{**b, name: f"{b[name]}_{of}_{at}"} if name in b else b for at, b in enumerate(turn["content"])]
    return {**turn, "content": found}


# -- the way back ---------------------------------------------------------------------------------------------------
def part(found: Data) -> Data:
    if found["type"] == "text":
        return found
    url = found["image_url"]["url"]
    if not url.startswith("data:"):
        return {"type": "image", "source": {"type": "url", "url": url}}
    media, _, data = url.removeprefix("data:").partition(";base64,")
    return {"type": "image", "source": {"type": "base64", "media_type": media, "data": data}}


def parts(found: str | list[Data]) -> str | list[Data]:
    return found if isinstance(found, str) else [part(p) for p in found]


def blocks(found: str | list[Data] | None) -> list[Data]:
    if isinstance(found, str):
        return [{"type": "text", "text": found}] if found else []
    return [part(p) for p in found or ()]


def use(found: Data) -> Data:
    function = found["function"]
    return {"type": "tool_use", "id": found["id"], "name": function["name"], "input": json.loads(function["arguments"])}


def thoughts(message: Data) -> list[Data]:
    if "reasoning_signature" not in message:
        return []
    signature = message["reasoning_signature"]
    return [{"type": "thinking", "thinking": message["reasoning_content"], "signature": signature}]


def turns(messages: list[Data]) -> list[Data]:
    found: list[Data] = []
    results: list[Data] = []
    for message in messages:
        if message["role"] == "tool":
            content = parts(message["content"])
            results.append({"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": content})
            continue
        if message["role"] == "user":
            own = [*results, *blocks(message["content"])] if results else parts(message["content"])
            results = []
        else:
            if results:
                found.append({"role": "user", "content": results})
                results = []
            calls = [use(call) for call in message.get("tool_calls", ())]
            thought = thoughts(message)
            own = [*thought, *blocks(message.get("content")), *calls] if thought or calls else parts(message["content"])
        found.append({"role": message["role"], "content": own})
    return [*found, {"role": "user", "content": results}] if results else found


def back(chat: Data) -> Data:
    """A chat completion as a request of Anthropic's."""
    same = ("model", "temperature", "top_p")
    body: Data = {name: chat[name] for name in same if name in chat} | {"max_tokens": chat["max_completion_tokens"]}
    messages = chat["messages"]
    if messages[0]["role"] == "system":
        body["system"] = messages[0]["content"]
        messages = messages[1:]
    body["messages"] = turns(messages)
    if "stop" in chat:
        body["stop_sequences"] = chat["stop"]
    if "user" in chat:
        body["metadata"] = {"user_id": chat["user"]}
    if "service_tier" in chat:
        body["service_tier"] = {"default": "standard_only"}[chat["service_tier"]]
    if chat.get("stream"):
        body["stream"] = True
    if "reasoning_effort" in chat:
        body |= {"output_config": {"effort": chat["reasoning_effort"]}, "thinking": {"type": "adaptive"}}
    if "response_format" in chat:
        body["output_config"]["format"] = {
            "type": "json_schema",
            "schema": chat["response_format"]["json_schema"]["schema"],
        }
    if "tools" in chat:
        functions = [tool["function"] for tool in chat["tools"]]
        body["tools"] = [
            {"input_schema" if name == "parameters" else name: value for name, value in function.items()}
            for function in functions
        ]
    if "tool_choice" in chat:
        chosen = chat["tool_choice"]
        body["tool_choice"] = (
            {"type": {"auto": "auto", "required": "any"}[chosen]}
            if isinstance(chosen, str)
            else {"type": "tool", "name": chosen["function"]["name"]}
        )
        if chat.get("parallel_tool_calls") is False:
            body["tool_choice"]["disable_parallel_tool_use"] = True
    return body


@LAW
@given(requests())
def test_a_request_survives_the_round_trip(body: Data) -> None:
    assert back(json.loads(msgspec.json.encode(translated(dumped(body)).call.members))) == body


# -- replies --------------------------------------------------------------------------------------------------------
@st.composite
def replies(draw: st.DrawFn) -> Data:
    """Anthropic's message, in the order in which a chat completion is read."""
    thinking = block("thinking", thinking=WORDS, signature=st.just("") | IDS)
    found = [
        *draw(st.lists(thinking, max_size=1)),
        *draw(st.lists(TEXT, max_size=1)),
        *draw(st.lists(USE, max_size=3, unique_by=lambda use: str(use["id"]))),
    ]
    calls = any(b["type"] == "tool_use" for b in found)
    return {
        "id": "msg_" + draw(IDS),
        "model": draw(IDS),
        "content": found,
        "stop_reason": "tool_use" if calls else draw(st.sampled_from(["end_turn", "max_tokens"])),
        "usage": draw(
            st.fixed_dictionaries(
                {
                    "input_tokens": st.integers(0, 99),
                    "cache_read_input_tokens": st.integers(0, 99),
                    "cache_creation_input_tokens": st.integers(0, 99),
                    "output_tokens": st.integers(9, 99),
                },
                optional={"output_tokens_details": st.fixed_dictionaries({"thinking_tokens": st.integers(1, 9)})},
            )
        ),
    }


FINISH = {"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls"}


def of(message: Data, kind: str) -> list[Data]:
    return [found for found in message["content"] if found["type"] == kind]


def calls_of(message: Data) -> list[Data]:
    return [
        {
            "id": found["id"],
            "type": "function",
            "function": {"name": found["name"], "arguments": json.dumps(found["input"])},
        }
        for found in of(message, "tool_use")
    ]


def counts_of(message: Data) -> tuple[int, int, int, int, int]:
    usage = message["usage"]
    read, written = usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"]
    thought = usage.get("output_tokens_details", {}).get("thinking_tokens", 0)
    return usage["input_tokens"] + read + written, usage["output_tokens"], read, written, thought


def completion_of(message: Data) -> Data:
    """The same, as a chat completion says it."""
    spoken = {
        "reasoning_content": "".join(found["thinking"] for found in of(message, "thinking")) or None,
        "reasoning_signature": "".join(found["signature"] for found in of(message, "thinking")) or None,
        "content": "".join(found["text"] for found in of(message, "text")) or None,
        "tool_calls": calls_of(message) or None,
    }
    choice = {"index": 0, "message": spoken, "finish_reason": FINISH[message["stop_reason"]]}
    return {"id": message["id"].replace("msg_", "chatcmpl-"), "model": message["model"], "choices": [choice]}


def pieces_of(text: str, draw: st.DrawFn) -> list[str]:
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@st.composite
def streams(draw: st.DrawFn, message: Data) -> bytes:
    """The same, as chunks say it: text in any pieces, the calls of tools in any order that keeps each one's own."""
    deltas: list[Data] = []
    spoken = completion_of(message)["choices"][0]["message"]
    deltas += [{"reasoning_content": piece} for piece in pieces_of(spoken["reasoning_content"] or "", draw)]
    deltas.append({"reasoning_signature": spoken["reasoning_signature"]})
    deltas += [{"content": piece} for piece in pieces_of(spoken["content"] or "", draw)]
    waiting = []
    for at, call in enumerate(calls_of(message)):
        deltas.append({"tool_calls": [{"index": at, **call, "function": {**call["function"], "arguments": ""}}]})
        waiting.append([(at, piece) for piece in pieces_of(call["function"]["arguments"], draw)])
    while any(waiting):
        at, piece = draw(st.sampled_from([queue for queue in waiting if queue])).pop(0)
        deltas.append({"tool_calls": [{"index": at, "function": {"arguments": piece}}]})
    given, made, read, written, thought = counts_of(message)
    usage = {
        "prompt_tokens": given,
        "completion_tokens": made,
        "prompt_tokens_details": {"cached_tokens": read, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": thought},
    }
    head = {name: completion_of(message)[name] for name in ("id", "model")}
    chunks = [{**head, "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": FINISH[message["stop_reason"]]}]})
    return b"".join(map(event, [*chunks, {**head, "choices": [], "usage": usage}]))


@LAW
@given(replies())
def test_a_reply_survives_the_round_trip(message: Data) -> None:
    found = json.loads(MESSAGES.whole(asked(), Reply(dumped(completion_of(message)), tokens(counts_of(message))), "a"))
    assert found == message | {"type": "message", "role": "assistant", "stop_sequence": None, "model": "claude"}


@LAW
@given(replies().flatmap(lambda message: st.tuples(st.just(message), streams(message))))
def test_a_stream_says_what_the_whole_reply_says(drawn: tuple[Data, bytes]) -> None:
    message, stream = drawn
    found = accumulated(rendered(MESSAGES.streamed(asked(stream=True), "a"), stream))
    assert found == message | {
        "type": "message",
        "role": "assistant",
        "stop_sequence": None,
        "stop_details": None,
        "model": "claude",
    }
