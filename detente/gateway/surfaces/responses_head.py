"""What the stream of a response has told of itself: its id, and how many events.

Owns: the first events of a response, that of an error, the number of the next, and the sign that it lives while nothing
comes. Clients that wait for events hear no comment, so that the sign is an event wherever the response has a name. Not
here: items and the end (``responses_events``, ``responses``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from detente.gateway.surfaces.responses_reply import own_id, shell
from detente.gateway.surfaces.surface import Asked, StreamHead
from detente.providers import sse
from detente.providers.wire import Members


class ResponseHead(StreamHead):
    """Of one call, whoever serves it.

    Parameters
    ----------
    asked
        What was asked for, as its caller said it.
    created
        When, in seconds since 1970.
    names
        Whether a response may have a name before anybody serves it: where it is not stored, or not by a provider.
    """

    def __init__(self, asked: Asked, created: int = 0, *, names: bool = False) -> None:
        super().__init__()
        self.asked, self.created = asked, created
        self.count = 0
        """How many events its caller was sent."""
        self.own = ""
        """What the ids of the response and its items are made of, where the gateway gives them."""
        self.added = False
        """Whether any of these events is none of its provider's."""
        self.over = False
        self._names = names
        self._told = b""
        """The response, in progress, as it was told last."""

    def keep_alive(self) -> bytes:
        """That it is in progress; a comment where it has no name yet, or is over."""
        if self.over or not (self._told or self._names):
            return super().keep_alive()
        if not self._told:
            self.added = True
            return self.begin(self.asked, own_id(None), self.created)
        self.added = True
        return self.say("in_progress", response=msgspec.Raw(self._told))

    def begin(self, asked: Asked, own: str, created: int) -> bytes:
        """The first events of a response to which the gateway gives its name."""
        self.own, self.created = own, created
        if asked.origin is None:
            asked = msgspec.structs.replace(asked, origin=asked.call)
        self.follow(msgspec.json.encode(shell(asked, own, created, [], None, None)))
        told = msgspec.Raw(self._told)
        return self.say("created", response=told) + self.say("in_progress", response=told)

    def follow(self, response: bytes) -> None:
        """Its provider told this of a response that is in progress."""
        self._told = response

    @property
    def id(self) -> str:
        """The id that its caller was told, where the gateway gave it; empty where none."""
        return self.asked.kept_as or f"resp_{self.own}" if self.own else ""

    def say(self, kind: str, **more: Any) -> bytes:
        """The next event."""
        name = f"response.{kind}"
        return sse.event(msgspec.json.encode({"type": name, "sequence_number": self.next(), **more}), name)

    def failed(self, error: Mapping[str, Any]) -> bytes:
        """OpenAI's event for an error; with the error object as well, which is what its client raises."""
        stated = {name: error.get(name) for name in ("code", "message", "param")}
        body = {"type": "error", **stated, "sequence_number": self.next(), "error": error}
        return sse.event(msgspec.json.encode(body), "error")

    def numbered(self, event: bytes) -> bytes:
        """An event of the gateway's own as the next."""
        members = msgspec.json.decode(sse.data_of(event), type=Members)
        members["sequence_number"] = msgspec.Raw(b"%d" % self.next())
        return sse.with_data(event, msgspec.json.encode(members))

    def next(self) -> int:
        """The number of the next event, which is sent with it."""
        self.count += 1
        return self.count - 1
