"""Parts of messages that are Anthropic's, in a chat completion: told by their place, with where they belong.

Owns: finding the first one. Not here: what a chat completion may hold (``turns``, ``content_parts``).
"""

from __future__ import annotations

from typing import Any

import msgspec

from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Refusal

REMEDIES = {
    "tool_use": "send it as one of `tool_calls`",
    "tool_result": "send it as a message of role `tool`",
    "thinking": "send it as `reasoning_content` and `reasoning_signature`",
    "redacted_thinking": "send it as `reasoning_redacted`",
    "image": "send it as `image_url`",
    "document": "send it as `file`",
}


def foreign_part(messages: bytes) -> Refusal | None:
    """The refusal of a part that is Anthropic's; None where there is none."""
    try:
        told: Any = msgspec.json.decode(messages)
    except UNREADABLE:
        return None
    for at, message in enumerate(told if isinstance(told, list) else ()):
        content = message.get("content") if isinstance(message, dict) else None
        for place, part in enumerate(content if isinstance(content, list) else ()):
            kind = part.get("type") if isinstance(part, dict) else None
            if isinstance(kind, str) and kind in REMEDIES:
                where = f"messages[{at}].content[{place}]"
                what = f"is a part `{kind}` of Anthropic's shape: ask on `/v1/messages`, or {REMEDIES[kind]}"
                return Refusal.of(where, what)
    return None
