"""Whole replies of Converse as chat completions: a corpus, a law, and replies that are none."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion

from detente.providers.bedrock.converse_reply import FINISH, created_of, id_of
from detente.providers.wire import Failure, Reply, Tokens
from tests.providers.bedrock.inverse import converse_reply
from tests.providers.bedrock.making import CLAUDE, HEADERS, call, cases, said, wire
from tests.providers.bedrock.service import check_reply, service
from tests.providers.bedrock.sketches import JSON, replies, spoiled

CORPUS = dict(cases("replies"))
CALL = call(said())


def decoded(body: Any) -> Reply | Failure:
    return wire().decode(CALL, HEADERS, body if isinstance(body, bytes) else json.dumps(body).encode())


def text(stop: str = "end_turn", **more: Any) -> dict[str, Any]:
    content = [{"text": "Hello"}]
    return {"output": {"message": {"role": "assistant", "content": content}}, "stopReason": stop, **more}


@pytest.mark.parametrize("name", CORPUS)
def test_shapes(name: str) -> None:
    case = CORPUS[name]
    check_reply("Converse", case["converse"])
    found = decoded(case["converse"])
    assert isinstance(found, Reply)
    assert json.loads(found.body) == case["openai"]
    assert found.tokens == Tokens(*case["tokens"])
    ChatCompletion.model_validate_json(found.body)


@settings(deadline=None)
@given(replies())
def test_what_both_sides_can_say_survives(reply: dict[str, Any]) -> None:
    check_reply("Converse", {**reply, "metrics": {"latencyMs": 1}})
    found = decoded(reply)
    assert isinstance(found, Reply)
    completion = ChatCompletion.model_validate_json(found.body)
    assert completion.choices[0].finish_reason == found.finish
    assert converse_reply(json.loads(found.body)) == reply


def test_every_reason_to_stop_of_the_service_is_known_or_is_a_failure() -> None:
    for reason in service().shape_for("StopReason").enum:
        found = decoded(text(reason))
        if reason.startswith("malformed_"):
            assert isinstance(found, Failure)
            assert found.kind == "unavailable"
        else:
            assert isinstance(found, Reply)
            assert found.finish == FINISH[reason]


@pytest.mark.parametrize("fields", [None, 5, {}, {"stop_sequence": None}, {"stop_sequence": ""}, {"stop_sequence": 5}])
def test_a_stop_at_a_sequence_that_is_not_named_is_still_said(fields: Any) -> None:
    found = decoded(text("stop_sequence", additionalModelResponseFields=fields))
    assert isinstance(found, Reply)
    assert json.loads(found.body)["choices"][0]["stop_reason"] == "stop_sequence"
    ended = decoded(text("end_turn", additionalModelResponseFields=fields))
    assert isinstance(ended, Reply)
    assert "stop_reason" not in json.loads(ended.body)["choices"][0]


def test_arguments_are_passed_on_to_the_byte() -> None:
    big = b'{ "n":123456789012345678901234567890.10,"s":"\\u00e9" }'
    body = json.dumps(text("tool_use")).encode()
    body = body.replace(b'{"text": "Hello"}', b'{"toolUse":{"toolUseId":"a","name":"b","input":' + big + b"}}")
    found = decoded(body)
    assert isinstance(found, Reply)
    (use,) = json.loads(found.body)["choices"][0]["message"]["tool_calls"]
    assert use["function"]["arguments"].encode() == big


def test_usage_that_is_not_said_is_unknown_and_never_zero() -> None:
    found = decoded(text())
    assert isinstance(found, Reply)
    assert found.tokens is None
    assert "usage" not in json.loads(found.body)


@given(st.text('0123456789:+-, TueNov/GMT()\\"', max_size=40))
def test_any_date_is_a_time_or_none(date: str) -> None:
    assert created_of({"date": date}) >= 0


def test_when_and_which() -> None:
    assert created_of(HEADERS) == 1_795_550_400
    for date in ("", "yesterday", "Tue, 99 Nov 2026 20:00:00 GMT", "Tue, 24 Nov 1950 20:00:00 GMT"):
        assert created_of({"date": date}) == 0
    assert id_of(HEADERS) == "chatcmpl-4e1d7a52"
    assert id_of({}) != id_of({})
    found = decoded(text())
    assert isinstance(found, Reply)
    assert json.loads(found.body)["model"] == CLAUDE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"{}",
        b"\xff",
        b"[" * 5000,
        {"output": {"message": {"content": [{"image": {}}]}}, "stopReason": "end_turn"},
        {"output": {"message": {"content": [{"citationsContent": {}}]}}, "stopReason": "end_turn"},
        {"output": {"message": {"content": [{"toolUse": {"name": "a"}}]}}, "stopReason": "end_turn"},
    ],
)
def test_what_cannot_be_read_is_broken(body: Any) -> None:
    found = decoded(body)
    assert isinstance(found, Failure)
    assert (found.kind, found.status) == ("broken", 502)
    assert found.fails_over


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_failure(body: bytes) -> None:
    assert isinstance(decoded(body), Failure)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(CORPUS)), st.lists(st.integers(0, 9), min_size=1, max_size=8), JSON)
def test_a_reply_with_one_part_replaced_is_read_or_broken(case: str, path: list[int], by: Any) -> None:
    found = decoded(spoiled(CORPUS[case]["converse"], path, by))
    if isinstance(found, Reply):
        told = ChatCompletion.model_validate_json(found.body).choices[0].finish_reason
        assert told == (found.finish if found.finish in FINISH.values() else "length")
    else:
        assert found.fails_over


@pytest.mark.parametrize(
    "usage",
    [
        {"inputTokens": -1, "outputTokens": 1},
        {"inputTokens": "many", "outputTokens": 1},
        {"inputTokens": 1},
        {"inputTokens": 10**30, "outputTokens": 1},
        [],
        "12 tokens",
    ],
)
def test_an_odd_usage_is_unknown_use_of_a_good_reply(usage: Any) -> None:
    found = decoded(text(usage=usage))
    assert isinstance(found, Reply)
    assert found.tokens is None
