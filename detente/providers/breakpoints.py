"""Breakpoints of a prompt cache: how many one request may set, and where those are that are too many.

Owns: the count and the places, in OpenAI's shape and in Anthropic's alike. Not here: how a breakpoint is said to a
provider (``claude``, ``bedrock/content_parts``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from detente.providers.wire import Refusal

MAX_BREAKPOINTS = 4
"""Of one request, at Anthropic and at Bedrock: tools, system and messages together."""
CACHED_MEMBERS = ("tools", "system", "messages")
"""Which members may hold them, in the order in which a prompt is cached."""
_NAMES = ("cache_control", "prompt_cache_breakpoint")
_MARK = re.compile(rb'"(?:cache_control|prompt_cache_breakpoint)"\s*:\s*\{')
_INSIDE = ("content", "tool_calls")
"""What holds blocks of its own, which come before its own end."""
_TOLD = 12


def few_breakpoints(members: Mapping[str, msgspec.Raw], of: Collection[str] = CACHED_MEMBERS) -> None:
    """Raise Refusal where more breakpoints are set than one request may have, with the place of each.

    ``of``: which members are looked at. A text cannot look like a member, so they are read only where there may be too
    many; what a tool takes as input, or describes as such, sets none.
    """
    stated = [name for name in CACHED_MEMBERS if name in members and name in of]
    if not stated or sum([len(_MARK.findall(bytes(members[name]))) for name in stated]) <= MAX_BREAKPOINTS:
        return
    places = [place for name in stated for place in _places(msgspec.json.decode(members[name]), name)]
    if len(places) > MAX_BREAKPOINTS:
        more = f" and {len(places) - _TOLD} more" if len(places) > _TOLD else ""
        told = ", ".join(places[:_TOLD]) + more
        what = f"is set at {len(places)} places, and at most {MAX_BREAKPOINTS} are taken: keep the last ones of {told}"
        raise Refusal(f"`cache_control` {what}", places[0])


def _places(held: Any, where: str) -> Iterator[str]:
    """Where breakpoints are set in a list, in order; a message marked as a whole is marked at its last part."""
    for at, item in enumerate(held if isinstance(held, list) else ()):
        if not isinstance(item, dict):
            continue
        last = ""
        for name in _INSIDE:
            for last in _places(item.get(name), f"{where}[{at}].{name}"):
                yield last
        parts = item.get("content")
        ends = "role" in item and isinstance(parts, list) and last == f"{where}[{at}].content[{len(parts) - 1}]"
        if not ends and any(isinstance(item.get(name), dict) for name in _NAMES):
            yield f"{where}[{at}]"
