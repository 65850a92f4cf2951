"""What an error of OpenAI's means where no status stands beside it, in the words of those who write it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.providers.anthropic_error import read_failure
from detente.providers.chat_stream import ChatDecoder
from detente.providers.error_object import error_of, failure_of
from detente.providers.responses_stream import ResponsesDecoder
from detente.providers.wire import Failure
from tests.gateway.script import event

VLLM = {"object": "error", "message": "no", "type": "BadRequestError", "param": None, "code": 400}
WITHIN: list[tuple[Any, str, int]] = [
    (VLLM, "refused", 400),
    ({"message": "no", "type": "invalid_request_error", "param": "tools", "code": None}, "refused", 400),
    ({"message": "no", "type": "BadRequestError"}, "refused", 400),
    ({"message": "no", "code": 422}, "refused", 422),
    ({"message": "no", "type": "rate_limit_error"}, "throttled", 429),
    ({"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED"}, "throttled", 429),
    ({"message": "no", "type": "insufficient_quota", "code": "429"}, "exhausted", 502),
    ({"message": "no", "code": 402}, "exhausted", 502),
    ({"message": "no", "code": "401"}, "credential", 502),
    ({"message": "no", "type": "invalid_request_error", "code": "invalid_api_key"}, "credential", 502),
    ({"message": "no", "type": "overloaded_error"}, "unavailable", 503),
    ({"message": "no", "code": 502}, "unavailable", 503),
    ({"message": "no", "code": 1302}, "unavailable", 503),  # a number of its own
    ({"message": "this exceeds the context of 10", "type": "odd"}, "too-long", 400),
    ({"message": "no", "code": "model_not_found"}, "unavailable", 503),
    ({"message": "no", "code": "previous_response_not_found"}, "refused", 404),
    ("no", "unavailable", 503),
    (None, "unavailable", 503),
    ([], "unavailable", 503),
]


@pytest.mark.parametrize(("error", "kind", "told"), WITHIN, ids=str)
def test_what_an_error_says_by_itself(error: Any, kind: str, told: int) -> None:
    found = failure_of(error)
    assert (found.kind, found.status) == (kind, told)
    if kind in ("refused", "too-long"):  # of the request: its caller is told what is wrong with it
        assert found.error["message"] == error["message"]
    else:
        assert found.error["message"].startswith("the provider ended its reply with an error")


@pytest.mark.parametrize("decoder", [lambda: ChatDecoder(False), ResponsesDecoder])
@pytest.mark.parametrize("error", [said for said, _, _ in WITHIN if said], ids=str)
def test_it_is_the_same_in_a_stream_of_either_shape(decoder: Any, error: Any) -> None:
    assert decoder().feed(event({"error": error})).failure == failure_of(error)


OURS: list[tuple[Any, str, int]] = [
    ({"error": {"message": "no", "type": "invalid_request_error", "code": "invalid_api_key"}}, "credential", 502),
    (
        {"code": "Client specified an invalid argument", "error": "Incorrect API key provided: s***g."},
        "credential",
        502,
    ),
    ({"code": "Client specified an invalid argument", "error": "Incorrect%20API%20key%20provided"}, "credential", 502),
    ([{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}], "credential", 502),
    ([{"error": {"code": 400, "message": "API key expired. Please renew the API key."}}], "credential", 502),
    ({"error": {"code": "unsupported_country_region_territory", "message": "no"}}, "credential", 502),
    ({"error": {"code": "OperationNotSupported", "message": "no"}}, "unavailable", 503),
    ({"error": {"code": "x", "message": "the tool's input is an invalid API key"}}, "refused", 400),
]


@pytest.mark.parametrize(("body", "kind", "told"), OURS, ids=str)
def test_what_is_ours_is_not_the_caller_s_whatever_the_status(body: Any, kind: str, told: int) -> None:
    """xAI and Google answer a key that they do not accept with 400, and so does Azure what a model cannot do."""
    found = failure_of(error_of(json.dumps(body).encode()), 400)
    assert (found.kind, found.status) == (kind, told)


def test_one_in_a_list_is_as_well_one() -> None:
    """Google's compatible endpoint wraps it so."""
    error = {"code": 400, "message": "Please use a valid role: user, model.", "status": "INVALID_ARGUMENT"}
    found = failure_of(error_of(json.dumps([{"error": error}]).encode()), 400)
    assert (found.kind, found.error["message"]) == ("refused", error["message"])


EXTRA = {"type": "extra_forbidden", "loc": ["body", "messages", 0, "foo"], "msg": "Extra inputs\nare not permitted"}
TOLD = "`messages[0].foo`: Extra inputs are not permitted"
DETAILED: list[tuple[Any, str, str | None]] = [
    ({"detail": [{**EXTRA, "input": "what the caller wrote"}]}, TOLD, "messages[0].foo"),
    ({"detail": [EXTRA, {"loc": ["body"], "msg": "b"}, "c", 7]}, f"{TOLD}; b; c", "messages[0].foo"),
    ({"object": "error", "message": {"detail": [EXTRA]}, "type": "invalid_request_error"}, TOLD, "messages[0].foo"),
    ({"error": {"message": {"detail": "no foo"}}}, "no foo", None),
    ({"error": None, "detail": "no foo"}, "no foo", None),
    ({"detail": "no\tfoo\x00"}, "no foo", None),
    ("no foo\r\nat all\n", "no foo at all", None),
    ("x" * 3000, "x" * 2000, None),
]
UNTOLD: list[Any] = [
    "<html>no foo</html>",
    '{"detail": "no f',
    " \n",
    {"detail": []},
    {"detail": {"detail": {"detail": "x"}}},
]


def bytes_of(said: Any) -> bytes:
    return said.encode() if isinstance(said, str) else json.dumps(said).encode()


@pytest.mark.parametrize(("said", "message", "param"), DETAILED, ids=range(len(DETAILED)))
def test_what_is_wrong_is_told_wherever_a_provider_says_it(said: Any, message: str, param: str | None) -> None:
    found = failure_of(error_of(bytes_of(said)), 422)
    assert (found.kind, found.status) == ("refused", 422)
    assert (found.error["message"], found.error["param"]) == (message, param)
    if not isinstance(said, dict) or not said.get("error"):  # where it is not of Anthropic's shape
        assert read_failure(422, bytes_of(said), None).error["message"] == message
    own = failure_of(error_of(bytes_of(said)), 401)  # what is ours is no caller's business
    assert own.kind == "credential"
    assert own.error["message"].startswith("the provider answered 401")


@pytest.mark.parametrize("said", UNTOLD, ids=range(len(UNTOLD)))
def test_markup_and_what_says_nothing_is_not_told(said: Any) -> None:
    assert error_of(bytes_of(said)) == {}
    assert failure_of(error_of(bytes_of(said)), 400).error["message"] == "the provider answered 400"


def test_reasoning_that_another_deployment_made_is_nobodys_mistake_here() -> None:
    found = failure_of({"message": "could not be verified", "code": "invalid_encrypted_content"}, 400)
    assert (found.kind, found.status, found.fails_over) == ("foreign", 400, False)
    assert (found.error["param"], found.error["code"]) == ("input", "invalid_encrypted_content")


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
ANY = st.recursive(PLAIN, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v, max_size=3))


@given(ANY | st.fixed_dictionaries({}, optional=dict.fromkeys(("message", "type", "code", "param"), ANY)))
def test_whatever_stands_there_means_something(error: Any) -> None:
    found = failure_of(error)
    assert isinstance(found, Failure)
    assert 400 <= found.status <= 599
    assert isinstance(found.error["message"], str)
    json.dumps(found.error)
