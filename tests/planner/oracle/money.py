"""Money in the oracle: prices after discounts, what each use and purchase costs, and measures over them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from detente.case.case import Case
from detente.contract.roles import PriceChange
from tests.planner.oracle.sheet import Slot, Sum, Way, added, at_midnight, dated, later, less
from tests.planner.oracle.units import Units

PRICE_CLAUSES = ("discount", "escalator", "price-lock")


class Money(Units):
    """What is paid, and measured."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.within: Slot | None = None
        self.served: dict[tuple[str, int], list[tuple[dict[int, int], dict[str, Any]]]] = {}
        self._price()

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
            each = [(t, ways[t.kind](t) if t.kind in ways else self._locked(t, sold, start)) for t in there]
            parts = [part for t, part in each if part or t.kind != "discount"]  # a price that is agreed on counts
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
        while later(first, replace(term.every, count=term.every.count * (passed + 1))) <= term.validity.start:
            passed += 1
        return 1 - (1 + float(term.by)) ** passed

    def _net(self, way: Way, slot: Slot) -> float:
        return self._listed(way, slot) * (1 - self._off(way.workload.facts, way.offer, slot))

    def _listed(self, way: Way, slot: Slot) -> float:
        """The list price of a slot, or of the part of it that is looked at."""
        there = self.within if self.within and getattr(way.offer, "term", None) is None else slot
        return self._list_price(way, there) or 0.0

    def _use(self, i: int, t: int, *, listed: bool) -> Sum:
        """What use costs: at the day's price, or at that of the purchase by which it is served."""
        way, slot = self.ways[i], self.slots[t]
        part = 1.0 if listed else 1 - self._off(way.workload.facts, way.offer, slot)
        if getattr(way.offer, "term", None) is None or len(way.offer.price.steps) == 1:
            return {self.x[i, t]: part * self._listed(way, slot)}
        each = way.take / self._flow(way.offer) * part
        served = self._served(way.offer, t)
        return {mine[i]: each * self._price_of(way.offer, bought, slot) for mine, bought in served}

    def _served(self, offer: Any, t: int) -> list[tuple[dict[int, int], dict[str, Any]]]:
        """Of each purchase that serves in a slot, how much work of each way it serves."""
        if (offer.id, t) not in self.served:
            there = [bought for bought in self.units[offer.id] if t in bought["held"]]
            mine = [i for i, way in enumerate(self.ways) if way.offer is offer]
            found = [({i: self.column() for i in mine}, bought) for bought in there]
            for i in mine:
                self.row({self.x[i, t]: -1.0} | {each[i]: 1.0 for each, _ in found}, "==", 0.0)
            for each, bought in found:
                gives = added(dict(bought["parts"]), times=self._flow(offer) * self.slots[t].hours)
                self.row(less({each[i]: self.ways[i].take for i in mine}, gives), "<=", 0.0)
            self.served[offer.id, t] = found
        return self.served[offer.id, t]

    def _price_of(self, offer: Any, bought: dict[str, Any], slot: Slot) -> float:
        """A unit's price of an hour in a slot, by the day on which it was bought."""
        first = dated(offer.price, bought["first"])[0][1]
        if offer.term is None or "month" not in str(first.unit):
            return float(bought["price"])
        return float(first.amount) * self._per_hour(offer, first.unit, slot)

    def _paid(self, offer: Any, t: int, *, listed: bool = False) -> tuple[Sum, Sum]:
        """Cost (after discounts, or at list price) and capacity of the units of an offer that are paid in a slot."""
        cost: Sum = {}
        gives: Sum = {}
        slot = self.slots[t]
        for bought in self.units.get(offer.id, []):
            hours = slot.hours * slot.inside(bought["start"], bought["until"])
            parts = dict(bought["parts"])
            off = 0.0 if listed else self._off(None, offer, slot)
            price = self._price_of(offer, bought, slot)
            if offer.term is None and self.within:
                price = self._unit_price(offer, self.within) or price  # none where nothing is bought
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
                for share in self._each_piece(slot, slot.start, slot.end):
                    each = self._moves(way, slot) + (self._net(way, slot) if way.by_use else 0.0)
                    self.cost[self.x[i, t]] += each * share
        for offer in self.case.offers:
            for t, slot in enumerate(self.slots):
                for share in self._each_piece(slot, slot.start, slot.end):
                    for column, value in self._paid(offer, t)[0].items():
                        self.cost[column] += value * share

    def measure(self, selection: Any, of: str, start: datetime, end: datetime) -> Sum:
        """A measure over what a selection covers, between two moments: use by use, and what stands idle."""
        total: Sum = {}
        for t, slot in enumerate(self.slots):
            if of not in ("spend", "listed"):
                total = added(total, added(*self._in_slot(selection, of, t), times=slot.inside(start, end)))
                continue
            for share in self._each_piece(slot, start, end):
                total = added(total, added(*self._in_slot(selection, of, t), times=share))
        return total

    def _each_piece(self, slot: Slot, start: datetime, end: datetime) -> Iterator[float]:
        """The pieces of a slot between two moments, each looked at in its turn, by its share of the slot."""
        for piece in self._pieces(slot, start, end):
            self.within = piece
            yield slot.inside(piece.start, piece.end)
        self.within = None

    def _pieces(self, slot: Slot, start: datetime, end: datetime) -> list[Slot]:
        """The part of a slot between two moments, cut where a price clause begins or ends, or a list price changes."""
        a, b = max(slot.start, start), min(slot.end, end)
        prices = [t.validity for t in self.case.terms if isinstance(t, PriceChange)]
        steps = [at_midnight(on, a) for o in self.case.offers for on, _ in o.price.steps if on is not None]
        inside = {at for each in prices for at in (each.start, each.end) if a < at < b} | {
            x for x in steps if a < x < b
        }
        return [Slot(*each) for each in itertools.pairwise(sorted({a, b, *inside}))] if a < b else []

    def _in_slot(self, selection: Any, of: str, t: int) -> Iterable[Sum]:
        slot = self.slots[t]
        for i, way in enumerate(self.ways):
            revenue = way.workload.revenue
            each = {
                "work": 1.0,
                "taken": way.take,
                "revenue": float(revenue.amount) if revenue else 0.0,
            }.get(of, 0.0)
            if selection.covers(way.workload.facts, self.facts(way.offer)):
                yield self._use(i, t, listed=of == "listed") if of in ("spend", "listed") else {self.x[i, t]: each}
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
                        used = {self.x[i, t]: way.take} if of == "taken" else self._use(i, t, listed=of == "listed")
                        yield added(used, times=-1.0)
