"""Whole requests against those that AWS's own client sends, and which interface a call takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import boto3
import botocore.auth
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from detente import providers
from detente.live.deployment import BedrockDeployment
from detente.providers.bedrock import BedrockWire
from detente.providers.bedrock.sigv4 import Keys, Signed, Signer
from tests.providers.bedrock.making import call, cases, said, wire
from tests.providers.bedrock.service import native, service

AT = 1_800_000_000
KEYS = Keys("AKIDEXAMPLE", "secret", "session")
CORPUS = dict(cases("requests"))


class Raw(BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    """boto3's client, with a list of what it would send (``sent``)."""
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: datetime.fromtimestamp(AT, UTC))
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    made: Any = boto3.client(
        "bedrock-runtime",
        region_name="eu-central-1",
        aws_access_key_id=KEYS.access,
        aws_secret_access_key=KEYS.secret,
        aws_session_token=KEYS.token,
    )
    made.sent = []

    def answer(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        made.sent.append(request)
        return AWSResponse(request.url, 200, {}, Raw(b"{}"))

    made.meta.events.register("before-send.bedrock-runtime", answer)
    return made


def header(request: Any, name: str) -> str:
    value = request.headers[name]
    return value.decode() if isinstance(value, bytes) else str(value)


def signed_alike(request: Any, target: str, headers: tuple[tuple[str, str], ...]) -> None:
    parts = urlsplit(request.url)
    assert parts.path == target
    ours = Signer(KEYS, "eu-central-1").headers(Signed("POST", parts.netloc, target, headers, request.body), AT)
    for name, value in ours:
        assert header(request, name) == value, name
    for name, value in headers:
        assert header(request, name) == value, name


@pytest.mark.parametrize("name", ["plain", "image", "tool-results", "schema", "metadata", "sampling", "profile-arn"])
@pytest.mark.parametrize("stream", [False, True])
def test_what_boto3_sends_for_the_same(client: Any, name: str, stream: bool) -> None:
    case = CORPUS[name]
    params = native(case["converse"], service().operation_model("Converse").input_shape)
    (client.converse_stream if stream else client.converse)(modelId=case["name"], **params)
    (request,) = client.sent
    out = wire(case["name"]).encode(call(case["openai"], stream=stream))
    assert request.url.startswith(wire(case["name"]).base + "/")
    assert json.loads(request.body) == json.loads(out.body)
    signed_alike(request, out.target, out.headers)


def test_what_boto3_sends_for_embeddings(client: Any) -> None:
    name = "amazon.titan-embed-text-v2:0"
    out = wire(name).encode(call({"model": "any", "input": "Hello", "user": "u-1"}, "embeddings"))
    headers = dict(out.headers)
    client.invoke_model(
        modelId=name,
        body=out.body,
        contentType=headers["content-type"],
        accept=headers["accept"],
        requestMetadata=headers["x-amzn-bedrock-request-metadata"],
    )
    (request,) = client.sent
    assert request.body == out.body
    signed_alike(request, out.target, out.headers)


def test_the_kind_of_a_deployment_names_its_wire() -> None:
    assert providers.WIRES["bedrock"] == f"{BedrockWire.__module__.rpartition('.')[0]}:{BedrockWire.__name__}"


def test_a_case_calls_the_model_of_an_arn() -> None:
    arn = "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abcdefghijkl"
    assert wire(arn).family.title == "this model"
    assert wire(arn, model="claude-sonnet-4.5").family.title == "Claude 4.5"


def test_the_openai_compatible_interface() -> None:
    there = wire("openai.gpt-oss-120b-1:0", api="openai", serves=["chat", "responses", "embeddings"])
    asked = call(said(logprobs=True, seed=5), stream=True)
    out = there.encode(asked)
    assert there.cannot(asked) is None
    assert out.target == "/openai/v1/chat/completions"
    body = json.loads(out.body)
    assert (body["model"], body["seed"], body["logprobs"]) == ("openai.gpt-oss-120b-1:0", 5, True)
    assert body["stream_options"] == {"include_usage": True}
    assert there.encode(call({"input": "Hi"}, "responses")).target == "/openai/v1/responses"
    assert there.failed(403, {"x-amzn-errortype": "ExpiredTokenException"}, b"{}").kind == "credential"
    assert there.failed(429, {}, b'{"error":{"message":"Slow down"}}').kind == "throttled"
    assert there.cannot(call({"input": "Hi"}, "embeddings")) is not None, "embeddings go by InvokeModel"


def test_declarations_are_bedrocks() -> None:
    with pytest.raises(AssertionError):
        _ = BedrockWire(object(), "x", "y").base  # type: ignore[arg-type]
    assert isinstance(wire().deployment, BedrockDeployment)
