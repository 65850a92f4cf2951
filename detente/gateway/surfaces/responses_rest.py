"""The rest of a response that passes through, which another deployment goes on with: one response to its caller.

Owns: where its caller is within the items of a response, and what the events of who goes on become: its items follow
those of before, and its text goes on within the message that is open. Not here: numbers, ids and names of events
(``responses_native``), and what was said before (``serving/call/said_response``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from detente.gateway.surfaces.responses_reply import text_part
from detente.gateway.surfaces.surface import BlockPlace
from detente.providers.wire import Members

_PLACES = ("start_index", "end_index", "index")
"""Members of an annotation that count characters of its part."""


class OpenMessage(msgspec.Struct, frozen=True):
    """A message that is not over: its id, its place, its parts that are over, and the text of one that is not."""

    id: str
    at: int
    parts: Sequence[msgspec.Raw] = ()
    text: str | None = None

    def ended(self, status: str) -> tuple[list[Members], msgspec.Raw]:
        """(the events by which it ends, the message)."""
        where: dict[str, Any] = {"item_id": self.id, "output_index": self.at}
        parts, events = list(self.parts), []
        if self.text is not None:
            events += _text_ended(self.text, {**where, "content_index": len(parts)})
            parts.append(_raw(text_part(self.text)))
        item = {"id": self.id, "type": "message", "status": status, "role": "assistant", "content": parts}
        events.append(_event("response.output_item.done", output_index=self.at, item=item))
        return events, _raw(item)


class ResponsePlace(BlockPlace, frozen=True):
    """Where within a response its caller is."""

    next: int = 0
    """The number of the next event."""
    whole: Mapping[int, msgspec.Raw] = {}
    """The items that are over, by their places."""
    message: OpenMessage | None = None
    told: Mapping[str, msgspec.Raw] = {}
    """The response as it was told at its beginning."""


class _Item(msgspec.Struct):
    type: Any = ""


class _Place(msgspec.Struct):
    type: str = ""
    output_index: int | None = None
    content_index: int = 0
    item: _Item | None = None
    part: _Item | None = None


class ResponseRest:
    """A response of its own as the rest of another, of which a caller has the beginning.

    Parameters
    ----------
    place
        Where that caller is.
    stored
        Whether responses are stored: this one is not, since who began it and who ends it have a part of it each.
    """

    def __init__(self, place: ResponsePlace, *, stored: bool) -> None:
        self._told, self._stored = place.told, stored
        self._items = dict(place.whole)
        self._message = place.message
        self._next = place.begun
        self._places: dict[int, int] = {}
        """Of its own items, their places."""
        self._own: int | None = None
        """Which of them goes on with the message that is open."""

    def told(self, data: bytes) -> Iterator[Members]:
        """An event's data as events of the one response. Raises ``UNREADABLE``."""
        event, members = msgspec.json.decode(data, type=_Place), msgspec.json.decode(data, type=Members)
        if event.output_index is not None:
            yield from self._placed(event, event.output_index, members)
            return
        if "response" in members:
            if self._message is not None and self._own is None:
                events, self._items[self._message.at] = self._message.ended("completed")
                yield from events
                self._message = None
            members["response"] = self._whole(members["response"])
        yield members

    def _placed(self, event: _Place, own: int, members: Members) -> Iterator[Members]:
        """An event of one of its own items."""
        is_message = event.type.startswith(("response.output_text", "response.refusal", "response.content_part"))
        at = self._place_of(own, is_message if event.item is None else event.item.type == "message")
        members["output_index"] = _raw(at)
        if own != self._own or self._message is None:
            yield members
            return
        if event.type == "response.output_item.added":
            return  # its caller has been told of it
        if "item_id" in members:
            members["item_id"] = _raw(self._message.id)
        if "item" in members:
            members["item"] = self._joined_item(members["item"])
        if "content_index" in members:
            yield from self._within(event, members, self._message)
        else:
            yield members

    def _place_of(self, own: int, is_message: bool) -> int:
        """The place of one of its own items: its first message goes on with the one that is open."""
        if own not in self._places:
            if self._message is not None and self._own is None and is_message:
                self._own, self._places[own] = own, self._message.at
            else:
                self._places[own], self._next = self._next, self._next + 1
        return self._places[own]

    def _within(self, event: _Place, members: Members, message: OpenMessage) -> Iterator[Members]:
        """An event of a part of the message that was open."""
        goes_on = message.text is not None and event.content_index == 0
        if goes_on and event.type == "response.content_part.added":
            if event.part is not None and event.part.type == "output_text":
                if text := _text_of(members["part"]):
                    yield _delta(text, members, len(message.parts))
                return
            yield from self._part_ended(message)
            message, goes_on = self._message or message, False
        members["content_index"] = _raw(event.content_index + len(message.parts))
        before = message.text or ""
        if goes_on and event.type == "response.output_text.done":
            members["text"] = _raw(before + (msgspec.json.decode(members.get("text", b'""')) or ""))
        elif goes_on and "part" in members:
            members["part"] = _joined_part(before, members["part"])
        elif goes_on and "annotation" in members:
            members["annotation"] = _raw(_moved(msgspec.json.decode(members["annotation"]), len(before)))
        yield members

    def _part_ended(self, message: OpenMessage) -> Iterator[Members]:
        """The part of text that is open is over: what goes on says no more of it."""
        text = message.text or ""
        yield from _text_ended(
            text, {"item_id": message.id, "output_index": message.at, "content_index": len(message.parts)}
        )
        self._message = msgspec.structs.replace(message, parts=[*message.parts, _raw(text_part(text))], text=None)

    def _joined_item(self, stated: msgspec.Raw) -> msgspec.Raw:
        """The message that was open, with what its own says more."""
        message, item = self._message, msgspec.json.decode(stated, type=Members)
        assert message is not None
        parts = msgspec.json.decode(item.get("content", b"[]"), type=list[msgspec.Raw] | None) or []
        if message.text is not None:
            says = bool(parts) and msgspec.json.decode(parts[0], type=_Item).type == "output_text"
            joined = _joined_part(message.text, parts[0]) if says else _raw(text_part(message.text))
            parts = [joined, *parts[says:]]
        changed = {"id": message.id, "content": [*message.parts, *parts]}
        return _raw(item | {name: _raw(value) for name, value in changed.items()})

    def _whole(self, stated: msgspec.Raw) -> msgspec.Raw:
        """The response at the end: all of its items, also those that were told before."""
        response = msgspec.json.decode(stated, type=Members | None)
        if response is None:
            return stated
        items = dict(self._items)
        for own, item in enumerate(
            msgspec.json.decode(response.get("output", b"null"), type=list[msgspec.Raw] | None) or ()
        ):
            at = self._place_of(own, msgspec.json.decode(item, type=_Item).type == "message")
            items[at] = self._joined_item(item) if own == self._own and self._message is not None else item
        response["output"] = _raw([items[at] for at in sorted(items)])
        response |= {name: self._told[name] for name in ("id", "created_at") if name in self._told}
        if self._stored:
            response["store"] = msgspec.Raw(b"false")
        return _raw(response)


