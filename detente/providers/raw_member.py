"""Members of a request as they came: read as one kind of thing, and made of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Refusal


def raw_of(value: Any) -> msgspec.Raw:
    """A value as a member."""
    return msgspec.Raw(msgspec.json.encode(value))


RawObject = dict[str, msgspec.Raw]
"""An object whose members stay as they came."""


def with_turns(messages: msgspec.Raw, told: Callable[[RawObject], RawObject]) -> msgspec.Raw:
    """The turns of a conversation as they are told instead; the same object where none changes, or it cannot be read.

    Of what cannot be read the provider says what is wrong.
    """
    try:
        turns = msgspec.json.decode(messages, type=list[RawObject])
        found = [told(turn) for turn in turns]
    except UNREADABLE:
        return messages
    return messages if found == turns else raw_of(found)


def read_as(raw: msgspec.Raw | None, kind: Any, where: str) -> Any:
    """A member as one kind of thing; None where it is absent. Raises Refusal."""
    if raw is None:
        return None
    try:
        return msgspec.json.decode(raw, type=kind)
    except UNREADABLE as error:
        text = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Refusal(f"`{where}` cannot be read: {text[:1].lower()}{text[1:200]}", where) from None
