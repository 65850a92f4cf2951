"""Capacity in the oracle: standby, what is bought in whole units, limits and gangs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from detente.case.case import Case
from tests.planner.oracle.sheet import (
    INFINITE,
    MONTHS,
    Slot,
    Sum,
    added,
    at_midnight,
    dated,
    less,
    month_of,
    next_month,
)
from tests.planner.oracle.uses import Uses

MANY = 2_000.0
"""More units than any clause of a random case could ask for."""

NEVER_IDLE = 1 - 1e-6
"""Of capacity by the hour, less than one step above what is used is rented (decision 0006)."""


class Units(Uses):
    """What is held ready, and bought."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.units: dict[str, list[dict[str, Any]]] = {}
        self._lose_one()
        self._buy()
        self._limit()
        self._gangs()

    def _lose_one(self) -> None:
        """For each provider that may be lost, what the others could take over then."""
        clauses = [t for t in self.case.terms if t.kind == "redundancy"]
        for workload in self.case.workloads:
            mine = [i for i, way in enumerate(self.ways) if way.workload is workload]
            covering = [
                t
                for t in clauses
                if any(t.covered.covers(workload.facts, self.facts(self.ways[i].offer)) for i in mine)
            ]
            if not covering:
                continue
            for i in mine:
                for t, _ in enumerate(self.slots):
                    closed = self.upper[self.x[i, t]] == 0.0
                    self.r[i, t] = self.column(0.0 if closed else INFINITE)
            for term in covering:
                self._survives(term, workload, mine)

    def _survives(self, term: Any, workload: Any, mine: Sequence[int]) -> None:
        for slots, demand in self.groups(workload):
            if not all(self._touches(term, self.slots[t]) for t in slots):
                continue
            for lost in {self.ways[i].offer.provider for i in mine}:
                others = [i for i in mine if self.ways[i].offer.provider != lost]
                taken = {(i, t): self.column() for i in others for t in slots}
                for (i, t), y in taken.items():
                    self.row({y: 1.0, self.x[i, t]: -1.0, self.r[i, t]: -1.0}, "<=", 0.0)
                self.row(dict.fromkeys(taken.values(), 1.0), ">=", float(term.survives) * demand)

    def _on(self, offer: Any, t: int, *, own: bool | None = None, standby: bool = False) -> Sum:
        """What is taken of an offer in a slot."""
        found: Sum = {}
        for i, way in enumerate(self.ways):
            if way.offer is offer and own in (None, way.own):
                found[self.x[i, t]] = way.take
                if standby and (i, t) in self.r:
                    found[self.r[i, t]] = way.take
        return found

    def _useful(self, offer: Any, slot: Slot, t: int) -> float:
        """Whole units beyond which none could be of any use."""
        need = 0.0
        for i, way in enumerate(self.ways):
            denied = self.upper[self.x[i, t]] == 0.0 and not self._may_stand_idle(offer)
            if way.offer is offer and not way.own and not denied:
                most = max((d for slots, d in self.groups(way.workload) if t in slots), default=0.0)
                use = most * way.take / self._flow(offer) / slot.hours
                gang = getattr(way.workload, "gang", None)
                whole = float(gang.value) / offer.unit if gang is not None else 0.0
                need += math.ceil(use / whole - 1e-9) * whole if whole else use
        if need <= 0:
            return 0.0
        least, step = (offer.minimum, offer.increment) if offer.kind == "provisioned" else (1, 1)
        count = max(least, least + math.ceil((need - least) / step - 1e-9) * step)
        return min(count, self._most_units(offer, slot))

    def _may_stand_idle(self, offer: Any) -> bool:
        return {"forbidden": False, "reserved": offer.term is not None, "allowed": True}[self.case.declared.idle]

    def _buy(self) -> None:
        for offer in self.case.offers:
            owned = [way.own for way in self.ways if way.offer is offer]
            if offer.kind == "tokens" or (all(owned) and not (owned and self._may_stand_idle(offer))):
                continue
            self.units[offer.id] = []
            for t, slot in enumerate(self.slots):
                price = self._unit_price(offer, slot)
                if price is None:
                    continue
                if offer.term is None:
                    self._purchase(offer, price, slot.start, slot.end, [t])
                    continue
                months = offer.term.count * MONTHS[offer.term.unit]
                until = next_month(slot.start, months)
                before = self.slots[t - 1].start if t else None
                first = before is None or month_of(before) != month_of(slot.start)
                stated = not offer.starts or slot.start in [at_midnight(d, slot.start) for d in offer.starts]
                if first and stated and (until <= self.end or offer.cut == "prorate"):
                    price = self._unit_price(offer, Slot(slot.start, slot.start + timedelta(hours=1)), opened=slot)
                    assert price is not None
                    held = [s for s in range(t, len(self.slots)) if self.slots[s].end <= until]
                    self._purchase(offer, price, slot.start, until, held)
            self._hold(offer)

    def _purchase(self, offer: Any, price: float, start: datetime, until: datetime, held: list[int]) -> None:
        most = max((self._useful(offer, self.slots[t], t) for t in held), default=0.0)
        if self._may_stand_idle(offer):
            most = MANY if held else 0.0
        parts = [(self.column(most, whole=True), 1.0)]
        if offer.kind == "provisioned":
            opened = self.column(1 if most else 0, whole=True)
            more = max(0.0, (most - offer.minimum) // offer.increment) if most else 0.0
            steps = self.column(more, whole=True)
            self.upper[parts[0][0]] = 0.0
            self.row({steps: 1.0, opened: -more}, "<=", 0.0)
            parts = [(opened, float(offer.minimum)), (steps, float(offer.increment))]
        self.units[offer.id].append({"parts": parts, "price": price, "start": start, "until": until, "held": held})
        self.units[offer.id][-1]["first"] = Slot(start, start + timedelta(hours=1))

    def _hold(self, offer: Any) -> None:
        flow = self._flow(offer)
        for t, slot in enumerate(self.slots):
            held: Sum = {}
            opened: Sum = {}
            for bought in self.units[offer.id]:
                if t in bought["held"]:
                    held = added(held, dict(bought["parts"]))
                    opened = added(opened, dict(bought["parts"][:1]))
            gives = added(held, times=flow * slot.hours)
            reserved = offer.term is not None
            self.row(less(self._on(offer, t, own=False, standby=reserved), gives), "<=", 0.0)
            if reserved and not self._may_stand_idle(offer):
                terms = [b["held"] for b in self.units[offer.id] if t in b["held"]]
                busiest = [self._useful(offer, self.slots[s], s) for held_then in terms for s in held_then]
                self.row(held, "<=", max(busiest, default=0.0))
            if reserved:
                if self._most_units(offer, slot) < INFINITE:
                    self.row(held, "<=", self._most_units(offer, slot))
                continue
            if self._may_stand_idle(offer):
                if self._most_units(offer, slot) < INFINITE:
                    self.row(held, "<=", self._most_units(offer, slot))
                continue
            step = 1.0
            spare = less(gives, self._on(offer, t, own=False))
            if offer.kind == "provisioned":
                step = float(offer.increment)
                if offer.minimum > offer.increment:
                    spare = less(spare, added(opened, times=flow * slot.hours))
            self.row(spare, "<=", flow * slot.hours * step * NEVER_IDLE)

    def _limit(self) -> None:
        for offer in self.case.offers:
            if getattr(offer, "term", None) is not None:
                continue
            for t, slot in enumerate(self.slots):
                if offer.kind == "tokens":
                    if offer.capacity is None:
                        continue
                    per = {"second": 1 / 3600, "minute": 1 / 60, "hour": 1, "day": 24, "month": 730}
                    flows = [0.0 if r is None else float(r.value) / per[r.span] for _, r in dated(offer.capacity, slot)]
                    most = min(flows) if self._open(offer, slot) else 0.0
                else:
                    most = self._most_units(offer, slot) * self._flow(offer)
                if most < INFINITE:
                    self.row(self._on(offer, t, standby=True), "<=", most * slot.hours)
                    if offer.kind != "tokens" and (own := self._on(offer, t, own=True)):
                        held = added(*[dict(b["parts"]) for b in self.units.get(offer.id, ()) if t in b["held"]])
                        self.row(added(own, added(held, times=self._flow(offer) * slot.hours)), "<=", most * slot.hours)

    def _gangs(self) -> None:
        for i, way in enumerate(self.ways):
            gang = getattr(way.workload, "gang", None)
            if gang is None:
                continue
            size, offer = int(gang.value), way.offer
            if way.own:
                for t, slot in enumerate(self.slots):
                    units = self._most_units(offer, slot)
                    if units < INFINITE:
                        fits = units * offer.unit // size * size
                        self.row({self.x[i, t]: way.take}, "<=", fits * slot.hours)
                        gangs = self.column(whole=True)  # what is rented beside it is there all the time
                        held = [dict(b["parts"]) for b in self.units.get(offer.id, ()) if t in b["held"]]
                        self.row(added({gangs: size}, added(*held, times=offer.unit)), "<=", units * offer.unit)
                        self.row({self.x[i, t]: way.take, gangs: -size * slot.hours}, "<=", 0.0)
                continue
            for t, slot in enumerate(self.slots):
                gangs = self.column(whole=True)
                held = [dict(b["parts"]) for b in self.units[offer.id] if t in b["held"]]
                self.row(less({gangs: size}, added(*held, times=offer.unit)), "<=", 0.0)
                self.row({self.x[i, t]: way.take, gangs: -size * slot.hours}, "<=", 0.0)
