"""A stream of Anthropic's messages as chunks of a chat completion.

Owns: Anthropic's events in Converse's words (see ``claude_chat``). Not here: what becomes of those
(``bedrock/stream``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from detente.providers import sse
from detente.providers.bedrock.converse_stream import ConverseDecoder
from detente.providers.claude_chat import as_anthropics, counted, headed, stop_of
from detente.providers.messages_stream import STOPPED, AnthropicError, MessagesUsage, failure_of, usage_of
from detente.providers.wire import Failure, Headers, StreamPart, as_text, failure, is_utf8


class _Block(msgspec.Struct):
    type: str = ""
    id: str = ""
    name: str = ""
    data: Any = ""


class _Delta(msgspec.Struct):
    """A piece of a block, or why the message ends: which it is, and its text, have to be read."""

    type: str = ""
    text: str | None = None
    thinking: Any = None
    signature: Any = None
    partial_json: str | None = None
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
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class ClaudeChatDecoder(ConverseDecoder):
    """Reads server-sent events.

    Parameters
    ----------
    model, headers, asks_usage, names
        As of ``ConverseDecoder``.
    """

    __slots__ = ("_events", "_headers", "_model", "_usage")

    def __init__(self, model: str, headers: Headers, asks_usage: bool, names: Mapping[str, str]) -> None:
        super().__init__(model, headers, asks_usage, names=names)
        self._model, self._headers = model, headers
        self._events = sse.Events()
        self._usage: MessagesUsage | None = None

    def feed(self, data: bytes) -> StreamPart:
        part = StreamPart()
        if self._done or self._failure is not None:
            return part
        shown: list[bytes] = []
        try:
            for event in self._events.feed(data):
                self._said(sse.data_of(event), part, shown)
                if part.done or part.failure is not None:
                    break
        except sse.OverlongError as error:
            part.failure = _broken(str(error))
        except _UNREADABLE:
            part.failure = _broken("an event that cannot be read")
        if part.failure is not None:
            part.failure = as_anthropics(part.failure)
        self._done, self._failure = part.done, part.failure
        part.data = b"".join(shown)
        return part

    def end(self) -> StreamPart:
        part = StreamPart(failure=self._failure, done=self._done)
        if self._failure is not None or self._done:
            return part
        if self._reason is None:
            part.failure = self._failure = _broken("a stream that ended before it was complete")
            return part
        shown: list[bytes] = []
        self._said(STOPPED, part, shown)  # complete but for its last mark
        part.data, self._done, self._failure = b"".join(shown), part.done, part.failure
        return part

    def _said(self, data: bytes, part: StreamPart, shown: list[bytes]) -> None:
        """One event, in Converse's words."""
        if not data:
            return  # a comment keeps the connection alive
        if not is_utf8(data):
            part.failure = _broken("an event that is not UTF-8")
            return
        event = _EVENT.decode(data)
        if event.type == "error":
            part.failure = failure_of(event.error)
            return
        self._meter(event)
        for kind, said in self._in_converse(event):
            self._take(kind, msgspec.json.encode(said), part, shown)

    def _meter(self, event: _Event) -> None:
        """Take what is stated of the use so far."""
        stated = event.message.usage if event.message is not None else event.usage
        if stated is not None and (usage := usage_of(stated)) is not None:
            self._usage = usage.after(self._usage)

    def _in_converse(self, event: _Event) -> list[tuple[str, dict[str, Any]]]:
        place, delta = {"contentBlockIndex": event.index}, event.delta
        match event.type:
            case "message_start":
                own = as_text(event.message.id) if event.message is not None else ""
                self._head = self._named(self._model, headed(self._headers, own))
                return [("messageStart", {})]
            case "content_block_start" if event.content_block is not None:
                return [(kind, place | said) for kind, said in _begun(event.content_block)]
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
                usage = counted(self._usage.tokens) if self._usage is not None else None
                end: list[tuple[str, dict[str, Any]]] = [("metadata", {"usage": usage})]
                return end if self._reason is not None else [("messageStop", {}), *end]  # complete, nobody knows why
        return []


def _begun(block: _Block) -> list[tuple[str, dict[str, Any]]]:
    """A block that begins: a call of a tool says which, and a redacted thought all of it."""
    if block.type == "tool_use":
        return [("contentBlockStart", {"start": {"toolUse": {"toolUseId": block.id, "name": block.name}}})]
    if block.type == "redacted_thinking":
        return [("contentBlockDelta", {"delta": {"reasoningContent": {"redactedContent": block.data}}})]
    return []


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
        case "signature_delta":
            return {"reasoningContent": {"signature": delta.signature}}
    return {}


def _broken(what: str) -> Failure:
    return failure("broken", 502, f"the provider sent {what}")
