"""What a reply says of the budgets that its call counts towards: by the headers that clients look at.

Owns: these headers, and the names of the budgets for its record. Not here: what is left (``leaseholder``).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from detente.gateway.deciding.choose import RankedCandidate
from detente.ledger.caps.cap import CapTaker

KINDS = {"requests": "requests", "tokens": "tokens", "input-tokens": "tokens", "output-tokens": "tokens"}
"""The two limits that OpenAI's and Anthropic's headers know, by what a budget counts."""


def budgets_of(choice: RankedCandidate | None) -> tuple[str, ...]:
    """The names of the budgets that a call counts towards where it went."""
    return () if choice is None else tuple(call.cap.name for call in choice.candidate.caps if call.cap.budget)


def left_of(caps: Iterable[tuple[CapTaker, int]], at: datetime) -> str:
    """Of each kind the budget of which the smallest part is left; of those of money, all."""
    least: dict[str, tuple[float, CapTaker, int]] = {}
    lines = ""
    for call, left in caps:
        kind = KINDS.get(call.cap.counts)
        if kind is not None:
            part = left / call.allows.limit
            if kind not in least or part < least[kind][0]:
                least[kind] = part, call, left
        elif call.cap.counts == "money":
            lines += f"x-detente-budget: {call.cap.id}={call.cap.exact(left)}\r\n"
    for kind, (_, call, left) in least.items():
        lines += _limit(kind, call, left, at)
    return lines


def _limit(kind: str, call: CapTaker, left: int, at: datetime) -> str:
    limit, end = call.allows.limit, call.allows.end
    found = f"x-ratelimit-limit-{kind}: {limit}\r\nx-ratelimit-remaining-{kind}: {left}\r\n"
    found += f"x-ratelimit-reset-{kind}: {(end - at).total_seconds():.3f}s\r\n"
    found += f"anthropic-ratelimit-{kind}-limit: {limit}\r\nanthropic-ratelimit-{kind}-remaining: {left}\r\n"
    return found + f"anthropic-ratelimit-{kind}-reset: {_written(end)}\r\n"


@lru_cache(maxsize=1_000)
def _written(at: datetime) -> str:
    """The end of a window, which is that of many calls, as Anthropic writes moments."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
