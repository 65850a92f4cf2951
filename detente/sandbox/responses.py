"""The Responses API: read, answered whole, answered as its sequence of events.

Owns: the shape. Not here: keeping replies (``cache``), and the model's answer (``model``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from detente.sandbox.ask import Ask, Choice, Generation, Tool, WrongError
from detente.sandbox.chat_request import chosen, content, function_tool, list_of, text_or_none, whole_number
from detente.sandbox.reply import Json
from detente.sandbox.tokens import count, pieces


@dataclass(frozen=True, slots=True)
class ResponsesCall:
    """What is asked: the prompt, and what the reply repeats of the request."""

    ask: Ask
    body: Mapping[str, Any]
    store: bool


# -- reading --------------------------------------------------------------------------------------------------------
def ask(body: Mapping[str, Any], before: str) -> ResponsesCall:
    """What is asked, after the conversation before. Raises WrongError as the provider would refuse it."""
    for name in ("background", "conversation", "prompt"):
        if body.get(name):
            raise WrongError(f"The sandbox does not play '{name}'.", name)
    if any("logprobs" in str(name) for name in list_of(body.get("include"), "include")):
        raise WrongError("The sandbox plays no logprobs in responses.", "include")
    text, last, images = _input(body.get("input"))
    tools = tuple(_functions(list_of(body.get("tools"), "tools")))
    forced, barred = _choice(body.get("tool_choice"), tools)
    shown = [msgspec.json.encode([tool.name, tool.schema]).decode() for tool in tools]
    instructions = text_or_none(body, "instructions") or ""
    reasoning = body.get("reasoning") if isinstance(body.get("reasoning"), Mapping) else {}
    asked = Ask(
        prompt="\n".join(part for part in (*shown, instructions, before, text) if part),
        last=last,
        images=images,
        tools=tools,
        forced=forced,
        barred=barred,
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_format(body.get("text")),
        most=whole_number(body, "max_output_tokens"),
        reasoning=text_or_none(reasoning or {}, "effort"),
    )
    return ResponsesCall(asked, body, body.get("store") is not False)


UNCALLED = ("custom", "web_search")
"""Types of tools that are taken, and never called."""


def _functions(tools: list[Any]) -> Iterator[Tool]:
    """The functions on offer; one of a namespace is called ``namespace.name`` in here, which no function's name is."""
    for tool in tools:
        kind = tool.get("type") if isinstance(tool, Mapping) else None
        if kind == "namespace":
            inner = [one for one in list_of(tool.get("tools"), "tools") if one.get("type") == "function"]
            yield from (replace(function_tool(one, one), name=f"{tool.get('name')}.{one.get('name')}") for one in inner)
        elif kind not in UNCALLED:
            yield function_tool(tool, tool)


def _input(given: Any) -> tuple[str, str, int]:
    """(all text, the last message's where it is a user's, how many images)."""
    if isinstance(given, str):
        return given, given, 0
    if not isinstance(given, list) or not given:
        raise WrongError("Missing required parameter: 'input'.", "input", "missing_required_parameter")
    texts, last, images = [], "", 0
    for at, item in enumerate(given):
        kind = item.get("type", "message") if isinstance(item, Mapping) else None
        last = ""
        if kind == "message" and item.get("role") in ("user", "system", "developer", "assistant"):
            text, seen = content(item.get("content"), f"input[{at}].content")
            last, images = text if item["role"] == "user" else "", images + seen
        elif kind in ("function_call", "custom_tool_call"):
            text = f"{item.get('name')}{item.get('arguments') or item.get('input')}"
        elif kind in ("function_call_output", "custom_tool_call_output"):
            output = item.get("output")
            text = output if isinstance(output, str) else content(output, f"input[{at}].output")[0]
        elif kind == "reasoning":
            text = ""
        else:
            raise WrongError(f"Invalid value for 'input[{at}]': the sandbox plays no such item.", f"input[{at}]")
        texts.append(text)
    return "\n".join(texts), last, images


def _choice(given: Any, tools: tuple[Tool, ...]) -> tuple[str | None, bool]:
    if given in (None, "auto") or (given == "none" and not tools):
        return None, False
    if given in ("none", "required") and tools:
        return ("*", False) if given == "required" else (None, True)
    return chosen(given, tools), False


def _format(given: Any) -> Mapping[str, Any] | None:
    held = given.get("format") if isinstance(given, Mapping) else None
    if held is None or (isinstance(held, Mapping) and held.get("type") == "text"):
        return None
    if isinstance(held, Mapping) and held.get("type") == "json_object":
        return {}
    if not isinstance(held, Mapping) or not isinstance(held.get("schema"), Mapping):
        raise WrongError("Invalid value for 'text.format'.", "text.format", "invalid_value")
    schema: Mapping[str, Any] = held["schema"]
    return schema


def items_of(given: Any, mark: str) -> list[Json]:
    """What a stored response keeps of its input: items with ids, the last first."""
    told = [{"role": "user", "content": given}] if isinstance(given, str) else given
    return [_kept(item, f"{mark}{at}") for at, item in reversed(list(enumerate(told)))]


