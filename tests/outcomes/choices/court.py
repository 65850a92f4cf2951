"""A dispute that may be settled or taken to court, where it is won or lost: the case that choices are compared in."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from detente.case.case import Case
from detente.errors import CaseError
from detente.outcomes.choices.comparing import compare
from detente.outcomes.choices.comparison import Comparison
from tests.builders import Data, agreement, data_of, tokens, work

ONLY: Data = {"id": "only", "kind": "exclusivity", "of": {"workload": "chat"}}
SCENARIOS: list[Data] = [
    {"id": "free", "without": ["only"], "change": [{"offer": "south-api", "price": "+25%"}]},
    {"id": "won", "without": ["only"]},
    {"id": "lost", "change": [{"offer": "north-api", "price": "+100%"}]},
]
CHOICES: list[Data] = [{"id": "settle", "scenario": "free"}, {"id": "sue", "text": "go to court"}]
RULING: Data = {
    "id": "ruling",
    "applies-to": ["sue"],
    "known": "2026-01-01",
    "outcomes": {
        "win": {"probability": "80%", "scenario": "won"},
        "lose": {"probability": "20%", "scenario": "lost"},
    },
}


def world(**head: Any) -> Data:
    """A thousand Mtok a month for two months: exclusive to North at 3 USD per Mtok, where South would take 2.

    Today 6,000 USD. Settled, South is free and asks 2.50: 5,000. In court: won 4,000, lost 12,000.
    """
    base: Data = {"scenarios": SCENARIOS, "choices": CHOICES, "uncertain": [RULING]}
    return data_of([tokens("north", 3), tokens("south", 2)], [work()], agreement(ONLY), months=2, **(base | head))


@cache
def plain() -> Comparison:
    return compare(Case.of(world()), gap=1e-9)


def compared(**head: Any) -> Comparison:
    return compare(Case.of(world(**head)), gap=1e-9) if head else plain()


def mistakes(**head: Any) -> list[str]:
    with pytest.raises(CaseError) as error:
        compare(Case.of(world(**head)))
    return [f"{m.where}: {m.what}" for m in error.value.mistakes]


def event(**more: Any) -> list[Data]:
    return [RULING | more]
