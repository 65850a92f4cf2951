"""Paid use: what a credit pays of use, month by month, and which of several pays first.

Owns: ``PaidUse``, and the order of those who pay. Not here: how much one pays (``terms``), and sums of payments
(``totals``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Protocol, TypeVar

from detente.contract.own_money import OwnMoney
from detente.contract.reach.scope import Selection
from detente.contract.reach.validity import Validity


@dataclass(frozen=True, slots=True)
class PaidUse:
    """So much of what a selection spends in a time is paid otherwise than in money."""

    selection: Selection
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


AnyPayer = TypeVar("AnyPayer", bound=Payer)


def in_order(terms: Iterable[AnyPayer]) -> list[AnyPayer]:
    """Those who pay: the soonest to expire first, then the one that is eligible for less, then the oldest.

    The order of AWS (https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/useconsolidatedbilling-credits.html).
    What is given anew in each window expires with it.
    """
    payers = [term for term in terms if term.pays]
    wider = {term.covered: sum(term.covered.inside(each.covered) is True for each in payers) for term in payers}
    return sorted(payers, key=lambda term: (term.lapses, -wider[term.covered], term.validity.start))
