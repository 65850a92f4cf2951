"""Chat completions of a Claude at Anthropic: said in Anthropic's shape, and its replies back."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detente.providers.messages_stream import read_failure
from detente.providers.wire import Call, Failure, Refusal, Reply, Tokens
from tests.providers.bedrock.making import call, chunks
from tests.providers.bedrock.sketches import IDS, NAMES, OBJECTS, TEXTS, calls
from tests.providers.test_claude import direct
from tests.providers.test_messages_stream import EVENTS, TOKENS, as_events, block, delta, stop

Data = dict[str, Any]
HAIKU, OLD = "claude-haiku-4-5-20251001", "claude-3-haiku-20240307"
PIXEL = "AAAA"
HELLO = [{"role": "user", "content": "Hi"}]
HEADERS = {"date": "Tue, 24 Nov 2026 20:00:00 GMT"}


def told(name: str = HAIKU, *, optional: tuple[str, ...] = (), **members: Any) -> Data:
    made = call({"model": "any", "messages": HELLO, **members})
    wanted = Call("chat", made.members, optional=frozenset(optional))
    found: Data = json.loads(direct(name).encode(wanted).body)
    return found


# -- requests ---------------------------------------------------------------------------------------------------------
def test_a_conversation_with_tools_images_and_marks() -> None:
    use = {"id": "call.1", "type": "function", "function": {"name": "look", "arguments": '{"n": 1.10}'}}
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    kind = {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}}
    look = {"name": "look", "description": "Looks"}
    found = told(
        messages=[
            {"role": "system", "content": [kind]},
            {"role": "user", "content": [{"type": "text", "text": "Look"}, image]},
            {"role": "assistant", "content": None, "tool_calls": [use]},
            {"role": "tool", "tool_call_id": "call.1", "content": [{"type": "text", "text": "a cat"}, image]},
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://pics.example/x.png"}}]},
        ],
        tools=[{"type": "function", "function": look | {"parameters": {"type": "object"}}}],
        tool_choice={"type": "function", "function": {"name": "look"}},
        max_tokens=50,
        temperature=0.5,
        stop="END",
        user="u-1",
    )
    own = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    result = {"type": "tool_result", "tool_use_id": "call_1", "content": [{"type": "text", "text": "a cat"}, own]}
    called = {"type": "tool_use", "id": "call_1", "name": "look", "input": {"n": 1.1}}
    fetched = {"type": "image", "source": {"type": "url", "url": "https://pics.example/x.png"}}
    assert found == {
        "model": HAIKU,
        "system": [kind],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Look"}, own]},
            {"role": "assistant", "content": [called]},
            {"role": "user", "content": [result, fetched]},
        ],
        "tools": [{**look, "input_schema": {"type": "object"}}],
        "tool_choice": {"type": "tool", "name": "look"},
        "max_tokens": 50,
        "temperature": 0.5,
        "stop_sequences": ["END"],
        "metadata": {"user_id": "u-1"},
    }


def test_how_much_is_thought_and_in_which_shape_is_answered() -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    newest = told("claude-opus-4-8", reasoning_effort="high", response_format=schema)
    assert newest["thinking"] == {"type": "adaptive"}
    assert newest["output_config"] == {
        "effort": "high",
        "format": {"type": "json_schema", "schema": {"type": "object"}},
    }
    assert told(reasoning_effort="medium", max_tokens=9000)["thinking"] == {"type": "enabled", "budget_tokens": 4096}
    tools = [{"type": "function", "function": {"name": "look"}}]
    one = told(tools=tools, tool_choice="required", parallel_tool_calls=False)
    assert one["tool_choice"] == {"type": "any", "disable_parallel_tool_use": True}


def test_a_stream_is_asked_for_as_one() -> None:
    outgoing = direct(HAIKU).encode(call({"messages": HELLO, "stream": True}, stream=True))
    assert json.loads(outgoing.body)["stream"] is True
    assert outgoing.target == "/v1/messages"
    assert ("anthropic-version", "2023-06-01") in outgoing.headers


def test_tags_are_left_out_and_listed() -> None:
    made = call({"messages": HELLO, "metadata": {"team": "a"}, "service_tier": "flex", "store": True, "model": "m"})
    outgoing = direct(HAIKU).encode(made)
    assert set(outgoing.left_out) == {"metadata", "service_tier", "store"}
    assert json.loads(outgoing.body).keys() == {"model", "messages", "max_tokens"}


@pytest.mark.parametrize(
    ("members", "param", "words"),
    [
        ({"seed": 1}, "seed", "`seed` is not supported: Anthropic's API takes no seed"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages", "Anthropic's API"),
        ({"user": 3}, "user", "`user` is not text"),
        ({"n": 2}, "n", "`n` is not supported: Anthropic's API returns one answer"),
        ({"temperature": 2}, "temperature", "`temperature` is 2, and Anthropic takes 0 to 1"),
    ],
)
def test_what_cannot_be_said_is_refused_in_anthropics_name(members: Data, param: str, words: str) -> None:
    with pytest.raises(Refusal, match=words) as refused:
        told(**members)
    assert refused.value.param == param
    assert "Bedrock" not in refused.value.message
    assert "Converse" not in refused.value.message


def test_what_a_caller_calls_its_own_is_told_as_it_wrote_it() -> None:
    choice = {"type": "function", "function": {"name": "Converse_at_Bedrock"}}
    with pytest.raises(Refusal, match="which `tools` do not hold") as refused:
        told(tool_choice=choice)
    assert refused.value.message.startswith("`tool_choice` names `Converse_at_Bedrock`,")


def test_what_may_be_left_out_is() -> None:
    assert "seed" not in told(seed=1, optional=("seed",))


def test_other_operations_are_refused_by_name() -> None:
    with pytest.raises(Refusal, match="direct serves chat and messages, and no embeddings"):
        direct().encode(call({"input": "x"}, "embeddings"))


# -- the way back, written here: it knows nothing of how a request is said ---------------------------------------------
def openai_request(body: Data) -> Data:
    found: Data = {"max_tokens": body["max_tokens"], "messages": []}
    found["messages"] += [{"role": "system", "content": [block]} for block in body.get("system", ())]
    for turn in body["messages"]:
        results = [block for block in turn["content"] if block["type"] == "tool_result"]
        found["messages"] += [
            {"role": "tool", "tool_call_id": r["tool_use_id"], "content": [part(block) for block in r["content"]]}
            for r in results
        ]
        uses = [function(block) for block in turn["content"] if block["type"] == "tool_use"]
        said = [part(block) for block in turn["content"] if block["type"] in ("text", "image")]
        if said or uses:
            found["messages"].append({"role": turn["role"], "content": said} | ({"tool_calls": uses} if uses else {}))
    names = {"temperature": "temperature", "top_p": "top_p", "stop_sequences": "stop"}
    found |= {names[name]: body[name] for name in names if name in body}
    if "tools" in body:
        found["tools"] = [tool(one) for one in body["tools"]]
    if "tool_choice" in body:
        own = {"type": "function", "function": {"name": body["tool_choice"].get("name")}}
        found["tool_choice"] = {"auto": "auto", "any": "required", "tool": own}[body["tool_choice"]["type"]]
    if "output_config" in body:
        found["schema"] = body["output_config"]["format"]["schema"]
    return found


def part(found: Data) -> Data:
    if found["type"] == "text":
        return found
    source = found["source"]
    return {"type": "image_url", "image_url": {"url": f"data:{source['media_type']};base64,{source['data']}"}}


def function(use: Data) -> Data:
    return {"id": use["id"], "type": "function", "function": {"name": use["name"], "arguments": use["input"]}}


def tool(one: Data) -> Data:
    return {"type": "function", "function": {("parameters" if k == "input_schema" else k): v for k, v in one.items()}}


def plain(id_: str) -> str:
    return id_.translate({ord(sign): "_" for sign in ".:"})


@settings(deadline=None, max_examples=60)
@given(calls())
def test_what_both_sides_can_say_survives(stated: Data) -> None:
    told = json.loads(direct(HAIKU).encode(call(stated)).body)
    for message in stated["messages"]:
        if "tool_call_id" in message:
            message["tool_call_id"] = plain(message["tool_call_id"])
        for use in message.get("tool_calls", ()):
            use["id"], use["function"]["arguments"] = plain(use["id"]), json.loads(use["function"]["arguments"])
    schema = stated.pop("response_format", {}).get("json_schema", {}).get("schema")
    expected = {k: v for k, v in stated.items() if k not in ("metadata", "service_tier")}
    assert openai_request(told) == expected | ({} if schema is None else {"schema": schema})


# -- replies ----------------------------------------------------------------------------------------------------------
USAGE = {"input_tokens": 10, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2, "output_tokens": 7}


def message(content: list[Data], stop: str = "end_turn", **more: Any) -> bytes:
    whole = {"id": "msg_1", "type": "message", "role": "assistant", "content": content, "stop_reason": stop, **more}
    return json.dumps({"usage": USAGE, **whole}).encode()


def whole(body: bytes) -> Any:
    return direct(HAIKU).decode(call({"messages": HELLO}), HEADERS, body)


def test_a_whole_reply() -> None:
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "S"}
    use = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"n": 1}}
    found = whole(message([thought, {"type": "text", "text": "Well"}, use], "tool_use"))
    assert (found.tokens, found.finish) == (Tokens(15, 7, 3, 2), "tool_calls")
    said = json.loads(found.body)
    assert (said["id"], said["created"], said["object"]) == ("chatcmpl-1", 1795550400, "chat.completion")
    (choice,) = said["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"] == {
        "role": "assistant",
        "content": "Well",
        "refusal": None,
        "reasoning_content": "Hm.",
        "reasoning_signature": "S",
        "tool_calls": [
            {"id": "toolu_1", "type": "function", "function": {"name": "look", "arguments": '{"n": 1}'}},
        ],
    }
    assert said["usage"]["prompt_tokens_details"] == {"cached_tokens": 3, "cache_write_tokens": 2}


@pytest.mark.parametrize(
    ("stopped", "finish"),
    {"stop_sequence": "stop", "max_tokens": "length", "refusal": "content_filter", "pause_turn": "stop"}.items(),
)
def test_why_it_stopped(stopped: str, finish: str) -> None:
    assert whole(message([{"type": "text", "text": "x"}], stopped)).finish == finish


@pytest.mark.parametrize("body", [b"<html>", b"{}", message([{"type": "server_tool_use"}])])
def test_what_is_no_message_is_a_broken_reply(body: bytes) -> None:
    found = whole(body)
    assert isinstance(found, Failure)
    assert found.kind == "broken"
    assert str(found.error["message"]).startswith("the provider")


@pytest.mark.parametrize("usage", [None, "x", {"input_tokens": -1}])
def test_a_usage_that_cannot_be_read_is_unknown_and_spoils_no_reply(usage: Any) -> None:
    found = whole(message([{"type": "text", "text": "x"}], usage=usage))
    assert isinstance(found, Reply)
    assert found.tokens is None
    assert "usage" not in json.loads(found.body)


# -- streams ----------------------------------------------------------------------------------------------------------
def events_of(content: list[Data], stopped: str) -> list[Data]:
    """A message as its events, texts in two pieces."""
    found: list[Data] = [{"type": "message_start", "message": {"id": "msg_1", "usage": USAGE | {"output_tokens": 1}}}]
    for at, one in enumerate(content):
        kind = one["type"]
        if kind == "tool_use":
            text = json.dumps(one["input"])
            said = [{"type": "input_json_delta", "partial_json": text[a:b]} for a, b in ((0, 1), (1, None))]
            found.append(block(at, **{**one, "input": {}}))
        elif kind == "redacted_thinking":
            said = []
            found.append(block(at, **one))
        else:
            name = {"text": "text", "thinking": "thinking"}[kind]
            said = [{"type": f"{name}_delta", name: one[name][:2]}, {"type": f"{name}_delta", name: one[name][2:]}]
            said += [{"type": "signature_delta", "signature": one["signature"]}] if kind == "thinking" else []
            found.append(block(at, **{**one, name: ""}))
        found += [delta(at, **piece) for piece in said] + [stop(at)]
    return [
        *found,
        {"type": "message_delta", "delta": {"stop_reason": stopped}, "usage": {"output_tokens": 7}},
        {"type": "message_stop"},
    ]


def read(stream: bytes, cuts: list[int], asks_usage: bool = True) -> list[Any]:
    decoder = direct(HAIKU).decoder(call({"messages": HELLO}, stream=True, asks_usage=asks_usage), HEADERS)
    edges = [0, *sorted(cuts), len(stream)]
    return [*[decoder.feed(stream[a:b]) for a, b in pairwise(edges)], decoder.end()]


def together(pieces: list[Data]) -> Data:
    """What a client makes of chunks: the message of the whole reply."""
    found: Data = {"role": "assistant", "content": None, "refusal": None}
    for said in (piece["choices"][0]["delta"] for piece in pieces if piece["choices"]):
        for name in ("content", "reasoning_content", "reasoning_signature", "reasoning_redacted"):
            if said.get(name):
                found[name] = (found.get(name) or "") + said[name]
        for use in said.get("tool_calls", ()):
            uses = found.setdefault("tool_calls", [])
            if use["index"] == len(uses):
                uses.append({"id": use["id"], "type": "function", "function": dict(use["function"])})
            else:
                uses[use["index"]]["function"]["arguments"] += use["function"]["arguments"]
    return found


THOUGHTS = st.builds(lambda text, sign: {"type": "thinking", "thinking": text, "signature": sign}, TEXTS, NAMES)
HIDDEN = NAMES.map(lambda data: {"type": "redacted_thinking", "data": data})
SAID = TEXTS.map(lambda text: {"type": "text", "text": text})
USE = st.fixed_dictionaries({"type": st.just("tool_use"), "id": IDS, "name": NAMES, "input": OBJECTS})
USES = st.lists(USE, max_size=2)


@settings(deadline=None, max_examples=60)
@given(st.lists(THOUGHTS | HIDDEN, max_size=1), st.lists(SAID, max_size=1), USES, st.data())
def test_a_stream_says_what_the_whole_reply_says_however_it_is_cut(
    thought: list[Data], text: list[Data], uses: list[Data], data: st.DataObject
) -> None:
    content, stopped = [*thought, *text, *uses], "tool_use" if uses else "end_turn"
    stream = as_events(events_of(content, stopped))
    parts = read(stream, data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    assert [part.failure for part in parts] == [None] * len(parts)
    pieces = chunks(b"".join(part.data for part in parts))
    reply = whole(message(content, stopped))
    (choice,) = json.loads(reply.body)["choices"]
    assert together(pieces) == choice["message"]
    assert [part.finish for part in parts if part.finish] == [reply.finish]
    assert [part.tokens for part in parts if part.tokens] == [reply.tokens]
    assert {piece["id"] for piece in pieces} == {"chatcmpl-1"}
    assert pieces[-1]["usage"]["total_tokens"] == 22


BLOCKS: list[Data] = [
    {"type": "thinking", "thinking": "hm", "signature": "s"},
    {"type": "text", "text": "hello"},
    {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": 1}},
    {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
]


def test_blocks_that_come_whole_at_their_start_are_said() -> None:
    """As some servers write Anthropic's shape: the API itself begins each block with nothing."""
    began = [piece for at, one in enumerate(BLOCKS) for piece in (block(at, **one), stop(at))]
    first, *_, ends, last = events_of([], "tool_use")
    pieces = [piece for part in read(as_events([first, *began, ends, last]), []) for piece in chunks(part.data)]
    (choice,) = json.loads(whole(message(BLOCKS, "tool_use")).body)["choices"]
    said = together(pieces)
    for use in said["tool_calls"] + choice["message"]["tool_calls"]:
        use["function"]["arguments"] = json.loads(use["function"]["arguments"])
    assert said == choice["message"]


