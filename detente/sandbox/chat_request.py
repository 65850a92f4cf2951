"""A request for chat completions: read into what a model is asked.

Owns: the shape of messages, tools, formats and settings, and what OpenAI refuses of them. Not here: the answer
(``chat``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from detente.sandbox.ask import Ask, Tool, WrongError

MAX_CHOICES = 16
MAX_NAME = 64
"""Characters of a tool's name."""
PARTS = {"text": "text", "refusal": "refusal", "input_text": "text", "output_text": "text"}
IMAGES = ("image_url", "input_image")


def ask(body: Mapping[str, Any]) -> Ask:
    """What is asked. Raises WrongError as the provider would refuse it."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise WrongError("'messages' must be a list of at least one message.", "messages")
    if body.get("audio") is not None or "audio" in list_of(body.get("modalities"), "modalities"):
        raise WrongError("The sandbox plays no audio.", "audio")
    texts, images, called = [], 0, set[str]()
    last, text = "", ""
    for at, message in enumerate(messages):
        if not isinstance(message, Mapping):
            raise WrongError(f"Invalid type for 'messages[{at}]': expected an object.", f"messages[{at}]")
        text, seen = _message(message, at, called)
        texts.append(text)
        images += seen
        last = text if message["role"] == "user" else ""
    tools = _tools(body.get("tools"))
    forced, barred = _choice(body.get("tool_choice"), tools)
    shown = [msgspec.json.encode([tool.name, tool.schema]).decode() for tool in tools]
    return Ask(
        prompt="\n".join([*shown, *texts]),
        last=last,
        images=images,
        tools=tools,
        forced=forced,
        barred=barred,
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema(body.get("response_format")),
        most=whole_number(body, "max_completion_tokens") or whole_number(body, "max_tokens"),
        stop=_stops(body.get("stop")),
        n=_several(body),
        seed=body["seed"] if isinstance(body.get("seed"), int) else None,
        reasoning=text_or_none(body, "reasoning_effort"),
        top=_top(body),
    )


def _message(message: Mapping[str, Any], at: int, called: set[str]) -> tuple[str, int]:
    """The text and the images of a message. Calls that it makes are noted; one that it answers must be noted."""
    role = message.get("role")
    if role not in ("system", "developer", "user", "assistant", "tool", "function"):
        raise WrongError(f"Invalid value for 'messages[{at}].role'.", f"messages[{at}].role", "invalid_value")
    text, images = content(message.get("content"), f"messages[{at}].content", empty=role == "assistant")
    for call in list_of(message.get("tool_calls"), f"messages[{at}].tool_calls"):
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(call.get("id"), str):
            raise WrongError(f"Invalid 'messages[{at}].tool_calls'.", f"messages[{at}].tool_calls")
        called.add(call["id"])
        text += f"{function.get('name')}{function.get('arguments')}"
    if role == "tool" and message.get("tool_call_id") not in list(called):
        what = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
        raise WrongError(what, f"messages[{at}].role")
    return text, images


def content(given: Any, param: str, *, empty: bool = False) -> tuple[str, int]:
    """The text and the number of images of a message's content."""
    if isinstance(given, str):
        return given, 0
    if given is None and empty:
        return "", 0
    if not isinstance(given, list):
        raise WrongError(f"Invalid type for '{param}': expected text or a list of parts.", param, "invalid_type")
    text, images = "", 0
    for part in given:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if isinstance(kind, str) and kind in PARTS and isinstance(part.get(PARTS[kind]), str):
            text += part[PARTS[kind]]
        elif kind in IMAGES and part.get("image_url"):
            images += 1
        else:
            raise WrongError(f"Invalid value for '{param}': the sandbox plays text and images.", param, "invalid_value")
    return text, images


def _tools(given: Any) -> tuple[Tool, ...]:
    found = list_of(given, "tools")
    return tuple(function_tool(tool, tool.get("function") if isinstance(tool, Mapping) else None) for tool in found)


