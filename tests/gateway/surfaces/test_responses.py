"""OpenAI's responses: what is asked, where state is pinned, and that only ids change; OpenAI's client reads them."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.gateway.surfaces import responses_pin as pin
from detente.gateway.surfaces.responses import ResponsesSurface
from detente.gateway.surfaces.surface import Asked, UnsayableError
from detente.providers.wire import Refusal, Reply, failure
from tests.gateway.surfaces.corpora import (
    ANY_JSON,
    FUZZ,
    LAW,
    Data,
    corpus,
    dumped,
    events,
    openai_client,
    rendered,
    shape,
)

SURFACE = ResponsesSurface()
PLAIN = {"model": "gpt-x", "input": "Hello"}
SEALED = pin.seal("resp_before", "azure-eu")
STREAMS = [name for name in corpus("responses_streams") if "finish" in shape("responses_streams", name)]


def asked(**changed: Any) -> Asked:
    return SURFACE.ask(dumped(PLAIN | changed))


# -- asking ---------------------------------------------------------------------------------------------------------
def test_a_body_passes_through_as_it_was_written() -> None:
    body = (
        b'{"model":"gpt-x", "input":[{"role":"user","content":"H\\u00e9 "}],"temperature":0.70,"metadata":{"a" : "b"}}'
    )
    found = SURFACE.ask(body)
    assert {name: bytes(raw) for name, raw in found.call.members.items()} == {
        "model": b'"gpt-x"',
        "input": b'[{"role":"user","content":"H\\u00e9 "}]',
        "temperature": b"0.70",
        "metadata": b'{"a" : "b"}',
    }
    assert (found.model, found.call.operation, found.call.stream, found.pinned) == ("gpt-x", "responses", False, None)


PICTURE = {"role": "user", "content": [{"type": "input_image", "image_url": "https://example.com/a.png"}]}
SHOT = {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": "data:,"}]}


@pytest.mark.parametrize(
    ("changed", "needs"),
    [
        ({}, []),
        ({"stream": True}, ["streaming"]),
        ({"stream": False, "tools": [], "reasoning": None, "text": {}, "parallel_tool_calls": False}, []),
        ({"tools": [{"type": "function", "name": "f"}], "parallel_tool_calls": True}, ["parallel-tools", "tools"]),
        ({"text": {"format": {"type": "json_schema", "name": "a", "schema": {}}}}, ["structured-output"]),
        ({"text": {"format": {"type": "text"}, "verbosity": "low"}}, []),
        ({"reasoning": {"effort": "high"}}, ["reasoning"]),
        ({"reasoning": {"effort": "none"}}, []),
        ({"reasoning": {"summary": "auto"}}, []),
        ({"top_logprobs": 3}, ["logprobs"]),
        ({"input": [PICTURE]}, ["images"]),
        ({"input": [SHOT]}, ["images"]),
        ({"input": [{"role": "user", "content": 'Say "input_image".'}]}, []),
        ({"input": [{"role": "user", "content": "input_image"}]}, []),
        ({"input": [{"type": "computer_call_output", "output": {"type": "input_image"}}]}, []),
    ],
)
def test_what_a_call_needs(changed: Data, needs: list[str]) -> None:
    assert sorted(asked(**changed).needs) == needs


def test_tokens_are_estimated_from_what_is_told_and_may_be_made() -> None:
    assert 1000 < asked(instructions="word " * 800).tokens - asked().tokens < 1100
    assert asked(max_output_tokens=5000).tokens - asked(max_output_tokens=500).tokens == 4500


def test_state_is_pinned_to_its_deployment_under_the_providers_own_id() -> None:
    found = asked(previous_response_id=SEALED, input=[{"type": "item_reference", "id": "msg_1"}])
    assert found.pinned == "azure-eu"
    assert bytes(found.call.members["previous_response_id"]) == b'"resp_before"'


@pytest.mark.parametrize(
    ("changed", "param", "says"),
    [
        ({"model": None}, "model", "not text"),
        ({"model": 3}, "model", "not text"),
        ({"stream": "yes"}, "stream", "neither true nor false"),
        ({"background": True}, "background", "fetched later"),
        ({"conversation": "conv_1"}, "conversation", "previous_response_id"),
        ({"conversation": {"id": "conv_1"}}, "conversation", "previous_response_id"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt", "one provider"),
        ({"previous_response_id": "resp_before"}, "previous_response_id", "store: false"),
        ({"previous_response_id": SEALED[:-1]}, "previous_response_id", "is stored for this caller"),
        ({"previous_response_id": 5}, "previous_response_id", "expected `str"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input", "where the item is stored"),
        (
            {"prompt_cache_options": {"comparison_response_id": "resp_1"}},
            "prompt_cache_options.comparison_response_id",
            "one provider",
        ),
        ({"text": {"format": 5}}, "text", "cannot be read"),
        ({"max_output_tokens": "many"}, "max_output_tokens", "whole number"),
        ({"max_output_tokens": 10**400}, "max_output_tokens", "more than 2,147,483,647"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(changed: Data, param: str, says: str) -> None:
    with pytest.raises(Refusal) as caught:
        asked(**changed)
    assert caught.value.param == param
    assert says in caught.value.message


def test_what_says_nothing_is_not_refused() -> None:
    silent = {"background": False, "conversation": None, "prompt": None, "previous_response_id": None, "store": None}
    assert asked(**silent).pinned is None


@FUZZ
@given(
    st.binary(max_size=100)
    | ANY_JSON.map(dumped)
    | st.builds(
        lambda name, value: dumped(PLAIN | {name: value}), st.sampled_from(["input", "text", "tools"]), ANY_JSON
    )
    | st.builds(lambda value: dumped(PLAIN | {"input": [value, "input_image", {"type": "item_reference"}]}), ANY_JSON)
)
def test_any_input_is_refused_or_asked(body: bytes) -> None:
    said: Any
    try:
        said = SURFACE.ask(body).call.members
    except Refusal as refusal:
        said = refusal.failure.error
    assert isinstance(said, dict)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"input":' + b"[" * 100_000, b'{"model":"\xff"}'])
def test_what_is_no_request_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal):
        SURFACE.ask(body)


# -- answering ------------------------------------------------------------------------------------------------------
def response(name: str) -> Data:
    found: Data = shape("responses_streams", name)["events"][-1]["response"]
    return found


def resealed(value: Data) -> Data:
    """A response with the ids that a caller should see, and nothing else changed."""
    ids = {key: value[key] and pin.seal(value[key], "azure-eu") for key in ("id", "previous_response_id")}
    return {**value, **ids}


@pytest.mark.parametrize("name", STREAMS)
def test_a_whole_reply_changes_in_its_ids_alone_and_openais_client_reads_it(name: str) -> None:
    own = response(name)
    found = SURFACE.whole(asked(), Reply(dumped(own), None), "azure-eu")
    assert json.loads(found) == resealed(own)
    with openai_client(found) as client:
        read = client.responses.create(model="gpt-x", input="Hello")
    assert pin.open(read.id) == ("azure-eu", own["id"])
    assert read.output_text == shape("responses_streams", name)["text"]


def test_what_is_not_stored_is_not_sealed() -> None:
    body = dumped(response("text"))
    assert json.loads(SURFACE.whole(asked(store=False), Reply(body, None), "azure-eu")) == json.loads(body)
    stream = stream_of("text")
    assert events(rendered(SURFACE.streamed(asked(store=False), "azure-eu"), stream)) == events(stream)


def test_what_an_unstored_response_builds_on_is_named_as_the_caller_named_it() -> None:
    own = response("text") | {"previous_response_id": "resp_before"}
    found = SURFACE.whole(asked(store=False, previous_response_id=SEALED), Reply(dumped(own), None), "azure-eu")
    assert json.loads(found) == own | {"previous_response_id": SEALED}
    rendering = SURFACE.streamed(asked(store=False, stream=True, previous_response_id=SEALED), "azure-eu")
    ((_, event),) = events(rendered(rendering, event_of({"type": "response.completed", "response": own})))
    assert event["response"] == own | {"previous_response_id": SEALED}


def test_a_reply_builds_on_where_the_one_before_it_was_made() -> None:
    sealed = json.loads(SURFACE.whole(asked(), Reply(dumped(response("text")), None), "bedrock-eu"))["id"]
    assert asked(previous_response_id=sealed).pinned == "bedrock-eu"


@pytest.mark.parametrize("id_", [7, "", None, {}, 1.5, True, "x" * 2000], ids=lambda id_: str(id_)[:9])
def test_an_odd_id_of_a_response_spoils_neither_a_reply_nor_a_stream(id_: Any) -> None:
    """Of a number its digits are the id; on a response of another, or of none that fits, nothing can be built."""
    said = {"id": id_, "status": "completed", "output": [], "previous_response_id": id_}
    whole = msgspec.json.decode(SURFACE.whole(asked(), Reply(msgspec.json.encode(said), None), "azure-eu"))
    told = SURFACE.streamed(asked(stream=True), "azure-eu").feed(
        event_of({"type": "response.created", "response": said})
        + event_of({"type": "response.completed", "response": said})
    )
    ids = [whole["id"], *(event["response"]["id"] for _, event in events(told))]
    assert len(set(ids)) == 1
    if id_ == 7:
        assert pin.open(ids[0]) == ("azure-eu", "7")
        assert whole["previous_response_id"] == ids[0]
    else:
        assert whole["previous_response_id"] is None
        with pytest.raises(Refusal):
            asked(previous_response_id=ids[0])


@pytest.mark.parametrize("body", [b"", b"[]"])
def test_a_reply_that_cannot_be_read_is_not_said(body: bytes) -> None:
    with pytest.raises(UnsayableError):
        SURFACE.whole(asked(), Reply(body, None), "azure-eu")


def event_of(data: Data) -> bytes:
    return f"event: {data['type']}\n".encode() + b"data: " + msgspec.json.encode(data) + b"\n\n"


def stream_of(name: str) -> bytes:
    return b"".join(map(event_of, shape("responses_streams", name)["events"]))


@pytest.mark.parametrize("name", corpus("responses_streams"))
def test_a_stream_changes_in_its_ids_alone(name: str) -> None:
    own = shape("responses_streams", name)["events"]
    found = rendered(SURFACE.streamed(asked(stream=True), "azure-eu"), stream_of(name))
    expected = [e | {"response": resealed(e["response"])} if "response" in e else e for e in own]
    assert events(found) == [(e["type"], e) for e in expected]
    unread = [event_of(e) for e in own if "response" not in e]
    assert all(one in found for one in unread)  # to the byte


@pytest.mark.parametrize("name", STREAMS)
def test_openais_client_reads_a_stream(name: str) -> None:
    found = rendered(SURFACE.streamed(asked(stream=True), "azure-eu"), stream_of(name))
    with (
        openai_client(found, stream=True) as client,
        client.responses.create(model="gpt-x", input="Hello", stream=True) as reading,
    ):
        read = list(reading)
    assert [e.type for e in read] == [e["type"] for e in shape("responses_streams", name)["events"]]
    assert pin.open(read[0].response.id) == ("azure-eu", response(name)["id"])  # type: ignore[union-attr]
    if read[-1].type == "response.completed":
        with (
            openai_client(found, stream=True) as client,
            client.responses.stream(model="gpt-x", input="Hello") as whole,
        ):
            final = whole.get_final_response()
        assert final.output_text == shape("responses_streams", name)["text"]
        assert pin.open(final.id) == ("azure-eu", response(name)["id"])


@LAW
@given(st.sampled_from(STREAMS), st.data())
def test_any_split_of_a_stream_gives_the_same_events(name: str, data: st.DataObject) -> None:
    stream = stream_of(name)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    first, second = (SURFACE.streamed(asked(stream=True), "azure-eu") for _ in range(2))
    assert rendered(first, stream, cuts) == rendered(second, stream)


def test_a_failed_stream_raises_in_openais_client() -> None:
    made = SURFACE.streamed(asked(stream=True), "azure-eu")
    begun = made.feed(b"".join(map(event_of, shape("responses_streams", "text")["events"][:6])))
    failed = made.fail(failure("throttled", 429, "it broke").error)
    ((name, said),) = events(failed)
    assert (name, said["type"], said["sequence_number"], said["code"]) == ("error", "error", 6, "throttled")
    with openai_client(begun + failed, stream=True) as client, pytest.raises(openai.APIError, match="it broke"):
        list(client.responses.create(model="gpt-x", input="Hello", stream=True))


@pytest.mark.parametrize("stream", [b'data: {"response"\n\n', b'data: ["response"]\n\n'])
def test_a_stream_that_cannot_be_read_is_not_said(stream: bytes) -> None:
    with pytest.raises(UnsayableError):
        SURFACE.streamed(asked(stream=True), "azure-eu").feed(stream)


def test_an_error_is_openais() -> None:
    error = {
        "message": "no",
        "type": "invalid_request_error",
        "param": "model",
        "code": "c",
        "detente": {"clause": "eu"},
    }
    with openai_client(SURFACE.error(400, error), 400) as client, pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="gpt-x", input="Hello")
    assert caught.value.body == error


@pytest.mark.parametrize(
    ("unable", "member"),
    [("state", "previous_response_id"), ("images", "input"), ("structured-output", "text"), ("operation", "model")],
)
def test_what_a_deployment_cannot_do_has_the_name_of_its_member(unable: str, member: str) -> None:
    assert ResponsesSurface().member(unable) == member
    assert ResponsesSurface().member("seed") is None  # nobody asks for it here


# -- encrypted reasoning ----------------------------------------------------------------------------------------------
def thought(content: str) -> Data:
    return {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": content}


def test_encrypted_reasoning_names_its_maker_and_goes_back_to_it() -> None:
    own = response("text") | {"output": [thought("gAAA"), {"type": "message", "content": '"encrypted_content":"x"'}]}
    found = json.loads(SURFACE.whole(asked(store=False), Reply(dumped(own), None), "azure-4.1"))
    assert found["output"][0]["encrypted_content"] == "dte1~azure-4.1~gAAA"
    assert found["output"][1] == own["output"][1]
    back = asked(store=False, input=[*found["output"], {"role": "user", "content": "Go on"}])
    assert back.pinned == "azure-4.1"
    assert json.loads(bytes(back.call.members["input"]))[0] == thought("gAAA")
    assert back.call.left_out == ()


def test_encrypted_reasoning_in_a_stream_names_its_maker() -> None:
    event = b"event: response.output_item.done\ndata: " + dumped({"type": "x", "item": thought("gAAA")}) + b"\n\n"
    for store in (True, False):
        found = SURFACE.streamed(asked(stream=True, store=store), "azure-eu").feed(event)
        assert b"dte1~azure-eu~gAAA" in found


def test_reasoning_of_two_deployments_is_that_of_the_last() -> None:
    items = [thought("dte1~a~one"), {"role": "user", "content": "x"}, thought("dte1~b~two"), thought("foreign")]
    found = asked(store=False, input=items)
    assert (found.pinned, found.call.left_out) == ("b", ("reasoning",))
    assert json.loads(bytes(found.call.members["input"])) == [items[1], thought("two"), thought("foreign")]
    assert asked(store=False, input=[thought("foreign")]).pinned is None
    with pytest.raises(Refusal):
        asked(input={"a": [thought("dte1~a~one"), thought("dte1~b~two")]})
