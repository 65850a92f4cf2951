"""A stream of Anthropic's messages as chunks of a chat completion.

Owns: Anthropic's events in Converse's words (see ``claude_chat``). Not here: what becomes of those
(``bedrock/converse_stream``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from detente.providers import sse
from detente.providers.anthropic_error import AnthropicError, failure_of
from detente.providers.bedrock.converse_reply import broken
from detente.providers.bedrock.converse_stream import ConverseDecoder
from detente.providers.claude_chat import citation, counted, headed, stop_of
from detente.providers.messages_stream import STOPPED, events_of
from detente.providers.messages_usage import MessagesUsage, usage_of
from detente.providers.unreadable import UNREADABLE
from detente.providers.unstreamed import is_whole
from detente.providers.wire import Headers, StreamPart, as_text, ended_early, failure, is_utf8


class _Block(msgspec.Struct):
    type: str = ""
    id: str = ""
    name: str = ""
    data: Any = ""
    text: Any = ""
    thinking: Any = ""
    signature: Any = ""
    input: msgspec.Raw = msgspec.Raw(b"")


class _Delta(msgspec.Struct):
    """A piece of a block, or why the message ends: which it is, and its text, have to be read."""

    type: str = ""
    text: str | None = None
    thinking: Any = None
    signature: Any = None
    partial_json: str | None = None
    citation: Any = None
    stop_reason: Any = None
    stop_sequence: Any = None


class _Message(msgspec.Struct):
    id: Any = ""
    usage: Any = None


class _Event(msgspec.Struct):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: Any = None
    error: AnthropicError | str | None = None


_EVENT = msgspec.json.Decoder(_Event)
_NOTHING = (b"", b"null", b"{}")
"""Inputs at the start of a call that say nothing yet."""


class ClaudeChatDecoder(ConverseDecoder):
    """Reads server-sent events.

    Parameters
    ----------
    model, headers, asks_usage, names
        As of ``ConverseDecoder``.
    """

    __slots__ = ("_counted", "_events", "_headers", "_held", "_model", "_usage")

    def __init__(self, model: str, headers: Headers, asks_usage: bool, names: Mapping[str, str]) -> None:
        super().__init__(model, headers, asks_usage, names=names)
        self._model, self._headers = model, headers
        self._events = sse.Events()
        self._usage: MessagesUsage | None = None
        self._counted = False
        """Whether the use was stated at the end: what the start says of output is no total."""
        self._held: tuple[str, dict[str, Any]] | None = None
        """The input or the signature with which a block began: all of it, where no piece of it comes."""

    def feed(self, data: bytes) -> StreamPart:
        return self._fed(data, self._events.feed, self._shown)

    def _shown(self, event: bytes, part: StreamPart, shown: list[bytes]) -> None:
        self._said(sse.data_of(event), part, shown)

    def end(self) -> StreamPart:
        if self._failure is not None or self._done:
            return StreamPart(failure=self._failure, done=self._done)
        if self._reason is None and is_whole(whole := self._events.rest):
            return self._whole(whole)
        part = self.feed(sse.BLANK) if self._events.lacks_end else StreamPart()
        if self._reason is None:
            self._failure = ended_early(part)
            return StreamPart(failure=self._failure)
        if not self._done:
            shown = [part.data]
            self._close(part, shown)
            part.data, self._done, self._failure = b"".join(shown), part.done, part.failure
        return part

    def _whole(self, body: bytes) -> StreamPart:
        """A message that came whole, though a stream was asked for."""
        self._events = sse.Events()
        if isinstance(told := events_of(body), bytes):
            part = self.feed(told)
            self._failure = part.failure or (None if part.done else ended_early(part))
        else:
            self._failure = told
        return StreamPart(failure=self._failure) if self._failure is not None else part

    def _close(self, part: StreamPart, shown: list[bytes]) -> None:
        """It is complete but for its last mark, with which its use is told."""
        self._said(STOPPED, part, shown)

    def _said(self, data: bytes, part: StreamPart, shown: list[bytes]) -> None:
        """One event, in Converse's words."""
        if not data.strip() or sse.is_done(data):
            return  # a comment keeps the connection alive; the mark is OpenAI's, and is written here by some
        if not is_utf8(data):
            part.failure = broken("an event that is not UTF-8")
            return
        try:
            event = _EVENT.decode(data)
        except UNREADABLE:
            if self._reason is not None:
                return  # behind the reason to stop nothing of the content can be in it
            raise
        if event.type == "error":
            part.failure = failure_of(event.error)
            return
        self._meter(event)
        if event.delta is not None and (event.delta.partial_json or event.delta.signature):
            self._held = None
        if event.type == "message_stop" and self._reason is None:
            part.failure = failure("broken", 502, "the provider ended the stream without a reason to stop")
            return
        for kind, said in [*self._left(event), *self._in_converse(event)]:
            self._take(kind, msgspec.json.encode(said), part, shown)

    def _left(self, event: _Event) -> list[tuple[str, dict[str, Any]]]:
        """What a block began with that is over, and of which no piece has come since."""
        if event.type not in ("content_block_start", "content_block_stop", "message_delta", "message_stop"):
            return []
        held, self._held = self._held, None
        if event.content_block is not None:
            self._held = _held(event.index, event.content_block)
        return [held] if held is not None else []

    def _meter(self, event: _Event) -> None:
        """Take what is stated of the use so far."""
        ends = event.type == "message_delta"
        stated = event.usage if ends else event.message.usage if event.message is not None else None
        if (usage := usage_of(stated)) is not None:
            self._usage = usage.after(self._usage)
            self._counted |= ends

    def _in_converse(self, event: _Event) -> list[tuple[str, dict[str, Any]]]:
        place, delta = {"contentBlockIndex": event.index}, event.delta
        match event.type:
            case "message_start":
                own = as_text(event.message.id) if event.message is not None else ""
                self._head = self._named(self._model, headed(self._headers, own))
                return [("messageStart", {})]
            case "content_block_start" if event.content_block is not None:
                return [(kind, said | place) for kind, said in _begun(event.content_block)]
            case "content_block_delta":
                return [("contentBlockDelta", place | {"delta": said})] if (said := _delta(delta or _Delta())) else []
            case "content_block_stop":
                return [("contentBlockStop", place)]
            case "message_delta" if delta is not None and delta.stop_reason:
                where = {"stop_sequence": delta.stop_sequence}
                return [
                    ("messageStop", {"stopReason": stop_of(delta.stop_reason), "additionalModelResponseFields": where})
                ]
            case "message_stop":
                usage = counted(self._usage.tokens) if self._usage is not None and self._counted else None
                return [("metadata", {"usage": usage})]
        return []


