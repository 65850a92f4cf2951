"""The members of a request of Anthropic's, and what each becomes in a chat completion.

Owns: reading them, in the order of their page in Anthropic's reference, and refusing by name what a chat completion
cannot say. Not here: turns and blocks (``messages_prompt``), tools (``messages_tools``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from detente.gateway.surfaces import chat
from detente.gateway.surfaces.messages_blocks import CacheControl, read
from detente.gateway.surfaces.messages_prompt import Prompt
from detente.gateway.surfaces.messages_tools import tools_of
from detente.gateway.surfaces.told_from import ToldFrom
from detente.live.deployment import Feature
from detente.providers.claude import asks_nothing
from detente.providers.wire import Refusal

ELSEWHERE = {
    "container": "chat completions have no containers",
    "inference_geo": "the case's clauses decide where a call may run",
    "mcp_servers": "chat completions do not call tool servers",
    "output_format": "write `output_config.format`",
    "user_profile_id": "there are no user profiles here; a key stands for its workload",
    "workspace_id": "there are no workspaces here; a key stands for its workload",
}
KNOWN = frozenset(
    {
        *("model", "messages", "system", "max_tokens", "stream", "stop_sequences", "temperature", "top_p", "metadata"),
        *("tools", "tool_choice", "output_config", "thinking", "service_tier", "speed", "cache_control"),
        *("context_management", "diagnostics", "top_k"),
    }
)
_NULL = msgspec.Raw(b"null")

_EFFORTS = ("low", "medium", "high", "xhigh", "max")
ADAPTIVE = "high"
"""The effort of adaptive thinking that states none, by Anthropic's reference. Unsaid, many models would not think."""
MIN_BUDGET = 1024
BUDGETS = ((4096, "low"), (16_384, "medium"))
"""Up to how many tokens of thinking which effort is asked for; beyond, `high`. Chat completions know no budgets;
a wire that does is told the budget itself."""


HINTS = ("cache_control", "diagnostics", "speed")
"""Members that change what a call costs, how fast it is or what is told of its cache, and no answer."""
_CACHED = re.compile(rb'"cache_control"\s*:\s*\{')
_SHARED = re.compile(_CACHED.pattern + rb'[^{}]*"scope"')


class _Edit(msgspec.Struct):
    type: str


class _ContextManagement(msgspec.Struct, forbid_unknown_fields=True):
    edits: list[_Edit] = []


class _Metadata(msgspec.Struct, forbid_unknown_fields=True):
    user_id: str | None = None


