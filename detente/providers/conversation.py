"""What Claude's API refuses of a conversation, told before it is sent, with its place.

Owns: the rules that clients break most: an id of its own and one result for each call of a tool, a budget where
thinking is switched on. Not here: breakpoints of the cache (``breakpoints``), what a deployment cannot do at all
(``claude``), and Converse's own shape (``bedrock/turns``).

A text cannot look like a member: its quotation marks are escaped. So the bytes are searched, and read only where a rule
is broken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from detente.providers.marks import RESULT, USE
from detente.providers.wire import Refusal

_RESULTS = re.compile(rb'"tool_use_id"\s*:\s*"([^"]*)"')
_USES = re.compile(rb'"type"\s*:\s*"tool_use"\s*,\s*"id"\s*:\s*"([^"]*)"')


def checked(members: Mapping[str, msgspec.Raw], marked: frozenset[bytes]) -> None:
    """Raise Refusal where a call of Anthropic's shape breaks a rule, with the member and the remedy.

    ``marked`` is what its messages hold (``marks``).
    """
    if USE in marked or RESULT in marked:
        messages = bytes(members.get("messages", b""))
        if USE in marked and _repeats(_USES.findall(messages)):
            _twice(messages, "tool_use", "id", "is a second call `{}`: give each call an id of its own")
        if RESULT in marked and _repeats(_RESULTS.findall(messages)):
            _twice(messages, "tool_result", "tool_use_id", "is a second result of the call `{}`: send one")
    thinking = bytes(members.get("thinking", b""))
    if b'"enabled"' in thinking and b'"budget_tokens"' not in thinking:
        what = "`thinking` is enabled without `budget_tokens`"
        remedy = "write `type: adaptive`, or state how many tokens, 1024 or more"
        raise Refusal(f"{what}: {remedy}", "thinking.budget_tokens")


def _repeats(ids: Sequence[bytes]) -> bool:
    return len(set(ids)) != len(ids)


def _twice(messages: bytes, kind: str, name: str, why: str) -> None:
    """Refuse a block of a kind whose id, under a name, another one had before, and say where."""
    seen = set[str]()
    for at, turn in enumerate(msgspec.json.decode(messages)):
        content: Any = turn.get("content") if isinstance(turn, dict) else None
        for place, block in enumerate(content if isinstance(content, list) else ()):
            id_ = block.get(name) if isinstance(block, dict) and block.get("type") == kind else None
            if id_ is None:
                continue
            if id_ in seen:
                where = f"messages[{at}].content[{place}]"
                raise Refusal.of(where, f"{why.format(str(id_)[:80])}")
            seen.add(id_)
