"""A whole reply of Converse as a chat completion in OpenAI's shape.

Owns: blocks of content, reasons to stop, and usage. Not here: streams (``stream``), which share the last two.
"""

from __future__ import annotations

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from secrets import token_hex
from types import MappingProxyType
from typing import Annotated, Any

import msgspec

from detente.providers.bedrock.citations import Citing, annotations_of
from detente.providers.bedrock.failures import named
from detente.providers.openai_usage import usage_of
from detente.providers.said_anything import says_anything
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import MAX_TOKENS, UNKNOWN, Failure, Headers, Reply, Tokens, as_reason, as_text, failure

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
"""OpenAI's reasons to finish, by Bedrock's to stop."""
_SAYABLE = frozenset(FINISH.values())
_MALFORMED = "malformed_"
"""How those begin that say that what the model said could not be read: that is no finished reply."""

SEQUENCE = "stop_sequence"
"""Bedrock's reason for a stop at a sequence, and Claude's own member that says which one it was."""

TokenCount = Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS)]


class ConverseUsage(msgspec.Struct, rename="camel"):
    """Bedrock's ``TokenUsage``: its input tokens are those that no cache held."""

    input_tokens: TokenCount
    output_tokens: TokenCount
    cache_read_input_tokens: TokenCount | None = None
    cache_write_input_tokens: TokenCount | None = None

    @property
    def tokens(self) -> Tokens:
        """The same as tokens: what was read from a cache, or written to it, is input too."""
        read, written = self.cache_read_input_tokens or 0, self.cache_write_input_tokens or 0
        return Tokens(self.input_tokens + read + written, self.output_tokens, read, written)


_USAGE = msgspec.json.Decoder(ConverseUsage | None)


def tokens_of(usage: bytes) -> Tokens | None:
    """What a ``usage`` says; None where it says nothing, or is none: unknown, and the reply as good (§12)."""
    try:
        found = _USAGE.decode(usage)
    except UNREADABLE:
        return None
    return found.tokens if found is not None else None


class Thought(msgspec.Struct, rename="camel"):
    """What is told of a thought: texts, empty where there are none."""

    text: Any = ""
    signature: Any = ""
    redacted_content: Any = ""

    def __post_init__(self) -> None:
        self.text, self.signature = as_text(self.text), as_text(self.signature)
        self.redacted_content = as_text(self.redacted_content)


class _Reasoning(msgspec.Struct, rename="camel"):
    reasoning_text: Thought | None = None
    redacted_content: Any = None


class _Use(msgspec.Struct, rename="camel"):
    tool_use_id: str
    name: str
    input: msgspec.Raw


