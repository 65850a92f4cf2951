"""Whether a reply says anything. One that does not, and gives no reason to have ended, is no answer.

Owns: looking for it, in any shape. Only a reply that gives no reason is looked through. Not here: reasons to finish.
"""

from __future__ import annotations

from typing import Any

import msgspec

from detente.providers.unreadable import UNREADABLE

_LABELS = frozenset({"type", "role", "id", "status", "index", "object"})
"""Members that say what something is, and nothing of what was made."""


def says_anything(said: bytes) -> bool:
    """Whether anything was made of what is said: a text, a call of a tool, a thought. ``said`` is JSON."""
    try:
        return _says(msgspec.json.decode(said))
    except UNREADABLE:
        return True  # what cannot be read is not nothing: whoever has to read it says what is wrong


def _says(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_says(part) for name, part in value.items() if name not in _LABELS)
    return any(map(_says, value)) if isinstance(value, list) else isinstance(value, str) and bool(value)
