"""Ids of calls of tools, as a provider takes them.

Other makers' models give ids with other signs (Kimi's ``functions.look:0``), which callers send back as they got them,
and Anthropic refuses a call that holds one.
Owns: telling such an id otherwise, in the call and in its result alike; in Anthropic's shape, all of a conversation's.
Not here: what a conversation may hold (``conversation``), and telling calls of one id apart (``bedrock/calls``).
"""

from __future__ import annotations

import re
from hashlib import blake2b

import msgspec

from detente.providers.raw_member import RawObject, raw_of, with_turns

MAX_ID = 64
"""Characters of an id."""
NO_ID = re.compile(r"[^a-zA-Z0-9_-]")
"""Signs that no id of Anthropic's has."""
_ODD = re.compile(rb'"(?:id|tool_use_id)"\s*:\s*"(?![a-zA-Z0-9_-]{0,%d}")' % MAX_ID)
_NAMED = {b'"tool_use"': "id", b'"tool_result"': "tool_use_id"}


def fitting(stated: str, others: re.Pattern[str]) -> str:
    """An id as a provider takes it: without others' signs, and no longer than it may be.

    One that is changed ends with a digest of the whole, so that no two become one.
    """
    told = others.sub("_", stated)
    if told == stated and len(stated) <= MAX_ID:
        return stated
    return f"{told[: MAX_ID - 9]}_{blake2b(stated.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"


def with_fitting_ids(messages: msgspec.Raw) -> msgspec.Raw:
    """The turns with ids that fit; the same object where all do.

    Where all do nothing is parsed: a text cannot look like a member, since its quotation marks are escaped.
    """
    if _ODD.search(bytes(messages)) is None:
        return messages
    return with_turns(messages, _fitted)


def _fitted(turn: RawObject) -> RawObject:
    content = bytes(turn.get("content", b""))
    if not content.startswith(b"[") or _ODD.search(content) is None:
        return turn
    blocks = msgspec.json.decode(content, type=list[RawObject])
    for block in blocks:
        name = _NAMED.get(bytes(block.get("type", b"")))
        if name in block:
            block[name] = raw_of(fitting(msgspec.json.decode(block[name], type=str), NO_ID))
    return {**turn, "content": raw_of(blocks)}
