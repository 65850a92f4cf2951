"""How much a model is asked to reason.

Owns: ``reasoning_effort`` in each family's own words, and what stands against it. Not here: the reasoning that comes
back (``reply``, ``stream``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from detente.providers.bedrock.family import Family
from detente.providers.bedrock.member import Member
from detente.providers.wire import Refusal

BUDGETS = {"minimal": 1024, "low": 1024, "medium": 4096, "high": 16_384}
"""Tokens of Claude's thinking by effort, where it thinks within a budget: 1,024 is the least that it takes."""

MIN_BUDGET = 1024
ROOM = 16_384
"""Tokens of a reply that reasons without a budget, where the caller states none."""

_EFFORT: Member[str] = Member("reasoning_effort", str)
_EFFORTS = {
    "budget": tuple(BUDGETS),
    "adaptive": ("low", "medium", "high", "xhigh", "max"),
    "nova": ("low", "medium", "high"),
    "gpt-oss": ("low", "medium", "high"),
}


class Reasoning(NamedTuple):
    """What a call asks of reasoning."""

    on: bool = False
    additional: Mapping[str, Any] = {}
    """Beside Converse's own members, in ``additionalModelRequestFields``."""
    effort: str | None = None
    """In ``outputConfig``."""
    most: int | None = None
    """Tokens of the reply; None where they must not be stated."""


def reasoning_of(
    members: Mapping[str, msgspec.Raw], family: Family, most: int | None, unsigned: bool, budget: int | None = None
) -> Reasoning:
    """What a call asks of reasoning. Raises Refusal where the family cannot be asked.

    Parameters
    ----------
    members
        Of the call.
    family
        Of the model.
    most
        Tokens of the reply, as the caller states them.
    unsigned
        Whether the last calls of tools come without the signed reasoning that led to them.
    budget
        Tokens of thought, where the caller states them beside the effort that comes nearest.
    """
    effort = _EFFORT.of(members)
    if effort is None or (effort == "none" and family.thinking not in ("unknown", "gpt-oss")):
        return Reasoning(most=most or family.most)
    if effort not in _EFFORTS.get(family.thinking, ()):
        raise _refused(effort, budget, _why(family))
    if family.thinking == "budget":
        return _budget(effort, budget, most, family, unsigned)
    if family.thinking == "adaptive":
        return Reasoning(True, {"thinking": {"type": "adaptive"}}, effort, most or ROOM)
    if family.thinking == "nova":
        return _nova(effort, budget, most)
    return Reasoning(True, {"reasoning_effort": effort}, None, most or ROOM)


def _refused(effort: str, budget: int | None, why: str) -> Refusal:
    if budget is not None:
        return Refusal.of("thinking.budget_tokens", f"is {budget}, {why}")
    return Refusal.of("reasoning_effort", f"is `{effort[:40]}`, {why}")


def _why(family: Family) -> str:
    if family.thinking == "unknown":
        return f"and how {family.title} is asked to reason is not known here"
    if family.thinking == "none":
        return f"and {family.title} cannot be asked to reason"
    return f"and {family.title} knows {', '.join(_EFFORTS[family.thinking])}"


def _budget(effort: str, stated: int | None, most: int | None, family: Family, unsigned: bool) -> Reasoning:
    """Claude's budget is a part of the reply's tokens: the caller's own, or at most half of those that are allowed."""
    budget = stated or (BUDGETS[effort] if most is None else min(BUDGETS[effort], most // 2))
    if budget < MIN_BUDGET:
        why = f"and of {most} tokens {family.title} would think with less than {MIN_BUDGET}"
        raise _refused(effort, stated, why)
    if unsigned:
        why = f"and {family.title} then wants the signed reasoning that led to its calls of tools"
        raise _refused(effort, stated, why)
    thinking = {"type": "enabled", "budget_tokens": budget}
    return Reasoning(True, {"thinking": thinking}, None, most or budget + family.most)


def _nova(effort: str, budget: int | None, most: int | None) -> Reasoning:
    additional = {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}
    if effort != "high":
        return Reasoning(True, additional, None, most or ROOM)
    if most is not None:
        raise _refused(effort, budget, "and Nova 2 then takes no limit of the reply's tokens")
    return Reasoning(True, additional, None, None)
