"""Windows of clauses in the oracle, and minimum commitments, which are counted in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, takewhile
from typing import Any

from detente.contract.reach.scope import Scope
from detente.values.committed import number
from tests.planner.oracle.credits import Credits
from tests.planner.oracle.money import Money
from tests.planner.oracle.sent import Sent
from tests.planner.oracle.sheet import MONTHS, Slot, Sum, added, at_midnight, later, less, month_of, next_month


class Windows(Money):
    """What is counted, window by window."""

    credits: Credits
    saved: list[tuple[Any, datetime, datetime, Sum]]
    """What each savings plan saves in each time, less what is paid for it."""

    def saved_in(self, term: Any, start: datetime, end: datetime) -> Sum:
        """What savings plans save in a time, of what a clause covers: another party's plan is none of it."""
        of = ((plan, net) for plan, a, b, net in self.saved if start <= a and b <= end)
        return added(*(net for plan, net in of if plan.sold.inside(term.covered)))

    def windows(self, term: Any, every: str | None = None) -> list[tuple[datetime, datetime, float, float]]:
        """Start, end, the part of the amount (a ramp's, or 1) and the share within the horizon."""
        cut = getattr(term, "cycle", term.windows)
        begin, divided_from = self._text_begin(term, every)
        every, ramp = every or cut.every, None if every else cut.ramp
        found = []
        since, until, whole = term.validity.start, term.validity.end, None
        begun, ended = term.validity.begun, term.validity.ended
        if begun and begun.running and begun.how == "whole-window":
            since = begun.running.start
        if ended and ended.running and ended.how:
            until = ended.running.start if ended.how == "whole-window" else until
            whole = ended.running.end if ended.how != "whole-window" else None
        for k in range(10_000):
            if every == "term":
                a, b = begin, whole or until
            else:
                a, b = self._nth(begin, every, k), self._nth(begin, every, k + 1)
                b = min(b, whole or until)
            if a >= until:
                break
            if b <= since and not (ramp and k >= len(ramp)):
                continue  # ended before the clause was in force
            nominal = max(a, divided_from), b
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

    def _text_begin(self, term: Any, of_each: str | None) -> tuple[datetime, datetime]:
        """When the windows of a text begin: with that of the earlier text which it goes on with, were it not cut.

        Of its own windows, or of those that are asked for (``of_each``: all of its time, for a cap in all). And when
        that text came into force: what of a window is from then on has the whole amount.
        """
        begun, on = term.validity.begun, term.validity.start
        if not (begun and begun.running and begun.how in ("whole-window", "pro-rata")):
            return self.begin(term), term.validity.start
        terms: list[Any] = list(self.case.terms)
        earlier = next(each for each in terms if each.id == term.id and each.validity.end == on)
        first, divided_from = self._text_begin(earlier, of_each)
        every = of_each or getattr(earlier, "cycle", earlier.windows).every
        starts = [first] if every == "term" else (self._nth(first, every, k) for k in count())
        *_, begin = takewhile(lambda at: at <= on, starts)
        return (self.begin(term) if term.windows.starts else begin), divided_from

    @staticmethod
    def _nth(begin: datetime, every: str, k: int) -> datetime:
        if every in ("hour", "day", "week"):
            return begin + k * timedelta(hours={"hour": 1, "day": 24, "week": 168}[every])
        return next_month(begin, k * MONTHS[every])

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
        windows, sent = self.windows(term), Sent(self, term.carried)
        for k, (a, b, part, inside) in enumerate(windows):
            amount = self._amount(term, a, b) * part * inside
            prepaid = any(each.prepaid for each in term.milestones)
            counted = self._prepaid(term, of, amount) if prepaid else self._reached(term, of, a, b, amount)
            reached = added(counted, before)
            carried = self.column(amount * float(term.carry_over))
            if term.carried != "chained":  # a wrong switch only carries less
                has = self.column(1.0, whole=True)
                self.row({carried: 1.0, has: -1e6}, "<=", 0.0)
                self.row(less({carried: 1.0, has: 1e6}, counted), "<=", 1e6 - amount)
            put_off = self.column(amount * self._deferred(term, k) if k + 1 < len(windows) else 0.0)
            reached = less(added(reached, sent.into()), {carried: 1.0, put_off: -1.0})
            before = {put_off: -1.0} if sent.lives else {carried: 1.0, put_off: -1.0}
            left = sent.new(carried) if sent.lives else {carried: 1.0}
            if term.shortfall != "forbidden":
                lump = term.shortfall.lump
                price = float(term.shortfall.price.amount if term.shortfall.price else term.shortfall.fee)
                short = self.column(amount, cost=0.0 if lump else price)
                reached = added(reached, {short: 1.0})
                if lump:
                    missed = self.column(1.0, cost=float(lump.amount) * part, whole=True)
                    self.row({short: 1.0, missed: -amount}, "<=", 0.0)
                    most = (1e6 if sent.lives else amount) * float(term.carry_over)
                    self.row(added(left, {missed: most}), "<=", most)
            self.row(reached, ">=", amount)
        sent.close()
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
    def _deferred(term: Any, place: int) -> float:
        """The part of a window's amount that may be put off: of each alike, or of each its own, from the first on."""
        parts = term.deferral
        if not isinstance(parts, tuple):
            return float(parts)
        return float(parts[place]) if place < len(parts) else 0.0

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
        reached = added(reached, *self._bought(term, start, end))
        if term.measure == "after-credits":
            reached = less(reached, added(*self.credits.of(term, start, end)))
        if term.measure == "after-plans":
            reached = less(reached, self.saved_in(term, *self.used(term, start, end)))
        return reached

    def _prepaid(self, term: Any, of: str, amount: float) -> Sum:
        """What counts by the end where what is missing of a milestone is charged as prepayment, each step exactly."""
        classes = [each.of for each in term.counts]
        own = replace(term.covered, outside=(*term.covered.outside, *classes))
        first = since = term.validity.start
        end, days = term.validity.end, {at_midnight(m.by, self.start): m for m in term.milestones}
        gone = {at: later(at, m.valid_for) if m.valid_for else end for at, m in days.items()}
        left: dict[datetime, Sum] = {}
        counted: Sum = {}
        for at in sorted({*days, *(min(each, end) for each in gone.values()), end}):
            used, begun = self._when(term, own, of, since, at), since
            since = at
            if term.measure == "after-credits":
                used = less(used, added(*self.credits.of(term, begun, at)))
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

    def _bought(self, term: Any, start: datetime, end: datetime) -> Iterator[Sum]:
        """What is paid in a time of the payments that count."""
        for each in (t for t in list[Any](self.case.terms) if t.id in getattr(term, "prepayments", ())):
            day = at_midnight(each.on, self.start)
            if max(start, self.start) <= day < min(end, self.end) and each.validity.start <= day < each.validity.end:
                yield self._fixed(float(each.amount.amount))

    def _of_classes(self, term: Any, of: str, start: datetime, end: datetime, amount: float) -> Iterator[Sum]:
        """What there is of each class, or its part of an amount where that is less; and what is bought."""
        yield from self._bought(term, start, end)
        seen: list[Any] = []
        for each in term.counts:
            inside = replace(term.covered, within=(*term.covered.within, each.of))
            there = self._when(term, replace(inside, outside=(*inside.outside, *seen)), of, start, end)
            yield self._minimum(there, self._fixed(float(each.at_most) * amount), cost=0.0)
            seen.append(each.of)

    def _when(self, term: Any, selection: Any, of: str, start: datetime, end: datetime) -> Sum:
        """A measure by the moment at which a commitment counts: of use by month, of reservations by day."""
        if getattr(term, "moment", "use") == "use":
            return self.measure(selection, of, start, end)
        start, end = max(start, self.start), min(end, self.end)
        apart = () if of == "revenue" else (Scope({"buy": ["reserved"]}),)
        rest = replace(selection, outside=(*selection.outside, *apart))
        total = self.measure(rest, of, *self.used(term, start, end))
        for offer in self.case.offers if apart else ():
            if getattr(offer, "term", None) and selection.covers(None, self.facts(offer)):
                for bought in self.units.get(offer.id, []):
                    total = added(total, self._reservation(offer, bought, term.moment, of, start, end))
        return total

    @staticmethod
    def used(term: Any, start: Any, end: Any) -> tuple[Any, Any]:
        """The time whose use counts in a time: by invoice, of the months that end in it, or with its first moment."""
        if getattr(term, "moment", "use") != "invoice":
            return start, end
        ends = [at if at == month_of(at) else next_month(month_of(at)) for at in (start, end)]
        return next_month(ends[0], -1), next_month(ends[1], -1)

    def _reservation(
        self, offer: Any, bought: dict[str, Any], moment: str, of: str, start: datetime, end: datetime
    ) -> Sum:
        """What counts of one purchase in a time: equal parts of what is paid of it until the plan ends."""
        cost = 0.0
        for slot in self.slots:
            hours = slot.hours * slot.inside(bought["start"], bought["until"])
            cost += hours * self._price_of(offer, bought, slot)
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
