"""Tools in OpenAI's shape as Converse's ``toolConfig``.

Owns: which tools are on offer, and whether one must be called. Not here: calls and their results (``turns``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import msgspec

from detente.providers.bedrock.content_parts import CachePoint, cached
from detente.providers.bedrock.family import Family
from detente.providers.bedrock.member import NULL, Member
from detente.providers.bedrock.turns import NAME
from detente.providers.omission import Omissions, remedy
from detente.providers.tool_names import shortened
from detente.providers.wire import Refusal


class _Function(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    description: str | None = None
    parameters: msgspec.Raw = NULL
    strict: bool | None = None


class _Tool(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    function: _Function | None = None
    custom: Any = None
    cache_control: CachePoint | None = None


class _Named(msgspec.Struct, forbid_unknown_fields=True):
    name: str


class _Choice(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    function: _Named | None = None
    allowed_tools: Any = None
    custom: Any = None


_TOOLS: Member[list[_Tool]] = Member("tools", list[_Tool])
_CHOICE: Member[str | _Choice] = Member("tool_choice", str | _Choice)
_PARALLEL: Member[bool] = Member("parallel_tool_calls", bool)
_SCHEMA: Member[dict[str, Any]] = Member("tools", dict[str, Any])
_NO_PARAMETERS = msgspec.Raw(b'{"type":"object","properties":{}}')
"""OpenAI's meaning of a function without ``parameters``, or with none in them: Bedrock wants an object's schema."""


class ToolConfig(NamedTuple):
    """What a call says of tools."""

    config: Mapping[str, Any] | None = None
    """Converse's ``toolConfig``; None where no tools are on offer."""
    forced: bool = False
    """Whether one of them must be called."""
    additional: Mapping[str, Any] = {}
    """Beside Converse's own members, in ``additionalModelRequestFields``."""


def tool_config_of(
    members: Mapping[str, msgspec.Raw], family: Family, called: Collection[str], omissions: Omissions
) -> ToolConfig:
    """The tools of a call. Raises Refusal where Converse cannot say them.

    Parameters
    ----------
    members
        Of the call.
    family
        Of the model.
    called
        The tools that the conversation holds calls of.
    """
    stated: list[dict[str, Any]] = []
    names: set[str] = set()
    for at, tool in enumerate(_TOOLS.of(members) or ()):
        try:
            spec = _spec(tool, family, omissions)
        except Refusal as refusal:
            raise refusal.at(f"[{at}]") from None
        if spec["name"] in names:
            what = f"is `{spec['name']}`, as another tool's: give each a name of its own"
            raise Refusal.of("tools", what).at(f"[{at}].function.name")
        names.add(spec["name"])
        stated.append({"toolSpec": spec})
        if family.caches != "prompts":
            stated += cached(tool.cache_control, family)
        elif tool.cache_control is not None:
            omissions.hint("cache_control")
    if stated and not family.tools:
        raise Refusal.of("tools", f"are stated, and {family.title} calls none")
    choice, silent = _choice(members, names, family)
    if called and (silent or not stated):
        return _past(called, stated, family)
    forced = choice is not None and "auto" not in choice
    if forced and not stated:
        raise Refusal.of("tool_choice", "wants a tool to be called, and `tools` hold none")
    if silent or not stated:
        return ToolConfig()
    additional = _serial(members, family, choice, omissions)
    config: dict[str, Any] = {"tools": stated}
    if choice is not None and not additional:
        config["toolChoice"] = choice
    return ToolConfig(config, forced, additional)


def _spec(tool: _Tool, family: Family, omissions: Omissions) -> dict[str, Any]:
    function = tool.function
    if tool.type != "function" or function is None:
        raise Refusal.of("tools", f"is of type `{tool.type[:40]}`: {family.interface.name} knows functions")
    if tool.custom is not None:
        raise Refusal.of("tools", f"holds `custom` beside the function `{function.name[:80]}`: write one of them")
    name = shortened(function.name)
    if not NAME.fullmatch(name):
        what = f"holds `{function.name[:80]}`: a tool's name has letters, digits, `_` and `-`"
        raise Refusal.of("tools", what)
    spec: dict[str, Any] = {"name": name}
    if function.description:
        spec["description"] = function.description
    schema = function.parameters
    if schema == NULL or not _SCHEMA.read(schema):  # an object, whatever it holds: it is sent as it was written
        schema = _NO_PARAMETERS
    spec["inputSchema"] = {"json": schema}
    if function.strict and family.structured:
        spec["strict"] = True
    elif function.strict and not omissions.may("strict-tools", "strict"):
        what = f"`{function.name[:80]}` is strict, and {family.title} keeps no schema"
        raise Refusal(f"{what}; leave `strict` out, or {remedy('strict-tools')}", "tools")
    return spec


def _choice(members: Mapping[str, msgspec.Raw], names: set[str], family: Family) -> tuple[dict[str, Any] | None, bool]:
    """(the choice, None where it is left to the model; whether no tool may be called)."""
    choice = _CHOICE.of(members)
    if choice is None:
        return None, False
    if isinstance(choice, str):
        if choice == "none":
            return None, True
        if choice == "auto":
            return {"auto": {}}, False
        if choice == "required":
            return {"any": {}}, False
        what = f"is `{choice[:40]}`, and may be `none`, `auto`, `required` or a function"
        raise Refusal.of("tool_choice", what)
    if choice.type != "function" or choice.function is None:
        what = f"is of type `{choice.type[:40]}`: {family.interface.name} can name one function"
        if choice.type == "allowed_tools":
            what += "; send in `tools` only those that are allowed, and their `mode` as `tool_choice`"
        raise Refusal.of("tool_choice", what)
    if choice.allowed_tools is not None or choice.custom is not None:
        beside = "custom" if choice.allowed_tools is None else "allowed_tools"
        what = f"holds `{beside}` beside a function: {family.interface.name} can name one function"
        raise Refusal.of("tool_choice", what)
    name = shortened(choice.function.name)
    if name not in names:
        raise Refusal.of("tool_choice", f"names `{choice.function.name[:80]}`, which `tools` do not hold")
    return {"tool": {"name": name}}, False


def _past(called: Collection[str], stated: list[dict[str, Any]], family: Family) -> ToolConfig:
    """The tools of a conversation that called some and may call no more: Converse wants them on offer all the same.

    Claude is told in its own words that none may be called; other families are left to see that nothing asks for it.
    """
    known = [{"toolSpec": {"name": name, "inputSchema": {"json": _NO_PARAMETERS}}} for name in called]
    additional = {"tool_choice": {"type": "none"}} if family.serial else {}
    return ToolConfig({"tools": stated or known}, additional=additional)


def _serial(
    members: Mapping[str, msgspec.Raw], family: Family, choice: Mapping[str, Any] | None, omissions: Omissions
) -> dict[str, Any]:
    """What says that tools are called one at a time: Converse has no word for it, Claude's own interface has.

    Claude's word comes with a choice of its own, so it takes the place of Converse's.
    """
    if _PARALLEL.of(members) is not False:
        return {}
    if not family.serial:
        if omissions.may("parallel-tools", "parallel_tool_calls"):
            return {}
        what = f"asks for tools one at a time, and {family.title} cannot be told so"
        raise Refusal.of("parallel_tool_calls", f"{what}; leave it out, or {remedy('parallel-tools')}")
    own: dict[str, Any] = {"type": "auto"}
    if choice is not None and "any" in choice:
        own = {"type": "any"}
    elif choice is not None and "tool" in choice:
        own = {"type": "tool", **choice["tool"]}
    return {"tool_choice": {**own, "disable_parallel_tool_use": True}}
