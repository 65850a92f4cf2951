"""Moving in the oracle: what it costs that work goes from one provider to another, and how long it stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from detente.case.case import Case
from tests.planner.oracle.money import Money
from tests.planner.oracle.sheet import Sum, added, later, less


class Moving(Money):
    """Who has which part of the work, from time to time."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self._move()

    def _move(self) -> None:
        """A transport problem from each time to the next: shares of demand, at providers, stay or go to others."""
        for workload in self.case.workloads:
            if workload.moving is None:
                continue
            groups = self.groups(workload)
            times = [g for g, (_, demand) in enumerate(groups) if demand > 0]
            today = {p: float(share) for p, share in workload.moving.today.items()}
            providers = sorted({way.offer.provider for way in self.ways if way.workload is workload} | set(today))
            placed = [self._placed(workload, g, providers) for g in times]
            if today and times:
                one = self.column(1.0)
                self.row({one: 1.0}, "=", 1.0)
                placed = [{p: {one: today.get(p, 0.0)} for p in providers}, *placed]
            cost = float(workload.moving.cost.amount) if workload.moving.cost else 0.0
            goes = [
                {(p, q): self.column(1.0, cost=cost if p != q else 0.0) for p in providers for q in providers}
                for _ in placed[1:]
            ]
            for before, after, between in zip(placed, placed[1:], goes, strict=False):
                for p in providers:
                    out = {between[p, q]: 1.0 for q in providers}
                    into = {between[q, p]: 1.0 for q in providers}
                    self.row(less(out, before[p]), "=", 0.0)
                    self.row(less(into, after[p]), "=", 0.0)
            if workload.moving.stays is not None:
                starts = [self.slots[groups[g][0][0]].start for g in times]
                self._stay(workload.moving.stays, providers, placed, goes, starts, known=bool(today and times))

    def _placed(self, workload: Any, group: int, providers: Sequence[str]) -> dict[str, Sum]:
        """The share of a time's demand that each provider has: what runs there, and what goes unserved there."""
        slots, demand = self.groups(workload)[group]
        found: dict[str, Sum] = {}
        for provider in providers:
            mine = [i for i, way in enumerate(self.ways) if way.workload is workload and way.offer.provider == provider]
            found[provider] = {self.x[i, t]: 1 / demand for i in mine for t in slots}
        if (workload.id, group) in self.short:
            waits = {provider: self.column() for provider in providers}
            self.row(less(dict.fromkeys(waits.values(), 1.0), {self.short[workload.id, group]: 1.0}), "=", 0.0)
            found = {p: added(each, {waits[p]: 1 / demand}) for p, each in found.items()}
        return found

    def _stay(
        self, stays: Any, providers: Any, placed: Any, goes: Any, starts: Sequence[datetime], *, known: bool
    ) -> None:
        """What came to a provider is there until the time is over for which it stays; what is ``known`` came before."""
        for p in providers:
            came = [*({between[q, p]: 1.0 for q in providers if q != p} for between in goes)]
            came = came if known else [placed[0][p], *came]
            for t, there in enumerate(placed[1:] if known else placed):
                recent = [came[s] for s in range(t + 1) if later(starts[s], stays) > starts[t]]
                self.row(less(there[p], added(*recent)), ">=", 0.0)
