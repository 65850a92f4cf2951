"""Signs that a response lives: events with one id and numbers in turn, whoever serves it; OpenAI's client reads on."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detente.gateway.surfaces.responses import ResponsesSurface
from detente.gateway.surfaces.responses_request import as_chat
from detente.gateway.surfaces.surface import Asked, StreamHead
from detente.providers import sse
from tests.gateway.surfaces.corpora import dumped, event, openai_client, shape
from tests.providers.making import compatible

SURFACE = ResponsesSurface()
COMMENT = b": keep-alive\n\n"
NATIVE, ONLY_CHAT = compatible(serves=["chat", "responses"]), compatible(serves=["chat"])
OWN: list[dict[str, Any]] = shape("responses_streams", "text")["events"]
TEXT: str = shape("responses_streams", "text")["text"]


def asked(**changed: Any) -> Asked:
    return SURFACE.ask(dumped({"model": "m", "input": "Hello", "stream": True, "store": False, **changed}))


def named(told: dict[str, Any]) -> bytes:
    return sse.event(dumped(told), told["type"])


def heard(stream: bytes) -> list[dict[str, Any]]:
    return [json.loads(data) for one in sse.split(stream) if (data := sse.data_of(one))]


def with_signs(call: Asked, head: StreamHead, before: int) -> bytes:
    """The provider's own stream, with a sign of life before so many of its events and before the next."""
    rendering = SURFACE.streamed(call, "azure-eu", head)
    told = b""
    for at, one in enumerate(OWN):
        told += head.keep_alive() if at in (before, before + 1) else b""
        told += rendering.feed(named(one))
    return told + rendering.close()


@pytest.mark.parametrize("before", range(len(OWN) - 1))
def test_a_response_that_passes_through_keeps_one_id_and_numbers_in_turn(before: int) -> None:
    call = asked()
    stream = with_signs(call, SURFACE.head(call, 7, [NATIVE]), before)
    found = heard(stream)
    assert b"keep-alive" not in stream
    assert [one["sequence_number"] for one in found] == list(range(len(found)))
    assert [one["type"] for one in found].count("response.created") == 1
    assert len({one["response"]["id"] for one in found if "response" in one}) == 1
    pieces = [one["delta"] for one in found if one["type"] == "response.output_text.delta"]
    assert "".join(pieces) == TEXT
    with openai_client(stream, stream=True) as client, client.responses.stream(model="m", input="Hello") as whole:
        assert whole.get_final_response().output_text == TEXT


def test_what_its_provider_stores_has_no_name_before_the_provider_gives_it_one() -> None:
    call = asked(store=True)
    head = SURFACE.head(call, 7, [ONLY_CHAT, NATIVE])
    assert head.keep_alive() == COMMENT
    stream = with_signs(call, head, 3)
    found = heard(stream)
    assert [one["type"] for one in found[3:5]] == ["response.in_progress", OWN[3]["type"]]
    assert [one["sequence_number"] for one in found] == list(range(len(found)))
    assert len({one["response"]["id"] for one in found if "response" in one}) == 1
    assert SURFACE.head(asked(previous_response_id=found[0]["response"]["id"]), 7, [NATIVE]).keep_alive() == COMMENT


def test_what_the_gateway_keeps_has_its_name_at_once() -> None:
    call = asked(store=True)
    assert heard(SURFACE.head(call, 7, [ONLY_CHAT]).keep_alive())[0]["response"]["created_at"] == 7


def test_a_failure_and_a_sign_after_the_end() -> None:
    call = asked(instructions="Be brief.")
    head = SURFACE.head(call, 7, [ONLY_CHAT])
    begun = heard(head.keep_alive())
    assert begun[0]["response"]["instructions"] == "Be brief."
    rendering = SURFACE.streamed(as_chat(call), "d", head)
    (failed,) = heard(rendering.fail({"message": "gone", "code": "unavailable"}))
    assert failed["sequence_number"] == 2
    rendering.feed(event({"id": "c", "choices": [{"delta": {"content": "a"}}]}))
    rendering.close()
    assert head.keep_alive() == COMMENT
