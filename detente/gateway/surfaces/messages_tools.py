"""Anthropic's tools, and the choice among them, as those of a chat completion.

Owns: ``tools`` and ``tool_choice``. Not here: calls of tools and their results, which are turns (``messages_prompt``).
"""

from __future__ import annotations

from typing import Any

import msgspec

from detente.gateway.surfaces.messages_blocks import CacheControl, read
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


def tools_of(tools: msgspec.Raw | None, choice: msgspec.Raw | None) -> dict[str, Any]:
    """The members of a chat completion that say which tools there are and how to choose; empty without tools."""
    listed = [] if tools is None else read(tools, list[msgspec.Raw], "tools")
    said: dict[str, Any] = {}
    if listed:
        said["tools"] = [_tool(raw, f"tools.{at}") for at, raw in enumerate(listed)]
    if choice is not None:
        chosen = _chosen(read(choice, _Choice, "tool_choice"))
        if not listed:
            raise Refusal("`tool_choice` chooses among `tools`, and there are none", "tool_choice")
        said |= chosen
    return said


def _tool(raw: msgspec.Raw, where: str) -> dict[str, Any]:
    kind = read(raw, _Type, where).type
    if kind not in (None, "custom"):
        what = f"`{kind[:60]}` is a tool that Anthropic defines"
        raise Refusal(f"{what}; describe one of your own, by `input_schema`", f"{where}.type")
    tool = read(raw, _Tool, where)
    if tool.allowed_callers not in (None, ["direct"]):
        raise Refusal("chat completions have no tools that call tools", f"{where}.allowed_callers")
    if tool.defer_loading:
        raise Refusal("chat completions have no tool search and load all tools", f"{where}.defer_loading")
    if tool.input_examples:
        raise Refusal("chat completions take no examples; write them into `description`", f"{where}.input_examples")
    if tool.eager_input_streaming is False:
        raise Refusal("inputs are streamed as the model writes them", f"{where}.eager_input_streaming")
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
