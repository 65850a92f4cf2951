"""What OpenAI's ``usage`` says of chat completions, embeddings and responses.

Owns: from a usage, by whomever it is written, to tokens; unknown where it contradicts itself, and never zero (§12). Not
here: Anthropic's usage (``messages_stream``) and Bedrock's (``bedrock/converse_reply``).
"""

from __future__ import annotations

import msgspec

from detente.providers.wire import MAX_TOKENS, Tokens


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

    @property
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


_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_CHAT = msgspec.json.Decoder(ChatUsage | None, strict=False)
_RESPONSE = msgspec.json.Decoder(_ResponseUsage | None, strict=False)


def tokens_of(usage: bytes) -> Tokens | None:
    """What the ``usage`` of a completion says; None where it says nothing, or is none: the reply is as good."""
    try:
        found = _CHAT.decode(usage)
    except _UNREADABLE:
        return None
    return found.tokens if found is not None else None


def tokens_of_response(usage: bytes) -> Tokens | None:
    """What the ``usage`` of a response says; None as ``tokens_of``."""
    try:
        found = _RESPONSE.decode(usage)
    except _UNREADABLE:
        return None
    if found is None:
        return None
    details = found.input_tokens_details, found.output_tokens_details
    return _tokens(found.input_tokens, found.output_tokens, found.total_tokens, *details)


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
