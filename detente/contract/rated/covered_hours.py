"""Covered hours: what a plan that is paid by the hour covers in each, in exact numbers.

Owns: the order (the owner's use before that of others, the largest saving first, the last in part), and what plans that
come first leave. Not here: the same in a program (``planned_hours``), and what is paid (``terms.savings_plan``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Protocol

from detente.contract.metered.meter import Meter
from detente.contract.metered.totals import Totals
from detente.contract.reach.scope import Selection
from detente.contract.reach.validity import Validity
from detente.contract.reach.window import Window
from detente.values.money import WorkPrice


@dataclass(frozen=True)
class CoveredUse:
    """Use of one offer that a plan covers: all of it, or the owner's, or that of all others."""

    offer: str
    name: str
    of: Selection
    of_others: bool = False


class HourlyPlan(Protocol):
    """What is asked of a plan."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def validity(self) -> Validity:
        """When it is in force."""

    @property
    def rates(self) -> Mapping[str, WorkPrice]:
        """By offer, its price in the plan."""

    @property
    def uses(self) -> tuple[CoveredUse, ...]:
        """What it covers."""

    @property
    def firsts(self) -> Sequence[HourlyPlan]:
        """The plans that come before it."""

    def taken(self, use: CoveredUse) -> Meter:
        """What is taken in each hour."""

    def listed(self, use: CoveredUse) -> Meter:
        """What that costs without it."""

    def due(self, window: Window) -> Fraction:
        """What is paid in an hour."""

    def shares(self, earlier: CoveredUse, use: CoveredUse) -> bool:
        """Whether what another covers is of what it covers."""


class CoveredHours:
    """What a plan covers in each hour; what is the same in all hours is worked out once.

    ``known`` has the plans that were made so for one settlement: several may come after one.
    """

    def __init__(self, plan: HourlyPlan, known: dict[tuple[str, datetime], CoveredHours]) -> None:
        self._plan = plan
        self._prices = {offer: Fraction(price.amount) for offer, price in plan.rates.items()}
        self._meters = {use: (plan.taken(use), plan.listed(use)) for use in plan.uses}
        self.hours = next(meter.windows for meter, _ in self._meters.values())
        self._covered: dict[tuple[Fraction, tuple[OpenUse, ...]], tuple[Covered, ...]] = {}
        """By what an hour pays and can cover: most hours are like others."""
        self._before: list[tuple[CoveredHours, dict[CoveredUse, CoveredUse]]] = []
        for first in plan.firsts:
            key = first.id, first.validity.start
            if key not in known:
                known[key] = CoveredHours(first, known)
            shared = {each: use for each in first.uses for use in plan.uses if plan.shares(each, use)}
            self._before.append((known[key], shared))

    def hour(self, window: Window, totals: Totals) -> tuple[Fraction, Fraction]:
        """What an hour uses of its commitment, and what that would have cost."""
        covered = self._covers(window, totals)
        used = sum((part * self._prices[use.offer] for use, part, _ in covered), Fraction(0))
        return used, sum((part * listed for _, part, listed in covered), Fraction(0))

    def _covers(self, window: Window, totals: Totals) -> tuple[Covered, ...]:
        due, use = self._plan.due(window), tuple(self._open(window, totals))
        found = self._covered.get((due, use))
        if found is None:
            found = self._covered[due, use] = tuple(self._in_order(due, use))
        return found

    def _in_order(self, left: Fraction, use: Sequence[OpenUse]) -> Iterator[Covered]:
        """What an hour's money covers, in order of savings, the last in part."""
        each = [(of, open_, cost / taken) for of, open_, taken, cost in use]
        for of, open_, listed in sorted(each, key=self._by_savings):
            price = self._prices[of.offer]
            covered = min(open_, left / price) if price else open_
            left -= covered * price
            yield of, covered, listed

    def _by_savings(self, use: Covered) -> tuple[bool, Fraction, Fraction]:
        """The owner's first; the largest saving first, as a part of the price; of equals the lowest price in the plan.

        https://docs.aws.amazon.com/savingsplans/latest/userguide/sp-applying.html
        """
        of, _, listed = use
        return of.of_others, self._prices[of.offer] / listed, self._prices[of.offer]

    def _open(self, window: Window, totals: Totals) -> Iterator[OpenUse]:
        """What it can cover; use that costs nothing without it needs no cover."""
        before = dict.fromkeys(self._meters, Fraction(0))
        for first, shared in self._before:
            for hour in first.hours.over(window.start, window.start):
                for of, covered, _ in first._covers(hour, totals):
                    if of in shared:
                        before[shared[of]] += covered
        for of, meters in self._meters.items():
            taken, listed = (totals.total(meter, window) for meter in meters)
            if taken > before[of] and listed > 0:
                yield of, taken - before[of], taken, listed


WentHour = tuple[datetime, tuple[Fraction, Fraction]]
"""An hour's start, what it uses of the commitment, and what that would have cost."""
Covered = tuple[CoveredUse, Fraction, Fraction]
"""Of one use in an hour: which, how much of it, and what a unit costs without the plan."""
OpenUse = tuple[CoveredUse, Fraction, Fraction, Fraction]
"""Of one use in an hour: which, how much of it can be covered, how much there is, and what all of that is at list."""
