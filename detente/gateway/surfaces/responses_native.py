"""Streams of responses that pass through, and the ids in them.

Owns: that each id of a stored response says where that is, the model's name in a stream, and that one which another
deployment goes on with stays one. Not here: how its rest follows (``responses_rest``), what events mean
(``providers/responses_stream``), and streams that are translated (``responses_events``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from detente.gateway.surfaces import encrypted_reasoning as encrypted
from detente.gateway.surfaces import responses_pin as pin
from detente.gateway.surfaces.naming import text_of
from detente.gateway.surfaces.responses_head import ResponseHead
from detente.gateway.surfaces.responses_rest import ResponsePlace, ResponseRest
from detente.gateway.surfaces.surface import Asked, BlockPlace, Rendering, UnsayableError
from detente.providers import sse
from detente.providers.quoted import quoted
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Members

_RESPONSE = quoted("response")
IDS = ("id", "previous_response_id")
"""Members of a response that name stored ones."""


def sealed(response: Members, deployment: str, workload: str, names: Sequence[str] = IDS) -> Members:
    """A response with its ids sealed, in place; every other member stays as it was written.

    An odd id spoils no reply: nothing can be built on a response that has one.
    """
    for name in names:
        if name in response:
            told = _sealed(response[name], deployment, workload)
            if told is None and name == "id":
                told = pin.unnamed(bytes(response[name]))
            response[name] = msgspec.Raw(msgspec.json.encode(told))
    return response


def _sealed(stated: msgspec.Raw, deployment: str, workload: str) -> str | None:
    """An id, sealed; None of null, and of what is none."""
    try:
        own = msgspec.json.decode(stated, type=str | int | None)
        return None if own is None else pin.seal(str(own), deployment, workload)
    except (*UNREADABLE, pin.UnknownIdError):
        return None


_FIRST = frozenset({b'"response.created"', b'"response.queued"', b'"response.in_progress"'})
"""Events that hold a response of which nothing has come."""


class ResponsesRendering(Rendering):
    """Seals the ids in a stream, where anything is stored, and names the model as it was asked for."""

    def __init__(self, deployment: str, workload: str, head: ResponseHead, names: Sequence[str], model: str) -> None:
        self._where = (deployment, workload, names)
        self._head = head
        self._model = msgspec.Raw(text_of(model))
        self._events = sse.Events()
        self._rest: ResponseRest | None = None

    def feed(self, data: bytes) -> bytes:
        """The same events; those that hold a response, with its ids sealed. Raises ``UnsayableError``."""
        block = encrypted.sealed(self._events.block(data), self._where[0])
        if self._head.added:
            return b"".join([self._numbered(event) for event in sse.split(block)])
        self._head.count += block.count(b"\n\n")
        if not _RESPONSE(block):
            return block
        return b"".join([self._event(event) if _RESPONSE(event) else event for event in sse.split(block)])

    def _numbered(self, event: bytes) -> bytes:
        """An event after one of the gateway's own, by which all later ones have other numbers."""
        if not (data := sse.data_of(event)):
            return event  # a comment
        try:
            members = msgspec.json.decode(data, type=Members)
            if (self._head.own or self._rest) and bytes(members.get("type", b"")) in _FIRST:
                return b""  # its caller has been told the same
            if self._rest is not None:
                return b"".join([self._own(told) for told in self._rest.told(data)])
            members = self._told(members) or members
        except UNREADABLE:
            raise UnsayableError("the provider sent an event that cannot be read") from None
        members["sequence_number"] = msgspec.Raw(b"%d" % self._head.next())
        return sse.with_data(event, msgspec.json.encode(members))

    def _own(self, members: Members) -> bytes:
        """An event that is not as its provider sent it, as the next."""
        members = self._told(members) or members
        members["sequence_number"] = msgspec.Raw(b"%d" % self._head.next())
        return sse.event(msgspec.json.encode(members), msgspec.json.decode(members["type"], type=str))

    def goes_on(self, asked: Asked, deployment: str, place: BlockPlace) -> None:
        """Its items follow those of before; a text goes on within the part that is open."""
        if not isinstance(place, ResponsePlace):
            return
        _, workload, names = self._where
        self._where = (deployment, workload, [name for name in names if name != "id"])  # it keeps the one that was told
        self._model = msgspec.Raw(text_of(asked.shown_model()))
        self._head.added, self._head.count = True, max(self._head.count, place.next)
        self._rest = ResponseRest(place, stored="id" in names)

    def next(self, shown: bytes) -> bytes:
        """The same with the numbers that come next."""
        return b"".join([self._head.numbered(event) for event in sse.split(shown)])

    def _event(self, event: bytes) -> bytes:
        """An event whose response has its ids sealed, and the model's name; its other lines stay."""
        try:
            members = self._told(msgspec.json.decode(sse.data_of(event), type=Members))
        except UNREADABLE:
            raise UnsayableError("the provider sent an event that cannot be read") from None
        if members is None:  # the word stood in a text
            return event
        return sse.with_data(event, msgspec.json.encode(members))

    def _told(self, members: Members) -> Members | None:
        """The members of an event, as the caller is to see its response; None where it holds none."""
        response = msgspec.json.decode(members.get("response", b"null"), type=Members | None)
        if response is None:
            return None
        response["model"] = self._model
        response = sealed(response, *self._where)
        if self._head.own:
            response["id"] = msgspec.Raw(msgspec.json.encode(self._head.id))
        members["response"] = msgspec.Raw(msgspec.json.encode(response))
        if bytes(members.get("type", b"")) in _FIRST:
            self._head.follow(bytes(members["response"]))
        return members

    def close(self) -> bytes:
        """Nothing: a response says itself that it is complete."""
        self._head.over = True
        return b""

    def fail(self, error: Mapping[str, Any]) -> bytes:
        """OpenAI's event for an error."""
        return self._head.failed(error)
