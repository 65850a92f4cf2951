"""Clauses that charge, cap or pay, in the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from detente.case.case import Case
from tests.planner.oracle.sent import Sent
from tests.planner.oracle.sheet import INFINITE, Sum, added, at_midnight, later, less
from tests.planner.oracle.windows import Windows


class Charges(Windows):
    """What is owed and given under clauses."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.saved = []
        self.banked: dict[int, dict[int, float]] = {}
        self.returned: list[tuple[Any, datetime, datetime, Sum]] = []

    def _spending_cap(self, term: Any) -> None:
        for a, b, part, inside in self.windows(term):
            spend = self._when(term, term.covered, "listed" if term.measure == "list" else "spend", a, b)
            if term.measure == "after-plans":
                spend = less(spend, self.saved_in(term, a, b))
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

    def _volume_discount(self, term: Any) -> None:
        """What is counted stands in one tier, of which it is known what the tiers below it give."""
        in_money = not hasattr(term.tiers[0].from_, "unit")
        listed = 1.0 if in_money else float(term.listed.amount)
        of = ("listed" if term.measure == "list" else "spend") if in_money else "taken"
        apart = term.lowers is not None or term.measure == "list"
        starts = [0.0, *(float(t.from_.amount if in_money else t.from_.value) for t in term.tiers)]
        rates = [0.0, *(listed * float(t.off) if t.off else listed - float(t.price.amount) for t in term.tiers)]
        terms: list[Any] = list(self.case.terms)
        every = [t for t in terms if t.kind == term.kind and t.validity.agreement == term.validity.agreement]
        mates = [t for t in every if t.lowers is None and t.measure != "list"] if not apart else []
        way = term.validity.combine
        if way in ("product", "best-of") and len({t.id for t in mates}) > 1:
            if mates[0] is not term:
                return  # the first of them has the steps of all
            starts, rates = _stepwise(mates, str(way))
        for a, b, part, inside in self.windows(term):
            marks = [start * part * inside for start in starts]
            counted = self._when(term, self._filling(term), of, a, b)
            chosen: Sum = {}
            back: Sum = {}
            below = 0.0
            low = counted if not apart else self._when(term, term.covered, "spend", a, b)
            for k, (mark, rate) in enumerate(zip(marks, rates, strict=True)):
                if k and term.method == "graduated":
                    below += rates[k - 1] * (mark - marks[k - 1])
                over = marks[k + 1] if k + 1 < len(marks) else 1e6
                here = self.column(1.0, cost=-below, whole=True)
                amount = self.column(cost=0.0 if apart else -rate)
                if term.method == "graduated":
                    self.cost[here] += rate * mark
                self.row({amount: 1.0, here: -over}, "<=", 0.0)
                self.row({amount: 1.0, here: -mark}, ">=", 0.0)
                counted, chosen = less(counted, {amount: 1.0}), added(chosen, {here: 1.0})
                if apart:  # what is lowered is in the tier that is reached
                    lowered = self.column(cost=-rate)
                    self.row({lowered: 1.0, here: -1e6}, "<=", 0.0)
                    low, amount = less(low, {lowered: 1.0}), lowered
                back |= {here: -self.cost[here], amount: rate}
            self.row(counted, "=", 0.0)
            if apart:
                self.row(low, "=", 0.0)
            self.row(chosen, "=", 1.0)
            if (left := self._left(term, a, b)) is not None:
                lesser, over = self._minimum(back, left, cost=0.0), self.column(cost=1.0)
                back[over] = -1.0
                self.row(less(back, lesser), "=", 0.0)
            self.returned.append((term, a, b, back))

    @staticmethod
    def _filling(term: Any) -> Any:
        """All that the tiers count, whatever they lower of it."""
        within = term.covered.within
        return term.covered if term.lowers is None else replace(term.covered, within=within[:-1])

    def _left(self, term: Any, start: datetime, end: datetime) -> Sum | None:
        """What credits and clauses before it leave of what it covers; None where all give no more than all."""
        if not self.credits.exceeds(term):
            return None
        spend = self._when(term, term.covered, "spend", start, end)
        left = less(spend, added(*self.credits.of(term, start, end)))
        for other, a, b, back in self.returned:
            if other.id != term.id and start <= a and b <= end and other.covered.inside(term.covered):
                left = less(left, back)
        return left

    def _take_or_pay(self, term: Any) -> None:
        price = float(term.price.amount)
        left: list[tuple[int, datetime]] = []
        before: Sum = {}
        sent = Sent(self, term.carried)
        for a, b, _, _ in self.windows(term):
            owed = float(term.take) * self._ready(term, max(a, self.start), min(b, self.end))
            untaken, extra, short = self.column(cost=price), self.column(), self.column(1.0, whole=True)
            taken = self.measure(term.covered, "taken", a, b)
            carried = self.column(owed * float(term.carry_over))
            if sent.lives:
                asked = self._minimum(taken, self._fixed(owed), cost=0.0)
                self.row(less({carried: 1.0}, less(taken, asked)), "<=", 0.0)
            reached = less(added(taken, before, sent.into(), {untaken: 1.0}), {carried: 1.0})
            before = {} if sent.lives else {carried: 1.0}
            if sent.lives:
                sent.new(carried)
            self.row(less(reached, {extra: 1.0}), "=", owed)
            self.row({untaken: 1.0, short: -owed}, "<=", 0.0)
            self.row({extra: 1.0, short: 1e5}, "<=", 1e5)
            if term.make_up is not None:
                within = term.make_up.within
                self._made_up(term, extra, [u for u, end in left if a < later(end, within)])
            left.append((untaken, b))
        sent.close()
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
            day = each.accepted or each.expected or each.due
            if term.credit and term.validity.start <= at_midnight(day, self.start):
                late = (day - each.due).days - (term.credit.after.count if term.credit.after else 0)
                part = min(late * float(term.credit.per_day), float(term.credit.at_most))
                inside = at_midnight(day, self.start) < min(self.end, term.validity.end)
                if inside and part > 0:
                    self.row({self.column(cost=-1.0): 1.0}, "<=", part * float(each.worth.amount))

    def _service_credit(self, term: Any) -> None:
        rest = None if term.cap is None else self._fixed(float(term.cap.amount))
        for a, b, _, _ in self.windows(term):
            known = [m for m in term.measured if a <= at_midnight(m.on, a) < b]
            part = max([float(x.credit) for m in known for x in term.bands if m.availability < x.below], default=0.0)
            if part and (term.claim_within is None or known[0].claimed):
                given = added(self.measure(term.covered, "spend", a, b), times=part)
                if (left := self._left(term, a, b)) is not None:
                    given = self._minimum(given, left, cost=0.0)
                if rest is not None:
                    given = self._minimum(given, rest, cost=0.0)
                    rest = less(rest, given)
                for column, value in given.items():
                    self.cost[column] -= value
                self.returned.append((term, a, b, given))

    def _share(self, term: Any) -> None:
        for a, b, _, _ in self.windows(term):
            of = "listed" if term.measure == "list" else term.measure
            part, whole = (self.measure(selection, of, a, b) for selection in (term.part, term.covered))
            if term.at_least is not None:
                self.row(less(part, added(whole, times=float(term.at_least))), ">=", 0.0)
            if term.at_most is not None:
                self.row(less(part, added(whole, times=float(term.at_most))), "<=", 0.0)

    def _revenue_share(self, term: Any) -> None:
        self._charged(term)

    def _liquidated_damages(self, term: Any) -> None:
        if term.amount is not None:
            self._lumps(term)
        else:
            self._charged(term)

    def _lumps(self, term: Any) -> None:
        """A sum for each window in which there is any breach; of a cap in all, no more than that."""
        lumps: Sum = {}
        for a, b, part, _ in self.windows(term):
            any_of_it = self.column(1.0, whole=True)
            self.row(less(self.measure(term.covered, "work", a, b), {any_of_it: 1e6}), "<=", 0.0)
            lumps[any_of_it] = float(term.amount.amount) * part
        cap = self._in_all(term)
        if cap is None:
            for column, amount in lumps.items():
                self.cost[column] += amount
        elif lumps:
            ((_, _, part, _),) = self.windows(term, "term")
            self._lesser(lumps, cap * part)

    def _in_all(self, term: Any) -> float | None:
        """The most that is owed in all: its own cap, or the cap of liability within which it is."""
        bound = getattr(term, "within", None)
        caps: list[Any] = [t for t in self.case.terms if t.id == bound and t.kind == "liability-cap"]
        cap = next((t.amount for t in caps), term.cap)
        return None if cap is None else float(cap.amount)

    def _charged(self, term: Any) -> None:
        """A part of a measure, up to a cap: a switch says which, and a wrong switch only costs more."""
        if term.cap_each is not None:
            for a, b, part, inside in self.windows(term):
                self._lesser(added(*self._texts(term, a, b)), float(term.cap_each.amount) * part * inside)
        elif (cap := self._in_all(term)) is not None:
            for a, b, part, inside in self.windows(term, "term"):
                self._lesser(self._due_of(term, a, b), cap * part * inside)
        else:
            for a, b, _, _ in self.windows(term):
                for column, value in added(*self._texts(term, a, b)).items():
                    self.cost[column] += value

    def _texts(self, term: Any, start: datetime, end: datetime) -> Iterator[Sum]:
        """What each text of a clause asks of its part of a window, up to one of them."""
        for each in self.case.terms:
            if each.id == term.id and each.validity.start <= term.validity.start:
                a, b = max(start, each.validity.start), min(end, each.validity.end)
                yield self._due_of(each, a, b) if a < b else {}

    def _due_of(self, term: Any, start: datetime, end: datetime) -> Sum:
        """What is owed of a time, but for a cap."""
        if term.kind == "revenue-share":
            of, rate = "revenue", float(term.rate)
        elif term.price is not None:
            of, rate = "work", float(term.price.amount)
        else:
            of, rate = "listed" if term.measure == "list" else "spend", float(term.rate)
        if of == "revenue":
            return added(self._when(term, term.covered, of, start, end), times=rate)
        return added(self.measure(term.covered, of, start, end), times=rate)


def _stepwise(terms: list[Any], way: str) -> tuple[list[float], list[float]]:
    """Tiers of money of several clauses as one: at each amount where any begins, what all take off there."""
    starts = sorted({0.0, *(float(t.from_.amount) for term in terms for t in term.tiers)})
    rates = []
    for start in starts:
        each = [[0.0, *(float(t.off) for t in term.tiers if float(t.from_.amount) <= start)][-1] for term in terms]
        kept = 1.0
        for rate in each:
            kept *= 1 - rate
        rates.append(max(each) if way == "best-of" else 1 - kept)
    return starts, rates
