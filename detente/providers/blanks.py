"""Blank texts and turns of Anthropic's messages: they say nothing, and its API refuses a call that holds one.

Clients send them by themselves: the text beside a call of a tool, and the turn of a model that had nothing to say.
Owns: leaving them out. Not here: blanks in a chat completion (``bedrock/turns``, ``claude_chat``).
"""

from __future__ import annotations

import re

import msgspec

from detente.providers.unreadable import UNREADABLE

_BLANK = rb'"(?:[ \t\r\n]|\\[nrt]){0,80}"'
"""As far as a text is seen to be blank: a longer one is the provider's to judge."""
_SOME = re.compile(rb'"(?:text|content)"\s*:\s*(?:%b|\[\s*\])' % _BLANK)
_TEXT = re.compile(_BLANK)
_Object = dict[str, msgspec.Raw]


def without_blanks(messages: msgspec.Raw) -> msgspec.Raw:
    """The turns without blank texts, and without turns that hold nothing else.

    What is left of the last turn stays where it is a user's, though it be nothing: what was asked is the caller's to
    say. Where nothing is blank nothing is parsed: a text cannot look like a member, since its quotation marks are
    escaped.
    """
    if _SOME.search(bytes(messages)) is None:
        return messages
    try:
        turns = msgspec.json.decode(messages, type=list[_Object])
        told = [said for turn in turns if (said := _said(turn, last=turn is turns[-1])) is not None]
    except UNREADABLE:
        return messages  # the provider says what is wrong with it
    return messages if told == turns else msgspec.Raw(msgspec.json.encode(told))


def prompt_without_blanks(system: msgspec.Raw) -> msgspec.Raw | None:
    """A system prompt, a text or blocks, without blank texts; None where it says nothing."""
    given = bytes(system).strip()
    if not given.startswith(b"["):
        return None if _TEXT.fullmatch(given) else system
    if _SOME.search(given) is None:
        return system if given[1:-1].strip() else None
    try:
        blocks = msgspec.json.decode(given, type=list[_Object])
    except UNREADABLE:
        return system  # the provider says what is wrong with it
    kept = [block for block in blocks if not _says_nothing(block)]
    if len(kept) == len(blocks):
        return system
    return msgspec.Raw(msgspec.json.encode(kept)) if kept else None


def _said(turn: _Object, *, last: bool) -> _Object | None:
    content = bytes(turn.get("content", b""))
    mute = not last or bytes(turn.get("role", b"")) == b'"assistant"'
    if not content.startswith(b"["):
        return None if mute and _TEXT.fullmatch(content) else turn
    blocks = msgspec.json.decode(content, type=list[_Object])
    kept = [block for block in blocks if not _says_nothing(block)]
    if not kept:
        return None if mute else turn
    return turn if len(kept) == len(blocks) else {**turn, "content": msgspec.Raw(msgspec.json.encode(kept))}


def _says_nothing(block: _Object) -> bool:
    return bytes(block.get("type", b"")) == b'"text"' and _TEXT.fullmatch(bytes(block.get("text", b""))) is not None
