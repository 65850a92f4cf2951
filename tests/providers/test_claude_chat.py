"""Chat completions of a Claude at Anthropic: said in Anthropic's shape, and its replies back."""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from typing import Any

import pytest
from hypothesis import given, settings

from detente.providers.anthropic_error import read_failure
from detente.providers.wire import Call, Failure, Refusal, Reply, Tokens
from tests.providers.bedrock.making import call
from tests.providers.bedrock.sketches import calls
from tests.providers.claude_replies import HAIKU, HELLO, Data, message, whole
from tests.providers.test_claude import direct

PIXEL = "AAAA"
OWN_ID = f"call_1_{blake2b(b'call.1', digest_size=4).hexdigest()}"
"""How a call's id is told that has a sign of others'."""


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
    result = {"type": "tool_result", "tool_use_id": OWN_ID, "content": [{"type": "text", "text": "a cat"}, own]}
    called = {"type": "tool_use", "id": OWN_ID, "name": "look", "input": {"n": 1.1}}
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


def test_ids_that_a_provider_does_not_take_are_told_otherwise_and_apart() -> None:
    """Longer than 64 characters, or with others' signs; those that differ in their signs alone stay two."""
    stated = ["f.0", "f:0", "f_0", "call|fc_1", "x" * 70, "x" * 71]
    uses = [{"id": id_, "type": "function", "function": {"name": "f", "arguments": "{}"}} for id_ in stated]
    results = [{"role": "tool", "tool_call_id": id_, "content": "1"} for id_ in stated]
    found = told(messages=[*HELLO, {"role": "assistant", "content": None, "tool_calls": uses}, *results])
    ids = [block["id"] for block in found["messages"][1]["content"]]
    assert ids == [block["tool_use_id"] for block in found["messages"][2]["content"]]
    assert len(set(ids)) == len(stated)
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", id_) for id_ in ids)
    assert ids[2] == "f_0"


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


def test_a_second_name_of_the_user_is_listed() -> None:
    outgoing = direct(HAIKU).encode(call({"model": "m", "messages": HELLO, "safety_identifier": "a", "user": "b"}))
    assert (outgoing.left_out, json.loads(outgoing.body)["metadata"]) == (("user",), {"user_id": "a"})


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
    assert refused.value.parameter == param
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
    told = id_.translate({ord(sign): "_" for sign in ".:"})
    return id_ if told == id_ else f"{told[:55]}_{blake2b(id_.encode(), digest_size=4).hexdigest()}"


@settings(deadline=None, max_examples=60)
@given(calls())
def test_what_both_sides_can_say_survives(stated: Data) -> None:
    told = json.loads(direct(HAIKU).encode(call(stated)).body)
    for turn in stated["messages"]:
        if "tool_call_id" in turn:
            turn["tool_call_id"] = plain(turn["tool_call_id"])
        for use in turn.get("tool_calls", ()):
            use["id"], use["function"]["arguments"] = plain(use["id"]), json.loads(use["function"]["arguments"])
    schema = stated.pop("response_format", {}).get("json_schema", {}).get("schema")
    expected = {k: v for k, v in stated.items() if k not in ("metadata", "service_tier")}
    assert openai_request(told) == expected | ({} if schema is None else {"schema": schema})


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
