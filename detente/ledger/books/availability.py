"""How available what a clause covers was, by what was recorded of live calls: asked, and failed by the provider.

Owns: ``RecordedAvailability``, and from records to it, window by window. Not here: reading journals (``reading``), and
what follows from it (``AvailabilityGuarantee.service_level``).

A provider's failure is a reply of 500 or more, none in time, no connection, or one that broke off. What is the caller's
or our own is neither asked nor failed: a caller who left, a request that was refused, a rate limit, a credential.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from detente.case.case import Case
from detente.contract.reach.window import Window
from detente.contract.roles import AvailabilityGuarantee
from detente.contract.service_level import ServiceLevel
from detente.contract.term import Term
from detente.ledger.journals.record import Attempt, Record
from detente.market.incidents import part_available
from detente.values.facts import Facts
from detente.values.period import End

FAILED = frozenset({"unavailable", "timeout", "unreachable", "broken"})


@dataclass(frozen=True, slots=True)
class RecordedAvailability:
    """A clause in one window: how many attempts were made, and failed; how many may be covered or not.

    ``says``: what the clause makes of it, in words.
    """

    term: str
    start: datetime
    end: End
    asked: int
    failed: int
    unknown: int
    says: str

    @property
    def availability(self) -> Decimal | None:
        """The part that did not fail; None where nothing was asked."""
        return part_available(self.asked, self.failed) if self.asked else None


def availability(case: Case, records: Iterable[Record]) -> tuple[RecordedAvailability, ...]:
    """Of each clause that turns on it, each window in which a provider was asked, in order."""
    counted = _Counted(case)
    for record in records:
        counted.add(record)
    return counted.by_window()


class _Counted:
    def __init__(self, case: Case) -> None:
        self._case = case
        self._levels = [(t, t.service_level) for t in case.signed if isinstance(t, AvailabilityGuarantee)]
        self._kinds = {workload.id: workload.kind for workload in case.workloads}
        self._offers = {each.id: each.offer for each in case.declared.deployments}
        self._counts: dict[tuple[int, Window], list[int]] = {}

    def add(self, record: Record) -> None:
        """Count each attempt at the time of its call."""
        at = datetime.fromisoformat(record.at)
        demand = {**record.labels, "workload": record.workload, "kind": self._kinds.get(record.workload, "")}
        for place, attempt in enumerate(record.attempts):
            cut = record.outcome == "cut" and place == len(record.attempts) - 1
            outcome = "broken" if cut else attempt.outcome
            if outcome == "served" or outcome in FAILED:
                self._count(at, demand, attempt, failed=outcome != "served")

    def _count(self, at: datetime, demand: Facts, attempt: Attempt, *, failed: bool) -> None:
        offer = self._case.offer_facts.get(self._offers.get(attempt.deployment, ""))
        for place, (term, level) in enumerate(self._levels):
            covered = False if offer is None else term.covered.covers(demand, offer)
            if covered is False:
                continue
            for window in level.windows.over(at, at):
                counts = self._counts.setdefault((place, window), [0, 0, 0])
                counts[0] += covered is True
                counts[1] += covered is True and failed
                counts[2] += covered is None

    def by_window(self) -> tuple[RecordedAvailability, ...]:
        """Each clause and window, in order."""
        every = sorted(self._counts.items(), key=lambda each: (each[0][0], each[0][1].start))
        return tuple(_one(*self._levels[place], window, *counts) for (place, window), counts in every)


def _one(
    term: Term, level: ServiceLevel, window: Window, asked: int, failed: int, unknown: int
) -> RecordedAvailability:
    says = level.follows(window, part_available(asked, failed)) if asked else ""
    return RecordedAvailability(term.id, window.start, window.end, asked, failed, unknown, says)
