"""Payer: a clause that pays for use in place of money, and which of several pays first.

Owns: ``Payer``, the role of such clauses beside ``Term``; their order, and which of them meet. Not here: what one paid
(``metered/paid_use``), and how much it pays (``terms``).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from detente.contract.case_view import ClauseView
from detente.contract.metered.paid_use import PaidUse
from detente.contract.metered.totals import Totals
from detente.contract.reach.window import Calendar
from detente.contract.roles import GivingBack


class Payer(GivingBack):
    """What a clause is besides, that pays for use (``class Credit(Term, Payer)``).

    It comes before whatever counts what is left to pay: it is shaped and settled first.
    """

    @abstractmethod
    def payments(self, totals: Totals, as_of: datetime | None) -> Iterable[PaidUse]:
        """What it pays of use, after those that come before it; ``as_of`` as in ``Term.settle``."""

    @property
    @abstractmethod
    def paying(self) -> Calendar:
        """The times in which it pays: within one of them, nobody can tell when it paid how much."""

    def applied_until(self, at: datetime, /) -> bool:
        """Whether it pays up to a moment inside of one of these times, and then anew. Neutral: no."""
        return False

    @property
    def tells_apart(self) -> frozenset[str]:
        """The clauses for which it says how much of what it pays is for what they count. Neutral: none."""
        return frozenset()

    @property
    def lapses(self) -> datetime:
        """When the first of what it pays with is lost. Neutral: with its last day."""
        return self.validity.end

    def pays_after(self, other: Any, /) -> bool:
        """Whether what another pays with lapses before what it has itself, and never after it. Neutral: no."""
        return False


AnyPayer = TypeVar("AnyPayer", bound=Payer)


def meeting(own: AnyPayer, others: Iterable[AnyPayer]) -> tuple[AnyPayer, ...]:
    """Those of some others that may pay for one use at one time with it, or with others that do."""
    found, rest = [own], list(others)
    for each in found:  # grows as it goes
        met = [other for other in rest if meet(each, other)]
        found += met
        rest = [other for other in rest if other not in met]
    return tuple(found[1:])


def meet(one: ClauseView, other: ClauseView) -> bool:
    """Whether two may speak of one use at one time."""
    return one.sold.inside(other.sold) is not False and one.counted_time.meets(other.counted_time)


def in_order(terms: Iterable[AnyPayer]) -> list[AnyPayer]:
    """Those who pay: the soonest to expire first, then the one that is eligible for less, then the oldest.

    The order of AWS (https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/useconsolidatedbilling-credits.html).
    What is given anew in each window expires with it.
    """
    payers = list(terms)
    wider = {term.covered: sum(term.covered.inside(each.covered) is True for each in payers) for term in payers}
    payers.sort(key=lambda term: (term.lapses, -wider[term.covered], term.validity.first))
    found: list[AnyPayer] = []
    while payers:
        free = (at for at, term in enumerate(payers) if not any(map(term.pays_after, payers)))
        found.append(payers.pop(next(free, 0)))
    return found
