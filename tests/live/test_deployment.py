"""Deployments, and the credentials, faults and settings beside them: one entry each, as people write them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from detente.gateway.upstream.origin import parsed
from detente.live.credential import Credential
from detente.live.deployment import CompatibleDeployment, Deployment
from detente.live.fault import Fault
from detente.live.serving import Serving

Data = dict[str, Any]
READER: TypeAdapter[Any] = TypeAdapter(Deployment)
AZURE: Data = {"kind": "azure", "endpoint": "https://x.openai.azure.com", "credential": {"env": "KEY"}}
BEDROCK: Data = {"kind": "bedrock", "credential": {"aws": "default"}}
OTHER: Data = {"kind": "openai-compatible", "endpoint": "http://x.example/v1", "credential": {"file": "/run/key"}}


def read(given: Data, **more: Any) -> Any:
    return READER.validate_python({"id": "d", "offer": "o"} | given | more)


def refused(kind: Any, given: Data) -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(given)
    return str(caught.value)


def test_defaults() -> None:
    found = read(AZURE)
    assert (found.serves, found.lacks, found.regions, found.version) == (("chat",), (), (), None)
    assert read(BEDROCK).api is None
    assert read(BEDROCK).endpoint is None
    assert found.play.first_token == 0.02


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (AZURE | {"credential": {"aws": "default"}}, "is AWS's, and Azure takes a key"),
        (AZURE | {"version": "2024-10-21", "serves": ["responses"]}, "the legacy paths serve no responses"),
        (AZURE | {"version": "latest"}, "version"),
        (BEDROCK | {"credential": {"entra": True}}, "is Microsoft's, and Bedrock takes AWS's"),
        (BEDROCK | {"serves": ["responses"]}, "Converse serves no responses"),
        (BEDROCK | {"endpoint": "ftp://x.example"}, "is not an address"),
        (OTHER | {"credential": {"aws": "default"}}, "takes a key"),
        (OTHER | {"credential": {"entra": True}}, "takes a key"),
        (OTHER | {"lacks": ["telepathy"]}, "lacks"),
        (OTHER | {"serves": []}, "serves"),
        (OTHER | {"name": "a\r\nb"}, "name"),
    ],
)
def test_what_does_not_fit_is_refused(given: Data, message: str) -> None:
    assert message in refused(Deployment, {"id": "d", "offer": "o"} | given)


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("x.example/v1", "is not an address"),
        ("https://", "is not an address"),
        ("https:///path", "is not an address"),
        ("https://[::1", "is not an address"),
        ("https://a/b?c=d", "has a query or a fragment"),
        ("https://a/b#c", "has a query or a fragment"),
        ("https://a/b?", "has a query or a fragment"),
        ("https://a.example:0", "has no valid port"),
        ("https://a.example:99999", "has no valid port"),
        ("https://a.example:x", "has no valid port"),
        ("https://bücher.example", "a sign beyond ASCII"),
        ("https://a.example/a b", "holds a blank"),
        ("https://a.example/\r\nx: y", "holds a blank"),
    ],
)
def test_an_address_that_cannot_be_called_is_refused(endpoint: str, message: str) -> None:
    assert message in refused(Deployment, {"id": "d", "offer": "o"} | OTHER | {"endpoint": endpoint})


@pytest.mark.parametrize(
    "endpoint", ["https://user:hunter2@a.example", "https://hunter2@a.example", "https://:hunter2@a"]
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(endpoint: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(OTHER, endpoint=endpoint)
    (error,) = caught.value.errors(include_input=False, include_url=False)
    assert "holds a secret" in error["msg"]
    assert "hunter2" not in error["msg"]


HOSTS = st.sampled_from(
    ["a.example", "1.2.3.4", "[::1]", "a_b", "é", "", "a..b", "-", "[::1", "a:80", "a:0", "u@a", "%41"]
)
PATHS = st.one_of(st.sampled_from(["", "/", "/v1/", "?", "#", "/a?b", "/\t", "/ü"]), st.text(max_size=5))


@given(st.sampled_from(["http://", "https://", "HTTP://", "ftp://", ""]), HOSTS, PATHS)
def test_whatever_address_a_case_accepts_can_be_called(scheme: str, host: str, path: str) -> None:
    try:
        found = read(OTHER, endpoint=f"{scheme}{host}{path}")
    except ValidationError:
        return
    parsed(found.endpoint.rstrip("/"))


# -- credentials ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"env": "AZURE_KEY"}, "environment variable AZURE_KEY"),
        ({"file": "/run/secrets/key"}, "file /run/secrets/key"),
        ({"aws": "default"}, "AWS profile default"),
        ({"entra": True}, "Microsoft Entra ID"),
    ],
)
def test_a_credential_says_where_its_secret_is(given: Data, shown: str) -> None:
    assert str(Credential.model_validate(given)) == shown


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "found none of `env`, `file`, `aws` and `entra`"),
        ({"entra": False}, "found none of `env`, `file`, `aws` and `entra`"),
        ({"env": "A", "file": "b"}, "found `env` and `file` of `env`"),
        ({"env": "sk-abcdef"}, "is not the name of an environment variable"),
        ({"key": "sk-abcdef"}, "key"),
    ],
)
def test_a_credential_refers_to_one_secret(given: Data, message: str) -> None:
    assert message in refused(Credential, given)


# -- faults and settings ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"kind": "unavailable", "after": 3}, "strikes before any content; leave out `after:`"),
        ({"kind": "cut", "retry-after": "1 s"}, "has no time to wait"),
        ({"kind": "slow", "on": "d"}, "kind"),
        ({"kind": "down", "on": "a/b/c"}, "on"),
        ({"kind": "cut", "chance": "120%"}, "chance"),
    ],
)
def test_a_fault_that_cannot_be_played_is_refused(more: Data, message: str) -> None:
    assert message in refused(Fault, {"id": "f", "on": "d"} | more)


def test_a_fault_is_read() -> None:
    found = Fault.model_validate({"id": "f", "on": "north/dublin", "kind": "stall", "from": "10 s", "after": 2})
    assert (found.from_, found.after, found.silence) == (10.0, 2, 30.0)


def test_settings_are_read() -> None:
    found = Serving.model_validate({"deadlines": {"first-byte": "2500 ms"}, "body": 1000, "sync": "each"})
    assert (found.deadlines.first_byte, found.deadlines.total, found.body, found.headers) == (2.5, 600.0, 1000, True)


def test_a_deployment_s_model_and_name() -> None:
    found = read(OTHER, model="gpt-oss")
    assert isinstance(found, CompatibleDeployment)
    assert found.serves_model(None) == "gpt-oss"  # type: ignore[arg-type]  # its own, whatever the offer
    assert found.name_there(None) == "gpt-oss"  # type: ignore[arg-type]
    assert read(OTHER, model="gpt-oss", name="openai/gpt-oss").name_there(None) == "openai/gpt-oss"


@pytest.mark.parametrize(
    ("stated", "plain", "reasoning"),
    [
        ({}, (60.0, 60.0), (300.0, 300.0)),
        ({"first-byte": "10 s"}, (10.0, 60.0), (10.0, 60.0)),
        ({"first-byte": "10 s", "reasoning": "90 s"}, (10.0, 60.0), (90.0, 90.0)),
        ({"idle": "20 s"}, (60.0, 20.0), (300.0, 20.0)),
    ],
)
def test_how_long_a_stream_may_keep_its_reader_waiting(
    stated: dict[str, str], plain: tuple[float, float], reasoning: tuple[float, float]
) -> None:
    """(for its first content, between two pieces), without and with reasoning."""
    deadlines = Serving.model_validate({"deadlines": stated}).deadlines
    found = [(deadlines.first_content(reasons), deadlines.between(reasons)) for reasons in (False, True)]
    assert found == [plain, reasoning]
