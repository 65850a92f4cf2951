"""Paid use: what a credit pays of use, month by month.

Owns: ``PaidUse``. Not here: who pays, and which of several first (``payer``), how much one pays (``terms``), which part
of use it pays (``amounts.paid_parts``), and sums of payments (``totals``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Literal

from detente.contract.own_money import OwnMoney
from detente.contract.reach.scope import Selection

PaidAs = Literal["paid", "returned", "saved"]
"""By whom: credits; those who give back of what these leave; those who charge for use at rates of their own."""


@dataclass(frozen=True, slots=True)
class UsePart:
    """What is in a selection and in none of some others: use that no clause that counts it tells apart."""

    within: Selection
    without: tuple[Selection, ...] = ()

    def inside(self, other: Selection) -> bool | None:
        """Whether all of it is covered by a selection: yes, none of it (False), or not known from the scopes."""
        if any(other.inside(each) is True for each in self.without):
            return False
        return self.within.inside(other)


@dataclass(frozen=True, slots=True)
class PaidUse:
    """So much of what a part of use spends in a time is paid otherwise than in money, returned afterwards, or saved.

    Which of these is not for a clause to say: it turns on its role (``settling``).
    """

    of: UsePart
    start: datetime
    end: datetime
    amount: Fraction
    by: PaidAs = "paid"


def in_the_cases(paid: Iterable[PaidUse], money: OwnMoney | None, by: PaidAs) -> Iterator[PaidUse]:
    """What was paid, returned or saved in a clause's own currency, in the case's: each at the rate of its time."""
    for each in paid:
        rate = 1 if money is None else money.at_end(each.end)
        yield replace(each, amount=each.amount * rate, by=by)
