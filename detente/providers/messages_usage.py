"""What Anthropic's ``usage`` says of a message.

Owns: from a usage, by whomever it is written, to tokens; and how its caller is told one that clients could not reckon
with: they would raise, and lose the answer. Not here: where in a reply or a stream it stands (``messages_stream``), and
OpenAI's (``openai_usage``).
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from detente.providers.wire import MAX_TOKENS, Tokens

Metered = Annotated[int, msgspec.Meta(ge=0, le=MAX_TOKENS)]
WHOLE = ("input_tokens", "output_tokens")
"""What a message states of its use."""
ENDING = ("output_tokens",)
"""What the event states in which a message gives its reason to stop."""
UNKNOWN_USE = b": detente: the usage of this message is unknown\n\n"
"""The mark, a comment, of a stream whose counts nobody knows: its shape has no word for that, and its 0 is none."""


class _Details(msgspec.Struct):
    thinking_tokens: Metered | None = None


class MessagesUsage(msgspec.Struct):
    """Anthropic's usage: its input tokens are those that no cache held."""

    input_tokens: Metered | None = None
    output_tokens: Metered | None = None
    cache_read_input_tokens: Metered | None = None
    cache_creation_input_tokens: Metered | None = None
    output_tokens_details: _Details | None = None

    def after(self, before: MessagesUsage | None) -> MessagesUsage:
        """The same with what only an earlier event said: counts are running totals."""
        if before is None:
            return self
        said = {}
        for name in MessagesUsage.__struct_fields__:
            now = getattr(self, name)
            said[name] = getattr(before, name) if now is None else now
        return MessagesUsage(**said)

    @property
    def tokens(self) -> Tokens | None:
        """The same as tokens; None where the provider left out how many."""
        if self.input_tokens is None or self.output_tokens is None:
            return None
        read, written = self.cache_read_input_tokens or 0, self.cache_creation_input_tokens or 0
        details = self.output_tokens_details
        thought = min((details.thinking_tokens if details else None) or 0, self.output_tokens)
        return Tokens(self.input_tokens + read + written, self.output_tokens, read, written, thought)


class _Iteration(msgspec.Struct):
    type: str
    input_tokens: int
    output_tokens: int
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class MessagesUsageShape(MessagesUsage):
    """All of it that clients reckon with."""

    cache_creation: dict[str, int | None] | None = None
    server_tool_use: dict[str, int | None] | None = None
    service_tier: str | None = None
    iterations: list[_Iteration] | None = None


def usage_of(stated: Any) -> MessagesUsage | None:
    """Usage as it was stated; None where it cannot be read: a reply is not spoilt by how its use is told (§12).

    Details that cannot be read say nothing, as those that are not there.
    """
    for told in (stated, _without_details(stated)):
        try:
            return msgspec.convert(told, MessagesUsage, strict=False)  # whole numbers as text or floats are numbers
        except msgspec.ValidationError:
            continue
    return None


def _without_details(stated: Any) -> Any:
    if not isinstance(stated, dict):
        return stated
    return {name: said for name, said in stated.items() if name != "output_tokens_details"}


def told_usage(stated: Any, needed: tuple[str, ...]) -> tuple[MessagesUsage | None, msgspec.Raw | None]:
    """(usage as it was stated, how its caller is told it); None where clients can read what was stated.

    Else what of it can be read. A count that is needed and unknown is 0, since clients take nothing but a number there:
    whoever tells it marks that it is none (``UNKNOWN_USE`` in a stream).
    """
    try:
        usage: MessagesUsage | None = msgspec.convert(stated, MessagesUsageShape)
        if all(getattr(usage, name) is not None for name in needed):
            return usage, None
    except msgspec.ValidationError:
        usage = usage_of(stated)
    counts = dict.fromkeys(needed, 0)
    if usage is not None:
        said = {name: getattr(usage, name) for name in MessagesUsage.__struct_fields__}
        counts |= {name: count for name, count in said.items() if count is not None}
    return usage, msgspec.Raw(msgspec.json.encode(counts))
