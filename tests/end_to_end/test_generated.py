"""Requests that schemathesis makes of OpenAI's spec: each is served, or refused in its shape; none is our defect."""

from __future__ import annotations

import gzip
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.end_to_end.serving import Gateway
from tests.end_to_end.wires import AZURE, CHAT, CLAUDE, COHERE, EMBEDDING, GPUS, NOVA, RESPONSES
from tests.sandbox.playing import PROTOCOL, specified
from tests.sandbox.published import OPENAI, mistakes, response

pytestmark = specified

SERVED = {"/chat/completions": "post", "/embeddings": "post", "/responses": "post", "/models": "get"}
MODELS = {"/chat/completions": CHAT, "/embeddings": (EMBEDDING, COHERE), "/responses": RESPONSES}
UNCHANGED = {"/chat/completions": {AZURE, GPUS}, "/embeddings": {EMBEDDING}, "/responses": {GPUS}}
"""Models whose replies pass through, from a provider that keeps to the same spec (Azure's responses have a spec of
their own)."""
EXAMPLES = {"/chat/completions": 40, "/embeddings": 60, "/responses": 120}
"""A body of chat takes long to generate."""
NEVER = {"background", "conversation", "previous_response_id", "prompt"}
"""Members that refuse nearly every generated body."""
FEW = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@cache
def operations() -> Any:
    """The served paths of the spec, as schemathesis reads it."""
    import schemathesis

    document = yaml.load(
        gzip.decompress((PROTOCOL / OPENAI).read_bytes()), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )
    paths = {path: {method: document["paths"][path][method]} for path, method in SERVED.items()}
    return schemathesis.openapi.from_dict({**document, "paths": paths})


def is_an_error(body: Any) -> bool:
    """Whether a body is an error of OpenAI's."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict) or not {"message", "type", "param", "code"} <= error.keys():
        return False
    texts = (error["message"], error["type"], error["param"] or "", error["code"] or "")
    return all(isinstance(text, str) for text in texts) and bool(error["message"])


@pytest.mark.parametrize("path", MODELS)
def test_no_request_of_the_spec_is_our_defect(wires: Gateway, path: str) -> None:
    headers = {"authorization": f"Bearer {wires.keys['everything']}"}
    statuses: set[int] = set()

    @settings(FEW, max_examples=EXAMPLES[path])
    @given(
        case=operations()[path]["POST"].as_strategy(),
        model=st.sampled_from([*MODELS[path], None]),
        plain=st.booleans(),
    )
    def ask(case: Any, model: str | None, plain: bool) -> None:
        if model is not None:
            case.body["model"] = model
        if plain:
            case.body = {name: value for name, value in case.body.items() if name not in NEVER}
        reply = case.call(base_url=f"{wires.address}/v1", headers=headers)
        statuses.add(reply.status_code)
        assert reply.status_code < 500, (case.body, reply.text)
        if reply.status_code != 200:
            assert is_an_error(reply.json()), reply.text
        elif case.body.get("stream"):
            assert reply.headers["content-type"] == ["text/event-stream; charset=utf-8"]
            assert reply.text.endswith("\n\n")
        elif model in UNCHANGED[path] and case.body.get("encoding_format") != "base64":  # the spec has numbers alone
            assert not mistakes(OPENAI, response(OPENAI, path), reply.json()), (case.body, reply.text)

    ask()
    assert 200 in statuses, "all that was generated is refused, which proves nothing"
    assert wires.page("/healthz") == (200, {"status": "alive"})


def test_models_are_listed_as_the_spec_says(wires: Gateway) -> None:
    case = operations()["/models"]["GET"].Case()
    reply = case.call(base_url=f"{wires.address}/v1", headers={"authorization": f"Bearer {wires.keys['everything']}"})
    assert reply.status_code == 200
    assert not mistakes(OPENAI, response(OPENAI, "/models", "get"), reply.json())
    assert {NOVA, CLAUDE} <= {model["id"] for model in reply.json()["data"]}
    stranger = case.call(base_url=f"{wires.address}/v1")
    assert stranger.status_code == 401
    assert is_an_error(stranger.json())
