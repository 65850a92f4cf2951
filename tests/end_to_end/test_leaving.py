"""Callers that leave: their provider's call ends at once, and what they were given is recorded."""

from __future__ import annotations

from typing import Any

import pytest

from tests.end_to_end.clients import of_anthropic, of_openai
from tests.end_to_end.serving import Gateway
from tests.waiting import until

LONG: Any = [{"role": "user", "content": "sandbox:tokens=4000"}]
MODELS = {"gpt-4.1-mini": "azure-ptu-gpt-4.1-mini", "nova-pro": "aws-nova-pro"}


def ended(gateway: Gateway, deployment: str) -> dict[str, Any]:
    """The last call that the sandbox remembers of a deployment, once it is over."""
    until(lambda: gateway.calls(deployment)[-1]["outcome"] != "under way", "the provider goes on")
    return gateway.calls(deployment)[-1]


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_that_is_closed_stops_its_provider(enterprise: Gateway, model: str) -> None:
    asked: Any = {"model": model, "messages": LONG, "stream": True}
    with (
        of_openai(enterprise, "assistant") as client,
        client.chat.completions.with_streaming_response.create(**asked) as raw,
    ):
        events = iter(raw.parse())
        for _ in range(10):
            next(events)
    assert raw.headers["x-detente-deployment"] == MODELS[model]
    id_ = raw.headers["x-detente-request-id"]
    until(lambda: enterprise.tells_the_end(id_), "its end is not recorded")
    record = enterprise.record(id_)
    assert (record.outcome, record.deployment, record.usage, record.cost) == ("abandoned", MODELS[model], None, None)
    assert record.pieces >= 7
    call = ended(enterprise, MODELS[model])
    assert call["outcome"] == "abandoned"
    assert call["output"] < 1000


def test_a_message_that_is_closed_stops_its_provider(enterprise: Gateway) -> None:
    with (
        of_anthropic(enterprise, "assistant") as client,
        client.messages.stream(model="claude-haiku-4.5", max_tokens=4000, messages=LONG) as events,
    ):
        next(iter(events.text_stream))
        id_ = events.response.headers["x-detente-request-id"]
    until(lambda: enterprise.tells_the_end(id_), "its end is not recorded")
    assert enterprise.record(id_).outcome == "abandoned"
    assert ended(enterprise, "aws-claude-haiku-4.5")["outcome"] == "abandoned"