def _kept(item: Mapping[str, Any], mark: str) -> Json:
    if item.get("type", "message") != "message":
        return {"id": f"item_{mark}", "status": "completed", **item}
    content = item.get("content")
    kind = "output_text" if item.get("role") == "assistant" else "input_text"
    parts = [{"type": kind, "text": content}] if isinstance(content, str) else content
    return {"id": f"msg_{mark}", "status": "completed", **item, "type": "message", "content": parts}


# -- answering ------------------------------------------------------------------------------------------------------
def whole(generation: Generation, asked: ResponsesCall) -> Json:
    """A reply in one piece."""
    choice = generation.choices[0]
    status = "incomplete" if choice.finish in ("length", "filtered", "blocked") else "completed"
    return _shell(generation, asked, status, _items(generation, choice, status)) | {"usage": _usage(generation)}


def _shell(generation: Generation, asked: ResponsesCall, status: str, output: list[Json]) -> Json:
    body = asked.body
    why = {"length": "max_output_tokens", "filtered": "content_filter", "blocked": "content_filter"}.get(
        generation.choices[0].finish
    )
    return {
        "id": f"resp_{generation.mark}",
        "object": "response",
        "created_at": generation.created,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": why} if status == "incomplete" else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "model": generation.model,
        "output": output,
        "parallel_tool_calls": asked.ask.parallel,
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": asked.ask.reasoning, "summary": None},
        "store": asked.store,
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": [{"strict": False, "description": None, **tool} for tool in body.get("tools") or ()],
        "top_p": body.get("top_p", 1.0),
        "truncation": "disabled",
        "metadata": body.get("metadata") or {},
        **({"user": body["user"]} if "user" in body else {}),
    }


def _usage(generation: Generation) -> Json:
    counts = generation.counts
    return {
        "input_tokens": counts.input,
        "input_tokens_details": {"cached_tokens": counts.cached, "cache_write_tokens": counts.written},
        "output_tokens": counts.output,
        "output_tokens_details": {"reasoning_tokens": counts.reasoning},
        "total_tokens": counts.input + counts.output,
    }


def _items(generation: Generation, choice: Choice, status: str) -> list[Json]:
    items: list[Json] = []
    if choice.reasoning:
        items.append({"id": f"rs_{generation.mark}", "type": "reasoning", "summary": []})
    if choice.text or not choice.calls:
        items.append(_message(generation, choice.text, status))
    return [*items, *(_call(generation, choice, at, status) for at in range(len(choice.calls)))]


def _message(generation: Generation, text: str, status: str, *, empty: bool = False) -> Json:
    part = [] if empty else [_part(text)]
    return {"id": f"msg_{generation.mark}", "type": "message", "status": status, "role": "assistant", "content": part}


def _part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _call(generation: Generation, choice: Choice, at: int, status: str, *, empty: bool = False) -> Json:
    call = choice.calls[at]
    return {
        "id": f"fc_{generation.mark}{at}",
        "type": "function_call",
        "status": status,
        "call_id": f"call_{generation.mark[:20]}{at:04d}",
        "name": call.name.rpartition(".")[2],
        "arguments": "" if empty else call.arguments,
        **({"namespace": call.name.rpartition(".")[0]} if "." in call.name else {}),
    }


def events(generation: Generation, asked: ResponsesCall) -> Iterator[tuple[Json, int]]:
    """A reply as its events, in order, each with the tokens of content that it holds."""
    number = iter(range(1_000_000))

    def event(kind: str, **more: Any) -> Json:
        return {"type": f"response.{kind}", "sequence_number": next(number), **more}

    choice, done = generation.choices[0], whole(generation, asked)
    started = _shell(generation, asked, "in_progress", [])
    yield event("created", response=started), 0
    yield event("in_progress", response=started), 0
    for at, item in enumerate(done["output"]):
        place = {"output_index": at}
        if item["type"] == "reasoning":
            yield event("output_item.added", **place, item=item), count(choice.reasoning)
        elif item["type"] == "message":
            yield event("output_item.added", **place, item=_message(generation, "", "in_progress", empty=True)), 0
            place |= {"item_id": item["id"], "content_index": 0}
            yield event("content_part.added", **place, part=_part("")), 0
            for piece in pieces(choice.text):
                yield event("output_text.delta", **place, delta=piece, logprobs=[]), 1
            yield event("output_text.done", **place, text=choice.text, logprobs=[]), 0
            yield event("content_part.done", **place, part=_part(choice.text)), 0
        else:
            which = next(k for k in range(len(choice.calls)) if item["id"] == f"fc_{generation.mark}{k}")
            begun = _call(generation, choice, which, "in_progress", empty=True)
            yield event("output_item.added", **place, item=begun), count(item["name"])
            place |= {"item_id": item["id"]}
            for piece in pieces(item["arguments"]):
                yield event("function_call_arguments.delta", **place, delta=piece), 1
            finished = {"arguments": item["arguments"], "name": item["name"]}
            yield event("function_call_arguments.done", **place, **finished), 0
        yield event("output_item.done", output_index=at, item=item), 0
    yield event(str(done["status"]), response=done), 0
