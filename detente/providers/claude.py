"""What a Claude takes of a request in Anthropic's own shape, by its version and by who serves it.

Owns: the few members that are said otherwise or left out, and the tables that say so (``docs/providers/anthropic.md``).
All else passes through as its caller wrote it, unread. Not here: addresses and authorization (``anthropic``,
``bedrock/invoke``), and other shapes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from detente.live.claude_name import ANSWERS_ANEW, claude_version, id_of
from detente.providers.blanks import prompt_without_blanks, without_blanks
from detente.providers.breakpoints import CACHED_MEMBERS, few_breakpoints
from detente.providers.conversation import checked
from detente.providers.marks import CACHED, CITED, RESULT, SYSTEM, THOUGHT, USE, marks_of
from detente.providers.omission import Omissions, remedy
from detente.providers.own_citations import without_own_citations
from detente.providers.quoted import quoted
from detente.providers.raw_member import raw_of, read_as
from detente.providers.system_turns import told_by_user
from detente.providers.tool_use_ids import with_fitting_ids
from detente.providers.unreadable import UNREADABLE
from detente.providers.unsigned_thoughts import without_unsigned
from detente.providers.wire import FETCHING, Call, Members, Refusal

BUDGETS = {"low": 1024, "medium": 4096, "high": 16_384, "xhigh": 32_768, "max": 32_768}
"""Tokens of thought for `thinking: adaptive` by effort, where a Claude thinks within a budget."""
MIN_BUDGET = 1024
HINTS = ("cache_control", "diagnostics", "service_tier", "speed")
"""Members of Anthropic's own service that change no answer."""
ELSEWHERE = {
    "container": "containers run at Anthropic",
    "mcp_servers": "tool servers are called by Anthropic",
    "inference_geo": "the case's clauses decide where a call may run",
    "user_profile_id": "a key stands for its workload",
    "workspace_id": "a key stands for its workload",
}
_SYSTEM_TURNS = re.compile(r"claude-(?:opus|fable|mythos)-")
_TURN = re.compile(rb'"role"\s*:\s*"system"')
_MARKED, _EAGER = quoted("cache_control"), quoted("eager_input_streaming")
_SCOPE = re.compile(rb'"scope"\s*:')
_TTL = re.compile(rb'"ttl"\s*:')
_BY_URL = re.compile(rb'"type"\s*:\s*"(?:url|file)"')
_HOSTED = re.compile(rb'"type"\s*:\s*"(web_search|web_fetch|code_execution|advisor)_\d+"')


Sampling = Literal["both", "one", "none"]
"""Whether a model takes ``temperature`` and ``top_p`` together, only one of them, or neither."""


@dataclass(frozen=True, slots=True)
class Claude:
    """What a Claude takes.

    ``adaptive``: it decides itself whether to think; else it thinks within a budget, or (``thinks`` False) not at all.
    ``budgets``: it may also be given one.
    ``effort``: it is told how much. ``system_turns``: it takes system messages within a conversation. ``keeps``: its
    cache keeps what it is told to for a stated time.
    ``prefills``: it goes on with a last turn of its own. A version that is not known here is taken to take everything.
    """

    thinks: bool = True
    adaptive: bool = True
    budgets: bool = True
    effort: bool = True
    system_turns: bool = True
    keeps: bool = True
    prefills: bool = True
    sampling: Sampling = "both"


def claude_of(name: str, model: str | None = None) -> Claude:
    """What the Claude of a name takes; of a name that says nothing, by what the case calls it."""
    id_ = id_of(name, model)
    version = claude_version(id_)
    if version is None:
        return Claude()
    return Claude(
        thinks=version >= (3, 7),
        adaptive=version >= (4, 6),
        budgets=version < (4, 7),
        effort=version >= (4, 6) or (version == (4, 5) and "opus" in id_),
        system_turns=version >= (4, 8) and bool(_SYSTEM_TURNS.search(id_)),
        keeps=version >= (4, 5),
        prefills=version < ANSWERS_ANEW,
        sampling=sampling_of(version),
    )


def sampling_of(version: tuple[int, int]) -> Sampling:
    """Which parameters of sampling a version takes."""
    return "both" if version < (4, 1) else "one" if version < (4, 7) else "none"


