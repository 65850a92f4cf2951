"""What Bedrock's errors mean, by AWS's names for them and by status."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.providers.bedrock.failures import named
from detente.providers.wire import FAILS_OVER, Failure
from tests.providers.bedrock.making import wire
from tests.providers.bedrock.service import service
from tests.providers.bedrock.sketches import JSON


def failed(status: int, name: str = "", message: str = "", **headers: str) -> Failure:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if name:
        given["x-amzn-errortype"] = name
    return wire().failed(status, given, json.dumps({"message": message}).encode())


MEANING = {
    "AccessDeniedException": ("credential", 502),
    "InternalServerException": ("unavailable", 503),
    "ModelErrorException": ("unavailable", 503),
    "ModelNotReadyException": ("unavailable", 503),
    "ModelTimeoutException": ("timeout", 504),
    "ResourceNotFoundException": ("unavailable", 503),
    "ServiceQuotaExceededException": ("throttled", 429),
    "ServiceUnavailableException": ("unavailable", 503),
    "ThrottlingException": ("throttled", 429),
    "ValidationException": ("refused", 400),
}


def test_every_error_of_the_service_has_its_meaning() -> None:
    declared = {
        shape.name: shape.metadata["error"]["httpStatusCode"]
        for operation in ("Converse", "ConverseStream", "InvokeModel")
        for shape in service().operation_model(operation).error_shapes
    }
    for name, status in declared.items():
        found = failed(status, name, "What happened.")
        assert (found.kind, found.status) == MEANING[name], name
        assert found.error["code"] == name
    assert set(declared) == set(MEANING)


@pytest.mark.parametrize(
    "name",
    [
        "UnrecognizedClientException",
        "ExpiredTokenException",
        "ExpiredToken",
        "InvalidSignatureException",
        "IncompleteSignature",
        "MissingAuthenticationTokenException",
        "OptInRequired",
    ],
)
def test_what_is_wrong_with_our_credential_is_not_told_to_callers(name: str) -> None:
    said = "The Canonical String should have been 'POST x-amz-security-token:hunter2'"
    for status in (400, 403):
        found = failed(status, name, said)
        assert (found.kind, found.status, found.fails_over) == ("credential", 502, True)
        assert "hunter2" not in json.dumps(found.error)
        assert ("hunter2" in found.detail) == ("Signature" not in name)
        assert name in found.error["message"]


def test_names_come_in_a_header_or_a_body_with_what_aws_puts_around_them() -> None:
    uri = "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/"
    assert failed(400, uri).kind == "throttled"
    body = json.dumps({"__type": "com.amazon.coral.service#ExpiredTokenException", "Message": "x"}).encode()
    assert wire().failed(400, {}, body).kind == "credential"


def test_words_of_the_request_and_of_limits_are_passed_on() -> None:
    assert failed(400, "ValidationException", "Too long.").error["message"] == "Bedrock: Too long."
    found = failed(429, "ThrottlingException", "Too many tokens.", retry_after="2")
    assert found.error == {
        "message": "Bedrock: Too many tokens.",
        "type": "rate_limit_error",
        "param": None,
        "code": "ThrottlingException",
    }
    assert found.retry_after == 2
    assert len(failed(400, "ValidationException", "x" * 10_000).error["message"]) < 3000
    found = failed(404, "ResourceNotFoundException", "No model arn:aws:x.")
    assert found.error["message"] == "Bedrock did not serve the call (ResourceNotFoundException)"
    assert found.detail == "No model arn:aws:x."
    assert failed(403, message="Signed was hunter2").detail == "", "it may be of a signature"


@pytest.mark.parametrize(
    "message",
    [
        "The provided model identifier is invalid.",
        "Invocation of model ID x with on-demand throughput isn’t supported. Retry with an inference profile.",
    ],
)
def test_a_deployment_that_is_wrong_is_not_the_requests_fault(message: str) -> None:
    found = failed(400, "ValidationException", message)
    assert (found.kind, found.fails_over) == ("unavailable", True)


@pytest.mark.parametrize(
    ("status", "kind", "told"),
    [
        (400, "refused", 400),
        (401, "credential", 502),
        (403, "credential", 502),
        (404, "unavailable", 503),
        (408, "timeout", 504),
        (409, "unavailable", 503),
        (413, "refused", 413),
        (424, "unavailable", 503),
        (429, "throttled", 429),
        (500, "unavailable", 503),
        (504, "unavailable", 503),
        (302, "broken", 502),
    ],
)
def test_without_a_name_a_status_has_to_do(status: int, kind: str, told: int) -> None:
    for name in ("", "NobodyKnowsException"):
        found = failed(status, name)
        assert (found.kind, found.status) == (kind, told)
        assert found.fails_over == (kind in FAILS_OVER)


@given(
    st.integers(300, 599),
    st.text(max_size=30),
    st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()) | st.just(b"[" * 5000),
)
def test_any_reply_is_a_failure(status: int, name: str, body: bytes) -> None:
    found = wire().failed(status, {"x-amzn-errortype": name} if name else {}, body)
    error: Any = found.error
    assert set(error) == {"message", "type", "param", "code"}
    assert 400 <= found.status < 600


@pytest.mark.parametrize(
    ("name", "passing"),
    [
        ("internalServerException", True),
        ("serviceUnavailableException", True),
        ("resourceNotFoundException", False),
        ("throttlingException", False),
        ("validationException", False),
    ],
)
def test_a_5xx_inside_of_a_stream_may_pass_as_one_with_its_status_may(name: str, passing: bool) -> None:
    assert named(name, "no").passing is passing
