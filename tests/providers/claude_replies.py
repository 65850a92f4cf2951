"""Whole replies of Anthropic's, and how a chat reads them."""

from __future__ import annotations

import json
from typing import Any

from tests.providers.bedrock.making import call
from tests.providers.test_claude import direct

Data = dict[str, Any]
HAIKU, OLD = "claude-haiku-4-5-20251001", "claude-3-haiku-20240307"
HELLO = [{"role": "user", "content": "Hi"}]
HEADERS = {"date": "Tue, 24 Nov 2026 20:00:00 GMT"}
USAGE = {"input_tokens": 10, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2, "output_tokens": 7}


def message(content: list[Data], stop: str = "end_turn", **more: Any) -> bytes:
    whole = {"id": "msg_1", "type": "message", "role": "assistant", "content": content, "stop_reason": stop, **more}
    return json.dumps({"usage": USAGE, **whole}).encode()


def whole(body: bytes) -> Any:
    return direct(HAIKU).decode(call({"messages": HELLO}), HEADERS, body)