def function_tool(tool: Any, function: Any) -> Tool:
    """A tool that is a function; of other kinds the sandbox plays none."""
    if not isinstance(tool, Mapping) or tool.get("type") != "function" or not isinstance(function, Mapping):
        raise WrongError("The sandbox plays tools of type 'function' only.", "tools")
    name, schema = function.get("name"), function.get("parameters") or {"type": "object", "properties": {}}
    if not isinstance(name, str) or not name or not isinstance(schema, Mapping):
        raise WrongError("A tool has no name, or parameters that are no schema.", "tools")
    if len(name) > MAX_NAME:
        what = f"string too long. Expected a string with maximum length {MAX_NAME}, but got a string with length"
        raise WrongError(f"Invalid name of a tool: {what} {len(name)} instead.", "tools", "string_above_max_length")
    return Tool(name, schema)


def _choice(given: Any, tools: tuple[Tool, ...]) -> tuple[str | None, bool]:
    """(the tool that must be called, whether none may be)."""
    if given in (None, "auto"):
        return None, False
    if not tools:
        raise WrongError("'tool_choice' is only allowed when 'tools' are specified.", "tool_choice")
    if given in ("none", "required"):
        return ("*", False) if given == "required" else (None, True)
    return chosen(given.get("function", given) if isinstance(given, Mapping) else None, tools), False


def chosen(given: Any, tools: tuple[Tool, ...]) -> str:
    """The name of the tool that must be called. Raises WrongError where it is none of them."""
    name = given.get("name") if isinstance(given, Mapping) else None
    if name not in [tool.name for tool in tools]:
        raise WrongError("Tool choice names a tool that is not in 'tools'.", "tool_choice")
    return str(name)


def _schema(given: Any) -> Mapping[str, Any] | None:
    kind = given.get("type") if isinstance(given, Mapping) else None
    if given is None or kind == "text":
        return None
    if kind == "json_object":
        return {}
    held = given.get("json_schema") if kind == "json_schema" else None
    if not isinstance(held, Mapping) or not isinstance(held.get("schema"), Mapping):
        raise WrongError("Invalid value for 'response_format'.", "response_format", "invalid_value")
    schema: Mapping[str, Any] = held["schema"]
    return schema


def _stops(given: Any) -> tuple[str, ...]:
    stops = [given] if isinstance(given, str) else given or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops) or len(stops) > 4:
        raise WrongError("Invalid value for 'stop': expected up to 4 texts.", "stop")
    return tuple(stops)


def _several(body: Mapping[str, Any]) -> int:
    n = whole_number(body, "n") or 1
    if n > MAX_CHOICES:
        raise WrongError(f"Invalid 'n': the sandbox plays at most {MAX_CHOICES} choices.", "n", "invalid_value")
    return n


def _top(body: Mapping[str, Any]) -> int | None:
    top = body.get("top_logprobs")
    if not body.get("logprobs"):
        if top is not None:
            raise WrongError("'top_logprobs' needs 'logprobs' to be true.", "top_logprobs")
        return None
    if top is not None and (not isinstance(top, int) or not 0 <= top <= 20):
        raise WrongError("Invalid value for 'top_logprobs': expected 0 to 20.", "top_logprobs")
    return top or 0


def whole_number(body: Mapping[str, Any], name: str) -> int | None:
    """A member that is a whole number of 1 or more, if it is there."""
    given = body.get(name)
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int) or given < 1:
        raise WrongError(f"Invalid value for '{name}': expected a whole number of 1 or more.", name, "invalid_value")
    return given


def list_of(given: Any, name: str) -> list[Any]:
    """A list, empty where nothing is given."""
    if given is not None and not isinstance(given, list):
        raise WrongError(f"Invalid type for '{name}': expected a list.", name, "invalid_type")
    return given or []


def text_or_none(body: Mapping[str, Any], name: str) -> str | None:
    """A member that is text, if it is there."""
    given = body.get(name)
    if given is not None and not isinstance(given, str):
        raise WrongError(f"Invalid type for '{name}': expected text.", name, "invalid_type")
    return given