_TELLING = frozenset({"system", "tools", "thinking", "output_config", "inference_geo"})
"""Members of which something may be told otherwise, beside the messages."""


def fitted(call: Call, claude: Claude, omissions: Omissions) -> Members:
    """The members of a call as a Claude takes them, whoever serves it. Raises Refusal."""
    members, marked = dict(call.members), marks_of(call)
    if not marked and _TELLING.isdisjoint(members):  # of texts alone nothing else is told otherwise
        members["messages"] = without_blanks(members["messages"])
        return members
    checked(members, marked)
    few_breakpoints(members, CACHED_MEMBERS if CACHED in marked else ("tools", "system"))
    if "inference_geo" in members:
        raise Refusal(f"`inference_geo` is not supported: {ELSEWHERE['inference_geo']}", "inference_geo")
    unsigned = THOUGHT in marked and _without_unsigned(members, omissions)
    if ("thinking" in members or "output_config" in members) and not (claude.adaptive and claude.effort):
        _thinking(members, claude, omissions)
    if not claude.budgets:
        _without_budget(members, omissions)
    if unsigned and _is_enabled(members) and _unsigned(members["messages"]):
        without_thinking(members, omissions)
    if "messages" in members:
        if CITED in marked:
            members["messages"] = without_own_citations(members["messages"])
        if USE in marked or RESULT in marked:
            members["messages"] = with_fitting_ids(members["messages"])
        members["messages"] = without_blanks(members["messages"])
    if "system" in members:
        if (prompt := prompt_without_blanks(members["system"])) is None:
            del members["system"]
        else:
            members["system"] = prompt
    if SYSTEM in marked and not claude.system_turns and _TURN.search(bytes(members["messages"])):
        members["messages"] = told_by_user(members["messages"])
    return members


UNCOUNTED = (
    *("container", "diagnostics", "inference_geo", "max_tokens", "metadata", "service_tier", "stop_sequences"),
    *("stream", "temperature", "top_k", "top_p"),
)
"""Members of a request that Anthropic takes where it answers, and not where it counts: they change no count."""


def counted(members: Members) -> Members:
    """What is sent of a request whose tokens are to be counted: all that may change how many there are."""
    return {name: raw for name, raw in members.items() if name not in UNCOUNTED}


def asks_nothing(raw: msgspec.Raw) -> bool:
    """Whether a member is an empty list, which is as one left out."""
    return b"".join(bytes(raw).split()) == b"[]"


def at_bedrock(members: Members, claude: Claude, betas: tuple[str, ...], omissions: Omissions) -> tuple[str, ...]:
    """Take out what Bedrock does not take, in place; the betas that it takes. Raises Refusal."""
    for name in HINTS:
        if members.pop(name, None) is not None:
            omissions.hint(name)
    for name, why in ELSEWHERE.items():
        if name in members and asks_nothing(members[name]):
            del members[name]
        elif name in members:
            raise Refusal(f"`{name}` is not supported at Bedrock: {why}", name)
    tools = bytes(members.get("tools", b""))
    meant = [beta for named, beta in _MEANT if named(tools)]
    kept = tuple(dict.fromkeys([*(BEDROCK_BETAS[beta] for beta in betas if beta in BEDROCK_BETAS), *meant]))
    if any(beta not in BEDROCK_BETAS for beta in betas):
        omissions.hint("anthropic-beta")
    if "context_management" in members and not any(beta in kept for beta in _EDITING):
        del members["context_management"]
        omissions.hint("context_management")
    for name in ("messages", "system", "tools"):
        if name in members:
            members[name] = _unmarked(members[name], claude, omissions)
    if _BY_URL.search(bytes(members["messages"])) and (where := _address_in(members["messages"])):
        what = "is a file by its address, and Claude at Bedrock reads images and documents within the call only"
        raise Refusal.of(where, f"{what}: send it as `base64`, {FETCHING}")
    if "tools" in members:
        _at_hand(members, omissions)
    return kept


