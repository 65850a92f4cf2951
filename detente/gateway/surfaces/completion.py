"""Chat completions as other shapes are made of them: whole ones, and the chunks of their streams.

Owns: what is read of them, and that there is one choice. Not here: what is made of it (``messages_reply``,
``messages_stream``, ``responses_reply``, ``responses_events``).
"""

from __future__ import annotations

import msgspec

from detente.gateway.surfaces.surface import UnsayableError
from detente.providers import sse
from detente.providers.wire import Reply


# -- whole ------------------------------------------------------------------------------------------------------------
class Function(msgspec.Struct):
    """What a tool is called with."""

    name: str
    arguments: str = ""


class CompletedCall(msgspec.Struct):
    """A call of a tool."""

    id: str
    function: Function


class LaterThought(msgspec.Struct, omit_defaults=True):
    """A thought that does not begin the reply, by Bedrock's wire: what of the content and the calls is before it."""

    characters: int
    calls: int
    reasoning_content: str = ""
    reasoning_signature: str = ""
    reasoning_redacted: str = ""


class CompletedMessage(msgspec.Struct):
    """What a model says."""

    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_redacted: str | None = None
    reasoning_signature: str | None = None
    """Claude's, by Bedrock's wire: it wants to see it again with the thinking that it signs."""
    later_reasoning: list[LaterThought] | None = None
    tool_calls: list[CompletedCall] | None = None


class CompletedChoice(msgspec.Struct):
    """The one choice of a completion."""

    message: CompletedMessage
    finish_reason: str | None = None
    stop_reason: str | int | None = None
    """The text that the reply stopped at, where a server says it (vLLM and Claude do); ``stop_sequence`` where all that
    is known is that it stopped at one."""


class Completion(msgspec.Struct):
    """A whole completion."""

    choices: list[CompletedChoice]
    id: str | None = None
    created: int = 0


_COMPLETION = msgspec.json.Decoder(Completion)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def completion_of(reply: Reply, meant: str) -> Completion:
    """The completion that a reply is, with one choice for what is ``meant``. Raises ``UnsayableError``."""
    try:
        found = _COMPLETION.decode(reply.body)
    except _UNREADABLE:
        raise UnsayableError("the provider's reply is not a chat completion") from None
    if len(found.choices) != 1:
        raise UnsayableError(f"the provider gave {len(found.choices)} choices for one {meant}")
    return found


# -- in pieces --------------------------------------------------------------------------------------------------------
class FunctionDelta(msgspec.Struct):
    """A piece of what a tool is called with."""

    name: str | None = None
    arguments: str | None = None


class CallDelta(msgspec.Struct):
    """A piece of a call of a tool."""

    index: int = 0
    id: str | None = None
    function: FunctionDelta | None = None


class LaterDelta(msgspec.Struct):
    """A piece of a thought that does not begin the reply; its place is told with the first."""

    index: int
    characters: int = 0
    calls: int = 0
    reasoning_content: str | None = None
    reasoning_signature: str | None = None
    reasoning_redacted: str | None = None


class Delta(msgspec.Struct):
    """A piece of what a model says."""

    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_signature: str | None = None
    reasoning_redacted: str | None = None
    later_reasoning: list[LaterDelta] | None = None
    tool_calls: list[CallDelta] | None = None


class ChoiceDelta(msgspec.Struct):
    """A piece of a choice."""

    delta: Delta | None = None
    index: int = 0
    finish_reason: str | None = None
    stop_reason: str | int | None = None


class Chunk(msgspec.Struct):
    """One event of a stream."""

    id: str | None = None
    created: int = 0
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
    except _UNREADABLE:
        raise UnsayableError("the provider sent an event that is not a chunk of a chat completion") from None
    if any(choice.index for choice in found.choices or ()):
        raise UnsayableError(f"the provider gave more than one choice for one {meant}")
    return found
