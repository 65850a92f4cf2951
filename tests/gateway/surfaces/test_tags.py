"""Tags of a call, which change no answer: told where a provider logs them, else listed as left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from detente.providers.wire import Wire
from tests.gateway.surfaces import replies

TAGS = {"team": "search", "long": "x" * 257}
"""Bedrock's logs take 256 characters of a value."""


@pytest.mark.parametrize(
    ("who", "told"),
    [
        (replies.NOVA, {"requestMetadata": {"team": "search", "user": "u1"}}),
        (replies.CLAUDE, {"requestMetadata": {"team": "search", "user": "u1"}}),
        (replies.ANTHROPIC, {"metadata": {"user_id": "u1"}}),
        (replies.CHAT_ONLY, {"user": "u1"}),
    ],
    ids=["nova", "claude", "anthropic", "chat"],
)
def test_tags_of_a_response_go_where_they_are_logged(who: Wire, told: dict[str, Any]) -> None:
    _, said = replies.asked(replies.RESPONSES, who, metadata=TAGS, user="u1")
    sent = who.encode(said.call)
    body = json.loads(sent.body)
    assert {name: body[name] for name in ("requestMetadata", "metadata", "user") if name in body} == told
    assert {*said.call.left_out, *sent.left_out} == {"metadata"}
