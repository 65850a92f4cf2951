"""Planned hours: what a plan that is paid by the hour covers in each, as columns and rows of a program.

Owns: the contract's order where a program would choose another, and what plans that come first leave. Not here: the
same in exact numbers (``covered_hours``), and what is paid (``terms.savings_plan``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Protocol, Self

from detente.contract.program import ClauseOwner, Expression, Program
from detente.contract.rated.covered_hours import CoveredUse, HourlyPlan
from detente.contract.reach.window import Window

FirstPlan = tuple[str, datetime]
"""The id of a plan that comes first, and from when it is in force."""
CoveredBefore = Mapping[FirstPlan, Mapping[CoveredUse, Expression]]
"""What each of the plans that come first covers, by use, in each time."""


class OwningPlan(HourlyPlan, ClauseOwner, Protocol):
    """A plan that owns what is added for it."""


@dataclass(frozen=True)
class PlannedHours:
    """What a plan covers in times over which use is even; ``before``: what plans that come first do."""

    plan: OwningPlan
    program: Program
    times: Sequence[Window]
    before: CoveredBefore = field(default_factory=dict)

    @classmethod
    def of(cls, plan: OwningPlan, program: Program, times: Sequence[Window]) -> Self:
        """The same, knowing what each of the plans that come first covers of each use: it has no choice."""
        found: dict[FirstPlan, dict[CoveredUse, Expression]] = {}
        for first in plan.firsts:
            rows = [row for row, time in enumerate(times) if first.validity.over(time.start, time.end)]
            if not rows:
                continue
            place = [rows.index(row) if row in rows else -1 for row in range(len(times))]
            so_far = {each: {o: e.gather(place, len(rows)) for o, e in of.items()} for each, of in found.items()}
            covered = cls(plan, program, [times[row] for row in rows], so_far).covered_by(first)
            found[first.id, first.validity.start] = {o: e.gather(rows, len(times)) for o, e in covered.items()}
        return cls(plan, program, times, found)

    def left(self, plan: HourlyPlan, use: CoveredUse) -> Expression:
        """What of a use the plans leave that come before a plan."""
        taken = self.program.total(plan.taken(use), self.times)
        for first in plan.firsts:
            covered = self.before.get((first.id, first.validity.start), {})
            for each in (each for each in covered if plan.shares(each, use)):
                taken = taken - covered[each]
        return taken

    def covered_by(self, first: HourlyPlan, paid: Expression | None = None) -> dict[CoveredUse, Expression]:
        """By use, in order: the next only where all of one is covered, and all of them while money is left.

        What the plan itself covers, with what is ``paid`` for it, saves its price.
        """
        plan, program, times = self.plan, self.program, self.times
        due, nothing = [first.due(time) for time in times], [Fraction(0) for _ in times]
        own = first is plan
        found: dict[CoveredUse, Expression] = {}
        used = earlier = None
        for use in self._in_order(first, first.rates):
            left = self.left(first, use)
            name, what, saves = f"{first.id} {use.name}", "before", Fraction(0)
            if own:
                name, what, saves = use.name, "covered", -self.listed(use.offer)
            most = program.most(left)
            covered = found[use] = program.slack(plan, f"{name} {what}", most=most, price=saves)
            program.require(plan, f"{name}-{what}", covered - left <= nothing)
            earlier = self._in_turn(name, (covered, left), earlier)
            each = covered * Fraction(first.rates[use.offer].amount)
            used = each if used is None else used + each
        assert used is not None
        assert earlier is not None
        row = "used" if own else f"{first.id} used"
        program.require(plan, row, used <= due if paid is None else used - paid <= nothing)
        program.require(plan, f"{row}-up", used + earlier * due >= due)
        return found

    def exactly(self, found: Mapping[CoveredUse, tuple[Expression, Expression]], used: Expression) -> None:
        """The contract's order leaves no choice: a floor that counts what is paid would rather have use uncovered.

        ``found``: by use, what is covered of it and what is left of it to cover; ``used``: of the hours' money.
        """
        earlier = None
        for use in self._in_order(self.plan, {each.offer for each in found}):
            earlier = self._in_turn(use.name, found[use], earlier)
        assert earlier is not None
        due = [self.plan.due(time) for time in self.times]
        self.program.require(self.plan, "used-up", used + earlier * due >= due)

    def listed(self, offer: str) -> Fraction:
        """The list price of an offer: the same in all times."""
        return self.program.list_price(offer, self.times[0].start)

    def _in_order(self, plan: HourlyPlan, offers: Collection[str]) -> list[CoveredUse]:
        """Use in the order in which a plan covers it: first where that saves the largest part of the list price."""
        listed = {offer: self.listed(offer) for offer in offers}

        def turn(use: CoveredUse) -> tuple[bool, Fraction, Fraction]:
            price = Fraction(plan.rates[use.offer].amount)
            return use.of_others, price / (listed[use.offer] or 1), price  # where one is not sold, nothing is taken

        return sorted(plan.uses, key=turn)

    def _in_turn(self, name: str, of: tuple[Expression, Expression], earlier: Expression | None) -> Expression:
        """By time whether all of what is left of a use is covered: some of it only where all before it is."""
        covered, left = of
        most = self.program.most(left)
        whole = self._all_covered(name, left - covered, most)
        if earlier is not None:
            nothing = [Fraction(0) for _ in most]
            self.program.require(self.plan, f"{name}-next", covered - earlier * most <= nothing)
            self.program.require(self.plan, f"{name}-order", whole - earlier <= nothing)
        return whole

    def _all_covered(self, name: str, rest: Expression, most: Sequence[Fraction]) -> Expression:
        """By time a whole number that is 1 only where all of a use is covered: where there is no rest, of so much."""
        whole = self.program.slack(self.plan, f"{name} whole", most=[Fraction(1) for _ in most], whole="nearest")
        self.program.require(self.plan, f"{name}-whole", rest + whole * most <= most)
        return whole
