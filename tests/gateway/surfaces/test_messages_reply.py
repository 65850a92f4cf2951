"""Chat completions as Anthropic's messages: the corpus, read by Anthropic's own client; and errors."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from anthropic.types import Message
from hypothesis import given
from hypothesis import strategies as st

from detente.gateway.surfaces.surface import UnsayableError
from detente.providers.wire import Reply
from tests.gateway.surfaces.corpora import (
    ANY_JSON,
    FUZZ,
    MESSAGES,
    anthropic_client,
    asked,
    corpus,
    dumped,
    shape,
    tokens,
)


def whole(chat: Any, counts: Any = (12, 5, 0, 0, 0), **changed: Any) -> bytes:
    return MESSAGES.whole(asked(**changed), Reply(dumped(chat), tokens(counts)), "a")


@pytest.mark.parametrize("name", corpus("messages_replies"))
def test_a_reply_becomes_a_message(name: str) -> None:
    expected = shape("messages_replies", name)
    found = whole(expected["chat"], expected["tokens"], stop_sequences=expected.get("stop"))
    assert json.loads(found) == expected["anthropic"]
    Message.model_validate(expected["anthropic"], strict=True)
    with anthropic_client(found) as client:
        read = client.messages.create(model="claude", max_tokens=100, messages=[{"role": "user", "content": "Hello"}])
    assert read.to_dict() == expected["anthropic"]


@pytest.mark.parametrize(
    ("stops", "at", "said"),
    [
        (["END"], "stop_sequence", ["stop_sequence", "END"]),
        (["END", "STOP"], "stop_sequence", ["stop_sequence", None]),
        (["END", "stop_sequence"], "stop_sequence", ["stop_sequence", "stop_sequence"]),
        (["END"], "other", ["end_turn", None]),
    ],
)
def test_a_stop_at_a_sequence_that_no_provider_names_is_said(stops: list[str], at: str, said: list[str | None]) -> None:
    chat = completion(content="One")
    chat["choices"][0] |= {"finish_reason": "stop", "stop_reason": at}
    found = json.loads(whole(chat, stop_sequences=stops))
    assert [found["stop_reason"], found["stop_sequence"]] == said


def completion(**message: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "model": "x", "choices": [{"message": message, "finish_reason": "tool_calls"}]}


@pytest.mark.parametrize(
    "chat",
    [
        [],
        {"choices": []},
        {"choices": [{"message": {"content": "a"}}, {"message": {"content": "b"}}]},
        {"choices": [{"message": {"content": ["a"]}}]},
        completion(tool_calls=[{"id": "a", "function": {"name": "b", "arguments": "{"}}]),
        completion(tool_calls=[{"id": "a", "function": {"name": "b", "arguments": "[1]"}}]),
        completion(tool_calls=[{"id": "a", "function": {"name": "b", "arguments": '{"a":1} {}'}}]),
        completion(tool_calls=[{"id": "a", "function": {"arguments": "{}"}}]),
    ],
)
def test_no_answer_is_better_than_a_wrong_one(chat: Any) -> None:
    with pytest.raises(UnsayableError) as caught:
        whole(chat)
    assert caught.value.failure.kind == "broken"
    assert caught.value.failure.status == 502


def test_a_message_has_an_id_of_its_own_where_the_completion_has_none() -> None:
    ids = {json.loads(whole({"choices": [{"message": {"content": "a"}}]}))["id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(found.startswith("msg_") for found in ids)


@FUZZ
@given(st.binary(max_size=100) | ANY_JSON.map(dumped) | st.builds(completion, tool_calls=ANY_JSON).map(dumped))
def test_any_reply_is_said_or_is_not(body: bytes) -> None:
    try:
        found = MESSAGES.whole(asked(), Reply(body, None), "a")
    except UnsayableError:
        return
    assert json.loads(found)["type"] == "message"


# -- errors ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "kind", "raised"),
    [
        (400, "invalid_request_error", anthropic.BadRequestError),
        (401, "authentication_error", anthropic.AuthenticationError),
        (403, "permission_error", anthropic.PermissionDeniedError),
        (404, "not_found_error", anthropic.NotFoundError),
        (405, "invalid_request_error", anthropic.APIStatusError),
        (413, "request_too_large", anthropic.APIStatusError),
        (429, "rate_limit_error", anthropic.RateLimitError),
        (500, "api_error", anthropic.InternalServerError),
        (502, "api_error", anthropic.InternalServerError),
        (503, "overloaded_error", anthropic.InternalServerError),
        (504, "timeout_error", anthropic.InternalServerError),
    ],
)
def test_an_error_is_the_one_that_anthropics_client_knows(
    status: int, kind: str, raised: type[anthropic.APIStatusError]
) -> None:
    error = {
        "message": "no",
        "type": "t",
        "param": None,
        "code": "c",
        "detente": {"clause": "eu-only", "text": "In the EU."},
    }
    with anthropic_client(MESSAGES.error(status, error), status) as client, pytest.raises(raised) as caught:
        client.messages.create(model="claude", max_tokens=100, messages=[{"role": "user", "content": "Hello"}])
    assert caught.value.body == {
        "type": "error",
        "error": {"type": kind, "message": "no", "detente": {"clause": "eu-only", "text": "In the EU."}},
    }


def test_an_error_says_which_member_is_wrong() -> None:
    body = json.loads(MESSAGES.error(400, {"message": "chat completions have no citations", "param": "messages[0]"}))
    assert body["error"]["message"] == "messages[0]: chat completions have no citations"
    said = json.loads(MESSAGES.error(400, {"message": "`top_k` is not supported", "param": "top_k"}))
    assert said["error"]["message"] == "`top_k` is not supported"
