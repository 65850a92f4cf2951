"""What one clause sees of the case around it (``contract.case_view``), while the case may be unreadable in part.

Not here: what a clause makes of it (``terms``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from detente.case.entries import Entries
from detente.contract.clause_text import SELF
from detente.contract.reach.scope import Selection
from detente.contract.term import Term
from detente.demand.workload import AnyWorkload
from detente.market.offer import AnyOffer
from detente.values.facts import Facts
from detente.values.period import Horizon


@dataclass(frozen=True)
class View:
    """The case around one clause.

    ``alike`` are all like it (of its kind) that are in force under one reading, ``lowers`` those of any kind that
    take off prices or pay for use. ``unread`` are clauses of its agreement that could not be read, or are left out.
    """

    case: Entries
    clause: Term
    alike: Sequence[Term] = ()
    lowers: Sequence[Term] = ()
    unread: frozenset[str] = frozenset()

    @property
    def beside(self) -> Sequence[Term]:
        """The others of its kind."""
        return [term for term in self.alike if term is not self.clause]

    @property
    def lowering(self) -> Sequence[Term]:
        """Of the clauses that lower what use costs, those that meet it."""
        return [term for term in self.lowers if self.meets(term)]

    def meets(self, other: Term) -> bool:
        """Whether both speak of any time of the horizon: how they add up matters at no other."""
        return self.clause.counted_time.seen_by(self.horizon).meets(other.counted_time)

    @property
    def horizon(self) -> Horizon | None:
        """The time that is planned."""
        return self.case.horizon

    @property
    def offers(self) -> Sequence[AnyOffer]:
        """What providers have on offer, as far as these are known, and with whom the clause is agreed."""
        known = self.case.names("providers")
        if self.clause.validity.counterparty not in known | {SELF}:
            return ()
        return [offer for offer in self.case.offers if offer.provider in known]

    @property
    def workloads(self) -> Sequence[AnyWorkload]:
        """What there is to do, as far as it was read."""
        return self.case.workloads

    @property
    def called(self) -> frozenset[str]:
        """What the party with whom it is agreed is called."""
        party = self.clause.validity.counterparty
        return frozenset({party, *(each.name for each in self.case.values("providers") if each.id == party)})

    @property
    def countries(self) -> frozenset[str]:
        """Those of all regions; none where some provider could not be read."""
        if not self.case.whole("providers"):
            return frozenset()
        providers = self.case.values("providers")
        return frozenset(region.country for provider in providers for region in provider.regions.values())

    def uses(self, selection: Selection, *keys: str) -> Sequence[tuple[Facts, Facts]]:
        """Uses that a selection covers; none where not all use could be read."""
        if not self.case.sure("offers", "workloads", "providers", "catalogs"):
            return ()
        unlike = self.case.unlike([*selection.keys, *keys])
        return [(demand, offer) for demand, offer in unlike if selection.covers(demand, offer)]
