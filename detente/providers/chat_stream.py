"""A stream of chat completions, in OpenAI's chunks.

Owns: which events hold content, where usage and the end come, and which events a caller is not shown. Once content has
come, events pass through unparsed save for those that may carry more than content. Not here: other streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from detente.providers import sse
from detente.providers.chat_shape import chunk_as_taken, is_taken, place_of
from detente.providers.error_object import failure_of
from detente.providers.openai_usage import told_usage, with_usage
from detente.providers.reply_head import is_odd, mended, new_name
from detente.providers.tool_calls import Calls, Offered, id_of
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Around, Decoder, StreamPart, as_reason, ended_early, failure, is_utf8


class _Choice(msgspec.Struct):
    delta: Any = None
    finish_reason: Any = None
    text: Any = None
    message: Any = None
    index: Any = 0

    @property
    def is_elsewhere(self) -> bool:
        """Whether what it says does not stand in its delta: some servers write a whole message, or a text."""
        return not self.delta and (self.text is not None or self.message is not None)

    def __post_init__(self) -> None:
        """Some write an empty list where an object is empty; what stands beside the content spoils no reply."""
        if not self.delta and not isinstance(self.delta, dict):
            self.delta = {}
        if not isinstance(self.delta, dict):
            raise ValueError("a delta is no object")
        self.index, self.finish_reason = place_of(self.index), as_reason(self.finish_reason)


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | dict[str, Any] | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")
    id: Any = None
    created: Any = None
    error: Any = None
    # Of an error that stands for itself: after `event: error`, or as older versions of vLLM write it.
    object: Any = None
    message: Any = None
    code: Any = None
    type: Any = None


class _Chunked(msgspec.Struct):
    choices: list[_Choice]


_CHUNK, _CHUNKED = msgspec.json.Decoder(_Chunk, strict=False), msgspec.json.Decoder(_Chunked, strict=False)
_SAYS = b'"delta":{"content":"'
_ROLE_ONLY = ("role",)
GAVE_UP = frozenset({"error", "abort", "insufficient_system_resource"})
"""Reasons to finish that say that a reply did not: OpenRouter, Mistral and vLLM say "error" so, SGLang "abort", and
DeepSeek that it ran out of resources."""


class ChatDecoder(Decoder):
    """Reads chunks.

    Parameters
    ----------
    asks_usage
        Whether the caller asked for the chunk that holds the usage; else it is hidden.
    choices
        How many it asked for.
    offered
        The names of its tools, by which a name that comes in pieces is made whole.
    """

    __slots__ = (
        "_asks_usage",
        "_calls",
        "_choices",
        "_content",
        "_done",
        "_ended",
        "_events",
        "_name",
        "_odd",
        "_offered",
        "around",
    )

    def __init__(
        self, asks_usage: bool, most: int = sse.MAX_BYTES, choices: int = 1, offered: Offered | None = None
    ) -> None:
        self._asks_usage = asks_usage
        self._offered = offered
        self._choices = choices
        self._ended: set[int] = set()
        """The choices that gave their reason to finish: without that of each, ``[DONE]`` ends a reply that was cut."""
        self._calls: dict[int, Calls] = {}
        """Of each choice, its calls of tools."""
        self._events = sse.Events(most)
        self._content = False
        self._name = ""
        self._odd = False
        """Whether a chunk was told otherwise than it came: then each is read."""
        self._done = False
        self.around: Around | None = None

    def feed(self, data: bytes) -> StreamPart:
        if self.around is not None and self.around.fits(data):
            return StreamPart(data, 1)
        part = self._fed(data)
        if self._done or self._events.open:
            self.around = None
        return part

    def _fed(self, data: bytes) -> StreamPart:
        """What bytes mean that are no event like the one before it."""
        try:
            block = self._events.block(data)
        except sse.OverlongError as error:
            return self._over(StreamPart(failure=failure("broken", 502, f"the provider sent {error}")))
        if not block or self._done:
            return StreamPart()
        if not is_utf8(block):
            return self._over(
                StreamPart(failure=failure("broken", 502, "the provider sent an event that is not UTF-8"))
            )
        if self._content and not self._odd and (events := _plain(block)):
            if events == 1:
                self.around = _around(block) or self.around
            return StreamPart(block, content=events)
        return self._read(block)

    def _read(self, block: bytes) -> StreamPart:
        """Event by event."""
        part, shown = StreamPart(), []
        for event in sse.split(block):
            data = sse.data_of(event)
            if sse.is_done(data):
                if self._complete:
                    part.done = self._done = True
                else:
                    part.failure = failure("broken", 502, f"the provider ended the stream {self._unfinished()}")
                break
            if not data.strip():  # a comment keeps the connection alive: our caller is told so by us, before content
                if self._content and not sse.is_blank(event, data):
                    shown.append(event)
                continue
            try:
                chunk = _CHUNK.decode(data)
            except UNREADABLE:
                if self._complete:
                    continue  # nothing of the content can be in it, and usage may follow
                part.failure = failure("broken", 502, "the provider sent an event that is not a chunk of a completion")
                break
            if chunk.error:
                part.failure = failure_of(chunk.error)
                break
            if chunk.object == "error" or sse.name_of(event) == b"error":
                part.failure = failure_of({"message": chunk.message or "", "code": chunk.code, "type": chunk.type})
                break
            self._name = self._name or id_of(chunk.id)
            choices, metered = chunk.choices or (), bytes(chunk.usage) != b"null"
            if isinstance(choices, dict):
                part.failure = failure("broken", 502, "the provider sent an event whose choices are no list")
                break
            if any(choice.is_elsewhere for choice in choices):
                try:
                    data = as_chunk(data, again=self._content)
                    event, choices = sse.event(data), _CHUNKED.decode(data).choices
                except UNREADABLE:
                    part.failure = failure("broken", 502, "the provider sent an event whose message cannot be read")
                    break
            if choices and not is_taken(data):
                try:
                    self._odd, data = True, chunk_as_taken(data, self._named())
                except UNREADABLE:
                    part.failure = failure("broken", 502, "the provider sent an event whose content cannot be read")
                    break
                event, stated = sse.with_data(event, data), choices
                choices = _CHUNKED.decode(data).choices
                for choice, before in zip(choices, stated, strict=True):
                    choice.finish_reason = before.finish_reason  # a record says what was stated
            elif not choices and is_odd(chunk.id, chunk.created):
                event = sse.with_data(event, data := mended(data))
            if not isinstance(chunk.choices, list):
                event = _with_choices(data)  # clients go through them, and where there are none, through no events
            if metered:
                part.tokens, told = told_usage(chunk.usage)
                if told is not chunk.usage:
                    data = with_usage(sse.data_of(event), told)
                    event = sse.with_data(event, data)
            if any(_is_content(choice) for choice in choices):
                part.content += 1
                self._content = True
            for choice in choices:
                if choice.finish_reason:
                    part.finish = part.finish or choice.finish_reason
                    if choice.finish_reason in GAVE_UP:
                        part.failure = failure_of({"code": choice.finish_reason})
                    else:
                        self._ended.add(choice.index)
            if part.failure is not None:
                break
            if b'"tool_calls"' in data or (self._calls and any(choice.finish_reason for choice in choices)):
                event = self._told_apart(event, data, choices)
                if without := [at for at in self._ended if at in self._calls and self._calls[at].lacks_name]:
                    self._ended.difference_update(without)  # it is no end of an answer
                    part.failure = failure("broken", 502, "the provider sent a call of a tool without its name")
                    break
            if choices or not metered or self._asks_usage:
                shown.append(event)
        part.data = b"".join(shown)
        return self._over(part)

    def _named(self) -> str:
        """The id of its chunks that have none: that of those which have one, or a new one."""
        self._name = self._name or new_name()
        return self._name

    def _over(self, part: StreamPart) -> StreamPart:
        """A part. What fails behind every reason to finish, an error of counting usage say, spoils no answer."""
        if part.failure is not None and self._complete:
            part.failure, part.done, self._done = None, True, True
        return part

    @property
    def _complete(self) -> bool:
        """Whether each choice has given its reason to finish."""
        return len(self._ended) >= self._choices

    def _unfinished(self) -> str:
        """What is missing of the choices that were asked for."""
        what = "without a reason to finish"
        return f"{what} of {self._choices - len(self._ended)} of {self._choices} choices" if self._choices > 1 else what

    def _told_apart(self, event: bytes, data: bytes, choices: Sequence[_Choice]) -> bytes:
        """An event whose calls of tools have the places that their ids say, whatever their provider wrote."""
        placed = []
        for choice in choices:
            calls = self._calls.setdefault(choice.index, Calls(self._offered))
            changed = calls.placed(choice.delta)
            rest = choice.finish_reason and not calls.lacks_name and calls.rest(choice.delta)
            placed.append(rest or changed)
        if not any(placed):
            return event
        whole = msgspec.json.decode(data)
        for said, choice in zip(whole["choices"], choices, strict=True):
            said["delta"] = choice.delta
        return sse.event(msgspec.json.encode(whole), sse.name_of(event).decode())

    def end(self) -> StreamPart:
        if self._done:
            return StreamPart(done=True)
        if not self._complete and (whole := self._events.rest).startswith(b"{"):
            return self._whole(whole)
        part = self.feed(sse.BLANK) if self._events.lacks_end else StreamPart()
        if self._complete:  # but for its `[DONE]`
            part.failure, part.done, self._done = None, True, True
            return part
        return StreamPart(failure=ended_early(part))

    def _whole(self, completion: bytes) -> StreamPart:
        """A completion that came whole, though a stream was asked for: some servers do not stream what calls tools."""
        try:
            part = self._read(b"data: " + as_chunk(completion) + b"\n\n")
        except UNREADABLE:
            part = StreamPart()
        if part.failure is None and self._ended and len(self._ended) < self._choices:
            part = StreamPart(failure=failure("broken", 502, f"the provider answered {self._unfinished()}"))
        elif part.failure is None and not self._ended:
            part = StreamPart(failure=failure("broken", 502, "the provider answered a stream with what is none"))
        part.done = part.failure is None
        return part


def as_chunk(completion: bytes, *, again: bool = False) -> bytes:
    """A whole completion as the one chunk of its stream. Raises ``msgspec.DecodeError`` of what is none.

    ``again``: the stream has said something before; what says of itself that it is whole then says that once more.
    """
    whole = msgspec.json.decode(completion, type=dict[str, Any])
    choices = msgspec.convert(whole.get("choices"), list[dict[str, Any]] | None)
    if not choices:
        return msgspec.json.encode(whole)  # an error, perhaps
    again = again and whole.get("object") == "chat.completion"
    for choice in choices:
        message, text = choice.pop("message", None), choice.pop("text", None)
        if choice.get("delta"):
            continue
        said = message if message is not None else {"content": text} if text is not None else choice.get("delta")
        delta = choice["delta"] = msgspec.convert({} if again else said, dict[str, Any])
        calls = msgspec.convert(delta.get("tool_calls"), list[dict[str, Any]] | None)
        delta |= {"tool_calls": [{**call, "index": at} for at, call in enumerate(calls)]} if calls else {}
    return msgspec.json.encode({**whole, "object": "chat.completion.chunk", "choices": choices})


def _with_choices(data: bytes) -> bytes:
    """An event whose choices are null, with none instead."""
    whole = msgspec.json.decode(data)
    return sse.event(msgspec.json.encode({**whole, "choices": []}))


def _plain(block: bytes) -> int:
    """How many chunks there are, if each holds text and nothing else that matters; else none: they have to be read.

    Nothing else: no call of a tool, usage, end, error or reason to finish. Each is one line, so that none has a name,
    and looks like JSON. Text that a model wrote cannot look like a member: its quotation marks are escaped.
    """
    if not block.endswith(b"}\n\n"):
        return 0
    chunks = block[:-3].split(b"}\n\n")
    for chunk in chunks:
        at = chunk.find(_SAYS) + len(_SAYS)
        if at < len(_SAYS) or chunk[at : at + 1] == b'"' or not chunk.startswith(b'data: {"'):
            return 0
    counts = block.count  # of bytes, `count` is faster than `in`
    if (
        counts(b"\n") != 2 * len(chunks)
        or counts(sse.DONE)
        or counts(b'"error"')
        or counts(b'"tool_calls"') != counts(b'"tool_calls":null')
        or counts(b'"usage"') != counts(b'"usage":null')
        or counts(b'"finish_reason"') != counts(b'"finish_reason":null')
    ):
        return 0
    return len(chunks)


def _around(event: bytes) -> Around | None:
    """Of a plain event, what stands about its text; of one that holds a quotation mark, nothing is said."""
    at = event.find(_SAYS) + len(_SAYS)
    end = event.find(b'"', at)
    return None if event[end - 1 : end] == b"\\" else Around(event[:at], event[end:])


def _is_content(choice: _Choice) -> bool:
    """Whether a choice says anything: a role alone, or empty text, does not."""
    if choice.finish_reason or choice.text:
        return True
    return any(value for name, value in choice.delta.items() if name not in _ROLE_ONLY)
