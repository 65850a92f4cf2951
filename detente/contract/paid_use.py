"""Paid use: what a credit pays of use, month by month, and which of several pays first.

Owns: ``PaidUse``, and the order of those who pay. Not here: how much one pays (``terms``), and sums of payments
(``totals``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Protocol, TypeVar

from detente.contract.scope import Selection
from detente.contract.validity import Validity


@dataclass(frozen=True, slots=True)
class PaidUse:
    """So much of what a selection spends in a time is paid otherwise than in money."""

    selection: Selection
    start: datetime
    end: datetime
    amount: Fraction


class Payer(Protocol):
    """What the order asks of a clause."""

    @property
    def pays(self) -> bool:
        """Whether it pays for use."""

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
    """
    return sorted(
        (term for term in terms if term.pays),
        key=lambda term: (term.validity.end, -len(term.covered.keys), term.validity.start),
    )
