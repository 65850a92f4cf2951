"""Chat completions as other shapes are made of them: whole ones, and the chunks of their streams.

Owns: what is read of them, and that there is one choice. Not here: what is made of it (``messages_reply``,
``messages_stream``, ``responses_reply``, ``responses_events``).
"""

from __future__ import annotations

from typing import Any

import msgspec

from detente.gateway.surfaces.citations import Citation, citations_of, sources_of
from detente.gateway.surfaces.surface import UnsayableError
from detente.providers import sse
from detente.providers.chat_shape import CAUTIOUS, arguments_of, parts_of, place_of
from detente.providers.tool_calls import id_of, new_id
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Reply, as_reason, as_text


# -- whole ------------------------------------------------------------------------------------------------------------
class Function(msgspec.Struct):
    """What a tool is called with."""

    name: str
    arguments: Any = ""

    def __post_init__(self) -> None:
        self.arguments = arguments_of(self.arguments)


class CompletedCall(msgspec.Struct):
    """A call of a tool."""

    function: Function
    id: Any = None

    def __post_init__(self) -> None:
        self.id = id_of(self.id) or new_id()


class LaterThought(msgspec.Struct, omit_defaults=True):
    """A thought that does not begin the reply, by Bedrock's wire: what of the content and the calls is before it."""

    characters: int
    calls: int
    reasoning_content: str = ""
    reasoning_signature: str = ""
    reasoning_redacted: str = ""


class Saying(msgspec.Struct):
    """What a model says, or a piece of it: texts, empty where there are none."""

    content: Any = ""
    refusal: Any = ""
    reasoning_content: Any = ""
    reasoning: Any = ""
    reasoning_redacted: Any = ""
    reasoning_signature: Any = ""
    """Claude's, by Bedrock's wire: it wants to see it again with the thinking that it signs."""
    images: Any = None
    audio: Any = None
    annotations: Any = None
    """What it cites."""

    def __post_init__(self) -> None:
        self.content, thought = parts_of(self.content)
        self.reasoning_content = as_text(self.reasoning_content) or as_text(self.reasoning) or thought
        self.refusal = as_text(self.refusal)
        self.reasoning_redacted = as_text(self.reasoning_redacted)
        self.reasoning_signature = as_text(self.reasoning_signature)
        self.annotations = citations_of(self.annotations)


class CompletedMessage(Saying):
    """All that a model says."""

    later_reasoning: list[LaterThought] | None = None
    tool_calls: list[CompletedCall] | None = None
    function_call: Function | None = None
    """A call as it was before there could be several: some servers still write it so."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.function_call is not None and not self.tool_calls:
            self.tool_calls = [CompletedCall(self.function_call)]
        ids: set[str] = set()
        for at, call in enumerate(self.tool_calls or ()):
            call.id = f"{call.id}_{at}" if call.id in ids else call.id  # its result is sent by it
            ids.add(call.id)


_WORDS = {
    **{own: own for own in ("stop", "length", "tool_calls", "content_filter")},
    **dict.fromkeys(("end_turn", "eos", "eos_token", "stop_sequence"), "stop"),
    **dict.fromkeys(("function_call", "tool_use"), "tool_calls"),
}
"""Reasons to finish as some servers say them (in capitals, too), in OpenAI's words."""


class Ended(msgspec.Struct):
    """Why a choice ends."""

    finish_reason: Any = None
    stop_reason: Any = None
    """The text that the reply stopped at, where a server says it (vLLM and Claude do); ``stop_sequence`` where all that
    is known is that it stopped at one."""

    def __post_init__(self) -> None:
        reason = as_reason(self.finish_reason)
        self.finish_reason = _WORDS.get(reason.lower(), CAUTIOUS) if reason else None


class CompletedChoice(Ended, kw_only=True):
    """The one choice of a completion. It is over, whether or not it says why."""

    message: CompletedMessage

    def __post_init__(self) -> None:
        super().__post_init__()
        self.finish_reason = self.finish_reason or CAUTIOUS


