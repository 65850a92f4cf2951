"""Responses of models that have only chat: requests said as chat completions, and replies and streams back."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response

from detente.gateway.surfaces.responses import ResponsesSurface
from detente.gateway.surfaces.responses_request import as_chat
from detente.gateway.surfaces.surface import Asked, UnsayableError
from detente.providers import sse
from detente.providers.wire import Refusal, Reply, Tokens
from tests.gateway.surfaces.corpora import dumped, event, openai_client
from tests.providers.making import compatible

Data = dict[str, Any]
SURFACE = ResponsesSurface()
FUNCTION = {"type": "function", "name": "look_up", "description": "Looks up", "parameters": {"type": "object"}}
PATCH = {"type": "custom", "name": "apply_patch", "description": "Patches", "format": {"type": "text"}}
AGENTS = {
    "type": "namespace",
    "name": "agents",
    "description": "Agents",
    "tools": [{"type": "function", "name": "close", "parameters": {}}],
}
SEEKER = {"type": "tool_search", "execution": "client", "description": "Finds", "parameters": {"type": "object"}}
TOOLS = [FUNCTION, PATCH, AGENTS, SEEKER]


def asked(*lenient: str, **changed: Any) -> Asked:
    body = {"model": "m", "input": "Hello", "store": False, **changed}
    return as_chat(SURFACE.ask(dumped(body)).allowing(frozenset(lenient)))


def told(found: Asked) -> Data:
    said: Data = json.loads(msgspec.json.encode(found.call.members))
    return said


def user(text: str) -> Data:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


# -- requests ---------------------------------------------------------------------------------------------------------
def test_who_serves_responses_is_asked_in_their_own_shape_and_who_has_only_chat_by_chat() -> None:
    found = SURFACE.ask(dumped({"model": "m", "input": "Hello"}))
    assert SURFACE.spoken(found, compatible(serves=["chat", "responses"])) is found
    assert SURFACE.spoken(found, compatible(serves=["chat"])).call.operation == "chat"


def test_members_and_items_become_those_of_a_chat() -> None:
    found = asked(
        instructions="Be brief.",
        input=[
            {"role": "developer", "content": "d"},
            user("a"),
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
            {"type": "function_call", "call_id": "c1", "name": "look_up", "arguments": '{"id":1}'},
            {"type": "function_call", "call_id": "c2", "name": "close", "namespace": "agents", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "found"},
            {"type": "function_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "closed"}]},
            {"type": "custom_tool_call", "call_id": "c3", "name": "apply_patch", "input": "*** Begin"},
            {"type": "custom_tool_call_output", "call_id": "c3", "output": "done"},
        ],
        tools=TOOLS,
        tool_choice={"type": "function", "name": "look_up"},
        parallel_tool_calls=False,
        max_output_tokens=100,
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}},
    )

    def call(id_: str, name: str, arguments: str) -> Data:
        return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}

    said = told(found)
    assert said.pop("messages") == [
        {"role": "system", "content": "Be brief."},
        {"role": "system", "content": "d"},
        {"role": "user", "content": "a"},
        {
            "role": "assistant",
            "content": "b",
            "tool_calls": [call("c1", "look_up", '{"id":1}'), call("c2", "agents__close", "{}")],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "found"},
        {"role": "tool", "tool_call_id": "c2", "content": "closed"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [call("c3", "apply_patch", '{"input":"*** Begin"}')],
        },
        {"role": "tool", "tool_call_id": "c3", "content": "done"},
    ]
    names = [tool["function"]["name"] for tool in said.pop("tools")]
    assert names == ["look_up", "apply_patch", "agents__close", "tool_search"]
    assert said == {
        "model": "m",
        "max_completion_tokens": 100,
        "reasoning_effort": "low",
        "parallel_tool_calls": False,
        "tool_choice": {"type": "function", "function": {"name": "look_up"}},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True},
        },
    }


def test_what_codex_sends_beside_it_is_left_out_and_listed() -> None:
    found = asked(
        prompt_cache_key="k",
        client_metadata={"a": "b"},
        include=["reasoning.encrypted_content"],
        reasoning={"summary": "auto"},
        max_tool_calls=3,
        tools=[FUNCTION, {"type": "web_search", "external_web_access": False}],
    )
    assert found.call.left_out == ("prompt_cache_key", "client_metadata", "max_tool_calls", "web_search")
    assert SURFACE.ask(dumped({"model": "m", "input": "x", "reasoning": {"summary": "auto"}})).needs == frozenset()


ALLOWED = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "look_up"}]}


def test_the_tools_that_may_be_called_are_told_as_a_chat_says_it() -> None:
    said = told(asked(tools=[FUNCTION, SEEKER], tool_choice=ALLOWED))
    named = [{"type": "function", "function": {"name": "look_up"}}]
    assert said["tool_choice"] == {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": named}}


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools[0]"),
        ({"tools": [{"type": "local_shell"}]}, "tools[0]"),
        ({"colour": 1}, "colour"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"input": [{"type": "web_search_call", "id": "x"}]}, "input[0]"),
        ({"input": [{"type": "compaction", "id": "x"}]}, "input[0]"),
        ({"input": [{"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}]}, "input[0]"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, "input[0].content[0]"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "allowed_tools"}}, "tool_choice"),
        ({"tools": [FUNCTION], "tool_choice": ALLOWED | {"tools": [{"type": "mcp"}]}}, "tool_choice.tools[0]"),
        ({"tools": [FUNCTION], "tool_choice": {"type": "mcp"}}, "tool_choice"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tools": [], "tool_choice": {"type": "function", "name": "f"}}, "tool_choice"),
    ],
)
def test_what_a_chat_cannot_say_is_refused_by_name(changed: Data, param: str) -> None:
    with pytest.raises(Refusal) as caught:
        asked(**changed)
    assert caught.value.param == param


RESULT = {"type": "function_call_output", "output": "x"}


def test_what_may_be_left_out_by_leniency() -> None:
    hosted = [{"type": "web_search"}]
    for choice in (None, "auto", "none"):
        assert asked("hosted-tools", tools=hosted, tool_choice=choice).call.left_out == ("web_search",)
    for forced in ("required", {"type": "web_search"}):
        with pytest.raises(Refusal, match="all of them are left out"):
            asked("hosted-tools", tools=hosted, tool_choice=forced)
    shell = {"type": "local_shell_call", "call_id": "c1", "action": {"type": "exec", "command": ["ls"]}}
    ran = asked("hosted-tools", input=[user("a"), shell, {**RESULT, "call_id": "c1"}, user("b")])
    assert told(ran)["messages"] == [{"role": "user", "content": text} for text in "ab"]
    reasoning = [user("a"), {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"}, user("b")]
    assert asked("reasoning", input=reasoning).call.left_out == ("reasoning",)


FOUND = {"type": "tool_search_output", "call_id": "c1", "execution": "client", "tools": [AGENTS, FUNCTION]}


def test_a_search_for_tools_that_the_caller_runs_is_a_function_and_what_it_found_is_on_offer() -> None:
    sought = {"type": "tool_search_call", "call_id": "c1", "execution": "client", "arguments": {"query": "close"}}
    found = asked(tools=[FUNCTION, SEEKER], input=[user("a"), sought, FOUND, {**FOUND, "call_id": "c2"}])
    said = told(found)
    functions = [tool["function"]["name"] for tool in said["tools"]]
    assert functions == ["look_up", "tool_search", "agents__close"]  # each once
    assert said["messages"][1]["tool_calls"] == [call("c1", "tool_search", '{"query":"close"}')]
    assert json.loads(said["messages"][2]["content"]) == {"tools": ["agents__close", "look_up"]}
    body = dumped(completion("tool_calls", tool_calls=[call("c9", "tool_search", '{"query":"x","limit":2}')]))
    (item,) = json.loads(SURFACE.whole(found, Reply(body, TOKENS), "d"))["output"]
    assert (item["type"], item["execution"], item["call_id"]) == ("tool_search_call", "client", "c9")
    assert item["arguments"] == {"query": "x", "limit": 2}
    with pytest.raises(UnsayableError, match="searched for tools"):
        SURFACE.whole(found, Reply(body.replace(b'{\\"query', b'[\\"query'), TOKENS), "d")


@pytest.mark.parametrize(
    ("changed", "left_out"),
    [
        ({"reasoning": {"context": "all_turns"}}, ("reasoning.context",)),
        ({"truncation": "auto"}, ("truncation",)),
        ({"truncation": "disabled"}, ()),
        ({"store": True}, ("store",)),
        (
            {
                "input": [
                    {"role": "user", "content": [{"type": "input_text", "text": "Hi", "prompt_cache_breakpoint": {}}]}
                ]
            },
            ("prompt_cache_breakpoint",),
        ),
        (
            {"input": [user("Hi"), {"type": "reasoning", "summary": [{"type": "summary_text", "text": "so"}]}]},
            ("reasoning",),
        ),
        ({"input": [user("Hi"), {"type": "reasoning", "summary": []}]}, ()),
    ],
)
def test_what_a_chat_has_no_place_for_and_changes_no_answer_is_listed(changed: Data, left_out: tuple[str, ...]) -> None:
    assert asked(**changed).call.left_out == left_out


def test_a_mode_of_reasoning_is_refused_or_left_out_by_leniency() -> None:
    with pytest.raises(Refusal, match=r"`reasoning.mode: pro` .*`lenient: \[reasoning\]`"):
        asked(reasoning={"mode": "pro"})
    assert asked("reasoning", reasoning={"mode": "pro"}).call.left_out == ("reasoning.mode",)
    assert asked(reasoning={"mode": "standard"}).call.left_out == ()


def test_a_reply_that_is_kept_is_stored_as_asked() -> None:
    found = SURFACE.ask(dumped({"model": "m", "input": "Hello", "store": True}))
    assert as_chat(msgspec.structs.replace(found, kept_as="resp_1")).call.left_out == ()


def test_a_search_for_tools_at_openai_is_left_out_since_all_tools_are_told() -> None:
    deferred = {**FUNCTION, "defer_loading": True}
    history = [user("a"), {"type": "tool_search_call", "call_id": None, "execution": "server", "arguments": {}}]
    loads = {"type": "tool_search_output", "call_id": None, "execution": "server", "tools": [PATCH]}
    more = {"type": "additional_tools", "role": "developer", "tools": [AGENTS]}
    found = asked(tools=[deferred, {"type": "tool_search"}], input=[*history, loads, more])
    assert found.call.left_out == ("tool_search",)
    said = told(found)
    assert said["messages"] == [{"role": "user", "content": "a"}]
    assert [tool["function"]["name"] for tool in said["tools"]] == ["look_up", "apply_patch", "agents__close"]


def test_long_names_of_tools_stay_apart_within_64_characters() -> None:
    inner = [{"type": "function", "name": "n" * 60 + end} for end in "ab"]
    found = asked(tools=[{"type": "namespace", "name": "space", "tools": inner}])
    names = [tool["function"]["name"] for tool in told(found)["tools"]]
    assert len(set(names)) == 2
    assert all(len(name) <= 64 for name in names)
    assert [found.tools[name].name for name in names] == [tool["name"] for tool in inner]


# -- replies ----------------------------------------------------------------------------------------------------------
def completion(finish: str = "stop", **message: Any) -> Data:
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **message}, "finish_reason": finish}
    return {"id": "chatcmpl-9", "object": "chat.completion", "created": 7, "model": "there", "choices": [choice]}


def call(id_: str, name: str, arguments: str) -> Data:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


THOUGHT = {"reasoning_content": "Hm.", "reasoning_signature": "S"}
MESSAGES: dict[str, tuple[str, Data]] = {
    "text": ("stop", {"content": "Yes. 😀"}),
    "cut": ("length", {"content": "Ye"}),
    "cut in thought": ("length", {"reasoning_content": "Hm"}),
    "cut in a call": ("length", {"content": "Look:", "tool_calls": [call("c1", "look_up", '{"id":1}')]}),
    "cut before arguments": ("length", {"content": "Look:", "tool_calls": [call("c1", "look_up", "")]}),
    "refusal": ("stop", {"refusal": "No."}),
    "text, then refusal": ("stop", {"content": "I can ", "refusal": "not."}),
    "thought": ("stop", {"content": "Yes.", **THOUGHT}),
    "calls": (
        "tool_calls",
        {
            "content": "Look:",
            "tool_calls": [
                call("c1", "look_up", '{"id":1}'),
                call("c2", "agents__close", "{}"),
                call("c3", "apply_patch", '{"input":"*** é"}'),
                call("c4", "tool_search", '{"query":"x"}'),
            ],
        },
    ),
}
MESSAGES["cut in a call"][1]["tool_calls"].append(call("c2", "apply_patch", '{"input":"**'))
STATUS = {
    "cut": ["incomplete"],
    "cut before arguments": ["completed"],
    "cut in thought": ["incomplete"],
    "cut in a call": ["completed"] * 2,
}
"""That of the message and the calls of a reply that was cut: a part of a call is left out."""
TOKENS = Tokens(10, 5, 2, 0, 1)


def whole(name: str) -> Data:
    finish, message = MESSAGES[name]
    body = dumped(completion(finish, **message))
    found: Data = json.loads(SURFACE.whole(asked(tools=TOOLS), Reply(body, TOKENS), "d"))
    return found


@pytest.mark.parametrize("name", MESSAGES)
def test_a_completion_becomes_a_response_that_openais_client_reads(name: str) -> None:
    found = whole(name)
    Response.model_validate(found)
    assert (found["id"], found["model"], found["created_at"]) == ("resp_9", "m", 7)
    assert found["usage"]["input_tokens_details"]["cached_tokens"] == 2
    assert found["status"] == ("incomplete" if "cut" in name or "refusal" in name else "completed")
    items = [item for item in found["output"] if item["type"] != "reasoning"]
    assert [item["status"] for item in items] == STATUS.get(name, ["completed"] * len(items))
    with openai_client(dumped(found)) as client:
        read = client.responses.create(model="m", input="Hello")
    assert read.output_text == (MESSAGES[name][1].get("content") or "")
    refused = [part["refusal"] for item in items for part in item.get("content", ()) if part["type"] == "refusal"]
    assert "".join(refused) == MESSAGES[name][1].get("refusal", "")


def test_calls_come_back_under_the_names_that_their_caller_knows() -> None:
    items = whole("calls")["output"]
    kinds = ["message", "function_call", "function_call", "custom_tool_call", "tool_search_call"]
    assert [item["type"] for item in items] == kinds
    assert (items[2]["namespace"], items[2]["name"]) == ("agents", "close")
    assert (items[3]["name"], items[3]["input"]) == ("apply_patch", "*** é")
    body = dumped(completion("tool_calls", tool_calls=[call("c", "apply_patch", "{}")]))
    with pytest.raises(UnsayableError, match="without its input"):
        SURFACE.whole(asked(tools=TOOLS), Reply(body, None), "d")


def test_a_signed_thought_makes_the_round_trip() -> None:
    item, _ = whole("thought")["output"]
    assert item["summary"] == [{"type": "summary_text", "text": "Hm."}]
    message = told(asked(input=[user("a"), item, {"role": "assistant", "content": "Yes."}, user("b")]))["messages"][1]
    assert message == {"role": "assistant", "content": "Yes.", **THOUGHT}
    changed = item["encrypted_content"][:9] + "!" + item["encrypted_content"][9:]  # a letter that base64 has not
    for spoilt in ("dtr1.", "dtr1.!", "dtr1." + urlsafe_b64encode(b"[]").decode(), changed):
        with pytest.raises(Refusal):
            asked(input=[user("a"), {**item, "encrypted_content": spoilt}, user("b")])


# -- streams ----------------------------------------------------------------------------------------------------------
def pieces(text: str, cuts: list[int]) -> list[str]:
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    return [text[a:b] for a, b in pairwise(edges)]


def chunks(name: str, cuts: list[int]) -> bytes:
    """The same message in chunks: its calls all at once, piece by piece."""
    finish, message = MESSAGES[name]
    deltas: list[Data] = [{"role": "assistant", "content": ""}]
    for member in ("reasoning_content", "reasoning_signature", "content", "refusal"):
        if text := message.get(member):
            deltas += [{member: piece} for piece in ([text] if "signature" in member else pieces(text, cuts))]
    calls = message.get("tool_calls", [])
    deltas += [
        {"tool_calls": [{"index": at, "id": one["id"], "function": {"name": one["function"]["name"]}}]}
        for at, one in enumerate(calls)
    ]
    for at, one in enumerate(calls):
        for piece in pieces(one["function"]["arguments"], cuts):
            deltas.append({"tool_calls": [{"index": at, "function": {"arguments": piece}}]})
    head = {"id": "chatcmpl-9", "created": 7}
    told = [{**head, "choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    told.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 2}}
    usage["completion_tokens_details"] = {"reasoning_tokens": 1}
    return b"".join(map(event, [*told, {**head, "choices": [], "usage": usage}]))


@pytest.mark.parametrize("name", MESSAGES)
@settings(deadline=None, derandomize=True, database=None, max_examples=20)
@given(st.lists(st.integers(0, 50), max_size=4), st.integers(0, 4000))
def test_a_stream_says_what_the_whole_response_says(name: str, cuts: list[int], cut: int) -> None:
    rendering, stream = SURFACE.streamed(asked(tools=TOOLS, stream=True), "d"), chunks(name, cuts)
    rendered = rendering.feed(stream[:cut]) + rendering.feed(stream[cut:]) + rendering.close()
    found = [json.loads(sse.data_of(one)) for one in sse.split(rendered)]
    assert [one["sequence_number"] for one in found] == list(range(len(found)))
    assert [one["type"] for one in found[:2]] == ["response.created", "response.in_progress"]
    last, expected = found[-1]["response"], whole(name)
    assert found[-1]["type"] == f"response.{expected['status']}"
    done = [one["item"] for one in found if one["type"] == "response.output_item.done"]
    assert last["output"] == done
    for item in [*done, *expected["output"]]:
        item.pop("id")
    assert done == expected["output"]
    assert {**last, "output": []} == {**expected, "output": []}


def test_openais_client_reads_the_stream() -> None:
    rendering = SURFACE.streamed(asked(tools=TOOLS, stream=True), "d")
    rendered = rendering.feed(chunks("calls", [3])) + rendering.close()
    with openai_client(rendered, stream=True) as client:
        events = list(client.responses.create(model="m", input="Hello", stream=True))
    assert events[-1].type == "response.completed"
    assert "".join(one.delta for one in events if one.type == "response.output_text.delta") == "Look:"


def test_a_stream_that_fails_ends_with_an_error_and_no_completion() -> None:
    rendering = SURFACE.streamed(asked(stream=True), "d")
    rendering.feed(event({"id": "c", "choices": [{"delta": {"content": "a"}}]}))
    failed = rendering.fail({"message": "gone", "code": "unavailable"})
    assert json.loads(sse.data_of(failed))["type"] == "error"
    with pytest.raises(UnsayableError):
        rendering.feed(b"data: {\n\n")
