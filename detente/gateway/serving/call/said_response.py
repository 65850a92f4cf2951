"""A continuation in the shape of responses: of a stream that passes through on ``/v1/responses``. Pure.

Owns: what such a stream has said so far, and the call by which another deployment goes on with it: with what was said
as a last message that is in progress, which vLLM continues. Not here: other shapes (``continuation``), who is told so
(``Wire.goes_on``), and how the rest becomes part of the same response (``surfaces/responses_rest``).
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from detente.gateway.serving.call.continuation import Said, is_bound, left_of, lengthened
from detente.gateway.surfaces.responses_rest import OpenMessage, ResponsePlace
from detente.live.deployment import Continues
from detente.providers import sse
from detente.providers.quoted import quoted
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Call, Members

_OVER = ("response.completed", "response.incomplete")
_SILENT = ("keepalive", "response.output_text.done", *_OVER)
"""Events that say nothing beyond what is known of a message."""
_UNFINISHED = ("in_progress", "incomplete")
_FORMS = (quoted("json_schema"), quoted("json_object"), quoted("grammar"))
_PROBABILITIES = quoted("message.output_text.logprobs")
_SOME = (b"null", b"0")
_TEXTS = {"summary": "summary_text", "content": "reasoning_text"}


class _Item(msgspec.Struct):
    type: Any = ""
    id: Any = None


class _Event(msgspec.Struct):
    type: str = ""
    sequence_number: Any = None
    output_index: int = -1
    summary_index: int = 0
    content_index: int = 0
    delta: Any = None
    item: msgspec.Raw = msgspec.Raw(b"{}")
    part: msgspec.Raw = msgspec.Raw(b"{}")
    response: msgspec.Raw = msgspec.Raw(b"null")


_EVENT = msgspec.json.Decoder(_Event)
_ITEM = msgspec.json.Decoder(_Item)


class ResponseSaid(Said):
    """The text of one stream of a response's events, as its caller sees it: thoughts, and one message of one text."""

    of_shown: ClassVar[bool] = True
    __slots__ = (
        "_begun",
        "_deltas",
        "_message",
        "_messages",
        "_next",
        "_parts",
        "_says",
        "_thought",
        "_thoughts",
        "_told",
        "_whole",
    )

    def __init__(self) -> None:
        super().__init__()
        self._begun = self._messages = self._next = 0
        self._told: Members = {}
        self._whole: dict[int, msgspec.Raw] = {}
        self._thought: tuple[int, msgspec.Raw] | None = None
        """The thought that is open: its place, and how it began."""
        self._thoughts: dict[tuple[str, int], list[str]] = {}
        """Its texts: of its summary, or its own."""
        self._message: OpenMessage | None = None
        self._parts: list[msgspec.Raw] = []
        self._deltas = 0
        self._says = False
        """Whether the message's part of text is open."""

    @property
    def place(self) -> ResponsePlace:
        """Where within its items its caller is."""
        message = self._message
        if message is not None:
            text = self.text if self._says else None
            message = msgspec.structs.replace(message, parts=tuple(self._parts), text=text)
        return ResponsePlace(self._begun, "", self._next, {**self._cut_thought(), **self._whole}, message, self._told)

    def _cut_thought(self) -> dict[int, msgspec.Raw]:
        """The thought that is open, as far as it came: clients want to find each item at the end that has begun.

        It is told no end of its own: who takes items as they end would send back a thought that nobody can read.
        """
        if self._thought is None:
            return {}
        at, begun = self._thought
        texts: dict[str, list[Any]] = {"summary": [], "content": []}
        for (name, _), pieces in sorted(self._thoughts.items()):
            texts[name].append({"type": _TEXTS[name], "text": "".join(pieces)})
        told = {name: parts for name, parts in texts.items() if parts}
        item = msgspec.json.decode(begun, type=dict[str, Any]) | {"status": "incomplete", **told}
        return {at: msgspec.Raw(msgspec.json.encode(item))}

    def tokens_of(self, pieces: int) -> int:
        """About how many tokens it is: its events tell each text several times, and its pieces once."""
        return super().tokens_of(self._deltas)

    def _read(self, data: bytes) -> None:
        try:
            event = _EVENT.decode(data)
            if isinstance(event.sequence_number, int):
                self._next = event.sequence_number + 1
            self._take(event)
        except UNREADABLE:
            self.plain = False

    def _take(self, event: _Event) -> None:
        self._deltas += event.type.endswith(".delta") and bool(event.delta)
        at, message = event.output_index, self._message
        within = message is not None and message.at == at
        match event.type.removeprefix("response."):
            case "created" | "queued" | "in_progress":
                self._told = msgspec.json.decode(event.response, type=Members | None) or self._told
            case "output_item.added":
                self._begin(at, _ITEM.decode(event.item), event.item)
            case "output_item.done" if at < self._begun:
                self._whole[at] = event.item
                self._message = None if within else message
                if self._thought is not None and self._thought[0] == at:
                    self._thought = None
            case "content_part.added" if within:
                self.plain &= _ITEM.decode(event.part).type == "output_text" and not (self._parts or self._says)
                self._says = True
            case "content_part.done" if within:
                self._parts.append(event.part)
                self._says = False
            case "output_text.delta" if within and self._says and isinstance(event.delta, str):
                self._pieces.append(event.delta)
            case "reasoning_summary_text.delta" if isinstance(event.delta, str):
                self._thoughts.setdefault(("summary", event.summary_index), []).append(event.delta)
            case "reasoning_text.delta" if isinstance(event.delta, str):
                self._thoughts.setdefault(("content", event.content_index), []).append(event.delta)
            case kind if kind.startswith(("reasoning", "content_part")) and not within:
                pass  # of a thought
            case _ if event.type not in _SILENT:
                self.plain = False

    def _begin(self, at: int, item: _Item, stated: msgspec.Raw) -> None:
        """An item begins: nobody goes on with one that is no thought and not the first message."""
        if item.type == "reasoning":
            self._thought, self._thoughts = (at, stated), {}
        self._begun = max(self._begun, at + 1)
        if item.type == "message":
            self._messages += 1
            self._message = OpenMessage(item.id if isinstance(item.id, str) else "", at)
        self.plain &= at >= 0 and item.type in ("message", "reasoning") and self._messages <= 1

    def at_its_limit(self, *, asks_usage: bool) -> bytes:
        """The events by which it ends where it has all the tokens that its caller allowed; usage not told is null."""
        place, events = self.place, list[Any]()
        items = dict(place.whole)
        if place.message is not None:
            events, items[place.message.at] = place.message.ended("incomplete")
        output = [items[at] for at in sorted(items)]
        why = {"reason": "max_output_tokens"}
        ended = {**self._told, "status": "incomplete", "incomplete_details": why, "output": output, "usage": None}
        events.append({"type": "response.incomplete", "response": ended})
        return b"".join([sse.event(msgspec.json.encode(told), _type_of(told)) for told in events])


