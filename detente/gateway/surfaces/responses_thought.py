"""What a chat model thought, as an encrypted item of a response: its caller keeps it, and sends it back as it is.

Owns: packing a message's thoughts into ``encrypted_content`` and unpacking them. They are packed and not encrypted:
nobody but the model reads them, and whoever changes one is refused by the model that signed it. Not here: encrypted
reasoning of OpenAI's own models (``responses_pin``).
"""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Mapping
from typing import Any

import msgspec

PREFIX = "dtr1."
NAMES = ("reasoning_content", "reasoning_signature", "reasoning_redacted", "later_reasoning")
"""Of a chat message: what is packed."""


def packed(message: Mapping[str, Any]) -> str | None:
    """The thoughts of a message; None where there is nothing that its model wants back."""
    found = {name: message[name] for name in NAMES if message.get(name)}
    if not any(name in found for name in NAMES[1:]):
        return None
    return PREFIX + urlsafe_b64encode(msgspec.json.encode(found)).decode()


def unpacked(text: str) -> dict[str, Any] | None:
    """The thoughts, as members of a message; None of what was not packed here."""
    if not text.startswith(PREFIX):
        return None
    try:
        # Letters that base64 has not are no thought: passed over, they would leave another one than was packed.
        plain = b64decode(text.removeprefix(PREFIX), altchars=b"-_", validate=True)
        found = msgspec.json.decode(plain, type=dict[str, Any])
    except (Error, ValueError, RecursionError):
        return None
    return {name: value for name, value in found.items() if name in NAMES}
