"""A continuation in Anthropic's own shape: of a stream that passes through on messages. Pure.

Owns: what such a stream has said so far, and the call by which another deployment goes on with it: with what was said
as the answer's beginning ("prefill"), which no Claude takes while it thinks. Not here: other shapes (``continuation``),
which Claude takes a beginning (``Wire.goes_on``), and how the rest becomes part of the same message
(``surfaces/messages_native``).
"""

from __future__ import annotations

from typing import Any, ClassVar

import msgspec

from detente.gateway.serving.call.continuation import Said, continued
from detente.gateway.surfaces.messages_native import block_end
from detente.gateway.surfaces.messages_reply import usage_of
from detente.gateway.surfaces.surface import BlockPlace
from detente.live.deployment import Continues
from detente.providers import sse
from detente.providers.claude import without_thinking
from detente.providers.messages_stream import STOPPED
from detente.providers.messages_usage import UNKNOWN_USE
from detente.providers.omission import Omissions
from detente.providers.quoted import quoted
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Call

_THOUGHTS = frozenset({"thinking", "redacted_thinking"})
_SAID = frozenset({"text_delta", "thinking_delta", "signature_delta"})
"""Pieces after which another may go on: of text, which it is told, and of thoughts, which it has of its own."""
_FORMAT = quoted("format")


class _Part(msgspec.Struct):
    type: str = ""
    text: Any = None


class _Event(msgspec.Struct):
    type: str = ""
    content_block: _Part | None = None
    delta: _Part | None = None


_EVENT = msgspec.json.Decoder(_Event)


class MessageSaid(Said):
    """The text of one stream of Anthropic's events, as its caller sees it: thoughts, and one block of text."""

    of_shown: ClassVar[bool] = True
    __slots__ = ("_begun", "_open", "_texts")

    def __init__(self) -> None:
        super().__init__()
        self._begun = self._texts = 0
        self._open = ""

    @property
    def place(self) -> BlockPlace:
        """Where within its blocks its caller is."""
        return BlockPlace(self._begun, self._open)

    def _read(self, data: bytes) -> None:
        try:
            event = _EVENT.decode(data)
        except UNREADABLE:
            self.plain = False
            return
        match event.type:
            case "content_block_start":
                block = event.content_block or _Part()
                self._begun, self._open = self._begun + 1, block.type
                self._texts += block.type == "text"
                self.plain &= self._texts <= 1 and (block.type == "text" or block.type in _THOUGHTS)
                self._say(block)
            case "content_block_delta":
                self.plain &= event.delta is not None and event.delta.type in _SAID
                self._say(event.delta or _Part())
            case "content_block_stop":
                self._open = ""

    def _say(self, part: _Part) -> None:
        if part.text and isinstance(part.text, str):
            self._pieces.append(part.text)

    def at_its_limit(self, *, asks_usage: bool) -> bytes:
        """The events by which it ends where it has all the tokens that its caller allowed; its usage is unknown."""
        delta = {"stop_reason": "max_tokens", "stop_sequence": None}
        end = msgspec.json.encode({"type": "message_delta", "delta": delta, "usage": usage_of(None)})
        ended = sse.event(block_end(self._begun - 1), "content_block_stop") if self._open else b""
        return ended + UNKNOWN_USE + sse.event(end, "message_delta") + sse.event(STOPPED, "message_stop")


def continuable_message(call: Call) -> bool:
    """Whether another may go on with the stream of a call: its text is bound to no stated form."""
    stated = (bytes(call.members.get(name, b"null")) for name in ("output_config", "output_format"))
    return call.operation == "messages" and not any(_FORMAT(text) or b"json_schema" in text for text in stated)


def continued_message(call: Call, text: str, tokens: int, how: Continues | None) -> Call | None:
    """The call by which a deployment goes on after some text of so many tokens; None where it cannot be told so.

    Where no text was given yet, the call is as it was: what was thought is thought anew. After text it is asked for no
    more thought: the answer's was had before it began, and a Claude that is to think takes no beginning.
    """
    found = continued(call, text, tokens, how)
    if found is None or not text or "thinking" not in found.members:
        return found
    members, omissions = dict(found.members), Omissions()
    without_thinking(members, omissions)
    left_out = tuple(dict.fromkeys((*call.left_out, *omissions.names)))
    return msgspec.structs.replace(found, members=members, left_out=left_out)
