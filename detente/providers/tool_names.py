"""Names of tools that are longer than models take: shortened in what is asked, and whole again in what is answered.

Owns: the short name of a long one, which long names a call holds, and both in bodies that pass through. Not here: where
the names stand in Converse (``bedrock/tools``, ``bedrock/turns``, ``bedrock/converse_reply``,
``bedrock/converse_stream``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from hashlib import blake2b

import msgspec

from detente.providers.marks import CALLS, marks_of
from detente.providers.quoted import quoted
from detente.providers.unreadable import UNREADABLE
from detente.providers.wire import Call, Decoder, Members, StreamPart

OFFERS = ("tools", "functions")
"""Members that put tools on offer; `functions` is the older form."""
_TELLING = frozenset((*OFFERS, "input"))
"""Members beside the messages that may hold what is told otherwise."""
MAX_NAME = 64
"""Characters of a function's name, at every provider but Anthropic, whose models take 128."""
_ITEMS, _NAME = quoted("function_call"), quoted("name")
_LONG = re.compile(rb'"name"\s*:\s*"([a-zA-Z0-9_-]{65,})"')


def shortened(name: str) -> str:
    """A name as models take it: one that is too long ends with a digest of the whole, so that no two become one."""
    if len(name) <= MAX_NAME:
        return name
    return f"{name[: MAX_NAME - 9]}_{blake2b(name.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"


def whole_names(call: Call) -> dict[str, str]:
    """The long names that a call holds, by their short ones: of its tools, else of those that its messages called.

    Nothing is parsed: a text cannot look like such a member, since its quotation marks are escaped. Most calls name no
    tool, and are not searched.
    """
    if not _names_tools(call):
        return {}
    members = call.members
    held = next((members[name] for name in (*OFFERS, "messages", "input") if members.get(name)), b"")
    text = bytes(held)
    names = [found.decode() for found in _LONG.findall(text)]
    return {shortened(name): name for name in names}


HOLDERS = (*OFFERS, "tool_choice", "function_call", "messages", "input")
"""Members of a call in OpenAI's shapes that name tools."""


def as_models_take_them(call: Call, members: Mapping[str, msgspec.Raw]) -> Mapping[str, msgspec.Raw]:
    """The members of a call that are told, with short names for long ones; no other byte changes."""
    names = whole_names(call)
    if not names:
        return members
    short = {whole: told for told, whole in names.items()}
    told: Members = dict(members)
    for name in HOLDERS:
        if name in told:
            told[name] = msgspec.Raw(_renamed(bytes(told[name]), short))
    return told


def offers_tools(call: Call) -> bool:
    """Whether a call puts tools on offer."""
    members = call.members
    return "tools" in members or "functions" in members


def is_plain(call: Call) -> bool:
    """Whether a call holds nothing that any provider is told otherwise: no tools, files or thoughts, only texts.

    Then it need not be looked through for each of these.
    """
    return call.marks is not None and not call.marks and _TELLING.isdisjoint(call.members)


def _names_tools(call: Call) -> bool:
    """Whether a call names any tool."""
    members = call.members
    if offers_tools(call) or CALLS in marks_of(call):
        return True
    return "input" in members and bool(_ITEMS(bytes(members["input"])))


class _Offered(msgspec.Struct):
    function: msgspec.Raw = msgspec.Raw(b"null")


class _Named(msgspec.Struct):
    name: str = ""


class OfferedNames:
    """The names of a call's tools as its provider knows them: looked for when an answer calls one."""

    def __init__(self, call: Call) -> None:
        self._call = call

    @cached_property
    def _names(self) -> frozenset[str]:
        try:
            tools = msgspec.json.decode(self._call.members.get("tools", b"[]"), type=list[_Offered])
            named = [msgspec.json.decode(tool.function, type=_Named | None) for tool in tools]
        except UNREADABLE:
            return frozenset()
        return frozenset(shortened(one.name) for one in named if one is not None)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def begins(self, name: str) -> bool:
        """Whether a name is how another one begins, be it one of them or none: more of it may come."""
        return bool(name) and any(whole.startswith(name) and whole != name for whole in self._names)

    def longer(self, name: str, more: str) -> str:
        """A name and a piece of it that came later, which some servers begin anew; empty where that makes none."""
        for whole in (more, name + more):
            if whole.startswith(name) and (whole in self._names or self.begins(whole)):
                return whole
        return ""


class WholeNames:
    """The long names of a call's tools, in what is answered: looked for when an answer names a tool."""

    def __init__(self, call: Call) -> None:
        self._call = call

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return whole_names(self._call)

    def given_back(self, said: bytes) -> bytes:
        """What a provider said, with the names that the caller knows."""
        if not _NAME(said) or not self._names:
            return said
        return _renamed(said, self._names)


def _renamed(text: bytes, names: Mapping[str, str]) -> bytes:
    pattern = rb'("name"\s*:\s*")(' + b"|".join(re.escape(name.encode()) for name in names) + rb')(?=")'
    return re.sub(pattern, lambda found: found[1] + names[found[2].decode()].encode(), text)


class NamingDecoder(Decoder):
    """Reads a stream as another decoder does, and gives tools their long names back."""

    __slots__ = ("_inner", "_names")

    def __init__(self, inner: Decoder, names: WholeNames) -> None:
        self._inner, self._names = inner, names

    def feed(self, data: bytes) -> StreamPart:
        """As the other reads it."""
        part = self._inner.feed(data)
        part.data = self._names.given_back(part.data)
        return part

    def end(self) -> StreamPart:
        """As the other reads it."""
        part = self._inner.end()
        part.data = self._names.given_back(part.data)
        return part
