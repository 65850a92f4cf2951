"""System turns within a conversation, told to a Claude that takes none: as blocks of the user, in Claude's own words.

Not here: which Claude takes them (``claude``), and the same for Converse (``bedrock/turns``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from detente.providers.raw_member import raw_of, read_as

REMINDER = ("<system-reminder>\n", "\n</system-reminder>")
"""How a system turn is told to a Claude that takes none: in the words of Claude's own tools."""
_USER = b'"user"'
_RESULT = re.compile(rb'"type"\s*:\s*"tool_result"')


def told_by_user(raw: msgspec.Raw) -> msgspec.Raw:
    """System turns as blocks of the user's turn that they follow; turns of the user that follow each other are one.

    Results of tools come first in it, as Claude wants them after the calls.
    """
    told: list[dict[str, msgspec.Raw]] = []
    for turn in read_as(raw, list[dict[str, msgspec.Raw]], "messages") or []:
        if _role(turn) == b'"system"':
            turn = {"role": msgspec.Raw(_USER), "content": raw_of(_reminders(turn))}
        if told and _role(turn) == _role(told[-1]) == _USER:
            said = [*_blocks(told[-1].get("content")), *_blocks(turn.get("content"))]
            told[-1] = {**told[-1], "content": raw_of(sorted(said, key=lambda block: not _RESULT.search(block)))}
        else:
            told.append(turn)
    return raw_of(told)


def _role(turn: Mapping[str, msgspec.Raw]) -> bytes:
    return bytes(turn.get("role", b""))


def _reminders(turn: Mapping[str, msgspec.Raw]) -> list[Any]:
    found: list[Any] = []
    for block in _blocks(turn.get("content")):
        said = read_as(block, dict[str, Any], "messages")
        if isinstance(said.get("text"), str):
            found.append(said | {"text": f"{REMINDER[0]}{said['text']}{REMINDER[1]}"})
    return found


def _blocks(content: msgspec.Raw | None) -> list[msgspec.Raw]:
    """The blocks of a turn; a text is one."""
    if content is None or bytes(content)[:1] != b'"':
        return read_as(content, list[msgspec.Raw], "messages") or []
    text = read_as(content, str, "messages")
    return [raw_of({"type": "text", "text": text})] if text else []
