"""The paths that callers ask, and what they ask there."""

from __future__ import annotations

from tests.builders import Data
from tests.gateway.caller import HELLO

CHAT, EMBEDDINGS, RESPONSES, MESSAGES = "/v1/chat/completions", "/v1/embeddings", "/v1/responses", "/v1/messages"
BODIES: dict[str, Data] = {
    CHAT: HELLO,
    EMBEDDINGS: {"model": "m", "input": "hi"},
    RESPONSES: {"model": "m", "input": "hi", "store": False},
    MESSAGES: {**HELLO, "max_tokens": 9},
}
