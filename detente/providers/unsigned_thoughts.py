"""Thoughts without a signature in a conversation of Anthropic's shape: those that another model had.

The gateway shows what other models think as `thinking` that nobody signed, and callers send a turn back as they got it.
Claude takes back only thoughts that a Claude signed, and refuses the whole call for one that is not.
Owns: leaving them out, and taking away signatures that nobody who is asked accepts. Not here: turns that then hold
nothing (``blanks``), and thoughts in a chat completion (``gateway/surfaces/messages_blocks``).
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from detente.providers.raw_member import RawObject, with_turns

_EMPTY = re.compile(rb'"signature"\s*:\s*(?:""|null)')
_SIGNED = re.compile(rb'"signature"\s*:\s*"[^"]')
_THOUGHT = re.compile(rb'"type"\s*:\s*"thinking"')
_THOUGHTS = (b'"thinking"', b'"redacted_thinking"')
_UNSIGNED: RawObject = {
    "type": msgspec.Raw(_THOUGHTS[0]),
    "thinking": msgspec.Raw(b'""'),
    "signature": msgspec.Raw(b'""'),
}


def without_unsigned(messages: msgspec.Raw) -> msgspec.Raw:
    """The turns without them; the same object where they hold none.

    Where each thought is signed nothing is parsed: a text cannot look like a member, since its quotation marks are
    escaped.
    """
    text = bytes(messages)
    if not _EMPTY.search(text) and len(_THOUGHT.findall(text)) <= len(_SIGNED.findall(text)):
        return messages
    return _with_blocks(messages, _signed)


def without_signatures(messages: msgspec.Raw) -> msgspec.Raw:
    """The turns with thoughts that nobody signed; the same object where they hold none.

    So each deployment leaves them out as it does those of models that sign nothing.
    """
    return _with_blocks(messages, _disowned)


def _with_blocks(messages: msgspec.Raw, change: Callable[[list[RawObject]], list[RawObject]]) -> msgspec.Raw:
    """The turns with other blocks; the same object where they are those that there were."""

    def changed(turn: RawObject) -> RawObject:
        content = bytes(turn.get("content", b""))
        if not content.startswith(b"["):
            return turn
        blocks = msgspec.json.decode(content, type=list[RawObject])
        told = change(blocks)
        return turn if told == blocks else {**turn, "content": msgspec.Raw(msgspec.json.encode(told))}

    return with_turns(messages, changed)


def _signed(blocks: list[RawObject]) -> list[RawObject]:
    return [block for block in blocks if not _is_unsigned(block)]


def _disowned(blocks: list[RawObject]) -> list[RawObject]:
    return [_UNSIGNED if bytes(block.get("type", b"")) in _THOUGHTS else block for block in blocks]


def _is_unsigned(block: RawObject) -> bool:
    kind, signature = (bytes(block.get(name, b'""')) for name in ("type", "signature"))
    return kind == b'"thinking"' and signature in (b'""', b"null")
