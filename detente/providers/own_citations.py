"""Citations that the gateway made of what another provider cited, in a conversation that is sent back.

Owns: knowing them, and leaving them out: their text stays, and Anthropic takes back only citations that it made. Not
here: making them (``gateway/surfaces/citations``).
"""

from __future__ import annotations

from typing import Any

import msgspec

from detente.providers.raw_member import RawObject, with_turns
from detente.providers.unreadable import UNREADABLE

OWN_INDEX = ""
"""What stands for Anthropic's `encrypted_index`, which only Anthropic makes."""


def is_own(citation: msgspec.Raw) -> bool:
    """Whether a citation was made here."""
    try:
        found: Any = msgspec.json.decode(citation)
    except UNREADABLE:
        return False
    return isinstance(found, dict) and found.get("encrypted_index") == OWN_INDEX


def without_own_citations(messages: msgspec.Raw) -> msgspec.Raw:
    """The turns without them; as they came where they hold none."""
    return with_turns(messages, _without)


def _without(turn: RawObject) -> RawObject:
    content = bytes(turn.get("content", b""))
    if not content.startswith(b"[") or b'"encrypted_index"' not in content:
        return turn
    blocks = msgspec.json.decode(content, type=list[RawObject])
    for block in blocks:
        if bytes(block.get("citations", b"")).startswith(b"["):
            cited = msgspec.json.decode(block["citations"], type=list[msgspec.Raw])
            if len(kept := [one for one in cited if not is_own(one)]) < len(cited):
                del block["citations"]
                block |= {"citations": msgspec.Raw(msgspec.json.encode(kept))} if kept else {}
    return {**turn, "content": msgspec.Raw(msgspec.json.encode(blocks))}
