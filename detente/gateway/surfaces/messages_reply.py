"""A whole chat completion as one of Anthropic's messages.

Owns: blocks of content, reasons to stop and usage, which streams share. Not here: streams (``messages_stream``).
"""

from __future__ import annotations

from collections.abc import Sequence
from secrets import token_hex
from typing import Any

import msgspec

from detente.gateway.surfaces.citations import Citation, as_anthropics
from detente.gateway.surfaces.completion import CompletedCall, completion_of
from detente.gateway.surfaces.surface import Asked, UnsayableError
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Reply, Tokens

_STOP = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


def message(asked: Asked, reply: Reply) -> bytes:
    """The message. Raises ``UnsayableError`` for a completion that is none, or calls a tool with what is no object."""
    completion = completion_of(reply, "message")
    choice = completion.choices[0]
    said = choice.message
    content: list[dict[str, Any]] = []
    thought, signature = said.reasoning_content, said.reasoning_signature
    if thought or signature or said.reasoning_redacted:
        content.append(_thinking(thought, signature, said.reasoning_redacted))
    text, calls = said.content, said.tool_calls or []
    cut = choice.finish_reason == "length"
    uses = [_tool_use(c, cut and at == len(calls) - 1) for at, c in enumerate(calls)]
    characters = called = 0
    cited = [*said.annotations, *completion.sources]
    for step in [*(said.later_reasoning or ()), None]:
        to, until = (step.characters, step.calls) if step is not None else (len(text), len(uses))
        here, cited = (cited, []) if step is None else _until(to, cited)
        if (words := text[characters:to]) or here:
            content.append({"type": "text", "text": words} | ({"citations": as_anthropics(here)} if here else {}))
        content += filter(None, uses[called:until])
        if step is not None:
            content.append(_thinking(step.reasoning_content, step.reasoning_signature, step.reasoning_redacted))
        characters, called = to, until
    if said.refusal:
        content.append({"type": "text", "text": said.refusal})
    finish = "content_filter" if said.refusal else choice.finish_reason
    reason, sequence = stopped(asked, finish, choice.stop_reason, any(block["type"] == "tool_use" for block in content))
    return msgspec.json.encode(
        head(completion.id, asked.shown_model())
        | {"content": content, "stop_reason": reason, "stop_sequence": sequence, "usage": usage_of(reply.tokens)}
    )


def _until(end: int, cited: list[Citation]) -> tuple[list[Citation], list[Citation]]:
    """(what is cited before a place of the text, the rest)."""
    before = [one for one in cited if one.start is not None and one.start < end]
    return before, [one for one in cited if one not in before]


def _thinking(thought: str, signature: str, redacted: str | None = None) -> dict[str, Any]:
    if redacted:
        return {"type": "redacted_thinking", "data": redacted}
    return {"type": "thinking", "thinking": thought, "signature": signature}


def _tool_use(call: CompletedCall, cut: bool) -> dict[str, Any] | None:
    """A call of a tool; None where the reply was cut short within it: a part of an input is not an input."""
    text = call.function.arguments.strip()
    if cut and not text:
        return None
    text = text or "{}"
    if not is_object(text):
        if cut:
            return None
        raise no_object(call.function.name)
    return {"type": "tool_use", "id": call.id, "name": call.function.name, "input": msgspec.Raw(text.encode())}


# -- what streams share ---------------------------------------------------------------------------------------------
def is_object(text: str) -> bool:
    """Whether a call's input is a JSON object."""
    try:
        return text.startswith("{") and msgspec.json.decode(text, type=dict[str, msgspec.Raw]) is not None
    except UNREADABLE:
        return False


def no_object(tool: str) -> UnsayableError:
    """A call that Anthropic's clients could not read."""
    return UnsayableError(f"the model called `{tool[:60]}` with arguments that are not a JSON object", of_model=True)


def head(completion: str | None, model: str) -> dict[str, Any]:
    """A message without its content. Its id is that of the completion, so that a provider can be asked about it."""
    own = (completion or token_hex(12)).removeprefix("chatcmpl-")
    return {"id": f"msg_{own}", "type": "message", "role": "assistant", "model": model}


def begun(completion: str | None, model: str) -> dict[str, Any]:
    """The event by which a stream begins: nothing is counted yet."""
    usage = {"input_tokens": 0, "output_tokens": 0}
    empty: dict[str, Any] = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    return {"type": "message_start", "message": head(completion, model) | empty}


def stopped(asked: Asked, finish: str | None, at: Any, calls: bool) -> tuple[str | None, str | None]:
    """Anthropic's reason to stop, and the sequence that it stopped at; None where the provider gave none.

    Chat completions say `stop` for the end of a turn and for a stop sequence alike, some say it after calls, and some
    `tool_calls` where there are none.
    """
    if finish in ("stop", "tool_calls"):
        finish = "tool_calls" if calls else "stop"
    if finish == "stop" and isinstance(at, str):
        sequences = _sequences(asked)
        if at in sequences:
            return "stop_sequence", at
        if at == "stop_sequence":
            return at, sequences[0] if len(sequences) == 1 else None
    return _STOP.get(finish or ""), None


def _sequences(asked: Asked) -> Sequence[str]:
    stop = asked.call.members.get("stop")
    return () if stop is None else msgspec.json.decode(stop, type=list[str])


def usage_of(tokens: Tokens | None) -> dict[str, Any]:
    """Anthropic counts what was read from a cache, or written to it, beside the input.

    Its shape has no word for unknown use: that is 0, and whoever tells it marks that it is none.
    """
    if tokens is None:
        return {"input_tokens": 0, "output_tokens": 0}
    usage: dict[str, Any] = {
        "input_tokens": max(tokens.input - tokens.cached - tokens.written, 0),
        "cache_creation_input_tokens": tokens.written,
        "cache_read_input_tokens": tokens.cached,
        "output_tokens": tokens.output,
    }
    if tokens.reasoning:
        usage["output_tokens_details"] = {"thinking_tokens": tokens.reasoning}
    return usage
