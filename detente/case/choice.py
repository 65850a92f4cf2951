"""What is ours to choose, and what the world decides: choices, and uncertain events with their outcomes.

Owns: what may be said of them, and that each makes sense by itself. Not here: whether the scenarios that they name
exist (``checks.outlook``), what a scenario changes (``changes``), and what follows (``outcomes``).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from pydantic import Field, field_validator

from detente.errors import Flaw, FlawError
from detente.values.noun import Id, Noun
from detente.values.period import Day
from detente.values.quantity import in_percent
from detente.values.quantity_field import Portion

WHOLE = Decimal(1)


class OpenChoice(Noun):
    """One of the ways that we may take: exactly one is taken, at the start of the horizon."""

    id: Id
    text: str | None = Field(default=None, description="what we do", max_length=4000)
    scenario: Id | None = Field(default=None, description="the scenario that it leads to; default: the case as it is")


class EventOutcome(Noun):
    """One of the ways in which an uncertain event may end."""

    probability: Portion = Field(description="how likely it is; those of one event add up to 100%")
    scenario: Id | None = Field(default=None, description="what it changes; default: nothing")
    text: str | None = Field(default=None, description="what happens", max_length=4000)


class Uncertainty(Noun):
    """An event that the world decides: until its day nobody knows how it ends."""

    id: Id
    text: str | None = Field(default=None, description="what is uncertain", max_length=4000)
    applies_to: tuple[Id, ...] = Field(default=(), description="the choices under which it happens; default: all")
    known: Day = Field(description="the day from which it is known how it ended")
    outcomes: dict[Id, EventOutcome]

    @field_validator("applies_to")
    @classmethod
    def _under_some(cls, applies_to: tuple[str, ...]) -> tuple[str, ...]:
        if not applies_to:
            raise FlawError("it applies to no choice", "name one or more; or leave it out, where it applies to all")
        return applies_to

    def flaws(self) -> Iterator[Flaw]:
        """What makes no sense in its outcomes, taken together."""
        if len(self.outcomes) < 2:
            yield Flaw("an uncertain event has two outcomes or more", "add one, or leave the event out", ("outcomes",))
            return
        total = sum((each.probability for each in self.outcomes.values()), Decimal(0))
        if total != WHOLE:
            parts = " + ".join(in_percent(each.probability) for each in self.outcomes.values())
            what = f"the probabilities add up to {in_percent(total)} ({parts})"
            yield Flaw(what, "make them add up to 100%", ("outcomes",))
        seen: dict[str | None, str] = {}
        for name, outcome in self.outcomes.items():
            if not outcome.probability:
                path = ("outcomes", name, "probability")
                yield Flaw(f"`{name}` has a probability of 0%", "leave out what cannot happen", path)
            if outcome.scenario in seen:
                what = f"`{name}` and `{seen[outcome.scenario]}` come to the same"
                yield Flaw(what, "name another scenario, or make them one", ("outcomes", name))
            seen.setdefault(outcome.scenario, name)

    def under(self, choice: str) -> bool:
        """Whether it happens where a choice is taken."""
        return not self.applies_to or choice in self.applies_to