class _Format(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    schema: dict[str, msgspec.Raw]


class _OutputConfig(msgspec.Struct, forbid_unknown_fields=True):
    effort: str | None = None
    format: _Format | None = None


class _Thinking(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


def members_of(body: bytes) -> dict[str, msgspec.Raw]:
    """The members that say anything: one that is null is as one left out."""
    members = chat.members_of(body)
    if _NULL not in members.values():
        return members
    return {name: raw for name, raw in members.items() if raw != _NULL}


class Asking:
    """A request while it is read: which members are left, what is already said of it in a chat completion's words.

    ``marks``: whether whoever is asked knows marks up to which a prompt is cached.
    """

    def __init__(
        self, members: Mapping[str, msgspec.Raw], optional: Collection[str] = (), *, marks: bool = False
    ) -> None:
        self._members, self._optional, self._marks = members, frozenset(optional), marks
        self.left_out: list[str] = []
        """What is left out, by name: hints, and what the call's leniency allows."""
        self.told_from: dict[str, list[ToldFrom]] = {}
        """Where each message, and each tool, was written."""
        for name, raw in members.items():
            if name in ELSEWHERE and not asks_nothing(raw):
                raise Refusal(f"`{name}` is not supported: {ELSEWHERE[name]}", name)
            if name not in KNOWN and name not in ELSEWHERE:
                raise Refusal(f"`{name[:60]}` is not a known member; leave it out", name[:60])
        self.said: dict[str, Any] = {"model": chat.text(members, "model"), "messages": []}
        self.needs: set[Feature] = set()
        most = chat.count(members, "max_tokens")
        if most is None:
            raise Refusal("`max_tokens` is missing", "max_tokens")
        self.most = most
        self.budget: int | None = None
        self.adaptive = False
        """Whether the model itself decides whether to think: one that cannot then never does."""
        self.said["max_completion_tokens"] = self.most
        self.stream = chat.flag(members, "stream")
        if self.stream:
            self.said |= {"stream": True, "stream_options": {"include_usage": True}}
            self.needs.add("streaming")

    def sampling(self) -> None:
        """How the reply is drawn, and for whom."""
        members, said = self._members, self.said
        for name in ("temperature", "top_p"):
            if name in members:
                read(members[name], float, name)
                said[name] = members[name]
        if "stop_sequences" in members and (stop := read(members["stop_sequences"], list[str], "stop_sequences")):
            said["stop"] = stop
        if "metadata" in members and (user := read(members["metadata"], _Metadata, "metadata").user_id) is not None:
            said["user"] = user
        if "top_k" in members:
            if "sampling" not in self._optional:
                what = "`top_k` is not supported: chat completions have no such sampling; use `top_p`"
                raise Refusal(f"{what}, or allow it to be left out: `lenient: [sampling]`", "top_k")
            self.left_out.append("top_k")
        if "cache_control" in members:
            read(members["cache_control"], CacheControl, "cache_control")
        self.left_out += [name for name in HINTS if name in members]
        lost = _SHARED if self._marks else _CACHED
        if any(lost.search(bytes(members[name])) for name in ("system", "messages", "tools") if name in members):
            self.left_out.append("cache_control")
        if "context_management" in members:
            self._edited(members["context_management"])
        if "service_tier" in members:
            match read(members["service_tier"], str, "service_tier"):
                case "auto":
                    pass  # the default on both sides
                case "standard_only":
                    said["service_tier"] = "default"
                case other:
                    raise Refusal(f"`service_tier: {other[:40]}` is neither `auto` nor `standard_only`", "service_tier")

    def _edited(self, raw: msgspec.Raw) -> None:
        """Edits that clear old results and thoughts only shorten what is read: without them all of it is read."""
        for at, edit in enumerate(read(raw, _ContextManagement, "context_management").edits):
            if not edit.type.startswith("clear_"):
                where = f"context_management.edits[{at}]"
                raise Refusal(f"`{edit.type[:60]}` is not supported: chat completions summarize nothing", where)
        self.left_out.append("context_management")

    def output(self) -> None:
        """What the reply looks like, and how much thought goes into it."""
        config = _OutputConfig()
        if "output_config" in self._members:
            config = read(self._members["output_config"], _OutputConfig, "output_config")
        if config.format is not None:
            if config.format.type != "json_schema":
                what = f"`output_config.format.type: {config.format.type[:40]}` is not `json_schema`"
                raise Refusal(what, "output_config.format.type")
            schema = {"name": "output", "schema": config.format.schema, "strict": True}
            self.said["response_format"] = {"type": "json_schema", "json_schema": schema}
            self.needs.add("structured-output")
        if config.effort is not None and config.effort not in _EFFORTS:
            what = f"`output_config.effort: {config.effort[:40]}` is none of {', '.join(_EFFORTS)}"
            raise Refusal(what, "output_config.effort")
        effort = self._thought(config.effort)
        if effort is not None:
            self.said["reasoning_effort"] = effort
        if effort not in (None, "none"):
            self.needs.add("reasoning")

    def _thought(self, effort: str | None) -> str | None:
        if "thinking" not in self._members:
            if effort is not None:
                self.left_out.append("output_config.effort")  # it switches no thought on, and in a chat it would
            return None
        thinking = read(self._members["thinking"], _Thinking, "thinking")
        if thinking.display not in (None, "summarized"):
            self.left_out.append("thinking.display")  # more is shown than was asked for
        if thinking.type == "enabled" and thinking.budget_tokens is None:
            what = f"`thinking.budget_tokens` is missing: `type: enabled` wants {MIN_BUDGET:,} or more"
            raise Refusal(f"{what}; or write `type: adaptive`", "thinking.budget_tokens")
        if thinking.type != "enabled" and thinking.budget_tokens is not None:
            what = "`thinking.budget_tokens` is only allowed with `type: enabled`"
            raise Refusal(what, "thinking.budget_tokens")
        if thinking.type == "adaptive":
            self.adaptive = True
            return effort or ADAPTIVE
        if thinking.type not in ("enabled", "disabled"):
            raise Refusal(
                f"`thinking.type: {thinking.type[:40]}` is not supported by chat completions", "thinking.type"
            )
        if effort is not None:
            self.left_out.append("output_config.effort")  # a chat has one measure, and `thinking` is the closer word
        if thinking.budget_tokens is None:
            return "none"
        if not MIN_BUDGET <= thinking.budget_tokens < self.most:
            what = f"`thinking.budget_tokens` is {thinking.budget_tokens}; it is at least {MIN_BUDGET:,}"
            raise Refusal(f"{what} and below `max_tokens`, {self.most}", "thinking.budget_tokens")
        self.budget = thinking.budget_tokens
        return next((name for most, name in BUDGETS if thinking.budget_tokens <= most), "high")

    def prompt(self) -> Prompt:
        """Everything that is told, and the tools to answer with."""
        members, prompt = self._members, Prompt(self._marks, self._optional, self.left_out)
        if "system" in members:
            prompt.system(_system(members["system"]), "system")
        if "messages" not in members:
            raise Refusal("`messages` is missing", "messages")
        prompt.turns(members["messages"])
        self.said["messages"] = prompt.messages
        listed, choice = members.get("tools"), members.get("tool_choice")
        tools, places = tools_of(listed, choice, self._optional, self.left_out, marks=self._marks)
        self.told_from = {"messages": prompt.told, "tools": places}
        if tools:
            self.said |= tools
        if "tools" in tools:
            self.needs.add("tools")
        return prompt


def _system(raw: msgspec.Raw) -> str | list[msgspec.Raw]:
    if bytes(raw)[:1] == b'"':
        return read(raw, str, "system")
    return read(raw, list[msgspec.Raw], "system")
