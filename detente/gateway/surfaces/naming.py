"""The model's name in replies that pass through: the one that the caller asked for, whatever the provider calls it.

Owns: finding that one member and writing another name into it; no other byte changes where it stands at its usual
place. Not here: replies that are said in another shape, which are written under the asked name (``messages_reply``,
``responses_reply``).
"""

from __future__ import annotations

import re

import msgspec

from detente.gateway.surfaces.surface import UnsayableError
from detente.providers import sse
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Around, Members

_MEMBER = b'"model"'
_COLON = re.compile(rb"\s*:\s*")
_TEXT = rb'"(?:[^"\\]++|\\.)*+"'
_FLAT = rb"(?:" + _TEXT + rb"|[^\s\"{}\[\],]++)"
_NAME = re.compile(
    rb"\s*+\{\s*+(?:(?!\"model\")" + _TEXT + rb"\s*+:\s*+" + _FLAT + rb"\s*+,\s*+)*+\"model\"\s*+:\s*+(" + _FLAT + rb")"
)
"""A reply as far as its model's name, where no list and no object comes before it."""


def text_of(model: str) -> bytes:
    """A model's name as JSON text."""
    return msgspec.json.encode(model)


def renamed(reply: bytes, name: bytes, known: bytes = b"") -> bytes:
    """A JSON object under another model's name, given as JSON text. Raises ``UnsayableError``.

    ``known`` is the name that it has, where that was read before.
    """
    if known == name:
        return reply
    before, member, after = reply.partition(_MEMBER) if known else (b"", b"", b"")
    if member and _MEMBER not in after:  # it can be no other's: a text's quotation marks are escaped
        colon = _COLON.match(after)
        if colon is not None and after[(start := colon.end()) : (end := start + len(known))] == known:
            return b"".join((before, member, after[:start], name, after[end:]))
    found = _NAME.match(reply)
    if found is not None:
        return b"".join((reply[: found.start(1)], name, reply[found.end(1) :]))
    members = _members(reply)
    members["model"] = msgspec.Raw(name)
    return msgspec.json.encode(members)


def _members(reply: bytes) -> Members:
    try:
        return msgspec.json.decode(reply, type=Members)
    except UNREADABLE:
        raise UnsayableError("the provider's reply is not a JSON object") from None


class Renamed:
    """The events of one stream under another model's name.

    The member is remembered as its provider writes it: as long as each event holds it, none has to be read. A text
    cannot look like it: its quotation marks are escaped.
    """

    __slots__ = ("_name", "_said", "_told")

    def __init__(self, model: str) -> None:
        self._name = text_of(model)
        self._said = self._told = b""

    def block(self, block: bytes) -> bytes:
        """Whole events. Raises ``UnsayableError``."""
        if self._said and block.count(self._said) == block.count(b"\n\n"):
            return block.replace(self._said, self._told)
        return b"".join([self._event(event) for event in sse.split(block)])

    def begins(self, around: Around) -> bytes | None:
        """How events begin that have these bytes about their text, where the member stands in front of it alone."""
        before, said = around.before, self._said
        if not said or before.count(said) != 1 or around.behind.count(said):
            return None
        return before.replace(said, self._told)

    def _event(self, event: bytes) -> bytes:
        data = sse.data_of(event)
        if not data:
            return event  # a comment
        known = bytes(_members(data).get("model", b""))
        found = re.search(rb'("model"\s*:\s*)' + re.escape(known), data) if known else None
        if found is not None and data.count(b'"model"') == 1:
            self._said, self._told = found[0], found[1] + self._name
            return event.replace(self._said, self._told)
        self._said = b""
        return sse.with_data(event, renamed(data, self._name))
