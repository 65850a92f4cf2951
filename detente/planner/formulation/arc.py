"""A workload on an offer that can technically run it (§5).

Owns: which arcs a case has, and what data each moves. Not here: what a unit of work takes of an offer
(``demand.taking``), what an arc costs (``period_prices``), and whether a clause allows it (``Term.judge``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from detente.case.case import Case
from detente.contract.reach.scope import Selection
from detente.demand.taking import taken_by_work
from detente.demand.workload import AnyWorkload, Training, can_run
from detente.market.offer import AnyOffer, GpuOffer, TokenOffer
from detente.planner.formulation.expression import Bools, Floats
from detente.values.dated import Dated
from detente.values.facts import Facts


@dataclass(frozen=True)
class Arc:
    """A workload on an offer.

    ``per_work`` is what a unit of work takes of the offer, in the offer's unit; ``egress`` what it costs to move its
    data, by the day. ``own`` is a gang's own run on
    capacity bought by the hour: it is paid for by use, since a gang starts and stops as a whole.
    """

    index: int
    workload: AnyWorkload
    offer: AnyOffer
    demand: Facts
    sold: Facts
    per_work: Fraction
    own: bool
    egress: Dated[Fraction] | None = None
    egress_facts: Facts | None = None

    @property
    def metered(self) -> bool:
        """Whether it is paid for by use, and not through units bought."""
        return isinstance(self.offer, TokenOffer) or self.own

    @property
    def gang(self) -> int:
        """The accelerators that run together, or not at all; 0 where each may run alone."""
        job = self.workload
        return int(job.gang.value) if isinstance(job, Training) and job.gang is not None else 0


def arcs_of(case: Case, demand_facts: Mapping[str, Facts]) -> list[Arc]:
    """Every arc, by workload and then by offer."""
    found: list[Arc] = []
    for workload in case.workloads:
        demand = demand_facts[workload.id]
        gang = isinstance(workload, Training) and workload.gang is not None
        for offer in case.offers:
            if not can_run(workload, offer):
                continue
            egress, place = case.egress(workload, offer)
            facts = case.moved_facts(place) if egress is not None else None
            own = gang and isinstance(offer, GpuOffer) and not offer.reserved
            sold = case.offer_facts[offer.id]
            per_work = taken_by_work(workload, offer)
            found.append(Arc(len(found), workload, offer, demand, sold, per_work, own, egress, facts))
    return found


class Arcs:
    """A case's arcs, by workload and by offer, and which of them a clause covers."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.demand_facts = {w.id: w.facts for w in case.workloads}
        self._all = arcs_of(case, self.demand_facts)
        self.of_workload: dict[str, list[Arc]] = {w.id: [] for w in case.workloads}
        self.of_offer: dict[str, list[Arc]] = {o.id: [] for o in case.offers}
        for arc in self._all:
            self.of_workload[arc.workload.id].append(arc)
            self.of_offer[arc.offer.id].append(arc)
        self.place = {a.index: row for arcs in self.of_workload.values() for row, a in enumerate(arcs)}
        workloads = {w.id: place for place, w in enumerate(case.workloads)}
        offers = {o.id: place for place, o in enumerate(case.offers)}
        self.workload_at = np.array([workloads[a.workload.id] for a in self._all], dtype=np.int64)
        self.offer_at = np.array([offers[a.offer.id] for a in self._all], dtype=np.int64)
        self.per_work: Floats = np.array([float(a.per_work) for a in self._all], dtype=np.float64)
        self._alike: dict[frozenset[str], tuple[NDArray[np.int64], NDArray[np.int64]]] = {}

    def __iter__(self) -> Iterator[Arc]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, index: int) -> Arc:
        return self._all[index]

    def covered(self, selection: Selection) -> Bools:
        """Which arcs a selection covers: asked once for all whose facts are alike in what it asks for."""
        asked = frozenset(selection.keys)
        if asked not in self._alike:
            demand = _alike(self.demand_facts.values(), asked)[self.workload_at]
            sold = _alike(self.case.offer_facts.values(), asked)[self.offer_at]
            both = demand * len(self.case.offers) + sold
            self._alike[asked] = np.unique(both, return_index=True, return_inverse=True)[1:]
        first, alike = self._alike[asked]
        some = [self._all[index] for index in first.tolist()]
        return np.array([covers(selection, arc.demand, arc.sold) for arc in some], dtype=np.bool_)[alike]


def covers(selection: Selection, demand: Facts | None, offer: Facts | None) -> bool:
    """What a selection covers; the case was checked, so nothing is unknown."""
    return selection.covers(demand, offer) is True


def _alike(facts: Iterable[Facts], asked: Iterable[str]) -> NDArray[np.int64]:
    """A number for each, the same for those that answer alike to what is asked."""
    known: dict[tuple[str | None, ...], int] = {}
    answers = [tuple(map(each.get, asked)) for each in facts]
    return np.array([known.setdefault(answer, len(known)) for answer in answers], dtype=np.int64)
