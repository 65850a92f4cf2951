"""The work of a case in the oracle: offers and demand, period by period, and what runs where."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from detente.case.case import Case
from detente.contract.term import Term
from tests.planner.oracle.sheet import INFINITE, Sheet, Slot, Sum, Way, at_midnight, dated, later, month_of, next_month


class Uses(Sheet):
    """What runs where, and what goes unserved."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.case = case
        self.start = at_midnight(case.declared.horizon.start, case.periods[0].start)
        self.end = at_midnight(case.declared.horizon.end, self.start)
        self.slots = self._slots(case.declared.horizon.every)
        self.ways = [way for w in case.workloads for o in case.offers if (way := self._way(w, o))]
        self.x = {(i, t): self.column() for i, _ in enumerate(self.ways) for t, _ in enumerate(self.slots)}
        self.r: dict[tuple[int, int], int] = {}
        self._serve()

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
                span = way.workload.within
                waits = span.unit != "hour" or span.count >= 24
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
                until = later(slot.start, span)
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
