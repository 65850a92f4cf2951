"""Thoughts without a signature in a conversation of Anthropic's shape: those that another model had.

The gateway shows what other models think as `thinking` that nobody signed, and callers send a turn back as they got it.
Claude takes back only thoughts that a Claude signed, and refuses the whole call for one that is not.
Owns: leaving them out. Not here: turns that then hold nothing (``blanks``), and thoughts in a chat completion
(``gateway/surfaces/messages_blocks``).
"""

from __future__ import annotations

import re

import msgspec

from detente.providers.raw_member import RawObject, with_turns

_EMPTY = re.compile(rb'"signature"\s*:\s*(?:""|null)')
_SIGNED = re.compile(rb'"signature"\s*:\s*"[^"]')
_THOUGHT = re.compile(rb'"type"\s*:\s*"thinking"')


def without_unsigned(messages: msgspec.Raw) -> msgspec.Raw:
    """The turns without them; the same object where they hold none.

    Where each thought is signed nothing is parsed: a text cannot look like a member, since its quotation marks are
    escaped.
    """
    text = bytes(messages)
    if not _EMPTY.search(text) and len(_THOUGHT.findall(text)) <= len(_SIGNED.findall(text)):
        return messages
    return with_turns(messages, _without)


def _without(turn: RawObject) -> RawObject:
    content = bytes(turn.get("content", b""))
    if not content.startswith(b"["):
        return turn
    blocks = msgspec.json.decode(content, type=list[RawObject])
    kept = [block for block in blocks if not _is_unsigned(block)]
    return turn if len(kept) == len(blocks) else {**turn, "content": msgspec.Raw(msgspec.json.encode(kept))}


def _is_unsigned(block: RawObject) -> bool:
    kind, signature = (bytes(block.get(name, b'""')) for name in ("type", "signature"))
    return kind == b'"thinking"' and signature in (b'""', b"null")