_LATEST = 2**53
"""A time that is later is none."""


class CompletionHead(msgspec.Struct):
    """Which completion it is, and when it was made, in seconds since the epoch."""

    id: Any = ""
    created: Any = 0
    citations: Any = None
    search_results: Any = None
    """What was found on the web, as Perplexity and xAI tell it."""

    def __post_init__(self) -> None:
        self.id = as_text(self.id)
        self.created = int(self.created) if isinstance(self.created, int | float) and 0 <= self.created < _LATEST else 0

    @property
    def sources(self) -> list[Citation]:
        """The addresses that stand beside the choices."""
        return sources_of(self.citations, self.search_results)


class Completion(CompletionHead, kw_only=True):
    """A whole completion."""

    choices: list[CompletedChoice]


_COMPLETION = msgspec.json.Decoder(Completion)


def completion_of(reply: Reply, meant: str) -> Completion:
    """The completion that a reply is, with one choice for what is ``meant``. Raises ``UnsayableError``."""
    try:
        found = _COMPLETION.decode(reply.body)
    except UNREADABLE:
        raise UnsayableError("the provider's reply is not a chat completion") from None
    if len(found.choices) != 1:
        raise UnsayableError(f"the provider gave {len(found.choices)} choices for one {meant}")
    _has_place(found.choices[0].message, meant)
    return found


def _has_place(said: Saying, meant: str) -> None:
    """Raises ``UnsayableError`` where a model answers with what is no text: without it the reply would say less."""
    for name in ("images", "audio"):
        if getattr(said, name):
            raise UnsayableError(f"the model answers with {name}, which a {meant} cannot hold")


# -- in pieces --------------------------------------------------------------------------------------------------------
class FunctionDelta(msgspec.Struct):
    """A piece of what a tool is called with."""

    name: str | None = None
    arguments: Any = ""

    def __post_init__(self) -> None:
        self.arguments = arguments_of(self.arguments)


class CallDelta(msgspec.Struct):
    """A piece of a call of a tool."""

    index: int = 0
    id: Any = ""
    function: FunctionDelta | None = None

    def __post_init__(self) -> None:
        self.id = id_of(self.id)


class LaterDelta(msgspec.Struct):
    """A piece of a thought that does not begin the reply; its place is told with the first."""

    index: int
    characters: int = 0
    calls: int = 0
    reasoning_content: str | None = None
    reasoning_signature: str | None = None
    reasoning_redacted: str | None = None


class Delta(Saying):
    """A piece of what a model says."""

    later_reasoning: list[LaterDelta] | None = None
    tool_calls: list[CallDelta] | None = None
    function_call: FunctionDelta | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.function_call is not None and not self.tool_calls:
            self.tool_calls = [CallDelta(function=self.function_call)]


class ChoiceDelta(Ended):
    """A piece of a choice."""

    delta: Delta | list[Any] | None = None
    """Some write an empty list where it is empty."""
    index: Any = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.index = place_of(self.index)


class Chunk(CompletionHead):
    """One event of a stream."""

    choices: list[ChoiceDelta] | None = None
    usage: msgspec.Raw = msgspec.Raw(b"null")


_CHUNK = msgspec.json.Decoder(Chunk, strict=False)


def chunk_of(event: bytes, meant: str) -> Chunk | None:
    """What an event holds, of one choice for what is ``meant``; None of a comment. Raises ``UnsayableError``."""
    data = sse.data_of(event)
    if not data:
        return None
    try:
        found = _CHUNK.decode(data)
    except UNREADABLE:
        raise UnsayableError("the provider sent an event that is not a chunk of a chat completion") from None
    if any(choice.index for choice in found.choices or ()):
        raise UnsayableError(f"the provider gave more than one choice for one {meant}")
    for choice in found.choices or ():
        if isinstance(choice.delta, Delta):
            _has_place(choice.delta, meant)
    return found
