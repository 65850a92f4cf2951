"""What of a call in OpenAI's shape is left out for a deployment that lacks it, where the call may do without.

Owns: which members ask for which feature, and taking them out. Not here: what may be left out (``live/leniency``, and
what changes no answer), and what Bedrock's Converse cannot say (``bedrock/converse``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from detente.providers.marks import CACHED, SIGNED, marks_of
from detente.providers.quoted import quoted
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Call, Refusal

MEMBERS: dict[str, tuple[str, ...]] = {
    "seed": ("seed",),
    "penalties": ("frequency_penalty", "presence_penalty"),
    "logit-bias": ("logit_bias",),
    "logprobs": ("logprobs", "top_logprobs"),
    "prediction": ("prediction",),
    "parallel-tools": ("parallel_tool_calls",),
    "reasoning": ("reasoning_effort", "reasoning", "thinking", "enable_thinking"),
}
"""The members that ask for what a deployment may lack."""
THOUGHTS = ("reasoning_content", "reasoning_signature", "reasoning_redacted", "later_reasoning")
"""Of a message: what a model thought before, in the words of this house."""
_ENCRYPTED = "reasoning.encrypted_content"
_HINT = "cache_control"
_HINTED = quoted(_HINT)
_NONE = (b"null", b'"none"')


class Omissions:
    """What is left out of a call while it is said in another shape, by name, each once."""

    def __init__(self, optional: Collection[str] = ()) -> None:
        self._optional = optional
        self._names: dict[str, None] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """The names so far."""
        return tuple(self._names)

    def hint(self, name: str) -> None:
        """A member that changes no answer is left out."""
        self._names[name] = None

    def may(self, leniency: str, name: str) -> bool:
        """Whether a member may be left out by the call's leniency: then it is."""
        if leniency not in self._optional:
            return False
        self._names[name] = None
        return True


def remedy(leniency: str) -> str:
    """What a caller may do about a refusal, beside asking for less."""
    return f"allow it to be left out: `lenient: [{leniency}]`"


def without(call: Call, lacks: Collection[str]) -> tuple[Mapping[str, msgspec.Raw], tuple[str, ...]]:
    """(the members that are told, the names of those left out). Raises Refusal for thoughts that only Claude reads."""
    marked = marks_of(call)
    if not (lacks or marked):
        return call.members, ()
    members, left_out = call.members, []
    for feature in lacks:
        if feature in call.optional:
            left_out += [name for name in MEMBERS.get(feature, ()) if name in members]
    if "reasoning" in lacks:
        # Who cannot reason does not, and refuses to be told so.
        silent = [name for name in ("reasoning_effort",) if bytes(members.get(name, b"")) in _NONE]
        if left_out or silent:
            members = {name: raw for name, raw in members.items() if name not in left_out and name not in silent}
        left_out = [name for name in left_out if name not in silent]
        members = _unencrypted(members, left_out) if call.operation == "responses" else members
    elif left_out:
        members = {name: raw for name, raw in members.items() if name not in left_out}
    if not SIGNED.isdisjoint(marked):
        if "reasoning" not in call.optional:
            what = "holds thinking that Claude signed, and nobody but Claude can read it"
            refusal = Refusal.of("messages", f"{what}; allow it to be left out: `lenient: [reasoning]`")
            raise refusal.at(_first_thought(bytes(members["messages"])))
        members = {**members, "messages": thoughtless(bytes(members["messages"]))}
        left_out.append("thinking")
    return members, tuple(left_out)


def unmarked(call: Call, members: Mapping[str, msgspec.Raw]) -> Mapping[str, msgspec.Raw]:
    """The members of a chat completion without marks of what is cached, which OpenAI refuses: it caches by itself.

    Callers write them since a call may go to a Claude as well. The same object where there are none.
    """
    told = {}
    if CACHED in marks_of(call):
        told["messages"] = _bare(members["messages"], "content")
    if "tools" in members and _HINTED(bytes(members["tools"])):
        told["tools"] = _bare(members["tools"], "function")
    return {**members, **told} if told else members


def _bare(items: msgspec.Raw, within: str) -> msgspec.Raw:
    """Objects without the mark, and without it in a member that holds some."""
    try:
        found = msgspec.json.decode(items, type=list[dict[str, msgspec.Raw]])
        for item in found:
            item.pop(_HINT, None)
            held = bytes(item.get(within, b""))
            if held.startswith(b"{"):
                (item[within],) = msgspec.json.decode(_bare(msgspec.Raw(b"[%b]" % held), ""), type=list[msgspec.Raw])
            elif held.startswith(b"["):
                item[within] = _bare(msgspec.Raw(held), "")
    except UNREADABLE:
        return items  # the provider says what is wrong with it
    return msgspec.Raw(msgspec.json.encode(found))


def _unencrypted(members: Mapping[str, msgspec.Raw], left_out: list[str]) -> Mapping[str, msgspec.Raw]:
    """A model that does not reason has no reasoning to encrypt, and OpenAI refuses to be asked for it."""
    stated = members.get("include")
    if stated is None or _ENCRYPTED.encode() not in bytes(stated):
        return members
    try:
        kept = [name for name in msgspec.json.decode(stated, type=list[str]) if name != _ENCRYPTED]
    except UNREADABLE:
        return members  # the provider says what is wrong with it
    left_out.append("include")
    return {**members, "include": msgspec.Raw(msgspec.json.encode(kept))}


def _first_thought(messages: bytes) -> str:
    """The place of the first message with a thought that only Claude reads; empty where it cannot be told."""
    signed = [name.decode().rstrip('"') for name in SIGNED] + ["later_reasoning"]
    try:
        found = msgspec.json.decode(messages, type=list[dict[str, msgspec.Raw]])
    except UNREADABLE:
        return ""
    return next((f"[{at}]" for at, message in enumerate(found) if any(name in message for name in signed)), "")


def thoughtless(messages: bytes) -> msgspec.Raw:
    """The messages of a chat completion without what a model thought. Raises Refusal."""
    try:
        found: list[dict[str, Any]] = msgspec.json.decode(messages, type=list[dict[str, msgspec.Raw]])
    except UNREADABLE:
        raise Refusal.of("messages", "is not a list of messages") from None
    told = []
    for message in found:
        rest = {name: raw for name, raw in message.items() if name not in THOUGHTS}
        thought_only = len(rest) < len(message) and "tool_calls" not in rest
        if not thought_only or bytes(rest.get("content", b'""')) not in (b'""', b"null"):
            told.append(rest)
    return msgspec.Raw(msgspec.json.encode(told))
