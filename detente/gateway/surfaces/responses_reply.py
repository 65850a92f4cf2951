"""A whole chat completion as a response.

Owns: a response's members and items, which streams share, and the names of tools in them. Not here: streams
(``responses_events``), requests (``responses_request``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from secrets import token_hex
from typing import Any

import msgspec

from detente.gateway.surfaces.citations import Citation, as_annotation, in_text
from detente.gateway.surfaces.completion import completion_of
from detente.gateway.surfaces.responses_thought import packed
from detente.gateway.surfaces.responses_tools import INPUT, ToolName
from detente.gateway.surfaces.surface import Asked, UnsayableError
from detente.providers.openai_usage import usage_of_response
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Reply, Tokens

Plain = dict[str, Any]
ECHOED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "user": None,
}
"""Members of a response that say what was asked for, with what they say where it was not."""
WHY = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why a response is incomplete, by a chat completion's reason to finish."""


def response_of(asked: Asked, reply: Reply) -> bytes:
    """The response. Raises ``UnsayableError`` for a completion that is none."""
    completion = completion_of(reply, "response")
    choice = completion.choices[0]
    message, own = choice.message, own_id(completion.id)
    output: list[Plain] = []
    thought = message.reasoning_content
    kept = packed(msgspec.to_builtins(message))
    if thought or kept:
        output.append(reasoning(own, thought, kept))
    cut, calls = choice.finish_reason in WHY, message.tool_calls or []
    cited = in_text(message.content, message.annotations, completion.sources)
    parts = [text_part(message.content, cited)] if message.content or cited else []
    parts += [refusal_part(message.refusal)] if message.refusal else []
    if parts or not calls:
        output.append(said(own, parts or [text_part("")], "incomplete" if cut and not calls else "completed"))
    for at, call in enumerate(calls):
        if choice.finish_reason == "length" and is_cut(call.function.arguments, last=at + 1 == len(calls)):
            continue  # a part of an input is not an input
        output.append(called(own, at, call.id, call.function.name, call.function.arguments, asked.tools))
    finish = "content_filter" if message.refusal else choice.finish_reason
    return msgspec.json.encode(shell(asked, own, completion.created, output, finish, reply.tokens))


# -- what streams share -----------------------------------------------------------------------------------------------
def own_id(completion: str | None) -> str:
    """What ids of a response and its items are made of: the completion's, so that a provider can be asked about it."""
    return (completion or token_hex(12)).removeprefix("chatcmpl-")[:100]


def shell(
    asked: Asked, own: str, created: int, output: list[Plain], finish: str | None, tokens: Tokens | None
) -> Plain:
    """A response. ``finish`` is None while it is made."""
    members = asked.origin.members if asked.origin is not None else {}
    status = "in_progress" if finish is None else "incomplete" if finish in WHY else "completed"
    echoed = {name: members.get(name, usual) for name, usual in ECHOED.items()}
    return {
        "id": asked.kept_as or f"resp_{own}",
        "object": "response",
        "created_at": created,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": WHY[finish]} if finish in WHY and finish is not None else None,
        "model": asked.shown_model(),
        "output": output,
        "previous_response_id": asked.recalls or None,
        "reasoning": members.get("reasoning", {"effort": None, "summary": None}),
        "store": bool(asked.kept_as),
        "truncation": "disabled",
        "usage": usage_of_response(tokens) if tokens is not None else None,
        **echoed,
    }


def said(own: str, parts: list[Plain], status: str) -> Plain:
    """An item of text."""
    return {"id": f"msg_{own}", "type": "message", "status": status, "role": "assistant", "content": parts}


def text_part(text: str, cited: Sequence[Citation] = ()) -> Plain:
    """A part of text, with what it cites."""
    return {"type": "output_text", "text": text, "annotations": [as_annotation(c) for c in cited], "logprobs": []}


def refusal_part(text: str) -> Plain:
    """A part in which a model says that it does not answer."""
    return {"type": "refusal", "refusal": text}


def reasoning(own: str, thought: str, sealed: str | None) -> Plain:
    """An item of thought: told as its summary, and packed for the model that wants it back."""
    summary = [{"type": "summary_text", "text": thought}] if thought else []
    found: Plain = {"id": f"rs_{own}", "type": "reasoning", "summary": summary}
    return found | ({"encrypted_content": sealed} if sealed else {})


def called(
    own: str, at: int, call: str, name: str, arguments: str, tools: Mapping[str, ToolName], *, done: bool = True
) -> Plain:
    """A call of a tool, by the name that its caller knows. Raises ``UnsayableError`` for a custom one without input."""
    known = tools.get(name) or ToolName(name)
    where = {"namespace": known.namespace} if known.namespace else {}
    head: Plain = {"status": "completed" if done else "in_progress", "call_id": call, "name": known.name, **where}
    if known.kind == "tool_search":
        head = {"status": head["status"], "call_id": call, "execution": "client"}
        sought = search_of(arguments) if done else {}
        return {"id": f"tsc_{own}{at}", "type": "tool_search_call", **head, "arguments": sought}
    if known.kind == "custom":
        given = input_of(arguments, known.name) if done else ""
        return {"id": f"ctc_{own}{at}", "type": "custom_tool_call", **head, "input": given}
    return {"id": f"fc_{own}{at}", "type": "function_call", **head, "arguments": (arguments or "{}") if done else ""}


def search_of(arguments: str) -> Plain:
    """What a search for tools looks for. Raises ``UnsayableError`` where it is no object."""
    found = _object(arguments or "{}")
    if found is None:
        raise UnsayableError("the model searched for tools with arguments that cannot be read", of_model=True)
    return found


def is_cut(arguments: str, *, last: bool) -> bool:
    """Whether a call of a reply that ends at its limit was cut: within its arguments, or the last before any."""
    return _object(arguments or "{}") is None or (last and not arguments.strip())


def _object(text: str) -> Plain | None:
    try:
        return msgspec.json.decode(text, type=Plain)
    except UNREADABLE:
        return None


def input_of(arguments: str, name: str) -> str:
    """The input of a custom tool, from the arguments of the function that stands for it."""
    found = (_object(arguments) or {}).get(INPUT)
    if not isinstance(found, str):
        raise UnsayableError(f"the model called `{name[:60]}` without its input", of_model=True)
    return found
