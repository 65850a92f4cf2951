"""A milestone of a commitment: so much in all by a day, or a charge on what is missing then.

Owns: what a milestone says, and what makes no sense in it. Not here: what it does to a plan (``commitment``), and a
charge that is a prepayment (``prepayment``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, model_validator

from detente.contract.validity import Validity
from detente.errors import Flaw, FlawError
from detente.values.money import Cash, shown
from detente.values.noun import Noun
from detente.values.period import Day, moment, named
from detente.values.quantity_field import Percent

CHARGES = "`charged-as: prepayment` (later use draws it, and does not count again) or `charged-as: fee` (it is lost)"


class Milestone(Noun):
    """So much in all by a day, or a charge on what is missing then."""

    by: Day
    reach: Cash
    fee: Percent = Field(default=Decimal(0), description="what is paid of the missing amount; 0%: must be reached")
    charged_as: Literal["fee", "prepayment"] | None = Field(
        default=None, description="whether the charge is lost, or a prepayment that later use draws"
    )

    @model_validator(mode="after")
    def _charge(self) -> Self:
        if self.fee == 1 and self.charged_as is None:
            what = "all of what is missing is charged, and whether that is lost is not said"
            raise FlawError(what, f"say {CHARGES}", ("fee",))
        if self.prepaid and self.fee != 1:
            what = f"a prepayment of {float(self.fee) * 100:g}% of what is missing"
            raise FlawError(what, "say `fee: 100%`, or `charged-as: fee`", ("charged-as",))
        return self

    @property
    def prepaid(self) -> bool:
        """Whether what is missing is charged as a prepayment."""
        return self.charged_as == "prepayment"

    @property
    def told(self) -> str:
        """In a clause's sentence."""
        price = f"{float(self.fee):.0%} of what is missing then is owed" if self.fee else "it must be reached"
        price += ", as prepayment that later use draws" if self.prepaid else ""
        return f"{shown(self.reach.amount, self.reach.currency)} by {self.by}: {price}"


def out_of_order(milestones: Sequence[Milestone], validity: Validity) -> Iterator[Flaw]:
    """Milestones outside of a clause's time, or not in the order of their days and amounts."""
    previous: Milestone | None = None
    for index, milestone in enumerate(milestones):
        path = ("milestones", index, "by")
        amended = validity.ended is not None and moment(milestone.by) > validity.end
        if not amended and not validity.start < moment(milestone.by) <= validity.end:
            what = f"{milestone.by} is not while the clause is in force ({named(validity.start, validity.end)})"
            yield Flaw(what, "move the milestone, or the dates of the clause", path)
        if previous and milestone.by <= previous.by:
            what = f"milestones out of order: {previous.by} comes before {milestone.by}"
            yield Flaw(what, "write the earlier first", path)
        elif previous and milestone.reach.amount < previous.reach.amount:
            what = f"{milestone.reach} by {milestone.by} is less than {previous.reach} by {previous.by}"
            yield Flaw(what, "raise the later, or leave it out", ("milestones", index, "reach"))
        previous = milestone