@pytest.mark.parametrize("usage", [None, [1], {"output_tokens": -5}], ids=str)
def test_what_the_start_says_of_use_is_no_total(usage: Any) -> None:
    first, ends, last = events_of([], "end_turn")
    stream = as_events([first, block(0, type="text", text="hi"), stop(0), {**ends, "usage": usage}, last])
    parts = read(stream, [])
    assert [part.tokens for part in parts] == [None] * len(parts)
    assert parts[0].done
    assert [part.tokens for part in read(as_events([first, last]), [])] == [None, None]


def test_openais_mark_at_the_end_says_nothing() -> None:
    first, *rest = events_of([BLOCKS[1]], "end_turn")
    for named in (rest, rest[:-1]):
        parts = read(as_events([first, *named]) + b"data: [DONE]\n\n", [])
        assert parts[-1].done
        assert all(part.failure is None for part in parts)


def test_usage_is_hidden_from_a_caller_who_did_not_ask() -> None:
    parts = read(as_events(EVENTS), [], asks_usage=False)
    assert [part.tokens for part in parts if part.tokens] == [TOKENS]
    assert all(piece["choices"] for piece in chunks(b"".join(part.data for part in parts)))


def test_headers_wait_for_content_and_pings_are_none() -> None:
    decoder = direct(HAIKU).decoder(call({"messages": HELLO}, stream=True), HEADERS)
    assert [decoder.feed(as_events([event])).content for event in EVENTS[:4]] == [0, 0, 0, 1]


