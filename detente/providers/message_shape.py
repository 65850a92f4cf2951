"""One of Anthropic's messages, or an event of its stream, as clients take it, where it passes through.

Owns: what is told otherwise than its provider wrote it, so that typed clients do not raise and lose the answer; and the
places of blocks in a stream. Not here: its usage (``messages_usage``), and what its events mean (``messages_stream``).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from detente.providers.messages_usage import MessagesUsageShape
from detente.providers.tool_calls import id_of, new_id
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Members

_Json = dict[str, Any]
_CAUTIOUS = "max_tokens"
"""The reason that promises least: told for one that is no text (decision 0070)."""
_PLAIN = b'{"type":"text","text":"'


class TakenMessage(msgspec.Struct):
    """A whole message that every client takes as it is, if they take its blocks."""

    type: Literal["message"]
    role: Literal["assistant"]
    content: list[msgspec.Raw]
    stop_reason: Annotated[str, msgspec.Meta(min_length=1)]
    usage: MessagesUsageShape
    stop_sequence: str | None = None
    id: str | None = None
    model: msgspec.Raw = msgspec.Raw(b"")


class ContentBlock(msgspec.Struct):
    """Of a block, what clients need of it."""

    type: Any = ""
    text: Any = None
    thinking: Any = None
    signature: Any = None
    id: Any = None
    input: Any = None


_BLOCK = msgspec.json.Decoder(ContentBlock)
_TAKEN = msgspec.json.Decoder(TakenMessage)


def taken(message: bytes) -> TakenMessage | None:
    """A whole message that clients take as it is; None of another."""
    try:
        found = _TAKEN.decode(message)
    except UNREADABLE:
        return None
    return found if all(map(_is_taken, found.content)) else None


def is_taken(type_: Any, role: Any, stop: Any, sequence: Any, content: list[msgspec.Raw]) -> bool:
    """Whether clients take a whole message as it is, by its members."""
    return (
        (type_, role) == ("message", "assistant")
        and isinstance(stop, str | None)
        and isinstance(sequence, str | None)
        and all(map(_is_taken, content))
    )


def _is_taken(block: msgspec.Raw) -> bool:
    if bytes(block).startswith(_PLAIN):
        return True
    try:
        found = _BLOCK.decode(block)
    except UNREADABLE:
        return True  # it is no block, and stays as it came
    if found.type == "thinking":
        return isinstance(found.thinking, str) and isinstance(found.signature, str)
    return found.type != "tool_use" or _is_named(found)


def as_taken(message: bytes) -> bytes:
    """A whole message as clients take it. Raises what decoding does, of what is no object."""
    members = msgspec.json.decode(message, type=Members)
    members |= {"type": msgspec.Raw(b'"message"'), "role": msgspec.Raw(b'"assistant"')}
    for name in ("stop_reason", "stop_sequence"):
        if name in members:
            stated = msgspec.json.decode(members[name])
            members[name] = msgspec.Raw(
                msgspec.json.encode(_reason(stated) if name == "stop_reason" else _text(stated))
            )
    blocks = [msgspec.json.decode(block) for block in msgspec.json.decode(members["content"], type=list[msgspec.Raw])]
    members["content"] = msgspec.Raw(msgspec.json.encode([_told(block) for block in blocks]))
    return msgspec.json.encode(members)


def _told(block: Any) -> Any:
    """A block, or how one begins; one that is no object stays as it came."""
    if not isinstance(block, dict):
        return block
    match block.get("type"):
        case "thinking":
            block |= {name: _text(block.get(name)) or "" for name in ("thinking", "signature")}
        case "text" if block.get("text") is None:
            block["text"] = ""
        case "tool_use":
            block["id"] = id_of(block.get("id")) or new_id()
            block["input"] = {} if block.get("input") is None else block["input"]
    return block


def _reason(stated: Any) -> Any:
    return stated if isinstance(stated, str | None) else _CAUTIOUS if stated else None


def _text(stated: Any) -> str | None:
    return stated if isinstance(stated, str) else None


# -- in a stream ------------------------------------------------------------------------------------------------------
class BlockPlaces:
    """The blocks of a stream, counted from 0 without a gap: clients keep them in a list."""

    __slots__ = ("_begun", "_places", "odd")

    def __init__(self) -> None:
        self._begun = 0
        self._places: dict[int, int] = {}
        """Of each number that the provider used, the last block that has it."""
        self.odd = False
        """Whether a block was told at another place than its provider numbered it: then each event is read."""

    def started(self, data: bytes, index: Any, block: ContentBlock) -> bytes:
        """The event with which a block begins, at its place."""
        place = self._begin(index)
        if self.odd or not _begins_as_taken(block):
            event = msgspec.json.decode(data, type=_Json)
            data = msgspec.json.encode({**event, "index": place, "content_block": _told(event.get("content_block"))})
        return data

    def piece(self, data: bytes, index: Any, delta: _Json | None) -> tuple[bytes, bytes] | None:
        """(the data of the event with which its block begins, if its provider told none; a piece, at its place).

        None of a piece whose block did not begin, and nobody knows how it would have: of a call, its name.
        """
        start = b""
        if (place := self._of(index)) is None:
            block = _BEGINNINGS.get(str((delta or {}).get("type")))
            if block is None:
                return None
            place = self._begin(index)
            start = msgspec.json.encode({"type": "content_block_start", "index": place, "content_block": block})
        return start, _placed(data, index, place)

    def stopped(self, data: bytes, index: Any) -> bytes:
        """The event with which a block ends, at its place; of one that did not begin, as it came."""
        place = self._of(index)
        return data if place is None else _placed(data, index, place)

    def _begin(self, index: Any) -> int:
        place, self._begun = self._begun, self._begun + 1
        if index.__class__ is int:
            self._places[index] = place
        self.odd |= index.__class__ is not int or index != place
        return place

    def _of(self, index: Any) -> int | None:
        """The place of a block: of the last that began, where an event states no number. None of one that did not."""
        if index.__class__ is int:
            return self._places.get(index)
        return self._begun - 1 if self._begun else None


_BEGINNINGS: dict[Any, _Json] = {
    "text_delta": {"type": "text", "text": ""},
    "thinking_delta": {"type": "thinking", "thinking": "", "signature": ""},
}
"""By the first piece of a block, how that would have begun; of a call, nobody knows its name."""


def _begins_as_taken(block: ContentBlock) -> bool:
    if block.type in ("text", "thinking"):
        return isinstance(block.text if block.type == "text" else block.thinking, str)
    return block.type != "tool_use" or _is_named(block)


def _is_named(block: ContentBlock) -> bool:
    return bool(block.id) and isinstance(block.id, str) and block.input is not None


def _placed(data: bytes, index: Any, place: int) -> bytes:
    if index.__class__ is int and index == place:
        return data
    members = msgspec.json.decode(data, type=Members)
    members["index"] = msgspec.Raw(b"%d" % place)
    return msgspec.json.encode(members)


def end_as_taken(data: bytes) -> bytes:
    """The event that gives the reason to stop, with reasons that are texts."""
    event = msgspec.json.decode(data, type=_Json)
    delta = event["delta"]
    told = {"stop_reason": _reason(delta.get("stop_reason")), "stop_sequence": _text(delta.get("stop_sequence"))}
    return msgspec.json.encode({**event, "delta": {**delta, **told}})