def _raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def _event(kind: str, **more: Any) -> Members:
    return {name: _raw(value) for name, value in {"type": kind, **more}.items()}


def _text_ended(text: str, where: Mapping[str, Any]) -> list[Members]:
    """The events by which a part of text ends."""
    return [
        _event("response.output_text.done", text=text, logprobs=[], **where),
        _event("response.content_part.done", part=text_part(text), **where),
    ]


def _delta(text: str, members: Members, at: int) -> Members:
    where = {name: members[name] for name in ("item_id", "output_index") if name in members}
    return _event("response.output_text.delta", delta=text, logprobs=[], content_index=at, **where)


def _text_of(part: msgspec.Raw) -> str:
    said = msgspec.json.decode(part, type=Members).get("text", b'""')
    return msgspec.json.decode(said, type=str | None) or ""


def _joined_part(before: str, stated: msgspec.Raw) -> msgspec.Raw:
    """A part of text with some text before its own."""
    part = msgspec.json.decode(stated, type=Members)
    annotations = msgspec.json.decode(part.get("annotations", b"[]"), type=list[Any] | None) or []
    changed = {"text": before + _text_of(stated), "annotations": [_moved(one, len(before)) for one in annotations]}
    return _raw(part | {name: _raw(value) for name, value in changed.items()})


def _moved(annotation: Any, by: int) -> Any:
    """An annotation of a text behind another of some length."""
    if not isinstance(annotation, dict):
        return annotation
    counted = {name: at + by for name in _PLACES if isinstance(at := annotation.get(name), int)}
    return annotation | counted