def _type_of(event: dict[str, Any]) -> str:
    stated = event["type"]
    return stated if isinstance(stated, str) else msgspec.json.decode(stated, type=str)


def continuable_response(call: Call) -> bool:
    """Whether another may go on with the stream of a call: its text has no stated form, and no probabilities."""
    members = call.members
    if call.operation != "responses" or is_bound(call):
        return False
    form, asked = (bytes(members.get(name, b"null")) for name in ("text", "include"))
    tops = bytes(members.get("top_logprobs", b"null")).strip()
    return not any(bound(form) for bound in _FORMS) and not _PROBABILITIES(asked) and tops in _SOME


def continued_response(call: Call, text: str, tokens: int, how: Continues | None) -> Call | None:
    """The call by which a deployment goes on after some text of so many tokens; None where it cannot be told so.

    Where no text was given yet, the call is as it was: what was thought is thought anew.
    """
    if not text:
        return call
    if how is None or text != text.rstrip():
        return None
    given = _with_beginning(call.members.get("input", msgspec.Raw(b"[]")), text)
    if given is None:
        return None
    changed: dict[str, Any] = {"input": given, **left_of(call, tokens)}
    members = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in changed.items()}
    return msgspec.structs.replace(call, members={**call.members, **members})


def _with_beginning(given: msgspec.Raw, text: str) -> list[Any] | None:
    """The input, and the text as a message that is in progress; a caller may have begun that itself."""
    try:
        read = msgspec.json.decode(given, type=str | list[msgspec.Raw])
        items: list[Any] = [{"role": "user", "content": read}] if isinstance(read, str) else list(read)
        last = msgspec.json.decode(items[-1]) if not isinstance(read, str) and items else None
    except UNREADABLE:
        return None
    if isinstance(last, dict) and last.get("role") == "assistant" and last.get("status") in _UNFINISHED:
        content = lengthened(last.get("content"), text, "output_text")
        return None if content is None else [*items[:-1], {**last, "content": content}]
    part = {"type": "output_text", "text": text, "annotations": []}
    begun = {"type": "message", "id": "msg_begun", "role": "assistant", "status": "in_progress", "content": [part]}
    return [*items, begun]