BEDROCK_BETAS = {
    "advanced-tool-use-2025-11-20": "tool-search-tool-2025-10-19",
    "compact-2026-01-12": "compact-2026-01-12",
    "computer-use-2025-01-24": "computer-use-2025-01-24",
    "computer-use-2025-11-24": "computer-use-2025-11-24",
    "context-1m-2025-08-07": "context-1m-2025-08-07",
    "context-management-2025-06-27": "context-management-2025-06-27",
    "effort-2025-11-24": "effort-2025-11-24",
    "fine-grained-tool-streaming-2025-05-14": "fine-grained-tool-streaming-2025-05-14",
    "interleaved-thinking-2025-05-14": "interleaved-thinking-2025-05-14",
    "tool-examples-2025-10-29": "tool-examples-2025-10-29",
    "tool-search-tool-2025-10-19": "tool-search-tool-2025-10-19",
}
"""Betas that Bedrock takes, and what it calls them. It answers any other with an error ("invalid beta flag")."""
_MEANT = (
    (quoted("defer_loading"), "tool-search-tool-2025-10-19"),
    (quoted("input_examples"), "tool-examples-2025-10-29"),
)
"""Members of tools that Anthropic itself takes without a beta by now, and Bedrock only with it."""
_EDITING = ("context-management-2025-06-27", "compact-2026-01-12")
_CLEARING = b"clear_thinking"


# -- thought ----------------------------------------------------------------------------------------------------------
class _Thinking(msgspec.Struct, omit_defaults=True):
    type: str = ""
    display: str | None = None
    budget_tokens: int | None = None


def _thinking(members: Members, claude: Claude, omissions: Omissions) -> None:
    """Thought by effort is said to an older Claude as a budget; one that cannot think is not told of it."""
    effort = _without_effort(members, omissions) if not claude.effort else None
    thinking = read_as(members.get("thinking"), _Thinking, "thinking")
    if thinking is None or thinking.type != "adaptive" or claude.adaptive:
        return
    most = read_as(members.get("max_tokens"), int, "max_tokens") or 0
    budget = min(BUDGETS.get(effort or "high", BUDGETS["high"]), most // 2)
    if not claude.thinks or budget < MIN_BUDGET or _unsigned(members["messages"]):
        without_thinking(members, omissions)
    else:
        members["thinking"] = raw_of({"type": "enabled", "budget_tokens": budget})


def _without_unsigned(members: Members, omissions: Omissions) -> bool:
    """Take out the thoughts that no Claude had; whether there were any."""
    told = without_unsigned(members["messages"])
    if told is members["messages"]:
        return False
    members["messages"] = told
    omissions.hint("thinking")
    return True


def _is_enabled(members: Members) -> bool:
    thinking = read_as(members.get("thinking"), _Thinking, "thinking")
    return thinking is not None and thinking.type == "enabled"


def without_thinking(members: Members, omissions: Omissions) -> None:
    """Ask for no thought in this call, in place."""
    del members["thinking"]
    omissions.hint("thinking")
    _without_clearing(members, omissions)


def _without_budget(members: Members, omissions: Omissions) -> None:
    """A budget is said to a newer Claude as the effort that comes to as much, where no effort is stated."""
    thinking = read_as(members.get("thinking"), _Thinking, "thinking")
    if thinking is None or thinking.type != "enabled" or thinking.budget_tokens is None:
        return
    omissions.hint("thinking.budget_tokens")
    members["thinking"] = raw_of(_Thinking("adaptive", thinking.display))
    config = read_as(members.get("output_config"), dict[str, msgspec.Raw], "output_config") or {}
    if "effort" not in config:
        within = thinking.budget_tokens
        effort = next((name for name, most in BUDGETS.items() if within <= most), "max")
        members["output_config"] = raw_of({**config, "effort": effort})


def _without_effort(members: Members, omissions: Omissions) -> str | None:
    """Take an effort out; which it was."""
    config = read_as(members.get("output_config"), dict[str, msgspec.Raw], "output_config")
    if not config or "effort" not in config:
        return None
    effort: str | None = read_as(config.pop("effort"), str | None, "output_config.effort")
    omissions.hint("output_config.effort")
    if config:
        members["output_config"] = raw_of(config)
    else:
        del members["output_config"]
    return effort


class _Edits(msgspec.Struct):
    edits: list[dict[str, msgspec.Raw]] = []


def _without_clearing(members: Members, omissions: Omissions) -> None:
    """Who does not think is told to clear no thoughts: that is refused where thinking is not asked for."""
    stated = read_as(members.get("context_management"), _Edits, "context_management")
    kept = [edit for edit in stated.edits if _CLEARING not in bytes(edit.get("type", b""))] if stated else []
    if stated is None or len(kept) == len(stated.edits):
        return
    omissions.hint("context_management")
    if kept:
        members["context_management"] = raw_of({"edits": kept})
    else:
        del members["context_management"]


class _Block(msgspec.Struct):
    type: str = "text"


class _Turn(msgspec.Struct):
    role: str
    content: str | list[_Block] = ""


def _unsigned(raw: msgspec.Raw) -> bool:
    """Whether the assistant's last turn calls tools without the thought that led there: a budget then is refused."""
    turns = read_as(raw, list[_Turn], "messages") or []
    last = next((turn for turn in reversed(turns) if turn.role == "assistant"), None)
    if last is None or isinstance(last.content, str):
        return False
    kinds = [block.type for block in last.content]
    return "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking")