def _begun(block: _Block) -> list[tuple[str, dict[str, Any]]]:
    """A block that begins: a call of a tool says which, and a redacted thought all of it. Some say all of any."""
    match block.type:
        case "tool_use":
            return [("contentBlockStart", {"start": {"toolUse": {"toolUseId": block.id, "name": block.name}}})]
        case "redacted_thinking":
            return [_piece(reasoningContent={"redactedContent": block.data})]
        case "text" if as_text(block.text):
            return [_piece(text=block.text)]
        case "thinking" if as_text(block.thinking):
            return [_piece(reasoningContent={"text": block.thinking})]
        case "text" | "thinking":
            return []
    raise msgspec.DecodeError(f"a block of type {block.type}, without which the reply would say less")


def _held(at: int, block: _Block) -> tuple[str, dict[str, Any]] | None:
    """What a block begins with that pieces of it replace, and do not go on with."""
    if block.type == "tool_use" and bytes(block.input) not in _NOTHING:
        return _piece(at, toolUse={"input": bytes(block.input).decode()})
    if block.type == "thinking" and as_text(block.signature):
        return _piece(at, reasoningContent={"signature": block.signature})
    return None


def _piece(at: int = 0, **said: Any) -> tuple[str, dict[str, Any]]:
    return "contentBlockDelta", {"contentBlockIndex": at, "delta": said}


def _delta(delta: _Delta) -> dict[str, Any]:
    """A piece of a block; nothing of a kind that is not known here. Raises what a piece does that cannot be read."""
    match delta.type:
        case "text_delta" if delta.text is not None:
            return {"text": delta.text}
        case "input_json_delta" if delta.partial_json is not None:
            return {"toolUse": {"input": delta.partial_json}}
        case "" | "text_delta" | "input_json_delta":
            raise msgspec.DecodeError("a piece that says nothing")
        case "thinking_delta":
            return {"reasoningContent": {"text": delta.thinking}}
        case "citations_delta":
            return {"citation": citation(delta.citation)}
        case "signature_delta":
            return {"reasoningContent": {"signature": delta.signature}}
    return {}