def test_a_stream_that_ends_early_or_with_an_error_is_no_whole_one() -> None:
    assert read(as_events(EVENTS[:-2]), [])[-1].failure.kind == "broken"
    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    (part, _) = read(as_events([*EVENTS[:4], overloaded]), [])
    assert (part.failure.kind, part.content) == ("unavailable", 1)
    (spoilt, _) = read(b"data: {\n\n", [])
    assert spoilt.failure.error["message"] == "the provider sent an event that cannot be read"


def test_a_stream_that_is_complete_but_for_its_last_mark_is_complete() -> None:
    whole, cut = read(as_events(EVENTS), []), read(as_events(EVENTS[:-1]), [])
    assert (cut[-1].done, cut[-1].failure) == (True, None)
    assert b"".join(part.data for part in cut) == b"".join(part.data for part in whole)
    assert [part.tokens for part in cut if part.tokens] == [TOKENS]


# -- errors -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "type_", "message", "kind", "told"),
    [
        (400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum", "too-long", 400),
        (400, "invalid_request_error", "Your credit balance is too low to access the API.", "exhausted", 502),
        (402, "billing_error", "Pay.", "exhausted", 502),
        (400, "invalid_request_error", "max_tokens: too large", "refused", 400),
    ],
)
def test_what_an_error_means(status: int, type_: str, message: str, kind: str, told: int) -> None:
    body = json.dumps({"type": "error", "error": {"type": type_, "message": message}}).encode()
    found = read_failure(status, body, None)
    assert (found.kind, found.status) == (kind, told)
