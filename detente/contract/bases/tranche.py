"""Capacity that comes in tranches: how many GPUs of an offer are there, and from when on.

Owns: ``CapacityTranche``, and ``InTranches``, the base of the clause that states them, by which other clauses know what
has come. Not here: what a delay gives back (``terms``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

from pydantic import Field

from detente.contract.bases.one_offer import OneOffer
from detente.contract.reminder import unanswered, year_before
from detente.errors import KeyPath
from detente.values.money import Cash
from detente.values.noun import Noun, Title
from detente.values.period import Day
from detente.values.quantity import Span
from detente.values.quantity_field import Accelerators, Length


class CapacityTranche(Noun):
    """So many GPUs by a day."""

    name: Title
    quantity: Accelerators
    due: Day = Field(description="the day by which they are to be there, in use")
    expected: Day | None = Field(default=None, description="the day on which they are expected; default: `due`")
    accepted: Day | None = Field(default=None, description="the day on which they were accepted")
    offered: Day | None = Field(default=None, description="the day on which they were offered for acceptance")
    worth: Cash | None = Field(default=None, description="the fee of which delay credits are a part")

    def deemed(self, silence: Span | None) -> CapacityTranche:
        """The same, accepted after so long a silence, where it was offered and nobody has said so."""
        if self.accepted is not None or self.offered is None or silence is None:
            return self
        return self.model_copy(update={"accepted": unanswered(self.offered, silence)})

    @property
    def there(self) -> Day:
        """From which day on they can be used, as far as is known."""
        return self.accepted or self.expected or self.due


class InTranches(OneOffer):
    """GPUs of one offer, each tranche from its day on."""

    tranches: tuple[CapacityTranche, ...] = Field(min_length=1)
    deemed_after: Length | None = Field(
        default=None, description="how long a tranche that is `offered` may be refused; silence accepts it"
    )

    @property
    def known(self) -> tuple[CapacityTranche, ...]:
        """Its tranches, with what silence has accepted."""
        return tuple(tranche.deemed(self.deemed_after) for tranche in self.tranches)

    def fact_days(self) -> Iterator[tuple[KeyPath, date]]:
        """Of each tranche, of which some may have come before this was agreed on."""
        keys = ("due", "expected", "offered", "accepted")
        days = [(("tranches", i, key), getattr(each, key)) for i, each in enumerate(self.tranches) for key in keys]
        yield from year_before(days, self.validity.first)

    @property
    def arrivals(self) -> tuple[datetime, ...]:
        """When it begins and ends to say how much is there, and when that changes in between."""
        return (self.validity.start, self.validity.end, *(self.begin(t.there) for t in self.known))

    def there(self, at: datetime) -> Decimal | None:
        """GPUs that are there at a moment; None where it is not in force."""
        if not self.validity.start <= at < self.validity.end:
            return None
        return sum((t.quantity.value for t in self.known if self.begin(t.there) <= at), Decimal(0))
