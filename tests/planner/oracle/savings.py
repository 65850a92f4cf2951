"""Savings plans in the oracle: which uses they cover, and in which order."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.planner.oracle.money import Money
from tests.planner.oracle.sheet import Slot, Sum, added, dated, less

MUCH = 100_000.0
"""More than is taken of any offer of a random case."""

Taken = dict[tuple[str, bool | None], Sum]
"""What plans have covered so far, by offer and whether it is their owner's."""


class Savings(Money):
    """Commitments to pay by the hour, at lower rates."""

    saved: list[tuple[Any, datetime, datetime, Sum]]
    """What each saves in each time, less what is paid for it."""

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
                paid = self.column(due, cost=1.0)
                self.row({paid: 1.0}, ">=", due)
                net: Sum = {paid: -1.0}
                self.saved.append((term, start, end, net))
                taken: Taken = {}
                for first in there:
                    self._covered_in_order(first, start, end, taken)
                if term.owner.wanted or self._counted_at_least():
                    net.update(self._covered_in_order(term, start, end, taken, saves=True))
                    continue
                used: Sum = {}
                for offer, rate, price in self._in_plan(term, start):
                    covered = self.column(cost=-price)
                    net[covered] = price
                    whole = self.measure(term.covered.at(offer=offer), "taken", start, end)
                    before = added(*(of for (name, _), of in taken.items() if name == offer))
                    self.row(added({covered: 1.0}, before, added(whole, times=-1.0)), "<=", 0.0)
                    used = added(used, {covered: rate})
                self.row(used, "<=", due)

    def _counted_at_least(self) -> bool:
        """Whether a floor counts what is left, which a plan would rather raise by covering less."""
        terms: list[Any] = list(self.case.terms)
        return any(t.kind == "minimum-commitment" and t.measure == "after-plans" for t in terms)

    def _plans_before(self, term: Any) -> list[Any]:
        """Plans that a plan comes after, first those that the others come after."""
        found: list[Any] = []
        for each in self.case.terms:
            if each.id in term.after:
                found += [f for f in (*self._plans_before(each), each) if f not in found]
        return found

    def _in_plan(self, term: Any, at: datetime) -> list[tuple[str, float, float]]:
        """Its offers, the largest saving first: the price of a unit in it, and outside, at a moment."""
        found = []
        offers: list[Any] = list(self.case.offers)
        for offer in offers:
            if offer.id in term.rates:
                ((_, listed),) = dated(offer.price, Slot(at, at + timedelta(hours=1)))
                price = float(listed.amount) / (1 if listed.unit == "GPU-hour" else offer.unit)
                found.append((offer.id, float(term.rates[offer.id].amount), price))
        return sorted(found, key=lambda of: (of[1] / of[2], of[1]))

    def _plan_items(self, plan: Any, at: datetime) -> list[tuple[str, bool | None, Any, float, float]]:
        """What it covers, in order: the owner's (True) before that of others; its scope, its prices."""
        found: list[tuple[str, bool | None, Any, float, float]] = []
        for own in (True, False) if plan.owner.wanted else (None,):
            for offer, rate, price in self._in_plan(plan, at):
                of = plan.covered.at(offer=offer)
                of = replace(of, within=(*of.within, plan.owner)) if own else of
                of = replace(of, outside=(*of.outside, plan.owner)) if own is False else of
                found.append((offer, own, of, rate, price))
        return found

    def _covered_in_order(self, plan: Any, start: datetime, end: datetime, taken: Taken, *, saves: bool = False) -> Sum:
        """One of the items is the last that is covered, perhaps in part, or all are covered whole."""
        due = float(plan.commitment.amount) * ((end - start) / timedelta(hours=1))
        items = self._plan_items(plan, start)
        last = [self.column(1.0, whole=True) for _ in (*items, None)]
        self.row(dict.fromkeys(last, 1.0), "=", 1.0)
        used: Sum = {}
        net: Sum = {}
        for place, (offer, own, of, rate, price) in enumerate(items):
            there = [each for (name, whose), each in taken.items() if name == offer and own in (None, whose)]
            left = less(self.measure(of, "taken", start, end), added(*there))
            covered = self.column(cost=-price if saves else 0.0)
            net[covered] = price
            self.row(less({covered: 1.0}, left), "<=", 0.0)
            self.row(less(left, {covered: 1.0} | dict.fromkeys(last[: place + 1], MUCH)), "<=", 0.0)
            self.row({covered: 1.0} | dict.fromkeys(last[place:], -MUCH), "<=", 0.0)
            used = added(used, {covered: rate})
            taken[offer, own] = added(taken.get((offer, own), {}), {covered: 1.0})
        self.row(used, "<=", due)
        self.row(added(used, {last[-1]: due}), ">=", due)
        return net
