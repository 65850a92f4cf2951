"""Responses that the gateway keeps: what is kept of a turn, and what is made of several."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from openai.types.responses import Response

from detente.gateway.surfaces.responses import ResponsesSurface
from detente.gateway.surfaces.responses_kept import PREFIX, continued, id_of, listed
from detente.gateway.surfaces.responses_request import as_chat
from detente.gateway.surfaces.stored import StoredSurface
from detente.gateway.surfaces.surface import AbsentError, Asked, KeptTurn
from detente.providers.wire import Refusal, Reply, Tokens
from tests.gateway.script import completion, delta
from tests.gateway.surfaces.corpora import dumped

SURFACE = ResponsesSurface()
FIRST = f"{PREFIX}00a"
CALL = {"id": "t1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}}


def asked(kept_as: str = FIRST, **body: Any) -> Asked:
    found = SURFACE.ask(dumped({"model": "m", "input": "Hello", **body}))
    return msgspec.structs.replace(found, kept_as=kept_as)


def turn(asked: Asked, message: dict[str, Any]) -> KeptTurn:
    spoken = as_chat(asked)
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = SURFACE.whole(spoken, Reply(json.dumps(completion(choices=[choice])).encode(), Tokens(10, 5)), "d")
    found = SURFACE.turn(spoken, body)
    assert found is not None
    return found


def messages(asked: Asked) -> Any:
    return json.loads(msgspec.json.encode(as_chat(asked).call.members["messages"]))


def test_a_turn_is_told_again_before_the_next_with_its_thoughts_and_without_its_instructions() -> None:
    said = {"role": "assistant", "content": "Hi", "reasoning_content": "Hm", "reasoning_signature": "s"}
    one = turn(asked(instructions="Be brief."), said)
    assert (one.id, one.previous) == (FIRST, "")
    next_ = asked(f"{PREFIX}00b", input="And?", previous_response_id=FIRST, instructions="Be kind.")
    found = SURFACE.recalled(next_, [one])
    assert messages(found) == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi", "reasoning_content": "Hm", "reasoning_signature": "s"},
        {"role": "user", "content": "And?"},
    ]
    assert found.prompt > next_.prompt


def test_the_result_of_a_tool_is_sent_alone() -> None:
    one = turn(asked(), {"role": "assistant", "content": None, "tool_calls": [CALL]})
    result = [{"type": "function_call_output", "call_id": "t1", "output": "7"}]
    found = SURFACE.recalled(asked(input=result, previous_response_id=FIRST), [one])
    assert messages(found)[1:] == [
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "t1", "content": "7"},
    ]


def test_of_a_later_turn_only_its_own_input_is_kept() -> None:
    one = turn(asked(), {"role": "assistant", "content": "Hi"})
    second = SURFACE.recalled(asked(input="And?", previous_response_id=FIRST), [one])
    two = turn(msgspec.structs.replace(second, kept_as=f"{PREFIX}00b"), {"role": "assistant", "content": "Well"})
    assert (two.id, two.previous, two.input) == (f"{PREFIX}00b", FIRST, b'"And?"')
    whole = Response.model_validate_json(two.response)
    assert (whole.id, whole.previous_response_id) == (f"{PREFIX}00b", FIRST)
    assert json.loads(two.response)["store"] is True
    third = SURFACE.recalled(asked(input="So?", previous_response_id=two.id), [one, two])
    assert [said["content"] for said in messages(third)] == ["Hello", "Hi", "And?", "Well", "So?"]


def test_a_stream_is_kept_as_the_whole_that_it_comes_to() -> None:
    spoken = as_chat(asked(stream=True))
    events = SURFACE.streamed(spoken, "d")
    told = events.feed(delta(content="Hi")) + events.feed(delta("stop")) + events.close()
    found = SURFACE.turn(spoken, events.whole())
    assert found is not None
    assert found.response in told
    assert bytes(continued([found], b"[]")).count(b'"Hi"') == 1


@pytest.mark.parametrize(("stated", "keeps"), [({}, True), ({"store": True}, True), ({"store": False}, False)])
def test_a_caller_may_say_that_nothing_is_kept(stated: dict[str, Any], keeps: bool) -> None:
    assert SURFACE.keeps(asked(**stated)) is keeps


def test_what_is_kept_no_longer_is_refused_with_the_remedy() -> None:
    with pytest.raises(Refusal, match="send the whole conversation") as refused:
        SURFACE.recalled(asked(previous_response_id=FIRST), [])
    assert refused.value.param == "previous_response_id"
    with pytest.raises(Refusal, match="`input` is not a list"):
        SURFACE.recalled(asked(input=5, previous_response_id=FIRST), [KeptTurn(FIRST, "", b"[]", b'{"output":[]}')])
    stored = StoredSurface(b"GET", f"/v1/responses/{FIRST}".encode(), b"")
    with pytest.raises(AbsentError):
        stored.recalled(stored.ask(b""), [])


def test_no_two_calls_share_an_id() -> None:
    assert id_of("req_12ab") != id_of("req_12ac")
    assert id_of("req_12ab").startswith(PREFIX)


def test_what_a_response_answered_is_listed_newest_first() -> None:
    one = turn(asked(), {"role": "assistant", "content": "Hi"})
    two = KeptTurn("b", FIRST, b'[{"role":"user","content":"And?","id":"mine"}]', b'{"output":[]}')
    page = json.loads(listed([one, two], {}))
    assert [(item["role"], item["content"][0]["text"]) for item in page["data"]] == [
        ("user", "And?"),
        ("assistant", "Hi"),
        ("user", "Hello"),
    ]
    assert (page["first_id"], page["has_more"]) == ("mine", False)
    assert json.loads(listed([one, two], {"order": "asc"}))["data"] == page["data"][::-1]


def test_items_are_listed_page_by_page() -> None:
    """24 items: by 20 where nothing is stated; each page goes on after the last of the one before."""
    items = [{"role": "user", "content": str(at), "id": f"i{at}"} for at in range(24)]
    turns = [KeptTurn(FIRST, "", json.dumps(items).encode(), b'{"output":[]}')]
    for limit, sizes in (({}, [20, 4]), ({"limit": "12"}, [12, 12]), ({"limit": "100"}, [24])):
        seen: list[str] = []
        for size in sizes:
            page = json.loads(listed(turns, {"order": "asc", **limit, **({"after": seen[-1]} if seen else {})}))
            seen += [item["id"] for item in page["data"]]
            assert (len(page["data"]), page["has_more"]) == (size, len(seen) < 24)
        assert seen == [item["id"] for item in items]


@pytest.mark.parametrize(
    ("query", "param"),
    [({"limit": limit}, "limit") for limit in ("0", "-1", "101", "1000", "a", "", "1.5", "٣")]
    + [({"after": "i7"}, "after"), ({"order": "up"}, "order")],
)
def test_a_page_that_there_is_not_is_refused(query: dict[str, str], param: str) -> None:
    turns = [KeptTurn(FIRST, "", b'"Hello"', b'{"output":[]}')]
    with pytest.raises(Refusal) as caught:
        listed(turns, query)
    assert caught.value.param == param


@pytest.mark.parametrize("empty", ["", None])
def test_an_item_whose_id_or_type_says_nothing_is_listed_with_both(empty: str | None) -> None:
    said = {"id": empty, "type": empty, "role": "user", "content": "Hello"}
    kept = KeptTurn(FIRST, "", json.dumps([said]).encode(), b"{}")
    (item,) = json.loads(listed([kept], {}))["data"]
    assert (item["id"], item["type"]) == ("item_0", "message")