# -- marks, tools, media ----------------------------------------------------------------------------------------------
def _unmarked(raw: msgspec.Raw, claude: Claude, omissions: Omissions) -> msgspec.Raw:
    """Marks for the cache without what Bedrock does not know of them; tools without a hint of their pieces."""
    text = bytes(raw)
    if _MARKED(text) and (_SCOPE.search(text) or (not claude.keeps and _TTL.search(text))):
        names = ("scope",) if claude.keeps else ("scope", "ttl")
        text = _edited(text, lambda mark: _cut(mark, names), "cache_control")
        omissions.hint("cache_control")
    if _EAGER(text):
        text = _edited(text, None, "eager_input_streaming")
        omissions.hint("eager_input_streaming")
    return msgspec.Raw(text)


def _cut(mark: Any, names: tuple[str, ...]) -> Any:
    return {name: value for name, value in mark.items() if name not in names} if isinstance(mark, dict) else mark


def _edited(text: bytes, change: Any, name: str) -> bytes:
    """JSON with every block's or tool's member of a name changed, or taken out; numbers elsewhere stay as written."""
    try:
        items = msgspec.json.decode(text, type=list[dict[str, msgspec.Raw]])
    except UNREADABLE:
        return text  # a text, or what the provider says is wrong
    for item in items:
        if name in item:
            if change is None:
                del item[name]
            else:
                item[name] = raw_of(change(msgspec.json.decode(item[name])))
        content = item.get("content")
        if content is not None and name.encode() in bytes(content) and bytes(content)[:1] == b"[":
            item["content"] = msgspec.Raw(_edited(bytes(content), change, name))
    return msgspec.json.encode(items)


class _Sourced(msgspec.Struct):
    type: str = ""
    source: Any = None
    content: Any = None


def _address_in(raw: msgspec.Raw) -> str:
    """The place of the first image or document that is sent by its address; empty where none is."""
    turns = read_as(raw, list[_Sourced], "messages") or []
    waiting = [(f"messages[{at}]", turn.content) for at, turn in enumerate(turns)]
    while waiting:
        within, blocks = waiting.pop(0)
        for at, block in enumerate(blocks if isinstance(blocks, list) else ()):
            if not isinstance(block, dict):
                continue
            source, where = block.get("source"), f"{within}.content[{at}]"
            if block.get("type") in ("image", "document") and isinstance(source, dict):
                if source.get("type") in ("url", "file"):
                    return f"{where}.source"
            elif block.get("type") == "tool_result":
                waiting.insert(0, (where, block.get("content")))
    return ""


def _at_hand(members: Members, omissions: Omissions) -> None:
    """Tools without those that run at Anthropic."""
    if not _HOSTED.search(bytes(members["tools"])):
        return
    kept = []
    for at, tool in enumerate(read_as(members["tools"], list[dict[str, msgspec.Raw]], "tools") or []):
        found = _HOSTED.fullmatch(b'"type":' + bytes(tool.get("type", b"")))
        if found is None:
            kept.append(tool)
        elif not omissions.may("hosted-tools", found[1].decode()):
            what = f"is `{found[1].decode()}`, which runs at Anthropic and not at Bedrock"
            raise Refusal.of(f"tools[{at}]", f"{what}; leave it out, or {remedy('hosted-tools')}")
    if kept:
        members["tools"] = raw_of(kept)
    else:
        del members["tools"]
        members.pop("tool_choice", None)
