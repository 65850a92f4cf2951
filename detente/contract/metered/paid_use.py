"""Paid use: what a credit pays of use, month by month, and which of several pays first.

Owns: ``PaidUse``, the order of those who pay, and which of them meet. Not here: how much one pays (``terms``), which
part of use it pays (``amounts.paid_parts``), and sums of payments (``totals``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Any, Protocol, TypeVar

from detente.contract.own_money import OwnMoney
from detente.contract.reach.scope import Selection
from detente.contract.reach.validity import Validity


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
    """So much of what a part of use spends in a time is paid otherwise than in money."""

    of: UsePart
    start: datetime
    end: datetime
    amount: Fraction


def in_the_cases(paid: Iterable[PaidUse], money: OwnMoney | None) -> Iterator[PaidUse]:
    """What was paid in a clause's own currency, in that of the case: each at the rate of its time."""
    for each in paid:
        yield each if money is None else replace(each, amount=each.amount * money.at_end(each.end))


class Payer(Protocol):
    """What the order asks of a clause."""

    @property
    def pays(self) -> bool:
        """Whether it pays for use."""

    @property
    def lapses(self) -> datetime:
        """When the first of what it pays with is lost."""

    @property
    def validity(self) -> Validity:
        """When it is in force."""

    @property
    def covered(self) -> Selection:
        """What it pays for."""

    def pays_after(self, other: Any, /) -> bool:
        """Whether what another pays with lapses before what it has itself, and never after it."""


AnyPayer = TypeVar("AnyPayer", bound=Payer)


def meeting(own: AnyPayer, others: Iterable[AnyPayer]) -> tuple[AnyPayer, ...]:
    """Those of some others that may pay for one use at one time with it, or with others that do."""
    found, rest = [own], list(others)
    for each in found:  # grows as it goes
        met = [other for other in rest if meet(each, other)]
        found += met
        rest = [other for other in rest if other not in met]
    return tuple(found[1:])


def meet(one: Payer, other: Payer) -> bool:
    """Whether two may pay for one use at one time."""
    at_one_time = one.validity.over(other.validity.start, other.validity.end)
    return at_one_time and one.covered.inside(other.covered) is not False


def in_order(terms: Iterable[AnyPayer]) -> list[AnyPayer]:
    """Those who pay: the soonest to expire first, then the one that is eligible for less, then the oldest.

    The order of AWS (https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/useconsolidatedbilling-credits.html).
    What is given anew in each window expires with it.
    """
    payers = [term for term in terms if term.pays]
    wider = {term.covered: sum(term.covered.inside(each.covered) is True for each in payers) for term in payers}
    payers.sort(key=lambda term: (term.lapses, -wider[term.covered], term.validity.first))
    found: list[AnyPayer] = []
    while payers:
        free = (at for at, term in enumerate(payers) if not any(map(term.pays_after, payers)))
        found.append(payers.pop(next(free, 0)))
    return found
