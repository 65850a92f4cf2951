"""Tools of the Responses API as functions of a chat completion, and their calls back.

Owns: that tools of a namespace, custom tools and a search for tools that the caller runs become functions with names of
their own, which name means which tool, and that tools which such a search found are on offer. Not here: items
(``responses_request``), and replies (``responses_reply``, ``responses_events``).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final, Literal

import msgspec

from detente.gateway.surfaces.told_from import ToldFrom
from detente.providers.omission import remedy
from detente.providers.tool_names import shortened
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Refusal

NULL = msgspec.Raw(b"null")
INPUT = "input"
"""The one argument of a custom tool that is told as a function."""
SEARCH: Final = "tool_search"
"""The type of a search for tools, and the name of the function that stands for it."""
_NOT_ALLOWED = re.compile(r"[^a-zA-Z0-9_-]")
HOSTED = ("web_search", "file_search", "code_interpreter", "image_generation", "mcp", "computer")
"""How the types of tools begin that run at OpenAI."""


ToolKind = Literal["function", "custom", "tool_search"]
_OWN: dict[str, ToolKind] = {"function": "function", "custom": "custom"}


@dataclass(frozen=True, slots=True)
class ToolName:
    """What a tool is called in a response."""

    name: str
    namespace: str | None = None
    kind: ToolKind = "function"


class _Tool(msgspec.Struct):
    type: str
    name: str = ""
    description: str | None = None
    parameters: msgspec.Raw = NULL
    strict: bool | None = None
    format: dict[str, Any] | None = None
    tools: list[msgspec.Raw] = []
    external_web_access: bool | None = None
    execution: str | None = None


@dataclass
class Toolbox:
    """The tools of a call: as functions, and by the functions' names. ``optional`` is what the call may do without."""

    optional: Collection[str] = ()
    functions: list[dict[str, Any]] = field(default_factory=list)
    told: list[ToldFrom] = field(default_factory=list)
    """Where each of the functions was written."""
    names: dict[str, ToolName] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    loads: bool = False
    """Whether what comes was found in the conversation: that may be found twice."""

    def function(self, name: str, namespace: str | None = None) -> str:
        """The name of the function that stands for a tool, whether it is on offer or was before."""
        return shortened(_NOT_ALLOWED.sub("_", f"{namespace}__{name}" if namespace else name))

    def take(self, raw: msgspec.Raw, where: str, namespace: str | None = None) -> list[str]:
        """Add a tool; the names of its functions. Raises Refusal where no function can stand for it."""
        tool = read(raw, _Tool, where)
        if tool.type == "namespace" and namespace is None:
            inner = (self.take(one, f"{where}.tools[{at}]", tool.name) for at, one in enumerate(tool.tools))
            return list(chain.from_iterable(inner))
        if tool.type in _OWN:
            return [self._take(tool, _OWN[tool.type], where, namespace)]
        if tool.type == SEARCH and tool.execution == "client":
            return [self._take(msgspec.structs.replace(tool, name=SEARCH), SEARCH, where, None)]
        if tool.type == SEARCH:
            self.left_out.append(SEARCH)  # there is nothing to search for: tools that it would find are told at once
        elif tool.type.startswith(HOSTED):
            # One that may not reach the web is a lookup that the model may do without.
            if "hosted-tools" not in self.optional and tool.external_web_access is not False:
                what = f"`{tool.type[:60]}` runs at OpenAI, and chat completions have no such tool"
                raise Refusal(f"{what}; leave it out, or {remedy('hosted-tools')}", where)
            self.left_out.append(next(name for name in HOSTED if tool.type.startswith(name)))
        else:
            what = f"`{tool.type[:60]}` is not a tool that a chat completion can call"
            raise Refusal(f"{what}; leave it out, or write it as a `function`", where)
        return []

    def _take(self, tool: _Tool, kind: ToolKind, where: str, namespace: str | None) -> str:
        if not tool.name:
            raise Refusal("a tool without a name", where)
        name = self.function(tool.name, namespace)
        known = ToolName(tool.name, namespace, kind)
        if self.loads and self.names.get(name) == known:
            return name
        if self.names.setdefault(name, known) != known:
            raise Refusal(f"`{tool.name[:60]}` cannot be told from another tool", where)
        function: dict[str, Any] = {"name": name}
        if description := _described(tool):
            function["description"] = description
        if known.kind == "custom":
            schema = {"type": "object", "properties": {INPUT: {"type": "string"}}, "required": [INPUT]}
            function["parameters"] = {**schema, "additionalProperties": False}
        elif tool.parameters != NULL:
            function["parameters"] = tool.parameters
        if tool.strict is not None and known.kind == "function":
            function["strict"] = tool.strict
        self.functions.append({"type": "function", "function": function})
        self.told.append(ToldFrom(where))
        return name


def _described(tool: _Tool) -> str:
    """What is told of a tool; of a custom one also the grammar of its input, which no function can enforce."""
    said = tool.description or ""
    format_ = tool.format or {}
    if tool.type == "custom" and format_.get("type") == "grammar":
        grammar = f"`{INPUT}` follows this {format_.get('syntax', '')} grammar:\n{format_.get('definition', '')}"
        said = f"{said}\n\n{grammar}".strip()
    return said


def loaded(raws: Collection[msgspec.Raw], box: Toolbox, where: str) -> str:
    """Put what a search found on offer; the names by which it may be called, as JSON. Raises Refusal."""
    box.loads = True
    names = chain.from_iterable(box.take(raw, f"{where}.tools[{at}]") for at, raw in enumerate(raws))
    return msgspec.json.encode({"tools": list(names)}).decode()


def tools_of(raw: msgspec.Raw | None, optional: Collection[str] = ()) -> Toolbox:
    """The tools of a call. Raises Refusal."""
    box = Toolbox(optional)
    for at, tool in enumerate([] if raw is None else read(raw, list[msgspec.Raw] | None, "tools") or []):
        box.take(tool, f"tools[{at}]")
    return box


def read(raw: msgspec.Raw, kind: Any, where: str) -> Any:
    """A member as one kind of thing. Raises Refusal."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except UNREADABLE as error:
        text = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Refusal(f"`{where}` cannot be read: {text[:1].lower()}{text[1:200]}", where) from None
