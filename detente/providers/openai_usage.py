"""What OpenAI's ``usage`` says of chat completions, embeddings and responses.

Owns: from a usage, by whomever it is written, to tokens; unknown where it contradicts itself, and never zero (§12); and
from tokens to a usage. One that is not of the shape that clients reckon with is not passed on: they would raise, and
lose the answer. Not here: Anthropic's usage (``messages_usage``) and Bedrock's (``bedrock/converse_reply``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import MAX_TOKENS, Members, Tokens


class InputDetails(msgspec.Struct):
    """Of the tokens of a prompt."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputDetails(msgspec.Struct):
    """Of the tokens of a reply."""

    reasoning_tokens: int | None = None


class ChatUsage(msgspec.Struct):
    """Of chat completions and embeddings."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None

    def tokens(self) -> Tokens | None:
        """The same as tokens; None where the provider left out how many."""
        given, made = self.prompt_tokens, self.completion_tokens
        if given is not None and made is None and self.total_tokens == given:
            made = 0  # embeddings generate nothing, and say so by their total
        return _tokens(given, made, self.total_tokens, self.prompt_tokens_details, self.completion_tokens_details)


class _ResponseUsage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    input_tokens_details: InputDetails | None = None
    output_tokens_details: OutputDetails | None = None

    def tokens(self) -> Tokens | None:
        """The same as tokens; None where the provider left out how many."""
        details = self.input_tokens_details, self.output_tokens_details
        return _tokens(self.input_tokens, self.output_tokens, self.total_tokens, *details)


class _InputShape(InputDetails):
    audio_tokens: int | None = None


class _OutputShape(OutputDetails):
    audio_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


class _ChatShape(ChatUsage):
    """All of it that clients reckon with."""

    prompt_tokens_details: _InputShape | None = None
    completion_tokens_details: _OutputShape | None = None

    def is_whole(self) -> bool:
        """Whether no count is missing that clients add up."""
        given, made = self.prompt_tokens, self.completion_tokens
        return given is not None and (made is not None or self.total_tokens == given)

    def sum(self) -> int:
        """What a total would say."""
        return (self.prompt_tokens or 0) + (self.completion_tokens or 0)


class _ResponseShape(_ResponseUsage):
    """All of it that clients reckon with."""

    input_tokens_details: _InputShape | None = None
    output_tokens_details: _OutputShape | None = None

    def is_whole(self) -> bool:
        """Whether no count is missing that clients add up."""
        return self.input_tokens is not None and self.output_tokens is not None

    def sum(self) -> int:
        """What a total would say."""
        return (self.input_tokens or 0) + (self.output_tokens or 0)


_CHAT = msgspec.json.Decoder(ChatUsage | None, strict=False)
_RESPONSE = msgspec.json.Decoder(_ResponseUsage | None, strict=False)
_CHAT_SHAPE = msgspec.json.Decoder(_ChatShape | None)
_RESPONSE_SHAPE = msgspec.json.Decoder(_ResponseShape | None)
NULL = msgspec.Raw(b"null")
U = TypeVar("U", ChatUsage, _ResponseUsage)


# -- as it is told ----------------------------------------------------------------------------------------------------
def told_usage(usage: msgspec.Raw) -> tuple[Tokens | None, msgspec.Raw]:
    """(what the ``usage`` of a completion says, how its caller is told that).

    The same object, where clients can read it. Else what of it can be read, in OpenAI's words; null where nothing can.
    """
    return _told(usage, _CHAT_SHAPE, tokens_of, usage_of)


def told_usage_of_response(usage: msgspec.Raw) -> tuple[Tokens | None, msgspec.Raw]:
    """The same of the ``usage`` of a response."""
    return _told(usage, _RESPONSE_SHAPE, tokens_of_response, usage_of_response)


def _told(
    usage: msgspec.Raw,
    shape: msgspec.json.Decoder[_ChatShape | None] | msgspec.json.Decoder[_ResponseShape | None],
    read: Callable[[bytes], Tokens | None],
    write: Callable[[Tokens], dict[str, Any]],
) -> tuple[Tokens | None, msgspec.Raw]:
    try:
        found = shape.decode(usage)
        if found is None:
            return None, usage
        whole = found.is_whole()
        if whole and found.total_tokens is not None:
            return found.tokens(), usage
        if whole and (total := found.sum()) <= 2 * MAX_TOKENS:
            return found.tokens(), _summed(usage, total)
    except UNREADABLE:
        pass
    tokens = read(usage)
    return tokens, NULL if tokens is None else msgspec.Raw(msgspec.json.encode(write(tokens)))


def _summed(usage: bytes, total: int) -> msgspec.Raw:
    """A usage with the total that it lacks: some clients take none without."""
    members = msgspec.json.decode(usage, type=Members)
    members["total_tokens"] = msgspec.Raw(b"%d" % total)
    return msgspec.Raw(msgspec.json.encode(members))


def with_usage(reply: bytes, usage: msgspec.Raw) -> bytes:
    """A reply, or an event, with another usage. Raises what decoding does, of what is no object."""
    members = msgspec.json.decode(reply, type=Members)
    members["usage"] = usage
    return msgspec.json.encode(members)


def usage_of(tokens: Tokens) -> dict[str, Any]:
    """The usage of a completion. Where no part of the output was said to be reasoning, nothing is said of it."""
    usage: dict[str, Any] = {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
        "prompt_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.written},
    }
    if tokens.reasoning:
        usage["completion_tokens_details"] = {"reasoning_tokens": tokens.reasoning}
    return usage


def usage_of_response(tokens: Tokens) -> dict[str, Any]:
    """The usage of a response."""
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.written},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
    }


# -- as it is read ----------------------------------------------------------------------------------------------------
def tokens_of(usage: bytes) -> Tokens | None:
    """What the ``usage`` of a completion says; None where it says nothing, or is none: the reply is as good."""
    found = _read(usage, _CHAT)
    return found.tokens() if found is not None else None


def tokens_of_response(usage: bytes) -> Tokens | None:
    """What the ``usage`` of a response says; None as ``tokens_of``."""
    found = _read(usage, _RESPONSE)
    return found.tokens() if found is not None else None


def _read(usage: bytes, decoder: msgspec.json.Decoder[U | None]) -> U | None:
    """A usage; of one that cannot be read, what is left without the details that cannot. None where that is nothing.

    A detail that cannot be read says nothing, as one that is not there: what a cache held is then priced as the rest.
    """
    try:
        return decoder.decode(usage)
    except UNREADABLE:
        pass
    try:
        stated = msgspec.json.decode(usage, type=dict[str, Any])
        found: U | None = msgspec.convert(_without_odd_details(stated), decoder.type, strict=False)
        return found
    except UNREADABLE:
        return None


def _without_odd_details(usage: dict[str, Any]) -> dict[str, Any]:
    """A usage whose details are counts, and nothing else."""
    for name in [name for name in usage if name.endswith("_details")]:
        details = usage[name]
        counts = details.items() if isinstance(details, dict) else ()
        usage[name] = {detail: count for detail, count in counts if _is_count(count)}
    return usage


def _is_count(stated: Any) -> bool:
    try:
        msgspec.convert(stated, int, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _tokens(
    given: int | None,
    made: int | None,
    total: int | None,
    of_input: InputDetails | None,
    of_output: OutputDetails | None,
) -> Tokens | None:
    """Tokens, of which thought is a part of what was made, as at OpenAI.

    xAI and Google count thought beside it, and Google does not always say how much: that is what their totals hold
    beyond the two.
    """
    if given is None or made is None:
        return None
    read = wrote = thought = 0
    if of_input is not None:
        read, wrote = of_input.cached_tokens or 0, of_input.cache_write_tokens or 0
    if of_output is not None:
        thought = of_output.reasoning_tokens or 0
    if total is not None and (beside := total - given - made) > 0 and thought in (0, beside):
        made, thought = made + beside, beside
    if read < 0 or wrote < 0 or not read + wrote <= given <= MAX_TOKENS or not 0 <= thought <= made <= MAX_TOKENS:
        return None
    return Tokens(given, made, read, wrote, thought)
