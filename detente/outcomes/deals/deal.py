"""Can we sign this deal? The answer, as values: by reading, what collides, the ways out, and what signing changes.

Owns: what an answer holds. Not here: how it is found (``sign``, ``ways``), and how it is shown
(``report/outcomes/deal``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, get_args

from detente.outcomes.estimate import Estimate
from detente.outcomes.saved import SettledAnswer
from detente.results.conflict import Conflict, Given
from detente.results.rows import must_be_section
from detente.values.quantity import Exact

DealWord = Literal["yes", "price", "no", "conflict"]
"""Every clause can be performed; not all can, and what is missed has a price; what is missed is forbidden; not all can,
and which of the two was not found before it was stopped."""

WayKind = Literal["lower", "carve-out", "date", "pay", "capacity"]
"""What a way out changes: less is asked, some work passes, a day moves, what is missed is paid, capacity is added."""


@dataclass(frozen=True, slots=True)
class DealWay:
    """One way out: what changes, and what the plan then costs over the horizon.

    ``more`` is how much more than without the deal; None where either is not known. ``at_most``: the search for less
    ended before it was through. ``together`` names what else must change with it, ``given`` by how much
    each gives way.
    """

    kind: WayKind
    subject: str
    sentence: str
    cost: Exact | None
    more: Exact | None
    at_most: bool = False
    together: tuple[str, ...] = ()
    given: tuple[Given, ...] = ()


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """A figure without the deal and with it; None where there is none."""

    before: Exact | None
    after: Exact | None


@dataclass(frozen=True, slots=True)
class ProviderMoved:
    """A provider without the deal and with it.

    Shares are parts of 1; of work, by its unit. ``margin`` is, by unit, the part of its work that the others would do
    if it were lost for all of the horizon, as if units could be divided; no entry where demand that must be served
    would not be.
    """

    provider: str
    name: str
    spend: BeforeAfter
    share_of_spend: BeforeAfter
    share_of_work: Mapping[str, BeforeAfter]
    margin: Mapping[str, BeforeAfter]


@dataclass(frozen=True, slots=True)
class Fee:
    """What a clause asks that is not performed: what is missing and owed, window by window, and in all.

    ``unit``: of what is missing. ``breach``: it is not that too little is done, but what has a price in damages.
    """

    term: str
    agreement: str
    windows: tuple[tuple[str, Exact], ...]
    owed: Exact
    unit: str = ""
    breach: bool = False

    @property
    def missing(self) -> Decimal:
        """What is missing in all, or done in breach."""
        return sum((amount for _, amount in self.windows), Decimal(0))


@dataclass(frozen=True, slots=True)
class SigningEffect:
    """What signing changes, of the least-cost plan with the deal against that without it: money over the horizon."""

    cost: BeforeAfter
    saves: Estimate
    """How much less the plan costs with the deal; negative where it costs more. Both plans' gaps are the error bar."""
    unserved: BeforeAfter
    concentration: BeforeAfter
    """Of spend, in points (``measures.concentration``): 10,000 is one provider alone."""
    providers: tuple[ProviderMoved, ...]
    binds: tuple[str, ...]
    no_longer_binds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignedReading:
    """What signing comes to under one combination of readings, in figures.

    ``fees`` is what the cheapest plan that signs would pay for what it does not perform.
    """

    reading: str | None
    fees: tuple[Fee, ...]
    ways: tuple[DealWay, ...]
    effect: SigningEffect | None


@dataclass(frozen=True, slots=True)
class UnderReading(SignedReading):
    """The answer under one combination of readings.

    ``conflict`` is the deal's own: ``aside`` are clauses that were set aside because they collide without the deal too,
    as ``before`` says.
    """

    word: DealWord
    conflict: Conflict | None
    before: tuple[Conflict, ...]
    aside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """An obligation of the deal."""

    what: str
    by: str
    due: date
    evidence: str | None


DealSection = Literal["readings", "ways"]
DealSettled = Literal["yes", "no", "depends", "unsettled"]


@dataclass(frozen=True, slots=True, repr=False)
class DealAnswer(SettledAnswer):
    """``yes``, ``no``, or ``depends`` on the reading; ``folded`` combinations of readings change nothing.

    ``status`` says what stopped it, if anything did: then readings may be missing, and of the others ways out and what
    signing changes. The answer is ``unsettled`` where the readings that are missing might change it.
    """

    FORMAT = "detente-deal/2"

    deal: str
    answer: DealSettled
    readings: tuple[UnderReading, ...]
    folded: int
    obligations: tuple[Due, ...]

    def rows(self, section: DealSection = "readings") -> list[dict[str, Any]]:
        """A section as plain dicts, for a data frame: one a reading, or one a way out; money over the horizon.

        Raises CaseError for another section.
        """
        must_be_section(section, get_args(DealSection))
        found = self._readings() if section == "readings" else self._ways()
        return [row | {"currency": self.currency} for row in found]

    def _readings(self) -> Iterator[dict[str, Any]]:
        for row in self.readings:
            effect = row.effect
            saves = None if effect is None else effect.saves
            yield {
                "reading": row.reading,
                "word": row.word,
                "collide": [] if row.conflict is None else [clash.term for clash in row.conflict.clauses],
                "cost_without": None if effect is None else effect.cost.before,
                "cost_with": None if effect is None else effect.cost.after,
                "saves": None if saves is None else saves.amount,
                "low": None if saves is None else saves.low,
                "high": None if saves is None else saves.high,
                "owed": sum((fee.owed for fee in row.fees), Decimal(0)),
            }

    def _ways(self) -> Iterator[dict[str, Any]]:
        for row in self.readings:
            for way in row.ways:
                yield {
                    "reading": row.reading,
                    "kind": way.kind,
                    "subject": way.subject,
                    "sentence": way.sentence,
                    "cost": way.cost,
                    "more": way.more,
                    "at_most": way.at_most,
                }
