"""What is Azure's own: its paths, headers, content filter and errors."""

from __future__ import annotations

import re
from typing import Any

import openai
import pytest
from openai import AzureOpenAI

from tests.sandbox.playing import Played, played
from tests.waiting import PATIENCE

LEGACY = "/openai/deployments/{}/chat/completions?api-version=2024-10-21"
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]
PLACE = ("azure", "swedencentral")


def client_of(sandbox: Played) -> AzureOpenAI:
    endpoint = sandbox.addresses.places[PLACE]
    return AzureOpenAI(azure_endpoint=endpoint, api_key="k", api_version="2024-10-21", max_retries=0, timeout=PATIENCE)


def test_headers(sandbox: Played) -> None:
    with client_of(sandbox) as client:
        raw = client.chat.completions.with_raw_response.create(model="mini", messages=HELLO)
        headers = raw.headers
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers["apim-request-id"])
        assert headers["x-request-id"] == raw.parse()._request_id
        assert headers["x-ms-region"] == "swedencentral"
        assert headers["x-ms-deployment-name"] == "mini"
        assert headers["x-ratelimit-limit-tokens"] == "3000000"
        assert int(headers["x-ratelimit-remaining-tokens"]) < 3_000_000
        assert headers["x-ratelimit-limit-requests"] == "18000"


def test_the_name_of_a_deployment_is_not_the_model(sandbox: Played) -> None:
    assert sandbox.call("ptu", LEGACY.format("mini-ptu"), {"messages": HELLO}).json["model"] == "mini"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (LEGACY.format("nothing"), 404, "DeploymentNotFound"),
        ("/openai/deployments/mini/chat/completions", 404, "404"),
        ("/openai/deployments/mini/responses?api-version=2024-10-21", 404, "404"),
        ("/openai/v2/chat/completions", 404, "404"),
        ("/v1/chat/completions", 404, "404"),
    ],
)
def test_paths_that_lead_nowhere(sandbox: Played, path: str, status: int, code: str) -> None:
    reply = sandbox.call("mini", path, {"model": "mini", "messages": HELLO})
    assert (reply.status, reply.json["error"]["code"]) == (status, code)


def test_a_prompt_that_offends_is_refused(sandbox: Played) -> None:
    with client_of(sandbox) as client:
        for stream in (False, True):
            offence: list[Any] = [{"role": "user", "content": "sandbox:filter"}]
            with pytest.raises(openai.BadRequestError) as error:
                client.chat.completions.create(model="mini", messages=offence, stream=stream)
            assert error.value.code == "content_filter"
            assert isinstance(error.value.body, dict)
            assert error.value.body["innererror"]["code"] == "ResponsibleAIPolicyViolation"


def test_a_reply_that_offends_breaks_off(sandbox: Played) -> None:
    body = {"messages": [{"role": "user", "content": "sandbox:filtered-reply"}]}
    (choice,) = sandbox.call("mini", LEGACY.format("mini"), body).json["choices"]
    assert choice["finish_reason"] == "content_filter"
    assert choice["content_filter_results"]["violence"]["filtered"]
    events = sandbox.call("mini", LEGACY.format("mini"), body | {"stream": True}).events
    assert events[-2]["choices"][0]["finish_reason"] == "content_filter"
    assert events[-1] == "[DONE]"


def test_a_stream_opens_without_choices(sandbox: Played) -> None:
    first, second, *_ = sandbox.call("mini", LEGACY.format("mini"), {"messages": HELLO, "stream": True}).events
    assert (first["choices"], first["id"]) == ([], "")
    assert first["prompt_filter_results"][0]["content_filter_results"]["jailbreak"]["detected"] is False
    assert second["choices"][0]["delta"]["role"] == "assistant"


def test_keys_and_tokens_expire_in_different_words() -> None:
    with played() as sandbox:
        path, body = LEGACY.format("mini"), {"messages": HELLO}
        sandbox.fault("mini", "expired-credential")
        by_key = sandbox.call("mini", path, body, headers={"api-key": "k"})
        by_token = sandbox.call("mini", path, body, headers={"authorization": "Bearer t"})
        assert by_key.status == by_token.status == 401
        assert by_key.json["error"]["code"] == "401"
        assert by_token.json["statusCode"] == 401


@pytest.mark.parametrize("headers", [{}, {"api-key": " "}, {"authorization": "Bearer "}, {"authorization": "Basic x"}])
def test_a_credential_is_needed(sandbox: Played, headers: dict[str, str]) -> None:
    assert sandbox.call("mini", LEGACY.format("mini"), {"messages": HELLO}, headers=headers).status == 401
