"""What a clause may see of its case when it is checked (``Term.check``): read-only, and little.

Owns: the protocol. Not here: the case itself (``case``), and what any clause makes of it (``terms``).

Some of a case may be unreadable while it is checked. What is then not known is empty or None here, so that a clause
finds no mistake in what nobody can see.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from detente.contract.reach.counted_time import CountedTime
from detente.contract.reach.scope import Selection
from detente.contract.reach.validity import Validity
from detente.demand.workload import AnyWorkload
from detente.market.offer import AnyOffer
from detente.values.facts import Facts
from detente.values.period import Horizon


class ClauseView(Protocol):
    """A clause, as far as others see it."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def covered(self) -> Selection:
        """What it speaks of."""

    @property
    def sold(self) -> Selection:
        """The same, with what the offers have that it names: whether another covers it is asked of this."""

    @property
    def validity(self) -> Validity:
        """When it is in force."""

    @property
    def counted_time(self) -> CountedTime:
        """The time whose use it counts."""


class CaseView(Protocol):
    """The case around one clause, under one reading."""

    @property
    def horizon(self) -> Horizon | None:
        """The time that is planned."""

    @property
    def beside(self) -> Sequence[ClauseView]:
        """The other clauses of its kind that are in force under the same reading."""

    @property
    def unread(self) -> frozenset[str]:
        """The clauses of its agreement that could not be read, or are left out."""

    @property
    def lowering(self) -> Sequence[ClauseView]:
        """The clauses that change prices, pay for use or charge for it at rates of their own, under each reading.

        Those that speak of use of the time that it counts, as far as the horizon sees it.
        """

    @property
    def offers(self) -> Sequence[AnyOffer]:
        """What is on offer."""

    @property
    def workloads(self) -> Sequence[AnyWorkload]:
        """What there is to do."""

    @property
    def called(self) -> frozenset[str]:
        """What the party with whom it is agreed is called: its id, and its name where that is known."""

    @property
    def countries(self) -> frozenset[str]:
        """The countries in which the case has regions."""

    def uses(self, selection: Selection, *keys: str) -> Sequence[tuple[Facts, Facts]]:
        """Uses that a selection covers, as facts of the demand and of the offer.

        One of each that differ in what the selection asks or in one of some more keys.
        """
