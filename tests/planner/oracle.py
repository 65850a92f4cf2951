"""An independent oracle: the same case as a textbook mixed-integer program, row by row.

It reads the declared objects (offers, workloads, terms) and shares nothing with the planner but the solver underneath:
its own arcs, periods, prices, capacities, demand and measures. It is slow and plain on purpose.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import highspy
import numpy as np

from detente.case.case import Case
from detente.contract.reach.scope import Scope
from detente.contract.term import Term
from detente.values.committed import number
from tests.planner.oracle_credits import Credits
from tests.terms.drawn import own_tests

INFINITE = math.inf
OPTIONS = {"output_flag": False, "threads": 1, "mip_rel_gap": 1e-10, "mip_abs_gap": 1e-9} | dict.fromkeys(
    ("primal_feasibility_tolerance", "dual_feasibility_tolerance", "mip_feasibility_tolerance"), 1e-9
)
"""Of the solver: an answer to the last unit."""
MANY = 2_000.0
"""More units than any clause of a random case could ask for."""

MUCH = 100_000.0
"""More than is taken of any offer of a random case."""

NEVER_IDLE = 1 - 1e-6
"""Of capacity by the hour, less than one step above what is used is rented (decision 0006)."""

PRICE_CLAUSES = ("discount", "escalator", "price-lock")

ELSEWHERE = {
    "escalator",
    "price-lock",
    "credit",
    "exclusivity",
    "first-ship",
    "first-refusal",
    "permitted-use",
    "residency",
    "discount",
    "redundancy",
}
"""Clauses that act on what may run, on prices and on standby, or together, and add no rows one by one."""

Sum = dict[int, float]
"""A linear expression: coefficient by column."""

Taken = dict[tuple[str, bool | None], Sum]
"""What plans have covered so far, by offer and whether it is their owner's."""


@dataclass(frozen=True)
class Slot:
    """A period of the plan."""

    start: datetime
    end: datetime

    @property
    def hours(self) -> float:
        return (self.end - self.start).total_seconds() / 3600

    def inside(self, start: datetime, end: datetime) -> float:
        """The share of it that lies between two moments."""
        seen = (min(self.end, end) - max(self.start, start)).total_seconds() / 3600
        return max(0.0, seen / self.hours)


@dataclass(frozen=True)
class Way:
    """A workload on an offer."""

    workload: Any
    offer: Any
    take: float  # of the offer's unit, per unit of work
    own: bool  # a gang's own run on hourly capacity

    @property
    def by_use(self) -> bool:
        return self.own or self.offer.kind == "tokens"


def added(*sums: Sum, times: float = 1.0) -> Sum:
    total: Sum = defaultdict(float)
    for each in sums:
        for column, value in each.items():
            total[column] += value * times
    return total


def less(a: Sum, b: Sum) -> Sum:
    return added(a, added(b, times=-1.0))


def month_of(on: datetime) -> datetime:
    return on.replace(day=1, hour=0)


