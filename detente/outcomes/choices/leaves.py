"""The leaves of a case's choices and uncertain events: each choice with each way in which the world may turn out.

Owns: which leaves there are, their probabilities, and the case of each. Events are independent of each other; what
depends on another event is written as one event with more outcomes. Not here: planning them (``comparing``), and what
follows from their costs (``chances``).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import product
from math import prod

from detente.case.case import Case
from detente.case.choice import OpenChoice, Uncertainty
from detente.errors import CaseError, Mistake, Where
from detente.values.period import moment

MAX_LEAVES = 200
"""Each is a plan of its own."""

WorldState = tuple[tuple[str, str], ...]
"""How events turn out: each event with its outcome, in the order in which they are written."""


@dataclass(frozen=True)
class Leaf:
    """A choice and how the events after it turn out; ``probability`` is that of the events, once it is chosen."""

    choice: OpenChoice
    world: WorldState
    known: tuple[date, ...]
    probability: Decimal
    case: Case

    @property
    def name(self) -> str:
        """``stay``, or ``stay, injunction`` where events follow."""
        return ", ".join([self.choice.id, *(outcome for _, outcome in self.world)])

    def news(self, at: datetime) -> WorldState:
        """What is known of the events at a moment."""
        return tuple(pair for pair, day in zip(self.world, self.known, strict=True) if moment(day) <= at)


def leaves(case: Case) -> tuple[Leaf, ...]:
    """Every choice with every outcome of the events that follow it, in the order written.

    Raises
    ------
    CaseError
        Where there are no choices, too many leaves, two choices that come to the same, or scenarios that do not go
        together: with every mistake.
    """
    declared = case.declared
    if not declared.choices:
        what = "the case has no `choices:`, so there is nothing to compare"
        raise CaseError([Mistake(Where(declared.name), what, "write two or more, each with the scenario it leads to")])
    size = sum(prod(len(e.outcomes) for e in _after(case, choice)) for choice in declared.choices)
    if size > MAX_LEAVES:
        what = f"choices and events have {size:,} combinations, and each is a plan"
        raise CaseError([Mistake(Where(declared.name), what, f"leave out events, down to {MAX_LEAVES} combinations")])
    found: list[Leaf] = []
    mistakes: dict[Mistake, None] = {}
    for choice in declared.choices:
        try:
            found += _of(case, choice)
        except CaseError as error:
            mistakes |= dict.fromkeys(error.mistakes)
    if mistakes:
        raise CaseError(list(mistakes))
    _told_apart(found)
    return tuple(found)


def worlds(case: Case) -> Iterator[tuple[WorldState, Decimal]]:
    """Every way in which all events may turn out, and its probability."""
    events = case.declared.uncertain
    for outcomes in product(*(event.outcomes.items() for event in events)):
        world = tuple((event.id, name) for event, (name, _) in zip(events, outcomes, strict=True))
        yield world, prod((outcome.probability for _, outcome in outcomes), start=Decimal(1))


def _after(case: Case, choice: OpenChoice) -> list[Uncertainty]:
    """The events that follow a choice."""
    return [event for event in case.declared.uncertain if event.under(choice.id)]


def _of(case: Case, choice: OpenChoice) -> Iterator[Leaf]:
    """The leaves of one choice."""
    events = _after(case, choice)
    for outcomes in product(*(event.outcomes.items() for event in events)):
        names = [choice.scenario, *(outcome.scenario for _, outcome in outcomes)]
        scenario = ",".join(dict.fromkeys(name for name in names if name))
        yield Leaf(
            choice,
            tuple((event.id, name) for event, (name, _) in zip(events, outcomes, strict=True)),
            tuple(event.known for event in events),
            prod((outcome.probability for _, outcome in outcomes), start=Decimal(1)),
            case.under(scenario=scenario or None),
        )


def _told_apart(found: list[Leaf]) -> None:
    """Two choices that lead to the same case by other names, and are followed by the same: one of them is a slip."""
    seen: dict[str, str] = {}
    by_choice: dict[str, list[Leaf]] = {}
    for leaf in found:
        by_choice.setdefault(leaf.choice.id, []).append(leaf)
    for name, own in by_choice.items():
        what = repr([(leaf.world, leaf.case.declared.planned, leaf.case.reading, leaf.case.without) for leaf in own])
        if what in seen:
            said = f"`{name}` is the same choice as `{seen[what]}`: their scenarios come to the same case"
            raise CaseError([Mistake(Where("choices"), said, "leave one of them out")])
        seen[what] = name
