"""Anthropic's tools, and the choice among them, as those of a chat completion.

Owns: ``tools`` and ``tool_choice``. Not here: calls of tools and their results, which are turns (``messages_prompt``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from detente.gateway.surfaces.messages_blocks import CacheControl, marked, read
from detente.gateway.surfaces.told_from import ToldFrom
from detente.providers.wire import Refusal


class _Type(msgspec.Struct):
    type: str | None = None


class _Tool(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    input_schema: dict[str, msgspec.Raw]
    type: str | None = None
    description: str | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None
    allowed_callers: list[str] | None = None
    defer_loading: bool | None = None
    eager_input_streaming: bool | None = None
    input_examples: list[msgspec.Raw] | None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


HOSTED = ("web_search_", "web_fetch_", "code_execution_", "tool_search_tool_", "advisor_")
"""How the types of tools begin that run at Anthropic: a model may do without them, where a call's leniency says so."""
REMEDY = "or allow it to be left out: `lenient: [hosted-tools]`"


def tools_of(
    tools: msgspec.Raw | None,
    choice: msgspec.Raw | None,
    optional: Collection[str],
    left_out: list[str],
    *,
    marks: bool = False,
) -> tuple[dict[str, Any], list[ToldFrom]]:
    """(the members of a chat completion that say which tools there are and how to choose, where each was written).

    Both are empty without tools. ``left_out`` takes the names of what is left out: hints, and what is ``optional``.
    ``marks``: whether those that a prompt is cached up to are kept.
    """
    listed = [] if tools is None else read(tools, list[msgspec.Raw], "tools")
    said: dict[str, Any] = {}
    told, places = [], []
    for at, raw in enumerate(listed):
        kind = read(raw, _Type, f"tools[{at}]").type or "custom"
        if "hosted-tools" in optional and kind.startswith(HOSTED):
            left_out.append(next(start for start in HOSTED if kind.startswith(start)).rstrip("_"))
        else:
            tool = _tool(raw, kind, f"tools[{at}]", left_out)
            told.append(marked(tool, raw) if marks else tool)
            places.append(ToldFrom(f"tools[{at}]"))
    if told:
        said["tools"] = told
    if choice is not None:
        chosen = _chosen(read(choice, _Choice, "tool_choice"))
        if not told and listed and choice_is_free(chosen):
            return said, places
        if not told:
            raise Refusal("`tool_choice` chooses among `tools`, and there are none", "tool_choice")
        said |= chosen
    return said, places


def choice_is_free(said: Mapping[str, Any]) -> bool:
    """Whether a choice leaves it to the model to call no tool."""
    return said.get("tool_choice") in ("auto", "none")


def _tool(raw: msgspec.Raw, kind: str, where: str, left_out: list[str]) -> dict[str, Any]:
    if kind != "custom":
        what = f"`{kind[:60]}` is a tool that Anthropic defines; describe one of your own, by `input_schema`"
        raise Refusal(f"{what}, {REMEDY}" if kind.startswith(HOSTED) else what, f"{where}.type")
    tool = read(raw, _Tool, where)
    if tool.allowed_callers not in (None, ["direct"]):
        raise Refusal("chat completions have no tools that call tools", f"{where}.allowed_callers")
    if tool.defer_loading:
        left_out.append("defer_loading")  # all tools are loaded
    if tool.input_examples:
        raise Refusal("chat completions take no examples; write them into `description`", f"{where}.input_examples")
    if tool.eager_input_streaming is not None:
        left_out.append("eager_input_streaming")  # how inputs are cut into pieces
    function: dict[str, Any] = {"name": tool.name, "parameters": tool.input_schema}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _chosen(choice: _Choice) -> dict[str, Any]:
    if (choice.type == "tool") != (choice.name is not None):
        raise Refusal("`tool_choice.name` is only allowed with `type: tool`", "tool_choice.name")
    said: dict[str, Any]
    match choice.type:
        case "auto" | "none":
            said = {"tool_choice": choice.type}
        case "any":
            said = {"tool_choice": "required"}
        case "tool":
            said = {"tool_choice": {"type": "function", "function": {"name": choice.name}}}
        case other:
            raise Refusal(f"`tool_choice.type: {other[:40]}` is none of auto, any, tool, none", "tool_choice.type")
    if choice.disable_parallel_tool_use:
        said["parallel_tool_calls"] = False
    return said