def next_month(on: datetime, count: int = 1) -> datetime:
    months = on.year * 12 + on.month - 1 + count
    last = [31, 29 if months // 12 % 4 == 0 else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][months % 12]
    return on.replace(year=months // 12, month=months % 12 + 1, day=min(on.day, last))


def at_midnight(on: Any, like: datetime) -> datetime:
    return datetime(on.year, on.month, on.day, tzinfo=like.tzinfo)


def dated(value: Any, slot: Slot) -> list[tuple[float, Any]]:
    """The values of a dated value in a slot, each with its share of the time."""
    steps = [(slot.start if on is None else at_midnight(on, slot.start), step) for on, step in value.steps]
    if value.steps[0][0] is None:
        return [(1.0, steps[0][1])]
    found = []
    for index, (on, step) in enumerate(steps):
        end = steps[index + 1][0] if index + 1 < len(steps) else slot.end
        share = slot.inside(on, end)
        if share > 0:
            found.append((share, step))
    if sum(share for share, _ in found) < 1 - 1e-9:
        found.append((1 - sum(share for share, _ in found), None))
    return found


class Oracle:
    """The textbook program of a case."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.start = at_midnight(case.declared.horizon.start, case.periods[0].start)
        self.end = at_midnight(case.declared.horizon.end, self.start)
        self.slots = self._slots(case.declared.horizon.every)
        self.lower: list[float] = []
        self.upper: list[float] = []
        self.cost: list[float] = []
        self.whole: list[bool] = []
        self.rows: list[tuple[Sum, str, float]] = []
        self.ways = [way for w in case.workloads for o in case.offers if (way := self._way(w, o))]
        self.x = {(i, t): self.column() for i, _ in enumerate(self.ways) for t, _ in enumerate(self.slots)}
        self.r: dict[tuple[int, int], int] = {}
        self.units: dict[str, list[dict[str, Any]]] = {}
        self.banked: dict[int, dict[int, float]] = {}
        self.within: Slot | None = None
        self._serve()
        self._lose_one()
        self._buy()
        self._limit()
        self._gangs()
        self._move()
        self._price()
        self.credits = Credits(self)
        for term in case.terms:
            if term.kind not in ELSEWHERE:
                rule = getattr(self, "_" + term.kind.replace("-", "_"), None)
                (rule or partial(own_tests(term.kind).asked, self))(term)

    # -- the sheet ---------------------------------------------------------------------------------------------
    def column(self, upper: float = INFINITE, *, cost: float = 0.0, whole: bool = False) -> int:
        self.lower.append(0.0)
        self.upper.append(upper)
        self.cost.append(cost)
        self.whole.append(whole)
        return len(self.cost) - 1

    def row(self, terms: Sum, sign: str, right: float) -> None:
        self.rows.append((terms, sign, right))

    # -- what there is -----------------------------------------------------------------------------------------
    def _slots(self, every: str) -> list[Slot]:
        found, at = [], self.start
        while at < self.end:
            step = {"month": 1, "quarter": 3, "year": 12}.get(every)
            to = next_month(at, step) if step else at + timedelta(days={"week": 7, "day": 1}[every])
            found.append(Slot(at, min(to, self.end)))
            at = to
        return found

    def _way(self, workload: Any, offer: Any) -> Way | None:
        gang = int(workload.gang.value) if getattr(workload, "gang", None) else 0
        if offer.kind == "gpu":
            rate = workload.runs_on.accelerators.get(offer.accelerator)
            if rate is None or (offer.buy == "spot" and not workload.interruptible) or gang % offer.unit:
                return None
            return Way(workload, offer, 1 / float(rate[0]), bool(gang) and offer.term is None)
        if offer.kind == "tokens":
            return Way(workload, offer, 1.0, False) if offer.model in workload.runs_on.models else None
        gives = {offer.model: offer, **offer.covers}
        served = [gives[name] for name in workload.runs_on.models if name in gives]
        if not served:
            return None
        output, cached = float(workload.mix.output), float(workload.mix.cached)
        take = (1 - output) * (1 - cached) + output * served[0].output_ratio
        seconds = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
        own, of_it = (float(each.throughput.value) / seconds[each.throughput.span] for each in (offer, served[0]))
        return Way(workload, offer, take * own / of_it, False)

    def _open(self, offer: Any, slot: Slot) -> bool:
        begins = offer.from_ is None or at_midnight(offer.from_, slot.start) <= slot.start
        return begins and (offer.until is None or at_midnight(offer.until, slot.start) >= slot.end)

    def _flow(self, offer: Any) -> float:
        """What a unit gives in an hour."""
        if offer.kind == "gpu":
            return float(offer.unit)
        per = {"second": 1 / 3600, "minute": 1 / 60, "hour": 1.0, "day": 24.0}[offer.throughput.span]
        return float(offer.throughput.value) / per

    def _unit_price(self, offer: Any, slot: Slot, opened: Slot | None = None) -> float | None:
        """Money per unit and hour; None where it has no price, or is not open for all of the slot, or of another."""
        total = 0.0
        for share, price in dated(offer.price, slot):
            if price is None:
                return None
            total += share * float(price.amount) * self._per_hour(offer, price.unit, slot)
        return total if self._open(offer, opened or slot) else None

    @staticmethod
    def _per_hour(offer: Any, unit: str, slot: Slot) -> float:
        """What one unit takes in an hour of what a price is per; of a flat month, its part of each day's month."""
        if unit != "unit-month":
            return {"GPU-hour": float(getattr(offer, "unit", 1)), "unit-hour": 1.0, "unit per 730 hours": 1 / 730}[unit]
        days, at = 0.0, slot.start
        while at < slot.end:
            month = (next_month(month_of(at)) - month_of(at)).days
            to = min(slot.end, at_midnight(at, at) + timedelta(1))
            days += (to - at) / timedelta(1) / month
            at = to
        return days / slot.hours

    def _list_price(self, way: Way, slot: Slot) -> float | None:
        """Money per unit of work at list price."""
        if way.offer.kind != "tokens":
            price = self._unit_price(way.offer, slot)
            return None if price is None else price * way.take / self._flow(way.offer)
        total, mix = 0.0, way.workload.mix
        output, cached = float(mix.output), float(mix.cached)
        for share, price in dated(way.offer.price, slot):
            if price is None:
                return None
            read = price.cached_input or price.input
            each = output * float(price.output.amount)
            each += (1 - output) * (cached * float(read.amount) + (1 - cached) * float(price.input.amount))
            if way.workload.kind == "batch" and price.batch is not None:
                hours = {"hour": 1, "day": 24, "week": 168, "month": 672, "quarter": 2016, "year": 8760}
                waits = hours[way.workload.within.unit] * way.workload.within.count >= 24
                each *= float(price.batch) if waits else 1.0
            total += share * each
        return total if self._open(way.offer, slot) else None

    def _most_units(self, offer: Any, slot: Slot) -> float:
        if not self._open(offer, slot):
            return 0
        if offer.capacity is None:
            return INFINITE
        found = INFINITE
        for _, amount in dated(offer.capacity, slot):
            count = 0.0
            if amount is not None:
                count = float(amount.value)
                if offer.kind == "gpu":
                    count = count // offer.unit if amount.unit == "GPU" else count
                else:
                    steps = (count - offer.minimum) // offer.increment
                    count = offer.minimum + steps * offer.increment if steps >= 0 else 0
            found = min(found, count)
        return found

    # -- demand ------------------------------------------------------------------------------------------------
    def _demand(self, workload: Any, slot: Slot) -> float:
        total = 0.0
        for share, rate in dated(workload.demand.rate, slot):
            if rate is None:
                continue
            month = (next_month(month_of(slot.start)) - month_of(slot.start)).total_seconds() / 3600
            hours = {"second": 1 / 3600, "minute": 1 / 60, "hour": 1, "day": 24, "week": 168, "month": month}[rate.span]
            total += share * float(rate.value) / hours
        if workload.demand.growth:
            rate, unit = workload.demand.growth
            months = (slot.start.year - self.start.year) * 12 + slot.start.month - self.start.month
            spans = {"month": months, "year": months // 12, "day": (slot.start - self.start).days}
            total *= (1 + float(rate)) ** spans[unit]
        return total * slot.hours

    def groups(self, workload: Any) -> list[tuple[list[int], float]]:
        """Slots over which demand may be moved, and the demand of each such group."""
        if workload.kind == "training":
            begin = at_midnight(workload.from_, self.start) if workload.from_ else self.start
            by = at_midnight(workload.deadline, self.start)
            whole = [t for t, s in enumerate(self.slots) if s.start >= begin and s.end <= by]
            return [(whole, float(workload.work.value))]
        each = [self._demand(workload, slot) for slot in self.slots]
        if workload.kind == "inference":
            return [([t], d) for t, d in enumerate(each)]
        found: list[tuple[list[int], float]] = []
        until = self.start
        for t, slot in enumerate(self.slots):
            if not found or slot.end > until:
                found.append(([], 0.0))
                span = workload.within
                if span.unit in ("month", "quarter", "year"):
                    until = next_month(slot.start, span.count * {"month": 1, "quarter": 3, "year": 12}[span.unit])
                else:
                    until = slot.start + span.count * timedelta(hours={"hour": 1, "day": 24, "week": 168}[span.unit])
            found[-1] = ([*found[-1][0], t], found[-1][1] + each[t])
        return found

    def _serve(self) -> None:
        self.short: dict[tuple[str, int], int] = {}
        for workload in self.case.workloads:
            mine = [i for i, way in enumerate(self.ways) if way.workload is workload]
            reach = set()
            for g, (slots, demand) in enumerate(self.groups(workload)):
                served: Sum = {self.x[i, t]: 1.0 for i in mine for t in slots}
                if workload.value is not None:
                    self.short[workload.id, g] = self.column(cost=float(workload.value.amount))
                    served[self.short[workload.id, g]] = 1.0
                self.row(served, "=", demand)
                reach |= set(slots)
            for i in mine:
                for t, slot in enumerate(self.slots):
                    denied = any(
                        term.judge(workload.facts, self.facts(self.ways[i].offer)).permission in ("deny", "undecided")
                        for term in self.case.terms
                        if self._touches(term, slot)
                    )
                    if t not in reach or denied or self._list_price(self.ways[i], slot) is None:
                        self.upper[self.x[i, t]] = 0.0

    def facts(self, offer: Any) -> dict[str, str]:
        country = next(p for p in self.case.declared.providers if p.id == offer.provider).regions[offer.region].country
        found = {"offer": offer.id, "provider": offer.provider, "region": offer.region, "country": country}
        found["product"] = offer.kind
        if offer.kind == "gpu":
            return found | {"accelerator": offer.accelerator, "buy": offer.buy}
        bought = "reserved" if getattr(offer, "term", None) else "on-demand"
        return found | {"model": offer.model, "buy": bought}

    @staticmethod
    def _touches(term: Term, slot: Slot) -> bool:
        return slot.inside(term.validity.start, term.validity.end) > 0

    # -- standby: the textbook form of N-1 -----------------------------------------------------------------------
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

    # -- buying --------------------------------------------------------------------------------------------------
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
        for way in self.ways:
            if way.offer is offer and not way.own:
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
            if offer.kind == "tokens" or all(w.own for w in self.ways if w.offer is offer):
                continue
            self.units[offer.id] = []
            for t, slot in enumerate(self.slots):
                price = self._unit_price(offer, slot)
                if price is None:
                    continue
                if offer.term is None:
                    self._purchase(offer, price, slot.start, slot.end, [t])
                    continue
                months = offer.term.count * {"month": 1, "quarter": 3, "year": 12}[offer.term.unit]
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
                continue
            starts = sorted({b["held"][0] for b in self.units[offer.id] if b["held"]})
            for t, _ in enumerate(self.slots):
                if t < (starts[0] if starts else len(self.slots)):
                    self.upper[self.x[i, t]] = 0.0
            for begin, end in zip(starts, [*starts, len(self.slots)][1:], strict=True):
                gangs = self.column(whole=True)
                for t in range(begin, end):
                    held = [dict(b["parts"]) for b in self.units[offer.id] if t in b["held"]]
                    self.row(less({gangs: size}, added(*held, times=offer.unit)), "<=", 0.0)
                    self.row({self.x[i, t]: way.take, gangs: -size * self.slots[t].hours}, "<=", 0.0)

    # -- money ---------------------------------------------------------------------------------------------------
    def _off(self, demand: Any, offer: Any, slot: Slot) -> float:
        return self._taken_off(demand, self.facts(offer), slot)

    def _taken_off(self, demand: Any, sold: Any, slot: Slot) -> float:
        """What discounts take off, combined as their agreement says, piece by piece of the slot."""
        slot = self.within or slot
        prices = [t for t in list[Any](self.case.terms) if t.kind in PRICE_CLAUSES]
        terms = [t for t in prices if t.covered.covers(demand, sold)]
        edges = {at for t in terms for at in (t.validity.start, t.validity.end) if slot.start < at < slot.end}
        marks = sorted({slot.start, slot.end, *edges})
        total = 0.0
        for start, end in itertools.pairwise(marks):
            there = [t for t in terms if t.validity.start < end and start < t.validity.end]
            ways = {"discount": lambda t: float(t.off), "escalator": self._risen}
            parts = [ways[t.kind](t) if t.kind in ways else self._locked(t, sold, start) for t in there]
            parts = [part for part in parts if part]
            way = there[0].validity.combine if there else None
            if way == "product":
                off = 1 - math.prod(1 - part for part in parts)
            else:
                off = max(parts, default=0.0) if way == "best-of" and len(parts) > 1 else sum(parts)
            total += off * slot.inside(start, end)
        return total

    def _locked(self, term: Any, sold: Any, at: datetime) -> float:
        """By what part of a day's list the price that holds is lower; of GPUs, and tokens of one price."""
        offer = next((each for each in self.case.offers if each.id == sold.get("offer")), None)
        if offer is None:
            return 0.0
        first = min(t.validity.start for t in self.case.terms if t.id == term.id)
        each = [dated(offer.price, Slot(day, day + timedelta(hours=1)))[0][1] for day in (first, at)]
        held, now = (float(p.input.amount if offer.kind == "tokens" else p.amount) for p in each)
        held = float(term.at[offer.id].amount) if offer.id in term.at else held
        off = 1 - held / now
        return max(off, 0.0) if term.method == "lower-of" else off

    def _risen(self, term: Any) -> float:
        """What prices that rise by a fixed part add, as a part that is taken off."""
        first = min(t.validity.start for t in self.case.terms if t.id == term.id)
        passed = 0
        while self._later(first, replace(term.every, count=term.every.count * (passed + 1))) <= term.validity.start:
            passed += 1
        return 1 - (1 + float(term.by)) ** passed

    def _net(self, way: Way, slot: Slot) -> float:
        price = self._list_price(way, slot) or 0.0
        return price * (1 - self._off(way.workload.facts, way.offer, slot))

    def _paid(self, offer: Any, t: int, *, listed: bool = False) -> tuple[Sum, Sum]:
        """Cost (after discounts, or at list price) and capacity of the units of an offer that are paid in a slot."""
        cost: Sum = {}
        gives: Sum = {}
        slot = self.slots[t]
        for bought in self.units.get(offer.id, []):
            hours = slot.hours * slot.inside(bought["start"], bought["until"])
            parts = dict(bought["parts"])
            off = 0.0 if listed else self._off(None, offer, slot)
            price = bought["price"]
            if offer.term is not None and "month" in str(dated(offer.price, bought["first"])[0][1].unit):
                at_start = dated(offer.price, bought["first"])[0][1]
                price = float(at_start.amount) * self._per_hour(offer, at_start.unit, slot)
            cost = added(cost, added(parts, times=price * hours * (1 - off)))
            gives = added(gives, added(parts, times=hours * self._flow(offer)))
        return cost, gives

    def _egress(self, way: Way) -> tuple[float, Any]:
        data = way.workload.data
        here = f"{way.offer.provider}/{way.offer.region}"
        if data is None or data.at == here:
            return 0.0, None
        best, price = (-1, -1), 0.0
        for network in self.case.declared.networks:
            fits = []
            for place, pattern in ((data.at, network.from_), (here, network.to)):
                fits.append({place: 3, place.partition("/")[0]: 2, "*": 1}.get(pattern, 0))
            if all(fits) and (sum(fits), fits[0]) > best:
                best, price = (sum(fits), fits[0]), float(network.price.amount)
        provider, _, region = data.at.partition("/")
        country = next(p for p in self.case.declared.providers if p.id == provider).regions[region].country
        sold = {"product": "egress", "provider": provider, "region": region, "country": country}
        return price * float(data.moves[0]), sold | {"offer": f"{data.at} egress"}

    def _moves(self, way: Way, slot: Slot) -> float:
        """The cost of moving data, per unit of work, after discounts."""
        price, sold = self._egress(way)
        if not price:
            return 0.0
        return price * (1 - self._taken_off(way.workload.facts, sold, slot))

    def _price(self) -> None:
        for i, way in enumerate(self.ways):
            for t, slot in enumerate(self.slots):
                each = self._moves(way, slot) + (self._net(way, slot) if way.by_use else 0.0)
                self.cost[self.x[i, t]] += each
        for offer in self.case.offers:
            for t, _ in enumerate(self.slots):
                for column, value in self._paid(offer, t)[0].items():
                    self.cost[column] += value

    def measure(self, selection: Any, of: str, start: datetime, end: datetime) -> Sum:
        """A measure over what a selection covers, between two moments: use by use, and what stands idle."""
        total: Sum = {}
        for t, slot in enumerate(self.slots):
            for piece in self._pieces(slot, start, end) if of == "spend" else [Slot(start, end)]:
                share, self.within = slot.inside(piece.start, piece.end), piece if of == "spend" else None
                if share:
                    total = added(total, added(*self._in_slot(selection, of, t), times=share))
        self.within = None
        return total

    def _pieces(self, slot: Slot, start: datetime, end: datetime) -> list[Slot]:
        """The part of a slot between two moments, cut where a price clause begins or ends."""
        a, b = max(slot.start, start), min(slot.end, end)
        prices = [t.validity for t in list[Any](self.case.terms) if t.prices]
        inside = {at for each in prices for at in (each.start, each.end) if a < at < b}
        return [Slot(*each) for each in itertools.pairwise(sorted({a, b, *inside}))] if a < b else []

    def _in_slot(self, selection: Any, of: str, t: int) -> Iterable[Sum]:
        slot = self.slots[t]
        for i, way in enumerate(self.ways):
            revenue = way.workload.revenue
            each = {
                "work": 1.0,
                "taken": way.take,
                "revenue": float(revenue.amount) if revenue else 0.0,
                "spend": self._net(way, slot),
                "listed": self._list_price(way, slot) or 0.0,
            }[of]
            if selection.covers(way.workload.facts, self.facts(way.offer)):
                yield {self.x[i, t]: each}
            price, sold = self._egress(way)
            if of in ("spend", "listed") and price and selection.covers(way.workload.facts, sold):
                yield {self.x[i, t]: self._moves(way, slot) if of == "spend" else price}
        if of not in ("taken", "spend", "listed"):
            return
        for offer in self.case.offers:
            if offer.id in self.units and selection.covers(None, self.facts(offer)):
                paid, gives = self._paid(offer, t, listed=of == "listed")
                yield gives if of == "taken" else paid
                for i, way in enumerate(self.ways):
                    if way.offer is offer and not way.own:
                        used = {"spend": self._net(way, slot), "listed": self._list_price(way, slot) or 0.0}
                        yield {self.x[i, t]: -used.get(of, way.take)}

    # -- clauses -------------------------------------------------------------------------------------------------
    def windows(self, term: Any, every: str | None = None) -> list[tuple[datetime, datetime, float, float]]:
        """Start, end, the part of the amount (a ramp's, or 1) and the share within the horizon."""
        cut = getattr(term, "cycle", term.windows)
        every, ramp = every or cut.every, None if every else cut.ramp
        begin = self.begin(term)
        found = []
        since, until, whole = term.validity.start, term.validity.end, None
        begun, ended = term.validity.begun, term.validity.ended
        if begun and begun.running and begun.how in ("whole-window", "pro-rata"):
            begin = begin if term.windows.starts else begun.running.start
            since = begun.running.start if begun.how == "whole-window" else since
        if ended and ended.running and ended.how:
            until = ended.running.start if ended.how == "whole-window" else until
            whole = ended.running.end if ended.how != "whole-window" else None
        for k in range(10_000):
            if every == "term":
                a, b = begin, whole or until
            else:
                a, b = self._nth(begin, every, k), self._nth(begin, every, k + 1)
                b = min(b, whole or until)
            if b <= since and not (ramp and k >= len(ramp)):
                continue  # ended before the clause was in force
            nominal = a if begun and begun.running and begun.how == "pro-rata" else max(a, since), b
            a, b = max(a, since), min(b, until)
            if a >= min(until, self.end) or (k and every == "term") or (ramp and k >= len(ramp)) or b <= a:
                break
            inside = (min(b, self.end) - max(a, self.start)) / (b - a)
            if inside > 0:
                found.append((a, b, (float(ramp[k]) if ramp else 1.0) * self._due((a, b), nominal), inside))
        return found

    def begin(self, term: Any) -> datetime:
        """When the first window is stated to begin; of a later version of a text, that of the text."""
        return at_midnight(term.windows.starts, self.start) if term.windows.starts else term.validity.first

    @staticmethod
    def _nth(begin: datetime, every: str, k: int) -> datetime:
        if every in ("hour", "day", "week"):
            return begin + k * timedelta(hours={"hour": 1, "day": 24, "week": 168}[every])
        return next_month(begin, k * {"month": 1, "quarter": 3, "year": 12}[every])

    @staticmethod
    def _due(part: tuple[datetime, datetime], whole: tuple[datetime, datetime]) -> float:
        """The share of an amount that is asked in a part of a window: by months where all are whole, else by time."""
        marks = [(at.year * 12 + at.month, at.day, at.hour) for at in (*part, *whole)]
        if len({mark[1:] for mark in marks}) == 1:
            return (marks[1][0] - marks[0][0]) / (marks[3][0] - marks[2][0])
        return (part[1] - part[0]) / (whole[1] - whole[0])

    def _minimum_commitment(self, term: Any) -> None:
        of = self._counted(term)
        before: dict[int, float] = {}
        windows = self.windows(term)
        for k, (a, b, part, inside) in enumerate(windows):
            amount = self._amount(term, a, b) * part * inside
            prepaid = any(each.prepaid for each in term.milestones)
            counted = self._prepaid(term, of, amount) if prepaid else self._reached(term, of, a, b, amount)
            reached = added(counted, before)
            carried = self.column(amount * float(term.carry_over))
            if term.carried == "once":  # a wrong switch only carries less
                has = self.column(1.0, whole=True)
                self.row({carried: 1.0, has: -1e6}, "<=", 0.0)
                self.row(less({carried: 1.0, has: 1e6}, counted), "<=", 1e6 - amount)
            put_off = self.column(amount * float(term.deferral) if k + 1 < len(windows) else 0.0)
            before = {carried: 1.0, put_off: -1.0}
            reached = less(reached, before)
            if term.shortfall != "forbidden":
                lump = term.shortfall.lump
                price = float(term.shortfall.price.amount if term.shortfall.price else term.shortfall.fee)
                short = self.column(amount, cost=0.0 if lump else price)
                reached = added(reached, {short: 1.0})
                if lump:
                    missed = self.column(1.0, cost=float(lump.amount) * part * inside, whole=True)
                    self.row({short: 1.0, missed: -amount}, "<=", 0.0)
                    most = amount * float(term.carry_over)
                    self.row({carried: 1.0, missed: most}, "<=", most)
            self.row(reached, ">=", amount)
        for milestone in term.milestones:
            a, b = term.validity.start, at_midnight(milestone.by, self.start)
            amended = term.validity.ended is not None and b > term.validity.end
            if milestone.prepaid or amended or not (self.start < b <= self.end and a < b):
                continue
            amount = float(number(milestone.reach)) * ((b - max(a, self.start)) / (b - a))
            reached = self._reached(term, of, a, b, amount)
            each = milestone.fee if milestone.price is None else milestone.price.amount
            if each:
                reached = added(reached, {self.column(amount, cost=float(each)): 1.0})
            self.row(reached, ">=", amount)

    @staticmethod
    def _counted(term: Any) -> str:
        """The measure of a commitment; of it, what no credit pays is counted by ``_reached``."""
        return "taken" if hasattr(term.amount, "unit") else "listed" if term.measure == "list" else "spend"

    @staticmethod
    def _amount(term: Any, start: datetime, end: datetime) -> float:
        """The amount of a window; of GPUs at any time, by its hours."""
        if not hasattr(term.amount, "unit"):
            return float(term.amount.amount)
        return float(term.amount.value) * ((end - start).total_seconds() / 3600 if term.amount.unit == "GPU" else 1)

    def _reached(self, term: Any, of: str, start: datetime, end: datetime, amount: float) -> Sum:
        """All that counts, less what is too much of a class."""
        reached = self._when(term, term.covered, of, start, end)
        seen: list[Any] = []
        for each in term.counts:
            within = replace(term.covered, within=(*term.covered.within, each.of))
            of_class = self._when(term, replace(within, outside=(*within.outside, *seen)), of, start, end)
            too_much = self.column()
            self.row(less(of_class, {too_much: 1.0}), "<=", float(each.at_most) * amount)
            reached = less(reached, {too_much: 1.0})
            seen.append(each.of)
        if term.measure == "after-credits":
            reached = less(reached, added(*self.credits.of(term, start, end)))
        return reached

    def _prepaid(self, term: Any, of: str, amount: float) -> Sum:
        """What counts by the end where what is missing of a milestone is charged as prepayment, each step exactly."""
        classes = [each.of for each in term.counts]
        own = replace(term.covered, outside=(*term.covered.outside, *classes))
        first = since = term.validity.start
        end, days = term.validity.end, {at_midnight(m.by, self.start): m for m in term.milestones}
        gone = {at: self._later(at, m.valid_for) if m.valid_for else end for at, m in days.items()}
        left: dict[datetime, Sum] = {}
        counted: Sum = {}
        for at in sorted({*days, *(min(each, end) for each in gone.values()), end}):
            used, since = self._when(term, own, of, since, at), at
            for lapses in sorted(each for each in left if at <= each):
                drawn = self._minimum(left[lapses], used)
                left[lapses], used = less(left[lapses], drawn), less(used, drawn)
            counted = added(counted, used)
            if at in days:
                amount_then = float(number(days[at].reach))
                reach = self._fixed(amount_then, cost=1.0)
                there = added(counted, *self._of_classes(term, of, first, at, amount_then))
                charged = less(reach, self._minimum(there, reach))
                left[gone[at]] = added(left.get(gone[at], {}), charged)
                counted = added(counted, charged)
        return added(counted, *self._of_classes(term, of, first, end, amount))

    def _of_classes(self, term: Any, of: str, start: datetime, end: datetime, amount: float) -> Iterator[Sum]:
        """What there is of each class, or its part of an amount where that is less."""
        seen: list[Any] = []
        for each in term.counts:
            inside = replace(term.covered, within=(*term.covered.within, each.of))
            there = self._when(term, replace(inside, outside=(*inside.outside, *seen)), of, start, end)
            yield self._minimum(there, self._fixed(float(each.at_most) * amount), cost=0.0)
            seen.append(each.of)

    def _fixed(self, value: float, *, cost: float = 0.0) -> Sum:
        column = self.column(value, cost=cost)
        self.row({column: 1.0}, ">=", value)
        return {column: 1.0}

    def _minimum(self, one: Sum, two: Sum, *, cost: float = -1.0) -> Sum:
        """Exactly the lesser of two sums, whatever is cheapest."""
        lesser, first = self.column(cost=cost), self.column(1.0, whole=True)
        for each in (one, two):
            self.row(less({lesser: 1.0}, each), "<=", 0.0)
        self.row(less({lesser: 1.0, first: -1e6}, one), ">=", -1e6)
        self.row(less({lesser: 1.0, first: 1e6}, two), ">=", 0.0)
        return {lesser: 1.0}

    def _when(self, term: Any, selection: Any, of: str, start: datetime, end: datetime) -> Sum:
        """A measure by the moment at which a commitment counts: of use by month, of reservations by day."""
        if term.moment == "use":
            return self.measure(selection, of, start, end)
        start, end = max(start, self.start), min(end, self.end)
        rest = replace(selection, outside=(*selection.outside, Scope({"buy": ["reserved"]})))
        if term.moment == "invoice":  # of the months that end in the time, or with its first moment
            ends = [at if at == month_of(at) else next_month(month_of(at)) for at in (start, end)]
            total = self.measure(rest, of, *(next_month(at, -1) for at in ends))
        else:
            total = self.measure(rest, of, start, end)
        for offer in self.case.offers:
            if getattr(offer, "term", None) and selection.covers(None, self.facts(offer)):
                for bought in self.units.get(offer.id, []):
                    total = added(total, self._reservation(offer, bought, term.moment, of, start, end))
        return total

    def _reservation(
        self, offer: Any, bought: dict[str, Any], moment: str, of: str, start: datetime, end: datetime
    ) -> Sum:
        """What counts of one purchase in a time: equal parts of what is paid of it until the plan ends."""
        cost = 0.0
        for slot in self.slots:
            price = bought["price"]
            at_start = dated(offer.price, bought["first"])[0][1]
            if "month" in str(at_start.unit):
                price = float(at_start.amount) * self._per_hour(offer, at_start.unit, slot)
            cost += slot.hours * slot.inside(bought["start"], bought["until"]) * price
        first, last = bought["start"], min(bought["until"], self.end)
        days = [first]
        if moment == "invoice" and offer.invoiced != "upfront":
            begins = [at for k in range(60) if (at := next_month(first, k)) < last]
            days = begins if offer.invoiced == "monthly" else [*begins[1:], last]
        total: Sum = {}
        for day in (day for day in days if start <= day < end):
            off = 0.0 if of == "listed" else self._off(None, offer, Slot(day, day + timedelta(seconds=1)))
            total = added(total, added(dict(bought["parts"]), times=cost / len(days) * (1 - off)))
        return total

    def _spending_cap(self, term: Any) -> None:
        for a, b, part, inside in self.windows(term):
            spend = self.measure(term.covered, "listed" if term.measure == "list" else "spend", a, b)
            self.row(spend, "<=", float(term.amount.amount) * part * inside)

    def credit_alone(self, term: Any) -> None:
        """A credit that meets no other, and of which nothing counts what it leaves."""
        for a, b, part, inside in self.windows(term):
            most = float(term.amount.amount) * part * inside if term.amount is not None else INFINITE
            spend = self.measure(term.covered, "spend", a, b)
            given = self.column(most, cost=-1.0)
            self.row(less({given: 1.0}, added(spend, times=float(term.rate))), "<=", 0.0)

    def _payment(self, term: Any) -> None:
        day = datetime(term.on.year, term.on.month, term.on.day, tzinfo=UTC)
        if term.validity.start <= day < term.validity.end and self.start <= day < self.end:
            most = float(term.amount.amount)
            self.row({self.column(most, cost=-1.0 if term.to == "self" else 1.0): 1.0}, ">=", most)

    def _savings_plan(self, term: Any) -> None:
        """Use is even in a slot, so that its hours are alike. Plans that come first leave what they leave."""
        firsts = self._plans_before(term)
        edges = {at for f in firsts for at in (f.validity.start, f.validity.end)}
        for slot in self.slots:
            a, b = max(slot.start, term.validity.start), min(slot.end, term.validity.end)
            marks = sorted({a, b, *(at for at in edges if a < at < b)})
            for start, end in itertools.pairwise(marks if a < b else []):
                there = [f for f in firsts if f.validity.start <= start < f.validity.end]
                due = float(term.commitment.amount) * ((end - start) / timedelta(hours=1))
                self.row({self.column(due, cost=1.0): 1.0}, ">=", due)
                taken: Taken = {}
                for first in there:
                    self._covered_in_order(first, start, end, taken)
                if term.owner.wanted:
                    self._covered_in_order(term, start, end, taken, saves=True)
                    continue
                used: Sum = {}
                for offer, rate, price in self._in_plan(term):
                    covered = self.column(cost=-price)
                    whole = self.measure(term.covered.at(offer=offer), "taken", start, end)
                    before = added(*(of for (name, _), of in taken.items() if name == offer))
                    self.row(added({covered: 1.0}, before, added(whole, times=-1.0)), "<=", 0.0)
                    used = added(used, {covered: rate})
                self.row(used, "<=", due)

    def _plans_before(self, term: Any) -> list[Any]:
        """Plans that a plan comes after, first those that the others come after."""
        found: list[Any] = []
        for each in self.case.terms:
            if each.id in term.after:
                found += [f for f in (*self._plans_before(each), each) if f not in found]
        return found

    def _in_plan(self, term: Any) -> list[tuple[str, float, float]]:
        """Its offers, the largest saving first: the price of a unit in it, and outside."""
        found = []
        offers: list[Any] = list(self.case.offers)
        for offer in offers:
            if offer.id in term.rates:
                (price,) = (float(p.amount) / (1 if p.unit == "GPU-hour" else offer.unit) for p in offer.price.values())
                found.append((offer.id, float(term.rates[offer.id].amount), price))
        return sorted(found, key=lambda of: (of[1] / of[2], of[1]))

    def _plan_items(self, plan: Any) -> list[tuple[str, bool | None, Any, float, float]]:
        """What it covers, in order: the owner's (True) before that of others; its scope, its prices."""
        found: list[tuple[str, bool | None, Any, float, float]] = []
        for own in (True, False) if plan.owner.wanted else (None,):
            for offer, rate, price in self._in_plan(plan):
                of = plan.covered.at(offer=offer)
                of = replace(of, within=(*of.within, plan.owner)) if own else of
                of = replace(of, outside=(*of.outside, plan.owner)) if own is False else of
                found.append((offer, own, of, rate, price))
        return found

    def _covered_in_order(
        self, plan: Any, start: datetime, end: datetime, taken: Taken, *, saves: bool = False
    ) -> None:
        """One of the items is the last that is covered, perhaps in part, or all are covered whole."""
        due = float(plan.commitment.amount) * ((end - start) / timedelta(hours=1))
        items = self._plan_items(plan)
        last = [self.column(1.0, whole=True) for _ in (*items, None)]
        self.row(dict.fromkeys(last, 1.0), "=", 1.0)
        used: Sum = {}
        for place, (offer, own, of, rate, price) in enumerate(items):
            there = [each for (name, whose), each in taken.items() if name == offer and own in (None, whose)]
            left = less(self.measure(of, "taken", start, end), added(*there))
            covered = self.column(cost=-price if saves else 0.0)
            self.row(less({covered: 1.0}, left), "<=", 0.0)
            self.row(less(left, {covered: 1.0} | dict.fromkeys(last[: place + 1], MUCH)), "<=", 0.0)
            self.row({covered: 1.0} | dict.fromkeys(last[place:], -MUCH), "<=", 0.0)
            used = added(used, {covered: rate})
            taken[offer, own] = added(taken.get((offer, own), {}), {covered: 1.0})
        self.row(used, "<=", due)
        self.row(added(used, {last[-1]: due}), ">=", due)

    def _volume_discount(self, term: Any) -> None:
        """What is counted stands in one tier, of which it is known what the tiers below it give."""
        in_money = not hasattr(term.tiers[0].from_, "unit")
        listed = 1.0 if in_money else float(term.listed.amount)
        starts = [0.0, *(float(t.from_.amount if in_money else t.from_.value) for t in term.tiers)]
        rates = [0.0, *(listed * float(t.off) if t.off else listed - float(t.price.amount) for t in term.tiers)]
        for a, b, part, inside in self.windows(term):
            marks = [start * part * inside for start in starts]
            counted = self.measure(term.covered, "spend" if in_money else "taken", a, b)
            chosen: Sum = {}
            below = 0.0
            for k, (mark, rate) in enumerate(zip(marks, rates, strict=True)):
                if k and term.method == "graduated":
                    below += rates[k - 1] * (mark - marks[k - 1])
                over = marks[k + 1] if k + 1 < len(marks) else 1e7
                here = self.column(1.0, cost=-below, whole=True)
                amount = self.column(cost=-rate)
                if term.method == "graduated":
                    self.cost[here] += rate * mark
                self.row({amount: 1.0, here: -over}, "<=", 0.0)
                self.row({amount: 1.0, here: -mark}, ">=", 0.0)
                counted, chosen = less(counted, {amount: 1.0}), added(chosen, {here: 1.0})
            self.row(counted, "=", 0.0)
            self.row(chosen, "=", 1.0)

    def _take_or_pay(self, term: Any) -> None:
        price = float(term.price.amount)
        left: list[tuple[int, datetime]] = []
        before: Sum = {}
        for a, b, _, _ in self.windows(term):
            owed = float(term.take) * self._ready(term, max(a, self.start), min(b, self.end))
            untaken, extra, short = self.column(cost=price), self.column(), self.column(1.0, whole=True)
            taken = self.measure(term.covered, "taken", a, b)
            carried = self.column(owed * float(term.carry_over))
            if term.carried == "once":
                asked = self._minimum(taken, self._fixed(owed), cost=0.0)
                self.row(less({carried: 1.0}, less(taken, asked)), "<=", 0.0)
            reached = less(added(taken, before, {untaken: 1.0}), {carried: 1.0})
            before = {carried: 1.0}
            self.row(less(reached, {extra: 1.0}), "=", owed)
            self.row({untaken: 1.0, short: -owed}, "<=", 0.0)
            self.row({extra: 1.0, short: 1e5}, "<=", 1e5)
            if term.make_up is not None:
                within = term.make_up.within
                self._made_up(term, extra, [u for u, end in left if a < self._later(end, within)])
            left.append((untaken, b))
        self._bank(left)

    def _ready(self, term: Any, start: datetime, end: datetime) -> float:
        """GPU-hours that the seller had ready."""
        hours = float(term.quantity.value) * (end - start).total_seconds() / 3600
        for each in term.undelivered:
            a, b = max(start, at_midnight(each.from_, start)), min(end, at_midnight(each.until, start))
            hours -= float(each.quantity.value) * max((b - a).total_seconds(), 0) / 3600
        return hours

    def _made_up(self, term: Any, extra: int, left: list[int]) -> None:
        made: Sum = {}
        for untaken in left:
            part = self.column(cost=-float(term.price.amount))
            self.banked.setdefault(untaken, {})[part] = 1.0
            made = added(made, {part: 1.0})
        self.row(less(made, {extra: 1.0}), "<=", 0.0)

    def _bank(self, left: list[tuple[int, datetime]]) -> None:
        for untaken, _ in left:
            self.row(less(self.banked.pop(untaken, {}), {untaken: 1.0}), "<=", 0.0)

    def _warrants(self, term: Any) -> None:
        """No money moves."""

    def _delivery(self, term: Any) -> None:
        for slot in self.slots:
            a, b = max(slot.start, term.validity.start), min(slot.end, term.validity.end)
            if a >= b:
                continue
            ready = 0.0
            for each in term.tranches:
                day = each.accepted or each.expected or each.due
                hours = (b - max(a, at_midnight(day, a))).total_seconds() / 3600
                ready += float(each.quantity.value) * max(hours, 0.0)
            self.row(self.measure(term.covered, "taken", a, b), "<=", ready)
        for each in term.tranches:
            if term.credit and each.accepted and term.validity.start <= at_midnight(each.accepted, self.start):
                late = (each.accepted - each.due).days - (term.credit.after.count if term.credit.after else 0)
                part = min(late * float(term.credit.per_day), float(term.credit.at_most))
                inside = at_midnight(each.accepted, self.start) < min(self.end, term.validity.end)
                if inside and part > 0:
                    self.row({self.column(cost=-1.0): 1.0}, "<=", part * float(each.worth.amount))

    def _service_credit(self, term: Any) -> None:
        back: Sum = {}
        for a, b, _, _ in self.windows(term):
            known = [m for m in term.measured if a <= at_midnight(m.on, a) < b]
            part = max([float(x.credit) for m in known for x in term.bands if m.availability < x.below], default=0.0)
            if part and (term.claim_within is None or known[0].claimed):
                given = self.column(cost=-1.0)
                earned = added(self.measure(term.covered, "spend", a, b), times=part)
                self.row(less({given: 1.0}, earned), "<=", 0.0)
                back[given] = 1.0
        if term.cap is not None:
            self.row(back, "<=", float(term.cap.amount))

    def _share(self, term: Any) -> None:
        for a, b, _, _ in self.windows(term):
            of = "listed" if term.measure == "list" else term.measure
            part, whole = (self.measure(selection, of, a, b) for selection in (term.part, term.covered))
            if term.at_least is not None:
                self.row(less(part, added(whole, times=float(term.at_least))), ">=", 0.0)
            if term.at_most is not None:
                self.row(less(part, added(whole, times=float(term.at_most))), "<=", 0.0)

    def _revenue_share(self, term: Any) -> None:
        self._charged(term, "revenue", float(term.rate))

    def _liquidated_damages(self, term: Any) -> None:
        if term.amount is not None:
            self._lumps(term)
        elif term.price is not None:
            self._charged(term, "work", float(term.price.amount))
        else:
            self._charged(term, "listed" if term.measure == "list" else "spend", float(term.rate))

    def _lumps(self, term: Any) -> None:
        """A sum for each window in which there is any breach; of a cap in all, no more than that."""
        lumps: Sum = {}
        for a, b, part, inside in self.windows(term):
            any_of_it = self.column(1.0, whole=True)
            self.row(less(self.measure(term.covered, "work", a, b), {any_of_it: 1e6}), "<=", 0.0)
            lumps[any_of_it] = float(term.amount.amount) * part * inside
        if term.cap is None:
            for column, amount in lumps.items():
                self.cost[column] += amount
        elif lumps:
            ((_, _, part, inside),) = self.windows(term, "term")
            self._lesser(lumps, float(term.cap.amount) * part * inside)

    def _charged(self, term: Any, of: str, rate: float) -> None:
        """A part of a measure, up to a cap."""
        valid = term.validity
        if term.cap_each is not None:
            for a, b, part, inside in self.windows(term):
                self._owed(term, of, rate, a, b, float(term.cap_each.amount) * part * inside)
        elif term.cap is not None:
            for a, b, part, inside in self.windows(term, "term"):
                self._owed(term, of, rate, a, b, float(term.cap.amount) * part * inside)
        else:
            for column, value in self.measure(term.covered, of, valid.start, valid.end).items():
                self.cost[column] += value * rate

    def _owed(self, term: Any, of: str, rate: float, start: datetime, end: datetime, cap: float) -> None:
        """The lesser of the rate and the cap: a switch says which, and a wrong switch only costs more."""
        self._lesser(added(self.measure(term.covered, of, start, end), times=rate), cap)

    def _lesser(self, share: Sum, cap: float) -> None:
        owed, switch = self.column(cost=1.0), self.column(1.0, whole=True)
        self.row(less({owed: 1.0, switch: 1e5}, share), ">=", 0.0)
        self.row({owed: 1.0, switch: -cap}, ">=", 0.0)

    # -- moving --------------------------------------------------------------------------------------------------
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
                recent = [came[s] for s in range(t + 1) if self._later(starts[s], stays) > starts[t]]
                self.row(less(there[p], added(*recent)), ">=", 0.0)

    @staticmethod
    def _later(start: datetime, span: Any) -> datetime:
        if span.unit in ("month", "quarter", "year"):
            return next_month(start, span.count * {"month": 1, "quarter": 3, "year": 12}[span.unit])
        hours = {"hour": 1, "day": 24, "week": 168}[span.unit]
        return start + timedelta(hours=span.count * hours)

    # -- solving -------------------------------------------------------------------------------------------------
    def solve(self) -> float | None:
        """The least cost, or None where nothing obeys every clause. Each row is scaled to a largest entry of 1."""
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), len(self.rows)
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = map(np.array, (self.cost, self.lower, self.upper))
        lp.integrality_ = [highspy.HighsVarType.kInteger if w else highspy.HighsVarType.kContinuous for w in self.whole]
        starts, index, value = [0], [], []
        low, high = np.full(len(self.rows), -INFINITE), np.full(len(self.rows), INFINITE)
        for k, (terms, sign, right) in enumerate(self.rows):
            scale = max([abs(each) for each in terms.values()], default=0.0) or 1.0
            index += list(terms)
            value += [each / scale for each in terms.values()]
            starts.append(len(index))
            if sign != "<=":
                low[k] = right / scale
            if sign != ">=":
                high[k] = right / scale
        lp.row_lower_, lp.row_upper_ = low, high
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = map(np.array, (starts, index, value))
        highs = highspy.Highs()
        for name, option in OPTIONS.items():
            highs.setOptionValue(name, option)
        assert highs.passModel(lp) == highspy.HighsStatus.kOk
        highs.run()
        status = highs.getModelStatus()
        if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            return None
        assert status == highspy.HighsModelStatus.kOptimal, status
        return float(highs.getInfo().objective_function_value)