class _Block(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    text: str | None = None
    tool_use: _Use | None = None
    reasoning_content: _Reasoning | None = None
    citations_content: Citing | None = None


class _Message(msgspec.Struct):
    content: list[_Block]


class _Output(msgspec.Struct):
    message: _Message


class _Whole(msgspec.Struct, rename="camel"):
    output: _Output
    stop_reason: Any = None
    usage: msgspec.Raw = msgspec.Raw(b"null")
    service_tier: Any = None
    additional_model_response_fields: Any = None


_WHOLE = msgspec.json.Decoder(_Whole)


def reply_of(
    model: str, headers: Headers, body: bytes, names: Mapping[str, str] = MappingProxyType({})
) -> Reply | Failure:
    """A chat completion; a reply that cannot be read, or that is no finished one, is a ``broken`` failure.

    ``names`` are the whole names of tools whose names were shortened, by the short ones.
    """
    try:
        found = _WHOLE.decode(body)
        message = _message(found.output.message.content, names)
    except (ValueError, RecursionError) as error:  # msgspec's errors, or UTF-8's
        return broken(f"a reply that cannot be read: {str(error)[:200]}")
    if not found.stop_reason and not says_anything(msgspec.json.encode(message)):
        return broken("a reply that holds no answer")
    finish = finish_of(found.stop_reason)
    if isinstance(finish, Failure):
        return finish
    if finish == "length" and _ends_in_a_call(found.output.message.content):
        message["tool_calls"][-1]["function"]["arguments"] = ""
    choice: dict[str, Any] = {"index": 0, "message": message, "logprobs": None, **told_of(finish)}
    if found.stop_reason == SEQUENCE:
        choice["stop_reason"] = sequence_of(found.additional_model_response_fields)
    completion: dict[str, Any] = {
        "id": id_of(headers),
        "object": "chat.completion",
        "created": created_of(headers),
        "model": model,
        "choices": [choice],
    }
    tokens = tokens_of(found.usage)
    if tokens is not None:
        completion["usage"] = usage_of(tokens)
    tier = tier_of(found.service_tier)
    if tier is not None:
        completion["service_tier"] = tier
    return Reply(msgspec.json.encode(completion), tokens, finish)


def _message(blocks: list[_Block], names: Mapping[str, str]) -> dict[str, Any]:
    texts: list[str] = []
    calls: list[dict[str, Any]] = []
    thoughts: list[str] = []
    later: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    signature = redacted = None
    for block in blocks:
        if block.text is not None:
            texts.append(block.text)
        if block.citations_content is not None:
            start, text = sum(map(len, texts)), block.citations_content.text
            texts.append(text)
            annotations += annotations_of(block.citations_content.citations, start, start + len(text))
        if block.tool_use is not None:
            use = block.tool_use
            function = {"name": names.get(use.name, use.name), "arguments": bytes(use.input).decode()}
            calls.append({"id": use.tool_use_id, "type": "function", "function": function})
        if block.reasoning_content is not None:
            thought = block.reasoning_content.reasoning_text or Thought()
            hidden = as_text(block.reasoning_content.redacted_content)
            characters = sum(map(len, texts))
            if not (characters or calls or any(thoughts) or signature or redacted or later):
                thoughts.append(thought.text)
                signature, redacted = thought.signature or None, hidden or None
            elif thought.text or thought.signature or hidden:
                later.append(later_thought(thought.text, thought.signature, characters, len(calls), hidden))
    message: dict[str, Any] = {"role": "assistant", "content": "".join(texts) if texts else None, "refusal": None}
    if calls:
        message["tool_calls"] = calls
    if redacted is not None:
        message["reasoning_redacted"] = redacted
    elif thoughts:
        message["reasoning_content"] = "".join(thoughts)
    if signature is not None:
        message["reasoning_signature"] = signature
    if later:
        message["later_reasoning"] = later
    if annotations:
        message["annotations"] = annotations
    return message


def _ends_in_a_call(blocks: list[_Block]) -> bool:
    """Whether a reply ends with a call of an empty input.

    One that was cut before its input has an empty object of it, too. So at the limit such a call has no arguments, as
    in a stream.
    """
    use = blocks[-1].tool_use if blocks else None
    return use is not None and not bytes(use.input).strip(b"{} \t\r\n")


def later_thought(
    text: str | None, signature: str | None, characters: int, calls: int, redacted: str | None = None
) -> dict[str, Any]:
    """A thought that does not begin its reply: Claude signs each by itself, and reads it again in its place.

    ``characters`` of the content and ``calls`` of tools come before it.
    """
    found: dict[str, Any] = {"characters": characters, "calls": calls}
    if redacted:
        return found | {"reasoning_redacted": redacted}
    found["reasoning_content"] = text or ""
    return found | ({"reasoning_signature": signature} if signature else {})


def sequence_of(additional: Any) -> str:
    """What a choice's ``stop_reason`` says of a stop at a sequence, as vLLM's does: which one it was.

    Where the model does not say which, Bedrock's own word for it.
    """
    stated = additional.get(SEQUENCE) if isinstance(additional, dict) else None
    return stated if isinstance(stated, str) and stated else SEQUENCE


def id_of(headers: Headers) -> str:
    """An id made of the one that AWS gives each request; without one, of chance: no two replies share one."""
    return f"chatcmpl-{headers.get('x-amzn-requestid', '')[:100] or token_hex(12)}"


def created_of(headers: Headers) -> int:
    """When a reply was made, in seconds since the epoch, by its own ``date`` header; 0 without one.

    Nothing here reads a clock (§9), and the provider's is the one that its logs and bills go by.
    """
    return _seconds(headers.get("date", "")[:100])


@lru_cache(maxsize=8)
def _seconds(date: str) -> int:
    try:
        return max(0, int(parsedate_to_datetime(date).timestamp()))
    except (ValueError, OverflowError):
        return 0


def tier_of(stated: Any) -> str | None:
    """OpenAI's name of the tier that served a call; None for one that it does not have (``reserved``)."""
    tier = as_text(stated.get("type")) if isinstance(stated, dict) else ""
    return tier if tier in ("default", "flex", "priority") else None


def broken(what: str) -> Failure:
    """A failure of what was sent: by Bedrock, or by Anthropic and read in Converse's words."""
    return failure("broken", 502, f"the provider sent {what}")


def finish_of(stated: Any) -> str | Failure:
    """OpenAI's reason to finish; Bedrock's own where OpenAI has no word for it: the reply is there, and was paid for.

    A failure where what the model said could not be read.
    """
    reason = as_reason(stated) or UNKNOWN
    if reason.startswith(_MALFORMED):
        return named("ModelErrorException", f"the model's reply was malformed ({reason[:60]})")
    return FINISH.get(reason, reason[:60])


def told_of(finish: str) -> dict[str, str]:
    """Why a choice ends, in its own members: of a reason that nobody here knows, the word that promises least too."""
    if finish in _SAYABLE:
        return {"finish_reason": finish}
    return {"finish_reason": "length", "stop_reason": finish}
